//! The questions about a token: introspection (RFC 7662, RFC 9701) and revocation (RFC 7009).

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::token::TokenType;
use super::{RequestError, ScopeSet, check_duplicates, check_required};
use crate::jose::claims::AccessTokenClaims;
use crate::params::Params;

/// `typ` of a signed answer (RFC 9701 §5).
pub const INTROSPECTION_TYPE: &str = "token-introspection+jwt";

/// The media type that a caller asks for to get a signed answer (RFC 9701 §4).
pub const INTROSPECTION_MEDIA_TYPE: &str = "application/token-introspection+jwt";

/// The token that is asked about (RFC 7662 §2.1, RFC 7009 §2.1). `token_type_hint` is read by nobody: a
/// token says itself what it is.
///
/// # Errors
/// `invalid_request`.
pub fn parse(params: &Params) -> Result<String, RequestError> {
    check_duplicates(params)?;
    check_required(params, "token")
}

/// An answer (RFC 7662 §2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntrospectionResponse {
    /// An access token that is good: all that it says.
    AccessToken {
        /// How it is presented.
        token_type: TokenType,
        /// What it says.
        claims: Box<AccessTokenClaims>,
    },
    /// Nothing more is said of any other token.
    Inactive,
    /// A refresh token that is good.
    RefreshToken(Box<ActiveRefreshToken>),
}

/// What is said of a refresh token, to its own client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveRefreshToken {
    /// The issuer that its family began with.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client.
    pub client_id: String,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
    /// What was granted.
    pub scope: ScopeSet,
    /// The session.
    pub sid: String,
    /// The organization.
    pub org_id: String,
    /// The organization's slug.
    pub org_name: String,
}

#[derive(Serialize)]
struct Good<'a, T> {
    active: bool,
    token_type: &'a str,
    #[serde(flatten)]
    claims: &'a T,
}

impl Serialize for IntrospectionResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::AccessToken { token_type, claims } => {
                Good { active: true, token_type: token_type.as_str(), claims: &**claims }
                    .serialize(serializer)
            }
            Self::Inactive => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("active", &false)?;
                map.end()
            }
            Self::RefreshToken(token) => {
                Good { active: true, token_type: "refresh_token", claims: &**token }.serialize(serializer)
            }
        }
    }
}

/// A signed answer (RFC 9701 §5).
#[derive(Debug, Clone, Serialize)]
pub struct SignedIntrospection {
    /// The issuer.
    pub iss: String,
    /// The client that asked.
    pub aud: String,
    /// When it was answered.
    pub iat: i64,
    /// The answer. Times in it are the token's: an answer has none of its own, so that it is taken for
    /// no token.
    pub token_introspection: IntrospectionResponse,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn a_question_names_one_token() {
        let read = |body| parse(&Params::parse(body).unwrap()).map_err(|error| error.code);

        assert_eq!(read("token=a&token_type_hint=x").as_deref(), Ok("a"));
        for body in ["", "token=", "token=a&token=b", "token_type_hint=access_token"] {
            assert_eq!(read(body), Err(ErrorCode::InvalidRequest), "{body}");
        }
    }

    #[test]
    fn of_a_token_that_is_not_active_nothing_else_is_said() {
        insta::assert_json_snapshot!(IntrospectionResponse::Inactive, @r#"
        {
          "active": false
        }
        "#);
    }
}
