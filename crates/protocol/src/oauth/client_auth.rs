//! How a client says who it is (RFC 6749 §2.3, OIDC Core §9). What is read here is a claim, not yet a proof.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::token::TokenError;
use super::{ErrorCode, check_duplicates};
use crate::jose::Unverified;
use crate::params::{self, Params};

/// The challenge that goes with a 401 for `invalid_client` (RFC 6749 §5.2).
pub const BASIC_CHALLENGE: &str = r#"Basic realm="token", charset="UTF-8""#;

/// The one `client_assertion_type` (RFC 7523 §2.2).
pub const CLIENT_ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Longest `Authorization` header that is read, in bytes.
const MAX_HEADER_BYTES: usize = 4096;

/// Longest `client_id`, in bytes.
const MAX_CLIENT_ID_BYTES: usize = 255;

/// A way of authenticating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthMethod {
    /// `private_key_jwt`: an assertion that it signed (RFC 7523 §2.2).
    Assertion,
    /// `client_secret_basic`: in the `Authorization` header.
    Basic,
    /// `none`: a public client.
    None,
    /// `client_secret_post`: in the body.
    Post,
}

/// Whom a client says it is, and with what.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedClient {
    /// At most 255 bytes.
    pub client_id: String,
    /// How it was presented.
    pub method: ClientAuthMethod,
    /// The secret, or the assertion. Present, though maybe empty, exactly if the method is not
    /// [`ClientAuthMethod::None`].
    pub proof: Option<String>,
}

impl fmt::Debug for PresentedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client_id, method, proof: _ } = self;
        f.debug_struct("PresentedClient").field("client_id", client_id).field("method", method).finish()
    }
}

/// Reads a client's authentication from the `Authorization` header and the body.
///
/// # Errors
/// `invalid_request` for more than one method (RFC 6749 §5.2); `invalid_client` for none, a malformed or an
/// unknown one.
pub fn parse(authorization: Option<&str>, params: &Params) -> Result<PresentedClient, TokenError> {
    check_duplicates(params)?;
    let client = match (authorization, check_assertion(params)?) {
        (Some(_), Some(_)) => {
            return Err(TokenError::invalid_request("the client authenticates in more than one way"));
        }
        (None, Some(client)) => client,
        (Some(header), None) => check_basic(header, params)?,
        (None, None) => check_body(params)?,
    };
    if client.client_id.len() > MAX_CLIENT_ID_BYTES {
        return Err(invalid_client("client_id is too long"));
    }
    Ok(client)
}

/// RFC 7521 §4.2. Whom it is about, it says itself; `client_id` need not be there, and must not differ.
fn check_assertion(params: &Params) -> Result<Option<PresentedClient>, TokenError> {
    let (assertion, kind) = (params.get("client_assertion"), params.get("client_assertion_type"));
    let (Some(assertion), Some(kind)) = (assertion, kind) else {
        return match assertion.or(kind) {
            None => Ok(None),
            Some(_) => Err(invalid_client("client_assertion and client_assertion_type come together")),
        };
    };
    if kind != CLIENT_ASSERTION_TYPE {
        return Err(invalid_client("the client_assertion_type is not served"));
    }
    if params.get("client_secret").is_some() {
        return Err(TokenError::invalid_request("the client authenticates in more than one way"));
    }
    let malformed = || invalid_client("the client_assertion is malformed");
    let parsed = Unverified::parse(assertion).map_err(|_| malformed())?;
    let subject = parsed.claims.get("sub").and_then(serde_json::Value::as_str).ok_or_else(malformed)?;
    if params.get("client_id").is_some_and(|named| named != subject) {
        return Err(invalid_client("client_id is not the client of the client_assertion"));
    }
    Ok(Some(PresentedClient {
        client_id: subject.to_owned(),
        method: ClientAuthMethod::Assertion,
        proof: Some(assertion.to_owned()),
    }))
}

fn check_body(params: &Params) -> Result<PresentedClient, TokenError> {
    let client_id = params.get("client_id").ok_or_else(|| invalid_client("client_id is missing"))?.to_owned();
    let proof = params.get("client_secret").map(str::to_owned);
    let method = if proof.is_some() { ClientAuthMethod::Post } else { ClientAuthMethod::None };
    Ok(PresentedClient { client_id, method, proof })
}

/// RFC 6749 §2.3.1: id and secret are form-encoded each, then joined and encoded as RFC 7617 says.
fn check_basic(header: &str, params: &Params) -> Result<PresentedClient, TokenError> {
    let (client_id, secret) = read_basic(header)
        .ok_or_else(|| invalid_client("the Authorization header is not Basic credentials"))?;
    if params.get("client_secret").is_some() {
        return Err(TokenError::invalid_request("the client authenticates in more than one way"));
    }
    if params.get("client_id").is_some_and(|named| named != client_id) {
        return Err(TokenError::invalid_request("client_id is not the client that authenticates"));
    }
    Ok(PresentedClient { client_id, method: ClientAuthMethod::Basic, proof: Some(secret) })
}

