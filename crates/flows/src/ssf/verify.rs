//! A receiver asks whether events arrive (SSF §8.1.4.2).

use orgate_domain::audit::{Action, Origin};
use orgate_domain::streams::{MAX_WAITING, MIN_VERIFICATION_INTERVAL};
use orgate_protocol::oauth::RequestError;
use orgate_protocol::ssf::{EventType, StreamStatus, VerificationRequest};
use serde_json::json;

use super::sets::{Told, of_stream};
use super::{Managed, Receiver, done};
use crate::{Env, Failure};

/// Puts a verification event into a receiver's stream, behind what waits there.
///
/// # Errors
/// [`Failure`].
pub async fn verify(
    env: &Env,
    receiver: &Receiver,
    request: &VerificationRequest,
    origin: &Origin,
) -> Result<Managed<()>, Failure> {
    let Ok(id) = request.stream_id.parse() else { return Ok(Managed::Unknown) };
    let claims = request.state.as_ref().map_or_else(|| json!({}), |state| json!({ "state": state }));
    let told = Told { event: EventType::Verification, sub_id: of_stream(id), txn: None, claims: &claims };
    let verification = receiver.place().tell(env, told)?;
    let event = done(env, (receiver, origin), (Action::StreamVerificationRequested, id))?;
    let now = env.clock.now();
    let mut tx = env.store.begin(&receiver.scope).await?;
    let Some(stream) = tx.event_streams().lock(id, receiver.holder()).await? else {
        return Ok(Managed::Unknown);
    };
    if stream.status == StreamStatus::Disabled {
        return Ok(Managed::Refused(RequestError::invalid_request("the stream is disabled")));
    }
    let in_time = tx.event_streams().take_verification(id, (now, now - MIN_VERIFICATION_INTERVAL)).await?;
    if !in_time || tx.stream_events().count(id).await? >= MAX_WAITING {
        return Ok(Managed::TooEarly(MIN_VERIFICATION_INTERVAL));
    }
    tx.stream_events().append(id, &[verification], now).await?;
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(Managed::Done(()))
}
