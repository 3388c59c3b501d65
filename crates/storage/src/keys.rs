//! Data keys and signing keys, encrypted before they come here.

use chrono::{DateTime, Utc};
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
}

/// A stored signing key.
#[derive(Debug)]
pub struct StoredSigningKey {
    /// Its RFC 7638 thumbprint.
    pub kid: String,
    /// What it signs with.
    pub algorithm: SigningAlgorithm,
    /// The private key, encrypted.
    pub private_key: Vec<u8>,
    /// When it stopped signing, if it did.
    pub retired_at: Option<DateTime<Utc>>,
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

    /// The keys that sign or whose signatures still count, the current ones first.
    pub async fn list_signing_keys(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<StoredSigningKey>, StorageError> {
        let rows = sqlx::query!(
            "select kid, algorithm, private_key, retired_at from signing_keys
             where org_id = $1 and (expires_at is null or expires_at > $2)
             order by retired_at is not null, created_at, kid",
            self.org_id,
            now,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let algorithm = SigningAlgorithm::from_text(&row.algorithm);
                Ok(StoredSigningKey {
                    kid: row.kid,
                    algorithm: parsed(algorithm, "signing_keys", "algorithm")?,
                    private_key: row.private_key,
                    retired_at: row.retired_at,
                })
            })
            .collect()
    }

    /// Keeps a signing key. `false` if there is a current one of its algorithm already: of two
    /// nodes that start together, one wins.
    pub async fn insert_signing_key(&mut self, new: &NewSigningKey<'_>) -> Result<bool, StorageError> {
        let jwk = serde_json::to_value(new.public_jwk)
            .map_err(|_| StorageError::Corrupt { table: "signing_keys", column: "public_jwk" })?;
        let done = sqlx::query!(
            "insert into signing_keys (org_id, kid, algorithm, private_key, public_jwk, created_at)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            self.org_id,
            new.kid,
            new.algorithm.as_str(),
            new.private_key,
            jwk,
            new.created_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
