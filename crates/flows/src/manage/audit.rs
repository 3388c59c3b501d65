//! The audit log.

use orgate_domain::audit::{Action, Outcome};
use orgate_domain::ids::UserId;
pub use orgate_storage::Sifted;
use orgate_storage::{EventFilter, EventPlace, MAX_PAGE, Page, PageOf, Period, StoredEvent};
use serde_json::{Value, json};

use super::Caller;
use crate::limits::Turn;
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

/// The last success of this kind that is meant, among the latest of the log; `None` if it is not there.
///
/// # Errors
/// [`Failure`].
pub async fn find_last(
    env: &Env,
    caller: &Caller,
    (action, is_meant): (Action, impl Fn(&StoredEvent) -> bool),
) -> Result<Option<StoredEvent>, Failure> {
    let others = Action::ALL.iter().filter(|other| **other != action);
    let others: Vec<_> = others.map(|other| other.as_str()).collect();
    let found = caller.read(env, async |tx| tx.audit().list_latest(&others, LOOKED_AT).await).await?;
    let done = |event: &StoredEvent| event.outcome == Outcome::Success.as_str();
    Ok(found.into_iter().find(|event| done(event) && is_meant(event)))
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

/// Events of one file at most.
pub const MAX_EXPORT: usize = 10_000;

/// How often a file looks further back than a page does.
pub const LOOKED_FURTHER: usize = 20;

/// What of the log is taken along.
#[derive(Debug, Clone)]
pub struct AuditExport {
    /// Which events.
    pub wanted: WantedEvents,
    /// When they happened.
    pub period: Period,
    /// Where to go on, of a file that was not all.
    pub after: Option<EventPlace>,
    /// How it is told in the log: the form of the file, and what was asked for.
    pub told: Vec<(&'static str, String)>,
}

/// Hands the latest events that are looked for to `take`, page by page, until that has no room for another page: [`MAX_EXPORT`] of them at
/// most, looking at as many events as [`LOOKED_FURTHER`] pages do that find nothing. The answer is where to go on, if that was not all, and
/// the turn, which is to be kept for as long as the file is. It is written to the log who took how much along, before anybody has it.
///
/// # Errors
/// [`Failure`], also of a caller, or an organization, that has others like it made just now.
pub async fn export_events(
    env: &Env,
    caller: &Caller,
    export: AuditExport,
    mut take: impl FnMut(&[StoredEvent]) -> Room,
) -> Result<(Option<EventPlace>, Turn), Failure> {
    // Each holds a file in memory.
    let turn = env.limits.take_turn_to_export(caller.org_id(), &caller.turn()).await?;
    let (mut after, mut taken, mut further) = (export.after, 0, 0);
    let rest = loop {
        let limit = MAX_PAGE.min(MAX_EXPORT - taken);
        let page = (export.period, PageOf { after, limit });
        let Sifted { page, is_cut } = sift_events(env, caller, &export.wanted, page).await?;
        taken += page.items.len();
        further += usize::from(is_cut);
        after = page.next;
        let room = take(&page.items);
        if after.is_none() || room == Room::Full || taken >= MAX_EXPORT || further >= LOOKED_FURTHER {
            break after;
        }
    };
    let mut event = caller.done(env, Action::AuditLogExported)?;
    event.detail.extend(export.told);
    event.detail.push(("events", taken.to_string()));
    env.journal.record(env, caller.org_id(), event).await?;
    Ok((rest, turn))
}

/// An event as webhooks and files have it. The management API describes the same members in its document, and a test compares them.
pub fn told(event: &StoredEvent) -> Value {
    let (kind, actor) = &event.actor;
    json!({
        "id": event.place.id.to_string(),
        "occurred_at": event.place.at,
        "action": event.action,
        "outcome": event.outcome,
        "reason": event.reason,
        "actor": { "type": kind, "id": actor },
        "user_id": event.user_id.map(|id| id.to_string()),
        "session_id": event.session_id.map(|id| id.to_string()),
        "client_id": event.client_id.map(|id| id.to_string()),
        "address": event.address.map(|address| address.to_string()),
        "user_agent": event.user_agent,
        "request_id": event.request_id,
        "detail": event.detail,
    })
}

/// Whether a file has room for another page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It has none.
    Full,
    /// It has.
    Left,
}
