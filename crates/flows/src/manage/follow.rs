//! The log in the order of commits: programs go on from where they were.

use orgate_domain::webhooks::EventFilter;
use orgate_storage::{EventCursor, Followed, Following};

use super::Caller;
use crate::{Env, Failure};

/// What a program asks for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Up to where it has read; `None`: nothing yet.
    pub after: Option<EventCursor>,
    /// What it wants; empty: whatever happened.
    pub filters: Vec<EventFilter>,
    /// Events at most.
    pub limit: i64,
}

/// Why it is not told.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// More was read than there is.
    #[error(
        "the cursor is ahead of the log, which may have been restored from a backup: begin from an earlier one"
    )]
    Ahead,
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The cursor is of another log.
    #[error("the cursor is not of this organization's log")]
    Foreign,
}

/// What happened after a cursor, in the order of commits; and the cursor to go on with, also where nothing has yet.
///
/// # Errors
/// [`FollowError`].
pub async fn follow_events(env: &Env, caller: &Caller, asked: &Asked) -> Result<Followed, FollowError> {
    let after = match asked.after {
        None => 0,
        Some(EventCursor::Organization(position)) => position,
        Some(EventCursor::All(_)) => return Err(FollowError::Foreign),
    };
    let filters: Vec<String> = asked.filters.iter().map(ToString::to_string).collect();
    let filters = (!filters.is_empty()).then_some(filters.as_slice());
    let following = Following { after, filters, but_for_tests_of: None, limit: asked.limit };
    let answer = caller.read(env, async |tx| {
        let followed = tx.event_positions().list(following).await?;
        let is_ahead = followed.up_to == after && tx.event_positions().find_last().await? < after;
        Ok((!is_ahead).then_some(followed))
    });
    answer.await?.ok_or(FollowError::Ahead)
}
