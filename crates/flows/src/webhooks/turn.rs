//! A node's turn at a webhook: what was set aside and is due, then what comes next in order.

use std::pin::Pin;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::WebhookId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::webhooks::{FAILING, GONE, PATIENCE, TRIES_IN_ORDER, back_off, next_try};
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::system::OrgHint;
use orgate_storage::{
    Attempt, DeliveryKey, DeliveryStatus, Followed, FollowedEvent, Following, OrgScope, Progress, Webhook,
    WebhookDelivery, WebhookScope, WebhookStatus,
};
use tokio_util::sync::CancellationToken;

use super::send::{Answer, Refusal, secrets, send};
use crate::{Env, Failure, events};

/// A node has a webhook for this long.
const LEASE: Duration = Duration::minutes(1);

/// What one request may take, waiting for its turn included; with less left of a lease, none is begun.
const REQUEST: Duration = Duration::seconds(20);

/// Requests of one webhook after which others have their turn.
const REQUESTS: usize = 200;

/// Events that are read at once.
const READ: i64 = 50;

/// Events that were set aside and are tried in one turn.
const RETRIED: i64 = 20;

/// Turns at any time, on all nodes, of one host and of one organization: of what a host is sent at once, half, so that whatever
/// else it is asked has its turn.
const TURNS_EACH: i64 = 8;

/// Until an organization is looked at again that is not active.
const SHUT_OUT: Duration = Duration::minutes(1);

/// How often those are looked at that tell of all organizations.
const LOOK: Duration = Duration::seconds(1);

/// A node's turn at a webhook.
pub type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Leases webhooks that are due, at most `limit`; each is sent to by awaiting its turn, whose failures are its own, and which
/// gives the lease back at `stop`.
///
/// # Errors
/// [`Failure`] of the database.
pub async fn claim_due(env: &Env, limit: i64, stop: &CancellationToken) -> Result<Vec<Turn>, Failure> {
    let now = env.clock.now();
    let leased_until = now + LEASE;
    let due = env.store.claim_webhooks((now, leased_until), (limit, TURNS_EACH)).await?;
    let turn = |(scope, id)| -> Turn {
        let place = Place { env: env.clone(), scope, id, leased_until, stop: stop.clone() };
        Box::pin(async move {
            if let Err(error) = place.run().await {
                // The lease lapses, and the webhook is another node's.
                tracing::warn!(org.id = %place.scope.org_id(), webhook.id = %place.id, %error, "a webhook was left");
            }
        })
    };
    Ok(due.into_iter().map(turn).collect())
}

/// Whose turn it is, and until when.
struct Place {
    env: Env,
    scope: OrgScope,
    id: WebhookId,
    leased_until: DateTime<Utc>,
    stop: CancellationToken,
}

/// A webhook as it was looked at, and how far it has come since.
struct Sending {
    webhook: Webhook,
    secrets: Vec<SigningSecret>,
    progress: Progress,
    requests: usize,
}

/// How a turn goes on.
enum Next {
    /// With what is next.
    On,
    /// Not at all: the lease is given back, and the webhook is due then, or for something that comes.
    Over(Option<DateTime<Utc>>),
    /// Not at all: the lease is over.
    Left,
}

impl Next {
    /// Over, in the place of going on.
    fn or_over(self, due_at: Option<DateTime<Utc>>) -> Self {
        if matches!(self, Self::On) { Self::Over(due_at) } else { self }
    }
}

impl Place {
    async fn run(&self) -> Result<(), Failure> {
        let Some((mut sending, due)) = self.begin().await? else { return Ok(()) };
        for delivery in due {
            match self.retry(&mut sending, &delivery).await? {
                Next::On => {}
                Next::Over(due_at) => return self.release(due_at).await,
                Next::Left => return Ok(()),
            }
        }
        match self.go_on(&mut sending).await? {
            Next::On => self.rest(&sending).await,
            Next::Over(due_at) => self.release(due_at).await,
            Next::Left => Ok(()),
        }
    }

