//! Security event tokens (RFC 8417), as the framework profiles them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `typ` of a security event token (RFC 8417 §2.3).
pub const SECURITY_EVENT_TYPE: &str = "secevent+jwt";

/// What happened, in the receivers' words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A session's user is known better or worse than before (CAEP §3.4).
    AssuranceLevelChange,
    /// A credential was made, changed or taken away (CAEP §3.3).
    CredentialChange,
    /// A session ended before its time (CAEP §3.1).
    SessionRevoked,
    /// What tokens say of a user is not so any more (CAEP §3.2).
    TokenClaimsChange,
    /// The stream's status changed (SSF §8.1.5).
    StreamUpdated,
    /// The receiver asked whether events arrive (SSF §8.1.4).
    Verification,
}

impl EventType {
    /// What a receiver can ask for. What is about the stream itself comes unasked.
    pub const SUPPORTED: [Self; 4] =
        [Self::AssuranceLevelChange, Self::CredentialChange, Self::SessionRevoked, Self::TokenClaimsChange];

    /// As on the wire.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::AssuranceLevelChange => {
                "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change"
            }
            Self::CredentialChange => "https://schemas.openid.net/secevent/caep/event-type/credential-change",
            Self::SessionRevoked => "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            Self::TokenClaimsChange => {
                "https://schemas.openid.net/secevent/caep/event-type/token-claims-change"
            }
            Self::StreamUpdated => "https://schemas.openid.net/secevent/ssf/event-type/stream-updated",
            Self::Verification => "https://schemas.openid.net/secevent/ssf/event-type/verification",
        }
    }

    /// Those of [`EventType::SUPPORTED`] that are asked for; nothing in particular asks for all. What is not known
    /// here is passed over.
    pub fn delivered(requested: Option<&[String]>) -> Vec<Self> {
        let is_wanted = |event: &Self| requested.is_none_or(|uris| uris.iter().any(|uri| uri == event.uri()));
        Self::SUPPORTED.into_iter().filter(is_wanted).collect()
    }
}

/// A security event token. It has neither `sub` nor `exp`, so that it is taken for no other token (SSF §4.1.5), and one
/// event (CAEP Interoperability Profile §2.8.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityEventClaims {
    /// The issuer.
    pub iss: String,
    /// Made, in seconds since 1970.
    pub iat: i64,
    /// The token's id.
    pub jti: String,
    /// The receiver; named when it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<String>,
    /// What the tokens about one event have in common: the event of the audit log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub txn: Option<String>,
    /// What it is about (RFC 9493).
    pub sub_id: Value,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
    /// The event.
    pub events: Value,
}

impl SecurityEventClaims {
    /// The member `events`, of one event.
    pub fn events(event: EventType, claims: &Value) -> Value {
        json!({ event.uri(): claims })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_delivered_and_nothing_in_particular_is_all() {
        let requested = [EventType::SessionRevoked.uri().to_owned(), "urn:example:other".to_owned()];

        assert_eq!(EventType::delivered(Some(&requested)), [EventType::SessionRevoked]);
        assert_eq!(EventType::delivered(Some(&[])), []);
        assert_eq!(EventType::delivered(None), EventType::SUPPORTED);
    }
}
