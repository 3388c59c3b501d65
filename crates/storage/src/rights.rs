//! What whoever acts holds at this moment, in the transaction that decides.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ApiKeyId, ClientId, OrgId, SessionId, UserId};
use orgate_domain::setup::LinkMaker;
use orgate_domain::standing::{Began, SsoSubject};

use crate::StorageError;
use crate::api_keys::began;
use crate::delegations::find_standing_since;
use crate::scope::repository;

repository! {
    /// What users and machines hold in the organization.
    Rights,
    /// What users and machines hold in the organization.
    rights
}

/// What somebody holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldRights {
    /// Slugs of their roles; sorted.
    pub roles: Vec<String>,
    /// The permissions that these bundle; sorted.
    pub permissions: Vec<String>,
}

impl Rights<'_> {
    /// What a user holds in a session at this time; `None` unless user, session and organization stand.
    pub async fn find_of_user(
        &mut self,
        user: UserId,
        (session, at): (SessionId, DateTime<Utc>),
    ) -> Result<Option<HeldRights>, StorageError> {
        let found = sqlx::query_as!(
            HeldRights,
            r#"select array(select distinct role.slug from roles_held held
                            join roles role on role.org_id = held.org_id and role.id = held.role_id
                            where held.org_id = member.org_id and held.user_id = member.id
                            order by role.slug) as "roles!",
                      array(select distinct bundled.permission from roles_held held
                            join role_permissions bundled
                                on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                            where held.org_id = member.org_id and held.user_id = member.id
                            order by bundled.permission) as "permissions!"
               from users member
               join sessions session on session.org_id = member.org_id and session.user_id = member.id
               join organizations organization on organization.org_id = member.org_id
               where member.org_id = $1 and member.id = $2 and session.id = $3
                 and member.status = 'active' and session.ended_at is null
                 and (session.ends_by is null or session.ends_by > $4) and organization.status = 'active'"#,
            self.org_id,
            user.as_uuid(),
            session.as_uuid(),
            at,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(found)
    }

    /// What a machine holds; `None` unless it is admitted, and it and the organization stand.
    pub async fn find_of_client(
        &mut self,
        client: (OrgId, ClientId),
    ) -> Result<Option<HeldRights>, StorageError> {
        let found = sqlx::query_as!(
            HeldRights,
            r#"select array(select distinct role.slug from client_roles held
                            join roles role on role.org_id = held.org_id and role.id = held.role_id
                            where held.org_id = $1 and held.client_org_id = $2 and held.client_id = $3
                            order by role.slug) as "roles!",
                      array(select distinct bundled.permission from client_roles held
                            join role_permissions bundled
                                on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                            where held.org_id = $1 and held.client_org_id = $2 and held.client_id = $3
                            order by bundled.permission) as "permissions!"
               from admitted_clients admitted
               join organizations organization on organization.org_id = admitted.org_id
               where admitted.org_id = $1 and admitted.client_org_id = $2 and admitted.client_id = $3
                 and admitted.status = 'active' and organization.status = 'active'"#,
            self.org_id,
            client.0.as_uuid(),
            client.1.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(found)
    }

    /// What the maker of an API key holds at this time, and how they had signed in when they made it; `None` unless the key, its
    /// maker, the client that it was made with and the organization stand.
    pub async fn find_of_key(
        &mut self,
        key: ApiKeyId,
        at: DateTime<Utc>,
    ) -> Result<Option<(HeldRights, Option<Began>)>, StorageError> {
        let row = sqlx::query!(
            r#"select held_roles as "roles!", held_permissions as "permissions!", method, connection_id,
                      connection_state, piloted, break_glass as "break_glass!", domain_verified as "domain_verified!"
               from standing_api_keys where org_id = $1 and id = $2 and expires_at > $3"#,
            self.org_id,
            key.as_uuid(),
            at,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let began = began(
            (row.method, row.connection_id),
            (row.connection_state, row.piloted),
            SsoSubject { of_verified_domain: row.domain_verified, break_glass: row.break_glass },
        )?;
        Ok(Some((HeldRights { roles: row.roles, permissions: row.permissions }, began)))
    }

    /// What whoever vouches since `made_at` for an invitation or a set-up link holds now; nothing, if they are not active, the client is not
    /// admitted any more, or their organization is not let in, or anew.
    pub async fn find_of_maker(
        &mut self,
        (maker, made_at): (LinkMaker, DateTime<Utc>),
    ) -> Result<HeldRights, StorageError> {
        let found = match maker {
            LinkMaker::Delegate(id) => find_standing_since(self.conn, (self.org_id, id), made_at)
                .await?
                .map(|permissions| HeldRights { roles: Vec::new(), permissions: permissions.into_iter().collect() }),
            LinkMaker::Operator => None,
            LinkMaker::User(id) => {
                sqlx::query_as!(
                    HeldRights,
                    r#"select array(select distinct role.slug from roles_held held
                                    join roles role on role.org_id = held.org_id and role.id = held.role_id
                                    where held.org_id = member.org_id and held.user_id = member.id
                                    order by role.slug) as "roles!",
                              array(select distinct bundled.permission from roles_held held
                                    join role_permissions bundled
                                        on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                                    where held.org_id = member.org_id and held.user_id = member.id
                                    order by bundled.permission) as "permissions!"
                       from users member where member.org_id = $1 and member.id = $2 and member.status = 'active'"#,
                    self.org_id,
                    id.as_uuid(),
                )
                .fetch_optional(&mut *self.conn)
                .await?
            }
            LinkMaker::Client(id) => {
                sqlx::query_as!(
                    HeldRights,
                    r#"select array(select distinct role.slug from client_roles held
                                    join roles role on role.org_id = held.org_id and role.id = held.role_id
                                    where held.org_id = admitted.org_id and held.client_org_id = admitted.client_org_id
                                      and held.client_id = admitted.client_id
                                    order by role.slug) as "roles!",
                              array(select distinct bundled.permission from client_roles held
                                    join role_permissions bundled
                                        on bundled.org_id = held.org_id and bundled.role_id = held.role_id
                                    where held.org_id = admitted.org_id and held.client_org_id = admitted.client_org_id
                                      and held.client_id = admitted.client_id
                                    order by bundled.permission) as "permissions!"
                       from admitted_clients admitted
                       where admitted.org_id = $1 and admitted.client_id = $2 and admitted.status = 'active'"#,
                    self.org_id,
                    id.as_uuid(),
                )
                .fetch_optional(&mut *self.conn)
                .await?
            }
        };
        Ok(found.unwrap_or_default())
    }

    /// Whether an owner, an active user with a role of their own that bundles `everything`, could sign in where `bound` users
    /// do so through a connection alone: they are exempt, bound by nothing, or known at an active connection.
    pub async fn is_owner_let_in(
        &mut self,
        everything: &str,
        domains_only: bool,
    ) -> Result<bool, StorageError> {
        let let_in = sqlx::query_scalar!(
            r#"select exists (
                   select from role_permissions bundled
                   join role_assignments assignment
                       on assignment.org_id = bundled.org_id and assignment.role_id = bundled.role_id
                   join users member on member.org_id = assignment.org_id and member.id = assignment.user_id
                   where bundled.org_id = $1 and bundled.permission = $2 and member.status = 'active'
                     and (member.break_glass
                          or ($3 and not exists (
                                  select from domains owned
                                  where owned.org_id = $1 and owned.verified_at is not null
                                    and domain_covers(owned.domain, owned.subdomains,
                                                      split_part(member.email_normalized, '@', 2))))
                          or exists (select from identity_links link
                                     join connections connection
                                         on connection.org_id = link.org_id and connection.id = link.connection_id
                                     where link.org_id = $1 and link.user_id = member.id
                                       and connection.state = 'active'))
               ) as "let_in!""#,
            self.org_id,
            everything,
            domains_only,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(let_in)
    }
}