    /// The webhook, and what was set aside and is due; `None` if there is nothing to do for now.
    async fn begin(&self) -> Result<Option<(Sending, Vec<WebhookDelivery>)>, Failure> {
        let (env, now) = (&self.env, self.env.clock.now());
        let mut tx = env.store.begin(&self.scope).await?;
        let Some(webhook) = tx.webhooks().find_leased(self.id, self.leased_until).await? else {
            return Ok(None);
        };
        let due = tx.webhook_deliveries().list_due(self.id, now, RETRIED).await?;
        tx.commit().await?;
        let organization = env.store.resolve(OrgHint::Id(self.scope.org_id())).await?;
        let is_active = organization.is_some_and(|organization| organization.status == OrgStatus::Active);
        if !is_active || webhook.status == WebhookStatus::Disabled {
            self.forget_failures().await?; // that its organization was suspended is not its receiver's fault
            self.release(Some(now + SHUT_OUT)).await?;
            return Ok(None);
        }
        let progress = Progress {
            leased_until: self.leased_until,
            as_of: webhook.updated_at,
            last_position: webhook.last_position,
            tries: webhook.tries,
            retry_at: webhook.retry_at,
            failures: webhook.failures,
            failing_since: webhook.failing_since,
        };
        let secrets = secrets(env, &self.scope, &webhook).await?;
        Ok(Some((Sending { webhook, secrets, progress, requests: 0 }, due)))
    }

    /// Tries something again that was set aside.
    async fn retry(&self, sending: &mut Sending, delivery: &WebhookDelivery) -> Result<Next, Failure> {
        let (key, attempts) = (delivery.key, delivery.attempts.saturating_add(1));
        let answer = match self.find(&sending.webhook, key).await? {
            Some(event) => match self.send(sending, &event).await {
                Some(answer) => answer,
                None => return Ok(Next::Over(Some(self.env.clock.now()))),
            },
            None => Answer::Failed(Refusal::of("the event is not in the log")),
        };
        let (now, progress) = (self.env.clock.now(), &mut sending.progress);
        match answer {
            Answer::Taken(status) => {
                progress.succeed();
                self.settle(progress, Some(&taken(key, (attempts, status), now))).await
            }
            Answer::Gone => self.disable(GONE, progress.as_of).await,
            Answer::Failed(refusal) => {
                self.warn(&refusal);
                progress.fail(now);
                if progress.is_hopeless(now) {
                    return self.disable(FAILING, progress.as_of).await;
                }
                let wait = next_try(attempts).map(|wait| self.jitter(wait)).transpose()?;
                let next_try_at = wait.map(|wait| now + wait.max(refusal.retry_after.unwrap_or_default()));
                let attempt = failed(key, attempts, (&refusal, now), next_try_at);
                self.settle(progress, Some(&attempt)).await
            }
        }
    }

    /// Sends what is next, one event after the other, until nothing is left or one is not taken.
    async fn go_on(&self, sending: &mut Sending) -> Result<Next, Failure> {
        if let Some(retry_at) = sending.progress.retry_at.filter(|at| *at > self.env.clock.now()) {
            return Ok(Next::Over(Some(retry_at)));
        }
        loop {
            let followed = self.follow(sending).await?;
            for event in &followed.events {
                let Some(answer) = self.send(sending, event).await else {
                    return Ok(Next::Over(Some(self.env.clock.now())));
                };
                match self.move_on(&mut sending.progress, event, answer).await? {
                    Next::On => {}
                    over => return Ok(over),
                }
            }
            // Past those that nobody wants.
            if followed.up_to > sending.progress.last_position {
                sending.progress.last_position = followed.up_to;
                match self.settle(&sending.progress, None).await? {
                    Next::On => {}
                    over => return Ok(over),
                }
            }
            if !followed.more {
                return Ok(Next::On);
            }
        }
    }

