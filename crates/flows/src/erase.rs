//! The job that erases organizations which were deleted and not restored in time.
//!
//! **Invariant:** each step is a transaction of the organization's own, by a role that reaches no other; whichever node is killed,
//! the next one goes on where it was. The operator's log says once that an organization was erased, when nothing is left of it.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::EventId;
use orgate_storage::system::OrgHint;
use orgate_storage::{Erasure, OrgScope, StorageError};

use crate::{Env, Failure, events};

/// Organizations that are looked at in one go.
const ORGANIZATIONS: i64 = 20;

/// Rows of one table that one transaction erases.
const ROWS: i32 = 2_000;

/// How long after its beginning an erasure ends at the earliest: requests and jobs that knew the organization before have ended by
/// then, and what they wrote last is erased with the rest.
const SETTLING: Duration = Duration::minutes(15);

/// When one that could not be erased is looked at again.
const POSTPONED: Duration = Duration::hours(1);

/// Erases a part of each organization that is due, once; of how many. 0: nobody is due.
///
/// # Errors
/// [`Failure`] of the database; an organization that could not be erased is tried again.
pub async fn erase_due(env: &Env) -> Result<usize, Failure> {
    let mut served = 0;
    for scope in env.store.list_to_erase(env.clock.now(), ORGANIZATIONS).await? {
        match erase(env, &scope).await {
            Ok(true) => served += 1,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(org.id = %scope.org_id(), %error, "an organization could not be erased");
                if let Err(error) = postpone(env, &scope).await {
                    tracing::warn!(org.id = %scope.org_id(), %error, "and could not be put off");
                }
            }
        }
    }
    Ok(served)
}

/// A part of one organization, or that it is done; `false` if it stays for now.
async fn erase(env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
    let now = env.clock.now();
    let mut tx = env.store.begin(scope).await?;
    let Some(erasure) = tx.organization().begin_erasure(now).await? else { return Ok(false) };
    if erasure.is_new && tx.organization().find_neighbours().await?.live_below {
        drop(tx); // it has not begun
        postpone(env, scope).await?;
        return Ok(false);
    }
    let erased = tx.organization().erase_some(ROWS).await?;
    let settled_at = erasure.since + SETTLING;
    let settles = erased == 0 && now < settled_at;
    if settles {
        tx.organization().postpone_erasure(settled_at).await?; // in the place of another meanwhile
    }
    tx.commit().await?;
    if erasure.is_new {
        env.configuration.forget();
    }
    if erased > 0 {
        return Ok(true);
    }
    if settles {
        return Ok(false);
    }
    record(env, scope, &erasure).await?;
    let mut tx = env.store.begin(scope).await?;
    tx.organization().end_erasure(now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Has one that cannot be erased now make way for others.
async fn postpone(env: &Env, scope: &OrgScope) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    tx.organization().postpone_erasure(env.clock.now() + POSTPONED).await?;
    Ok(tx.commit().await?)
}

/// Says in the operator's log that an organization was erased. Said again after a crash, it is the same event, and is there once.
async fn record(env: &Env, scope: &OrgScope, erasure: &Erasure) -> Result<(), Failure> {
    let Some(operator) = env.store.resolve(OrgHint::Operator).await? else { return Ok(()) };
    let detail =
        vec![("organization", scope.org_id().to_string()), ("slug", erasure.slug.as_str().to_owned())];
    let event = Event {
        id: EventId::from_uuid(scope.org_id().as_uuid()),
        occurred_at: erasure.since,
        actor: Actor::System,
        detail,
        ..events::done(env, Action::OrganizationErased, &Origin::default())?
    };
    let mut tx = env.store.begin(&operator.scope).await?;
    match tx.audit().insert(&event).await {
        Ok(()) => Ok(tx.commit().await?),
        Err(StorageError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
