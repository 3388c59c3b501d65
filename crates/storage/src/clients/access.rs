//! Who may use which client: others' clients in this organization, and the roles that machines have in it.

use chrono::{DateTime, Utc};
use orgate_domain::clients::{ClientStatus, Party};
use orgate_domain::ids::{ClientId, OrgId, RoleId};
use orgate_domain::names::Slug;

use super::Clients;
use crate::StorageError;
use crate::row::parsed;

impl Clients<'_> {
    /// The clients that the organization owns.
    pub async fn list_owned(&mut self) -> Result<Vec<ClientId>, StorageError> {
        let ids = sqlx::query_scalar!(
            "select id from client_directory where org_id = $1 order by client_id",
            self.org_id
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(ClientId::from_uuid).collect())
    }

    /// The clients of other organizations, of audience `granted`, that this one may use.
    pub async fn list_access(&mut self) -> Result<Vec<(OrgId, ClientId)>, StorageError> {
        let rows = sqlx::query!(
            "select client_org_id, client_id from client_access where org_id = $1 order by client_org_id, client_id",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgId::from_uuid(row.client_org_id), ClientId::from_uuid(row.client_id)))
            .collect())
    }

    /// Lets this organization use a client of another one, of audience `granted`. `false` if it
    /// already may.
    pub async fn insert_access(
        &mut self,
        client: (OrgId, ClientId),
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into client_access (org_id, client_org_id, client_id, granted_at) values ($1, $2, $3, $4)
             on conflict do nothing",
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes that back. `false` if there was nothing to take.
    pub async fn delete_access(&mut self, client: (OrgId, ClientId)) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from client_access where org_id = $1 and client_org_id = $2 and client_id = $3",
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The status of a client as this organization's transaction sees it: `None` unless it is
    /// admitted by the client's audience or by a grant.
    pub async fn find_admission(
        &mut self,
        client: (OrgId, ClientId),
    ) -> Result<Option<ClientStatus>, StorageError> {
        let status = sqlx::query_scalar!(
            r#"select status as "status!" from admitted_clients
               where org_id = $1 and client_org_id = $2 and client_id = $3"#,
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        status.map(|text| parsed(ClientStatus::from_text(&text), "client_directory", "status")).transpose()
    }

    /// The roles that a client holds in this organization.
    pub async fn list_roles(&mut self, client: (OrgId, ClientId)) -> Result<Vec<Slug>, StorageError> {
        let slugs = sqlx::query_scalar!(
            "select role.slug from client_roles held
             join roles role on role.org_id = held.org_id and role.id = held.role_id
             where held.org_id = $1 and held.client_org_id = $2 and held.client_id = $3 order by role.slug",
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        slugs.iter().map(|slug| parsed(Slug::parse(slug).ok(), "roles", "slug")).collect()
    }

    /// Gives a client these roles in this organization and no other.
    pub async fn replace_roles(
        &mut self,
        client: (OrgId, ClientId),
        roles: &[RoleId],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let ids: Vec<_> = roles.iter().map(|id| id.as_uuid()).collect();
        sqlx::query!(
            "with dropped as (
                 delete from client_roles
                 where org_id = $1 and client_org_id = $2 and client_id = $3 and role_id <> all($4)
             )
             insert into client_roles (org_id, client_org_id, client_id, role_id, assigned_at)
             select $1, $2, $3, wanted.role_id, $5 from unnest($4::uuid[]) as wanted (role_id)
             on conflict do nothing",
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
            &ids,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Clients that users of this organization may sign in to now and that begin sign-ins at an address of theirs, its
    /// own first; at most `limit`. Those that nobody registered are not among them.
    pub async fn list_initiating(&mut self, limit: i64) -> Result<Vec<(OrgId, ClientId)>, StorageError> {
        let rows = sqlx::query!(
            r#"select admitted.client_org_id as "owner!", admitted.client_id as "id!"
               from admitted_clients admitted
               join client_directory entry on entry.org_id = admitted.client_org_id and entry.id = admitted.client_id
               where admitted.org_id = $1 and admitted.status = 'active'
                 and entry.initiates_login and entry.party <> 'unregistered'
               order by (admitted.client_org_id = admitted.org_id) desc, admitted.client_org_id, admitted.client_id
               limit $2"#,
            self.org_id,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| (OrgId::from_uuid(row.owner), ClientId::from_uuid(row.id))).collect())
    }

    /// Clients of the organization's and of the product's that its users may sign in to now, by name; at most `limit`.
    pub async fn list_first_party(&mut self, limit: i64) -> Result<Vec<(OrgId, ClientId)>, StorageError> {
        let rows = sqlx::query!(
            r#"select admitted.client_org_id as "owner!", admitted.client_id as "id!"
               from admitted_clients admitted
               join client_directory entry on entry.org_id = admitted.client_org_id and entry.id = admitted.client_id
               where admitted.org_id = $1 and admitted.status = 'active' and entry.party = 'first'
               order by entry.name, admitted.client_id limit $2"#,
            self.org_id,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| (OrgId::from_uuid(row.owner), ClientId::from_uuid(row.id))).collect())
    }

    /// Whether scripts of this origin are a client that this organization may use, of one of these parties.
    pub async fn admits_origin(&mut self, origin: &str, parties: &[Party]) -> Result<bool, StorageError> {
        let parties: Vec<String> = parties.iter().map(|party| party.as_str().to_owned()).collect();
        let admitted = sqlx::query_scalar!(
            r#"select exists (
                   select from client_directory entry
                   join admitted_clients admitted
                        on admitted.client_org_id = entry.org_id and admitted.client_id = entry.id
                   where admitted.org_id = $1 and admitted.status = 'active'
                     and entry.origins @> array[$2::text] and entry.party = any($3)
               ) as "admitted!""#,
            self.org_id,
            origin,
            &parties,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(admitted)
    }
}
