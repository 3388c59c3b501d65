//! The audit log.

use orgate_domain::audit::{Action, Outcome};
use orgate_domain::ids::UserId;
pub use orgate_storage::Sifted;
use orgate_storage::{EventFilter, EventPlace, Page, PageOf, Period, StoredEvent};
use serde_json::Value;

use super::Caller;
use crate::{Env, Failure};

/// A page of the events of a period, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_events(
    env: &Env,
    caller: &Caller,
    (period, page): (Period, PageOf<EventPlace>),
) -> Result<Page<StoredEvent, EventPlace>, Failure> {
    caller.read(env, async |tx| tx.audit().list(period, page).await).await
}

/// The latest events that are none of these, up to `most`, of the thousand latest.
///
/// # Errors
/// [`Failure`].
pub async fn list_latest(
    env: &Env,
    caller: &Caller,
    (except, most): (&[Action], u32),
) -> Result<Vec<StoredEvent>, Failure> {
    let except: Vec<_> = except.iter().map(|action| action.as_str()).collect();
    caller.read(env, async |tx| tx.audit().list_latest(&except, most.into()).await).await
}

/// Events of one kind among which the last about something is looked for.
const LOOKED_AT: i64 = 50;

/// The last success of this kind whose detail is meant, among the latest of the log; `None` if it is not there.
///
/// # Errors
/// [`Failure`].
pub async fn find_last(
    env: &Env,
    caller: &Caller,
    (action, is_meant): (Action, impl Fn(&Value) -> bool),
) -> Result<Option<StoredEvent>, Failure> {
    let others = Action::ALL.iter().filter(|other| **other != action);
    let others: Vec<_> = others.map(|other| other.as_str()).collect();
    let found = caller.read(env, async |tx| tx.audit().list_latest(&others, LOOKED_AT).await).await?;
    let done = |event: &StoredEvent| event.outcome == Outcome::Success.as_str();
    Ok(found.into_iter().find(|event| done(event) && is_meant(&event.detail)))
}

/// Which events are looked for.
#[derive(Debug, Clone, Default)]
pub struct WantedEvents {
    /// What happened is one of these; `None`: whatever it was.
    pub actions: Option<Vec<Action>>,
    /// This user did it, or it was about them.
    pub user: Option<UserId>,
}

/// A page of those events of a period that are looked for, latest first, of as many as are looked at at once.
///
/// # Errors
/// [`Failure`].
pub async fn sift_events(
    env: &Env,
    caller: &Caller,
    wanted: &WantedEvents,
    (period, page): (Period, PageOf<EventPlace>),
) -> Result<Sifted, Failure> {
    if wanted.actions.is_none() && wanted.user.is_none() {
        return Ok(Sifted { page: list_events(env, caller, (period, page)).await?, is_cut: false });
    }
    let actions = wanted.actions.as_ref();
    let actions: Option<Vec<_>> = actions.map(|all| all.iter().map(|action| action.as_str()).collect());
    let filter = EventFilter { actions: actions.as_deref(), user: wanted.user };
    caller.read(env, async |tx| tx.audit().sift(filter, period, page).await).await
}
