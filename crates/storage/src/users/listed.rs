//! Users, as lists show them.

use chrono::{DateTime, Utc};
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::names::ExternalId;
use orgate_domain::standing::{UserProfile, UserStatus};
use uuid::Uuid;

use super::{Users, external_id};
use crate::row::parsed;
use crate::{Page, PageOf, StorageError};

/// A user, as lists show them.
#[derive(Debug, Clone)]
pub struct ListedUser {
    /// Their id.
    pub id: UserId,
    /// Who they are.
    pub profile: UserProfile,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// The slugs of the roles assigned to them directly, in order.
    pub roles: Vec<String>,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: bool,
    /// When they were made.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

struct ListedRow {
    id: Uuid,
    email: Option<String>,
    email_verified: bool,
    name: String,
    locale: Option<String>,
    status: String,
    external_id: Option<String>,
    roles: Vec<String>,
    break_glass: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<ListedRow> for ListedUser {
    type Error = StorageError;

    fn try_from(row: ListedRow) -> Result<Self, StorageError> {
        Ok(Self {
            id: UserId::from_uuid(row.id),
            profile: UserProfile {
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                locale: row.locale,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
            },
            external_id: external_id(row.external_id)?,
            roles: row.roles,
            break_glass: row.break_glass,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Users with the roles assigned to them, by a condition on `member`, whose first parameter is the organization.
macro_rules! select {
    ($which:tt, $($argument:expr),+) => {
        sqlx::query_as!(
            ListedRow,
            r#"select member.id, member.email, member.email_verified, member.name, member.locale, member.status,
                      member.external_id,
                      array(select role.slug from role_assignments assignment
                            join roles role on role.org_id = assignment.org_id and role.id = assignment.role_id
                            where assignment.org_id = member.org_id and assignment.user_id = member.id
                            order by role.slug) as "roles!",
                      member.break_glass, member.created_at, member.updated_at
               from users member where member.org_id = $1 and "# + $which,
            $($argument),+
        )
    };
}

impl Users<'_> {
    /// A page of the users, in the order of their making.
    pub async fn list(&mut self, page: PageOf<UserId>) -> Result<Page<ListedUser, UserId>, StorageError> {
        let after = page.after.map_or(Uuid::nil(), UserId::as_uuid);
        let rows = select!("member.id > $2 order by member.id limit $3", self.org_id, after, page.rows())
            .fetch_all(&mut *self.conn)
            .await?;
        let users: Result<Vec<ListedUser>, _> = rows.into_iter().map(TryInto::try_into).collect();
        Ok(page.cut(users?, |user| user.id))
    }

    /// One user.
    pub async fn find(&mut self, id: UserId) -> Result<Option<ListedUser>, StorageError> {
        let row =
            select!("member.id = $2", self.org_id, id.as_uuid()).fetch_optional(&mut *self.conn).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The user with this address, as lists show them.
    pub async fn find_listed_by_email(&mut self, email: &Email) -> Result<Option<ListedUser>, StorageError> {
        let row = select!("member.email_normalized = $2", self.org_id, email.normalized())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }

    /// The user who is called this in a system of the organization's own.
    pub async fn find_by_external_id(
        &mut self,
        external_id: &ExternalId,
    ) -> Result<Option<ListedUser>, StorageError> {
        let row = select!("member.external_id = $2", self.org_id, external_id.as_str())
            .fetch_optional(&mut *self.conn)
            .await?;
        row.map(TryInto::try_into).transpose()
    }
}
