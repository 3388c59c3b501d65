//! Groups and the roles that their members have by them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use orgate_domain::ids::{GroupId, RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's groups.
    Groups,
    /// The organization's groups.
    groups
}

/// A group, and what its members have by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its short name: what rules of connections say.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// The roles that its members have.
    pub roles: BTreeMap<Slug, RoleId>,
}

impl Group {
    /// The slugs of its roles.
    pub fn role_slugs(&self) -> BTreeSet<String> {
        self.roles.keys().map(Slug::to_string).collect()
    }
}

impl Groups<'_> {
    /// Every group of the organization, by slug.
    pub async fn list(&mut self) -> Result<Vec<Group>, StorageError> {
        let rows = sqlx::query!(
            r#"select grouping.id, grouping.slug, grouping.name,
                      array(select role.slug from group_roles given
                            join roles role on role.org_id = given.org_id and role.id = given.role_id
                            where given.org_id = grouping.org_id and given.group_id = grouping.id
                            order by role.id) as "role_slugs!",
                      array(select given.role_id from group_roles given
                            where given.org_id = grouping.org_id and given.group_id = grouping.id
                            order by given.role_id) as "role_ids!"
               from groups grouping where grouping.org_id = $1 order by grouping.slug"#,
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let roles = row.role_slugs.iter().zip(row.role_ids).map(|(slug, id)| {
                    Ok((parsed(Slug::parse(slug).ok(), "roles", "slug")?, RoleId::from_uuid(id)))
                });
                Ok(Group {
                    id: GroupId::from_uuid(row.id),
                    slug: parsed(Slug::parse(&row.slug).ok(), "groups", "slug")?,
                    name: parsed(DisplayName::parse(&row.name).ok(), "groups", "name")?,
                    roles: roles.collect::<Result<_, StorageError>>()?,
                })
            })
            .collect()
    }

    /// Keeps what the organization's groups give as it is until the transaction ends: whoever reads it and puts somebody
    /// into a group by it is either done before a change, which then finds them in it, or sees what was changed.
    pub async fn hold(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock_shared(hashtextextended('groups ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Creates the group or brings it to the wanted state. Whoever is in it by a connection with a version, in force
    /// or not, whose ceiling does not reach as far as its roles is taken out: they may have come by that version, and
    /// get back at their next sign-in what they get by the present one. Who that was is answered.
    pub async fn save(&mut self, group: &Group, at: DateTime<Utc>) -> Result<Vec<UserId>, StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('groups ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        let roles: Vec<uuid::Uuid> = group.roles.values().map(|id| id.as_uuid()).collect();
        sqlx::query!(
            "insert into groups (org_id, id, slug, name, created_at) values ($1, $2, $3, $4, $5)
             on conflict (org_id, id) do update set name = excluded.name where groups.org_id = excluded.org_id",
            self.org_id,
            group.id.as_uuid(),
            group.slug.as_str(),
            group.name.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "with dropped as (
                 delete from group_roles where org_id = $1 and group_id = $2 and role_id <> all($3)
             )
             insert into group_roles (org_id, group_id, role_id)
             select $1, $2, wanted.role_id from unnest($3::uuid[]) as wanted (role_id)
             on conflict do nothing",
            self.org_id,
            group.id.as_uuid(),
            &roles,
        )
        .execute(&mut *self.conn)
        .await?;
        let removed = sqlx::query_scalar!(
            "delete from mapped_groups
             where org_id = $1 and group_id = $2 and connection_id in (
                 select version.connection_id from connection_versions version
                 where version.org_id = $1 and not version.role_ceiling @> $3)
             returning user_id",
            self.org_id,
            group.id.as_uuid(),
            &group.role_slugs().into_iter().collect::<Vec<_>>(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let removed: BTreeSet<_> = removed.into_iter().map(UserId::from_uuid).collect();
        Ok(removed.into_iter().collect())
    }
}
