//! Requests that came with a key of their own, and what they made: sent again, they make nothing twice.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use uuid::Uuid;

use crate::StorageError;
use crate::row::hash;
use crate::scope::repository;

repository! {
    /// The organization's answered requests.
    IdempotencyKeys,
    /// The organization's answered requests.
    idempotency_keys
}

/// What a request with this key asked for, and what it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The hash of what it asked for.
    pub request: SecretHash,
    /// The id of what it made.
    pub made: Uuid,
}

impl IdempotencyKeys<'_> {
    /// Keeps that a request with this key makes this; `false` if one did before. Of racing requests one is first, and the
    /// others wait until it is committed.
    pub async fn insert(
        &mut self,
        key: &SecretHash,
        answered: &Answered,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into idempotency_keys (org_id, key_hash, request_hash, made, created_at)
             values ($1, $2, $3, $4, $5)
             on conflict do nothing",
            self.org_id,
            key.as_bytes(),
            answered.request.as_bytes(),
            answered.made,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets a key, if it is of this.
    pub async fn delete(&mut self, key: &SecretHash, made: Uuid) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from idempotency_keys where org_id = $1 and key_hash = $2 and made = $3",
            self.org_id,
            key.as_bytes(),
            made,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// What a request with this key asked for, and made.
    pub async fn find(&mut self, key: &SecretHash) -> Result<Option<Answered>, StorageError> {
        let row = sqlx::query!(
            "select request_hash, made from idempotency_keys where org_id = $1 and key_hash = $2",
            self.org_id,
            key.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| {
            let request = hash(&row.request_hash, "idempotency_keys", "request_hash")?;
            Ok(Answered { request, made: row.made })
        })
        .transpose()
    }
}
