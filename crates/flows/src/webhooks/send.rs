//! One request to a webhook.

use chrono::Duration;
use http::{Request, header};
use orgate_protocol::webhooks::{ID, SIGNATURE, SigningSecret, TIMESTAMP, signatures};
use orgate_storage::{FollowedEvent, OrgScope, Webhook};

use super::message;
use crate::outgoing::Reply;
use crate::vault::Purpose;
use crate::{Env, Failure};

/// The longest that a receiver may have us wait.
const LONGEST_RETRY_AFTER: Duration = Duration::hours(1);

/// What came of it.
#[derive(Debug)]
pub(super) enum Answer {
    /// It was taken, with this status.
    Taken(u16),
    /// The receiver will never take anything any more.
    Gone,
    /// It was not taken.
    Failed(Refusal),
}

/// Why an event was not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The status that was answered, if anything was.
    pub(super) status: Option<u16>,
    /// In our words: nothing that the receiver said.
    pub(super) failure: String,
    /// How long it asked to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// What is signed by, at this moment: the secret first, then the one before it while that counts.
pub(super) async fn secrets(
    env: &Env,
    scope: &OrgScope,
    webhook: &Webhook,
) -> Result<Vec<SigningSecret>, Failure> {
    let now = env.clock.now();
    let previous =
        webhook.secrets.previous.as_ref().filter(|(_, until)| *until > now).map(|(sealed, _)| sealed);
    let row = webhook.id.to_string();
    let mut secrets = Vec::new();
    for sealed in std::iter::once(&webhook.secrets.current).chain(previous) {
        let opened = env.vault.open(env, scope, (Purpose::WebhookSecret, &row), sealed).await?;
        secrets.push(SigningSecret::from_bytes(opened.to_vec()));
    }
    Ok(secrets)
}

/// Sends an event, whose id is the message's, signed with the time of this try.
pub(super) async fn send(
    env: &Env,
    (url, secrets): (&str, &[SigningSecret]),
    event: &FollowedEvent,
) -> Answer {
    let (id, timestamp, body) =
        (event.event.place.id.to_string(), env.clock.now().timestamp(), message::body(event));
    let request = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(ID, &id)
        .header(TIMESTAMP, timestamp)
        .header(SIGNATURE, signatures(secrets, (&id, timestamp, &body)))
        .body(body);
    let Ok(request) = request else { return Answer::Failed(Refusal::of("the address cannot be called")) };
    match env.outgoing.call(request).await {
        Ok(reply) => judge(&reply),
        Err(error) => Answer::Failed(Refusal::of(error.to_string())),
    }
}

fn judge(reply: &Reply) -> Answer {
    match reply.status.as_u16() {
        taken @ 200..=299 => Answer::Taken(taken),
        410 => Answer::Gone,
        status => Answer::Failed(Refusal {
            status: Some(status),
            retry_after: retry_after(reply),
            ..Refusal::of(format!("the receiver answered with status {status}"))
        }),
    }
}

/// How long the receiver wants to be left alone (RFC 9110 §10.2.3), if it says so in seconds.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let text = reply.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds: u32 = text.trim().parse().ok()?;
    Some(Duration::seconds(seconds.into()).min(LONGEST_RETRY_AFTER))
}

impl Refusal {
    pub(super) fn of(failure: impl Into<String>) -> Self {
        Self { status: None, failure: failure.into(), retry_after: None }
    }
}
