//! When SAML connections are looked after, and what came of it.

use chrono::{DateTime, Utc};
use orgate_domain::connections::ConnectionSettings;
use orgate_domain::ids::ConnectionId;
use sqlx::types::Json;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The schedule of the organization's SAML connections.
    Refreshes,
    /// The schedule of the organization's SAML connections.
    refreshes
}

/// What is known of a connection's last refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    /// When the next one is due.
    pub due_at: DateTime<Utc>,
    /// Why the last one failed, if it did.
    pub last_error: Option<String>,
    /// Settings that wait for approval.
    pub proposed: Option<ConnectionSettings>,
    /// The last notice of expiry: days before it, and of which expiry.
    pub noticed: Option<(i32, DateTime<Utc>)>,
}

impl Refreshes<'_> {
    /// What is known of a connection.
    pub async fn find(&mut self, id: ConnectionId) -> Result<Option<Refresh>, StorageError> {
        let row = sqlx::query!(
            r#"select due_at, last_error, proposed as "proposed: Json<ConnectionSettings>", noticed_days, noticed_for
               from connection_refreshes where org_id = $1 and connection_id = $2"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| Refresh {
            due_at: row.due_at,
            last_error: row.last_error,
            proposed: row.proposed.map(|proposed| proposed.0),
            noticed: row.noticed_days.zip(row.noticed_for),
        }))
    }

    /// The connections with settings that wait for approval.
    pub async fn list_proposed(&mut self) -> Result<Vec<ConnectionId>, StorageError> {
        let ids = sqlx::query_scalar!(
            "select connection_id from connection_refreshes
             where org_id = $1 and proposed is not null order by connection_id",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(ConnectionId::from_uuid).collect())
    }

    /// Keeps what came of a refresh, and when the next is due.
    pub async fn save(&mut self, id: ConnectionId, refresh: &Refresh) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into connection_refreshes (org_id, connection_id, due_at, last_error, proposed, noticed_days, noticed_for)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (org_id, connection_id) do update
                 set due_at = excluded.due_at, last_error = excluded.last_error, proposed = excluded.proposed,
                     noticed_days = excluded.noticed_days, noticed_for = excluded.noticed_for
                 where connection_refreshes.org_id = excluded.org_id",
            self.org_id,
            id.as_uuid(),
            refresh.due_at,
            refresh.last_error,
            refresh.proposed.as_ref().map(Json) as _,
            refresh.noticed.map(|(days, _)| days),
            refresh.noticed.map(|(_, of)| of),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes away what waited for approval; something else that was proposed meanwhile stays.
    pub async fn settle(
        &mut self,
        id: ConnectionId,
        proposed: &ConnectionSettings,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update connection_refreshes set proposed = null
             where org_id = $1 and connection_id = $2 and proposed = $3",
            self.org_id,
            id.as_uuid(),
            Json(proposed) as _,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Has the connection looked after at once.
    pub async fn hasten(&mut self, id: ConnectionId, now: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into connection_refreshes (org_id, connection_id, due_at) values ($1, $2, $3)
             on conflict (org_id, connection_id) do update set due_at = least(connection_refreshes.due_at, excluded.due_at)
                 where connection_refreshes.org_id = excluded.org_id",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
