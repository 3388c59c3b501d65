//! How many things of a kind an organization may have.
//!
//! **Invariant:** whatever makes one that an organization makes for itself asks here, where others who make one wait for it.
//! Files are the operator's, and are not asked; clients that register themselves have a bound of their own.

use orgate_domain::quotas::{NoRoom, Quota};
use orgate_storage::{OrgTx, StorageError};

/// Whether there is room for another one beside so many, that others who make one wait for: for who says how many, too.
pub(crate) async fn check_room(
    tx: &mut OrgTx,
    quota: Quota,
    have: usize,
) -> Result<Result<(), NoRoom>, StorageError> {
    tx.organization().lock().await?;
    let limit = tx.quotas().find_limit(quota).await?;
    let is_room = u32::try_from(have).is_ok_and(|have| have < limit);
    Ok(if is_room { Ok(()) } else { Err(NoRoom { quota, limit }) })
}
