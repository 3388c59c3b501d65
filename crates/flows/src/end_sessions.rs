//! The end of sessions: the one way, whatever the reason.
//!
//! **Invariant:** with a session ends what was granted in it, and every client that got tokens in it and wants to be told is
//! told. The database does both, in the same transaction, so that no way to end a session can leave either out.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{EventId, SessionId};
use orgate_storage::OrgTx;

use crate::{Env, Failure, events};

/// Why sessions end.
pub(crate) struct Because<'a> {
    /// Who says so.
    pub(crate) actor: Actor,
    /// For the event.
    pub(crate) reason: &'static str,
    /// Where it was said.
    pub(crate) origin: &'a Origin,
}

/// Ends these sessions of the transaction's organization; how many of them nobody had ended before.
pub(crate) async fn end_sessions(
    env: &Env,
    tx: &mut OrgTx,
    sessions: impl IntoIterator<Item = SessionId>,
    because: Because<'_>,
) -> Result<u64, Failure> {
    let now = env.clock.now();
    let event_for = |id| Ok((id, EventId::from_uuid(env.random.uuid(now)?)));
    let sessions: Vec<_> = sessions.into_iter().map(event_for).collect::<Result<_, Failure>>()?;
    let Because { actor, reason, origin } = because;
    let event = Event { actor, reason: Some(reason), ..events::done(env, Action::SessionEnded, origin)? };
    Ok(tx.sessions().end(&sessions, &event).await?)
}
