//! The job that puts what happened into the streams that want to hear of it.
//!
//! **Invariant:** an event's signal goes in the transaction that puts it into the streams: each stream is given it once, in
//! the order of the others. The organization's streams are held meanwhile, so that two nodes do so one after the other.

use std::collections::BTreeSet;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{OrgId, StreamId};
use orgate_domain::streams::{MAX_WAITING, QUEUE_FULL};
use orgate_protocol::ssf::{EventType, StreamStatus};
use orgate_storage::system::OrgHint;
use orgate_storage::{EventStream, NewStreamEvent, OrgScope, OrgTx, SignalledEvent};

use super::sets::{Place, Told};
use super::translate::{Translated, subject, translate};
use crate::{Env, Failure, events};

/// Organizations that are looked at in one go.
const ORGANIZATIONS: i64 = 50;

/// Events of the log that one transaction takes.
const SIGNALS: i64 = 200;

/// What one stream is about to be given.
struct Filling {
    stream: EventStream,
    /// How many more fit.
    room: usize,
    events: Vec<NewStreamEvent>,
    is_overrun: bool,
}

/// Gives streams what they have not been given yet, once; to how many organizations' it did.
///
/// # Errors
/// [`Failure`] of the database; an organization whose streams could not be given something is tried again.
pub async fn fan_out(env: &Env) -> Result<usize, Failure> {
    let mut served = 0;
    for scope in env.store.list_signalled(ORGANIZATIONS).await? {
        match serve(env, &scope).await {
            Ok(()) => served += 1,
            Err(error) => {
                tracing::warn!(org.id = %scope.org_id(), %error, "streams were not given what happened");
            }
        }
    }
    Ok(served)
}

async fn serve(env: &Env, scope: &OrgScope) -> Result<(), Failure> {
    let Some(organization) = env.store.resolve(OrgHint::Id(scope.org_id())).await? else { return Ok(()) };
    let (org_id, org_name) = (scope.org_id(), organization.slug.as_str());
    let mut tx = env.store.begin(scope).await?;
    // The streams first: whoever waited here sees what the other has done.
    let mut fillings = Vec::new();
    for stream in tx.event_streams().lock_all().await? {
        let waiting = tx.stream_events().count(stream.id).await?;
        let room = usize::try_from(MAX_WAITING - waiting).unwrap_or_default();
        fillings.push(Filling { stream, room, events: Vec::new(), is_overrun: false });
    }
    let signals = tx.signals().list(SIGNALS).await?;
    for signal in &signals {
        let Some(event) = &signal.event else { continue };
        for translated in translate(env, &mut tx, event).await? {
            offer(env, &mut tx, (org_id, org_name), (&translated, event), &mut fillings).await?;
        }
    }
    for filling in fillings {
        filling.store(env, &mut tx, (org_id, org_name)).await?;
    }
    let positions: Vec<i64> = signals.iter().map(|signal| signal.position).collect();
    tx.signals().delete(&positions).await?;
    Ok(tx.commit().await?)
}

/// Offers an event to every stream that wants to hear of it.
async fn offer(
    env: &Env,
    tx: &mut OrgTx,
    organization: (OrgId, &str),
    (translated, event): (&Translated, &SignalledEvent),
    fillings: &mut [Filling],
) -> Result<(), Failure> {
    let kind = translated.event;
    if !fillings.iter().any(|filling| filling.wants(kind)) {
        return Ok(());
    }
    let passing = tx.event_streams().list_excluding(&translated.about.exclusions()).await?;
    let passing: BTreeSet<StreamId> = passing.into_iter().collect();
    let hears = |filling: &&mut Filling| filling.wants(kind) && !passing.contains(&filling.stream.id);
    for filling in fillings.iter_mut().filter(hears) {
        let place = filling.place(organization);
        let sub_id = subject(&place, translated.about);
        let txn = Some(event.id.to_string());
        let told = place.tell(env, Told { event: kind, sub_id, txn, claims: &translated.claims })?;
        filling.put(told);
    }
    Ok(())
}

impl Filling {
    /// Whether an event of this kind is put in, as far as its kind tells. A stream that was overrun gets nothing more
    /// until its receiver enables it again: there is one gap, and it is where the stream says so.
    fn wants(&self, kind: EventType) -> bool {
        let EventStream { status, status_reason, terms, .. } = &self.stream;
        let was_overrun = *status == StreamStatus::Paused && status_reason.as_deref() == Some(QUEUE_FULL);
        *status != StreamStatus::Disabled
            && !was_overrun
            && EventType::delivered(terms.events_requested.as_deref()).contains(&kind)
    }

    fn put(&mut self, event: NewStreamEvent) {
        if self.events.len() < self.room {
            self.events.push(event);
        } else {
            self.is_overrun = true;
        }
    }

    fn place<'a>(&'a self, (org_id, org_name): (OrgId, &'a str)) -> Place<'a> {
        Place { org_id, org_name, issuer: &self.stream.issuer }
    }

    async fn store(mut self, env: &Env, tx: &mut OrgTx, organization: (OrgId, &str)) -> Result<(), Failure> {
        let (id, now) = (self.stream.id, env.clock.now());
        if self.is_overrun {
            let paused = (StreamStatus::Paused, Some(QUEUE_FULL));
            tx.event_streams().update_status(id, paused, now).await?;
            let announcement = self.place(organization).announce(env, id, paused)?;
            self.events.push(announcement);
            tx.audit().insert(&paused_by_itself(env, &self.stream, QUEUE_FULL)?).await?;
        }
        if !self.events.is_empty() {
            tx.stream_events().append(id, &self.events, now).await?;
        }
        Ok(())
    }
}

/// The event of a stream that nobody paused.
pub(super) fn paused_by_itself(env: &Env, stream: &EventStream, why: &'static str) -> Result<Event, Failure> {
    let detail =
        vec![("stream", stream.id.to_string()), ("status", StreamStatus::Paused.as_str().to_owned())];
    Ok(Event {
        actor: Actor::System,
        client: Some(stream.client),
        reason: Some(why),
        detail,
        ..events::done(env, Action::StreamStatusChanged, &Origin::default())?
    })
}
