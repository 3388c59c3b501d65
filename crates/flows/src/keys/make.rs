//! Keys that come into a ring, and those that leave it.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::keys::{KeyState, RETIRED_KEPT};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_storage::{Handover, NewSigningKey, OrgScope, OrgTx};

use super::KeyError;
use super::ring::seal;
use crate::configure::Author;
use crate::{Env, events};

/// Makes a ring's first key of an algorithm, which signs at once: there is nothing yet that was signed before.
/// Where there is one, nothing is done.
pub(super) async fn first(env: &Env, scope: &OrgScope, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
    let now = env.clock.now();
    let lives = super::list(env, scope).await?;
    if lives.iter().any(|key| key.algorithm == algorithm && key.state(now) == KeyState::Current) {
        return Ok(());
    }
    let key = Fresh::generate(env, scope, algorithm).await?;
    let mut tx = env.store.begin(scope).await?;
    key.insert(env, &mut tx, (Some(now), &Author::of(Actor::System))).await?; // or another call was first
    tx.commit().await?;
    Ok(())
}

/// A key that is sealed, and still to be kept.
pub(super) struct Fresh {
    pub(super) key: SigningKey,
    sealed: Vec<u8>,
    action: Action,
}

impl Fresh {
    pub(super) async fn generate(
        env: &Env,
        scope: &OrgScope,
        algorithm: SigningAlgorithm,
    ) -> Result<Self, KeyError> {
        let key = env.keys.generate(algorithm).await?;
        let sealed = seal(env, scope, &key).await?;
        Ok(Self { key, sealed, action: Action::KeyCreated })
    }

    pub(super) async fn imported(env: &Env, scope: &OrgScope, key: SigningKey) -> Result<Self, KeyError> {
        let sealed = seal(env, scope, &key).await?;
        Ok(Self { key, sealed, action: Action::KeyImported })
    }

    /// Keeps it, to sign from `promoted_at` or next, with the event; `false` if another was first.
    pub(super) async fn insert(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        (promoted_at, author): (Option<DateTime<Utc>>, &Author),
    ) -> Result<bool, KeyError> {
        let new = NewSigningKey {
            kid: self.key.kid(),
            algorithm: self.key.algorithm(),
            private_key: &self.sealed,
            public_jwk: &self.key.public_jwk(),
            created_at: env.clock.now(),
            promoted_at,
        };
        if !tx.keys().insert_signing_key(&new).await? {
            return Ok(false);
        }
        note(env, tx, (self.action, author), self.key.kid()).await?;
        if promoted_at.is_some() {
            note(env, tx, (Action::KeyPromoted, author), self.key.kid()).await?;
        }
        Ok(true)
    }
}

/// Lets a published key sign, in the place of the one that does; `false`, and the transaction is not to be
/// committed, if another call was first.
pub(super) async fn promote(
    env: &Env,
    tx: &mut OrgTx,
    (kid, algorithm): (&str, SigningAlgorithm),
    author: &Author,
) -> Result<bool, KeyError> {
    retire(env, tx, algorithm, author).await?;
    if !tx.keys().promote(kid, env.clock.now()).await? {
        return Ok(false);
    }
    note(env, tx, (Action::KeyPromoted, author), kid).await?;
    Ok(true)
}

/// Retires the key of an algorithm that signs: which it was.
pub(super) async fn retire(
    env: &Env,
    tx: &mut OrgTx,
    algorithm: SigningAlgorithm,
    author: &Author,
) -> Result<Option<String>, KeyError> {
    let at = env.clock.now();
    let retired = tx.keys().retire(algorithm, Handover { at, expires_at: at + RETIRED_KEPT }).await?;
    if let Some(kid) = &retired {
        note(env, tx, (Action::KeyRetired, author), kid).await?;
    }
    Ok(retired)
}

/// Writes an event about a key.
pub(super) async fn note(
    env: &Env,
    tx: &mut OrgTx,
    (action, author): (Action, &Author),
    kid: &str,
) -> Result<(), KeyError> {
    let event = author.about(events::done(env, action, &author.origin)?);
    let detail = [vec![("kid", kid.to_owned())], author.detail.clone()].concat();
    Ok(tx.audit().insert(&Event { detail, ..event }).await?)
}
