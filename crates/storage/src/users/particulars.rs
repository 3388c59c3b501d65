//! What a user is called and reached by, where somebody changes it.

use chrono::{DateTime, Utc};
use orgate_domain::email::Email;
use orgate_domain::ids::{SessionId, UserId};
use orgate_domain::names::ExternalId;

use super::Users;
use crate::StorageError;

/// The constraint that one external id is one user's.
pub const EXTERNAL_ID_OF_USER: &str = "users_external_id_key";

impl Users<'_> {
    /// Gives the user another address. Nobody has proven it, unless it is the former one in another spelling: discovery finds
    /// the organization neither by it nor by the former one.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the address is another user's of this organization.
    pub async fn update_email(
        &mut self,
        id: UserId,
        email: &Email,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "with dropped as (
                 delete from email_index entry
                 using users member
                 where entry.org_id = $1 and entry.user_id = $2 and member.org_id = $1 and member.id = $2
                   and member.email_normalized is distinct from $4
             )
             update users
             set email = $3, email_normalized = $4, updated_at = $5,
                 email_verified = email_verified and email_normalized is not distinct from $4
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            email.as_str(),
            email.normalized(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Keeps the user's language.
    pub async fn update_locale(
        &mut self,
        id: UserId,
        locale: Option<&str>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set locale = $3, updated_at = $4 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            locale,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Keeps what the user is called in a system of the organization's own.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if another user of this organization is called so.
    pub async fn update_external_id(
        &mut self,
        id: UserId,
        external_id: Option<&ExternalId>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set external_id = $3, updated_at = $4 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            external_id.map(ExternalId::as_str),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The user's sessions that are good for something at `now`, and that began through a connection whose pilot does not list
    /// the user's address.
    pub async fn list_shut_out(
        &mut self,
        id: UserId,
        now: DateTime<Utc>,
    ) -> Result<Vec<SessionId>, StorageError> {
        let ids = sqlx::query_scalar!(
            r#"select session.session_id as "id!"
               from open_sessions session
               where session.org_id = $1 and session.user_id = $2 and session.connection_id is not null
                 and session.good_until > $3
                 and not exists (select from connection_users let_in
                                 where let_in.org_id = $1 and let_in.connection_id = session.connection_id
                                   and let_in.user_id = $2)"#,
            self.org_id,
            id.as_uuid(),
            now,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(SessionId::from_uuid).collect())
    }

    /// Slugs of the roles that are the user's, however they came by them; sorted.
    pub async fn list_roles_held(&mut self, id: UserId) -> Result<Vec<String>, StorageError> {
        let slugs = sqlx::query_scalar!(
            r#"select distinct role.slug as "slug!"
               from roles_held held
               join roles role on role.org_id = held.org_id and role.id = held.role_id
               where held.org_id = $1 and held.user_id = $2
               order by 1"#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(slugs)
    }
}
