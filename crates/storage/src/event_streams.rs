//! Receivers' streams of security events, and what they want to hear nothing of.
//!
//! **Invariant:** whoever puts events into a stream, or changes what is sent, holds its row: the order of what is in it
//! is the order of commits.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ClientId, OrgId, StreamId};
use orgate_protocol::ssf::StreamStatus;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

mod exclusions;

pub use exclusions::Excluded;

repository! {
    /// The organization's streams of security events.
    EventStreams,
    /// The organization's streams of security events.
    event_streams
}

/// A stream.
#[derive(Debug, Clone)]
pub struct EventStream {
    /// Its id.
    pub id: StreamId,
    /// The receiver: the client and its owner.
    pub client: (OrgId, ClientId),
    /// Who says what is in it.
    pub issuer: String,
    /// What its receiver decides about.
    pub terms: StreamTerms,
    /// Whether events are sent.
    pub status: StreamStatus,
    /// Why.
    pub status_reason: Option<String>,
    /// The place of the last event that was put in.
    pub last_position: i64,
    /// How often in a row pushing failed.
    pub failures: u32,
    /// Since when it fails.
    pub failing_since: Option<DateTime<Utc>>,
    /// When its receiver, or whoever paused it, last decided about it.
    pub updated_at: DateTime<Utc>,
}

/// Whose a stream is: a receiver's, at the issuer where it was made.
#[derive(Debug, Clone, Copy)]
pub struct Holder<'a> {
    /// The client and its owner.
    pub client: (OrgId, ClientId),
    /// The issuer.
    pub issuer: &'a str,
}

/// What a stream's receiver decides about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamTerms {
    /// Where events are pushed to; `None`: they are polled.
    pub endpoint_url: Option<String>,
    /// The value of `Authorization` there, encrypted.
    pub push_credential: Option<Vec<u8>>,
    /// The URIs of the events that are asked for; `None`: all.
    pub events_requested: Option<Vec<String>>,
    /// For people.
    pub description: Option<String>,
}

/// How pushing went, of whoever had the lease.
#[derive(Debug, Clone, Copy)]
pub struct Pushed {
    /// When the lease ends, which tells it from every other.
    pub leased_until: DateTime<Utc>,
    /// The place of the last event that was looked at, or of the last that there was.
    pub seen: i64,
    /// When to go on; `None` once nothing is left.
    pub due_at: Option<DateTime<Utc>>,
    /// How often in a row it failed, and since when; `None`: as often as before.
    pub failing: Option<(u32, DateTime<Utc>)>,
    /// [`EventStream::updated_at`], as it was looked at. What was decided since stays decided.
    pub as_of: DateTime<Utc>,
    /// Now.
    pub at: DateTime<Utc>,
}

struct Row {
    id: uuid::Uuid,
    client_org_id: uuid::Uuid,
    client_id: uuid::Uuid,
    issuer: String,
    endpoint_url: Option<String>,
    push_credential: Option<Vec<u8>>,
    events_requested: Option<Vec<String>>,
    description: Option<String>,
    status: String,
    status_reason: Option<String>,
    last_position: i64,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for EventStream {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: StreamId::from_uuid(row.id),
            client: (OrgId::from_uuid(row.client_org_id), ClientId::from_uuid(row.client_id)),
            issuer: row.issuer,
            terms: StreamTerms {
                endpoint_url: row.endpoint_url,
                push_credential: row.push_credential,
                events_requested: row.events_requested,
                description: row.description,
            },
            status: parsed(StreamStatus::from_text(&row.status), "event_streams", "status")?,
            status_reason: row.status_reason,
            last_position: row.last_position,
            failures: u32::try_from(row.failures).unwrap_or_default(),
            failing_since: row.failing_since,
            updated_at: row.updated_at,
        })
    }
}

