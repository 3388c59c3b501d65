//! Roles and the permissions they bundle.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

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

impl Roles<'_> {
    /// Every role of the organization, by slug.
    pub async fn list(&mut self) -> Result<Vec<Role>, StorageError> {
        let rows = sqlx::query!(
            r#"select role.id, role.slug, role.name,
                      array(select bundled.permission from role_permissions bundled
                            where bundled.org_id = role.org_id and bundled.role_id = role.id) as "permissions!"
               from roles role where role.org_id = $1 order by role.slug"#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Role {
                    id: RoleId::from_uuid(row.id),
                    slug: parsed(Slug::parse(&row.slug).ok(), "roles", "slug")?,
                    name: parsed(DisplayName::parse(&row.name).ok(), "roles", "name")?,
                    permissions: row.permissions.into_iter().collect(),
                })
            })
            .collect()
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
        Ok(())
    }
}
