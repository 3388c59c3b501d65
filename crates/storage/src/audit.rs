//! Audit events. Inserted in the transaction of the change they tell of: if the event cannot be
//! written, the change does not happen.

use orgate_domain::audit::Event;
use serde_json::{Map, Value};

use crate::StorageError;
use crate::scope::repository;

repository! {
    /// The organization's audit log: insert and select, nothing else.
    AuditEvents,
    /// The organization's audit log.
    audit
}

/// The columns of an event that have no type of their own in SQL.
pub(crate) fn detail(event: &Event) -> Value {
    let members = event.detail.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    Value::Object(members.collect::<Map<_, _>>())
}

impl AuditEvents<'_> {
    /// Writes one event.
    pub async fn insert(&mut self, event: &Event) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into audit_events
                 (org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id,
                  client_org_id, client_id, address, user_agent, request_id, detail)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            self.org_id,
            event.occurred_at,
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.reason,
            event.actor.kind(),
            event.actor.id(),
            event.user_id.map(orgate_domain::ids::UserId::as_uuid),
            event.session_id.map(orgate_domain::ids::SessionId::as_uuid),
            event.client.map(|(owner, _)| owner.as_uuid()),
            event.client.map(|(_, client)| client.as_uuid()),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
