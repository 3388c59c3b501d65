//! Who a user is at an identity provider, and what its word gives them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::connections::{Attributes, ConnectionState};
use orgate_domain::email::Email;
use orgate_domain::ids::{ConnectionId, UserId};
use orgate_domain::names::DisplayName;
use orgate_domain::standing::UserStatus;
use sqlx::types::Json;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's identity links.
    Identities,
    /// The organization's identity links.
    identities
}

/// Who somebody is at an identity provider. A subject is unique there, and nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct IdentityKey<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// The provider that the connection leads to: its issuer, or its entity id.
    pub provider: &'a str,
    /// Who they are there.
    pub subject: &'a str,
}

/// A user as a sign-in through a connection finds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FederatedUser {
    /// Their id.
    pub id: UserId,
    /// Their address as it is compared, if they have one of their own.
    pub email_normalized: Option<String>,
    /// Their name.
    pub name: String,
    /// Whether they may sign in.
    pub status: UserStatus,
    /// Slugs of the roles and groups that the connection gives them already, where it was asked for.
    pub mapped: Option<(BTreeSet<String>, BTreeSet<String>)>,
}

/// A user made by their first sign-in through a connection.
#[derive(Debug)]
pub struct NewFederatedUser<'a> {
    /// Their id.
    pub id: UserId,
    /// Their address, with its keyed hash, if it is their own.
    pub email: Option<(&'a Email, orgate_domain::credentials::SecretHash)>,
    /// Their name.
    pub name: &'a DisplayName,
    /// When.
    pub at: DateTime<Utc>,
}

/// Of whom [`Identities::list_at_risk`] is asked.
#[derive(Debug, Clone, Copy)]
pub struct RiskQuestion<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// The provider that it is to lead to.
    pub provider: &'a str,
    /// Everybody, or else those with an address of a domain that the organization has verified.
    pub everybody: bool,
    /// Only those whom its pilot lists get in.
    pub pilot: bool,
    /// How many are listed.
    pub limit: i64,
}

/// A user whom a connection might not let in, if it were the only way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtRisk {
    /// Their id.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Their address, if they have one of their own.
    pub email: Option<String>,
    /// Whether the connection knows them.
    pub linked: bool,
    /// Whether the connection serves the domain of their address.
    pub served: bool,
    /// Whether its pilot lists them.
    pub piloted: bool,
}

/// A connection by which a user signs in, or could.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnConnection {
    /// Its id.
    pub id: ConnectionId,
    /// Its name on the sign-in page.
    pub name: String,
    /// Where it is in its life.
    pub state: ConnectionState,
    /// The identity of theirs that it knows, if it knows one.
    pub link: Option<OwnIdentity>,
}

/// An identity of a user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnIdentity {
    /// The address that they have there, as was said last.
    pub asserted_email: Option<String>,
    /// Since when it is theirs.
    pub linked_at: DateTime<Utc>,
    /// When they last signed in by it.
    pub last_used_at: DateTime<Utc>,
}

/// Connections that somebody is told of at most.
const MAX_OWN: i64 = 100;

