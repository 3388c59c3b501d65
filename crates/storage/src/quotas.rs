//! How many things of a kind the organization may have, and has.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use orgate_domain::quotas::Quota;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's quotas.
    Quotas,
    /// The organization's quotas.
    quotas
}

impl Quotas<'_> {
    /// Those that the operator set.
    pub async fn list(&mut self) -> Result<BTreeMap<Quota, u32>, StorageError> {
        let rows = sqlx::query!("select quota, most from quotas where org_id = $1", self.org_id)
            .fetch_all(&mut *self.conn)
            .await?;
        let quotas = rows.into_iter().map(|row| {
            let quota = parsed(Quota::parse(&row.quota), "quotas", "quota")?;
            Ok((quota, parsed(u32::try_from(row.most).ok(), "quotas", "most")?))
        });
        quotas.collect()
    }

    /// How many there may be.
    pub async fn find_limit(&mut self, quota: Quota) -> Result<u32, StorageError> {
        let most = sqlx::query_scalar!(
            "select most from quotas where org_id = $1 and quota = $2",
            self.org_id,
            quota.as_str(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(most) = most else { return Ok(quota.usual()) };
        parsed(u32::try_from(most).ok(), "quotas", "most")
    }

    /// How many there are of each.
    pub async fn count(&mut self, now: DateTime<Utc>) -> Result<BTreeMap<Quota, i64>, StorageError> {
        let row = sqlx::query!(
            r#"select
                (select count(*) from api_keys own
                 where own.org_id = $1 and own.revoked_at is null and own.expires_at > $2) as "api_keys!",
                (select count(*) from client_directory own
                 where own.org_id = $1 and own.party <> 'unregistered'
                   and not exists (select from client_registrations itself
                                   where itself.org_id = own.org_id and itself.client_id = own.id)) as "clients!",
                (select count(*) from connections own where own.org_id = $1) as "connections!",
                (select count(*) from domains own where own.org_id = $1) as "domains!",
                (select count(*) from groups own where own.org_id = $1) as "groups!",
                (select count(*) from roles own where own.org_id = $1) as "roles!",
                (select count(*) from webhooks own where own.org_id = $1) as "webhooks!""#,
            self.org_id,
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let of = |quota| match quota {
            Quota::ApiKeys => row.api_keys,
            Quota::Clients => row.clients,
            Quota::Connections => row.connections,
            Quota::Domains => row.domains,
            Quota::Groups => row.groups,
            Quota::Roles => row.roles,
            Quota::Webhooks => row.webhooks,
        };
        Ok(Quota::ALL.into_iter().map(|quota| (quota, of(quota))).collect())
    }

    /// Says how many there may be; `None`: as many as usual.
    pub async fn save(
        &mut self,
        quota: Quota,
        most: Option<u32>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        match most {
            None => {
                let gone = sqlx::query!(
                    "delete from quotas where org_id = $1 and quota = $2",
                    self.org_id,
                    quota.as_str(),
                );
                gone.execute(&mut *self.conn).await?;
            }
            Some(most) => {
                let saved = sqlx::query!(
                    "insert into quotas (org_id, quota, most, updated_at) values ($1, $2, $3, $4)
                     on conflict (org_id, quota) do update set most = excluded.most, updated_at = excluded.updated_at",
                    self.org_id,
                    quota.as_str(),
                    i64::from(most),
                    at,
                );
                saved.execute(&mut *self.conn).await?;
            }
        }
        Ok(())
    }
}
