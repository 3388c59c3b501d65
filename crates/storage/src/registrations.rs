//! Clients that registered themselves, and the tokens that let them.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, RegistrationTokenId};

use crate::StorageError;
use crate::row::hash;
use crate::scope::repository;

repository! {
    /// The registrations of the organization's clients.
    Registrations,
    /// The registrations of the organization's clients.
    registrations
}

/// An initial access token about to be given to somebody.
#[derive(Debug, Clone)]
pub struct NewRegistrationToken {
    /// Its id.
    pub id: RegistrationTokenId,
    /// The hash of its text.
    pub hash: SecretHash,
    /// How many clients it registers.
    pub uses: u16,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

/// A registration about to be kept.
#[derive(Debug, Clone)]
pub struct NewRegistration {
    /// The client, which exists.
    pub client_id: ClientId,
    /// The hash of its registration access token.
    pub token: SecretHash,
    /// What it was registered by.
    pub by: RegistrationTokenId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A client's document, about to be kept.
#[derive(Debug, Clone)]
pub struct NewClientDocument {
    /// The client, which exists.
    pub client_id: ClientId,
    /// Of the document.
    pub hash: SecretHash,
    /// When it was fetched.
    pub at: DateTime<Utc>,
}

impl Registrations<'_> {
    /// Keeps an initial access token.
    pub async fn insert_token(&mut self, new: &NewRegistrationToken) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into registration_tokens (org_id, id, token_hash, uses_left, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6)",
            self.org_id,
            new.id.as_uuid(),
            new.hash.as_bytes(),
            i32::from(new.uses),
            new.created_at,
            new.expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Uses an initial access token once. `None` if there is none, it has lapsed, or nothing is left of it: of two
    /// that race for its last use, one gets it.
    pub async fn spend_token(
        &mut self,
        hash: &SecretHash,
        now: DateTime<Utc>,
    ) -> Result<Option<RegistrationTokenId>, StorageError> {
        let spent = sqlx::query_scalar!(
            "update registration_tokens set uses_left = uses_left - 1
             where org_id = $1 and token_hash = $2 and uses_left > 0 and expires_at > $3
             returning id",
            self.org_id,
            hash.as_bytes(),
            now,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(spent.map(RegistrationTokenId::from_uuid))
    }

    /// Keeps a registration. `false` if the organization has `most` of them: however many race, no more come to be.
    pub async fn insert(&mut self, new: &NewRegistration, most: u32) -> Result<bool, StorageError> {
        // Whoever is counted waits for whoever is being counted.
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('client_registrations ' || $1::text, 0))",
            self.org_id.to_string(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "insert into client_registrations (org_id, client_id, token_hash, token_id, created_at)
             select $1, $2, $3, $4, $5
             where (select count(*) from client_registrations known where known.org_id = $1) < $6",
            self.org_id,
            new.client_id.as_uuid(),
            new.token.as_bytes(),
            new.by.as_uuid(),
            new.at,
            i64::from(most),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What a client's document was when it was last kept.
    pub async fn find_document(&mut self, client: ClientId) -> Result<Option<SecretHash>, StorageError> {
        let found = sqlx::query_scalar!(
            "select document_hash from client_documents where org_id = $1 and client_id = $2",
            self.org_id,
            client.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        found.map(|bytes| hash(&bytes, "client_documents", "document_hash")).transpose()
    }

    /// Keeps what a client's document was. `false` if it is a new one, and the organization has `most` of them.
    pub async fn save_document(&mut self, new: &NewClientDocument, most: u32) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into client_documents (org_id, client_id, document_hash, fetched_at)
             select $1, $2, $3, $4
             where (select count(*) from client_documents known where known.org_id = $1 and known.client_id <> $2) < $5
             on conflict (org_id, client_id) do update
                 set document_hash = excluded.document_hash, fetched_at = excluded.fetched_at
                 where client_documents.org_id = excluded.org_id",
            self.org_id,
            new.client_id.as_uuid(),
            new.hash.as_bytes(),
            new.at,
            i64::from(most),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The client with this registration access token, and since when it is registered.
    pub async fn find(
        &mut self,
        token: &SecretHash,
    ) -> Result<Option<(ClientId, DateTime<Utc>)>, StorageError> {
        let row = sqlx::query!(
            "select client_id, created_at from client_registrations where org_id = $1 and token_hash = $2",
            self.org_id,
            token.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| (ClientId::from_uuid(row.client_id), row.created_at)))
    }

    /// Forgets a registration. `false` if that was done before.
    pub async fn delete(&mut self, client: ClientId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from client_registrations where org_id = $1 and client_id = $2",
            self.org_id,
            client.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