impl Identities<'_> {
    /// The connections that know a user, and those that are open to everybody, in the order of the sign-in page.
    pub async fn list_own(&mut self, user: UserId) -> Result<Vec<OwnConnection>, StorageError> {
        let rows = sqlx::query!(
            r#"select connection.id, connection.name, connection.state, link.asserted_email,
                      link.linked_at as "linked_at?", link.last_used_at as "last_used_at?"
               from connections connection
               left join identity_links link
                    on link.org_id = connection.org_id and link.connection_id = connection.id and link.user_id = $2
               where connection.org_id = $1 and (link.user_id is not null or connection.state = 'active')
               order by connection.position, connection.name, connection.id, link.linked_at
               limit $3"#,
            self.org_id,
            user.as_uuid(),
            MAX_OWN,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let connections = rows.into_iter().map(|row| {
            let (asserted_email, times) = (row.asserted_email, row.linked_at.zip(row.last_used_at));
            Ok(OwnConnection {
                id: ConnectionId::from_uuid(row.id),
                name: row.name,
                state: parsed(ConnectionState::from_text(&row.state), "connections", "state")?,
                link: times.map(|(linked_at, last_used_at)| OwnIdentity {
                    asserted_email,
                    linked_at,
                    last_used_at,
                }),
            })
        });
        connections.collect()
    }

    /// Active users whom the connection does not know yet, or whom its pilot leaves out, and whom no other
    /// open connection knows: the first ones by name, and how many there are. Break-glass users have
    /// another way. Domains are looked at once, not for each user, and users once to be counted and once to be listed: what keeps
    /// all of them for both writes to the disk, of a hundred thousand.
    pub async fn list_at_risk(
        &mut self,
        question: &RiskQuestion<'_>,
    ) -> Result<(Vec<AtRisk>, i64), StorageError> {
        let rows = sqlx::query!(
            r#"with judged as not materialized (
                   select member.id, member.name, member.email,
                          exists (select from identity_links link
                                  where link.org_id = member.org_id and link.user_id = member.id
                                    and link.connection_id = $2 and link.provider = $6) as linked,
                          split_part(member.email_normalized, '@', 2) = any (array(
                              select owned.domain from connection_domains serves join domains owned on owned.org_id = serves.org_id and owned.id = serves.domain_id
                              where serves.org_id = $1 and serves.connection_id = $2 and owned.verified_at is not null))
                          or split_part(member.email_normalized, '@', 2) like any (array(
                              select '%.' || owned.domain from connection_domains serves join domains owned on owned.org_id = serves.org_id and owned.id = serves.domain_id
                              where serves.org_id = $1 and serves.connection_id = $2 and owned.verified_at is not null and owned.subdomains)) as served,
                          exists (select from connection_pilots pilot
                                  where pilot.org_id = member.org_id and pilot.connection_id = $2
                                    and pilot.email_normalized = member.email_normalized) as piloted
                   from users member
                   where member.org_id = $1 and member.status = 'active' and not member.break_glass
                     and ($3 or split_part(member.email_normalized, '@', 2) = any (array(
                              select owned.domain from domains owned where owned.org_id = $1 and owned.verified_at is not null))
                          or split_part(member.email_normalized, '@', 2) like any (array(
                              select '%.' || owned.domain from domains owned where owned.org_id = $1 and owned.verified_at is not null and owned.subdomains)))
                     and not exists (select from identity_links link
                                     join connections other on other.org_id = link.org_id and other.id = link.connection_id
                                     join connection_versions live on live.org_id = other.org_id and live.connection_id = other.id
                                                                   and live.version = other.live_version
                                     where link.org_id = member.org_id and link.user_id = member.id
                                       and link.connection_id <> $2 and other.state = 'active'
                                       and link.provider in (live.settings #>> '{provider,oidc,issuer}',
                                                             live.settings #>> '{provider,saml,entity_id}'))
               ), risky as not materialized (
                   select judged.id, judged.name, judged.email, judged.linked, coalesce(judged.served, false) as served, judged.piloted
                   from judged where not judged.linked or ($4 and not judged.piloted)
               )
               select risky.id as "id!", risky.name as "name!", risky.email, risky.linked as "linked!", risky.served as "served!",
                      risky.piloted as "piloted!", (select count(*) from risky) as "total!"
               from risky
               order by risky.served, risky.name, risky.id
               limit $5"#,
            self.org_id,
            question.connection.as_uuid(),
            question.everybody,
            question.pilot,
            question.limit,
            question.provider,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let total = rows.first().map_or(0, |row| row.total);
        let users = rows.into_iter().map(|row| AtRisk {
            id: UserId::from_uuid(row.id),
            name: row.name,
            email: row.email,
            linked: row.linked,
            served: row.served,
            piloted: row.piloted,
        });
        Ok((users.collect(), total))
    }

    /// The user that an identity is bound to.
    pub async fn find_user(&mut self, key: IdentityKey<'_>) -> Result<Option<FederatedUser>, StorageError> {
        let row = sqlx::query!(
            r#"select member.id, member.email_normalized, member.name, member.status,
                      array(select role.slug from mapped_roles mapped
                            join roles role on role.org_id = mapped.org_id and role.id = mapped.role_id
                            where mapped.org_id = link.org_id and mapped.user_id = link.user_id
                              and mapped.connection_id = link.connection_id) as "roles!",
                      array(select wanted.slug from mapped_groups mapped
                            join groups wanted on wanted.org_id = mapped.org_id and wanted.id = mapped.group_id
                            where mapped.org_id = link.org_id and mapped.user_id = link.user_id
                              and mapped.connection_id = link.connection_id) as "groups!"
               from identity_links link
               join users member on member.org_id = link.org_id and member.id = link.user_id
               where link.org_id = $1 and link.connection_id = $2 and link.subject = $3 and link.provider = $4"#,
            self.org_id,
            key.connection.as_uuid(),
            key.subject,
            key.provider,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| {
            Ok(FederatedUser {
                id: UserId::from_uuid(row.id),
                email_normalized: row.email_normalized,
                name: row.name,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
                mapped: Some((row.roles.into_iter().collect(), row.groups.into_iter().collect())),
            })
        })
        .transpose()
    }

    /// The user whose own address this is.
    pub async fn find_user_by_email(&mut self, email: &Email) -> Result<Option<FederatedUser>, StorageError> {
        let row = sqlx::query!(
            "select id, email_normalized, name, status from users where org_id = $1 and email_normalized = $2",
            self.org_id,
            email.normalized(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(|row| {
            Ok(FederatedUser {
                id: UserId::from_uuid(row.id),
                email_normalized: row.email_normalized,
                name: row.name,
                status: parsed(UserStatus::from_text(&row.status), "users", "status")?,
                mapped: None,
            })
        })
        .transpose()
    }

    /// Whether the provider of a connection knows the user under some subject.
    pub async fn is_linked(
        &mut self,
        user_id: UserId,
        (connection, provider): (ConnectionId, &str),
    ) -> Result<bool, StorageError> {
        Ok(sqlx::query_scalar!(
            r#"select exists (select from identity_links
                              where org_id = $1 and user_id = $2 and connection_id = $3
                                and provider = $4) as "linked!""#,
            self.org_id,
            user_id.as_uuid(),
            connection.as_uuid(),
            provider,
        )
        .fetch_one(&mut *self.conn)
        .await?)
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] if the address is another user's of this organization.
    pub async fn insert_user(&mut self, new: &NewFederatedUser<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into users (org_id, id, email, email_normalized, email_verified, name, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)",
            self.org_id,
            new.id.as_uuid(),
            new.email.as_ref().map(|(email, _)| email.as_str()),
            new.email.as_ref().map(|(email, _)| email.normalized()),
            new.email.is_some(),
            new.name.as_str(),
            new.at,
        )
        .execute(&mut *self.conn)
        .await?;
        let Some((_, hash)) = &new.email else { return Ok(()) };
        sqlx::query!(
            "insert into email_index (org_id, email_hash, user_id) values ($1, $2, $3)",
            self.org_id,
            hash.as_bytes(),
            new.id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Takes over the name that the identity provider gives.
    pub async fn update_name(
        &mut self,
        id: UserId,
        name: &DisplayName,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update users set name = $3, updated_at = $4 where org_id = $1 and id = $2 and name <> $3",
            self.org_id,
            id.as_uuid(),
            name.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Binds an identity to a user, or says that it was used again, what it asserts now and what is kept of that. `false`,
    /// with nothing done, if it is bound to another user.
    pub async fn save_link(
        &mut self,
        key: IdentityKey<'_>,
        user_id: UserId,
        (asserted_email, kept): (Option<&str>, &Attributes),
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "insert into identity_links
                 (org_id, connection_id, subject, user_id, asserted_email, linked_at, last_used_at, provider, attributes)
             values ($1, $2, $3, $4, $5, $6, $6, $7, $8)
             on conflict (org_id, connection_id, provider, subject) do update
                 set asserted_email = excluded.asserted_email, last_used_at = excluded.last_used_at,
                     attributes = excluded.attributes
                 where identity_links.org_id = excluded.org_id and identity_links.user_id = excluded.user_id",
            self.org_id,
            key.connection.as_uuid(),
            key.subject,
            user_id.as_uuid(),
            asserted_email,
            at,
            key.provider,
            Json(kept) as _,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Gives a user exactly these roles and groups by this connection; slugs that name nothing are
    /// passed over. What was given by hand is not touched.
    pub async fn replace_mapped(
        &mut self,
        (connection, user_id): (ConnectionId, UserId),
        roles: &BTreeSet<String>,
        groups: &BTreeSet<String>,
    ) -> Result<(), StorageError> {
        let roles: Vec<String> = roles.iter().cloned().collect();
        let groups: Vec<String> = groups.iter().cloned().collect();
        sqlx::query!(
            "with wanted_role as (
                 select role.id from roles role where role.org_id = $1 and role.slug = any($4)
             ), wanted_group as (
                 select wanted.id from groups wanted where wanted.org_id = $1 and wanted.slug = any($5)
             ), dropped_role as (
                 delete from mapped_roles where org_id = $1 and user_id = $2 and connection_id = $3
                   and role_id not in (select wanted_role.id from wanted_role)
             ), dropped_group as (
                 delete from mapped_groups where org_id = $1 and user_id = $2 and connection_id = $3
                   and group_id not in (select wanted_group.id from wanted_group)
             ), added_role as (
                 insert into mapped_roles (org_id, user_id, connection_id, role_id)
                 select $1, $2, $3, wanted_role.id from wanted_role on conflict do nothing
             )
             insert into mapped_groups (org_id, user_id, connection_id, group_id)
             select $1, $2, $3, wanted_group.id from wanted_group on conflict do nothing",
            self.org_id,
            user_id.as_uuid(),
            connection.as_uuid(),
            &roles,
            &groups,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
