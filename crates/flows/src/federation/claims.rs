//! The claims of a token that an OpenID provider signed (OIDC Core §3.1.3.7): each check, and reading
//! them as attributes.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::connections::{AttributeMapping, Attributes};
use serde_json::{Map, Value};

use super::trace::{Rejection, Trace, quote};

/// How far a provider's clock may be from ours.
const SKEW: Duration = Duration::minutes(2);

/// How old a token may be that was just asked for.
const MAX_AGE: Duration = Duration::minutes(10);

/// Values of one claim that are looked at.
const MAX_VALUES: usize = 500;

/// `aud` names us and nobody else, and so does `azp` where there is one.
pub(super) fn check_audience(
    claims: &Map<String, Value>,
    client_id: &str,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    let only_us = match claims.get("aud") {
        Some(Value::String(aud)) => aud == client_id,
        Some(Value::Array(list)) => {
            !list.is_empty() && list.iter().all(|aud| aud.as_str() == Some(client_id))
        }
        _ => false,
    };
    let azp = claims.get("azp").is_none_or(|azp| azp.as_str() == Some(client_id));
    let found = || quote(&claims.get("aud").map_or_else(String::new, Value::to_string));
    trace.check("aud", only_us, || format!("the token is for {}, not for {client_id} alone", found()))?;
    trace.check("azp", azp, || "the token was given to another client".to_owned())
}

/// `exp`, `iat` and `nbf`.
pub(super) fn check_times(
    claims: &Map<String, Value>,
    now: DateTime<Utc>,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    let exp = time(claims, "exp");
    trace.check("exp", exp.is_some_and(|exp| now < exp + SKEW), || "the token has expired".to_owned())?;
    let iat = time(claims, "iat");
    let recent = iat.is_some_and(|iat| iat <= now + SKEW && now <= iat + MAX_AGE);
    trace.check("iat", recent, || {
        "the token was not issued just now; are the clocks right on both sides?".to_owned()
    })?;
    let begun = !claims.contains_key("nbf") || time(claims, "nbf").is_some_and(|nbf| nbf <= now + SKEW);
    trace.check("nbf", begun, || "the token is not valid yet".to_owned())
}

/// OIDC Core §3.1.2.1: with `max_age`, `auth_time` must be there and be recent.
pub(super) fn check_auth_time(
    claims: &Map<String, Value>,
    max_age: Option<u32>,
    now: DateTime<Utc>,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    let Some(seconds) = max_age else { return Ok(()) };
    let limit = Duration::seconds(i64::from(seconds)) + SKEW;
    let recent = time(claims, "auth_time").is_some_and(|at| now - at <= limit && at <= now + SKEW);
    trace.check("auth_time", recent, || {
        format!("the application asked for a sign-in of the last {seconds} seconds, and the provider does not say that it was")
    })
}

/// Adds what userinfo says beside an ID token. It vouches for the address that it says itself, which need
/// not be the ID token's.
pub(super) fn add(claims: &mut Map<String, Value>, mut found: Map<String, Value>) {
    if claims.get("email").is_some_and(|email| found.get("email") != Some(email)) {
        found.remove("email_verified");
    }
    for (name, value) in found {
        claims.entry(name).or_insert(value);
    }
}

/// Whether the provider vouches for the address that the mapping takes: `email_verified` is about the claim
/// `email` (OIDC Core §5.1) and about no other.
pub(super) fn is_address_verified(
    claims: &Map<String, Value>,
    attributes: &Attributes,
    mapping: &AttributeMapping,
) -> bool {
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(text)) => text == "true", // Cognito and others send it as text
        _ => false,
    };
    verified && mapping.address_name(attributes) == Some("email")
}

pub(super) fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A `NumericDate`, with or without a fraction.
pub(super) fn time(claims: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    let value = claims.get(name)?;
    let seconds = value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, reason = "within bounds, and a fraction of a second")]
        Some(seconds as i64)
    })?;
    DateTime::from_timestamp(seconds, 0)
}

/// Claims as attributes: text, numbers, booleans, and lists of these; what is nested is left out, but
/// for the roles that Keycloak nests.
pub(super) fn attributes(claims: &Map<String, Value>) -> Attributes {
    let scalar = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let values = |value: &Value| match value {
        Value::Array(list) => list.iter().take(MAX_VALUES).filter_map(scalar).collect::<Vec<_>>(),
        other => scalar(other).into_iter().collect(),
    };
    let mut attributes: Attributes =
        claims.iter().map(|(name, value)| (name.clone(), values(value))).collect();
    if let Some(roles) = claims.get("realm_access").and_then(|access| access.get("roles")) {
        attributes.insert("realm_access.roles".to_owned(), values(roles));
    }
    attributes.retain(|_, values| !values.is_empty());
    attributes
}

pub(super) fn constant_time_eq(left: &str, right: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}
