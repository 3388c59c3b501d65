//! What waits in streams until its receiver has taken it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use orgate_domain::ids::StreamId;
use serde_json::Value;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// What waits in the organization's streams.
    StreamEvents,
    /// What waits in the organization's streams.
    stream_events
}

/// What kind of event waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Of the stream's own status: it is sent whatever that is.
    Announcement,
    /// Any other.
    Event,
}

/// An event about to wait.
#[derive(Debug, Clone)]
pub struct NewStreamEvent {
    /// The id of its token.
    pub jti: String,
    /// What the token says; it is signed when it is sent.
    pub claims: Value,
    /// Its kind.
    pub kind: Waiting,
}

/// An event that waits.
#[derive(Debug, Clone)]
pub struct StreamEvent {
    /// Its place in the stream.
    pub position: i64,
    /// The id of its token.
    pub jti: String,
    /// What the token says.
    pub claims: Value,
}

impl StreamEvents<'_> {
    /// Puts events at a stream's end, in their order. A push stream is due then, if it was not already and any of them is
    /// to be sent now.
    pub async fn append(
        &mut self,
        stream: StreamId,
        events: &[NewStreamEvent],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let jtis: Vec<String> = events.iter().map(|event| event.jti.clone()).collect();
        let claims: Vec<Value> = events.iter().map(|event| event.claims.clone()).collect();
        let kinds: Vec<bool> = events.iter().map(|event| event.kind == Waiting::Announcement).collect();
        sqlx::query!(
            "with ended as (
                 update event_streams
                 set last_position = last_position + cardinality($3::text[]),
                     due_at = case when method = 'push' and (status = 'enabled' or true = any($5::boolean[]))
                                   then coalesce(due_at, $6::timestamptz) else due_at end
                 where org_id = $1 and id = $2
                 returning last_position - cardinality($3::text[]) as before
             )
             insert into stream_events (org_id, stream_id, position, jti, claims, announcement, created_at)
             select $1, $2, ended.before + fresh.place, fresh.jti, fresh.claims, fresh.announcement, $6
             from ended
             cross join unnest($3::text[], $4::jsonb[], $5::boolean[]) with ordinality
                 as fresh (jti, claims, announcement, place)",
            self.org_id,
            stream.as_uuid(),
            &jtis,
            &claims,
            &kinds,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The first events of a stream, or only those of its own status.
    pub async fn list(
        &mut self,
        stream: StreamId,
        only: Option<Waiting>,
        limit: i64,
    ) -> Result<Vec<StreamEvent>, StorageError> {
        let announcement = only.map(|kind| kind == Waiting::Announcement);
        let rows = sqlx::query!(
            "select position, jti, claims from stream_events
             where org_id = $1 and stream_id = $2 and ($3::boolean is null or announcement = $3)
             order by position limit $4",
            self.org_id,
            stream.as_uuid(),
            announcement,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let event = |row: (i64, String, Value)| StreamEvent { position: row.0, jti: row.1, claims: row.2 };
        Ok(rows.into_iter().map(|row| event((row.position, row.jti, row.claims))).collect())
    }

    /// How many events wait in each stream in which any do.
    pub async fn count_each(&mut self) -> Result<BTreeMap<StreamId, i64>, StorageError> {
        let rows = sqlx::query!(
            r#"select stream_id, count(*) as "count!" from stream_events where org_id = $1 group by stream_id"#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| (StreamId::from_uuid(row.stream_id), row.count)).collect())
    }

    /// How many events wait in a stream.
    pub async fn count(&mut self, stream: StreamId) -> Result<i64, StorageError> {
        let count = sqlx::query_scalar!(
            r#"select count(*) as "count!" from stream_events where org_id = $1 and stream_id = $2"#,
            self.org_id,
            stream.as_uuid(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(count)
    }

    /// Removes what was taken, by the ids of the tokens; which of them waited in this stream.
    pub async fn delete(&mut self, stream: StreamId, jtis: &[String]) -> Result<Vec<String>, StorageError> {
        let waited = sqlx::query_scalar!(
            "delete from stream_events where org_id = $1 and stream_id = $2 and jti = any($3) returning jti",
            self.org_id,
            stream.as_uuid(),
            jtis,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(waited)
    }

    /// Removes what waits of a stream's own status: something newer takes its place.
    pub async fn delete_announcements(&mut self, stream: StreamId) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from stream_events where org_id = $1 and stream_id = $2 and announcement",
            self.org_id,
            stream.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Removes the last event of a stream, announcements aside, if it is of the kind with this URI.
    pub async fn delete_last_of(&mut self, stream: StreamId, kind: &str) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from stream_events waiting
             where waiting.org_id = $1 and waiting.stream_id = $2 and waiting.claims -> 'events' ? $3
               and waiting.position = (
                   select max(latest.position) from stream_events latest
                   where latest.org_id = $1 and latest.stream_id = $2 and not latest.announcement)",
            self.org_id,
            stream.as_uuid(),
            kind,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Removes everything that waits in a stream.
    pub async fn clear(&mut self, stream: StreamId) -> Result<u64, StorageError> {
        let done = sqlx::query!(
            "delete from stream_events where org_id = $1 and stream_id = $2",
            self.org_id,
            stream.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected())
    }
}
