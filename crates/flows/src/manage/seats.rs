//! How many seats an organization has, and who takes them.

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
        if limit.is_some_and(|limit| i32::try_from(limit).is_err()) {
            return Err(ChangeError::invalid("/seats", format!("at most {}", i32::MAX)));
        }
        let wanted = QuotaSettings { seats: limit, ..QuotaSettings::find(tx).await? };
        save_quotas(env, tx, &operator.author(), &wanted).await?;
        let after = read(env, tx).await?;
        change.commit().await?;
        Ok(after)
    };
    operator.conclude(env, change).await
}
