//! The Shared Signals Framework 1.0 (SSF), with the events of the Continuous Access Evaluation Profile 1.0 (CAEP):
//! what receivers ask of a transmitter, and the tokens that it gives them.

mod event;
mod metadata;
mod poll;
mod stream;
mod subject;

pub use event::{EventType, SECURITY_EVENT_TYPE, SecurityEventClaims};
pub use metadata::TransmitterMetadata;
pub use poll::{PollRequest, PollResponse, SetError, refusal_of};
pub use stream::{
    Delivery, StatusRequest, StreamConfiguration, StreamDelivery, StreamRequest, StreamStatus,
    SubjectRequest, VerificationRequest,
};
pub use subject::{Identifier, Subject};

use serde::de::DeserializeOwned;

use crate::jose::json;
use crate::oauth::RequestError;
use crate::params::Params;

/// The scope of whoever may read its streams, and poll.
pub const READ_SCOPE: &str = "ssf.read";
/// The scope of whoever may change them too.
pub const MANAGE_SCOPE: &str = "ssf.manage";

/// Delivery by the transmitter's requests (RFC 8935).
pub const PUSH: &str = "urn:ietf:rfc:8935";
/// Delivery by the receiver's requests (RFC 8936).
pub const POLL: &str = "urn:ietf:rfc:8936";

/// The stream that a query names, if it names one.
///
/// # Errors
/// `invalid_request` for two.
pub fn check_stream_id(params: &Params) -> Result<Option<&str>, RequestError> {
    match params.duplicated() {
        Some(name) => Err(RequestError::invalid_request(format!("{name} is given more than once"))),
        None => Ok(params.get("stream_id")),
    }
}

/// The stream that a query has to name.
///
/// # Errors
/// `invalid_request` for none, and for two.
pub fn check_named(params: &Params) -> Result<&str, RequestError> {
    check_stream_id(params)?.ok_or_else(|| RequestError::invalid_request("stream_id is missing"))
}

/// Reads a body, which is JSON whatever its media type says: the examples of the framework have none.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, RequestError> {
    json::from_slice(body)
        .map_err(|_| RequestError::invalid_request("the body is not the JSON that is expected"))
}

/// A text of at most `max` bytes without control characters.
fn check_text(value: &str, (name, max): (&'static str, usize)) -> Result<(), RequestError> {
    if value.len() > max || value.chars().any(char::is_control) {
        return Err(RequestError::invalid_request(format!(
            "{name} is longer than {max} bytes, or no plain text"
        )));
    }
    Ok(())
}
