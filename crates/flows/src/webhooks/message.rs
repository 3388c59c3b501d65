//! What a webhook says of an event: the same as the API does.

use orgate_storage::FollowedEvent;
use serde_json::{Value, json};

/// The body, of the shape that Standard Webhooks recommends.
pub(super) fn body(followed: &FollowedEvent) -> Vec<u8> {
    message(followed).to_string().into_bytes()
}

fn message(FollowedEvent { org_id, event, .. }: &FollowedEvent) -> Value {
    let (kind, actor) = &event.actor;
    json!({
        "type": event.action,
        "timestamp": event.place.at,
        "data": {
            "id": event.place.id.to_string(),
            "org_id": org_id.to_string(),
            "occurred_at": event.place.at,
            "action": event.action,
            "outcome": event.outcome,
            "reason": event.reason,
            "actor": { "type": kind, "id": actor },
            "user_id": event.user_id.map(|id| id.to_string()),
            "session_id": event.session_id.map(|id| id.to_string()),
            "client_id": event.client_id.map(|id| id.to_string()),
            "address": event.address.map(|address| address.to_string()),
            "user_agent": event.user_agent,
            "request_id": event.request_id,
            "detail": event.detail,
        },
    })
}
