//! What an event of the log says to receivers, in the words of CAEP 1.0.
//!
//! What happened is told as it happened; what tokens say of somebody, as they say it now.

use std::collections::BTreeSet;

use orgate_domain::audit::Action;
use orgate_domain::clients::Client;
use orgate_domain::ids::UserId;
use orgate_domain::streams::EventSubject;
use orgate_protocol::oauth::Acr;
use orgate_protocol::ssf::{EventType, Identifier, Subject};
use orgate_storage::{Affected, OrgTx, SignalledEvent, SignedInUser};
use serde_json::{Map, Value, json};

use super::reasons::{reason_for_admins, reason_for_users};
use super::sets::Place;
use crate::issue::known_permissions;
use crate::{Env, Failure};

/// Of levels of assurance: they are the values of `acr`.
const NAMESPACE: &str = "urn:orgate:acr";

/// What receivers hear of something.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) event: EventType,
    pub(super) about: EventSubject,
    said: Map<String, Value>,
    tokens: Option<TokenChange>,
}

/// What tokens say differently of a user.
#[derive(Debug)]
struct TokenChange {
    user: SignedInUser,
    /// The claims that may have other values.
    names: Vec<&'static str>,
    /// The permissions that came or went, where that is known.
    permissions: Option<Vec<String>>,
}

/// What is asked of an event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whoever wants no such event needs none made.
    pub(super) wanted: &'a BTreeSet<EventType>,
    /// The last user of whom it was told before.
    pub(super) after: Option<UserId>,
    /// Users of whom it is told now.
    pub(super) most: usize,
}

/// What receivers hear of an event, or a part of it.
#[derive(Debug, Default)]
pub(super) struct Translation {
    pub(super) told: Vec<Translated>,
    /// The last user of whom it tells, if it is about more.
    pub(super) told_to: Option<UserId>,
}

/// What receivers hear of an event, if anything.
pub(super) async fn translate(
    env: &Env,
    tx: &mut OrgTx,
    event: &SignalledEvent,
    asked: Asked<'_>,
) -> Result<Translation, Failure> {
    let mut translation = Translation::default();
    let Some(action) = Action::from_text(&event.action) else { return Ok(translation) };
    for kind in action.signals().iter().filter(|kind| asked.wanted.contains(kind)) {
        let told = &mut translation.told;
        match kind {
            EventType::SessionRevoked => told.push(session_revoked(event)),
            EventType::AssuranceLevelChange => told.extend(assurance_changed(event)),
            EventType::CredentialChange => told.extend(credential_changed(action, event)),
            EventType::TokenClaimsChange => {
                translation.told_to = claims_changed(env, tx, (action, event), (asked, told)).await?;
            }
            EventType::StreamUpdated | EventType::Verification => {} // a stream's own, of no event of the log
        }
    }
    Ok(translation)
}

impl Translated {
    /// What a receiver hears of it: of permissions, those that its resource knows, as its tokens have it. `None` if nothing
    /// changed for it.
    pub(super) fn told_to(&self, receiver: &Client) -> Option<Value> {
        let mut said = self.said.clone();
        if let Some(TokenChange { user, names, permissions }) = &self.tokens {
            let knows = |changed: &Vec<String>| !known_permissions(receiver, changed).is_empty();
            let changed = |name: &&&str| **name != "permissions" || permissions.as_ref().is_none_or(knows);
            let claims: Map<String, Value> = names
                .iter()
                .filter(changed)
                .map(|name| ((*name).to_owned(), claim(receiver, user, name)))
                .collect();
            if claims.is_empty() {
                return None;
            }
            said.insert("claims".to_owned(), Value::Object(claims));
        }
        Some(Value::Object(said))
    }
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

/// One for each user who has a session and of whom tokens say something else now; the last of them, if there are more.
async fn claims_changed(
    env: &Env,
    tx: &mut OrgTx,
    (action, event): (Action, &SignalledEvent),
    (asked, told_of): (Asked<'_>, &mut Vec<Translated>),
) -> Result<Option<UserId>, Failure> {
    let (names, now) = (changed_claims(action, event), env.clock.now());
    let Some(affected) = affected(action, event).filter(|_| !names.is_empty()) else { return Ok(None) };
    let limit = i64::try_from(asked.most).unwrap_or(i64::MAX);
    let ids = tx.signals().list_affected(affected, (asked.after, now), limit).await?;
    let permissions = text(event, "changed_permissions")
        .map(|text| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    for user in tx.signals().list_signed_in(&ids, now).await? {
        let about = EventSubject { user: Some(user.id), session: None };
        let change = TokenChange { user, names: names.clone(), permissions: permissions.clone() };
        let translated = told(event, (EventType::TokenClaimsChange, about), []);
        told_of.push(Translated { tokens: Some(change), ..translated });
    }
    Ok(ids.last().copied().filter(|_| ids.len() >= asked.most && !matches!(affected, Affected::User(_))))
}

/// Whose tokens an event is about.
fn affected(action: Action, event: &SignalledEvent) -> Option<Affected<'_>> {
    match action {
        Action::ConnectionActivated | Action::ConnectionConfigured => {
            text(event, "connection").and_then(|id| id.parse().ok()).map(Affected::Connection)
        }
        Action::GroupConfigured => text(event, "group").map(Affected::Group),
        Action::RoleConfigured => text(event, "role").map(Affected::Role),
        _ => event.user.map(Affected::User),
    }
}

/// The claims of which an event may have changed the values.
fn changed_claims(action: Action, event: &SignalledEvent) -> Vec<&'static str> {
    let parts: &[(&str, &[&str])] = match action {
        Action::ConnectionActivated | Action::ConnectionConfigured => {
            &[("state", &["roles", "permissions"]), ("pilots", &["roles", "permissions"])]
        }
        // The name of a role or a group is in no token.
        Action::GroupConfigured => {
            &[("roles", &["roles", "permissions"]), ("parents", &["roles", "permissions"])]
        }
        Action::RoleConfigured => &[("permissions", &["permissions"])],
        _ => &[
            ("name", &["name"]),
            ("verified", &["email_verified"]),
            ("roles", &["roles", "permissions"]),
            ("groups", &["roles", "permissions"]),
        ],
    };
    let mut names = Vec::new();
    for name in parts.iter().filter(|(part, _)| changes(event, part)).flat_map(|(_, names)| *names) {
        if !names.contains(name) {
            names.push(*name);
        }
    }
    names
}

/// What tokens say.
fn claim(receiver: &Client, user: &SignedInUser, name: &str) -> Value {
    match name {
        "name" => json!(user.name),
        "email_verified" => json!(user.email_verified),
        "roles" => json!(user.roles),
        _ => json!(known_permissions(receiver, &user.permissions)),
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
    Translated { event: kind, about, said, tokens: None }
}

/// CAEP §2. What a rule brings about at a sign-in is the rule's doing.
fn initiating_entity(actor_kind: &str, code: &str) -> &'static str {
    match (actor_kind, code) {
        (_, "displaced" | "mapped") => "policy",
        ("user", _) => "user",
        ("application" | "delegate" | "operator" | "setup_link", _) => "admin",
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
