//! A receiver polls its stream (RFC 8936): it says what it has taken, and gets what waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use orgate_domain::audit::{Action, Event, Origin, Outcome};
use orgate_domain::ids::{ClientId, StreamId};
use orgate_protocol::ssf::{PollRequest, PollResponse, StreamStatus, refusal_of};
use orgate_storage::{StreamEvent, Waiting};
use tokio::sync::Notify;

use super::access::hears;
use super::sets::sign;
use super::{Managed, Receiver, done};
use crate::{Env, Failure};

/// How long a request waits for an event: less than anybody in between has patience for.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Requests that wait on this node; one more is answered at once.
const PLACES: usize = 512;

/// Those of one client, in all organizations, and those at one stream, of which one is enough: for one more, the oldest is
/// answered. Nobody takes every place.
const PLACES_EACH: (usize, usize) = (32, 2);

/// Who waits, whoever does longest first.
static WAITING: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());

/// A request that waits.
struct Waiter {
    client: ClientId,
    stream: StreamId,
    /// It is to be answered.
    gives_way: Arc<Notify>,
}

/// A place among those who wait, until it is dropped.
struct Place(Arc<Notify>);

impl Place {
    fn take(client: ClientId, stream: StreamId) -> Option<Self> {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        make_way(&mut waiting, PLACES_EACH.1, |waiter| waiter.stream == stream);
        make_way(&mut waiting, PLACES_EACH.0, |waiter| waiter.client == client);
        if waiting.len() >= PLACES {
            return None;
        }
        let gives_way = Arc::new(Notify::new());
        waiting.push(Waiter { client, stream, gives_way: Arc::clone(&gives_way) });
        Some(Self(gives_way))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|waiter| !Arc::ptr_eq(&waiter.gives_way, &self.0));
    }
}

/// Has those go who wait longest, until one more of them may wait.
fn make_way(waiting: &mut Vec<Waiter>, most: usize, of: impl Fn(&Waiter) -> bool) {
    while waiting.iter().filter(|waiter| of(waiter)).count() >= most {
        let Some(oldest) = waiting.iter().position(&of) else { return };
        waiting.remove(oldest).gives_way.notify_one();
    }
}

/// Answers a poll. Events stay until they are acknowledged, and are given again until then.
///
/// # Errors
/// [`Failure`].
pub async fn poll(
    env: &Env,
    receiver: &Receiver,
    (stream_id, request): (&str, &PollRequest),
    origin: &Origin,
) -> Result<Managed<PollResponse>, Failure> {
    let Ok(id) = stream_id.parse() else { return Ok(Managed::Unknown) };
    if !settle(env, receiver, (id, request), origin).await? {
        return Ok(Managed::Unknown);
    }
    if request.max_events == 0 {
        return Ok(Managed::Done(PollResponse::default()));
    }
    let Some(events) = wait(env, receiver, (id, request)).await? else { return Ok(Managed::Unknown) };
    if hears(env, &receiver.scope, receiver.client.key()).await?.is_none() {
        return Ok(Managed::Unknown); // it was shut out while it waited
    }
    let limit = usize::try_from(request.max_events).unwrap_or(usize::MAX);
    let mut response = PollResponse { more_available: events.len() > limit, ..PollResponse::default() };
    for event in events.iter().take(limit) {
        let token = sign(env, receiver.issuer.as_str(), (&receiver.client, event)).await?;
        response.sets.push((event.jti.clone(), token));
    }
    Ok(Managed::Done(response))
}

/// Removes what was taken or refused. `false` if the receiver polls no such stream. Ids that are not of this stream are
/// passed over.
async fn settle(
    env: &Env,
    receiver: &Receiver,
    (id, request): (StreamId, &PollRequest),
    origin: &Origin,
) -> Result<bool, Failure> {
    let mut tx = env.store.begin(&receiver.scope).await?;
    let holder = receiver.holder();
    let stream = if request.ack.is_empty() && request.set_errs.is_empty() {
        tx.event_streams().find(id, holder).await?
    } else {
        tx.event_streams().lock(id, holder).await? // two that remove the same do so one after the other
    };
    if stream.is_none_or(|stream| stream.terms.endpoint_url.is_some()) {
        return Ok(false);
    }
    if !request.ack.is_empty() {
        tx.stream_events().delete(id, &request.ack).await?;
    }
    let refusing: Vec<String> = request.set_errs.keys().cloned().collect();
    let waited =
        if refusing.is_empty() { refusing } else { tx.stream_events().delete(id, &refusing).await? };
    for (jti, error) in waited.iter().filter_map(|jti| request.set_errs.get_key_value(jti)) {
        let event = done(env, (receiver, origin), (Action::StreamEventRefused, id))?;
        tx.audit().insert(&refused(event, (jti, &error.err))).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// The event of a token that its receiver refuses.
pub(super) fn refused(mut event: Event, (jti, err): (&str, &str)) -> Event {
    event.detail.push(("jti", jti.to_owned()));
    Event { outcome: Outcome::Refused, reason: Some(refusal_of(err)), ..event }
}

/// What waits, and one more; looked for again until there is something or patience ends. `None` if the stream is gone.
async fn wait(
    env: &Env,
    receiver: &Receiver,
    (id, request): (StreamId, &PollRequest),
) -> Result<Option<Vec<StreamEvent>>, Failure> {
    let mut found = list(env, receiver, (id, request)).await?;
    if request.return_immediately {
        return Ok(found);
    }
    let Some(place) = Place::take(receiver.client.id, id) else { return Ok(found) };
    let until = tokio::time::Instant::now() + PATIENCE;
    while found.as_ref().is_some_and(Vec::is_empty) && tokio::time::Instant::now() < until {
        tokio::select! { // no transaction is open meanwhile
            () = tokio::time::sleep(PAUSE) => {}
            () = place.0.notified() => return Ok(found),
        }
        found = list(env, receiver, (id, request)).await?;
    }
    Ok(found)
}

async fn list(
    env: &Env,
    receiver: &Receiver,
    (id, request): (StreamId, &PollRequest),
) -> Result<Option<Vec<StreamEvent>>, Failure> {
    let mut tx = env.store.begin(&receiver.scope).await?;
    let Some(stream) = tx.event_streams().find(id, receiver.holder()).await? else { return Ok(None) };
    let only = (stream.status != StreamStatus::Enabled).then_some(Waiting::Announcement);
    let events = tx.stream_events().list(id, only, i64::from(request.max_events) + 1).await?;
    tx.commit().await?;
    Ok(Some(events))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn place_of(client: u128, stream: u128) -> Option<Place> {
        Place::take(
            ClientId::from_uuid(Uuid::from_u128(client)),
            StreamId::from_uuid(Uuid::from_u128(stream)),
        )
    }

    #[test]
    fn one_clients_requests_give_way_to_one_another_and_to_nobody_elses() {
        let (first, more) = (place_of(1, 0).expect("a place"), 1..PLACES as u128 + 8);
        let places: Vec<_> = more.map(|stream| place_of(1, stream)).collect();
        let others: Vec<_> = (0..8).map(|stream| place_of(2, stream)).collect();

        assert!(places.iter().chain(&others).all(Option::is_some), "whoever is next waits");
        let waiting = || WAITING.lock().unwrap_or_else(PoisonError::into_inner).len();
        assert_eq!(waiting(), PLACES_EACH.0 + 8);
        drop((first, places, others));
        assert_eq!(waiting(), 0);
    }
}
