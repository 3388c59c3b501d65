//! Request objects (RFC 9101, OIDC Core §6.1): the claims, once the signature is verified.

use serde_json::{Map, Value};

use super::{ErrorCode, RequestError};
use crate::jose::numeric_date;
use crate::params::{Params, ParamsError};

/// How far a client's clock may be from ours, in seconds.
const LEEWAY: i64 = 30;

/// Longest time between `nbf` and `exp`, and since `nbf`, in seconds (FAPI 2.0 Message Signing §5.3.1).
const MAX_LIFETIME: i64 = 3600;

/// Claims that are about the object, not the request.
const ABOUT: [&str; 7] = ["iss", "aud", "exp", "nbf", "iat", "jti", "sub"];

/// Whose object it is to be, and how strictly it is judged.
#[derive(Debug, Clone, Copy)]
pub struct RequestObjectRules<'a> {
    /// The client.
    pub client_id: &'a str,
    /// The issuer, which it is for.
    pub issuer: &'a str,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// Whether it must say when it begins and ends.
    pub bounded: bool,
}

/// The parameters of a request object.
///
/// # Errors
/// `invalid_request_object`.
pub fn parameters(
    claims: &Map<String, Value>,
    rules: &RequestObjectRules<'_>,
) -> Result<Params, RequestError> {
    check_parties(claims, rules)?;
    check_times(claims, rules)?;
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    for (name, value) in claims {
        if ABOUT.contains(&name.as_str()) {
            continue;
        }
        // RFC 9101 §4: neither may be in there.
        if matches!(name.as_str(), "request" | "request_uri") {
            return Err(invalid("it holds request or request_uri"));
        }
        match value {
            Value::String(text) => encoded.append_pair(name, text),
            Value::Number(number) => encoded.append_pair(name, &number.to_string()),
            Value::Bool(flag) => encoded.append_pair(name, if *flag { "true" } else { "false" }),
            Value::Object(_) | Value::Array(_) => encoded.append_pair(name, &value.to_string()),
            Value::Null => continue,
        };
    }
    let encoded = encoded.finish();
    Params::parse(&encoded).map_err(|error: ParamsError| invalid(&error.to_string()))
}

fn check_parties(claims: &Map<String, Value>, rules: &RequestObjectRules<'_>) -> Result<(), RequestError> {
    let is_client = |name: &str| claims.get(name).and_then(Value::as_str) == Some(rules.client_id);
    if !is_client("client_id") {
        return Err(invalid("its client_id is not the request's"));
    }
    if claims.contains_key("iss") && !is_client("iss") || rules.bounded && !claims.contains_key("iss") {
        return Err(invalid("its iss is not the client"));
    }
    // RFC 9101 §10.8: or it would pass for a client's assertion.
    if is_client("sub") {
        return Err(invalid("its sub is the client"));
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(aud)) => aud == rules.issuer,
        Some(Value::Array(list)) => list.iter().any(|aud| aud.as_str() == Some(rules.issuer)),
        None => !rules.bounded,
        Some(_) => false,
    };
    if for_us { Ok(()) } else { Err(invalid("its aud is not this issuer")) }
}

fn check_times(claims: &Map<String, Value>, rules: &RequestObjectRules<'_>) -> Result<(), RequestError> {
    let time = |name| numeric_date(claims, name).map_err(|_| invalid("a time in it is no number"));
    let (exp, nbf, iat) = (time("exp")?, time("nbf")?, time("iat")?);
    let RequestObjectRules { now, bounded, .. } = *rules;
    if bounded && (exp.is_none() || nbf.is_none()) {
        return Err(invalid("it does not say when it begins and ends"));
    }
    if exp.is_some_and(|exp| now >= exp.saturating_add(LEEWAY)) {
        return Err(invalid("it has expired"));
    }
    // FAPI 2.0 §5.3.2.1 has the same of every JWT.
    if nbf.max(iat).is_some_and(|begins| begins > now.saturating_add(LEEWAY)) {
        return Err(invalid("it is not valid yet"));
    }
    if let (true, Some(exp), Some(nbf)) = (bounded, exp, nbf)
        && (exp.saturating_sub(nbf) > MAX_LIFETIME || now.saturating_sub(nbf) > MAX_LIFETIME)
    {
        return Err(invalid("it is valid for more than an hour"));
    }
    Ok(())
}

fn invalid(why: &str) -> RequestError {
    RequestError::new(ErrorCode::InvalidRequestObject, format!("the request object is not accepted: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn read(changes: &Value, bounded: bool) -> Result<Params, ErrorCode> {
        let mut claims = json!({
            "iss": "a", "aud": "https://id.test", "client_id": "a", "nbf": NOW, "exp": NOW + 300,
            "response_type": "code", "max_age": 60, "claims": { "id_token": { "acr": null } },
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        let rules = RequestObjectRules { client_id: "a", issuer: "https://id.test", now: NOW, bounded };
        parameters(claims.as_object().unwrap(), &rules).map_err(|error| error.code)
    }

    #[test]
    fn what_it_asks_for_reads_as_parameters_do() {
        let params = read(&json!({}), true).unwrap();

        assert_eq!(params.get("response_type"), Some("code"));
        assert_eq!(params.get("max_age"), Some("60"));
        assert_eq!(params.get("claims"), Some(r#"{"id_token":{"acr":null}}"#));
        assert_eq!((params.get("iss"), params.get("aud"), params.get("exp")), (None, None, None));
    }

    #[test]
    fn whose_it_is_and_for_whom_must_be_said_and_be_right() {
        for changes in [
            json!({ "client_id": "b" }),
            json!({ "client_id": null }),
            json!({ "iss": "b" }),
            json!({ "sub": "a" }),
            json!({ "aud": "https://elsewhere.test" }),
            json!({ "aud": [] }),
            json!({ "aud": { "https://id.test": 1 } }),
            json!({ "request": "x" }),
            json!({ "request_uri": "x" }),
            json!({ "state": "a\nb" }),
        ] {
            assert_eq!(read(&changes, false).unwrap_err(), ErrorCode::InvalidRequestObject, "{changes}");
        }
        assert!(read(&json!({ "aud": ["https://elsewhere.test", "https://id.test"] }), true).is_ok());
        for absent in
            [json!({ "iss": null }), json!({ "aud": null }), json!({ "exp": null }), json!({ "nbf": null })]
        {
            assert!(read(&absent, false).is_ok(), "{absent}");
            assert_eq!(read(&absent, true).unwrap_err(), ErrorCode::InvalidRequestObject, "{absent}");
        }
    }

    #[test]
    fn it_is_good_for_its_time_and_no_longer() {
        for changes in [
            json!({ "exp": NOW - LEEWAY }),
            json!({ "exp": "soon" }),
            json!({ "nbf": NOW + LEEWAY + 1 }),
            json!({ "iat": NOW + LEEWAY + 1 }),
            json!({ "iat": "now" }),
            json!({ "nbf": NOW - MAX_LIFETIME - 1 }),
            json!({ "exp": NOW + MAX_LIFETIME + 1 }),
        ] {
            assert_eq!(read(&changes, true).unwrap_err(), ErrorCode::InvalidRequestObject, "{changes}");
        }
        assert!(read(&json!({ "nbf": NOW + 8, "iat": NOW + 8 }), true).is_ok(), "clocks differ");
        assert!(read(&json!({ "exp": 1_700_000_300.5 }), true).is_ok(), "a fraction of a second");
    }
}
