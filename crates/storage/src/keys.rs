//! Data keys and signing keys, encrypted before they come here.

use chrono::{DateTime, Utc};
use orgate_domain::keys::KeyLife;
use orgate_protocol::jose::{Jwk, SigningAlgorithm};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's keys.
    Keys,
    /// The organization's keys.
    keys
}

/// A signing key about to be kept.
#[derive(Debug)]
pub struct NewSigningKey<'a> {
    /// Its RFC 7638 thumbprint.
    pub kid: &'a str,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key, encrypted.
    pub private_key: &'a [u8],
    /// The public key.
    pub public_jwk: &'a Jwk,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it begins to sign; `None`: it is published, to sign next.
    pub promoted_at: Option<DateTime<Utc>>,
}

/// A stored signing key.
#[derive(Debug)]
pub struct StoredSigningKey {
    /// What happened to it.
    pub life: KeyLife,
    /// The private key, encrypted, until it is erased.
    pub private_key: Option<Vec<u8>>,
    /// The public key. Nothing vouches for it as it is stored: what a token rests on is the public key of
    /// `private_key`.
    pub public_jwk: Jwk,
}

/// When a key takes the place of the one that signs.
#[derive(Debug, Clone, Copy)]
pub struct Handover {
    /// Now.
    pub at: DateTime<Utc>,
    /// When nothing is valid any more that the old key signed.
    pub expires_at: DateTime<Utc>,
}

const TABLE: &str = "signing_keys";

/// What a row says of a key's life.
macro_rules! life {
    ($row:ident) => {
        KeyLife {
            kid: $row.kid,
            algorithm: parsed(SigningAlgorithm::from_text(&$row.algorithm), TABLE, "algorithm")?,
            published_at: $row.created_at,
            promoted_at: $row.promoted_at,
            retired_at: $row.retired_at,
            expires_at: $row.expires_at,
            revoked_at: $row.revoked_at,
            erased_at: $row.erased_at,
        }
    };
}

impl Keys<'_> {
    /// The organization's wrapped data key.
    pub async fn find_data_key(&mut self) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(sqlx::query_scalar!("select wrapped_key from data_keys where org_id = $1", self.org_id)
            .fetch_optional(&mut *self.conn)
            .await?)
    }

    /// Keeps the organization's data key. `false` if another call kept one first; that one counts.
    pub async fn insert_data_key(&mut self, wrapped: &[u8], at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into data_keys (org_id, wrapped_key, created_at) values ($1, $2, $3) on conflict do nothing",
            self.org_id,
            wrapped,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps the data key wrapped anew. `false` if it is not the one any more that was read.
    pub async fn update_data_key(&mut self, former: &[u8], wrapped: &[u8]) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update data_keys set wrapped_key = $3 where org_id = $1 and wrapped_key = $2",
            self.org_id,
            former,
            wrapped,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The keys of which anything still counts, the one that signs first: all that are not erased, and of those
    /// that are, the ones that were retired after `since` and never withdrawn.
    pub async fn list_signing_keys(
        &mut self,
        since: DateTime<Utc>,
    ) -> Result<Vec<StoredSigningKey>, StorageError> {
        let rows = sqlx::query!(
            "select kid, algorithm, private_key, public_jwk, created_at, promoted_at, retired_at, expires_at,
                    revoked_at, erased_at
             from signing_keys
             where org_id = $1 and (erased_at is null or revoked_at is null and retired_at > $2)
             order by retired_at is not null, promoted_at is null, created_at, kid",
            self.org_id,
            since,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let public_jwk = parsed(serde_json::from_value(row.public_jwk).ok(), TABLE, "public_jwk")?;
                Ok(StoredSigningKey { life: life!(row), private_key: row.private_key, public_jwk })
            })
            .collect()
    }

    /// What happened to every signing key there ever was, the latest first.
    pub async fn list_lives(&mut self) -> Result<Vec<KeyLife>, StorageError> {
        let rows = sqlx::query!(
            "select kid, algorithm, created_at, promoted_at, retired_at, expires_at, revoked_at, erased_at
             from signing_keys where org_id = $1 order by created_at desc, kid",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(|row| Ok(life!(row))).collect()
    }

    /// Keeps a signing key, and has the ring looked after. `false`, with nothing done, if the key is known, or
    /// if there is one of its algorithm that signs, or is to sign next, where it would be: of two nodes that
    /// make one at once, one wins.
    pub async fn insert_signing_key(&mut self, new: &NewSigningKey<'_>) -> Result<bool, StorageError> {
        let jwk = serde_json::to_value(new.public_jwk)
            .map_err(|_| StorageError::Corrupt { table: TABLE, column: "public_jwk" })?;
        let done = sqlx::query!(
            "insert into signing_keys (org_id, kid, algorithm, private_key, public_jwk, created_at, promoted_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            self.org_id,
            new.kid,
            new.algorithm.as_str(),
            new.private_key,
            jwk,
            new.created_at,
            new.promoted_at,
        )
        .execute(&mut *self.conn)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(false);
        }
        self.schedule(new.created_at).await?;
        Ok(true)
    }

    /// Retires the key of this algorithm that signs; which it was, if there was one.
    pub async fn retire(
        &mut self,
        algorithm: SigningAlgorithm,
        handover: Handover,
    ) -> Result<Option<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            "update signing_keys set retired_at = $3, expires_at = $4
             where org_id = $1 and algorithm = $2 and promoted_at is not null and retired_at is null
             returning kid",
            self.org_id,
            algorithm.as_str(),
            handover.at,
            handover.expires_at,
        )
        .fetch_optional(&mut *self.conn)
        .await?)
    }

    /// Lets a published key sign. `false` if it is none that waits to: of two racing calls, one wins.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] while another key of its algorithm signs.
    pub async fn promote(&mut self, kid: &str, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update signing_keys set promoted_at = $3
             where org_id = $1 and kid = $2 and promoted_at is null and retired_at is null",
            self.org_id,
            kid,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Withdraws every key of this algorithm, also those that were erased before and vouch for hints, and erases the
    /// private keys that are left; which they were.
    pub async fn revoke(
        &mut self,
        algorithm: SigningAlgorithm,
        at: DateTime<Utc>,
    ) -> Result<Vec<String>, StorageError> {
        Ok(sqlx::query_scalar!(
            "update signing_keys
             set retired_at = coalesce(retired_at, $3), expires_at = least(expires_at, $3), revoked_at = $3,
                 erased_at = coalesce(erased_at, $3), private_key = null
             where org_id = $1 and algorithm = $2 and revoked_at is null
             returning kid",
            self.org_id,
            algorithm.as_str(),
            at,
        )
        .fetch_all(&mut *self.conn)
        .await?)
    }

    /// Erases the private key of one that is over. `false` if it was erased before, or is not over yet.
    pub async fn erase(&mut self, kid: &str, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update signing_keys set private_key = null, erased_at = $3
             where org_id = $1 and kid = $2 and erased_at is null and expires_at <= $3",
            self.org_id,
            kid,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Says when the keys are looked after next.
    pub async fn schedule(&mut self, due_at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into key_rings (org_id, due_at) values ($1, $2)
             on conflict (org_id) do update set due_at = excluded.due_at
                 where key_rings.org_id = excluded.org_id",
            self.org_id,
            due_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
