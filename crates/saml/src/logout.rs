//! Single logout (SAML core §3.7, SAML profiles §4.4): asking for it, being asked, and answering.
//!
//! **Invariant:** an incoming message is read only from what a pinned key signed: the digested bytes of the POST
//! binding, or the message in a query whose signature was verified over the raw query.

mod incoming;

pub use incoming::{
    IncomingLogout, LogoutCheck, LogoutOutcome, ReceivedLogoutRequest, ReceivedLogoutResponse,
    receive_request, receive_response,
};

use chrono::{DateTime, Utc};

use crate::binding::{self, MessageKind, PostForm};
use crate::crypto::SigningFailed;
use crate::key::KeyPair;
use crate::names::{SAML, SAMLP, SUCCESS};
use crate::response::NameId;
use crate::writer::Writer;
use crate::{instant, signing};

/// Only some sessions were ended (SAML core §3.2.2.2).
pub(crate) const PARTIAL: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";

/// A request to end sessions at the identity provider.
#[derive(Debug, Clone, Copy)]
pub struct LogoutRequest<'a> {
    /// Its id: an `NCName` of at least 128 random bits.
    pub id: &'a str,
    /// When it is made.
    pub issue_instant: DateTime<Utc>,
    /// When it expires.
    pub not_on_or_after: Option<DateTime<Utc>>,
    /// The single logout address of the identity provider.
    pub destination: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// Whose sessions, exactly as the assertion named them.
    pub name_id: &'a NameId,
    /// Which sessions; none for all.
    pub session_indexes: &'a [String],
}

/// An answer to a request for logout.
#[derive(Debug, Clone, Copy)]
pub struct LogoutResponse<'a> {
    /// Its id: an `NCName` of at least 128 random bits.
    pub id: &'a str,
    /// When it is made.
    pub issue_instant: DateTime<Utc>,
    /// The address that takes logout responses: the response location, or the location if there is none.
    pub destination: &'a str,
    /// Our entity id.
    pub issuer: &'a str,
    /// The id of the request.
    pub in_response_to: &'a str,
    /// How it went.
    pub status: LogoutStatus,
}

/// How logging out went on our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutStatus {
    /// Every session that was meant is ended.
    Success,
    /// Some sessions are ended.
    Partial,
    /// The request was refused.
    Requester,
    /// We failed.
    Responder,
}

impl LogoutRequest<'_> {
    /// The address to send the browser to, signed.
    pub fn redirect_url(&self, relay_state: Option<&str>, key: &KeyPair) -> Result<String, SigningFailed> {
        let xml = self.xml(None);
        binding::redirect_url(self.destination, MessageKind::Request, &xml, relay_state, Some(key))
    }

    /// The form to have the browser submit, signed.
    pub fn post_form(&self, key: &KeyPair) -> Result<PostForm, SigningFailed> {
        let xml = signing::sign(self.xml(Some(key)), Some(key))?;
        Ok(PostForm::new(self.destination, MessageKind::Request, &xml))
    }

    fn xml(&self, key: Option<&KeyPair>) -> String {
        let issued = instant::format(self.issue_instant);
        let expires = self.not_on_or_after.map(instant::format);
        let mut attributes = head(self.id, &issued, self.destination);
        attributes.extend(expires.iter().map(|expires| ("NotOnOrAfter", expires.as_str())));
        let mut writer = Writer::default();
        writer.open("samlp:LogoutRequest", &attributes).text("saml:Issuer", &[], self.issuer);
        if let Some(key) = key {
            writer.raw(&signing::template(self.id, key));
        }
        let name = self.name_id;
        let qualifiers = [
            ("Format", &name.format),
            ("NameQualifier", &name.name_qualifier),
            ("SPNameQualifier", &name.sp_name_qualifier),
        ];
        let given: Vec<_> =
            qualifiers.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect();
        writer.text("saml:NameID", &given, &name.value);
        for index in self.session_indexes {
            writer.text("samlp:SessionIndex", &[], index);
        }
        writer.finish()
    }
}

impl LogoutResponse<'_> {
    /// The address to send the browser to, signed.
    pub fn redirect_url(&self, relay_state: Option<&str>, key: &KeyPair) -> Result<String, SigningFailed> {
        let xml = self.xml(None);
        binding::redirect_url(self.destination, MessageKind::Response, &xml, relay_state, Some(key))
    }

    /// The form to have the browser submit, signed.
    pub fn post_form(&self, key: &KeyPair) -> Result<PostForm, SigningFailed> {
        let xml = signing::sign(self.xml(Some(key)), Some(key))?;
        Ok(PostForm::new(self.destination, MessageKind::Response, &xml))
    }

    fn xml(&self, key: Option<&KeyPair>) -> String {
        let issued = instant::format(self.issue_instant);
        let mut attributes = head(self.id, &issued, self.destination);
        attributes.push(("InResponseTo", self.in_response_to));
        let mut writer = Writer::default();
        writer.open("samlp:LogoutResponse", &attributes).text("saml:Issuer", &[], self.issuer);
        if let Some(key) = key {
            writer.raw(&signing::template(self.id, key));
        }
        let (code, second) = match self.status {
            LogoutStatus::Success => (SUCCESS, None),
            LogoutStatus::Partial => (SUCCESS, Some(PARTIAL)),
            LogoutStatus::Requester => (REQUESTER, None),
            LogoutStatus::Responder => (RESPONDER, None),
        };
        writer.open("samlp:Status", &[]).open("samlp:StatusCode", &[("Value", code)]);
        if let Some(second) = second {
            writer.empty("samlp:StatusCode", &[("Value", second)]);
        }
        writer.finish()
    }
}

fn head<'a>(id: &'a str, issued: &'a str, destination: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("xmlns:samlp", SAMLP),
        ("xmlns:saml", SAML),
        ("ID", id),
        ("Version", "2.0"),
        ("IssueInstant", issued),
        ("Destination", destination),
    ]
}
