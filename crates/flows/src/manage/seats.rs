//! How many seats an organization has, and who takes them.

use std::collections::BTreeMap;

use orgate_domain::quotas::Quota;
use orgate_storage::OrgTx;

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{QuotaSettings, save_quotas, seize_quotas};
use crate::{Env, Failure};

/// The seats of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seats {
    /// How many there are; `None`: there is no end of them.
    pub limit: Option<u32>,
    /// Active users.
    pub users: i64,
    /// Open invitations.
    pub invitations: i64,
}

/// The organization's seats.
///
/// # Errors
/// [`Failure`].
pub async fn find_seats(env: &Env, caller: &Caller) -> Result<Seats, Failure> {
    caller.read(env, async |tx| read(env, tx).await).await
}

async fn read(env: &Env, tx: &mut OrgTx) -> Result<Seats, orgate_storage::StorageError> {
    let (users, invitations, limit) = tx.invitations().count_seats(env.clock.now()).await?;
    Ok(Seats { limit: limit.and_then(|limit| u32::try_from(limit).ok()), users, invitations })
}

/// What of an organization's limits is to be something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitChanges {
    /// Seats.
    pub seats: Option<Moved>,
    /// Of a kind.
    pub quotas: BTreeMap<Quota, Moved>,
}

/// What a limit was where somebody decided, and what it is to be; `None`: of seats no end, of a kind as many as usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// What it was.
    pub from: Option<u32>,
    /// What it is to be.
    pub to: Option<u32>,
}

/// Says how much the organization may have: all of it, or none. What there is stays, if it is more.
///
/// # Errors
/// [`ChangeError`], of a quota at its name; [`ChangeError::Stale`] if one is not what it was.
pub async fn set_limits(env: &Env, operator: &Caller, changes: &LimitChanges) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, operator, async |tx| seize_quotas(tx).await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let before = QuotaSettings::find(tx).await?;
        let mut wanted = before.clone();
        if let Some(moved) = changes.seats {
            moved.check(before.seats)?;
            wanted.seats = moved.to.map(check_seats).transpose()?;
        }
        for (quota, moved) in &changes.quotas {
            moved.check(before.limits.get(quota).copied())?;
            match moved.to {
                Some(limit) => wanted.limits.insert(*quota, check_limit(*quota, limit)?),
                None => wanted.limits.remove(quota),
            };
        }
        if wanted != before {
            save_quotas(env, tx, &operator.author(), &wanted).await?;
        }
        change.commit().await
    };
    operator.conclude(env, change).await
}

impl Moved {
    fn check(self, now: Option<u32>) -> Result<(), ChangeError> {
        if now == self.from || now == self.to { Ok(()) } else { Err(ChangeError::Stale) }
    }
}

fn check_seats(limit: u32) -> Result<u32, ChangeError> {
    if i32::try_from(limit).is_ok() {
        Ok(limit)
    } else {
        Err(ChangeError::invalid("/seats", format!("at most {}", i32::MAX)))
    }
}

fn check_limit(quota: Quota, limit: u32) -> Result<u32, ChangeError> {
    if limit <= quota.most() {
        Ok(limit)
    } else {
        Err(ChangeError::invalid(format!("/{}", quota.as_str()), format!("at most {}", quota.most())))
    }
}

/// Says how many seats the organization has. Whoever has one keeps it, if there are fewer from now on.
///
/// # Errors
/// [`ChangeError`].
pub async fn set_seats(env: &Env, operator: &Caller, limit: Option<u32>) -> Result<Seats, ChangeError> {
    let change = async {
        let mut change = Change::begin(env, operator, async |tx| seize_quotas(tx).await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let before = read(env, tx).await?;
        if before.limit == limit {
            return Ok(before);
        }
        limit.map(check_seats).transpose()?;
        let wanted = QuotaSettings { seats: limit, ..QuotaSettings::find(tx).await? };
        save_quotas(env, tx, &operator.author(), &wanted).await?;
        let after = read(env, tx).await?;
        change.commit().await?;
        Ok(after)
    };
    operator.conclude(env, change).await
}