fn read_basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if header.len() > MAX_HEADER_BYTES || !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let joined = String::from_utf8(BASE64_STANDARD.decode(encoded.trim_matches(' ')).ok()?).ok()?;
    let (client_id, secret) = joined.split_once(':')?;
    let client_id = params::decode(client_id).ok().filter(|id| !id.is_empty())?;
    Some((client_id, params::decode(secret).ok()?))
}

fn invalid_client(description: &'static str) -> TokenError {
    TokenError::new(ErrorCode::InvalidClient, description)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(header: Option<&str>, body: &str) -> Result<PresentedClient, TokenError> {
        parse(header, &Params::parse(body).unwrap())
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(credentials))
    }

    fn presented(client_id: &str, method: ClientAuthMethod, secret: Option<&str>) -> PresentedClient {
        PresentedClient { client_id: client_id.to_owned(), method, proof: secret.map(str::to_owned) }
    }

    #[test]
    fn the_example_of_rfc_6749_section_2_3_1_is_read() {
        let client = read(Some("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"), "").unwrap();

        assert_eq!(client, presented("s6BhdRkqt3", ClientAuthMethod::Basic, Some("7Fjfp0ZBr1KtDRbnfVdmIw")));
    }

    #[test]
    fn a_client_authenticates_in_the_header_in_the_body_or_not_at_all() {
        use ClientAuthMethod::{Basic, None as Public, Post};
        for (header, body, expected) in [
            (Some(basic("a%3Ab:c+d%25")), "", presented("a:b", Basic, Some("c d%"))),
            (Some(basic("a:b:c").replace("Basic", "bASIC ")), "", presented("a", Basic, Some("b:c"))),
            (Some(basic("a:")), "client_id=a", presented("a", Basic, Some(""))),
            (None, "client_id=a&client_secret=b", presented("a", Post, Some("b"))),
            (None, "client_id=a", presented("a", Public, None)),
            (None, "client_id=a&client_secret=", presented("a", Public, None)),
        ] {
            assert_eq!(read(header.as_deref(), body).unwrap(), expected);
        }
    }

    #[test]
    fn more_than_one_way_is_an_invalid_request() {
        let header = basic("a:b");
        for body in
            ["client_id=a&client_secret=b", "client_secret=b", "client_id=other", "client_id=a&client_id=a"]
        {
            assert_eq!(read(Some(&header), body).unwrap_err().code, ErrorCode::InvalidRequest, "{body}");
        }
    }

    #[test]
    fn no_way_or_an_unknown_one_is_an_invalid_client() {
        let (long, control) = ("a".repeat(256), basic("a:%00"));
        let (malformed, nameless, latin) = (basic("a:%zz"), basic(":b"), format!("Basic {}", "4To="));
        for (header, body) in [
            (None, ""),
            (None, "client_secret=b"),
            (None, "client_id=a&client_assertion=x"),
            (None, "client_id=a&client_assertion_type=x"),
            (None, format!("client_id={long}").as_str()),
            (Some("Bearer x"), "client_id=a"),
            (Some("Basic"), "client_id=a"),
            (Some("Basic !"), "client_id=a"),
            (Some("Basic YQ=="), ""),
            (Some(basic("a:bc").trim_end_matches('=')), ""),
            (Some(&control), ""),
            (Some(&malformed), ""),
            (Some(&nameless), ""),
            (Some(&latin), ""),
            (Some(&basic(&format!("a:{}", "b".repeat(4096)))), ""),
        ] {
            assert_eq!(read(header, body).unwrap_err().code, ErrorCode::InvalidClient, "{header:?} {body}");
        }
    }

    #[test]
    fn an_assertion_names_its_client() {
        let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        let assertion = format!("{}.{}.AA", encode(r#"{"alg":"ES256"}"#), encode(r#"{"sub":"a"}"#));
        let body = format!("client_assertion_type={CLIENT_ASSERTION_TYPE}&client_assertion={assertion}");

        let client = read(None, &body).unwrap();

        assert_eq!(client, presented("a", ClientAuthMethod::Assertion, Some(&assertion)));
        assert_eq!(read(None, &format!("{body}&client_id=a")).unwrap(), client);
        for (header, more, code) in [
            (None, "&client_id=b", ErrorCode::InvalidClient),
            (None, "&client_secret=b", ErrorCode::InvalidRequest),
            (Some(basic("a:b")), "", ErrorCode::InvalidRequest),
        ] {
            assert_eq!(read(header.as_deref(), &format!("{body}{more}")).unwrap_err().code, code, "{more}");
        }
    }

    #[test]
    fn debug_output_has_no_secret() {
        let client = presented("a", ClientAuthMethod::Post, Some("hunter2"));

        assert_eq!(format!("{client:?}"), r#"PresentedClient { client_id: "a", method: Post }"#);
    }

    proptest! {
        #[test]
        fn any_header_is_read_or_refused(header in any::<String>(), credentials in any::<Vec<u8>>()) {
            let _ = read(Some(&header), "");
            let _ = read(Some(&format!("Basic {}", BASE64_STANDARD.encode(credentials))), "");
        }
    }
}
