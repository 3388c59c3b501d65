//! Domains: what an organization claimed and proved, and the resolver entry that it leads by.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::domains::{OrgDomain, VerifiedDomain};
use orgate_domain::email::DomainName;
use orgate_domain::ids::{DomainId, OrgId};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's domains.
    Domains,
    /// The organization's domains.
    domains
}

/// How far a verified domain reaches, and who else may have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DomainTerms {
    /// Whether other organizations may prove it too.
    pub shared: bool,
    /// Whether everything below it belongs to it.
    pub subdomains: bool,
}

/// A transfer that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transfer {
    /// The domain.
    pub domain_id: DomainId,
    /// When the offer lapses, unless it was accepted.
    pub expires_at: DateTime<Utc>,
    /// Who accepted, and when it may take effect.
    pub accepted: Option<(OrgId, DateTime<Utc>)>,
}

struct Row {
    id: uuid::Uuid,
    domain: String,
    challenge: Option<String>,
    verified_at: Option<DateTime<Utc>>,
    checked_at: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    shared: bool,
    subdomains: bool,
}

impl TryFrom<Row> for OrgDomain {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let Row { challenge, verified_at, checked_at, failing_since, shared, subdomains, .. } = row;
        Ok(Self {
            id: DomainId::from_uuid(row.id),
            name: parsed(DomainName::parse(&row.domain).ok(), "domains", "domain")?,
            challenge,
            verified_at,
            checked_at,
            failing_since,
            shared,
            subdomains,
        })
    }
}

/// Exclusive and shared do not go together: the key between them refuses.
fn held(error: sqlx::Error) -> StorageError {
    match error.as_database_error() {
        Some(cause) if cause.is_foreign_key_violation() => {
            StorageError::Conflict { constraint: cause.constraint().unwrap_or_default().to_owned() }
        }
        _ => error.into(),
    }
}

