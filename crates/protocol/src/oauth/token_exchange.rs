//! Token exchange (RFC 8693) and what it is asked for, identity assertions among it (Identity Assertion
//! Authorization Grant).

use std::fmt;

use serde::{Serialize, Serializer};

use super::{ErrorCode, RequestError, ScopeSet, check_length, check_required, check_scope};
use crate::params::Params;

/// A token's type, by the names of RFC 8693 §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenTypeId {
    /// `access_token`.
    AccessToken,
    /// `id-jag`: an assertion for another authorization server.
    IdentityAssertion,
    /// `id_token`.
    IdToken,
    /// `jwt`; of ours, an access token.
    Jwt,
}

impl TokenTypeId {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::AccessToken, Self::IdentityAssertion, Self::IdToken, Self::Jwt];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "urn:ietf:params:oauth:token-type:access_token",
            Self::IdentityAssertion => "urn:ietf:params:oauth:token-type:id-jag",
            Self::IdToken => "urn:ietf:params:oauth:token-type:id_token",
            Self::Jwt => "urn:ietf:params:oauth:token-type:jwt",
        }
    }

    /// Reads [`TokenTypeId::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl Serialize for TokenTypeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What is presented, and for what (RFC 8693 §2.1).
#[derive(Clone)]
pub struct TokenExchange {
    /// Whom the new token is about.
    pub subject: (String, TokenTypeId),
    /// Who acts for them.
    pub actor: Option<(String, TokenTypeId)>,
    /// What is wanted: an access token unless said.
    pub requested: TokenTypeId,
    /// For whom it is meant, by a name that is no resource; at most 2048 bytes.
    pub audience: Option<String>,
    /// Narrows the scope; `None` keeps it.
    pub scope: Option<ScopeSet>,
}

/// The types only: the rest is secret.
impl fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, actor, requested, audience, scope } = self;
        f.debug_struct("TokenExchange")
            .field("subject", &subject.1)
            .field("actor", &actor.as_ref().map(|(_, kind)| kind))
            .field("requested", requested)
            .field("audience", audience)
            .field("scope", scope)
            .finish()
    }
}

/// Reads what is particular to an exchange.
///
/// # Errors
/// `invalid_request`; `invalid_scope`.
pub fn parse(params: &Params) -> Result<TokenExchange, RequestError> {
    let subject_token = check_required(params, "subject_token")?;
    let subject_type = check_type(params, "subject_token_type")?
        .ok_or_else(|| RequestError::invalid_request("subject_token_type is missing"))?;
    let actor_type = check_type(params, "actor_token_type")?;
    let actor = match (params.get("actor_token"), actor_type) {
        (None, None) => None,
        (Some(token), Some(kind)) => Some((token.to_owned(), kind)),
        (Some(_), None) | (None, Some(_)) => {
            let text = "actor_token and actor_token_type come together or not at all";
            return Err(RequestError::invalid_request(text));
        }
    };
    Ok(TokenExchange {
        subject: (subject_token, subject_type),
        actor,
        requested: check_type(params, "requested_token_type")?.unwrap_or(TokenTypeId::AccessToken),
        audience: check_length(params, "audience", 2048)?,
        scope: check_scope(params)?,
    })
}

/// An unknown type is one that is not served (RFC 8693 §2.2.2).
fn check_type(params: &Params, name: &'static str) -> Result<Option<TokenTypeId>, RequestError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let unknown = || RequestError::new(ErrorCode::InvalidRequest, format!("{name} is not served"));
    TokenTypeId::from_text(text).map(Some).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBJECT: &str = "subject_token=a&subject_token_type=urn:ietf:params:oauth:token-type:access_token";

    fn read(more: &str) -> Result<TokenExchange, ErrorCode> {
        parse(&Params::parse(&format!("{SUBJECT}&{more}")).unwrap()).map_err(|error| error.code)
    }

    #[test]
    fn an_access_token_is_what_is_wanted_unless_said() {
        let exchange = read("").unwrap();

        assert_eq!(exchange.subject, ("a".to_owned(), TokenTypeId::AccessToken));
        assert_eq!((exchange.requested, exchange.actor), (TokenTypeId::AccessToken, None));
        assert!(!format!("{exchange:?}", exchange = read("audience=x").unwrap()).contains("\"a\""));
    }

    #[test]
    fn what_does_not_fit_together_is_an_invalid_request() {
        for more in [
            "actor_token=b",
            "actor_token_type=urn:ietf:params:oauth:token-type:jwt",
            "requested_token_type=urn:ietf:params:oauth:token-type:saml2",
            "requested_token_type=access_token",
        ] {
            assert_eq!(read(more).unwrap_err(), ErrorCode::InvalidRequest, "{more}");
        }
        assert_eq!(read("scope=%22").unwrap_err(), ErrorCode::InvalidScope);
        let without = |body: &str| parse(&Params::parse(body).unwrap()).unwrap_err().code;
        assert_eq!(without("subject_token=a"), ErrorCode::InvalidRequest);
        assert_eq!(without("subject_token_type=x&subject_token=a"), ErrorCode::InvalidRequest);
    }
}
