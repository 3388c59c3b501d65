//! The transmitter of the Shared Signals Framework (SSF 1.0): receivers keep streams of what happens to the users and
//! sessions of one organization, in the words of CAEP 1.0.
//!
//! **Invariant:** a stream belongs to one client in one organization; another's is answered like one that does not
//! exist. What is put into a stream stays until its receiver has taken it, and whatever could not be kept is said.

pub mod access;
mod fan_out;
pub mod poll;
mod push;
mod reasons;
mod sets;
mod status;
mod streams;
mod subjects;
mod translate;
mod verify;

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::StreamId;
use orgate_protocol::oauth::RequestError;

pub use access::Receiver;
pub use fan_out::{Setbacks, fan_out};
pub use push::{Turn, claim_due};
pub use status::{StreamState, read_status, update_status};
pub use streams::{Change, change_stream, create_stream, delete_stream, list_streams, read_stream};
pub use subjects::{Wish, wish};
pub use verify::verify;

use crate::{Env, Failure, events};

/// How a receiver's request ended.
#[derive(Debug)]
pub enum Managed<T> {
    /// It was followed.
    Done(T),
    /// It cannot be followed.
    Refused(RequestError),
    /// Not now: try again after this long.
    TooEarly(Duration),
    /// The receiver has as many streams as it may have.
    TooManyStreams,
    /// The stream passes over as many subjects as it may.
    TooManySubjects,
    /// The receiver has no such stream in its organization; another may.
    Unknown,
}

/// An event of something that a receiver did to its stream.
fn done(
    env: &Env,
    (receiver, origin): (&Receiver, &Origin),
    (action, stream): (Action, StreamId),
) -> Result<Event, Failure> {
    Ok(Event {
        actor: Actor::Application(receiver.client.id),
        client: Some(receiver.client.key()),
        detail: vec![("stream", stream.to_string())],
        ..events::done(env, action, origin)?
    })
}
