//! Client authentication at the back channel (RFC 6749 §2.3, RFC 7523).

use std::sync::Arc;

use chrono::{DateTime, Duration};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Client, ClientAuthentication, ClientStatus};
use orgate_domain::credentials::SecretHash;
use orgate_protocol::jose::Unverified;
use orgate_protocol::oauth::client_assertion::{self, Audiences, ClientAssertion, LEEWAY};
use orgate_protocol::oauth::client_auth::{ClientAuthMethod, PresentedClient};
use orgate_storage::ConsumedKind;
use orgate_storage::system::OrgHint;

use crate::client_documents::{Wanted, find_client};
use crate::client_keys::check_signature;
use crate::limits::Limited;
use crate::{Called, Env, Failure, events};

/// The endpoints that a client may assert itself to by their address, where the FAPI profile does not
/// bind it.
const ENDPOINTS: [&str; 5] = ["/token", "/device_authorization", "/par", "/introspect", "/revoke"];

/// What a client's proof is worth.
#[derive(Debug)]
pub enum Authentication {
    /// It is the client.
    Proven(Arc<Client>),
    /// It is not, or there is no such client, or it is disabled: one answer.
    Refused,
}

/// Checks what a client presents. No round trip while its configuration is cached, but for an assertion,
/// which is used up.
///
/// # Errors
/// [`Failure`].
pub async fn authenticate_client(
    env: &Env,
    called: Called,
    presented: &PresentedClient,
    origin: &Origin,
) -> Result<Authentication, Failure> {
    let client = find_client(env, &presented.client_id, Wanted::Known, origin).await?;
    let Some(client) = client else {
        env.limits.take(Limited::Refusals, origin.address)?;
        if let Some(operator) = env.store.resolve(OrgHint::Operator).await? {
            let event = events::refused(env, Action::ClientRefused, "unknown_client", origin)?;
            env.refusals.record(env, &operator.scope, event).await?;
        }
        return Ok(Authentication::Refused);
    };
    if !client.is_confidential() {
        // Anybody can say that they are it: what follows may write.
        env.limits.take(Limited::Pages, origin.address)?;
    }
    let proven = match (presented.method, &presented.proof) {
        (ClientAuthMethod::Assertion, Some(assertion)) => {
            verify_assertion(env, (called, &client), assertion).await?
        }
        _ => client.authenticate(presented, env.clock.now()).map_err(|_| "wrong_credentials"),
    };
    let reason = match proven {
        Ok(()) if client.status == ClientStatus::Active => return Ok(Authentication::Proven(client)),
        Ok(()) => "client_disabled",
        Err(reason) => reason,
    };
    env.limits.take(Limited::Refusals, origin.address)?;
    if let Some(owner) = env.store.resolve(OrgHint::Id(client.owner)).await? {
        let event = events::refused(env, Action::ClientRefused, reason, origin)?;
        let event = Event { actor: Actor::Application(client.id), client: Some(client.key()), ..event };
        env.refusals.record(env, &owner.scope, event).await?;
    }
    Ok(Authentication::Refused)
}

/// Verifies an assertion and uses it up: on whatever node, it is good once. The inner error is the reason
/// for the log.
async fn verify_assertion(
    env: &Env,
    (called, client): (Called, &Client),
    assertion: &str,
) -> Result<Result<(), &'static str>, Failure> {
    if client.settings.authentication != ClientAuthentication::PrivateKeyJwt {
        return Ok(Err("wrong_method"));
    }
    let Ok(token) = Unverified::parse(assertion) else { return Ok(Err("malformed_assertion")) };
    // A token of another kind, signed by the same key, is no assertion (RFC 8725 §3.11).
    if token.typ.as_deref().is_some_and(|typ| !matches!(typ, "jwt" | "client-authentication+jwt")) {
        return Ok(Err("assertion_type"));
    }
    let issuer = env.issuer.called(called);
    let (issuer, endpoints) = (issuer.as_str(), ENDPOINTS.map(|path| issuer.at(path)));
    let audiences = if client.settings.is_fapi() {
        Audiences::Issuer(issuer)
    } else {
        Audiences::IssuerOrEndpoint(issuer, &endpoints)
    };
    let now = env.clock.now().timestamp();
    let checked = match client_assertion::check(&token.claims, &client.client_id, audiences, now) {
        Ok(checked) => checked,
        Err(claim) => return Ok(Err(claim)),
    };
    if let Err(reason) = check_signature(env, client, &token).await {
        return Ok(Err(reason));
    }
    use_up(env, client, &checked).await
}

async fn use_up(
    env: &Env,
    client: &Client,
    assertion: &ClientAssertion,
) -> Result<Result<(), &'static str>, Failure> {
    let Some(owner) = env.configuration.organization(&env.store, &client.owner.to_string()).await? else {
        return Ok(Err("client_disabled"));
    };
    let id = SecretHash::of(format!("{} {}", client.id, assertion.jti).as_bytes());
    let until = DateTime::from_timestamp(assertion.exp, 0).unwrap_or_else(|| env.clock.now());
    let mut tx = env.store.begin(&owner).await?;
    let until = until + Duration::seconds(2 * LEEWAY);
    let first = tx.consumed_ids().consume(ConsumedKind::ClientAssertion, &id, until).await?;
    tx.commit().await?;
    Ok(first.then_some(()).ok_or("replayed_assertion"))
}
