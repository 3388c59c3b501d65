//! The end of sessions: the one way, whatever the reason.
//!
//! **Invariant:** with a session ends what was granted in it, and every client that got tokens in it and wants to be told is
//! told. The database does both, in the same transaction, so that no way to end a session can leave either out.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{ConnectionId, EventId, SessionId};
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
    /// What else the events say.
    pub(crate) detail: &'a [(&'static str, String)],
}

/// Sessions that one statement ends: each has an event, a message to each of its clients, and a limit of time with all others.
const AT_ONCE: usize = 1_000;

/// The reason of sessions whose connection lets their users in no more.
pub(crate) const CONNECTION_DISABLED: &str = "connection_disabled";

/// Ends the sessions that began through a connection which does not let their users in any more, as it is now: they would
/// be refused wherever they are shown, and nobody would be told.
pub(crate) async fn end_shut_out(
    env: &Env,
    tx: &mut OrgTx,
    connection: ConnectionId,
    because: Because<'_>,
) -> Result<(), Failure> {
    tx.users().seize(None).await?;
    let shut_out = tx.sessions().list_shut_out(connection, env.clock.now()).await?;
    end_sessions(env, tx, shut_out, because).await?;
    Ok(())
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
    let Because { actor, reason, origin, detail } = because;
    let event = events::done(env, Action::SessionEnded, origin)?;
    let event = Event { actor, reason: Some(reason), detail: detail.to_vec(), ..event };
    let mut ended = 0;
    for some in sessions.chunks(AT_ONCE) {
        ended += tx.sessions().end(some, &event).await?;
    }
    Ok(ended)
}
