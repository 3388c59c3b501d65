//! How many things of a kind an organization may have, and has.

use orgate_domain::quotas::{NoRoom, Quota};
use orgate_storage::{OrgTx, StorageError};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{QuotaSettings, save_quotas, seize_quotas};
use crate::{Env, Failure};

/// How it stands with one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaState {
    /// Of which kind.
    pub quota: Quota,
    /// How many there may be.
    pub limit: u32,
    /// Whether that is as usual: the operator said nothing.
    pub is_usual: bool,
    /// How many there are.
    pub used: i64,
}

impl From<NoRoom> for ChangeError {
    fn from(full: NoRoom) -> Self {
        Self::TooMany(full.to_string())
    }
}

/// All of the organization's quotas.
///
/// # Errors
/// [`Failure`].
pub async fn list_quotas(env: &Env, caller: &Caller) -> Result<Vec<QuotaState>, Failure> {
    caller.read(env, async |tx| read(env, tx).await).await
}

async fn read(env: &Env, tx: &mut OrgTx) -> Result<Vec<QuotaState>, StorageError> {
    let (set, used) = (tx.quotas().list().await?, tx.quotas().count(env.clock.now()).await?);
    let state = |quota: Quota| QuotaState {
        quota,
        limit: set.get(&quota).copied().unwrap_or(quota.usual()),
        is_usual: !set.contains_key(&quota),
        used: used.get(&quota).copied().unwrap_or_default(),
    };
    Ok(Quota::ALL.map(state).into())
}

/// Says how many of a kind the organization may have; `None`: as many as usual. What there is stays, if it is more.
///
/// # Errors
/// [`ChangeError`].
pub async fn set_quota(
    env: &Env,
    operator: &Caller,
    (quota, limit): (Quota, Option<u32>),
) -> Result<QuotaState, ChangeError> {
    let change = async {
        if limit.is_some_and(|limit| limit > quota.most()) {
            return Err(ChangeError::invalid("/limit", format!("at most {}", quota.most())));
        }
        let mut change = Change::begin(env, operator, async |tx| seize_quotas(tx).await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let mut wanted = QuotaSettings::find(tx).await?;
        match limit {
            Some(limit) => wanted.limits.insert(quota, limit),
            None => wanted.limits.remove(&quota),
        };
        save_quotas(env, tx, &operator.author(), &wanted).await?;
        let after = read(env, tx).await?.into_iter().find(|state| state.quota == quota);
        change.commit().await?;
        after.ok_or(ChangeError::Missing)
    };
    operator.conclude(env, change).await
}
