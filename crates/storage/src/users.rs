//! Users and the passwords they prove themselves with.

use chrono::{DateTime, Utc};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::names::{DisplayName, ExternalId};
use orgate_domain::standing::UserStatus;

mod assignments;
mod described;
mod erasure;
mod imports;
mod listed;
mod own;
mod particulars;

pub use described::DescribedUser;
pub use imports::BroughtUser;
pub use listed::{ListedUser, UserSearch};
pub use own::OwnRecord;
pub use particulars::EXTERNAL_ID_OF_USER;

use crate::StorageError;
use crate::row::{hash, parsed};
use crate::scope::repository;

repository! {
    /// The organization's users.
    Users,
    /// The organization's users.
    users
}

/// A user about to be made.
#[derive(Debug)]
pub struct NewUser<'a> {
    /// Their id.
    pub id: UserId,
    /// Their address.
    pub email: &'a Email,
    /// Its keyed hash, if it is proven: the entry by which discovery finds this organization.
    pub verified: Option<SecretHash>,
    /// Their name.
    pub name: &'a DisplayName,
    /// When.
    pub at: DateTime<Utc>,
}

/// A stored user.
#[derive(Debug, Clone)]
pub struct StoredUser {
    /// Their id.
    pub id: UserId,
    /// Their address, as written.
    pub email: String,
    /// Whether it is proven.
    pub email_verified: bool,
    /// Their name.
    pub name: String,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// Their password hash, if they have one.
    pub phc: Option<String>,
    /// Whether they are exempt from enforced SSO, with a recovery code.
    pub break_glass: bool,
    /// The slugs of the roles assigned to them directly, in order.
    pub roles: Vec<String>,
}

/// A proven address, as discovery finds it.
#[derive(Debug)]
pub struct IndexedAddress {
    /// Whose it is.
    pub user_id: UserId,
    /// The address.
    pub email: String,
    /// Its keyed hash.
    pub hash: SecretHash,
}

/// What somebody is called elsewhere, as it is stored.
fn external_id(text: Option<String>) -> Result<Option<ExternalId>, StorageError> {
    text.map(|text| parsed(ExternalId::parse(&text).ok(), "users", "external_id")).transpose()
}

