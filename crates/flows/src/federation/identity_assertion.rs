//! Identity assertions of an organization's own OpenID provider (Identity Assertion Authorization Grant
//! §4.4; RFC 7523 §3): whom it vouches for, to which client of ours.

use orgate_domain::connections::{ConnectionProtocol, ProviderSettings};
use orgate_domain::credentials::Credential;
use orgate_protocol::jose::Unverified;
use orgate_protocol::jose::claims::IDENTITY_ASSERTION_TYPE;
use orgate_protocol::oauth::ScopeSet;
use orgate_storage::{Connection, OrgScope};
use serde_json::{Map, Value};

use super::claims::{check_audience, check_issuer, check_times, text, time};
use super::oidc::{Oidc, Refusal, check_signature};
use super::trace::Trace;
use super::{Version, version_of};
use crate::token::TokenCall;
use crate::{Env, Failure};

/// What an assertion that holds says.
#[derive(Debug)]
pub(crate) struct VerifiedAssertion {
    pub(crate) connection: Connection,
    /// The issuer, as the connection names it.
    pub(crate) provider: String,
    pub(crate) subject: String,
    pub(crate) jti: String,
    pub(crate) exp: chrono::DateTime<chrono::Utc>,
    pub(crate) iat: chrono::DateTime<chrono::Utc>,
    pub(crate) auth_time: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) amr: Vec<String>,
    /// At most this may be granted.
    pub(crate) scope: ScopeSet,
    pub(crate) resource: Option<String>,
}

/// Verifies an assertion by the one connection of the organization that leads to its issuer. The inner
/// error names the check that failed.
pub(crate) async fn verify_identity_assertion(
    env: &Env,
    scope: &OrgScope,
    call: &TokenCall<'_>,
    assertion: &str,
) -> Result<Result<VerifiedAssertion, &'static str>, Failure> {
    let Ok(parsed) = Unverified::parse(assertion) else { return Ok(Err("malformed_assertion")) };
    if parsed.typ.as_deref() != Some(IDENTITY_ASSERTION_TYPE) {
        return Ok(Err("assertion_type"));
    }
    let configuration = env.configuration.sign_in(&env.store, scope).await?;
    for connection in &configuration.connections {
        let (ConnectionProtocol::Oidc, Some(live)) = (connection.protocol, connection.live_version) else {
            continue;
        };
        let version = version_of(env, scope, (connection.id, live)).await?;
        if let ProviderSettings::Oidc(settings) = &version.settings.provider
            && check_issuer(&parsed.claims, settings, &mut Trace::default()).is_ok()
        {
            let state = Credential::new(scope.org_id(), &[0; 32]); // needed by the type only
            let oidc = Oidc {
                env,
                settings,
                version: &version,
                state: &state,
                derived_by: &[],
                callback: String::new(),
            };
            return Ok(verify(&oidc, (call, connection, &version), &parsed).await);
        }
    }
    Ok(Err("iss"))
}

async fn verify(
    oidc: &Oidc<'_>,
    (call, connection, version): (&TokenCall<'_>, &Connection, &Version),
    parsed: &Unverified<'_>,
) -> Result<VerifiedAssertion, &'static str> {
    let mut trace = Trace::default();
    let provider = oidc.env.providers.find(&oidc.env.outgoing, &oidc.settings.issuer).await;
    let provider = provider.map_err(|_| "provider_unavailable")?;
    check_signature(oidc, &provider, parsed, &mut trace).await.map_err(|refusal| match refusal {
        Refusal::Rejected(rejection) => rejection.check,
        Refusal::Upstream(_) => "provider_unavailable",
    })?;
    let claims = &parsed.claims;
    let rejected = |rejection: super::trace::Rejection| rejection.check;
    check_audience(claims, oidc.env.issuer.called(call.called).as_str(), &mut trace).map_err(rejected)?;
    check_times(claims, oidc.env.clock.now(), &mut trace).map_err(rejected)?;
    if text(claims, "client_id") != Some(&call.client.client_id) {
        return Err("client_id");
    }
    let scope = text(claims, "scope").map_or_else(|| Ok(ScopeSet::default()), ScopeSet::parse);
    Ok(VerifiedAssertion {
        connection: connection.clone(),
        provider: version.settings.provider.identifier().to_owned(),
        subject: bounded(claims, "sub").ok_or("sub")?,
        jti: bounded(claims, "jti").ok_or("jti")?,
        exp: time(claims, "exp").ok_or("exp")?,
        iat: time(claims, "iat").ok_or("iat")?,
        auth_time: time(claims, "auth_time"),
        amr: texts(claims, "amr"),
        scope: scope.map_err(|_| "scope")?,
        resource: text(claims, "resource").map(str::to_owned),
    })
}

fn bounded(claims: &Map<String, Value>, name: &str) -> Option<String> {
    text(claims, name).filter(|text| !text.is_empty() && text.len() <= 512).map(str::to_owned)
}

fn texts(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let list = claims.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).filter(|text| text.len() <= 64).take(16).map(str::to_owned).collect()
}
