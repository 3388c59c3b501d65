//! Saying who signed in (SAML Core §2, SAML Profiles §4.1.4.2), or that nobody did.

use askama::Template;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{EMAIL_ADDRESS, PERSISTENT, PageError, Recipient, SamlProvider, Session, UNSPECIFIED};
use crate::{browser::random_token, timestamp::Timestamp};

/// How long an assertion may be on its way.
const LIFETIME_SECS: u64 = 300;
/// How far ahead clocks of service providers may be behind.
const LEEWAY_SECS: u64 = 60;

/// What a response answers.
pub(super) struct Question<'a> {
    pub(super) recipient: &'a Recipient<'a>,
    /// The id of the request; `None` for a response that nobody asked for.
    pub(super) in_response_to: Option<&'a str>,
    pub(super) name_id_format: NameIdFormat,
}

/// Which of a user's names a service provider gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameIdFormat {
    EmailAddress,
    Persistent,
}

impl NameIdFormat {
    /// `None` for those that are not given here.
    pub(super) fn parse(format: Option<&str>) -> Option<Self> {
        match format {
            None | Some(PERSISTENT | UNSPECIFIED) => Some(Self::Persistent),
            Some(EMAIL_ADDRESS) => Some(Self::EmailAddress),
            Some(_) => None,
        }
    }

    fn urn(self) -> &'static str {
        match self {
            Self::EmailAddress => EMAIL_ADDRESS,
            Self::Persistent => PERSISTENT,
        }
    }
}

/// Why there is no assertion (SAML Core §3.2.2.2), by its second-level code.
#[derive(Clone, Copy, Debug)]
pub(super) enum Refusal {
    InvalidNameIdPolicy,
    NoPassive,
}

impl Refusal {
    fn code(self) -> &'static str {
        match self {
            Self::InvalidNameIdPolicy => "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy",
            Self::NoPassive => "urn:oasis:names:tc:SAML:2.0:status:NoPassive",
        }
    }
}

/// `templates/identity_providers/saml/response.xml`.
#[derive(Template)]
#[template(path = "identity_providers/saml/response.xml")]
struct ResponseXml<'a> {
    id: &'a str,
    assertion_id: &'a str,
    issuer: &'a str,
    audience: &'a str,
    acs_url: &'a str,
    in_response_to: Option<&'a str>,
    name_id_format: &'a str,
    name_id: &'a str,
    session: &'a Session,
    now: &'a str,
    not_before: &'a str,
    not_on_or_after: &'a str,
}

impl ResponseXml<'_> {
    /// Those with one value.
    fn attributes(&self) -> [(&'static str, &str); 4] {
        let user = &self.session.user;
        let (first_name, last_name) = user.names();
        [
            ("email", &user.email),
            ("firstName", first_name),
            ("lastName", last_name),
            ("displayName", &user.name),
        ]
    }
}

/// `templates/identity_providers/saml/refusal.xml`.
#[derive(Template)]
#[template(path = "identity_providers/saml/refusal.xml")]
struct RefusalXml<'a> {
    id: &'a str,
    issuer: &'a str,
    acs_url: &'a str,
    in_response_to: Option<&'a str>,
    code: &'a str,
    now: &'a str,
}

/// A response with a signed assertion.
pub(super) fn respond(
    provider: &SamlProvider,
    question: &Question<'_>,
    session: &Session,
) -> Result<String, PageError> {
    let now = Timestamp::now().0;
    let audience = question.recipient.entity_id();
    let xml = ResponseXml {
        id: &new_id()?,
        assertion_id: &new_id()?,
        issuer: &provider.entity_id,
        audience,
        acs_url: question.recipient.acs_url(),
        in_response_to: question.in_response_to,
        name_id_format: question.name_id_format.urn(),
        name_id: &name_id(provider, session, audience, question.name_id_format),
        session,
        now: &Timestamp(now).rfc3339(),
        not_before: &Timestamp(now.saturating_sub(LEEWAY_SECS)).rfc3339(),
        not_on_or_after: &Timestamp(now + LIFETIME_SECS).rfc3339(),
    };
    sign(provider, &xml)
}

/// A signed response without an assertion.
pub(super) fn refuse(
    provider: &SamlProvider,
    recipient: &Recipient<'_>,
    in_response_to: Option<&str>,
    refusal: Refusal,
) -> Result<String, PageError> {
    let xml = RefusalXml {
        id: &new_id()?,
        issuer: &provider.entity_id,
        acs_url: recipient.acs_url(),
        in_response_to,
        code: refusal.code(),
        now: &Timestamp::now().rfc3339(),
    };
    sign(provider, &xml)
}

/// What the user is called to that service provider. Pairwise, and the same after a restart.
pub(super) fn name_id(
    provider: &SamlProvider,
    session: &Session,
    audience: &str,
    format: NameIdFormat,
) -> String {
    let user = &session.user;
    match format {
        NameIdFormat::EmailAddress => user.email.clone(),
        NameIdFormat::Persistent => {
            let parts = [provider.entity_id.as_str(), audience, &user.username].join("\n");
            URL_SAFE_NO_PAD.encode(digest(&SHA256, parts.as_bytes()))
        }
    }
}

/// An `xs:ID`: those begin with no digit.
pub(super) fn new_id() -> Result<String, PageError> {
    Ok(format!("_{}", random_token()?))
}

fn sign(provider: &SamlProvider, xml: &impl Template) -> Result<String, PageError> {
    let template = xml.render().map_err(|error| PageError::Signing(error.to_string()))?;
    provider.key.sign_xml(template)
}
