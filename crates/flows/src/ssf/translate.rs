//! What an event of the log says to receivers, in the words of CAEP 1.0.
//!
//! What happened is told as it happened; what tokens say of somebody, as they say it now.

use orgate_domain::audit::Action;
use orgate_domain::roles::Permission;
use orgate_domain::streams::{EventSubject, MAX_WAITING};
use orgate_protocol::oauth::Acr;
use orgate_protocol::ssf::{EventType, Identifier, Subject};
use orgate_storage::{Affected, OrgTx, SignalledEvent, SignedInUser};
use serde_json::{Map, Value, json};

use super::reasons::{reason_for_admins, reason_for_users};
use super::sets::Place;
use crate::{Env, Failure};

/// Of levels of assurance: they are the values of `acr`.
const NAMESPACE: &str = "urn:orgate:acr";

/// What receivers hear of something.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) event: EventType,
    pub(super) about: EventSubject,
    pub(super) claims: Value,
}

/// What receivers hear of an event, if anything.
pub(super) async fn translate(
    env: &Env,
    tx: &mut OrgTx,
    event: &SignalledEvent,
) -> Result<Vec<Translated>, Failure> {
    let Some(action) = Action::from_text(&event.action) else { return Ok(Vec::new()) };
    let mut told = Vec::new();
    for kind in action.signals() {
        match kind {
            EventType::SessionRevoked => told.push(session_revoked(event)),
            EventType::AssuranceLevelChange => told.extend(assurance_changed(event)),
            EventType::CredentialChange => told.extend(credential_changed(action, event)),
            EventType::TokenClaimsChange => told.extend(claims_changed(env, tx, (action, event)).await?),
            EventType::StreamUpdated | EventType::Verification => {} // a stream's own, of no event of the log
        }
    }
    Ok(told)
}

/// A subject as receivers read it: each part narrows it, and the organization is always there.
pub(super) fn subject(place: &Place<'_>, about: EventSubject) -> Value {
    let opaque = |id: String| Identifier::Opaque(id);
    let iss = place.issuer.to_owned();
    let user = about.user.map(|user| Identifier::IssSub { iss, sub: user.to_string() });
    let session = about.session.map(|session| opaque(session.to_string()));
    let parts = [("tenant", Some(opaque(place.org_id.to_string()))), ("user", user), ("session", session)];
    let parts = parts.into_iter().filter_map(|(name, part)| Some((name.to_owned(), part?)));
    Subject::Complex(parts.collect()).to_json()
}

fn session_revoked(event: &SignalledEvent) -> Translated {
    told(event, (EventType::SessionRevoked, in_session(event)), [])
}

fn assurance_changed(event: &SignalledEvent) -> Option<Translated> {
    let level = |name| Acr::from_text(text(event, name)?);
    let (current, previous) = (level("acr")?, level("previous_acr")?);
    let direction = if current == Acr::MultiFactor { "increase" } else { "decrease" };
    let claims = [
        ("namespace", json!(NAMESPACE)),
        ("current_level", json!(current.as_str())),
        ("previous_level", json!(previous.as_str())),
        ("change_direction", json!(direction)),
    ];
    Some(told(event, (EventType::AssuranceLevelChange, in_session(event)), claims))
}

fn credential_changed(action: Action, event: &SignalledEvent) -> Option<Translated> {
    let (credential, change) = match action {
        Action::IdentityLinked => ("federated-identity", "create"),
        Action::RecoveryCodesCreated => ("recovery-codes", "create"),
        _ if changes(event, "password") => ("password", "update"),
        _ => return None,
    };
    let claims = [("credential_type", json!(credential)), ("change_type", json!(change))];
    let about = EventSubject { user: event.user, session: None };
    Some(told(event, (EventType::CredentialChange, about), claims))
}

/// One for each user who has a session and of whom tokens say something else now.
async fn claims_changed(
    env: &Env,
    tx: &mut OrgTx,
    (action, event): (Action, &SignalledEvent),
) -> Result<Vec<Translated>, Failure> {
    let affected = match action {
        Action::GroupConfigured => text(event, "group").map(Affected::Group),
        Action::RoleConfigured => text(event, "role").map(Affected::Role),
        _ => event.user.map(Affected::User),
    };
    let Some(affected) = affected.filter(|_| !changed_claims(event).is_empty()) else {
        return Ok(Vec::new());
    };
    // Of more no stream could hold the events.
    let users = tx.signals().list_signed_in(affected, (env.clock.now(), MAX_WAITING + 1)).await?;
    let of = |user: &SignedInUser| {
        let claims: Map<String, Value> =
            changed_claims(event).into_iter().map(|name| (name.to_owned(), claim(user, name))).collect();
        let about = EventSubject { user: Some(user.id), session: None };
        told(event, (EventType::TokenClaimsChange, about), [("claims", Value::Object(claims))])
    };
    Ok(users.iter().map(of).collect())
}

/// The claims of which an event may have changed the values.
fn changed_claims(event: &SignalledEvent) -> Vec<&'static str> {
    let by = [
        ("name", "name"),
        ("verified", "email_verified"),
        ("roles", "roles"),
        ("roles", "permissions"),
        ("permissions", "permissions"),
    ];
    // The name of a role or a group is in no token.
    let is_users = event.action == Action::UserConfigured.as_str();
    by.into_iter()
        .filter(|(part, _)| changes(event, part) && (*part != "name" || is_users))
        .map(|(_, claim)| claim)
        .collect()
}

/// What tokens say.
fn claim(user: &SignedInUser, name: &str) -> Value {
    let own = |text: &&String| Permission::parse(text).is_ok_and(|permission| permission.is_reserved());
    match name {
        "name" => json!(user.name),
        "email_verified" => json!(user.email_verified),
        "roles" => json!(user.roles),
        // Orgate's own mean nothing to applications, and are in none of their tokens.
        _ => json!(user.permissions.iter().filter(|text| !own(text)).collect::<Vec<_>>()),
    }
}

fn told<const N: usize>(
    event: &SignalledEvent,
    (kind, about): (EventType, EventSubject),
    claims: [(&str, Value); N],
) -> Translated {
    let mut said = Map::from_iter(claims.map(|(name, value)| (name.to_owned(), value)));
    said.insert("event_timestamp".to_owned(), json!(event.occurred_at.timestamp()));
    let code = event.reason.as_deref().unwrap_or_default();
    said.insert("initiating_entity".to_owned(), json!(initiating_entity(&event.actor_kind, code)));
    said.insert("reason_admin".to_owned(), json!({ "en": reason_for_admins(kind, code) }));
    if let Some(reason) = reason_for_users(kind, code) {
        said.insert("reason_user".to_owned(), json!({ "en": reason }));
    }
    Translated { event: kind, about, claims: Value::Object(said) }
}

/// CAEP §2. What a rule brings about at a sign-in is the rule's doing.
fn initiating_entity(actor_kind: &str, code: &str) -> &'static str {
    match (actor_kind, code) {
        (_, "displaced" | "mapped") => "policy",
        ("user", _) => "user",
        ("operator" | "application" | "setup_link", _) => "admin",
        _ => "system",
    }
}

fn in_session(event: &SignalledEvent) -> EventSubject {
    EventSubject { user: event.user, session: event.session }
}

fn text<'e>(event: &'e SignalledEvent, name: &str) -> Option<&'e str> {
    event.detail.get(name).and_then(Value::as_str)
}

/// Whether this part of what the event is about changed; of what is made, nobody has heard before.
fn changes(event: &SignalledEvent, part: &str) -> bool {
    text(event, "change").is_some_and(|parts| parts.split(' ').any(|changed| changed == part))
}
