//! Authorization requests that clients pushed (RFC 9126).

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, OrgId};

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// Requests that the organization's clients pushed.
    PushedRequests,
    /// Requests that the organization's clients pushed.
    pushed_requests
}

/// A pushed request.
#[derive(Debug, Clone)]
pub struct PushedAuthorizationRequest {
    /// The client that pushed it.
    pub client_id: ClientId,
    /// What it asks for, form-encoded.
    pub parameters: String,
    /// The thumbprint of the key that the request proved (RFC 9449 §10.1).
    pub dpop_jkt: Option<String>,
    /// The organization whose issuer it was pushed to; `None`: the shared one.
    pub called: Option<OrgId>,
    /// When it was pushed.
    pub created_at: DateTime<Utc>,
    /// When it lapses.
    pub expires_at: DateTime<Utc>,
}

impl PushedRequests<'_> {
    /// Keeps a request.
    pub async fn insert(
        &mut self,
        handle: &SecretHash,
        new: &PushedAuthorizationRequest,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into pushed_requests (org_id, handle_hash, client_id, parameters, dpop_jkt, called,
                                           created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
            self.org_id,
            handle.as_bytes(),
            new.client_id.as_uuid(),
            new.parameters,
            new.dpop_jkt,
            new.called.map(OrgId::as_uuid),
            new.created_at,
            new.expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The request with this handle, lapsed or not.
    pub async fn find(
        &mut self,
        handle: &SecretHash,
    ) -> Result<Option<PushedAuthorizationRequest>, StorageError> {
        let row = sqlx::query!(
            "select client_id, parameters, dpop_jkt, called, created_at, expires_at from pushed_requests
             where org_id = $1 and handle_hash = $2",
            self.org_id,
            handle.as_bytes(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| PushedAuthorizationRequest {
            client_id: ClientId::from_uuid(row.client_id),
            parameters: row.parameters,
            dpop_jkt: row.dpop_jkt,
            called: row.called.map(OrgId::from_uuid),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }))
    }
}
