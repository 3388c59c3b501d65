//! Streams of security events: which organizations have something to put into them, and which are due to be pushed.

use chrono::{DateTime, Utc};
use orgate_domain::ids::StreamId;

use super::SystemReason;
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// Organizations with events that their streams have not been given, whoever waits longest first.
    pub async fn list_signalled(&self, limit: i64) -> Result<Vec<OrgScope>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let orgs = sqlx::query_scalar!(
            "select org_id from signals group by org_id order by min(position) limit $1",
            limit
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(orgs.into_iter().map(OrgScope::resolved).collect())
    }

    /// Leases up to `limit` streams that are due at `now` until `until`: no other node pushes into one before. Each is
    /// then read and changed in its own organization.
    pub async fn claim_streams(
        &self,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        limit: i64,
    ) -> Result<Vec<(OrgScope, StreamId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let rows = sqlx::query!(
            "update event_streams stream
             set leased_until = $2
             from (
                 select waiting.org_id, waiting.id from event_streams waiting
                 where waiting.due_at <= $1 and (waiting.leased_until is null or waiting.leased_until <= $1)
                 order by waiting.due_at
                 limit $3
                 for update skip locked
             ) due
             where stream.org_id = due.org_id and stream.id = due.id
             returning stream.org_id, stream.id",
            now,
            until,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgScope::resolved(row.org_id), StreamId::from_uuid(row.id)))
            .collect())
    }
}
