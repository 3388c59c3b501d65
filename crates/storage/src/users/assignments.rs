//! The roles that are assigned to users, and what these let them do.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{RoleId, UserId};
use uuid::Uuid;

use super::Users;
use crate::StorageError;

impl Users<'_> {
    /// Assigns a role; `false` if they have it already.
    pub async fn insert_role(
        &mut self,
        id: UserId,
        role: RoleId,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into role_assignments (org_id, user_id, role_id, assigned_at) values ($1, $2, $3, $4)
             on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            role.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Takes a role that was assigned away; `false` if they do not have it so.
    pub async fn delete_role(&mut self, id: UserId, role: RoleId) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "delete from role_assignments where org_id = $1 and user_id = $2 and role_id = $3",
            self.org_id,
            id.as_uuid(),
            role.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// What a user may do by the roles that are theirs, however they came by them: the permissions, sorted.
    pub async fn list_permissions(&mut self, id: UserId) -> Result<Vec<String>, StorageError> {
        let permissions = sqlx::query_scalar!(
            r#"select distinct bundled.permission as "permission!"
               from roles_held held
               join role_permissions bundled on bundled.org_id = held.org_id and bundled.role_id = held.role_id
               where held.org_id = $1 and held.user_id = $2
               order by 1"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(permissions)
    }

    /// Assigns exactly these roles.
    pub async fn replace_roles(
        &mut self,
        id: UserId,
        roles: &[RoleId],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let wanted: Vec<Uuid> = roles.iter().map(|role| role.as_uuid()).collect();
        sqlx::query!(
            "with dropped as (
                 delete from role_assignments where org_id = $1 and user_id = $2 and role_id <> all($3)
             )
             insert into role_assignments (org_id, user_id, role_id, assigned_at)
             select $1, $2, wanted.id, $4 from unnest($3::uuid[]) as wanted (id)
             on conflict do nothing",
            self.org_id,
            id.as_uuid(),
            &wanted,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
