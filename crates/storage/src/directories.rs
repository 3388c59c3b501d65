//! Domains: what an organization proved, and the resolver entry that it leads by.

use chrono::{DateTime, Utc};
use orgate_domain::email::DomainName;
use orgate_domain::ids::DomainId;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's domains.
    Domains,
    /// The organization's domains.
    domains
}

impl Domains<'_> {
    /// The organization's verified domains, in order.
    pub async fn list_verified(&mut self) -> Result<Vec<DomainName>, StorageError> {
        let rows = sqlx::query_scalar!(
            "select domain from domains where org_id = $1 and verified_at is not null order by domain",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.iter().map(|text| parsed(DomainName::parse(text).ok(), "domains", "domain")).collect()
    }

    /// Adds a domain that counts as verified, or verifies one that was claimed.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if it is, or was, another organization's.
    pub async fn save_verified(
        &mut self,
        id: DomainId,
        domain: &DomainName,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into domains (org_id, id, domain, verified_at, created_at) values ($1, $2, $3, $4, $4)
             on conflict (org_id, domain) do update set verified_at = excluded.verified_at
                 where domains.org_id = excluded.org_id and domains.verified_at is null",
            self.org_id,
            id.as_uuid(),
            domain.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "insert into verified_domains (org_id, domain) values ($1, $2)
             on conflict (domain) do update set active = true where verified_domains.org_id = $1",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StorageError::Conflict { constraint: "verified_domains_pkey".to_owned() })
        }
    }

    /// Gives a domain up. It resolves nothing any more, and stays this organization's for ever.
    pub async fn delete(&mut self, domain: &DomainName) -> Result<bool, StorageError> {
        sqlx::query!(
            "update verified_domains set active = false where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        let done = sqlx::query!(
            "delete from domains where org_id = $1 and domain = $2",
            self.org_id,
            domain.as_str(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
