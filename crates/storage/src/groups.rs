//! Groups and the roles that their members have by them, and by the groups that these are inside of.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use orgate_domain::ids::{GroupId, RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use uuid::Uuid;

use crate::row::parsed;
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

mod members;

pub use members::Member;

repository! {
    /// The organization's groups.
    Groups,
    /// The organization's groups.
    groups
}

/// Groups that one is inside of, directly or not, at most.
pub const MAX_ANCESTORS: usize = 20;

/// A group, and what its members have by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its short name: what rules of connections say.
    pub slug: Slug,
    /// Its name for people.
    pub name: DisplayName,
    /// The roles that its members have by it.
    pub roles: BTreeMap<Slug, RoleId>,
    /// The groups that it is inside of: its members are in these too.
    pub parents: BTreeMap<Slug, GroupId>,
    /// Slugs of the roles that its members have by groups that it is inside of, directly or not, as of when it was read.
    pub inherited: BTreeSet<String>,
}

impl Group {
    /// The slugs of the roles that its members have by it, and by what it is inside of.
    pub fn role_slugs(&self) -> BTreeSet<String> {
        self.roles.keys().map(Slug::to_string).chain(self.inherited.iter().cloned()).collect()
    }
}

struct Row {
    id: Uuid,
    slug: String,
    name: String,
    role_slugs: Vec<String>,
    role_ids: Vec<Uuid>,
    parent_slugs: Vec<String>,
    parent_ids: Vec<Uuid>,
    inherited: Vec<String>,
}

impl TryFrom<Row> for Group {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let roles =
            row.role_slugs.iter().zip(row.role_ids).map(|(slug, id)| {
                Ok((parsed(Slug::parse(slug).ok(), "roles", "slug")?, RoleId::from_uuid(id)))
            });
        let parents = row.parent_slugs.iter().zip(row.parent_ids).map(|(slug, id)| {
            Ok((parsed(Slug::parse(slug).ok(), "groups", "slug")?, GroupId::from_uuid(id)))
        });
        Ok(Self {
            id: GroupId::from_uuid(row.id),
            slug: parsed(Slug::parse(&row.slug).ok(), "groups", "slug")?,
            name: parsed(DisplayName::parse(&row.name).ok(), "groups", "name")?,
            roles: roles.collect::<Result<_, StorageError>>()?,
            parents: parents.collect::<Result<_, StorageError>>()?,
            inherited: row.inherited.into_iter().collect(),
        })
    }
}

