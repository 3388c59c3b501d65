//! A receiver looks at its stream's status, and changes it (SSF §8.1.2).

use orgate_domain::audit::{Action, Origin};
use orgate_domain::streams::{QUEUE_FULL, RECEIVER_UNREACHABLE};
use orgate_protocol::oauth::RequestError;
use orgate_protocol::ssf::{EventType, StatusRequest, StreamStatus};
use orgate_storage::{EventStream, NewStreamEvent, OrgTx, Waiting};
use serde::Serialize;

use super::fan_out::is_overrun;
use super::{Managed, Receiver, done};
use crate::{Env, Failure};

/// A stream's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StreamState {
    stream_id: String,
    status: StreamStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The status of a receiver's stream.
///
/// # Errors
/// [`Failure`].
pub async fn read_status(
    env: &Env,
    receiver: &Receiver,
    stream_id: &str,
) -> Result<Managed<StreamState>, Failure> {
    let Ok(id) = stream_id.parse() else { return Ok(Managed::Unknown) };
    let mut tx = env.store.begin(&receiver.scope).await?;
    let found = tx.event_streams().find(id, receiver.holder()).await?;
    tx.commit().await?;
    Ok(found.map_or(Managed::Unknown, |stream| {
        let stream_id = stream.id.to_string();
        Managed::Done(StreamState { stream_id, status: stream.status, reason: stream.status_reason })
    }))
}

/// Enables, pauses or disables a receiver's stream. The stream says so itself, so that whoever reads only that knows.
///
/// # Errors
/// [`Failure`].
pub async fn update_status(
    env: &Env,
    receiver: &Receiver,
    request: &StatusRequest,
    origin: &Origin,
) -> Result<Managed<StreamState>, Failure> {
    let Ok(id) = request.stream_id.parse() else { return Ok(Managed::Unknown) };
    let (status, reason) = (request.status, request.reason.as_deref());
    if reason.is_some_and(|reason| [QUEUE_FULL, RECEIVER_UNREACHABLE].contains(&reason)) {
        let error = RequestError::invalid_request("the reason is one that the transmitter gives");
        return Ok(Managed::Refused(error));
    }
    let now = env.clock.now();
    let mut tx = env.store.begin(&receiver.scope).await?;
    let Some(stream) = tx.event_streams().lock(id, receiver.holder()).await? else {
        return Ok(Managed::Unknown);
    };
    let state = StreamState { stream_id: id.to_string(), status, reason: request.reason.clone() };
    if (stream.status, stream.status_reason.as_deref()) == (status, reason) {
        return Ok(Managed::Done(state)); // nothing changes, and nothing is said of it
    }
    if stream.status == StreamStatus::Disabled {
        tx.event_streams().hold_events().await?;
    }
    tx.event_streams().update_status(id, (status, reason), now).await?;
    announce(env, &mut tx, (receiver, &stream), (status, reason)).await?;
    let mut event = done(env, (receiver, origin), (Action::StreamStatusChanged, id))?;
    event.detail.push(("status", status.as_str().to_owned()));
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(Managed::Done(state))
}

/// Has a stream say what becomes of it. What it said before and nobody has taken is not so any more.
async fn announce(
    env: &Env,
    tx: &mut OrgTx,
    (receiver, stream): (&Receiver, &EventStream),
    (status, reason): (StreamStatus, Option<&str>),
) -> Result<(), Failure> {
    let (id, now) = (stream.id, env.clock.now());
    if status == StreamStatus::Disabled {
        tx.stream_events().clear(id).await?;
    } else if is_overrun(stream) {
        // Behind all that fitted, and before all that comes: here is what was lost. Until something fits in between it is
        // one gap, and said once.
        tx.stream_events().delete_last_of(id, EventType::StreamUpdated.uri()).await?;
        let gap = receiver.place().announce(env, id, (status, Some(QUEUE_FULL)))?;
        tx.stream_events().append(id, &[NewStreamEvent { kind: Waiting::Event, ..gap }], now).await?;
    }
    if status != stream.status {
        tx.stream_events().delete_announcements(id).await?;
        if !(is_overrun(stream) && status == StreamStatus::Enabled) {
            let announcement = receiver.place().announce(env, id, (status, reason))?;
            tx.stream_events().append(id, &[announcement], now).await?;
        }
    }
    Ok(())
}
