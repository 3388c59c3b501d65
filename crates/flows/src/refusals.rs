//! Floods of alike refusals, folded: forged credentials that name a victim organization must not
//! fill its log.
//!
//! The first refusal of a kind in an organization is written at once; those that follow within a
//! minute are counted, and a job writes the count when the minute is over.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::ids::{EventId, OrgId};
use orgate_storage::{OrgScope, OrgTx, StorageError};

use crate::{Env, Failure};

/// Kinds remembered at most. Beyond it the oldest is forgotten, its count written first.
const REMEMBERED: usize = 10_000;

type Kind = (OrgId, Action, Option<&'static str>, Option<String>, Option<String>);

/// What is alike. Who is known, as a user or to the management API, is told apart, and what it was for: nobody hides behind another's
/// refusals, and none is counted as what it was not.
fn kind(org_id: OrgId, event: &Event) -> Kind {
    let is_known = matches!(event.actor, Actor::User(_)) || event.action == Action::ApiRefused;
    let actor = is_known.then(|| event.actor.id()).flatten();
    let purpose =
        event.detail.iter().find(|(name, _)| *name == "purpose").map(|(_, purpose)| purpose.clone());
    (org_id, event.action, event.reason, actor, purpose)
}

/// What was written of a kind, and how many alike were not since.
#[derive(Debug)]
struct Folded {
    scope: OrgScope,
    written: DateTime<Utc>,
    last: Event,
    count: u64,
}

/// The kinds of the last minute.
#[derive(Debug, Default)]
pub struct Refusals {
    recent: Mutex<HashMap<Kind, Folded>>,
}

impl Refusals {
    /// Writes `event` to the organization's log in a transaction of its own, or counts it: whether it was
    /// written.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn record(
        &self,
        env: &Env,
        scope: &OrgScope,
        event: Event,
    ) -> Result<bool, StorageError> {
        if self.count(scope.org_id(), &event) {
            return Ok(false);
        }
        // A forged credential may name an organization that does not exist. It has no log, and
        // takes no place here either, or made-up ones would drive out the real.
        if !write(env, scope, &event).await? {
            return Ok(false);
        }
        if let Some(oldest) = self.remember(scope, event) {
            write_count(env, oldest).await?;
        }
        Ok(true)
    }

    /// The same of something that was done, in the transaction that does it, which is committed: for what strangers
    /// can have done as often as they like.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn record_in(
        &self,
        env: &Env,
        (mut tx, scope): (OrgTx, &OrgScope),
        event: Event,
    ) -> Result<(), StorageError> {
        if self.count(scope.org_id(), &event) {
            return tx.commit().await;
        }
        tx.audit().insert(&event).await?;
        tx.commit().await?;
        match self.remember(scope, event) {
            Some(oldest) => write_count(env, oldest).await,
            None => Ok(()),
        }
    }

    /// Writes the counts of the minutes that are over. Called by a job.
    ///
    /// # Errors
    /// [`Failure`]; what was not written is lost, and that it happened is not.
    pub async fn flush(&self, env: &Env) -> Result<(), Failure> {
        let now = env.clock.now();
        let over: Vec<Folded> = self
            .lock()
            .extract_if(|_, folded| now - folded.written >= Duration::minutes(1))
            .map(|(_, f)| f)
            .collect();
        for folded in over {
            write_count(env, folded).await?;
        }
        Ok(())
    }

    /// Counts an event that is like one of this minute.
    fn count(&self, org_id: OrgId, event: &Event) -> bool {
        let mut recent = self.lock();
        match recent.get_mut(&kind(org_id, event)) {
            Some(folded) if event.occurred_at - folded.written < Duration::minutes(1) => {
                folded.count += 1;
                folded.last = event.clone();
                true
            }
            _ => false,
        }
    }

    /// Remembers what was written; what had to go for it, or was there before.
    fn remember(&self, scope: &OrgScope, event: Event) -> Option<Folded> {
        let mut recent = self.lock();
        let oldest = if recent.len() >= REMEMBERED {
            recent.iter().min_by_key(|(_, folded)| folded.written).map(|(kind, _)| kind.clone())
        } else {
            None
        };
        let gone = oldest.and_then(|kind| recent.remove(&kind));
        let kind = kind(scope.org_id(), &event);
        let folded = Folded { scope: *scope, written: event.occurred_at, last: event, count: 0 };
        recent.insert(kind, folded).or(gone)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Folded>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the last of the events that were only counted, with their number.
async fn write_count(env: &Env, folded: Folded) -> Result<(), StorageError> {
    if folded.count == 0 {
        return Ok(());
    }
    let Ok(id) = env.random.uuid(env.clock.now()) else { return Ok(()) };
    let mut event = Event { id: EventId::from_uuid(id), ..folded.last };
    event.detail.push(("alike", folded.count.to_string()));
    write(env, &folded.scope, &event).await.map(|_| ())
}

/// Writes an event, if its organization exists, and is not erased or about to be: old links and tokens lead there for long.
async fn write(env: &Env, scope: &OrgScope, event: &Event) -> Result<bool, StorageError> {
    let mut tx = env.store.begin(scope).await?;
    let exists = tx.organization().find_record().await?.is_some();
    if exists {
        tx.audit().insert(event).await?;
    }
    tx.commit().await?;
    Ok(exists)
}
