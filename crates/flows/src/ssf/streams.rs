//! A receiver makes, reads, changes and deletes its streams (SSF §8.1.1).

use orgate_domain::audit::{Action, Origin};
use orgate_domain::ids::StreamId;
use orgate_domain::streams::{MAX_STREAMS, MIN_VERIFICATION_INTERVAL};
use orgate_protocol::oauth::RequestError;
use orgate_protocol::ssf::{
    Delivery, EventType, POLL, PUSH, StreamConfiguration, StreamDelivery, StreamRequest, StreamStatus,
};
use orgate_storage::{EventStream, StreamTerms};

use super::sets::ALGORITHM;
use super::{Managed, Receiver, done};
use crate::vault::Purpose;
use crate::{Env, Failure};

/// How an existing stream is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// What the request does not say goes back to what it is by default (SSF §8.1.1.4).
    Replace,
    /// What the request does not say stays (SSF §8.1.1.3).
    Update,
}

/// Makes a stream.
///
/// # Errors
/// [`Failure`].
pub async fn create_stream(
    env: &Env,
    receiver: &Receiver,
    request: &StreamRequest,
    origin: &Origin,
) -> Result<Managed<StreamConfiguration>, Failure> {
    let now = env.clock.now();
    let id = StreamId::from_uuid(env.random.uuid(now)?);
    if let Err(error) = check_endpoint(env, request.delivery.as_ref()) {
        return Ok(Managed::Refused(error));
    }
    env.keys.prepare(env, receiver.issuer.as_str(), ALGORITHM).await?; // an issuer's first key is made now
    let terms = replaced(env, (receiver, id), request).await?;
    let event = done(env, (receiver, origin), (Action::StreamConfigured, id))?;
    let event = with_change(event, "created");
    let mut tx = env.store.begin(&receiver.scope).await?;
    if !tx.event_streams().insert((id, receiver.holder()), &terms, (MAX_STREAMS, now)).await? {
        return Ok(Managed::TooManyStreams);
    }
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    let stream = EventStream {
        id,
        client: receiver.client.key(),
        issuer: receiver.issuer.as_str().to_owned(),
        terms,
        status: StreamStatus::Enabled,
        status_reason: None,
        last_position: 0,
        failures: 0,
        failing_since: None,
        updated_at: now,
    };
    Ok(Managed::Done(configuration(receiver, &stream)))
}

/// Reads a receiver's stream.
///
/// # Errors
/// [`Failure`].
pub async fn read_stream(
    env: &Env,
    receiver: &Receiver,
    stream_id: &str,
) -> Result<Managed<StreamConfiguration>, Failure> {
    let Ok(id) = stream_id.parse() else { return Ok(Managed::Unknown) };
    let mut tx = env.store.begin(&receiver.scope).await?;
    let found = tx.event_streams().find(id, receiver.holder()).await?;
    tx.commit().await?;
    Ok(found.map_or(Managed::Unknown, |stream| Managed::Done(configuration(receiver, &stream))))
}

/// Reads all of a receiver's streams.
///
/// # Errors
/// [`Failure`].
pub async fn list_streams(env: &Env, receiver: &Receiver) -> Result<Vec<StreamConfiguration>, Failure> {
    let mut tx = env.store.begin(&receiver.scope).await?;
    let streams = tx.event_streams().list(receiver.holder()).await?;
    tx.commit().await?;
    Ok(streams.iter().map(|stream| configuration(receiver, stream)).collect())
}

/// Changes a stream.
///
/// # Errors
/// [`Failure`].
pub async fn change_stream(
    env: &Env,
    receiver: &Receiver,
    (request, change): (&StreamRequest, Change),
    origin: &Origin,
) -> Result<Managed<StreamConfiguration>, Failure> {
    let id = match request.named() {
        Ok(id) => id.parse::<StreamId>(),
        Err(error) => return Ok(Managed::Refused(error)),
    };
    let Ok(id) = id else { return Ok(Managed::Unknown) };
    if let Err(error) = check_endpoint(env, request.delivery.as_ref()) {
        return Ok(Managed::Refused(error));
    }
    let wanted = replaced(env, (receiver, id), request).await?;
    let mut tx = env.store.begin(&receiver.scope).await?;
    let Some(stream) = tx.event_streams().lock(id, receiver.holder()).await? else {
        return Ok(Managed::Unknown);
    };
    if let Err(error) = configuration(receiver, &stream).check_supplied(&request.others) {
        return Ok(Managed::Refused(error));
    }
    let (terms, change) = match change {
        Change::Replace => (wanted, "replaced"),
        Change::Update => (updated(&stream.terms, wanted, request), "updated"),
    };
    let event = done(env, (receiver, origin), (Action::StreamConfigured, id))?;
    tx.event_streams().update(id, &terms, env.clock.now()).await?;
    tx.audit().insert(&with_change(event, change)).await?;
    tx.commit().await?;
    Ok(Managed::Done(configuration(receiver, &EventStream { terms, ..stream })))
}

