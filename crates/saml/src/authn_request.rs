//! Asking an identity provider to authenticate somebody (SAML core §3.4.1).
//!
//! **Invariant:** nothing about the user leaves unless the caller puts it into [`AuthnRequest::subject`].

use chrono::{DateTime, Utc};

use crate::binding::{self, MessageKind, PostForm};
use crate::crypto::SigningFailed;
use crate::key::KeyPair;
use crate::names::{BINDING_POST, SAML, SAMLP};
use crate::writer::Writer;
use crate::{instant, signing};

/// A request for authentication.
#[derive(Debug, Clone, Copy)]
pub struct AuthnRequest<'a> {
    /// Its id: an `NCName` of at least 128 random bits, such as [`message_id`](crate::binding::message_id) makes.
    pub id: &'a str,
    /// When it is made.
    pub issue_instant: DateTime<Utc>,
    /// The single sign-on address of the identity provider; it may have a query.
    pub destination: &'a str,
    /// The address to which the response is to be posted.
    pub acs_url: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// Whether the user must authenticate anew.
    pub force_authn: bool,
    /// Whether the identity provider must not show anything to the user.
    pub is_passive: bool,
    /// What kind of identifier is wanted; `None` leaves it to the identity provider.
    pub name_id_policy: Option<NameIdPolicy<'a>>,
    /// The authentication context classes of which one is wanted, exactly; none for any.
    pub authn_context: &'a [String],
    /// Whom to authenticate. Tells the identity provider, and everything on the way, who is signing in.
    pub subject: Option<SubjectHint<'a>>,
}

/// What kind of identifier is wanted (SAML core §3.4.1.1).
#[derive(Debug, Clone, Copy)]
pub struct NameIdPolicy<'a> {
    /// Its format; `None` for any.
    pub format: Option<&'a str>,
    /// Whether the identity provider may make a new one.
    pub allow_create: bool,
}

/// Whom to authenticate.
#[derive(Debug, Clone, Copy)]
pub struct SubjectHint<'a> {
    /// The identifier.
    pub value: &'a str,
    /// Its format.
    pub format: Option<&'a str>,
}

impl AuthnRequest<'_> {
    /// The address to send the browser to, with the request in its query; signed if there is a key.
    pub fn redirect_url(
        &self,
        relay_state: Option<&str>,
        key: Option<&KeyPair>,
    ) -> Result<String, SigningFailed> {
        binding::redirect_url(self.destination, MessageKind::Request, &self.xml(None), relay_state, key)
    }

    /// The form to have the browser submit; signed if there is a key.
    pub fn post_form(&self, key: Option<&KeyPair>) -> Result<PostForm, SigningFailed> {
        let xml = signing::sign(self.xml(key), key)?;
        Ok(PostForm::new(self.destination, MessageKind::Request, &xml))
    }

    fn xml(&self, key: Option<&KeyPair>) -> String {
        let issued = instant::format(self.issue_instant);
        let mut attributes = vec![
            ("xmlns:samlp", SAMLP),
            ("xmlns:saml", SAML),
            ("ID", self.id),
            ("Version", "2.0"),
            ("IssueInstant", issued.as_str()),
            ("Destination", self.destination),
            ("AssertionConsumerServiceURL", self.acs_url),
            ("ProtocolBinding", BINDING_POST),
        ];
        if self.force_authn {
            attributes.push(("ForceAuthn", "true"));
        }
        if self.is_passive {
            attributes.push(("IsPassive", "true"));
        }
        let mut writer = Writer::default();
        writer.open("samlp:AuthnRequest", &attributes).text("saml:Issuer", &[], self.issuer);
        if let Some(key) = key {
            writer.raw(&signing::template(self.id, key));
        }
        if let Some(subject) = self.subject {
            let format: Vec<_> = subject.format.iter().map(|format| ("Format", *format)).collect();
            writer.open("saml:Subject", &[]).text("saml:NameID", &format, subject.value).close();
        }
        if let Some(policy) = self.name_id_policy {
            let mut attributes: Vec<_> = policy.format.iter().map(|format| ("Format", *format)).collect();
            attributes.push(("AllowCreate", if policy.allow_create { "true" } else { "false" }));
            writer.empty("samlp:NameIDPolicy", &attributes);
        }
        if !self.authn_context.is_empty() {
            writer.open("samlp:RequestedAuthnContext", &[("Comparison", "exact")]);
            for class in self.authn_context {
                writer.text("saml:AuthnContextClassRef", &[], class);
            }
            writer.close();
        }
        writer.finish()
    }
}