    /// Keeps what became of the event that was next.
    async fn move_on(
        &self,
        progress: &mut Progress,
        event: &FollowedEvent,
        answer: Answer,
    ) -> Result<Next, Failure> {
        let (now, tries) = (self.env.clock.now(), progress.tries.saturating_add(1));
        let key = DeliveryKey { org_id: event.org_id, place: event.event.place };
        let refusal = match answer {
            Answer::Taken(status) => {
                progress.succeed();
                (progress.last_position, progress.tries) = (event.at, 0);
                return self.settle(progress, Some(&taken(key, (tries, status), now))).await;
            }
            Answer::Gone => return self.disable(GONE, progress.as_of).await,
            Answer::Failed(refusal) => refusal,
        };
        self.warn(&refusal);
        progress.fail(now);
        if progress.is_hopeless(now) {
            return self.disable(FAILING, progress.as_of).await;
        }
        if tries < TRIES_IN_ORDER {
            let wait = self.jitter(back_off(progress.failures))?;
            let retry_at = now + wait.max(refusal.retry_after.unwrap_or_default());
            (progress.tries, progress.retry_at) = (tries, Some(retry_at));
            return Ok(self.settle(progress, None).await?.or_over(Some(retry_at)));
        }
        // Set aside: perhaps it is this one alone.
        let retry_at = refusal.retry_after.map(|wait| now + wait);
        let wait = next_try(tries).map(|wait| self.jitter(wait)).transpose()?;
        let attempt = failed(key, tries, (&refusal, now), wait.map(|wait| now + wait));
        (progress.last_position, progress.tries, progress.retry_at) = (event.at, 0, retry_at);
        let settled = self.settle(progress, Some(&attempt)).await?;
        Ok(if retry_at.is_some() { settled.or_over(retry_at) } else { settled })
    }

    /// Sends an event; `None` if this turn has no time for it.
    async fn send(&self, sending: &mut Sending, event: &FollowedEvent) -> Option<Answer> {
        let left = self.leased_until - self.env.clock.now();
        sending.requests += 1;
        if left < REQUEST || sending.requests > REQUESTS {
            return None;
        }
        let to = (sending.webhook.terms.url.as_str(), sending.secrets.as_slice());
        // Whoever goes on sends it again.
        self.stop.run_until_cancelled(send(&self.env, to, event)).await
    }

    async fn follow(&self, sending: &Sending) -> Result<Followed, Failure> {
        let webhook = &sending.webhook;
        let asked = Following {
            after: sending.progress.last_position,
            filters: webhook.terms.events.as_deref(),
            but_for_tests_of: Some(self.id),
            limit: READ,
        };
        if webhook.scope == WebhookScope::All {
            return Ok(self.env.store.watch((&self.scope, self.id), asked).await?);
        }
        let mut tx = self.env.store.begin(&self.scope).await?;
        let followed = tx.event_positions().list(asked).await?;
        tx.commit().await?;
        Ok(followed)
    }

    async fn find(&self, webhook: &Webhook, key: DeliveryKey) -> Result<Option<FollowedEvent>, Failure> {
        if webhook.scope == WebhookScope::All {
            return Ok(self.env.store.watch_one((&self.scope, self.id), key).await?);
        }
        let mut tx = self.env.store.begin(&self.scope).await?;
        let event = tx.event_positions().find(key.place).await?;
        tx.commit().await?;
        Ok(event.filter(|event| event.org_id == key.org_id))
    }

    /// Keeps how far the webhook has come, with what became of an event. If somebody has decided about it since, that is left
    /// to the next turn, which sends the event again.
    async fn settle(&self, progress: &Progress, attempt: Option<&Attempt<'_>>) -> Result<Next, Failure> {
        let mut tx = self.env.store.begin(&self.scope).await?;
        if !tx.webhooks().settle(self.id, progress).await? {
            return Ok(Next::Over(Some(self.env.clock.now())));
        }
        if let Some(attempt) = attempt {
            tx.webhook_deliveries().upsert(self.id, attempt).await?;
        }
        tx.commit().await?;
        Ok(Next::On)
    }

