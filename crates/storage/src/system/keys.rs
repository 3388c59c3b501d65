//! Keys across organizations: whose are to be looked after, and whose there may be.

use chrono::{DateTime, Utc};
use orgate_domain::ids::OrgId;

use super::SystemReason;
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// The organizations after this one, in order of their ids, at most `limit`.
    pub async fn list_organizations(
        &self,
        after: Option<OrgId>,
        limit: i64,
    ) -> Result<Vec<OrgScope>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let ids = sqlx::query_scalar!(
            "select org_id from organizations where $1::uuid is null or org_id > $1 order by org_id limit $2",
            after.map(OrgId::as_uuid),
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(ids.into_iter().map(OrgScope::resolved).collect())
    }

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
