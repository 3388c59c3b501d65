//! The audit log.

use orgate_domain::audit::Action;
use orgate_storage::{EventPlace, Page, PageOf, Period, StoredEvent};

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
