//! A client's secret, replaced without a moment in which neither works.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::credentials::SecretHash;

use crate::apply::Secret;
use crate::{Env, Failure, events};

/// How the replacement ended.
#[derive(Debug)]
pub enum SecretRotation {
    /// The new secret, known here only. The ones before it are accepted for a while yet.
    Rotated(Secret),
    /// The client proves itself otherwise and has no secret.
    Secretless,
    /// There is no such client.
    Unknown,
}

/// Gives a client a new secret; those before it are accepted for `overlap` more.
///
/// # Errors
/// [`Failure`].
pub async fn rotate_secret(env: &Env, client_id: &str, overlap: Duration) -> Result<SecretRotation, Failure> {
    let Some(place) = env.store.resolve_client(client_id).await? else { return Ok(SecretRotation::Unknown) };
    let secret = env.random.client_secret()?;
    let now = env.clock.now();
    let mut tx = env.store.begin(&place.owner).await?;
    let Some(client) = tx.clients().find(place.id).await? else { return Ok(SecretRotation::Unknown) };
    if !client.settings.authentication.uses_secret() {
        return Ok(SecretRotation::Secretless);
    }
    tx.clients()
        .add_secret(client.id, (&SecretHash::of(secret.reveal().as_bytes()), now), now + overlap)
        .await?;
    let event = Event {
        actor: Actor::Operator,
        client: Some(client.key()),
        detail: vec![("client_id", client.client_id.clone()), ("former_ends", (now + overlap).to_rfc3339())],
        ..events::done(env, Action::ClientSecretRotated, &Origin::default())?
    };
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(SecretRotation::Rotated(secret))
}
