//! Events of the audit log that streams have not been given yet, and whom they are about.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{EventId, SessionId, UserId};
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
                      event.detail as "detail?"
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
            Signal { position: row.position, event }
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

    /// Those of the affected who have a session, with what tokens say of them now.
    pub async fn list_signed_in(
        &mut self,
        affected: Affected<'_>,
        (now, limit): (DateTime<Utc>, i64),
    ) -> Result<Vec<SignedInUser>, StorageError> {
        let (user, role, group) = match affected {
            Affected::User(user) => (Some(user.as_uuid()), None, None),
            Affected::Role(slug) => (None, Some(slug), None),
            Affected::Group(slug) => (None, None, Some(slug)),
        };
        let rows = sqlx::query!(
            r#"select distinct on (standing.user_id) standing.user_id as "user_id!", standing.name as "name!",
                      standing.email_verified as "email_verified!", standing.roles as "roles!",
                      standing.permissions as "permissions!"
               from standings standing
               where standing.org_id = $1 and standing.ended_at is null and standing.expires_at > $2
                 and (standing.user_id = $3
                      or $4 = any(standing.roles)
                      or standing.user_id in (
                          select membership.user_id from group_members membership
                          join groups grouping on grouping.org_id = membership.org_id and grouping.id = membership.group_id
                          where membership.org_id = $1 and grouping.slug = $5
                          union
                          select mapped.user_id from mapped_groups mapped
                          join groups grouping on grouping.org_id = mapped.org_id and grouping.id = mapped.group_id
                          where mapped.org_id = $1 and grouping.slug = $5))
               order by standing.user_id
               limit $6"#,
            self.org_id,
            now,
            user,
            role,
            group,
            limit,
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
}
