//! Bearer tokens at a protected resource (RFC 6750).

use std::fmt;

use crate::oauth::{RequestError, ScopeSet};
use crate::params::Params;

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Whoever bears it (RFC 6750).
    Bearer,
    /// With a proof of possession (RFC 9449 §7.1).
    Dpop,
}

/// A token, as it is presented. It has no `Debug`: it is a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    /// How.
    pub scheme: Scheme,
    /// The token.
    pub token: &'a str,
}

impl Scheme {
    /// As in the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Finds the token in the `Authorization` header or a `POST`ed form (RFC 6750 §2.1, §2.2), never in a query.
///
/// `Ok(None)` if none is presented: the answer is a challenge without an error (§3.1).
///
/// # Errors
/// `invalid_request` for two tokens or what cannot be one.
pub fn parse<'a>(
    authorization: Option<&'a str>,
    form: Option<&'a Params>,
) -> Result<Option<Presented<'a>>, RequestError> {
    if form.and_then(Params::duplicated) == Some("access_token") {
        return Err(RequestError::invalid_request("access_token is given more than once"));
    }
    let in_header = authorization.and_then(credentials);
    let in_form = form.and_then(|form| form.get("access_token"));
    let in_form = in_form.map(|token| Presented { scheme: Scheme::Bearer, token });
    match (in_header, in_form) {
        (Some(_), Some(_)) => {
            Err(RequestError::invalid_request("the token is presented in more than one way"))
        }
        (Some(given), None) | (None, Some(given)) if !is_token(given.token) => {
            Err(RequestError::invalid_request("the token is malformed"))
        }
        (in_header, in_form) => Ok(in_header.or(in_form)),
    }
}

/// What follows the scheme `Bearer`; another scheme presents no token.
fn credentials(authorization: &str) -> Option<Presented<'_>> {
    let (name, credentials) = authorization.split_once(' ').unwrap_or((authorization, ""));
    let scheme = [Scheme::Bearer, Scheme::Dpop]
        .into_iter()
        .find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))?;
    Some(Presented { scheme, token: credentials.trim_matches(' ') })
}

/// `b64token` of RFC 6750 §2.1.
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && text.len() <= MAX_TOKEN_BYTES
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// The value of `WWW-Authenticate` (RFC 6750 §3), by its `Display`.
#[derive(Debug, Clone, Copy)]
pub struct Challenge<'a> {
    /// How the token is to be presented.
    pub scheme: Scheme,
    /// What is protected.
    pub realm: &'a str,
    /// Why the token was refused; `None` if there was none.
    pub error: Option<&'a RequestError>,
    /// The scope that is needed.
    pub scope: Option<&'a ScopeSet>,
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} realm={}", self.scheme.as_str(), Quoted(self.realm))?;
        if let Some(RequestError { code, description }) = self.error {
            write!(f, ", error={}, error_description={}", Quoted(code.as_str()), Quoted(description))?;
        }
        if let Some(scope) = self.scope {
            write!(f, ", scope={}", Quoted(&scope.to_string()))?;
        }
        Ok(())
    }
}

/// `quoted-string` of RFC 9110 §5.6.4, of printable ASCII; anything else reads `?`.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                ' '..='~' => write!(f, "{c}")?,
                _ => f.write_str("?")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ErrorCode;

    fn form(encoded: &str) -> Params {
        Params::parse(encoded).unwrap()
    }

    #[test]
    fn a_token_is_found_in_the_header_or_in_the_form() {
        let (with, without) = (form("access_token=a.b-c"), form("x=1"));

        let read = |header, form| {
            parse(header, form).map(|found| found.map(|found| (found.scheme.as_str(), found.token)))
        };

        assert_eq!(read(Some("bearer  a.b-c=="), None), Ok(Some(("Bearer", "a.b-c=="))));
        assert_eq!(read(Some("Bearer a.b-c"), Some(&without)), Ok(Some(("Bearer", "a.b-c"))));
        assert_eq!(read(None, Some(&with)), Ok(Some(("Bearer", "a.b-c"))));
        assert_eq!(read(Some("Basic eDp5"), Some(&with)), Ok(Some(("Bearer", "a.b-c"))));
        assert_eq!(read(Some("dpop a.b-c"), None), Ok(Some(("DPoP", "a.b-c"))));
    }

    #[test]
    fn no_token_is_no_error() {
        assert!(matches!(parse(None, None), Ok(None)));
        assert!(matches!(parse(Some("Basic eDp5"), Some(&form("x=1"))), Ok(None)));
    }

    #[test]
    fn two_tokens_or_a_malformed_one_are_an_invalid_request() {
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
        for (header, body) in [
            (Some("Bearer a"), Some("access_token=a")),
            (None, Some("access_token=a&access_token=a")),
            (Some("Bearer a"), Some("access_token=a&access_token=a")),
            (Some("Bearer"), None),
            (Some("Bearer ="), None),
            (Some("Bearer a b"), None),
            (Some("Bearer a=b"), None),
            (Some("Bearer é"), None),
            (Some(long.as_str()), None),
        ] {
            let body = body.map(form);
            let error = parse(header, body.as_ref()).err().unwrap();
            assert_eq!(error.code, ErrorCode::InvalidRequest, "{header:?} {body:?}");
        }
    }

    #[test]
    fn a_challenge_says_what_was_wrong() {
        let error = RequestError::new(ErrorCode::InsufficientScope, "more is needed");
        let scope = ScopeSet::parse("openid email").unwrap();

        let challenge =
            Challenge { scheme: Scheme::Bearer, realm: "orgate", error: Some(&error), scope: Some(&scope) };
        let bare = Challenge { scheme: Scheme::Bearer, realm: "orgate", error: None, scope: None };

        insta::assert_snapshot!(challenge, @r#"Bearer realm="orgate", error="insufficient_scope", error_description="more is needed", scope="email openid""#);
        insta::assert_snapshot!(bare, @r#"Bearer realm="orgate""#);
    }

    #[test]
    fn a_challenge_cannot_be_broken_out_of() {
        let error = RequestError::invalid_request("a\", scope=\"all\r\nSet-Cookie: x\\");

        let challenge =
            Challenge { scheme: Scheme::Bearer, realm: "a\"\\é\r\n", error: Some(&error), scope: None };

        insta::assert_snapshot!(challenge, @r#"Bearer realm="a\"\\???", error="invalid_request", error_description="a?, scope=?all??Set-Cookie: x?""#);
    }
}
