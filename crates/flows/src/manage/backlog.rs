//! What waits to be done in the background, for whoever runs the installation.

use chrono::{DateTime, Duration, Utc};

use super::Caller;
use crate::{Env, Failure};

/// How much of a kind of work is counted, at most.
pub const MOST_COUNTED: u32 = 10_000;

/// What is not begun so long after it could have been is late: each kind is looked for at least every minute.
pub const LATE_AFTER: Duration = Duration::minutes(5);

/// A kind of work that is done in the background, by any node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Which, as the management API calls it.
    pub work: String,
    /// How much is due, or, of messages, not sent yet; [`MOST_COUNTED`] at most.
    pub due: u32,
    /// Since when the first of it is, or was written.
    pub since: Option<DateTime<Utc>>,
    /// Whether that is longer ago than it should be.
    pub is_late: bool,
}

/// Every kind of work, and what of it waits.
///
/// # Errors
/// [`Failure`].
pub async fn list_backlog(env: &Env, _operator: &Caller) -> Result<Vec<Backlog>, Failure> {
    let now = env.clock.now();
    let waiting = env.store.survey_backlog(now, i64::from(MOST_COUNTED)).await?;
    let described = waiting.into_iter().map(|waiting| Backlog {
        due: u32::try_from(waiting.due).unwrap_or(u32::MAX),
        is_late: waiting.since.is_some_and(|since| now - since > LATE_AFTER),
        since: waiting.since,
        work: waiting.work,
    });
    Ok(described.collect())
}
