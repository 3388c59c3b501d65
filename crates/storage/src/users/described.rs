//! Users in full, as files describe them.

use orgate_domain::connections::Attributes;
use orgate_domain::ids::UserId;
use orgate_domain::names::ExternalId;
use orgate_domain::standing::UserStatus;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Users, external_id};
use crate::row::parsed;
use crate::{Page, PageOf, StorageError};

/// A user, with everything that a file says of one.
#[derive(Debug, Clone)]
pub struct DescribedUser {
    /// Their id.
    pub id: UserId,
    /// Their address, as written; `None`: they have none of their own.
    pub email: Option<String>,
    /// Whether it is proven.
    pub email_verified: bool,
    /// Their name.
    pub name: String,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: bool,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// What is kept about them.
    pub attributes: Attributes,
    /// The slugs of the roles assigned to them directly, in order.
    pub roles: Vec<String>,
    /// The slugs of the groups that somebody put them into, in order.
    pub groups: Vec<String>,
}

impl Users<'_> {
    /// A page of the users in full, in the order of their making.
    pub async fn list_described(
        &mut self,
        page: PageOf<UserId>,
    ) -> Result<Page<DescribedUser, UserId>, StorageError> {
        let rows = sqlx::query!(
            r#"select member.id, member.email, member.email_verified, member.name, member.status, member.break_glass,
                      member.external_id,
                      member.attributes as "attributes: Json<Attributes>",
                      array(select role.slug from role_assignments assignment
                            join roles role on role.org_id = assignment.org_id and role.id = assignment.role_id
                            where assignment.org_id = member.org_id and assignment.user_id = member.id
                            order by role.slug) as "roles!",
                      array(select grouping.slug from group_members inside
                            join groups grouping on grouping.org_id = inside.org_id and grouping.id = inside.group_id
                            where inside.org_id = member.org_id and inside.user_id = member.id
                            order by grouping.slug) as "groups!"
               from users member where member.org_id = $1 and member.id > $2 order by member.id limit $3"#,
            self.org_id,
            page.after.map_or(Uuid::nil(), UserId::as_uuid),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let users = rows.into_iter().map(|row| {
            Ok(DescribedUser {
                id: UserId::from_uuid(row.id),
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
                break_glass: row.break_glass,
                external_id: external_id(row.external_id)?,
                attributes: row.attributes.0,
                roles: row.roles,
                groups: row.groups,
            })
        });
        let users: Result<Vec<_>, StorageError> = users.collect();
        Ok(page.cut(users?, |user| user.id))
    }
}
