//! Audit events, begun: what a use case adds is what it knows.

use orgate_domain::audit::{Action, Actor, Event, Origin, Outcome};
use orgate_domain::ids::EventId;

use crate::Env;
use crate::random::NoRandomness;

/// An event of something that was done.
pub(crate) fn done(env: &Env, action: Action, origin: &Origin) -> Result<Event, NoRandomness> {
    let now = env.clock.now();
    Ok(Event {
        id: EventId::from_uuid(env.random.uuid(now)?),
        occurred_at: now,
        action,
        outcome: Outcome::Success,
        reason: None,
        actor: Actor::Anonymous,
        user_id: None,
        session_id: None,
        client: None,
        origin: origin.clone(),
        detail: Vec::new(),
    })
}

/// An event of something that was refused, for `reason`.
pub(crate) fn refused(
    env: &Env,
    action: Action,
    reason: &'static str,
    origin: &Origin,
) -> Result<Event, NoRandomness> {
    Ok(Event { outcome: Outcome::Refused, reason: Some(reason), ..done(env, action, origin)? })
}

/// The key under which an organization's secrets rest was made.
pub(crate) fn data_key_created(env: &Env) -> Result<Event, NoRandomness> {
    let event = done(env, Action::DataKeyCreated, &Origin::default())?;
    Ok(Event { actor: Actor::System, ..event })
}