    /// Unless somebody has decided about it since it was looked at: it is another webhook's answer then.
    async fn disable(&self, reason: &'static str, as_of: DateTime<Utc>) -> Result<Next, Failure> {
        let event = Event {
            actor: Actor::System,
            reason: Some(reason),
            detail: vec![("webhook", self.id.to_string())],
            ..events::done(&self.env, Action::WebhookDisabled, &Origin::default())?
        };
        let mut tx = self.env.store.begin(&self.scope).await?;
        let held = tx.webhooks().find_leased(self.id, self.leased_until).await?;
        let Some(webhook) = held else { return Ok(Next::Left) };
        if webhook.updated_at != as_of {
            drop(tx);
            return Ok(Next::Over(Some(self.env.clock.now())));
        }
        if webhook.status == WebhookStatus::Enabled {
            tx.webhooks().disable(self.id, reason, self.env.clock.now()).await?;
            tx.audit().insert(&event).await?;
        }
        tx.commit().await?;
        Ok(Next::Left)
    }

    /// Gives the lease back, with nothing left to send.
    async fn rest(&self, sending: &Sending) -> Result<(), Failure> {
        let now = self.env.clock.now();
        let mut tx = self.env.store.begin(&self.scope).await?;
        // Held first: what has got its position by now is seen, and what gets one later finds nothing due, and says so.
        if tx.webhooks().find_leased(self.id, self.leased_until).await?.is_some() {
            tx.webhooks().forget_failures(self.id).await?;
            let due_at = match sending.webhook.scope {
                WebhookScope::All => Some(now + LOOK), // what others have got is not seen from here
                WebhookScope::Organization => {
                    (tx.event_positions().find_last().await? > sending.progress.last_position).then_some(now)
                }
            };
            tx.webhooks().release(self.id, self.leased_until, due_at).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn forget_failures(&self) -> Result<(), Failure> {
        let mut tx = self.env.store.begin(&self.scope).await?;
        tx.webhooks().forget_failures(self.id).await?;
        Ok(tx.commit().await?)
    }

    async fn release(&self, due_at: Option<DateTime<Utc>>) -> Result<(), Failure> {
        let mut tx = self.env.store.begin(&self.scope).await?;
        tx.webhooks().release(self.id, self.leased_until, due_at).await?;
        Ok(tx.commit().await?)
    }

    fn warn(&self, refusal: &Refusal) {
        let (org_id, failure) = (self.scope.org_id(), &refusal.failure);
        tracing::warn!(org.id = %org_id, webhook.id = %self.id, failure, "an event could not be delivered");
    }

    /// A fifth more or less, so that what failed together is not tried again together.
    fn jitter(&self, wait: Duration) -> Result<Duration, Failure> {
        let [byte] = self.env.random.bytes::<1>()?;
        Ok(wait * (80 + i32::from(byte) * 40 / 255) / 100)
    }
}

trait Course {
    fn succeed(&mut self);
    fn fail(&mut self, now: DateTime<Utc>);
    fn is_hopeless(&self, now: DateTime<Utc>) -> bool;
}

impl Course for Progress {
    fn succeed(&mut self) {
        (self.failures, self.failing_since, self.retry_at) = (0, None, None);
    }

    fn fail(&mut self, now: DateTime<Utc>) {
        self.failures = self.failures.saturating_add(1);
        self.failing_since.get_or_insert(now);
    }

    fn is_hopeless(&self, now: DateTime<Utc>) -> bool {
        self.failing_since.is_some_and(|since| now - since >= PATIENCE)
    }
}

fn taken(key: DeliveryKey, (attempts, status): (u32, u16), at: DateTime<Utc>) -> Attempt<'static> {
    let (http_status, status) = (Some(status), DeliveryStatus::Delivered);
    Attempt { key, status, attempts, http_status, failure: None, at, next_try_at: None }
}

fn failed(
    key: DeliveryKey,
    attempts: u32,
    (refusal, at): (&Refusal, DateTime<Utc>),
    next_try_at: Option<DateTime<Utc>>,
) -> Attempt<'_> {
    let status = if next_try_at.is_some() { DeliveryStatus::Waiting } else { DeliveryStatus::Dead };
    let failure = Some(refusal.failure.as_str());
    Attempt { key, status, attempts, http_status: refusal.status, failure, at, next_try_at }
}
