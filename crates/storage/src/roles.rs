//! Roles and the permissions they bundle.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::ids::{RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use uuid::Uuid;

use crate::row::parsed;
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

repository! {
    /// The organization's roles.
    Roles,
    /// The organization's roles.
    roles
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its short name: what the claim `roles` says.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// What it bundles.
    pub permissions: BTreeSet<String>,
}

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    permissions: Vec<String>,
}

impl TryFrom<Row> for Role {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: RoleId::from_uuid(row.id),
            slug: parsed(Slug::parse(&row.slug).ok(), "roles", "slug")?,
            name: parsed(DisplayName::parse(&row.name).ok(), "roles", "name")?,
            permissions: row.permissions.into_iter().collect(),
        })
    }
}

impl Roles<'_> {
    /// Every role of the organization, by slug.
    pub async fn list(&mut self) -> Result<Vec<Role>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select role.id, role.slug, role.name,
                      array(select bundled.permission from role_permissions bundled
                            where bundled.org_id = role.org_id and bundled.role_id = role.id) as "permissions!"
               from roles role where role.org_id = $1 order by role.slug"#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// A page of the roles, in the order of their making.
    pub async fn list_page(&mut self, page: PageOf<RoleId>) -> Result<Page<Role, RoleId>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select role.id, role.slug, role.name,
                      array(select bundled.permission from role_permissions bundled
                            where bundled.org_id = role.org_id and bundled.role_id = role.id) as "permissions!"
               from roles role where role.org_id = $1 and role.id > $2 order by role.id limit $3"#,
            self.org_id,
            page.after.map_or(Uuid::nil(), RoleId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let roles: Result<Vec<Role>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(roles?, |role| role.id))
    }

    /// One role.
    pub async fn find(&mut self, id: RoleId) -> Result<Option<Role>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            r#"select role.id, role.slug, role.name,
                      array(select bundled.permission from role_permissions bundled
                            where bundled.org_id = role.org_id and bundled.role_id = role.id) as "permissions!"
               from roles role where role.org_id = $1 and role.id = $2"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Has other changes of roles, and of who has which, wait for this transaction; or waits for them, which the next
    /// statement then sees.
    pub async fn seize(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('roles ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Whether an active user has a role of their own that bundles `permission`, as it is written.
    pub async fn is_held(&mut self, permission: &str) -> Result<bool, StorageError> {
        let held = sqlx::query_scalar!(
            r#"select exists (
                   select from role_permissions bundled
                   join role_assignments assignment
                       on assignment.org_id = bundled.org_id and assignment.role_id = bundled.role_id
                   join users member on member.org_id = assignment.org_id and member.id = assignment.user_id
                   where bundled.org_id = $1 and bundled.permission = $2 and member.status = 'active'
               ) as "held!""#,
            self.org_id,
            permission,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(held)
    }

    /// Takes a role away; `false` if there is none, or somebody has it by a connection.
    ///
    /// # Errors
    /// [`StorageError::Reference`] if a user has it, a group or a client.
    pub async fn delete(&mut self, id: RoleId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from roles where org_id = $1 and id = $2
             and not exists (select from mapped_roles mapped where mapped.org_id = $1 and mapped.role_id = $2)",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        self.forget_permissions().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a role from every user, group and client that has it, however they came by it. Which users it was, in order.
    pub async fn release(&mut self, id: RoleId) -> Result<Vec<UserId>, StorageError> {
        let users = sqlx::query_scalar!(
            r#"with assigned as (
                 delete from role_assignments where org_id = $1 and role_id = $2 returning user_id
             ), mapped as (
                 delete from mapped_roles where org_id = $1 and role_id = $2 returning user_id
             ), given as (
                 delete from group_roles where org_id = $1 and role_id = $2
             ), held as (
                 delete from client_roles where org_id = $1 and role_id = $2
             )
             select user_id as "user_id!" from assigned union select user_id from mapped order by 1"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(users.into_iter().map(UserId::from_uuid).collect())
    }

    /// Creates the role or brings it to the wanted state.
    pub async fn save(&mut self, role: &Role, at: DateTime<Utc>) -> Result<(), StorageError> {
        let permissions: Vec<String> = role.permissions.iter().cloned().collect();
        sqlx::query!(
            "insert into roles (org_id, id, slug, name, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
             on conflict (org_id, id) do update set name = excluded.name, updated_at = excluded.updated_at
                 where roles.org_id = excluded.org_id",
            self.org_id,
            role.id.as_uuid(),
            role.slug.as_str(),
            role.name.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "insert into permissions (org_id, permission)
             select $1, wanted.permission from unnest($2::text[]) as wanted (permission)
             on conflict do nothing",
            self.org_id,
            &permissions,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "with dropped as (
                 delete from role_permissions where org_id = $1 and role_id = $2 and permission <> all($3)
             )
             insert into role_permissions (org_id, role_id, permission)
             select $1, $2, wanted.permission from unnest($3::text[]) as wanted (permission)
             on conflict do nothing",
            self.org_id,
            role.id.as_uuid(),
            &permissions,
        )
        .execute(&mut *self.conn)
        .await?;
        self.forget_permissions().await
    }

    /// What is in no role any more is no permission of the organization's.
    async fn forget_permissions(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "delete from permissions known
             where known.org_id = $1 and not exists (
                 select from role_permissions bundled
                 where bundled.org_id = $1 and bundled.permission = known.permission)",
            self.org_id,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
