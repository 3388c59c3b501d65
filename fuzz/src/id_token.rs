//! The ID token of an organization's provider: taken apart, verified, and its claims checked.
//!
//! An input is a token, or, because a fuzzer is bad at base64, its header and its payload in a line each.

use std::sync::LazyLock;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use orgate_domain::connections::OidcSettings;
use orgate_flows::federation::claims::{self, Expected};
use orgate_flows::federation::providers::{Signature, usable_keys, verify};
use orgate_flows::federation::trace::Trace;
use orgate_protocol::jose::{self, KeySet, MAX_TOKEN_BYTES, Unverified};
use serde_json::{Map, Value, json};

use crate::{Finding, Verdict, Violation, demand};

/// What the provider signed, a token a line, and the keys that it publishes. It has forgotten the private ones.
const SIGNED: &str = include_str!("../keys/id_tokens.txt");
const KEYS: &str = include_str!("../keys/jwks.json");

const NONCE: &str = "n-0S6_WzA2Mj";

/// A connection, and a request of it.
struct Provider {
    keys: Vec<CoreJsonWebKey>,
    /// One provider of its own, one of many tenants, one of Workspace domains.
    settings: Vec<OidcSettings>,
    now: DateTime<Utc>,
}

static PROVIDER: LazyLock<Result<Provider, Violation>> = LazyLock::new(Provider::read);

impl Provider {
    fn read() -> Result<Self, Violation> {
        let broken = |error: serde_json::Error| Violation(format!("the fixtures are not usable: {error}"));
        let keys = usable_keys(&serde_json::from_str(KEYS).map_err(broken)?);
        demand(keys.len() == 2, || format!("{} keys are usable", keys.len()))?;
        let settings = json!([
            { "issuer": "https://id.example.test", "client_id": "orgate", "algorithms": ["RS256", "ES256"] },
            { "issuer": "https://login.example.test/{tenantid}/v2.0", "client_id": "orgate", "tenants": ["t1"] },
            { "issuer": "https://id.example.test", "client_id": "orgate", "hosted_domains": ["acme.test"] },
        ]);
        let settings = serde_json::from_value(settings).map_err(broken)?;
        let now = DateTime::from_timestamp(1_772_366_400, 0);
        Ok(Self { keys, settings, now: now.ok_or_else(|| Violation("there is no present".to_owned()))? })
    }
}

/// Takes a token apart, verifies it, and checks its claims whether it verifies or not.
pub fn run(input: &[u8]) -> Finding {
    let Ok(text) = std::str::from_utf8(input) else { return Ok(Verdict::Refused) };
    let provider = PROVIDER.as_ref().map_err(Clone::clone)?;
    let made = text.split_once('\n').map(|(header, payload)| compact(header, payload.trim_end_matches('\n')));
    let token = made.as_deref().unwrap_or(text);
    let ours = jose::verify::<Value>(token, &KeySet::default(), "JWT");
    demand(ours.is_err(), || "verified without a key".to_owned())?;
    let Ok(parsed) = Unverified::parse(token) else { return Ok(Verdict::Refused) };
    demand_parts(token, &parsed)?;

    let valid = signature(provider, &parsed) == Some(Signature::Valid);
    let signed = SIGNED.lines().any(|line| line.rsplit_once('.').is_some_and(|(m, _)| m == parsed.message));
    demand(!valid || signed, || format!("nobody signed {token}"))?;
    let mut accepted = false;
    for settings in &provider.settings {
        accepted |= check(provider, settings, &parsed.claims)?;
    }
    drop(claims::attributes(&parsed.claims));
    Ok(if valid && accepted { Verdict::Accepted } else { Verdict::Refused })
}

fn compact(header: &str, payload: &str) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.AA", encode(header), encode(payload))
}

/// The parts make up the token again: it has one spelling.
fn demand_parts(token: &str, parsed: &Unverified<'_>) -> Result<(), Violation> {
    let signature = BASE64_URL_SAFE_NO_PAD.encode(&parsed.signature);
    demand(format!("{}.{signature}", parsed.message) == token, || "the token has two spellings".to_owned())?;
    demand(token.len() <= MAX_TOKEN_BYTES, || format!("{} bytes", token.len()))?;
    let written = Value::Object(parsed.claims.clone()).to_string();
    let made = compact(&json!({ "alg": parsed.algorithm, "kid": parsed.kid }).to_string(), &written);
    // Written otherwise, numbers and escapes take more room; and of a fraction the last bit may be read wrong.
    if made.len() > MAX_TOKEN_BYTES || parsed.claims.values().any(has_fraction) {
        return Ok(());
    }
    let again = Unverified::parse(&made);
    let same = again.is_ok_and(|again| {
        again.claims == parsed.claims && again.algorithm == parsed.algorithm && again.kid == parsed.kid
    });
    demand(same, || format!("written again, the claims are others: {written}"))
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(members) => members.values().any(has_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn signature(provider: &Provider, token: &Unverified<'_>) -> Option<Signature> {
    let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(token.algorithm.clone().into()).ok()?;
    let found = verify(&provider.keys, token, &algorithm);
    let allowed = provider.settings.iter().any(|settings| settings.algorithms.contains(&token.algorithm));
    allowed.then_some(found)
}

/// Whether the claims pass; what passes says what was asked for.
fn check(
    provider: &Provider,
    settings: &OidcSettings,
    found: &Map<String, Value>,
) -> Result<bool, Violation> {
    let strict = Expected { settings, nonce: NONCE, max_age: Some(3600), now: provider.now };
    let lax = Expected { max_age: None, ..strict };
    let mut trace = Trace::default();
    let strict = claims::check(found, &strict, &mut trace).is_ok();
    let passed = claims::check(found, &lax, &mut trace).is_ok();
    trace.assert(found);
    demand(passed || !strict, || "a check more accepts what is refused without it".to_owned())?;
    let bounded = trace.checks().iter().all(|check| check.detail.chars().count() <= 301);
    demand(bounded, || "a detail is longer than it may be".to_owned())?;
    let says = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default();
    let right = says("nonce") == NONCE
        && (1..=255).contains(&says("sub").len())
        && says("iss") == settings.issuer.replace("{tenantid}", says("tid"))
        && (settings.tenants.is_empty() || says("tid") == "t1")
        && (settings.hosted_domains.is_empty() || says("hd").eq_ignore_ascii_case("acme.test"))
        && found.get("aud").is_some_and(|aud| aud == "orgate" || aud.is_array());
    demand(!passed || right, || format!("accepted for {}: {found:?}", settings.issuer))?;
    Ok(passed)
}
