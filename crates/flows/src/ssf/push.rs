//! The job that pushes what waits to receivers (RFC 8935).
//!
//! **Invariant:** of one stream, one node at a time sends one event after the other, and an event stays until its receiver
//! has answered for it: each arrives at least once, in order.

use std::pin::Pin;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::StreamId;
use orgate_domain::streams::{DELIVERY_LIMIT, RECEIVER_UNREACHABLE};
use orgate_protocol::ssf::{SetError, StreamStatus};
use orgate_storage::system::OrgHint;
use orgate_storage::{EventStream, OrgScope, Pushed, StreamEvent, Waiting};
use tokio_util::sync::CancellationToken;

use super::access::hears;
use super::fan_out::paused_by_itself;
use super::poll::refused;
use super::sets::{Place, sign};
use crate::outgoing::OutgoingError;
use crate::vault::Purpose;
use crate::{Env, Failure, events};

/// A node has a stream for this long.
const LEASE: Duration = Duration::minutes(2);

/// What one request may take, waiting for its turn included; with less left of a lease, none is begun.
const REQUEST: Duration = Duration::seconds(20);

/// Events of one stream after which others have their turn.
const EVENTS: usize = 100;

/// Turns at any time, on all nodes, of one receiver, of one host that is pushed to, and of one organization; of one receiver
/// in one organization, half of that. What does not answer takes a part of the turns at most, and of what a host is sent at
/// once half, so that whatever else it is asked has its turn.
const TURNS_EACH: i64 = 8;

/// Until a receiver is looked at again that may hear nothing for now.
const SHUT_OUT: Duration = Duration::minutes(1);

/// A node's turn at a stream.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Why an event was not taken.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the endpoint cannot be called")]
    Malformed,
    /// The receiver stands in this organization no more, for now.
    #[error("the receiver may not act in this organization")]
    NotAdmitted,
    #[error("the receiver answered {0}")]
    Refused(u16),
    #[error(transparent)]
    Unreachable(#[from] OutgoingError),
}

/// What a receiver answered for an event.
enum Answer {
    Taken,
    /// It will not have this event, however often it is sent.
    Refused(SetError),
}

/// What a look at a stream led to.
enum Step {
    /// The stream is gone, is polled now, or another node's.
    Over,
    /// Nothing waits that may be sent, up to this place, as the stream was decided about then.
    Empty(i64, DateTime<Utc>),
    Next(Box<(EventStream, StreamEvent)>),
}

struct Pushing {
    env: Env,
    scope: OrgScope,
    id: StreamId,
    leased_until: DateTime<Utc>,
    stop: CancellationToken,
}

/// Leases streams that are due, at most `limit`; each is pushed by awaiting its turn, whose failures are its own, and which
/// gives the lease back at `stop`.
///
/// # Errors
/// [`Failure`] of the database.
pub async fn claim_due(env: &Env, limit: i64, stop: &CancellationToken) -> Result<Vec<Turn>, Failure> {
    let now = env.clock.now();
    let leased_until = now + LEASE;
    let due = env.store.claim_streams((now, leased_until), (limit, TURNS_EACH)).await?;
    let turn = |(scope, id)| -> Turn {
        let pushing = Pushing { env: env.clone(), scope, id, leased_until, stop: stop.clone() };
        Box::pin(async move {
            if let Err(error) = pushing.run().await {
                // The lease lapses, and the stream is another node's.
                tracing::warn!(org.id = %pushing.scope.org_id(), stream.id = %pushing.id, %error, "a stream was left");
            }
        })
    };
    Ok(due.into_iter().map(turn).collect())
}

impl Pushing {
    async fn run(&self) -> Result<(), Failure> {
        let mut settled = None;
        for _ in 0..EVENTS {
            let left = self.leased_until - self.env.clock.now();
            if left < REQUEST || self.stop.is_cancelled() {
                break;
            }
            let (stream, event) = match self.step(settled.take()).await? {
                Step::Over => return Ok(()),
                Step::Empty(seen, as_of) => return self.release((seen, None), None, as_of).await,
                Step::Next(next) => *next,
            };
            let sent = tokio::select! {
                sent = self.send(&stream, &event) => sent,
                // Whoever goes on sends it again.
                () = self.stop.cancelled() => return self.go_on_later(stream.updated_at).await,
            };
            match sent {
                Ok(answer) => settled = Some((stream, event.jti, answer)),
                Err(error) => return self.postpone(&stream, &error).await,
            }
        }
        match self.step(settled).await? {
            Step::Over => Ok(()),
            Step::Empty(seen, as_of) => self.release((seen, None), None, as_of).await,
            Step::Next(next) => self.go_on_later(next.0.updated_at).await,
        }
    }

    /// Leaves what is left to whoever is next.
    async fn go_on_later(&self, as_of: DateTime<Utc>) -> Result<(), Failure> {
        self.release((0, Some(self.env.clock.now())), None, as_of).await
    }

