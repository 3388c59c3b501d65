//! The job that puts what happened into the streams that want to hear of it.
//!
//! **Invariant:** an event's signal goes in the transaction that puts it into the streams: each stream is given it once, in
//! the order of the others. One transaction at a time does so in an organization, and no stream is made meanwhile: each that
//! there is when signals are taken is among those that are given them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::ids::{ClientId, OrgId, StreamId, UserId};
use orgate_domain::streams::{MAX_WAITING, QUEUE_FULL};
use orgate_protocol::ssf::{EventType, StreamStatus};
use orgate_storage::system::OrgHint;
use orgate_storage::{EventStream, NewStreamEvent, OrgScope, OrgTx, SignalledEvent, StorageError};

use super::sets::{Place, Told};
use super::translate::{Asked, Translated, subject, translate};
use crate::{Env, Failure, events};

/// Organizations that are looked at in one go.
const ORGANIZATIONS: i64 = 50;

/// Events of the log that one transaction takes.
const SIGNALS: i64 = 200;

/// Events that one transaction makes, about: others wait for their organization's turn, and receivers for their rows.
const EVENTS: usize = 1_000;

/// Between two tries at an organization whose streams could not be given anything, at first, and at most.
const SETBACK: (Duration, Duration) = (Duration::seconds(1), Duration::minutes(1));

/// Organizations that are to wait, as one node remembers it: however many there are of them, the others have their turn.
#[derive(Debug, Default)]
pub struct Setbacks(BTreeMap<OrgId, Setback>);

#[derive(Debug, Clone, Copy)]
struct Setback {
    wait: Duration,
    until: DateTime<Utc>,
}

/// What became of an organization's turn.
enum Served {
    /// Its streams were given something.
    Given,
    /// It is another node's at this moment, or there is nobody to give anything to.
    NotNow,
}

/// The organization's receivers, as of a moment ago.
type Receivers = BTreeMap<(OrgId, ClientId), Arc<Client>>;

/// What one stream is about to be given.
struct Filling {
    stream: EventStream,
    receiver: Arc<Client>,
    /// How many more fit.
    room: usize,
    events: Vec<NewStreamEvent>,
    is_overrun: bool,
}

/// Which streams pass over what.
struct Passing {
    addresses: BTreeMap<UserId, String>,
    over: BTreeSet<(String, StreamId)>,
}

/// Gives streams what they have not been given yet, once; to how many organizations' it did.
///
/// # Errors
/// [`Failure`] of the database; an organization whose streams could not be given something is tried again, later each
/// time.
pub async fn fan_out(env: &Env, setbacks: &mut Setbacks) -> Result<usize, Failure> {
    let mut served = 0;
    let waiting = setbacks.waiting(env.clock.now());
    for scope in env.store.list_signalled(&waiting, ORGANIZATIONS).await? {
        let org_id = scope.org_id();
        match serve(env, &scope).await {
            Ok(Served::Given) => {
                setbacks.0.remove(&org_id);
                served += 1;
            }
            Ok(Served::NotNow) => setbacks.put_off(org_id, env.clock.now(), SETBACK.0),
            Err(error) => {
                tracing::warn!(org.id = %org_id, %error, "streams were not given what happened");
                let wait = setbacks.0.get(&org_id).map_or(SETBACK.0, |last| (last.wait * 2).min(SETBACK.1));
                setbacks.put_off(org_id, env.clock.now(), wait);
            }
        }
    }
    Ok(served)
}

impl Setbacks {
    /// Those that are to wait still. Whoever has not been seen again for long has nothing to wait for.
    fn waiting(&mut self, now: DateTime<Utc>) -> Vec<OrgId> {
        self.0.retain(|_, setback| now < setback.until + SETBACK.1);
        self.0.iter().filter(|(_, setback)| now < setback.until).map(|(org_id, _)| *org_id).collect()
    }

    fn put_off(&mut self, org_id: OrgId, now: DateTime<Utc>, wait: Duration) {
        self.0.insert(org_id, Setback { wait, until: now + wait });
    }
}

async fn serve(env: &Env, scope: &OrgScope) -> Result<Served, Failure> {
    let Some(organization) = env.store.resolve(OrgHint::Id(scope.org_id())).await? else {
        return Ok(Served::NotNow);
    };
    let place = (scope.org_id(), organization.slug.as_str());
    let receivers = receivers(env, scope).await?;
    let mut tx = env.store.begin(scope).await?;
    if !tx.event_streams().take_turn().await? {
        return Ok(Served::NotNow);
    }
    // One that was made since its receiver was looked up has its turn a moment later, with all the others.
    let Some(mut fillings) = hold_streams(&mut tx, &receivers).await? else { return Ok(Served::NotNow) };
    let signals = tx.signals().list(SIGNALS).await?;
    let most = (EVENTS / fillings.len().max(1)).max(1);
    let wanted: BTreeSet<EventType> = fillings.iter().flat_map(Filling::wanted).collect();
    let (mut told, mut taken) = (Vec::new(), Vec::new());
    for signal in &signals {
        let Some(event) = &signal.event else {
            taken.push(signal.position);
            continue;
        };
        let asked = Asked { wanted: &wanted, after: signal.told_to, most };
        let translation = translate(env, &mut tx, event, asked).await?;
        told.extend(translation.told.into_iter().map(|translated| (translated, event)));
        match translation.told_to {
            Some(user) => tx.signals().update_told_to(signal.position, user).await?,
            None => taken.push(signal.position),
        }
        if translation.told_to.is_some() || told.len() >= most {
            break;
        }
    }
    let passing = passing(&mut tx, &told).await?;
    for (translated, event) in &told {
        offer(env, place, (translated, event), (&passing, &mut fillings))?;
    }
    for filling in fillings {
        filling.store(env, &mut tx, place).await?;
    }
    tx.signals().delete(&taken).await?;
    tx.commit().await?;
    Ok(Served::Given)
}

