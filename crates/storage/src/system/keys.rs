//! Keys across organizations: whose are to be looked after.

use chrono::{DateTime, Utc};

use super::SystemReason;
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// Organizations whose signing keys are to be looked after; nobody else gets them before `until`.
    pub async fn claim_key_rings(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<OrgScope>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let rows = sqlx::query_scalar!(
            "update key_rings schedule
             set due_at = $2
             from (
                 select waiting.org_id from key_rings waiting
                 where waiting.due_at <= $1
                 order by waiting.due_at
                 limit $3
                 for update skip locked
             ) due
             where schedule.org_id = due.org_id
             returning schedule.org_id",
            now,
            until,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows.into_iter().map(OrgScope::resolved).collect())
    }
}
