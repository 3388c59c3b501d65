//! Ids that are good once: of assertions and proofs that clients sign.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// Ids that the organization's clients have used.
    ConsumedIds,
    /// Ids that the organization's clients have used.
    consumed_ids
}

/// What an id is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumedKind {
    /// A client's assertion of itself (RFC 7523 §2.2).
    ClientAssertion,
    /// A proof of possession (RFC 9449 §11.1).
    DpopProof,
    /// An assertion that stands for a grant (RFC 7523 §2.1).
    GrantAssertion,
    /// A pushed authorization request that a sign-in answered (RFC 9126 §4).
    PushedRequest,
}

impl ConsumedKind {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
            Self::DpopProof => "dpop_proof",
            Self::GrantAssertion => "grant_assertion",
            Self::PushedRequest => "pushed_request",
        }
    }
}

impl ConsumedIds<'_> {
    /// Uses an id up. `false` if that was done before: of two racing calls, on whatever node, one wins.
    /// It is remembered until `expires_at`, after which what it names counts no more anyway.
    pub async fn consume(
        &mut self,
        kind: ConsumedKind,
        id: &SecretHash,
        expires_at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into consumed_ids (org_id, kind, id_hash, expires_at) values ($1, $2, $3, $4)
             on conflict do nothing",
            self.org_id,
            kind.as_str(),
            id.as_bytes(),
            expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Whether an id was used up.
    pub async fn is_consumed(&mut self, kind: ConsumedKind, id: &SecretHash) -> Result<bool, StorageError> {
        let consumed = sqlx::query_scalar!(
            r#"select exists (select from consumed_ids where org_id = $1 and kind = $2 and id_hash = $3) as "consumed!""#,
            self.org_id,
            kind.as_str(),
            id.as_bytes(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(consumed)
    }
}
