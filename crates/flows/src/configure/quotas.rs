//! How much an organization may have.

use std::collections::BTreeMap;

use orgate_domain::audit::Action;
use orgate_domain::quotas::Quota;
use orgate_storage::{OrgTx, StorageError};

use super::{Author, Mark};
use crate::{Env, Failure};

/// All that the operator says of how much an organization may have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaSettings {
    /// Seats; `None`: there is no end of them.
    pub seats: Option<u32>,
    /// How many of a kind; of those that are not in here, as many as usual.
    pub limits: BTreeMap<Quota, u32>,
}

impl QuotaSettings {
    /// What is said of the organization of a transaction.
    pub(crate) async fn find(tx: &mut OrgTx) -> Result<Self, StorageError> {
        let seats = tx.invitations().find_limit().await?.and_then(|limit| u32::try_from(limit).ok());
        Ok(Self { seats, limits: tx.quotas().list().await? })
    }

    /// Whether there will be seats that there were not before.
    pub(crate) fn seats_more_than(&self, before: &Self) -> bool {
        match (self.seats, before.seats) {
            (None, before) => before.is_some(),
            (Some(seats), before) => before.is_some_and(|before| seats > before),
        }
    }

    /// The kinds of which something else is said.
    fn changed<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = Quota> + 'a {
        Quota::ALL.into_iter().filter(|quota| self.limits.get(quota) != before.limits.get(quota))
    }

    /// What changes; `None` if nothing does.
    pub(crate) fn mark(&self, before: &Self) -> Option<Mark> {
        let seats = (self.seats != before.seats).then_some("seats");
        let parts: Vec<_> = seats.into_iter().chain(self.changed(before).map(Quota::as_str)).collect();
        (!parts.is_empty()).then_some(Mark::Changed(parts))
    }
}

/// Has others who say how much the organization may have, or take seats, wait for this transaction; or waits for them.
pub(crate) async fn seize_quotas(tx: &mut OrgTx) -> Result<(), StorageError> {
    tx.invitations().seize().await?; // first, as whoever takes a seat does
    tx.organization().lock().await
}

/// Writes how much the organization may have, as far as it is not so already; after [`seize_quotas`]. More seats than can be stored are as many as can be.
pub(crate) async fn save_quotas(
    env: &Env,
    tx: &mut OrgTx,
    author: &Author,
    after: &QuotaSettings,
) -> Result<(), Failure> {
    let before = QuotaSettings::find(tx).await?;
    let Some(mark) = after.mark(&before) else { return Ok(()) };
    let mut event = author.done(env, Action::OrganizationConfigured, &mark)?;
    let at = env.clock.now();
    if after.seats != before.seats {
        let seats = after.seats.map(|seats| i32::try_from(seats).unwrap_or(i32::MAX));
        tx.invitations().update_limit(seats, at).await?;
        event.detail.push(("seats", seats.map_or_else(|| "unlimited".to_owned(), |seats| seats.to_string())));
    }
    for quota in after.changed(&before) {
        let limit = after.limits.get(&quota).copied();
        tx.quotas().save(quota, limit, at).await?;
        let said = limit.map_or_else(|| "usual".to_owned(), |limit| limit.to_string());
        event.detail.push((quota.as_str(), said));
    }
    Ok(tx.audit().insert(&event).await?)
}
