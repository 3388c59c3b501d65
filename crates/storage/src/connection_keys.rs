//! The keys of SAML connections.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ConnectionId, ConnectionKeyId};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The keys of the organization's SAML connections.
    ConnectionKeys,
    /// The keys of the organization's SAML connections.
    connection_keys
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signs our messages.
    Signing,
    /// Assertions are encrypted to it.
    Encryption,
}

/// Where a key is in its life: published, then used, then kept for what was encrypted to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Published, not used yet.
    Next,
    /// Published and used.
    Current,
    /// Not published any more; still decrypts.
    Retired,
}

/// A key.
#[derive(Debug, Clone)]
pub struct StoredConnectionKey {
    /// Its id.
    pub id: ConnectionKeyId,
    /// What it does.
    pub purpose: KeyPurpose,
    /// Where it is in its life.
    pub state: KeyState,
    /// PKCS#8, encrypted.
    pub private_key: Vec<u8>,
    /// DER.
    pub certificate: Vec<u8>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its certificate expires.
    pub expires_at: DateTime<Utc>,
}

impl KeyPurpose {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signing, Self::Encryption];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        }
    }
}

impl KeyState {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Next, Self::Current, Self::Retired].into_iter().find(|state| state.as_str() == text)
    }
}

const TABLE: &str = "connection_keys";

impl ConnectionKeys<'_> {
    /// Every key of a connection, the newest first.
    pub async fn list(&mut self, connection: ConnectionId) -> Result<Vec<StoredConnectionKey>, StorageError> {
        let rows = sqlx::query!(
            "select id, purpose, state, private_key, certificate, created_at, expires_at from connection_keys
             where org_id = $1 and connection_id = $2 order by created_at desc, id",
            self.org_id,
            connection.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let purpose = KeyPurpose::ALL.into_iter().find(|purpose| purpose.as_str() == row.purpose);
                Ok(StoredConnectionKey {
                    id: ConnectionKeyId::from_uuid(row.id),
                    purpose: parsed(purpose, TABLE, "purpose")?,
                    state: parsed(KeyState::from_text(&row.state), TABLE, "state")?,
                    private_key: row.private_key,
                    certificate: row.certificate,
                    created_at: row.created_at,
                    expires_at: row.expires_at,
                })
            })
            .collect()
    }

    /// Adds a key. `false`, with nothing done, if there is one in its place already: of two racing
    /// calls, one wins.
    pub async fn insert(
        &mut self,
        connection: ConnectionId,
        key: &StoredConnectionKey,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into connection_keys
                 (org_id, connection_id, id, purpose, state, private_key, certificate, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing",
            self.org_id,
            connection.as_uuid(),
            key.id.as_uuid(),
            key.purpose.as_str(),
            key.state.as_str(),
            key.private_key,
            key.certificate,
            key.created_at,
            key.expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes the next key of one purpose away, to make room for another. `false` if there is none.
    pub async fn delete_next(
        &mut self,
        connection: ConnectionId,
        purpose: KeyPurpose,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from connection_keys
             where org_id = $1 and connection_id = $2 and purpose = $3 and state = 'next'",
            self.org_id,
            connection.as_uuid(),
            purpose.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Retires the current key of one purpose and puts the next one in its place. `false` if there
    /// is no next one, with nothing done.
    pub async fn rotate(
        &mut self,
        connection: ConnectionId,
        purpose: KeyPurpose,
    ) -> Result<bool, StorageError> {
        sqlx::query!(
            "update connection_keys set state = 'retired'
             where org_id = $1 and connection_id = $2 and purpose = $3 and state = 'current'
               and exists (select from connection_keys next
                           where next.org_id = $1 and next.connection_id = $2 and next.purpose = $3
                             and next.state = 'next')",
            self.org_id,
            connection.as_uuid(),
            purpose.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "update connection_keys set state = 'current'
             where org_id = $1 and connection_id = $2 and purpose = $3 and state = 'next'",
            self.org_id,
            connection.as_uuid(),
            purpose.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
