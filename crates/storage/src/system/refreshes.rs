//! When connections are due to be looked after.

use chrono::{DateTime, Utc};
use orgate_domain::ids::ConnectionId;

use super::SystemReason;
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// Claims up to `limit` connections that are due to be looked after at `now` until `until`: another
    /// node does not get them before. Each is then read and changed in its own organization.
    pub async fn claim_refreshes(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<(OrgScope, ConnectionId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let rows = sqlx::query!(
            "update connection_refreshes schedule
             set due_at = $2
             from (
                 select waiting.org_id, waiting.connection_id from connection_refreshes waiting
                 where waiting.due_at <= $1
                 order by waiting.due_at
                 limit $3
                 for update skip locked
             ) due
             where schedule.org_id = due.org_id and schedule.connection_id = due.connection_id
             returning schedule.org_id, schedule.connection_id",
            now,
            until,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgScope::resolved(row.org_id), ConnectionId::from_uuid(row.connection_id)))
            .collect())
    }

    /// How many connections were given the notice of `days` before their certificate expires, or a later
    /// one.
    pub async fn count_expiring(&self, days: i32) -> Result<i64, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from connection_refreshes where noticed_days <= $1"#,
            days,
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(count)
    }
}
