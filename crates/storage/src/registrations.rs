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

/// Most tokens that are listed.
const MAX_LISTED: i64 = 500;

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
pub struct NewClientDocument<'a> {
    /// The client, which exists.
    pub client_id: ClientId,
    /// Where the document is.
    pub host: &'a str,
    /// Of the document.
    pub hash: SecretHash,
    /// When it was fetched.
    pub at: DateTime<Utc>,
}

/// A client's document, as it was last kept.
#[derive(Debug, Clone)]
pub struct KeptDocument {
    /// Of the document.
    pub hash: SecretHash,
    /// When it was last fetched.
    pub fetched_at: DateTime<Utc>,
    /// Whether all that is kept of one is: a release that knew less may have kept it.
    pub complete: bool,
}

/// How many documents are kept.
#[derive(Debug, Clone, Copy)]
pub struct DocumentBounds {
    /// Altogether.
    pub all: u32,
    /// Of one host.
    pub of_a_host: u32,
}

/// An initial access token, as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRegistrationToken {
    /// Its id.
    pub id: RegistrationTokenId,
    /// How many clients it still registers.
    pub uses_left: u32,
    /// How many active clients were registered by it.
    pub clients: u32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
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

    /// The initial access tokens that are still good for something, and those that clients were registered by, the
    /// newest first.
    pub async fn list_tokens(
        &mut self,
        now: DateTime<Utc>,
    ) -> Result<Vec<ListedRegistrationToken>, StorageError> {
        let rows = sqlx::query!(
            r#"select token.id, token.uses_left, token.created_at, token.expires_at, made.number as "clients!"
               from registration_tokens token
               cross join lateral (
                   select count(*) as number from client_registrations known
                   join client_directory entry on entry.org_id = known.org_id and entry.id = known.client_id
                   where known.org_id = $1 and known.token_id = token.id and entry.status = 'active'
               ) made
               where token.org_id = $1 and (made.number > 0 or token.uses_left > 0 and token.expires_at > $2)
               order by token.created_at desc, token.id desc limit $3"#,
            self.org_id,
            now,
            MAX_LISTED,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let listed = rows.into_iter().map(|row| ListedRegistrationToken {
            id: RegistrationTokenId::from_uuid(row.id),
            uses_left: u32::try_from(row.uses_left).unwrap_or_default(),
            clients: u32::try_from(row.clients).unwrap_or(u32::MAX),
            created_at: row.created_at,
            expires_at: row.expires_at,
        });
        Ok(listed.collect())
    }

    /// Ends an initial access token. `false` if there is none, or it is good for nothing any more.
    pub async fn revoke_token(
        &mut self,
        id: RegistrationTokenId,
        now: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update registration_tokens set uses_left = 0
             where org_id = $1 and id = $2 and uses_left > 0 and expires_at > $3",
            self.org_id,
            id.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps a registration. `false` if `most` of the organization's active clients have one: however many race, no
    /// more come to be.
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
             where (select count(*) from client_registrations known
                    join client_directory entry on entry.org_id = known.org_id and entry.id = known.client_id
                    where known.org_id = $1 and entry.status = 'active') < $6",
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

    /// What is known of a client's document. Whoever else would keep it waits for this transaction.
    pub async fn find_document(&mut self, client: ClientId) -> Result<Option<KeptDocument>, StorageError> {
        let found = sqlx::query!(
            r#"select kept.document_hash, kept.fetched_at, kept.host is not null as "complete!"
               from client_documents kept
               join client_directory entry on entry.org_id = kept.org_id and entry.id = kept.client_id
               where kept.org_id = $1 and kept.client_id = $2
               for no key update of kept, entry"#,
            self.org_id,
            client.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let hash = hash(&found.document_hash, "client_documents", "document_hash")?;
        Ok(Some(KeptDocument { hash, fetched_at: found.fetched_at, complete: found.complete }))
    }

    /// Keeps what a client's document is. `false` if it is a new one, and the organization has as many as it may, or
    /// as many of its host. Those of disabled clients count for neither.
    pub async fn save_document(
        &mut self,
        new: &NewClientDocument<'_>,
        most: DocumentBounds,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into client_documents (org_id, client_id, document_hash, fetched_at, host)
             select $1, $2, $3, $4, $5
             where (select count(*) from client_documents known
                    join client_directory entry on entry.org_id = known.org_id and entry.id = known.client_id
                    where known.org_id = $1 and known.client_id <> $2 and entry.status = 'active') < $6
               and (select count(*) from client_documents known
                    join client_directory entry on entry.org_id = known.org_id and entry.id = known.client_id
                    where known.org_id = $1 and known.client_id <> $2 and known.host = $5
                      and entry.status = 'active') < $7
             on conflict (org_id, client_id) do update
                 set document_hash = excluded.document_hash, fetched_at = excluded.fetched_at, host = excluded.host
                 where client_documents.org_id = excluded.org_id",
            self.org_id,
            new.client_id.as_uuid(),
            new.hash.as_bytes(),
            new.at,
            new.host,
            i64::from(most.all),
            i64::from(most.of_a_host),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that a document was fetched, and says what it said. `false` if none is kept.
    pub async fn update_document_fetched(
        &mut self,
        client: ClientId,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update client_documents set fetched_at = $3 where org_id = $1 and client_id = $2",
            self.org_id,
            client.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The client with this registration access token, and since when it is registered. Whoever else would change
    /// the client, disable or remove it, waits for this transaction, or was waited for: what is read of it next, stays.
    pub async fn find(
        &mut self,
        token: &SecretHash,
    ) -> Result<Option<(ClientId, DateTime<Utc>)>, StorageError> {
        let row = sqlx::query!(
            "select known.client_id, known.created_at from client_registrations known
             join client_directory entry on entry.org_id = known.org_id and entry.id = known.client_id
             where known.org_id = $1 and known.token_hash = $2 and known.removed_at is null
             for no key update of entry",
            self.org_id,
            token.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| (ClientId::from_uuid(row.client_id), row.created_at)))
    }

    /// Whether the client registered itself.
    pub async fn is_registered(&mut self, client: ClientId) -> Result<bool, StorageError> {
        let known = sqlx::query_scalar!(
            r#"select exists (
                   select from client_registrations where org_id = $1 and client_id = $2
               ) as "known!""#,
            self.org_id,
            client.as_uuid(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(known)
    }

    /// Ends a registration: its token opens nothing any more. `false` if that was done before.
    pub async fn remove(&mut self, client: ClientId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update client_registrations set removed_at = $3 where org_id = $1 and client_id = $2 and removed_at is null",
            self.org_id,
            client.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
