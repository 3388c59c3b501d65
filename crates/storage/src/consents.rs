//! What users let third-party clients have.

use chrono::{DateTime, Utc};
use orgate_domain::consents::Consent;
use orgate_domain::ids::{ClientId, OrgId, UserId};
use orgate_protocol::oauth::ScopeSet;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The consents of the organization's users.
    Consents,
    /// The consents of the organization's users.
    consents
}

/// Most consents of one user that are listed.
const MAX_LISTED: i64 = 500;

impl Consents<'_> {
    /// What the user lets the client have.
    pub async fn find(
        &mut self,
        user: UserId,
        (client_owner, client): (OrgId, ClientId),
    ) -> Result<Option<Consent>, StorageError> {
        let row = sqlx::query!(
            "select scope, created_at, updated_at from consents
             where org_id = $1 and user_id = $2 and client_org_id = $3 and client_id = $4",
            self.org_id,
            user.as_uuid(),
            client_owner.as_uuid(),
            client.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| consent(&row.scope, (row.created_at, row.updated_at))).transpose()
    }

    /// Everything that the user lets clients have, what was given last first.
    pub async fn list(&mut self, user: UserId) -> Result<Vec<((OrgId, ClientId), Consent)>, StorageError> {
        let rows = sqlx::query!(
            "select client_org_id, client_id, scope, created_at, updated_at from consents
             where org_id = $1 and user_id = $2
             order by updated_at desc, client_org_id, client_id limit $3",
            self.org_id,
            user.as_uuid(),
            MAX_LISTED,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let client = (OrgId::from_uuid(row.client_org_id), ClientId::from_uuid(row.client_id));
                Ok((client, consent(&row.scope, (row.created_at, row.updated_at))?))
            })
            .collect()
    }

    /// Lets the client have `scope`, beside what it may have already; in its place, if both add up to too much.
    pub async fn save(
        &mut self,
        user: UserId,
        (client_owner, client): (OrgId, ClientId),
        scope: &ScopeSet,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into consents (org_id, user_id, client_org_id, client_id, scope, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $6)
             on conflict (org_id, user_id, client_org_id, client_id) do update
                 set scope = (select case when count(distinct token) > $7 then excluded.scope
                                          else coalesce(string_agg(distinct token, ' '), '') end
                              from unnest(string_to_array(consents.scope || ' ' || excluded.scope, ' ')) token
                              where token <> ''),
                     updated_at = excluded.updated_at
                 where consents.org_id = excluded.org_id",
            self.org_id,
            user.as_uuid(),
            client_owner.as_uuid(),
            client.as_uuid(),
            scope.to_string(),
            now,
            i64::try_from(ScopeSet::MAX_UNION_TOKENS).unwrap_or_default(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes a consent back. `false` if there is none. Whoever redeems a code by it is waited for, so that
    /// [`Consents::revoke_granted`] sees what came of it.
    pub async fn delete(
        &mut self,
        user: UserId,
        (client_owner, client): (OrgId, ClientId),
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from consents where org_id = $1 and user_id = $2 and client_org_id = $3 and client_id = $4",
            self.org_id,
            user.as_uuid(),
            client_owner.as_uuid(),
            client.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Revokes every token family of the user's at the client, and has the client told of each session that it
    /// had one in, if it wants to hear; how many families there were.
    pub async fn revoke_granted(
        &mut self,
        user: UserId,
        (client_owner, client): (OrgId, ClientId),
        now: DateTime<Utc>,
    ) -> Result<u64, StorageError> {
        let revoked = sqlx::query_scalar!(
            r#"with revoked as (
                   update grants set revoked_at = $5
                   where org_id = $1 and user_id = $2 and client_org_id = $3 and client_id = $4 and revoked_at is null
                   returning org_id, session_id, issuer
               ), told as (
                   insert into outbox (org_id, id, kind, payload, created_at, available_at)
                   select ended.org_id, gen_random_uuid(), 'backchannel_logout',
                          convert_to(json_build_object(
                              'client_owner', $3::uuid, 'client_id', $4::uuid, 'issuer', ended.issuer,
                              'user_id', $2::uuid, 'session_id', ended.session_id
                          )::text, 'UTF8'),
                          $5, $5
                   from (select distinct org_id, session_id, issuer from revoked) ended
                   join client_directory directory on directory.org_id = $3 and directory.id = $4
                   where ended.org_id = $1 and directory.backchannel_logout
               )
               select count(*) as "count!" from revoked"#,
            self.org_id,
            user.as_uuid(),
            client_owner.as_uuid(),
            client.as_uuid(),
            now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(u64::try_from(revoked).unwrap_or_default())
    }

    /// Takes back what every user lets the client have, and revokes what was granted by it.
    pub async fn delete_of_client(
        &mut self,
        (client_owner, client): (OrgId, ClientId),
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from consents where org_id = $1 and client_org_id = $2 and client_id = $3",
            self.org_id,
            client_owner.as_uuid(),
            client.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "update grants set revoked_at = $4
             where org_id = $1 and client_org_id = $2 and client_id = $3 and revoked_at is null",
            self.org_id,
            client_owner.as_uuid(),
            client.as_uuid(),
            now,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}

fn consent(
    scope: &str,
    (created_at, updated_at): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Consent, StorageError> {
    let scope = parsed(ScopeSet::parse_union(scope).ok(), "consents", "scope")?;
    Ok(Consent { scope, created_at, updated_at })
}