/// Looked up before anything is held.
async fn receivers(env: &Env, scope: &OrgScope) -> Result<Receivers, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let keys = tx.event_streams().list_receivers().await?;
    tx.commit().await?;
    let mut receivers = Receivers::new();
    for key in keys {
        receivers.extend(env.configuration.client_by_id(&env.store, key).await?.map(|client| (key, client)));
    }
    Ok(receivers)
}

/// The organization's streams, which nobody else changes or fills meanwhile. `None` if one's receiver is not known.
async fn hold_streams(tx: &mut OrgTx, receivers: &Receivers) -> Result<Option<Vec<Filling>>, StorageError> {
    let (streams, waiting) = (tx.event_streams().lock_all().await?, tx.stream_events().count_each().await?);
    let mut fillings = Vec::new();
    for stream in streams {
        let Some(receiver) = receivers.get(&stream.client) else { return Ok(None) };
        let waiting = waiting.get(&stream.id).copied().unwrap_or_default();
        let room = usize::try_from(MAX_WAITING - waiting).unwrap_or_default();
        let receiver = Arc::clone(receiver);
        fillings.push(Filling { stream, receiver, room, events: Vec::new(), is_overrun: false });
    }
    Ok(Some(fillings))
}

/// What streams pass over of all this.
async fn passing(tx: &mut OrgTx, told: &[(Translated, &SignalledEvent)]) -> Result<Passing, StorageError> {
    let users: BTreeSet<UserId> = told.iter().filter_map(|(translated, _)| translated.about.user).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let addresses = tx.signals().list_addresses(&users).await?.into_iter().collect();
    let mut passing = Passing { addresses, over: BTreeSet::new() };
    let subjects: BTreeSet<String> =
        told.iter().flat_map(|(translated, _)| passing.exclusions(translated)).collect();
    let subjects: Vec<String> = subjects.into_iter().collect();
    let over = tx.event_streams().list_excluding(&subjects).await?;
    passing.over = over.into_iter().map(|(stream, subject)| (subject, stream)).collect();
    Ok(passing)
}

impl Passing {
    fn exclusions(&self, translated: &Translated) -> Vec<String> {
        let about = translated.about;
        let address = about.user.and_then(|user| self.addresses.get(&user));
        about.exclusions(address.map(String::as_str))
    }
}

/// Offers an event to every stream that wants to hear of it.
fn offer(
    env: &Env,
    organization: (OrgId, &str),
    (translated, event): (&Translated, &SignalledEvent),
    (passing, fillings): (&Passing, &mut [Filling]),
) -> Result<(), Failure> {
    let exclusions = passing.exclusions(translated);
    for filling in fillings.iter_mut().filter(|filling| filling.wants(translated.event)) {
        let id = filling.stream.id;
        if exclusions.iter().any(|subject| passing.over.contains(&(subject.clone(), id))) {
            continue;
        }
        let Some(claims) = translated.told_to(&filling.receiver) else { continue };
        let place = filling.place(organization);
        let sub_id = subject(&place, translated.about);
        let txn = Some(event.id.to_string());
        let told = place.tell(env, Told { event: translated.event, sub_id, txn, claims: &claims })?;
        filling.put(told);
    }
    Ok(())
}

impl Filling {
    /// The kinds of events that are put in. A stream that was overrun gets nothing more until its receiver says how to go
    /// on: there is one gap, and it is where the stream says so.
    fn wanted(&self) -> Vec<EventType> {
        let EventStream { status, terms, .. } = &self.stream;
        if *status == StreamStatus::Disabled || is_overrun(&self.stream) {
            return Vec::new();
        }
        EventType::delivered(terms.events_requested.as_deref())
    }

    fn wants(&self, kind: EventType) -> bool {
        self.wanted().contains(&kind)
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
            tx.stream_events().delete_announcements(id).await?;
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

/// Whether a stream was paused because it was full, and nobody has said how to go on.
pub(super) fn is_overrun(stream: &EventStream) -> bool {
    stream.status == StreamStatus::Paused && stream.status_reason.as_deref() == Some(QUEUE_FULL)
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
