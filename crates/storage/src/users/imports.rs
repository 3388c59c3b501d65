//! Users that come many at once, from another system.

use chrono::{DateTime, Utc};
use orgate_domain::connections::Attributes;
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{GroupId, RoleId, UserId};
use orgate_domain::names::DisplayName;
use orgate_domain::standing::UserStatus;
use sqlx::types::Json;
use uuid::Uuid;

use super::Users;
use crate::StorageError;

/// A user about to be made, with all that another system knew of them.
#[derive(Debug)]
pub struct BroughtUser<'a> {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: &'a Email,
    /// Its keyed hash, if it is proven.
    pub verified: Option<SecretHash>,
    /// Their name.
    pub name: &'a DisplayName,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What is kept about them.
    pub attributes: &'a Attributes,
    /// The hash of their password, as far as they have one.
    pub phc: Option<&'a str>,
    /// The roles assigned to them.
    pub roles: Vec<RoleId>,
    /// The groups that they are in.
    pub groups: Vec<GroupId>,
}

impl Users<'_> {
    /// Of these addresses, normalized, those that users of the organization have.
    pub async fn list_taken(&mut self, emails: &[String]) -> Result<Vec<String>, StorageError> {
        let taken = sqlx::query_scalar!(
            r#"select email_normalized as "email!" from users where org_id = $1 and email_normalized = any($2)"#,
            self.org_id,
            emails,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(taken)
    }

    /// Makes users, in as many statements as there are kinds of things about them.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if an address is another user's of this organization.
    pub async fn insert_all(
        &mut self,
        users: &[BroughtUser<'_>],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let ids: Vec<Uuid> = users.iter().map(|user| user.id.as_uuid()).collect();
        let emails: Vec<String> = users.iter().map(|user| user.email.as_str().to_owned()).collect();
        let normalized: Vec<String> = users.iter().map(|user| user.email.normalized().to_owned()).collect();
        let verified: Vec<bool> = users.iter().map(|user| user.verified.is_some()).collect();
        let names: Vec<String> = users.iter().map(|user| user.name.as_str().to_owned()).collect();
        let statuses: Vec<String> = users.iter().map(|user| user.status.as_str().to_owned()).collect();
        let attributes: Vec<_> = users.iter().map(|user| Json(user.attributes)).collect();
        sqlx::query!(
            "insert into users (org_id, id, email, email_normalized, email_verified, name, status, attributes,
                                created_at, updated_at)
             select $1, brought.id, brought.email, brought.normalized, brought.verified, brought.name, brought.status,
                    brought.attributes, $9, $9
             from unnest($2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::jsonb[])
                  as brought (id, email, normalized, verified, name, status, attributes)",
            self.org_id,
            &ids,
            &emails,
            &normalized,
            &verified,
            &names,
            &statuses,
            &attributes as _,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        self.insert_proofs(users, at).await?;
        self.insert_rights(users, at).await
    }

    async fn insert_proofs(
        &mut self,
        users: &[BroughtUser<'_>],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let proven = users.iter().filter_map(|user| Some((user.id.as_uuid(), user.verified.as_ref()?)));
        let (proven, hashes): (Vec<Uuid>, Vec<Vec<u8>>) =
            proven.map(|(id, hash)| (id, hash.as_bytes().to_vec())).unzip();
        sqlx::query!(
            "insert into email_index (org_id, email_hash, user_id)
             select $1, proven.hash, proven.id from unnest($2::uuid[], $3::bytea[]) as proven (id, hash)",
            self.org_id,
            &proven,
            &hashes,
        )
        .execute(&mut *self.conn)
        .await?;
        let with_password = users.iter().filter_map(|user| Some((user.id.as_uuid(), user.phc?.to_owned())));
        let (ids, hashes): (Vec<Uuid>, Vec<String>) = with_password.unzip();
        sqlx::query!(
            "insert into password_credentials (org_id, user_id, phc, updated_at)
             select $1, known.id, known.phc, $4 from unnest($2::uuid[], $3::text[]) as known (id, phc)",
            self.org_id,
            &ids,
            &hashes,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    async fn insert_rights(
        &mut self,
        users: &[BroughtUser<'_>],
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let assigned =
            users.iter().flat_map(|user| user.roles.iter().map(|role| (user.id.as_uuid(), role.as_uuid())));
        let (ids, roles): (Vec<Uuid>, Vec<Uuid>) = assigned.unzip();
        sqlx::query!(
            "insert into role_assignments (org_id, user_id, role_id, assigned_at)
             select $1, given.id, given.role, $4 from unnest($2::uuid[], $3::uuid[]) as given (id, role)",
            self.org_id,
            &ids,
            &roles,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        let joined = users
            .iter()
            .flat_map(|user| user.groups.iter().map(|group| (user.id.as_uuid(), group.as_uuid())));
        let (ids, groups): (Vec<Uuid>, Vec<Uuid>) = joined.unzip();
        sqlx::query!(
            "insert into group_members (org_id, group_id, user_id)
             select $1, inside.grouping, inside.id from unnest($2::uuid[], $3::uuid[]) as inside (id, grouping)",
            self.org_id,
            &ids,
            &groups,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
