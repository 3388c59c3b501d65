//! What a client says when it asserts who it is (RFC 7523 §3, OIDC Core §9): the claims, once the
//! signature is verified.

use serde_json::{Map, Value};

use crate::jose::numeric_date;

/// Longest time that an assertion may still be good for, in seconds: for as long its id is remembered.
pub const MAX_LIFETIME: i64 = 3600;

/// How far a client's clock may be from ours, in seconds (FAPI 2.0 §5.3.2.1 asks for 10 at least).
pub const LEEWAY: i64 = 30;

/// Longest `jti`, in bytes.
const MAX_ID_BYTES: usize = 256;

/// Whom an assertion may be for.
#[derive(Debug, Clone, Copy)]
pub enum Audiences<'a> {
    /// The issuer, as one text (FAPI 2.0 §5.3.2.1): what names an endpoint could have been made for another
    /// server's.
    Issuer(&'a str),
    /// The issuer or one of its endpoints, alone or in a list of one.
    IssuerOrEndpoint(&'a str, &'a [String]),
}

/// An assertion whose claims hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAssertion {
    /// Its id, good once.
    pub jti: String,
    /// When it expires, in seconds since 1970.
    pub exp: i64,
}

/// Checks the claims of an assertion of `client_id`'s.
///
/// # Errors
/// The name of the claim that is wrong.
pub fn check(
    claims: &Map<String, Value>,
    client_id: &str,
    audiences: Audiences<'_>,
    now: i64,
) -> Result<ClientAssertion, &'static str> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let time = |name: &'static str| numeric_date(claims, name).map_err(|_| name);
    for name in ["iss", "sub"] {
        if text(name) != Some(client_id) {
            return Err(name);
        }
    }
    if !is_for_us(claims.get("aud"), audiences) {
        return Err("aud");
    }
    let exp = time("exp")?.ok_or("exp")?;
    if now >= exp.saturating_add(LEEWAY) || exp > now.saturating_add(MAX_LIFETIME) {
        return Err("exp");
    }
    for name in ["nbf", "iat"] {
        if time(name)?.is_some_and(|begins| begins > now.saturating_add(LEEWAY)) {
            return Err(name);
        }
    }
    let jti = text("jti").filter(|jti| (1..=MAX_ID_BYTES).contains(&jti.len())).ok_or("jti")?;
    Ok(ClientAssertion { jti: jti.to_owned(), exp })
}

fn is_for_us(aud: Option<&Value>, audiences: Audiences<'_>) -> bool {
    match (aud, audiences) {
        (Some(Value::String(aud)), Audiences::Issuer(issuer)) => aud == issuer,
        (Some(Value::String(aud)), Audiences::IssuerOrEndpoint(issuer, endpoints)) => {
            aud == issuer || endpoints.contains(aud)
        }
        (Some(Value::Array(list)), Audiences::IssuerOrEndpoint(..)) => match list.as_slice() {
            [only] => is_for_us(Some(only), audiences) && only.is_string(),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn judge(changes: &Value, strict: bool) -> Result<ClientAssertion, &'static str> {
        let mut claims = json!({
            "iss": "a", "sub": "a", "aud": "https://id.test", "exp": NOW + 60, "iat": NOW, "jti": "1",
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        let endpoints = ["https://id.test/token".to_owned()];
        let audiences = if strict {
            Audiences::Issuer("https://id.test")
        } else {
            Audiences::IssuerOrEndpoint("https://id.test", &endpoints)
        };
        check(claims.as_object().unwrap(), "a", audiences, NOW)
    }

    #[test]
    fn a_good_assertion_is_good_until_it_expires() {
        let expected = ClientAssertion { jti: "1".to_owned(), exp: NOW + 60 };

        assert_eq!(judge(&json!({}), true), Ok(expected.clone()));
        assert_eq!(judge(&json!({ "iat": null, "nbf": NOW + LEEWAY }), true), Ok(expected));
        assert!(judge(&json!({ "exp": NOW - LEEWAY + 1 }), true).is_ok());
    }

    #[test]
    fn a_claim_that_is_wrong_is_named() {
        for (changes, name) in [
            (json!({ "iss": "b" }), "iss"),
            (json!({ "iss": null }), "iss"),
            (json!({ "sub": "b" }), "sub"),
            (json!({ "aud": null }), "aud"),
            (json!({ "aud": "https://elsewhere.test" }), "aud"),
            (json!({ "aud": [] }), "aud"),
            (json!({ "aud": ["https://id.test", "https://elsewhere.test"] }), "aud"),
            (json!({ "aud": [["https://id.test"]] }), "aud"),
            (json!({ "exp": null }), "exp"),
            (json!({ "exp": "soon" }), "exp"),
            (json!({ "exp": NOW - LEEWAY }), "exp"),
            (json!({ "exp": NOW + MAX_LIFETIME + 1 }), "exp"),
            (json!({ "exp": 1e300 }), "exp"),
            (json!({ "nbf": NOW + LEEWAY + 1 }), "nbf"),
            (json!({ "iat": NOW + LEEWAY + 1 }), "iat"),
            (json!({ "iat": "now" }), "iat"),
            (json!({ "jti": null }), "jti"),
            (json!({ "jti": "x".repeat(257) }), "jti"),
        ] {
            assert_eq!(judge(&changes, false), Err(name), "{changes}");
            assert_eq!(judge(&changes, true), Err(name), "{changes}");
        }
    }

    #[test]
    fn an_endpoint_or_a_list_will_do_only_where_that_is_allowed() {
        for aud in
            [json!("https://id.test/token"), json!(["https://id.test"]), json!(["https://id.test/token"])]
        {
            assert!(judge(&json!({ "aud": aud }), false).is_ok(), "{aud}");
            assert_eq!(judge(&json!({ "aud": aud }), true), Err("aud"), "{aud}");
        }
    }
}
