//! The claims of a token that an OpenID provider signed (OIDC Core §3.1.3.7): each check, and reading
//! them as attributes.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::connections::{AttributeMapping, Attributes, OidcSettings};
use serde_json::{Map, Value};

use super::trace::{Rejection, Trace, quote};

/// How far a provider's clock may be from ours.
const SKEW: Duration = Duration::minutes(2);

/// How old a token may be that was just asked for.
const MAX_AGE: Duration = Duration::minutes(10);

/// Where times end: the year 5138.
const MAX_TIME: i64 = 100_000_000_000;

/// Values of one claim that are looked at.
const MAX_VALUES: usize = 500;

/// What the claims of an ID token are held against.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The connection's.
    pub settings: &'a OidcSettings,
    /// The request's.
    pub nonce: &'a str,
    /// How long ago the user may have authenticated, in seconds, where the application said so.
    pub max_age: Option<u32>,
    /// The present.
    pub now: DateTime<Utc>,
}

/// Every check of an ID token's claims, in the specification's order.
///
/// # Errors
/// [`Rejection`]: the first that failed.
pub fn check(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    let &Expected { settings, nonce, max_age, now } = expected;
    check_issuer(claims, settings, trace)?;
    check_audience(claims, &settings.client_id, trace)?;
    check_times(claims, now, trace)?;
    let same = text(claims, "nonce").is_some_and(|found| constant_time_eq(found, nonce));
    trace.check("nonce", same, || "the ID token is not the answer to this request".to_owned())?;
    let subject = text(claims, "sub").is_some_and(|sub| !sub.is_empty() && sub.len() <= 255);
    trace.check("sub", subject, || "the ID token names no subject of at most 255 characters".to_owned())?;
    check_hosted_domain(claims, settings, trace)?;
    check_auth_time(claims, max_age, now, trace)
}

/// `iss`, which in Entra ID's multi-tenant endpoints is the one of the token's tenant.
pub(super) fn check_issuer(
    claims: &Map<String, Value>,
    settings: &OidcSettings,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    let tenant = text(claims, "tid").unwrap_or_default();
    let expected = settings.issuer.replace("{tenantid}", tenant);
    let found = text(claims, "iss").unwrap_or_default();
    trace.check("iss", found == expected, || format!("the issuer is {}, not {expected}", quote(found)))?;
    if settings.is_multi_tenant() || !settings.tenants.is_empty() {
        let allowed = settings.tenants.iter().any(|allowed| allowed == tenant);
        trace.check("tid", allowed && !tenant.is_empty(), || {
            format!("the tenant {} is not among those allowed", quote(tenant))
        })?;
    }
    Ok(())
}

fn check_hosted_domain(
    claims: &Map<String, Value>,
    settings: &OidcSettings,
    trace: &mut Trace,
) -> Result<(), Rejection> {
    if settings.hosted_domains.is_empty() {
        return Ok(());
    }
    let found = text(claims, "hd").unwrap_or_default();
    let allowed = settings.hosted_domains.iter().any(|domain| domain.eq_ignore_ascii_case(found));
    trace.check("hd", allowed && !found.is_empty(), || {
        let found = if found.is_empty() { "no Workspace domain" } else { found };
        format!("the account is of {}, which is not allowed", quote(found))
    })
}

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
fn check_auth_time(
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

/// A `NumericDate`, with or without a fraction. What is out of any reason is no time: a sum with one
/// at the end of time would overflow.
pub(super) fn time(claims: &Map<String, Value>, name: &str) -> Option<DateTime<Utc>> {
    let value = claims.get(name)?;
    let seconds = value.as_i64().or_else(|| {
        let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, reason = "within bounds, and a fraction of a second")]
        Some(seconds as i64)
    })?;
    DateTime::from_timestamp(seconds, 0).filter(|_| (0..MAX_TIME).contains(&seconds))
}

/// Claims as attributes: text, numbers, booleans, and lists of these; what is nested is left out, but
/// for the roles that Keycloak nests.
pub fn attributes(claims: &Map<String, Value>) -> Attributes {
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

fn constant_time_eq(left: &str, right: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_at_the_ends_of_time_are_refused() {
        let last = DateTime::<Utc>::MAX_UTC.timestamp();
        let first = DateTime::<Utc>::MIN_UTC.timestamp();
        let now = DateTime::from_timestamp(1_772_366_400, 0).unwrap();
        for (iat, exp, nbf, auth_time) in [
            (now.timestamp(), last, 0, 0),
            (last, now.timestamp(), 0, 0),
            (first, now.timestamp(), 0, 0),
            (now.timestamp(), now.timestamp(), last, 0),
            (now.timestamp(), now.timestamp(), 0, last),
            (now.timestamp(), now.timestamp(), 0, first),
        ] {
            let claims = json!({ "iat": iat, "exp": exp, "nbf": nbf, "auth_time": auth_time });
            let claims = claims.as_object().unwrap();
            let mut trace = Trace::default();

            let times = check_times(claims, now, &mut trace);
            let fresh = check_auth_time(claims, Some(60), now, &mut trace);

            assert!(times.is_err() || fresh.is_err(), "{claims:?}");
        }
    }

    #[test]
    fn a_time_may_have_a_fraction() {
        let claims = json!({ "a": 1_772_366_400, "b": 1_772_366_400.9, "c": -1, "d": 1e11, "e": "1" });
        let read = |name: &str| time(claims.as_object().unwrap(), name).map(|time| time.timestamp());

        assert_eq!((read("a"), read("b")), (Some(1_772_366_400), Some(1_772_366_400)));
        assert_eq!((read("c"), read("d"), read("e")), (None, None, None));
    }
}
