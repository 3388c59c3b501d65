//! Who was put into a group by hand.

use orgate_domain::ids::{GroupId, UserId};
use uuid::Uuid;

use super::Groups;
use crate::{Page, PageOf, StorageError};

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Their address, if they have one of their own.
    pub email: Option<String>,
    /// Their name.
    pub name: String,
}

impl Groups<'_> {
    /// A page of whoever was put into a group by hand, in the order of the users' making.
    pub async fn list_members(
        &mut self,
        id: GroupId,
        page: PageOf<UserId>,
    ) -> Result<Page<Member, UserId>, StorageError> {
        let rows = sqlx::query!(
            "select member.id, member.email, member.name
             from group_members inside
             join users member on member.org_id = inside.org_id and member.id = inside.user_id
             where inside.org_id = $1 and inside.group_id = $2 and inside.user_id > $3
             order by inside.user_id limit $4",
            self.org_id,
            id.as_uuid(),
            page.after.map_or(Uuid::nil(), UserId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let members = rows.into_iter().map(|row| Member {
            user_id: UserId::from_uuid(row.id),
            email: row.email,
            name: row.name,
        });
        Ok(page.cut(members.collect(), |member| member.user_id))
    }

    /// Puts a user into a group; `false` if they were put there before.
    pub async fn insert_member(&mut self, id: GroupId, user: UserId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into group_members (org_id, group_id, user_id) values ($1, $2, $3) on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            user.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a user out who was put into a group by hand; `false` if they were not.
    pub async fn delete_member(&mut self, id: GroupId, user: UserId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from group_members where org_id = $1 and group_id = $2 and user_id = $3",
            self.org_id,
            id.as_uuid(),
            user.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The groups that somebody put a user into, by slug.
    pub async fn list_of_member(&mut self, user: UserId) -> Result<Vec<String>, StorageError> {
        let slugs = sqlx::query_scalar!(
            "select grouping.slug from group_members inside
             join groups grouping on grouping.org_id = inside.org_id and grouping.id = inside.group_id
             where inside.org_id = $1 and inside.user_id = $2 order by grouping.slug",
            self.org_id,
            user.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(slugs)
    }

    /// Puts a user by hand into exactly these groups.
    pub async fn replace_of_member(&mut self, user: UserId, groups: &[GroupId]) -> Result<(), StorageError> {
        let wanted: Vec<Uuid> = groups.iter().map(|group| group.as_uuid()).collect();
        sqlx::query!(
            "with dropped as (
                 delete from group_members where org_id = $1 and user_id = $2 and group_id <> all($3)
             )
             insert into group_members (org_id, group_id, user_id)
             select $1, wanted.id, $2 from unnest($3::uuid[]) as wanted (id)
             on conflict do nothing",
            self.org_id,
            user.as_uuid(),
            &wanted,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes everybody out of a group, however they came into it. Who it was, in order.
    pub async fn clear(&mut self, id: GroupId) -> Result<Vec<UserId>, StorageError> {
        let members = sqlx::query_scalar!(
            r#"with by_hand as (
                 delete from group_members where org_id = $1 and group_id = $2 returning user_id
             ), by_connection as (
                 delete from mapped_groups where org_id = $1 and group_id = $2 returning user_id
             )
             select user_id as "user_id!" from by_hand union select user_id from by_connection order by 1"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(members.into_iter().map(UserId::from_uuid).collect())
    }
}
