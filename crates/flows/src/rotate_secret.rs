//! A client's secret, replaced without a moment in which neither works.

use chrono::Duration;
use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::Client;
use orgate_domain::credentials::SecretHash;
use orgate_storage::OrgTx;

use crate::apply::Secret;
use crate::configure::Author;
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
    let mut tx = env.store.begin(&place.owner).await?;
    let Some(client) = tx.clients().find(place.id).await? else { return Ok(SecretRotation::Unknown) };
    if !client.settings.authentication.uses_secret() {
        return Ok(SecretRotation::Secretless);
    }
    let secret = add_secret(env, &mut tx, (&Author::operator(), &client), overlap).await?;
    tx.commit().await?;
    Ok(SecretRotation::Rotated(secret))
}

/// The same, in a transaction of somebody's change.
pub(crate) async fn add_secret(
    env: &Env,
    tx: &mut OrgTx,
    (author, client): (&Author, &Client),
    overlap: Duration,
) -> Result<Secret, Failure> {
    let (secret, now) = (env.random.client_secret()?, env.clock.now());
    let hash = SecretHash::of(secret.reveal().as_bytes());
    tx.clients().add_secret(client.id, (&hash, now), now + overlap).await?;
    let event = events::done(env, Action::ClientSecretRotated, &author.origin)?;
    let event = Event { detail: author.detail.clone(), ..event };
    let mut event = author.of_client((client.key(), &client.client_id), event);
    event.detail.push(("former_ends", (now + overlap).to_rfc3339()));
    tx.audit().insert(&event).await?;
    Ok(secret)
}
