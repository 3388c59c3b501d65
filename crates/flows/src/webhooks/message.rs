//! What a webhook says of an event: the same as the API does.

use orgate_storage::FollowedEvent;
use serde_json::{Value, json};

use crate::manage::audit::told;

/// The body, of the shape that Standard Webhooks recommends.
pub(super) fn body(followed: &FollowedEvent) -> Vec<u8> {
    message(followed).to_string().into_bytes()
}

fn message(FollowedEvent { org_id, event, .. }: &FollowedEvent) -> Value {
    let mut data = told(event);
    if let Some(data) = data.as_object_mut() {
        data.insert("org_id".to_owned(), org_id.to_string().into());
    }
    json!({ "type": event.action, "timestamp": event.place.at, "data": data })
}