impl Groups<'_> {
    /// Every group of the organization, by slug.
    pub async fn list(&mut self) -> Result<Vec<Group>, StorageError> {
        let mut groups = self.read(None, (Uuid::nil(), i64::MAX)).await?;
        groups.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(groups)
    }

    /// A page of the groups, in the order of their making.
    pub async fn list_page(&mut self, page: PageOf<GroupId>) -> Result<Page<Group, GroupId>, StorageError> {
        let after = page.after.map_or(Uuid::nil(), GroupId::as_uuid);
        let groups = self.read(None, (after, page.rows())).await?;
        Ok(page.cut(groups, |group| group.id))
    }

    /// One group.
    pub async fn find(&mut self, id: GroupId) -> Result<Option<Group>, StorageError> {
        Ok(self.read(Some(id), (Uuid::nil(), 1)).await?.pop())
    }

    async fn read(
        &mut self,
        one: Option<GroupId>,
        (after, rows): (Uuid, i64),
    ) -> Result<Vec<Group>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select grouping.id, grouping.slug, grouping.name,
                      array(select role.slug from group_roles given
                            join roles role on role.org_id = given.org_id and role.id = given.role_id
                            where given.org_id = grouping.org_id and given.group_id = grouping.id
                            order by role.id) as "role_slugs!",
                      array(select given.role_id from group_roles given
                            where given.org_id = grouping.org_id and given.group_id = grouping.id
                            order by given.role_id) as "role_ids!",
                      array(select parent.slug from group_parents inside
                            join groups parent on parent.org_id = inside.org_id and parent.id = inside.parent_id
                            where inside.org_id = grouping.org_id and inside.group_id = grouping.id
                            order by parent.id) as "parent_slugs!",
                      array(select inside.parent_id from group_parents inside
                            where inside.org_id = grouping.org_id and inside.group_id = grouping.id
                            order by inside.parent_id) as "parent_ids!",
                      array(select distinct role.slug from group_ancestors above
                            join group_roles given on given.org_id = above.org_id and given.group_id = above.ancestor_id
                            join roles role on role.org_id = given.org_id and role.id = given.role_id
                            where above.org_id = grouping.org_id and above.group_id = grouping.id) as "inherited!"
               from groups grouping
               where grouping.org_id = $1 and ($2::uuid is null or grouping.id = $2) and grouping.id > $3
               order by grouping.id limit $4"#,
            self.org_id,
            one.map(GroupId::as_uuid),
            after,
            rows,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(TryInto::try_into).collect()
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

    /// Has whoever is about to put somebody into a group, or to change one, wait for this transaction; or waits for
    /// them, which the next statement then sees.
    pub async fn seize(&mut self) -> Result<(), StorageError> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended('groups ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Creates the group or brings it to the wanted state. Whoever is in it, or in one inside of it, by a connection with a
    /// version, in force or not, whose ceiling does not reach as far as the roles that they have by it is taken out: they may
    /// have come by that version, and get back at their next sign-in what they get by the present one. Who that was is
    /// answered; `None`: the group, or one in it, would be inside of itself or of more than [`MAX_ANCESTORS`], and nothing done so
    /// far in the transaction may last.
    pub async fn save(
        &mut self,
        group: &Group,
        at: DateTime<Utc>,
    ) -> Result<Option<Vec<UserId>>, StorageError> {
        self.seize().await?;
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
        self.replace_roles(group).await?;
        if !self.replace_parents(group).await? {
            return Ok(None);
        }
        Ok(Some(self.take_out(group.id).await?))
    }

    async fn replace_roles(&mut self, group: &Group) -> Result<(), StorageError> {
        let roles: Vec<Uuid> = group.roles.values().map(|id| id.as_uuid()).collect();
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
        Ok(())
    }

    /// `false` if it leads in a circle, or too far.
    async fn replace_parents(&mut self, group: &Group) -> Result<bool, StorageError> {
        let parents: Vec<Uuid> = group.parents.values().map(|id| id.as_uuid()).collect();
        let changed = sqlx::query!(
            "with dropped as (
                 delete from group_parents where org_id = $1 and group_id = $2 and parent_id <> all($3)
                 returning parent_id
             ), added as (
                 insert into group_parents (org_id, group_id, parent_id)
                 select $1, $2, wanted.parent_id from unnest($3::uuid[]) as wanted (parent_id)
                 on conflict do nothing
                 returning parent_id
             )
             select parent_id from dropped union all select parent_id from added",
            self.org_id,
            group.id.as_uuid(),
            &parents,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        if changed.is_empty() {
            return Ok(true);
        }
        let farthest = i32::try_from(MAX_ANCESTORS).unwrap_or(i32::MAX);
        // Of a circle, each turn is one further: they end by their number.
        let astray = sqlx::query_scalar!(
            r#"with recursive above as (
                   select group_id, parent_id as ancestor_id, 1 as steps from group_parents where org_id = $1
                   union
                   select above.group_id, further.parent_id, above.steps + 1
                   from above
                   join group_parents further on further.org_id = $1 and further.group_id = above.ancestor_id
                   where above.steps <= $2
               ), dropped as (
                   delete from group_ancestors kept
                   where kept.org_id = $1 and not exists (
                       select from above
                       where above.group_id = kept.group_id and above.ancestor_id = kept.ancestor_id)
               ), added as (
                   insert into group_ancestors (org_id, group_id, ancestor_id)
                   select distinct $1, above.group_id, above.ancestor_id
                   from above where above.group_id <> above.ancestor_id
                   on conflict do nothing
               )
               select exists (select from above where above.group_id = above.ancestor_id)
                   or exists (select from above group by above.group_id
                              having count(distinct above.ancestor_id) > $2) as "astray!""#,
            self.org_id,
            farthest,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(!astray)
    }

    async fn take_out(&mut self, id: GroupId) -> Result<Vec<UserId>, StorageError> {
        let removed = sqlx::query_scalar!(
            "delete from mapped_groups mapped
             where mapped.org_id = $1
               and (mapped.group_id = $2 or mapped.group_id in (
                        select inside.group_id from group_ancestors inside
                        where inside.org_id = $1 and inside.ancestor_id = $2))
               and mapped.connection_id in (
                   select version.connection_id from connection_versions version
                   where version.org_id = $1 and not version.role_ceiling @> array(
                       select role.slug from group_roles given
                       join roles role on role.org_id = given.org_id and role.id = given.role_id
                       where given.org_id = $1 and (given.group_id = mapped.group_id or given.group_id in (
                           select above.ancestor_id from group_ancestors above
                           where above.org_id = $1 and above.group_id = mapped.group_id))))
             returning mapped.user_id",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let removed: BTreeSet<_> = removed.into_iter().map(UserId::from_uuid).collect();
        Ok(removed.into_iter().collect())
    }

    /// Takes a group away that nobody is in; `false` if somebody is, or there is none.
    ///
    /// # Errors
    /// [`StorageError::Reference`] if a group is inside of it.
    pub async fn delete(&mut self, id: GroupId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from groups where org_id = $1 and id = $2
             and not exists (select from group_members inside where inside.org_id = $1 and inside.group_id = $2)
             and not exists (select from mapped_groups mapped where mapped.org_id = $1 and mapped.group_id = $2)",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