impl Users<'_> {
    /// Whether there is such a user.
    pub async fn exists(&mut self, id: UserId) -> Result<bool, StorageError> {
        let exists = sqlx::query_scalar!(
            r#"select exists (select from users where org_id = $1 and id = $2) as "exists!""#,
            self.org_id,
            id.as_uuid(),
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(exists)
    }

    /// Has a change that ends the user's sessions, or everybody's ([`Users::seize`]), wait for this transaction, which is
    /// about to begin one; or waits for that change, which the next statement then sees.
    pub async fn hold(&mut self, id: UserId) -> Result<(), StorageError> {
        // Everybody's first: whoever has it waits for users, and not the other way round.
        sqlx::query!(
            "select pg_advisory_xact_lock_shared(hashtextextended('sessions ' || $1::uuid::text, 0))",
            self.org_id
        )
        .execute(&mut *self.conn)
        .await?;
        sqlx::query!(
            "select id from users where org_id = $1 and id = $2 for key share",
            self.org_id,
            id.as_uuid()
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Waits for whoever is about to begin a session of the user, or of anybody in the organization, and has them wait
    /// for this transaction: whichever is first, no session outlives the change that was to end it. Of everybody, to be
    /// asked before anything that a sign-in waits for is changed; whoever begins no session goes on meanwhile.
    pub async fn seize(&mut self, user: Option<UserId>) -> Result<(), StorageError> {
        match user {
            Some(id) => {
                sqlx::query!(
                    "select id from users where org_id = $1 and id = $2 for update",
                    self.org_id,
                    id.as_uuid(),
                )
                .fetch_optional(&mut *self.conn)
                .await?;
            }
            None => {
                sqlx::query!(
                    "select pg_advisory_xact_lock(hashtextextended('sessions ' || $1::uuid::text, 0))",
                    self.org_id
                )
                .execute(&mut *self.conn)
                .await?;
            }
        }
        Ok(())
    }

    /// Creates a user.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the address is another user's of this organization.
    pub async fn insert(&mut self, new: &NewUser<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into users (org_id, id, email, email_normalized, email_verified, name, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)",
            self.org_id,
            new.id.as_uuid(),
            new.email.as_str(),
            new.email.normalized(),
            new.verified.is_some(),
            new.name.as_str(),
            new.at,
        )
        .execute(&mut *self.conn)
        .await?;
        match &new.verified {
            Some(hash) => self.insert_email_hash(new.id, hash).await,
            None => Ok(()),
        }
    }

    /// Takes the user's address as proven: discovery finds this organization by it from now on.
    pub async fn update_email_verified(
        &mut self,
        id: UserId,
        hash: &SecretHash,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set email_verified = true, updated_at = $3 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        self.insert_email_hash(id, hash).await
    }

    async fn insert_email_hash(&mut self, id: UserId, hash: &SecretHash) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into email_index (org_id, email_hash, user_id) values ($1, $2, $3)",
            self.org_id,
            hash.as_bytes(),
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The proven addresses of users after this one, in order of their ids, at most `limit`.
    pub async fn list_indexed(
        &mut self,
        after: Option<UserId>,
        limit: i64,
    ) -> Result<Vec<IndexedAddress>, StorageError> {
        let rows = sqlx::query!(
            r#"select entry.user_id, entry.email_hash, member.email as "email!"
               from email_index entry
               join users member on member.org_id = entry.org_id and member.id = entry.user_id
               where entry.org_id = $1 and ($2::uuid is null or entry.user_id > $2) and member.email is not null
               order by entry.user_id limit $3"#,
            self.org_id,
            after.map(UserId::as_uuid),
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(IndexedAddress {
                    user_id: UserId::from_uuid(row.user_id),
                    email: row.email,
                    hash: hash(&row.email_hash, "email_index", "email_hash")?,
                })
            })
            .collect()
    }

    /// Keeps hashes of addresses in the place of others: of each, the user, the former and the new one. How many
    /// were still the former.
    pub async fn rehash(
        &mut self,
        changes: &[(UserId, SecretHash, SecretHash)],
    ) -> Result<usize, StorageError> {
        let users: Vec<_> = changes.iter().map(|(user, ..)| user.as_uuid()).collect();
        let former: Vec<_> = changes.iter().map(|(_, former, _)| former.as_bytes().to_vec()).collect();
        let hashes: Vec<_> = changes.iter().map(|(.., hash)| hash.as_bytes().to_vec()).collect();
        let done = sqlx::query!(
            "with dropped as (
                 delete from email_index entry
                 using unnest($2::uuid[], $3::bytea[], $4::bytea[]) as change (user_id, former, hash)
                 where entry.org_id = $1 and entry.user_id = change.user_id and entry.email_hash = change.former
                 returning change.user_id, change.hash
             )
             insert into email_index (org_id, email_hash, user_id)
             select $1, dropped.hash, dropped.user_id from dropped",
            self.org_id,
            &users,
            &former,
            &hashes,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
    }

    /// The user with this address.
    pub async fn find_by_email(&mut self, email: &Email) -> Result<Option<StoredUser>, StorageError> {
        let row = sqlx::query!(
            r#"select member.id, member.email as "email!", member.email_verified, member.name, member.status,
                      member.break_glass, member.external_id, password.phc as "phc?",
                      array(select role.slug from role_assignments assignment
                            join roles role on role.org_id = assignment.org_id and role.id = assignment.role_id
                            where assignment.org_id = member.org_id and assignment.user_id = member.id
                            order by role.slug) as "roles!"
               from users member
               left join password_credentials password
                    on password.org_id = member.org_id and password.user_id = member.id
               where member.org_id = $1 and member.email_normalized = $2"#,
            self.org_id,
            email.normalized(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| {
            Ok(StoredUser {
                id: UserId::from_uuid(row.id),
                email: row.email,
                email_verified: row.email_verified,
                name: row.name,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
                external_id: external_id(row.external_id)?,
                phc: row.phc,
                break_glass: row.break_glass,
                roles: row.roles,
            })
        })
        .transpose()
    }

    /// Changes the name, and the status, if there is to be another.
    pub async fn update(
        &mut self,
        id: UserId,
        name: &DisplayName,
        status: Option<UserStatus>,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set name = $3, status = coalesce($4, status), updated_at = $5 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            name.as_str(),
            status.map(UserStatus::as_str),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Exempts the user from enforced SSO, with a recovery code, or no longer does; then their codes
    /// are worth nothing.
    pub async fn update_break_glass(
        &mut self,
        id: UserId,
        break_glass: bool,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set break_glass = $3, updated_at = $4 where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            break_glass,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Sets the user's password: to an Argon2id PHC string, or to what another system hashed it to, until they sign in.
    pub async fn save_password(
        &mut self,
        id: UserId,
        phc: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into password_credentials (org_id, user_id, phc, updated_at) values ($1, $2, $3, $4)
             on conflict (org_id, user_id) do update
                 set phc = excluded.phc, updated_at = excluded.updated_at
                 where password_credentials.org_id = excluded.org_id",
            self.org_id,
            id.as_uuid(),
            phc,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
