//! Rotation on schedule: whatever is due, of whichever organization.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor};
use orgate_domain::keys::KeyStep;
use orgate_storage::OrgScope;

use super::KeyError;
use super::make::{Fresh, note, promote};
use crate::configure::Author;
use crate::{Env, Failure};

/// A claimed ring is another node's to look after when this much time has passed.
const LEASE: Duration = Duration::minutes(5);

/// Rings that one call looks after.
const BATCH: i64 = 20;

/// Looks after the rings that are due, one after the other; how many there were.
///
/// # Errors
/// [`Failure`], for the claim only: what goes wrong with one ring is logged, and tried again.
pub async fn rotate_due(env: &Env) -> Result<usize, Failure> {
    let now = env.clock.now();
    let due = env.store.claim_key_rings(now, now + LEASE, BATCH).await?;
    for scope in &due {
        if let Err(error) = look_after(env, scope).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(org.id = %scope.org_id(), error, "signing keys could not be looked after");
        }
    }
    Ok(due.len())
}

async fn look_after(env: &Env, scope: &OrgScope) -> Result<(), KeyError> {
    let mut tx = env.store.begin(scope).await?;
    let keys = tx.keys().list_lives().await?;
    tx.commit().await?;
    for step in env.key_schedule.due(&keys, env.clock.now()) {
        perform(env, scope, step).await?;
    }
    let mut tx = env.store.begin(scope).await?;
    let keys = tx.keys().list_lives().await?;
    tx.keys().schedule(env.key_schedule.next_look(&keys, env.clock.now())).await?;
    Ok(tx.commit().await?)
}

/// One step, in a transaction of its own. Of two nodes that take it at once, one does it.
async fn perform(env: &Env, scope: &OrgScope, step: KeyStep<'_>) -> Result<(), KeyError> {
    let system = Author::of(Actor::System);
    let done = match step {
        KeyStep::Publish(algorithm) => {
            let fresh = Fresh::generate(env, scope, algorithm).await?;
            let mut tx = env.store.begin(scope).await?;
            fresh.insert(env, &mut tx, (None, &system)).await?.then_some(tx)
        }
        KeyStep::Promote(next) => {
            let mut tx = env.store.begin(scope).await?;
            promote(env, &mut tx, (&next.kid, next.algorithm), &system).await?.then_some(tx)
        }
        KeyStep::Erase(old) => {
            let mut tx = env.store.begin(scope).await?;
            let erased = tx.keys().erase(&old.kid, env.clock.now()).await?;
            if erased {
                note(env, &mut tx, (Action::KeyErased, &system), &old.kid).await?;
            }
            erased.then_some(tx)
        }
    };
    match done {
        Some(tx) => Ok(tx.commit().await?),
        None => Ok(()),
    }
}
