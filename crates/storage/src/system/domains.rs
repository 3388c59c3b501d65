//! Domains across organizations: whose they are, and when to look at their proofs again.

use chrono::{DateTime, Utc};
use orgate_domain::email::DomainName;
use orgate_domain::ids::{DomainId, OrgId};

use super::{ResolvedOrg, ResolvedRow, SystemReason};
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// The organizations that verified `domain`, or failing that the nearest domain above it that reaches
    /// down to it, whatever their status: one, or several that share it; in order of their ids.
    pub async fn resolve_domain(&self, domain: &DomainName) -> Result<Vec<ResolvedOrg>, StorageError> {
        let names: Vec<String> = domain.and_above().map(str::to_owned).collect();
        let mut tx = self.begin_system(SystemReason::Resolve).await?;
        let rows = sqlx::query_as!(
            ResolvedRow,
            r#"with proven as (
                   select org_id, domain from verified_domains
                   where domain = any($1) and active and (subdomains or domain = $2)
                   union all
                   select org_id, domain from shared_domains
                   where domain = any($1) and (subdomains or domain = $2)
               )
               select org_id as "org_id!", slug as "slug!", status as "status!" from organizations
               where org_id in (select proven.org_id from proven
                                where length(proven.domain) = (select max(length(nearest.domain)) from proven nearest))
               order by org_id"#,
            &names,
            domain.as_str(),
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        rows.into_iter().map(ResolvedOrg::try_from).collect()
    }

    /// Who holds a verified domain above `domain` that reaches down to it; `and_below`: or, whether it leads anywhere still
    /// or not, one below it.
    pub async fn find_overlapping_domains(
        &self,
        domain: &DomainName,
        and_below: bool,
    ) -> Result<Vec<OrgId>, StorageError> {
        let above: Vec<String> = domain.and_above().skip(1).map(str::to_owned).collect();
        let mut tx = self.begin_system(SystemReason::Resolve).await?;
        let found = sqlx::query_scalar!(
            r#"with proven as (
                   select org_id, domain, subdomains, active from verified_domains
                   union all
                   select org_id, domain, subdomains, true from shared_domains
               )
               select org_id as "org_id!" from proven where domain = any($1) and subdomains and active
               union
               select org_id from proven where $3 and domain like '%.' || $2"#,
            &above,
            domain.as_str(),
            and_below,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(found.into_iter().map(OrgId::from_uuid).collect())
    }

    /// The organization whose verified domain this is, or once was: nobody else's, ever.
    pub async fn resolve_domain_owner(&self, domain: &DomainName) -> Result<Option<OrgId>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Resolve).await?;
        let owner =
            sqlx::query_scalar!("select org_id from verified_domains where domain = $1", domain.as_str())
                .fetch_optional(&mut *tx.transaction)
                .await?;
        tx.transaction.commit().await?;
        Ok(owner.map(OrgId::from_uuid))
    }

    /// Domains whose proof is to be looked at again; nobody else gets them before `until`.
    pub async fn claim_domains(
        &self,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<(OrgScope, DomainId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Refresh).await?;
        let rows = sqlx::query!(
            "update domains schedule
             set due_at = $2
             from (
                 select waiting.org_id, waiting.id from domains waiting
                 where waiting.due_at <= $1
                 order by waiting.due_at
                 limit $3
                 for update skip locked
             ) due
             where schedule.org_id = due.org_id and schedule.id = due.id
             returning schedule.org_id, schedule.id",
            now,
            until,
            limit,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgScope::resolved(row.org_id), DomainId::from_uuid(row.id)))
            .collect())
    }

    /// Gives a domain to the organization that it was handed over to; `false` if it was not. It leads nowhere
    /// until that one verifies it.
    pub async fn complete_transfer(
        &self,
        domain: &DomainName,
        successor: &OrgScope,
    ) -> Result<bool, StorageError> {
        let mut tx = self.begin_system(SystemReason::Transfer).await?;
        let done = sqlx::query!(
            "update verified_domains set org_id = $2, successor_org_id = null
             where domain = $1 and successor_org_id = $2 and not active",
            domain.as_str(),
            successor.org_id().as_uuid(),
        )
        .execute(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(done.rows_affected() == 1)
    }
}