/// Deletes a stream, with all that waits in it.
///
/// # Errors
/// [`Failure`].
pub async fn delete_stream(
    env: &Env,
    receiver: &Receiver,
    stream_id: &str,
    origin: &Origin,
) -> Result<Managed<()>, Failure> {
    let Ok(id) = stream_id.parse() else { return Ok(Managed::Unknown) };
    let mut tx = env.store.begin(&receiver.scope).await?;
    if !tx.event_streams().delete(id, receiver.holder()).await? {
        return Ok(Managed::Unknown);
    }
    let event = done(env, (receiver, origin), (Action::StreamConfigured, id))?;
    tx.audit().insert(&with_change(event, "deleted")).await?;
    tx.commit().await?;
    Ok(Managed::Done(()))
}

fn with_change(mut event: orgate_domain::audit::Event, change: &str) -> orgate_domain::audit::Event {
    event.detail.push(("change", change.to_owned()));
    event
}

/// An address that is not to be reached from here is refused before anything is sent there.
fn check_endpoint(env: &Env, delivery: Option<&Delivery>) -> Result<(), RequestError> {
    match delivery {
        Some(Delivery::Push { endpoint_url, .. }) => env
            .outgoing
            .check(endpoint_url)
            .map_err(|error| RequestError::invalid_request(format!("endpoint_url: {error}"))),
        Some(Delivery::Poll) | None => Ok(()),
    }
}

/// What the request says, and the defaults of what it does not.
async fn replaced(
    env: &Env,
    (receiver, id): (&Receiver, StreamId),
    request: &StreamRequest,
) -> Result<StreamTerms, Failure> {
    let (endpoint, credential) = match &request.delivery {
        Some(Delivery::Push { endpoint_url, authorization }) => {
            (Some(endpoint_url), authorization.as_deref())
        }
        Some(Delivery::Poll) | None => (None, None),
    };
    let push_credential = match credential {
        Some(credential) => {
            let row = (Purpose::PushCredential, &*id.to_string());
            Some(env.vault.seal(env, &receiver.scope, row, credential.as_bytes()).await?)
        }
        None => None,
    };
    Ok(StreamTerms {
        endpoint_url: endpoint.map(url::Url::to_string),
        push_credential,
        events_requested: request.events_requested.clone(),
        description: request.description.clone(),
    })
}

/// What there was, but for what the request says. A delivery is changed as a whole: who moves an endpoint says again
/// what it wants to be shown there.
fn updated(before: &StreamTerms, wanted: StreamTerms, request: &StreamRequest) -> StreamTerms {
    let (endpoint_url, push_credential) = match request.delivery {
        Some(_) => (wanted.endpoint_url, wanted.push_credential),
        None => (before.endpoint_url.clone(), before.push_credential.clone()),
    };
    StreamTerms {
        endpoint_url,
        push_credential,
        events_requested: wanted.events_requested.or_else(|| before.events_requested.clone()),
        description: wanted.description.or_else(|| before.description.clone()),
    }
}

fn configuration(receiver: &Receiver, stream: &EventStream) -> StreamConfiguration {
    let (method, endpoint_url) = match &stream.terms.endpoint_url {
        Some(endpoint_url) => (PUSH, endpoint_url.clone()),
        None => (POLL, receiver.issuer.at(&format!("/ssf/poll/{}", stream.id))),
    };
    let requested = stream.terms.events_requested.as_deref();
    StreamConfiguration {
        stream_id: stream.id.to_string(),
        iss: stream.issuer.clone(),
        aud: receiver.client.client_id.clone(),
        delivery: StreamDelivery { method, endpoint_url },
        events_supported: EventType::SUPPORTED.iter().map(|event| event.uri()).collect(),
        events_requested: stream.terms.events_requested.clone(),
        events_delivered: EventType::delivered(requested).iter().map(|event| event.uri()).collect(),
        min_verification_interval: MIN_VERIFICATION_INTERVAL.num_seconds(),
        description: stream.terms.description.clone(),
    }
}
