//! What is kept about one, to take along.

use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use orgate_flows::Failure;
use orgate_flows::account::{
    EventPlace, MAX_PAGE, OpenSession, OwnConnection, OwnRecord, PageOf, StoredEvent, find_record,
    list_activity, list_connections, list_sessions,
};
use orgate_flows::consents::{GivenConsent, list_own};
use serde_json::{Value, json};

use super::applications::hosts;
use super::{Member, activity};
use crate::language::Language;
use crate::page::download;

/// Pages of the log at most.
const PAGES: usize = 5;

/// Bytes of a document at most.
const MAX_BYTES: usize = 1024 * 1024;

/// `GET /account/export`.
pub(crate) async fn get(member: Member) -> Response {
    let kept = match read(&member).await {
        Ok(Some(kept)) => kept,
        Ok(None) => return member.not_signed_in(),
        Err(failure) => return member.failed(&failure),
    };
    let day = member.env.clock.now().format("%Y-%m-%d");
    let name = format!("account-{}-{day}.json", member.own.organization.slug);
    download(&name, "application/json", bounded(kept))
}

/// All that is told.
async fn read(member: &Member) -> Result<Option<Value>, Failure> {
    let (env, own) = (&member.env, &member.own);
    let Some(record) = find_record(env, own).await? else { return Ok(None) };
    let connections = list_connections(env, own).await?;
    let sessions = list_sessions(env, own).await?;
    let given = list_own(env, own).await?;
    let (events, is_whole) = events(member).await?;
    Ok(Some(json!({
        "made_at": stamp(env.clock.now()),
        "organization": {
            "id": own.organization.id.to_string(),
            "slug": own.organization.slug.as_str(),
            "name": own.organization.name.as_str(),
        },
        "profile": profile(member, &record),
        "sign_in": sign_in(&record, &connections),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "applications_with_access": given.iter().map(consent).collect::<Vec<_>>(),
        "activity": events.iter().map(|event| told(member, event)).collect::<Vec<_>>(),
        "activity_is_whole": is_whole,
    })))
}

/// What happened, the latest first, and whether that is all.
async fn events(member: &Member) -> Result<(Vec<StoredEvent>, bool), Failure> {
    let (mut events, mut after): (_, Option<EventPlace>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let page = list_activity(&member.env, &member.own, PageOf { after, limit: MAX_PAGE }).await?;
        events.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok((events, true));
        }
    }
    Ok((events, false))
}

fn profile(member: &Member, record: &OwnRecord) -> Value {
    let user = &member.own.user;
    json!({
        "id": member.own.session.user_id.to_string(),
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified,
        "locale": user.locale,
        "roles": record.roles,
        "groups": record.groups,
        "created_at": stamp(record.created_at),
    })
}

fn sign_in(record: &OwnRecord, connections: &[OwnConnection]) -> Value {
    let linked = connections.iter().filter_map(|connection| {
        let link = connection.link.as_ref()?;
        Some(json!({
            "name": connection.name,
            "email": link.asserted_email,
            "linked_at": stamp(link.linked_at),
            "last_used_at": stamp(link.last_used_at),
        }))
    });
    json!({
        "password_since": record.password_since.map(stamp),
        "identity_providers": linked.collect::<Vec<_>>(),
        "break_glass": record.break_glass,
        "recovery_codes": record.recovery_codes,
    })
}

fn session(session: &OpenSession) -> Value {
    json!({
        "id": session.id.to_string(),
        "method": session.method.as_str(),
        "signed_in_at": stamp(session.signed_in_at),
        "last_seen_at": stamp(session.last_seen_at),
        "address": session.address,
        "user_agent": session.user_agent,
        "applications": session.clients,
    })
}

fn consent(given: &GivenConsent) -> Value {
    json!({
        "client_id": given.client.client_id,
        "name": given.client.name.as_str(),
        "hosts": hosts(&given.client),
        "scope": given.consent.scope.to_string(),
        "given_at": stamp(given.consent.created_at),
        "updated_at": stamp(given.consent.updated_at),
    })
}

fn told(member: &Member, event: &StoredEvent) -> Value {
    let (user_agent, address) = activity::seen_from(event, &member.own).unwrap_or_default();
    // Whoever else did it was in a session of theirs.
    let session = event.session_id.filter(|_| activity::is_own(event, &member.own));
    json!({
        "id": event.place.id.to_string(),
        "at": stamp(event.place.at),
        "action": event.action,
        "outcome": event.outcome,
        "reason": event.reason,
        "by": activity::who(Language::En, event, &member.own),
        "session": session.map(|session| session.to_string()),
        "address": address,
        "user_agent": user_agent,
    })
}

fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The document, without as much of the oldest activity as it is too large by.
fn bounded(mut kept: Value) -> Vec<u8> {
    loop {
        let bytes = serde_json::to_vec_pretty(&kept).unwrap_or_default();
        let activity = kept.get_mut("activity").and_then(Value::as_array_mut);
        let Some(activity) = activity.filter(|activity| bytes.len() > MAX_BYTES && !activity.is_empty())
        else {
            return bytes;
        };
        activity.truncate(activity.len() / 2);
        if let Some(is_whole) = kept.get_mut("activity_is_whole") {
            *is_whole = Value::Bool(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_loses_the_oldest_activity_and_says_so() {
        let event = |number: usize| json!({ "id": number, "user_agent": "x".repeat(2_000) });
        let activity: Vec<_> = (0..1_000).map(event).collect();
        let kept = json!({ "profile": { "name": "Ada" }, "activity": activity, "activity_is_whole": true });

        let bytes = bounded(kept);

        assert!(bytes.len() <= MAX_BYTES);
        let read: Value = serde_json::from_slice(&bytes).expect("JSON");
        assert_eq!((&read["profile"]["name"], &read["activity_is_whole"]), (&json!("Ada"), &json!(false)));
        assert_eq!(read["activity"][0]["id"], json!(0), "the latest are kept");
    }
}