impl EventStreams<'_> {
    /// The streams of one receiver, oldest first.
    pub async fn list(&mut self, by: Holder<'_>) -> Result<Vec<EventStream>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, client_org_id, client_id, issuer, endpoint_url, push_credential, events_requested, description, status,
                    status_reason, last_position, failures, failing_since, updated_at
             from event_streams where org_id = $1 and client_org_id = $2 and client_id = $3 and issuer = $4 order by id",
            self.org_id,
            by.client.0.as_uuid(),
            by.client.1.as_uuid(),
            by.issuer,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A receiver's stream. Another's is none.
    pub async fn find(&mut self, id: StreamId, by: Holder<'_>) -> Result<Option<EventStream>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, client_org_id, client_id, issuer, endpoint_url, push_credential, events_requested, description, status,
                    status_reason, last_position, failures, failing_since, updated_at
             from event_streams where org_id = $1 and id = $2 and client_org_id = $3 and client_id = $4 and issuer = $5",
            self.org_id,
            id.as_uuid(),
            by.client.0.as_uuid(),
            by.client.1.as_uuid(),
            by.issuer,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The same, which nobody else changes or fills before the transaction ends.
    pub async fn lock(&mut self, id: StreamId, by: Holder<'_>) -> Result<Option<EventStream>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, client_org_id, client_id, issuer, endpoint_url, push_credential, events_requested, description, status,
                    status_reason, last_position, failures, failing_since, updated_at
             from event_streams where org_id = $1 and id = $2 and client_org_id = $3 and client_id = $4 and issuer = $5
             for update",
            self.org_id,
            id.as_uuid(),
            by.client.0.as_uuid(),
            by.client.1.as_uuid(),
            by.issuer,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// A stream, whoever its receiver is, for whoever has its lease until then. `None` if that is another node.
    pub async fn find_leased(
        &mut self,
        id: StreamId,
        leased_until: DateTime<Utc>,
    ) -> Result<Option<EventStream>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, client_org_id, client_id, issuer, endpoint_url, push_credential, events_requested, description, status,
                    status_reason, last_position, failures, failing_since, updated_at
             from event_streams where org_id = $1 and id = $2 and leased_until = $3",
            self.org_id,
            id.as_uuid(),
            leased_until,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Whether it is this transaction that fills the organization's streams: no other does, and no stream is made, before
    /// it ends. To be asked before anything is read.
    pub async fn take_turn(&mut self) -> Result<bool, StorageError> {
        let taken = sqlx::query_scalar!(
            r#"select pg_try_advisory_xact_lock(hashtextextended('streams ' || $1::uuid::text, 0)) as "taken!""#,
            self.org_id,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(taken)
    }

    /// Waits for whoever is writing events that receivers hear of, and has them wait for this transaction, in which a stream
    /// is made or taken into use again: it hears of all that is written from then on. To be asked last, of all that may have
    /// to wait: sign-ins are among what waits for it.
    pub async fn hold_events(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('signals ' || $1::uuid::text, 0))",
            self.org_id,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Whose streams there are in the organization.
    pub async fn list_receivers(&mut self) -> Result<Vec<(OrgId, ClientId)>, StorageError> {
        let rows = sqlx::query!(
            "select distinct client_org_id, client_id from event_streams where org_id = $1",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let key = |(owner, id)| (OrgId::from_uuid(owner), ClientId::from_uuid(id));
        Ok(rows.into_iter().map(|row| key((row.client_org_id, row.client_id))).collect())
    }

    /// Every stream of the organization, which nobody else changes or fills before the transaction ends.
    ///
    /// # Errors
    /// [`StorageError`], also if somebody else holds one for longer than half a second.
    pub async fn lock_all(&mut self) -> Result<Vec<EventStream>, StorageError> {
        sqlx::query!("select hold_streams($1) as held", self.org_id).fetch_one(&mut *self.conn).await?;
        let rows = sqlx::query_as!(
            Row,
            "select id, client_org_id, client_id, issuer, endpoint_url, push_credential, events_requested, description, status,
                    status_reason, last_position, failures, failing_since, updated_at
             from event_streams where org_id = $1 order by id for update",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// Makes a stream. `false` if the receiver has `limit` already.
    pub async fn insert(
        &mut self,
        (id, by): (StreamId, Holder<'_>),
        terms: &StreamTerms,
        (limit, at): (i64, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        // In a statement of its own, so that what the next one reads is of after it. Of two that would both fit alone,
        // one waits and counts the other; and whoever fills the organization's streams at this moment has not seen this
        // one, and takes nothing that happens from now on.
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('streams ' || $1::uuid::text, 0))",
            self.org_id,
        )
        .execute(&mut *self.conn)
        .await?;
        self.hold_events().await?;
        let done = sqlx::query!(
            "insert into event_streams
                 (org_id, id, client_org_id, client_id, method, endpoint_url, push_credential, events_requested,
                  description, created_at, updated_at, issuer)
             select $1, $2, $3, $4, case when $5::text is null then 'poll' else 'push' end, $5, $6, $7, $8, $9, $9, $11
             where (select count(*) from event_streams other
                    where other.org_id = $1 and other.client_org_id = $3 and other.client_id = $4) < $10",
            self.org_id,
            id.as_uuid(),
            by.client.0.as_uuid(),
            by.client.1.as_uuid(),
            terms.endpoint_url.as_deref(),
            terms.push_credential.as_deref(),
            terms.events_requested.as_deref(),
            terms.description.as_deref(),
            at,
            limit,
            by.issuer,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes what the receiver decides about. What waits is sent the new way.
    pub async fn update(
        &mut self,
        id: StreamId,
        terms: &StreamTerms,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update event_streams
             set method = case when $3::text is null then 'poll' else 'push' end, endpoint_url = $3,
                 push_credential = $4, events_requested = $5, description = $6, updated_at = $7,
                 failures = 0, failing_since = null, due_at = case when $3::text is null then null else $7::timestamptz end
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            terms.endpoint_url.as_deref(),
            terms.push_credential.as_deref(),
            terms.events_requested.as_deref(),
            terms.description.as_deref(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Enables, pauses or disables a stream. Whoever pushes looks again at once.
    pub async fn update_status(
        &mut self,
        id: StreamId,
        (status, reason): (StreamStatus, Option<&str>),
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update event_streams
             set status = $3, status_reason = $4, updated_at = $5, failures = 0, failing_since = null,
                 due_at = case when method = 'push' then $5::timestamptz end
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            status.as_str(),
            reason,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The receiver has taken something again. Called before anything that waits is removed: whoever holds a stream's row may
    /// want to remove it too.
    pub async fn forget_failures(&mut self, id: StreamId) -> Result<(), StorageError> {
        sqlx::query!(
            "update event_streams set failures = 0, failing_since = null where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Pauses an enabled stream whose receiver takes nothing, and gives its lease back. `false` if another node has it, or
    /// anything was decided about it since it was looked at.
    pub async fn pause_failing(
        &mut self,
        (id, as_of): (StreamId, DateTime<Utc>),
        (leased_until, reason): (DateTime<Utc>, &str),
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update event_streams
             set status = 'paused', status_reason = $4, updated_at = $5, failures = 0, failing_since = null,
                 due_at = null, leased_until = null
             where org_id = $1 and id = $2 and leased_until = $3 and status = 'enabled' and updated_at = $6",
            self.org_id,
            id.as_uuid(),
            leased_until,
            reason,
            at,
            as_of,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Deletes a receiver's stream with all that waits in it. `false` if there is none.
    pub async fn delete(&mut self, id: StreamId, by: Holder<'_>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from event_streams
             where org_id = $1 and id = $2 and client_org_id = $3 and client_id = $4 and issuer = $5",
            self.org_id,
            id.as_uuid(),
            by.client.0.as_uuid(),
            by.client.1.as_uuid(),
            by.issuer,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes one of the verifications that a stream may ask for. `false` if the last one was after `before`.
    pub async fn take_verification(
        &mut self,
        id: StreamId,
        (at, before): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update event_streams set verified_at = $3
             where org_id = $1 and id = $2 and (verified_at is null or verified_at <= $4)",
            self.org_id,
            id.as_uuid(),
            at,
            before,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a lease back. `false` if it had lapsed: another node goes on. What was put in meanwhile is due at once; of a
    /// stream about which something was decided meanwhile, when it is due and how it fails stays as that left it.
    pub async fn release(&mut self, id: StreamId, pushed: &Pushed) -> Result<bool, StorageError> {
        let failures = pushed.failing.map(|(failures, _)| i32::try_from(failures).unwrap_or(i32::MAX));
        let done = sqlx::query!(
            "update event_streams
             set leased_until = null,
                 failures = case when updated_at = $9 then coalesce($6, failures) else failures end,
                 failing_since = case when updated_at = $9 then coalesce($7, failing_since) else failing_since end,
                 due_at = case when updated_at <> $9 then due_at
                               when $5::timestamptz is not null then $5
                               when last_position > $4 then $8::timestamptz end
             where org_id = $1 and id = $2 and leased_until = $3",
            self.org_id,
            id.as_uuid(),
            pushed.leased_until,
            pushed.seen,
            pushed.due_at,
            failures,
            pushed.failing.map(|(_, since)| since),
            pushed.at,
            pushed.as_of,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
