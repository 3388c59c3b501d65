//! A receiver polls its stream (RFC 8936): it says what it has taken, and gets what waits.

use std::time::Duration;

use orgate_domain::audit::{Action, Event, Origin, Outcome};
use orgate_domain::ids::StreamId;
use orgate_protocol::ssf::{PollRequest, PollResponse, StreamStatus, refusal_of};
use orgate_storage::{StreamEvent, Waiting};
use tokio::sync::Semaphore;

use super::sets::sign;
use super::{Managed, Receiver, done};
use crate::{Env, Failure};

/// How long a request waits for an event: less than anybody in between has patience for.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often it looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Requests that wait on this node at once; one more is answered at once.
static WAITING: Semaphore = Semaphore::const_new(256);

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
    for (jti, error) in &request.set_errs {
        if tx.stream_events().delete(id, std::slice::from_ref(jti)).await? == 0 {
            continue;
        }
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
    let Ok(_place) = WAITING.try_acquire() else { return Ok(found) };
    let until = tokio::time::Instant::now() + PATIENCE;
    while found.as_ref().is_some_and(Vec::is_empty) && tokio::time::Instant::now() < until {
        tokio::time::sleep(PAUSE).await; // no transaction is open meanwhile
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
