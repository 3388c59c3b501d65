//! Roles that new organizations begin with, as the operator's organization says.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::names::{DisplayName, Slug};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The blueprints that the organization keeps.
    RoleBlueprints,
    /// The blueprints that the organization keeps.
    role_blueprints
}

/// A role that new organizations begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleBlueprint {
    /// Its short name: what the claim `roles` says.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// What it bundles.
    pub permissions: BTreeSet<String>,
}

impl RoleBlueprints<'_> {
    /// All of them, by slug.
    pub async fn list(&mut self) -> Result<Vec<RoleBlueprint>, StorageError> {
        let rows = sqlx::query!(
            "select slug, name, bundled from role_blueprints where org_id = $1 order by slug",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let blueprints = rows.into_iter().map(|row| {
            Ok(RoleBlueprint {
                slug: parsed(Slug::parse(&row.slug).ok(), "role_blueprints", "slug")?,
                name: parsed(DisplayName::parse(&row.name).ok(), "role_blueprints", "name")?,
                permissions: row.bundled.into_iter().collect(),
            })
        });
        blueprints.collect()
    }

    /// Keeps one, in place of that of its slug.
    pub async fn save(&mut self, blueprint: &RoleBlueprint, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into role_blueprints (org_id, slug, name, bundled, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $5)
             on conflict (org_id, slug) do update
             set name = excluded.name, bundled = excluded.bundled, updated_at = excluded.updated_at",
            self.org_id,
            blueprint.slug.as_str(),
            blueprint.name.as_str(),
            &blueprint.permissions.iter().cloned().collect::<Vec<_>>(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes one away; `false` if there is none.
    pub async fn delete(&mut self, slug: &Slug) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from role_blueprints where org_id = $1 and slug = $2",
            self.org_id,
            slug.as_str()
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}
