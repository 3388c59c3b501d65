//! Messages that leave Orgate, written in the transaction of the change they tell of.

use chrono::{DateTime, Utc};
use orgate_domain::ids::MessageId;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The organization's waiting messages.
    Outbox,
    /// The organization's waiting messages.
    outbox
}

/// A message about to wait.
#[derive(Debug)]
pub struct NewMessage<'a> {
    /// Its id.
    pub id: MessageId,
    /// What it is: one of the kinds that the table admits.
    pub kind: &'static str,
    /// What it says, encrypted: it may hold a link or a code.
    pub payload: &'a [u8],
    /// When.
    pub at: DateTime<Utc>,
}

/// A message that waits.
#[derive(Debug)]
pub struct WaitingMessage {
    /// What it is.
    pub kind: String,
    /// What it says, encrypted.
    pub payload: Vec<u8>,
    /// How often sending was tried, this time included.
    pub attempts: u32,
    /// Since when it waits.
    pub created_at: DateTime<Utc>,
}

impl Outbox<'_> {
    /// Lets a message wait.
    pub async fn insert(&mut self, new: &NewMessage<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into outbox (org_id, id, kind, payload, created_at, available_at) values ($1, $2, $3, $4, $5, $5)",
            self.org_id,
            new.id.as_uuid(),
            new.kind,
            new.payload,
            new.at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Lets messages wait.
    pub async fn insert_all(&mut self, new: &[NewMessage<'_>]) -> Result<(), StorageError> {
        let ids: Vec<_> = new.iter().map(|message| message.id.as_uuid()).collect();
        let kinds: Vec<_> = new.iter().map(|message| message.kind.to_owned()).collect();
        let payloads: Vec<_> = new.iter().map(|message| message.payload.to_vec()).collect();
        let times: Vec<_> = new.iter().map(|message| message.at).collect();
        sqlx::query!(
            "insert into outbox (org_id, id, kind, payload, created_at, available_at)
             select $1, new.id, new.kind, new.payload, new.at, new.at
             from unnest($2::uuid[], $3::text[], $4::bytea[], $5::timestamptz[]) as new (id, kind, payload, at)",
            self.org_id,
            &ids,
            &kinds,
            &payloads,
            &times,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The message, unless it was delivered or given up.
    pub async fn find(&mut self, id: MessageId) -> Result<Option<WaitingMessage>, StorageError> {
        let row = sqlx::query!(
            r#"select kind, payload as "payload!", attempts, created_at from outbox
               where org_id = $1 and id = $2 and delivered_at is null and failed_at is null and payload is not null"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| WaitingMessage {
            kind: row.kind,
            payload: row.payload,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            created_at: row.created_at,
        }))
    }

    /// Marks the message delivered and erases what it said.
    pub async fn deliver(&mut self, id: MessageId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update outbox set delivered_at = $3, payload = null
             where org_id = $1 and id = $2 and delivered_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives the message up and erases what it said.
    pub async fn fail(&mut self, id: MessageId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update outbox set failed_at = $3, payload = null
             where org_id = $1 and id = $2 and delivered_at is null and failed_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Tries again at `at`.
    pub async fn postpone(&mut self, id: MessageId, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update outbox set available_at = $3 where org_id = $1 and id = $2 and delivered_at is null",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
