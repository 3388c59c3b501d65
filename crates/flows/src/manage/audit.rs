//! The audit log.

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
