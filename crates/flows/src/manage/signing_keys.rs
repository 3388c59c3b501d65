//! The signing keys of an organization's own issuer; in the operator's organization, those of the shared one.
//!
//! **Invariant:** nothing of a private key is read here, and none is withdrawn: what that ends is for whoever runs the server.

use orgate_domain::keys::{KeyLife, KeyState};
use orgate_protocol::jose::SigningAlgorithm;

use super::change::Change;
use super::{Caller, ChangeError, Once};
use crate::keys::{self, KeyError, Replacement, replace_as};
use crate::{Env, Failure};

/// Published keys of one algorithm at most: each is in what backends fetch.
const MAX_PUBLISHED: usize = 8;

/// Which keys are to be replaced, and when.
#[derive(Debug, Clone, Copy)]
pub struct WantedRotation {
    /// Of which algorithm; `None`: of all that sign.
    pub algorithm: Option<SigningAlgorithm>,
    /// When.
    pub how: Replacement,
}

/// The keys that are published, the latest first, with where each is in its life.
///
/// # Errors
/// [`Failure`].
pub async fn list_signing_keys(env: &Env, caller: &Caller) -> Result<Vec<(KeyLife, KeyState)>, Failure> {
    let now = env.clock.now();
    let keys = keys::list(env, &caller.scope).await?.into_iter();
    let keys = keys.map(|key| {
        let state = key.state(now);
        (key, state)
    });
    Ok(keys.filter(|(_, state)| !matches!(state, KeyState::Dropped | KeyState::Revoked)).collect())
}

/// Replaces keys: as they are then. What is replaced on schedule already stays so.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] if somebody else replaces one at the same time.
pub async fn rotate_signing_keys(
    env: &Env,
    caller: &Caller,
    wanted: WantedRotation,
    once: Option<&Once>,
) -> Result<Vec<(KeyLife, KeyState)>, ChangeError> {
    caller.conclude(env, rotate(env, caller, wanted, once)).await
}

async fn rotate(
    env: &Env,
    caller: &Caller,
    wanted: WantedRotation,
    once: Option<&Once>,
) -> Result<Vec<(KeyLife, KeyState)>, ChangeError> {
    let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
    let fresh = env.random.uuid(env.clock.now())?;
    let before = {
        let Change { tx, caller, .. } = &mut change;
        caller.claim(env, tx, once, fresh).await?
    };
    // A key takes time to be made, and none is made in a transaction.
    let (caller, _turn) = change.hand_over().await?;
    if before.is_none()
        && let Err(error) = replace(env, &caller, wanted).await
    {
        // What was not done, or not wholly, is done when it is asked for again.
        if let Some(once) = once {
            let mut tx = env.store.begin(&caller.scope).await?;
            caller.own(once).release(&mut tx, fresh).await?;
            tx.commit().await?;
        }
        return Err(error);
    }
    Ok(list_signing_keys(env, &caller).await?)
}

async fn replace(env: &Env, caller: &Caller, wanted: WantedRotation) -> Result<(), ChangeError> {
    let published = list_signing_keys(env, caller).await?;
    for algorithm in chosen(wanted.algorithm, &published)? {
        let by = (&caller.scope, &caller.author());
        replace_as(env, by, algorithm, wanted.how).await.map_err(|error| match error {
            KeyError::Raced => ChangeError::InUse(
                "somebody else changed these keys at the same moment; look at them, and ask again".to_owned(),
            ),
            error => ChangeError::Failure(error.into()),
        })?;
    }
    Ok(())
}

/// The algorithms whose keys are replaced: none that nothing signs with, and none of which there are too many.
fn chosen(
    wanted: Option<SigningAlgorithm>,
    published: &[(KeyLife, KeyState)],
) -> Result<Vec<SigningAlgorithm>, ChangeError> {
    let signs = |algorithm: &SigningAlgorithm| {
        let current =
            |(key, state): &(KeyLife, KeyState)| key.algorithm == *algorithm && *state == KeyState::Current;
        published.iter().any(current)
    };
    let is_wanted = |algorithm: &SigningAlgorithm| wanted.is_none_or(|wanted| wanted == *algorithm);
    let chosen: Vec<_> = SigningAlgorithm::ALL
        .into_iter()
        .filter(|algorithm| is_wanted(algorithm) && signs(algorithm))
        .collect();
    if chosen.is_empty() && wanted.is_some() {
        return Err(ChangeError::invalid("/algorithm", "no key of this algorithm signs"));
    }
    let many = |algorithm: &&SigningAlgorithm| {
        published.iter().filter(|(key, _)| key.algorithm == **algorithm).count() >= MAX_PUBLISHED
    };
    match chosen.iter().find(many) {
        Some(algorithm) => {
            let detail = format!(
                "{MAX_PUBLISHED} keys of {} are published already; wait for the oldest to be dropped",
                algorithm.as_str()
            );
            Err(ChangeError::TooMany(detail))
        }
        None => Ok(chosen),
    }
}
