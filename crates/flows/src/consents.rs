//! What a user lets third-party clients have: for the page that lists it, and to take it back.

use std::sync::Arc;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::consents::Consent;
use orgate_domain::ids::{ClientId, OrgId, UserId};
use orgate_storage::OrgScope;

use crate::account::{Own, own_standing};
use crate::{Browser, Env, Failure, events};

/// What one client may have.
#[derive(Debug, Clone)]
pub struct GivenConsent {
    /// The client.
    pub client: Arc<Client>,
    /// What it may have, and since when.
    pub consent: Consent,
}

/// Everything that the user lets clients have, what was given last first.
///
/// # Errors
/// [`Failure`].
pub async fn list(env: &Env, scope: &OrgScope, user_id: UserId) -> Result<Vec<GivenConsent>, Failure> {
    let found = env.read(scope, async |tx| tx.consents().list(user_id).await).await?;
    let keys: Vec<_> = found.iter().map(|(key, _)| *key).collect();
    let clients = env.configuration.clients_by_id(&env.store, &keys).await?;
    let given = found.into_iter().filter_map(|(key, consent)| {
        let client = Arc::clone(clients.get(&key)?);
        Some(GivenConsent { client, consent })
    });
    Ok(given.collect())
}

/// Everything that the user of a page lets clients have, what was given last first.
///
/// # Errors
/// [`Failure`].
pub async fn list_own(env: &Env, own: &Own) -> Result<Vec<GivenConsent>, Failure> {
    list(env, &own.scope, own.session.user_id).await
}

/// Takes back what the user of a page lets the client with this `client_id` have, if they are still signed in here.
///
/// # Errors
/// [`Failure`].
pub async fn revoke_own(env: &Env, own: &Own, client_id: &str, browser: &Browser) -> Result<bool, Failure> {
    let given = list_own(env, own).await?;
    let client = given.iter().find(|given| given.client.client_id == client_id);
    let Some(client) = client.map(|given| given.client.key()) else { return Ok(false) };
    let policy = env.configuration.policy(&env.store, &own.scope).await?;
    let mut tx = env.store.begin(&own.scope).await?;
    let standing = own_standing(env, &mut tx, (browser, &policy)).await?;
    tx.commit().await?;
    let Some(user_id) = standing.map(|standing| standing.session.user_id) else { return Ok(false) };
    let by = (Actor::User(user_id), &browser.origin);
    revoke(env, &own.scope, (user_id, client), by).await
}

/// Takes back what the user lets a client have: what was granted by it is revoked at once, and the client is told
/// of each session that it had tokens in. `false` if there was no such consent.
///
/// # Errors
/// [`Failure`].
pub async fn revoke(
    env: &Env,
    scope: &OrgScope,
    (user_id, client): (UserId, (OrgId, ClientId)),
    (actor, origin): (Actor, &Origin),
) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    if !tx.consents().delete(user_id, client).await? {
        return Ok(false);
    }
    let revoked = tx.consents().revoke_granted(user_id, client, env.clock.now()).await?;
    let event = Event {
        actor,
        user_id: Some(user_id),
        client: Some(client),
        detail: vec![("revoked_grants", revoked.to_string())],
        ..events::done(env, Action::ConsentRevoked, origin)?
    };
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(true)
}
