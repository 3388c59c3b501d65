//! Floods of alike refusals, folded: forged credentials that name a victim organization must not
//! fill its log.
//!
//! The first refusal of a kind in an organization is written at once; those that follow within a
//! minute are counted, and the count is written with the next one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::OrgId;
use orgate_storage::{OrgScope, StorageError};

use crate::Env;

/// Kinds of refusals remembered at most. Beyond it, new kinds are not written until a minute has passed
/// over old ones: a flood of made-up organizations must not become a flood of rows either.
const REMEMBERED: usize = 10_000;

type Kind = (OrgId, Action, Option<&'static str>);

/// When a kind was last written, and how many were not since.
#[derive(Debug, Default)]
pub struct Refusals {
    recent: Mutex<HashMap<Kind, (DateTime<Utc>, u64)>>,
}

impl Refusals {
    /// Writes `event` to the organization's log in a transaction of its own, or counts it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn record(
        &self,
        env: &Env,
        scope: &OrgScope,
        mut event: Event,
    ) -> Result<(), StorageError> {
        let Some(suppressed) = self.admit(scope.org_id(), &event) else { return Ok(()) };
        if suppressed > 0 {
            event.detail.push(("suppressed", suppressed.to_string()));
        }
        let mut tx = env.store.begin(scope).await?;
        // A forged credential may name an organization that does not exist: it has no log.
        if tx.organization().find().await?.is_some() {
            tx.audit().insert(&event).await?;
        }
        tx.commit().await
    }

    /// How many alike were counted since the last one written; `None` to count this one too.
    fn admit(&self, org_id: OrgId, event: &Event) -> Option<u64> {
        let now = event.occurred_at;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REMEMBERED {
            recent.retain(|_, (written, _)| now - *written < Duration::minutes(1));
        }
        let full = recent.len() >= REMEMBERED;
        let kind = (org_id, event.action, event.reason);
        match recent.get_mut(&kind) {
            Some((written, count)) if now - *written < Duration::minutes(1) => {
                *count += 1;
                None
            }
            None if full => None,
            _ => Some(recent.insert(kind, (now, 0)).map_or(0, |(_, count)| count)),
        }
    }
}