    /// Settles what was answered for, and looks for what is next, as the stream is now: it may have been paused, moved
    /// or deleted since.
    async fn step(&self, settled: Option<(EventStream, String, Answer)>) -> Result<Step, Failure> {
        let mut tx = self.env.store.begin(&self.scope).await?;
        if let Some((stream, jti, answer)) = settled {
            if stream.failing_since.is_some() {
                tx.event_streams().forget_failures(self.id).await?;
            }
            let removed = tx.stream_events().delete(self.id, std::slice::from_ref(&jti)).await?;
            if let (Answer::Refused(error), [_]) = (answer, removed.as_slice()) {
                tx.audit().insert(&refused(self.event(&stream)?, (&jti, &error.err))).await?;
            }
        }
        let found = match tx.event_streams().find_leased(self.id, self.leased_until).await? {
            None => Step::Over,
            Some(stream) if stream.terms.endpoint_url.is_none() => {
                Step::Empty(stream.last_position, stream.updated_at)
            }
            Some(stream) => {
                let only = (stream.status != StreamStatus::Enabled).then_some(Waiting::Announcement);
                match tx.stream_events().list(self.id, only, 1).await?.pop() {
                    Some(event) => Step::Next(Box::new((stream, event))),
                    None => Step::Empty(stream.last_position, stream.updated_at),
                }
            }
        };
        tx.commit().await?;
        Ok(found)
    }

    async fn send(&self, stream: &EventStream, event: &StreamEvent) -> Result<Answer, PushError> {
        let receiver = hears(&self.env, &self.scope, stream.client).await?.ok_or(PushError::NotAdmitted)?;
        let endpoint = stream.terms.endpoint_url.as_deref().unwrap_or_default();
        let token = sign(&self.env, &stream.issuer, (&receiver, event)).await?;
        let mut request = http::Request::post(endpoint)
            .header(http::header::CONTENT_TYPE, "application/secevent+jwt")
            .header(http::header::ACCEPT, "application/json");
        if let Some(sealed) = &stream.terms.push_credential {
            let row = (Purpose::PushCredential, &*self.id.to_string());
            let credential = self.env.vault.open(&self.env, &self.scope, row, sealed).await;
            request =
                request.header(http::header::AUTHORIZATION, credential.map_err(Failure::from)?.as_slice());
        }
        let request = request.body(token.into_bytes()).map_err(|_| PushError::Malformed)?;
        let reply = self.env.outgoing.call(request).await?;
        match reply.status.as_u16() {
            200..=299 => Ok(Answer::Taken),
            400 => SetError::of_token(&reply.body).map(Answer::Refused).ok_or(PushError::Refused(400)),
            other => Err(PushError::Refused(other)),
        }
    }

    /// Tries again later. A receiver that has taken nothing for [`DELIVERY_LIMIT`] has its stream paused; one that may hear
    /// nothing has not failed.
    async fn postpone(&self, stream: &EventStream, error: &PushError) -> Result<(), Failure> {
        let (org_id, now, as_of) = (self.scope.org_id(), self.env.clock.now(), stream.updated_at);
        tracing::warn!(org.id = %org_id, stream.id = %self.id, %error, "an event could not be pushed");
        if matches!(error, PushError::NotAdmitted) {
            return self.release((0, Some(now + SHUT_OUT)), None, as_of).await;
        }
        let since = stream.failing_since.unwrap_or(now);
        let failing = Some((stream.failures.saturating_add(1), since));
        if now - since < DELIVERY_LIMIT {
            return self.release((0, Some(next_try(now, stream.failures))), failing, as_of).await;
        }
        if stream.status == StreamStatus::Enabled {
            return self.pause(stream).await;
        }
        // Not even this is heard; it waits until the receiver asks how its stream is.
        self.release((stream.last_position, None), failing, as_of).await
    }

    async fn pause(&self, stream: &EventStream) -> Result<(), Failure> {
        let (env, now) = (&self.env, self.env.clock.now());
        let Some(organization) = env.store.resolve(OrgHint::Id(self.scope.org_id())).await? else {
            return Ok(());
        };
        let org_name = organization.slug.as_str();
        let place = Place { org_id: self.scope.org_id(), org_name, issuer: &stream.issuer };
        let paused = (StreamStatus::Paused, Some(RECEIVER_UNREACHABLE));
        let announcement = place.announce(env, self.id, paused)?;
        let event = paused_by_itself(env, stream, RECEIVER_UNREACHABLE)?;
        let mut tx = env.store.begin(&self.scope).await?;
        let (as_of, by) = (stream.updated_at, (self.leased_until, RECEIVER_UNREACHABLE));
        if !tx.event_streams().pause_failing((self.id, as_of), by, now).await? {
            tx.commit().await?; // which lets go of the stream
            return self.go_on_later(as_of).await; // as its receiver has said meanwhile
        }
        tx.stream_events().delete_announcements(self.id).await?;
        tx.stream_events().append(self.id, &[announcement], now).await?;
        tx.audit().insert(&event).await?;
        Ok(tx.commit().await?)
    }

    async fn release(
        &self,
        (seen, due_at): (i64, Option<DateTime<Utc>>),
        failing: Option<(u32, DateTime<Utc>)>,
        as_of: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let at = self.env.clock.now();
        let pushed = Pushed { leased_until: self.leased_until, seen, due_at, failing, as_of, at };
        let mut tx = self.env.store.begin(&self.scope).await?;
        tx.event_streams().release(self.id, &pushed).await?;
        Ok(tx.commit().await?)
    }

    fn event(&self, stream: &EventStream) -> Result<Event, Failure> {
        Ok(Event {
            actor: Actor::Application(stream.client.1),
            client: Some(stream.client),
            detail: vec![("stream", self.id.to_string())],
            ..events::done(&self.env, Action::StreamEventRefused, &Origin::default())?
        })
    }
}

/// 5 s, 10 s, 20 s … five minutes at most.
fn next_try(now: DateTime<Utc>, failures: u32) -> DateTime<Utc> {
    let seconds = 5_i64.saturating_mul(1 << failures.min(6));
    now + Duration::seconds(seconds.min(300))
}