impl Domains<'_> {
    /// Every domain, claimed or verified, in order.
    pub async fn list(&mut self) -> Result<Vec<OrgDomain>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, domain, challenge, verified_at, checked_at, failing_since, shared, subdomains
             from domains where org_id = $1 order by domain",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(OrgDomain::try_from).collect()
    }

    /// The domain of this name.
    pub async fn find(&mut self, domain: &DomainName) -> Result<Option<OrgDomain>, StorageError> {
        Ok(self.list().await?.into_iter().find(|known| known.name == *domain))
    }

    /// The organization's verified domains, in order.
    pub async fn list_verified(&mut self) -> Result<Vec<VerifiedDomain>, StorageError> {
        let verified = self.list().await?.into_iter().filter(|domain| domain.verified_at.is_some());
        Ok(verified
            .map(|domain| VerifiedDomain { name: domain.name, subdomains: domain.subdomains })
            .collect())
    }

    /// Claims a domain, which verifies nothing; one that the organization has already stays as it is.
    pub async fn claim(
        &mut self,
        id: DomainId,
        (domain, challenge): (&DomainName, &str),
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into domains (org_id, id, domain, challenge, created_at) values ($1, $2, $3, $4, $5)
             on conflict (org_id, domain) do nothing",
            self.org_id,
            id.as_uuid(),
            domain.as_str(),
            challenge,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Adds a domain that an operator vouches for, or verifies one that was claimed; it is never checked.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is, or was, another organization's.
    pub async fn save_vouched(
        &mut self,
        id: DomainId,
        domain: &DomainName,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into domains (org_id, id, domain, created_at) values ($1, $2, $3, $4)
             on conflict (org_id, domain) do nothing",
            self.org_id,
            id.as_uuid(),
            domain.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        self.verify(domain, DomainTerms::default(), at).await?;
        sqlx::query!(
            "update domains set challenge = null, due_at = null, failing_since = null
             where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Verifies a domain of the organization: from now on it leads here.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is, or was, another organization's, which does not share it.
    pub async fn verify(
        &mut self,
        domain: &DomainName,
        terms: DomainTerms,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        // It may have become the owner of what it shared.
        sqlx::query!(
            "delete from shared_domains where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        let owned = sqlx::query!(
            "insert into verified_domains (org_id, domain, exclusive, subdomains) values ($1, $2, not $3, $4)
             on conflict (domain) do update
                 set active = true, exclusive = excluded.exclusive, subdomains = excluded.subdomains
                 where verified_domains.org_id = $1 and verified_domains.successor_org_id is null",
            self.org_id,
            domain.as_str(),
            terms.shared,
            terms.subdomains,
        )
        .execute(&mut *self.conn)
        .await
        .map_err(held)?;
        if owned.rows_affected() == 0 {
            if !terms.shared {
                return Err(StorageError::Conflict { constraint: "verified_domains_pkey".to_owned() });
            }
            sqlx::query!(
                "insert into shared_domains (org_id, domain, exclusive, subdomains) values ($1, $2, false, $3)
                 on conflict (org_id, domain) do update set subdomains = excluded.subdomains
                     where shared_domains.org_id = $1",
                self.org_id,
                domain.as_str(),
                terms.subdomains,
            )
            .execute(&mut *self.conn)
            .await
            .map_err(held)?;
        }
        sqlx::query!(
            "update domains
             set verified_at = coalesce(verified_at, $3), shared = $4, subdomains = $5
             where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
            at,
            terms.shared,
            terms.subdomains,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Keeps what a check came to: since when the record is gone, when to look again, and when the zone answered.
    pub async fn save_check(
        &mut self,
        id: DomainId,
        (failing_since, due_at): (Option<DateTime<Utc>>, DateTime<Utc>),
        answered_at: Option<DateTime<Utc>>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update domains set checked_at = coalesce($5, checked_at), failing_since = $3, due_at = $4
             where org_id = $1 and id = $2 and verified_at is not null and challenge is not null",
            self.org_id,
            id.as_uuid(),
            failing_since,
            due_at,
            answered_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Makes a verified domain a claimed one again: it resolves nothing, and stays this organization's.
    pub async fn lapse(&mut self, domain: &DomainName) -> Result<(), StorageError> {
        self.close(domain).await?;
        sqlx::query!(
            "update domains set verified_at = null, failing_since = null, due_at = null
             where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Gives a domain up. It resolves nothing any more, and stays this organization's for ever; unless
    /// others share it: then only they have it.
    pub async fn delete(&mut self, domain: &DomainName) -> Result<bool, StorageError> {
        self.close(domain).await?;
        let done = sqlx::query!(
            "delete from domains where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn close(&mut self, domain: &DomainName) -> Result<(), StorageError> {
        sqlx::query!(
            "with shared as (delete from shared_domains where org_id = $1 and domain = $2)
             update verified_domains set active = false where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Offers a domain to whoever has the code; an earlier offer, accepted or not, is void.
    pub async fn offer(
        &mut self,
        id: DomainId,
        code: &SecretHash,
        (at, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into domain_transfers (org_id, domain_id, code_hash, offered_at, expires_at)
             values ($1, $2, $3, $4, $5)
             on conflict (org_id, domain_id) do update
                 set code_hash = excluded.code_hash, offered_at = excluded.offered_at,
                     expires_at = excluded.expires_at, successor_org_id = null, due_at = null
                 where domain_transfers.org_id = $1",
            self.org_id,
            id.as_uuid(),
            code.as_bytes(),
            at,
            expires_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The transfer of a domain, if one was offered.
    pub async fn find_transfer(&mut self, id: DomainId) -> Result<Option<Transfer>, StorageError> {
        let row = sqlx::query!(
            "select expires_at, successor_org_id, due_at from domain_transfers
             where org_id = $1 and domain_id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| Transfer {
            domain_id: id,
            expires_at: row.expires_at,
            accepted: row.successor_org_id.map(OrgId::from_uuid).zip(row.due_at),
        }))
    }

    /// The domain whose open offer this code belongs to.
    pub async fn find_offered(
        &mut self,
        code: &SecretHash,
        at: DateTime<Utc>,
    ) -> Result<Option<DomainName>, StorageError> {
        let found = sqlx::query_scalar!(
            "select offered.domain from domain_transfers transfer
             join domains offered on offered.org_id = transfer.org_id and offered.id = transfer.domain_id
             where transfer.org_id = $1 and transfer.code_hash = $2 and transfer.expires_at > $3
               and transfer.successor_org_id is null",
            self.org_id,
            code.as_bytes(),
            at,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        found.map(|text| parsed(DomainName::parse(&text).ok(), "domains", "domain")).transpose()
    }

    /// Accepts, for another organization, the offer that this code belongs to; `false` if none is open.
    pub async fn accept(
        &mut self,
        code: &SecretHash,
        successor: OrgId,
        (at, due_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update domain_transfers set successor_org_id = $3, due_at = $5
             where org_id = $1 and code_hash = $2 and expires_at > $4 and successor_org_id is null",
            self.org_id,
            code.as_bytes(),
            successor.as_uuid(),
            at,
            due_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes an offer back; `false` if there is none.
    pub async fn withdraw(&mut self, id: DomainId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from domain_transfers where org_id = $1 and domain_id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Hands a domain over to `successor`, if that one accepted it and the time to object is over: it is not this
    /// organization's any more, and nobody's but the successor's. `false` if not.
    pub async fn complete(
        &mut self,
        domain: &OrgDomain,
        successor: OrgId,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        // Whoever withdraws at the same time either comes first, or finds nothing to withdraw.
        let decided = sqlx::query!(
            "delete from domain_transfers
             where org_id = $1 and domain_id = $2 and successor_org_id = $3 and due_at <= $4",
            self.org_id,
            domain.id.as_uuid(),
            successor.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        if decided.rows_affected() != 1 {
            return Ok(false);
        }
        let handed = sqlx::query!(
            "update verified_domains set active = false, successor_org_id = $3
             where org_id = $1 and domain = $2",
            self.org_id,
            domain.name.as_str(),
            successor.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        self.delete(&domain.name).await?;
        Ok(handed.rows_affected() == 1)
    }
}
