//! Events of the audit log that streams have not been given yet, and whom they are about.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ConnectionId, EventId, SessionId, UserId};
use serde_json::Value;

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// What the organization's streams have not been given yet.
    Signals,
    /// What the organization's streams have not been given yet.
    signals
}

/// An event of the log, as streams look at it.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Its place among those that wait.
    pub position: i64,
    /// What happened; `None` if the log has no such event.
    pub event: Option<SignalledEvent>,
    /// The last user of whom it was told, if it is told of several in several transactions.
    pub told_to: Option<UserId>,
}

/// What happened.
#[derive(Debug, Clone)]
pub struct SignalledEvent {
    /// Its id.
    pub id: EventId,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// What.
    pub action: String,
    /// Why.
    pub reason: Option<String>,
    /// What kind of actor did it.
    pub actor_kind: String,
    /// Whom it is about.
    pub user: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// More about it.
    pub detail: Value,
}

/// Whose tokens say something else now.
#[derive(Debug, Clone, Copy)]
pub enum Affected<'a> {
    /// Those who have something by a connection.
    Connection(ConnectionId),
    /// The members of a group, by its slug.
    Group(&'a str),
    /// Those who hold a role, by its slug.
    Role(&'a str),
    /// One user.
    User(UserId),
}

/// What tokens say of a user who is signed in.
#[derive(Debug, Clone)]
pub struct SignedInUser {
    /// The user.
    pub id: UserId,
    /// Their name.
    pub name: String,
    /// Whether their address is proven.
    pub email_verified: bool,
    /// Their roles.
    pub roles: Vec<String>,
    /// What these permit.
    pub permissions: Vec<String>,
}

impl Signals<'_> {
    /// The first that wait, in the order in which they were written.
    pub async fn list(&mut self, limit: i64) -> Result<Vec<Signal>, StorageError> {
        let rows = sqlx::query!(
            r#"select signal.position, event.id as "id?", event.occurred_at as "occurred_at?", event.action as "action?",
                      event.reason, event.actor_kind as "actor_kind?", event.user_id, event.session_id,
                      event.detail as "detail?", signal.told_to
               from signals signal
               left join audit_events event
                   on event.org_id = signal.org_id and event.occurred_at = signal.occurred_at
                  and event.id = signal.audit_event
               where signal.org_id = $1 order by signal.position limit $2"#,
            self.org_id,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let signals = rows.into_iter().map(|row| {
            let event = match (row.id, row.occurred_at, row.action, row.actor_kind) {
                (Some(id), Some(occurred_at), Some(action), Some(actor_kind)) => Some(SignalledEvent {
                    id: EventId::from_uuid(id),
                    occurred_at,
                    action,
                    reason: row.reason,
                    actor_kind,
                    user: row.user_id.map(UserId::from_uuid),
                    session: row.session_id.map(SessionId::from_uuid),
                    detail: row.detail.unwrap_or_default(),
                }),
                _ => None,
            };
            Signal { position: row.position, event, told_to: row.told_to.map(UserId::from_uuid) }
        });
        Ok(signals.collect())
    }

    /// Removes those that the streams were given.
    pub async fn delete(&mut self, positions: &[i64]) -> Result<(), StorageError> {
        sqlx::query!("delete from signals where org_id = $1 and position = any($2)", self.org_id, positions,)
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Of one that is told of further users later: the last of whom it was.
    pub async fn update_told_to(&mut self, position: i64, told_to: UserId) -> Result<(), StorageError> {
        sqlx::query!(
            "update signals set told_to = $3 where org_id = $1 and position = $2",
            self.org_id,
            position,
            told_to.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The affected who have a session that is good for something at `now`, by id: those after `after`, at most `limit`.
    /// Of a connection, also those whom it lets in no more: they have lost what it gave.
    pub async fn list_affected(
        &mut self,
        affected: Affected<'_>,
        (after, now): (Option<UserId>, DateTime<Utc>),
        limit: i64,
    ) -> Result<Vec<UserId>, StorageError> {
        let (connection, group, role) = match affected {
            Affected::Connection(id) => (Some(id.as_uuid()), None, None),
            Affected::Group(slug) => (None, Some(slug), None),
            Affected::Role(slug) => (None, None, Some(slug)),
            Affected::User(user) => return Ok(vec![user]),
        };
        // What a group or a role is called is looked up first: its id reaches into the views, a join would not.
        let ids = sqlx::query_scalar!(
            r#"select affected.user_id as "user_id!"
               from (select user_id from mapped_roles where org_id = $1 and connection_id = $2
                     union
                     select user_id from mapped_groups where org_id = $1 and connection_id = $2
                     union
                     select user_id from memberships
                     where org_id = $1
                       and group_id = (select id from groups where groups.org_id = $1 and groups.slug = $3)
                     union
                     select user_id from roles_held
                     where org_id = $1
                       and role_id = (select id from roles where roles.org_id = $1 and roles.slug = $4)) affected
               where ($5::uuid is null or affected.user_id > $5)
                 and exists (select from open_sessions session
                             where session.org_id = $1 and session.user_id = affected.user_id
                               and session.good_until > $6)
               order by affected.user_id limit $7"#,
            self.org_id,
            connection,
            group,
            role,
            after.map(UserId::as_uuid),
            now,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(ids.into_iter().map(UserId::from_uuid).collect())
    }

    /// Those of these users who have a session that is good for something at `now`, with what tokens say of them.
    pub async fn list_signed_in(
        &mut self,
        users: &[UserId],
        now: DateTime<Utc>,
    ) -> Result<Vec<SignedInUser>, StorageError> {
        let ids: Vec<_> = users.iter().map(|user| user.as_uuid()).collect();
        // Of each, one session's standing says it: what they hold is the same in all.
        let rows = sqlx::query!(
            r#"select standing.user_id as "user_id!", standing.name as "name!",
                      standing.email_verified as "email_verified!", standing.roles as "roles!",
                      standing.permissions as "permissions!"
               from unnest($2::uuid[]) as asked (user_id)
               cross join lateral (
                   select session.session_id from open_sessions session
                   where session.org_id = $1 and session.user_id = asked.user_id and session.good_until > $3
                   limit 1) any_of
               join standings standing on standing.org_id = $1 and standing.session_id = any_of.session_id
               order by standing.user_id"#,
            self.org_id,
            &ids,
            now,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let users = rows.into_iter().map(|row| SignedInUser {
            id: UserId::from_uuid(row.user_id),
            name: row.name,
            email_verified: row.email_verified,
            roles: row.roles,
            permissions: row.permissions,
        });
        Ok(users.collect())
    }

    /// The addresses of these users, in one spelling.
    pub async fn list_addresses(&mut self, users: &[UserId]) -> Result<Vec<(UserId, String)>, StorageError> {
        let ids: Vec<_> = users.iter().map(|user| user.as_uuid()).collect();
        let rows = sqlx::query!(
            r#"select id, email_normalized as "email_normalized!" from users
               where org_id = $1 and id = any($2) and email_normalized is not null"#,
            self.org_id,
            &ids,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| (UserId::from_uuid(row.id), row.email_normalized)).collect())
    }
}
