//! Webhooks: organizations are told of what happens, at addresses of their own, as Standard Webhooks says.
//!
//! **Invariant:** what a webhook tells of is in the log, and how far it has come is kept with what became of the last event:
//! each event arrives at least once, under an id that stays the same, whoever dies when. Events go in the order of commits;
//! only one that its receiver has not taken for a while is set aside, so that the others go on.

mod message;
mod send;
mod turn;

pub use turn::{Turn, claim_due};

use crate::{Env, Failure};

/// Events that one transaction gives positions.
const EVENTS: i32 = 5_000;

/// Gives events that have been committed their positions, by which readers of the log go on; whether there may be more.
///
/// # Errors
/// [`Failure`] of the database.
pub async fn sequence(env: &Env) -> Result<bool, Failure> {
    Ok(env.store.sequence_events(EVENTS, env.clock.now()).await? >= EVENTS)
}
