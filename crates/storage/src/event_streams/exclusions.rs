//! Subjects that streams pass over.

use chrono::{DateTime, Utc};
use orgate_domain::ids::StreamId;
use orgate_domain::streams::Exclusion;

use super::EventStreams;
use crate::StorageError;

/// What became of a subject that a stream is to pass over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excluded {
    /// It did already.
    Already,
    /// It does from now on.
    Now,
    /// It passes over as many as it may.
    TooMany,
}

impl EventStreams<'_> {
    /// Has a stream, whose row is held, pass over a subject.
    pub async fn exclude(
        &mut self,
        id: StreamId,
        subject: &Exclusion,
        (limit, at): (i64, DateTime<Utc>),
    ) -> Result<Excluded, StorageError> {
        let found = sqlx::query!(
            r#"with known as (
                   select count(*) as others, count(*) filter (where known.subject = $3) as same
                   from stream_exclusions known where known.org_id = $1 and known.stream_id = $2
               ), added as (
                   insert into stream_exclusions (org_id, stream_id, subject, created_at)
                   select $1, $2, $3, $4 from known where known.others < $5 and known.same = 0
                   on conflict do nothing
               )
               select known.others < $5 as "fits!", known.same > 0 as "known!" from known"#,
            self.org_id,
            id.as_uuid(),
            subject.as_str(),
            at,
            limit,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(match (found.known, found.fits) {
            (true, _) => Excluded::Already,
            (false, true) => Excluded::Now,
            (false, false) => Excluded::TooMany,
        })
    }

    /// Has a stream pass over a subject no more. `false` if it did not.
    pub async fn include(&mut self, id: StreamId, subject: &Exclusion) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from stream_exclusions where org_id = $1 and stream_id = $2 and subject = $3",
            self.org_id,
            id.as_uuid(),
            subject.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Which streams pass over which of these subjects.
    pub async fn list_excluding(
        &mut self,
        subjects: &[String],
    ) -> Result<Vec<(StreamId, String)>, StorageError> {
        let rows = sqlx::query!(
            "select stream_id, subject from stream_exclusions where org_id = $1 and subject = any($2)",
            self.org_id,
            subjects,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| (StreamId::from_uuid(row.stream_id), row.subject)).collect())
    }
}
