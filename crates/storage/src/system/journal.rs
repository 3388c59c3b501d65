//! Events of many organizations, in one statement.

use orgate_domain::audit::Event;
use orgate_domain::ids::{OrgId, SessionId, UserId};
use serde_json::Value;

use super::{SystemReason, crossing};
use crate::audit::detail;
use crate::pool::ask;
use crate::{StorageError, Store};

impl Store {
    /// Writes events, each to its organization's log; all of them or none. Its role may do nothing else.
    pub async fn journal(&self, events: &[(OrgId, Event)]) -> Result<(), StorageError> {
        let of = |column: fn(&(OrgId, Event)) -> Option<String>| -> Vec<Option<String>> {
            events.iter().map(column).collect()
        };
        let ids = |column: fn(&Event) -> Option<uuid::Uuid>| -> Vec<Option<uuid::Uuid>> {
            events.iter().map(|(_, event)| column(event)).collect()
        };
        let orgs: Vec<_> = events.iter().map(|(org_id, _)| org_id.as_uuid()).collect();
        let times: Vec<_> = events.iter().map(|(_, event)| event.occurred_at).collect();
        let details: Vec<Value> = events.iter().map(|(_, event)| detail(event)).collect();
        let addresses: Vec<Option<ipnet::IpNet>> =
            events.iter().map(|(_, event)| event.origin.address.map(ipnet::IpNet::from)).collect();
        crossing(SystemReason::Journal);
        let statement = sqlx::query!(
            "insert into audit_events
                 (org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id,
                  client_org_id, client_id, address, user_agent, request_id, detail)
             select * from unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::text[], $5::text[], $6::text[],
                                  $7::text[], $8::text[], $9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[],
                                  $13::inet[], $14::text[], $15::text[], $16::jsonb[])",
            &orgs,
            &times,
            &ids(|event| Some(event.id.as_uuid())) as &[Option<uuid::Uuid>],
            &of(|(_, event)| Some(event.action.as_str().to_owned())) as &[Option<String>],
            &of(|(_, event)| Some(event.outcome.as_str().to_owned())) as &[Option<String>],
            &of(|(_, event)| event.reason.map(str::to_owned)) as &[Option<String>],
            &of(|(_, event)| Some(event.actor.kind().to_owned())) as &[Option<String>],
            &of(|(_, event)| event.actor.id()) as &[Option<String>],
            &ids(|event| event.user_id.map(UserId::as_uuid)) as &[Option<uuid::Uuid>],
            &ids(|event| event.session_id.map(SessionId::as_uuid)) as &[Option<uuid::Uuid>],
            &ids(|event| event.client.map(|(owner, _)| owner.as_uuid())) as &[Option<uuid::Uuid>],
            &ids(|event| event.client.map(|(_, client)| client.as_uuid())) as &[Option<uuid::Uuid>],
            &addresses as &[Option<ipnet::IpNet>],
            &of(|(_, event)| event.origin.user_agent.clone()) as &[Option<String>],
            &of(|(_, event)| event.origin.request_id.clone()) as &[Option<String>],
            &details,
        );
        ask(&self.journal, async |connection| statement.execute(connection).await).await?;
        Ok(())
    }
}
