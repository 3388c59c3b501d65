//! Users, as they see themselves.

use chrono::{DateTime, Utc};
use orgate_domain::ids::UserId;

use super::Users;
use crate::StorageError;

/// What a user is shown of themselves, beside what their session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRecord {
    /// Names of the roles that are theirs, however they came by them: the first `NAMED`, in order.
    pub roles: Vec<String>,
    /// Names of the groups that they are in, by hand, by a connection or by another group: the first `NAMED`, in order.
    pub groups: Vec<String>,
    /// When their password was set, if they have one.
    pub password_since: Option<DateTime<Utc>>,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: bool,
    /// How many recovery codes of theirs are not used yet.
    pub recovery_codes: u64,
    /// When they were made.
    pub created_at: DateTime<Utc>,
}

/// Roles, and groups, that somebody is told of themselves at most.
const NAMED: i64 = 100;

impl Users<'_> {
    /// What one user is shown of themselves.
    pub async fn find_own(&mut self, id: UserId) -> Result<Option<OwnRecord>, StorageError> {
        let row = sqlx::query!(
            r#"select member.break_glass, member.created_at, password.updated_at as "password_since?",
                      array(select role.name from roles role
                            where role.org_id = member.org_id
                              and role.id in (select held.role_id from roles_held held
                                              where held.org_id = member.org_id and held.user_id = member.id)
                            order by role.name limit $3) as "roles!",
                      array(select grouping.name from groups grouping
                            where grouping.org_id = member.org_id
                              and grouping.id in (select inside.group_id from memberships inside
                                                  where inside.org_id = member.org_id and inside.user_id = member.id)
                            order by grouping.name limit $3) as "groups!",
                      (select count(*) from recovery_codes code
                       where code.org_id = member.org_id and code.user_id = member.id
                         and code.used_at is null) as "recovery_codes!"
               from users member
               left join password_credentials password
                    on password.org_id = member.org_id and password.user_id = member.id
               where member.org_id = $1 and member.id = $2"#,
            self.org_id,
            id.as_uuid(),
            NAMED,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(|row| OwnRecord {
            roles: row.roles,
            groups: row.groups,
            password_since: row.password_since,
            break_glass: row.break_glass,
            recovery_codes: u64::try_from(row.recovery_codes).unwrap_or_default(),
            created_at: row.created_at,
        }))
    }
}
