//! Initial access tokens (RFC 7591 §1.2): with one, somebody may register clients of an organization.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::credentials::{Credential, RegistrationToken};
use orgate_domain::ids::RegistrationTokenId;
use orgate_storage::{ListedRegistrationToken, NewRegistrationToken, OrgScope};

use crate::{Env, Failure, events};

/// A token that was made.
#[derive(Debug)]
pub struct CreatedToken {
    /// What it is called in the log.
    pub id: RegistrationTokenId,
    /// Its text, shown once.
    pub token: Credential<RegistrationToken>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
    /// Whether the organization's policy lets anybody use it.
    pub usable: bool,
}

/// Makes a token that registers `uses` clients within `lifetime`.
///
/// # Errors
/// [`Failure`].
pub async fn create_token(
    env: &Env,
    scope: &OrgScope,
    (uses, lifetime): (u16, Duration),
    actor: Actor,
) -> Result<CreatedToken, Failure> {
    let now = env.clock.now();
    let token = env.random.credential::<RegistrationToken>(scope.org_id())?;
    let new = NewRegistrationToken {
        id: RegistrationTokenId::from_uuid(env.random.uuid(now)?),
        hash: token.hash(),
        uses,
        created_at: now,
        expires_at: now + lifetime,
    };
    let event = Event {
        actor,
        detail: vec![
            ("registration_token", new.id.to_string()),
            ("uses", uses.to_string()),
            ("expires_at", new.expires_at.to_rfc3339()),
        ],
        ..events::done(env, Action::RegistrationTokenCreated, &Origin::default())?
    };
    let usable = env.configuration.policy(&env.store, scope).await?.lets_register();
    let mut tx = env.store.begin(scope).await?;
    tx.registrations().insert_token(&new).await?;
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(CreatedToken { id: new.id, token, expires_at: new.expires_at, usable })
}

/// The organization's tokens that are still good for something, and those that clients were registered by.
///
/// # Errors
/// [`Failure`].
pub async fn list_tokens(env: &Env, scope: &OrgScope) -> Result<Vec<ListedRegistrationToken>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let tokens = tx.registrations().list_tokens(env.clock.now()).await?;
    tx.commit().await?;
    Ok(tokens)
}

/// Takes a token back: it registers nothing from then on. `false` if there is none that does.
///
/// # Errors
/// [`Failure`].
pub async fn revoke_token(
    env: &Env,
    scope: &OrgScope,
    id: RegistrationTokenId,
    actor: Actor,
) -> Result<bool, Failure> {
    let mut tx = env.store.begin(scope).await?;
    if !tx.registrations().revoke_token(id, env.clock.now()).await? {
        return Ok(false);
    }
    let detail = vec![("registration_token", id.to_string())];
    let event = events::done(env, Action::RegistrationTokenRevoked, &Origin::default())?;
    tx.audit().insert(&Event { actor, detail, ..event }).await?;
    tx.commit().await?;
    Ok(true)
}
