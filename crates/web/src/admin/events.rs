//! Events of the log, as people read them.

use chrono::{DateTime, Utc};
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::StoredEvent;

use super::Admin;
use crate::moment::Moment;
use crate::words::words;

/// One event.
pub(crate) struct EventLine {
    /// What happened: "Session ended".
    pub(crate) what: String,
    pub(crate) is_refused: bool,
    /// Why, from a closed list of the action's own.
    pub(crate) reason: Option<String>,
    /// Who did it.
    pub(crate) who: String,
    /// Their page.
    pub(crate) who_href: Option<String>,
    /// The page of another user, whom it was about.
    pub(crate) about_href: Option<String>,
    /// The address that it came from.
    pub(crate) from: Option<String>,
    pub(crate) at: Moment,
}

impl EventLine {
    pub(crate) fn of(admin: &Admin, event: &StoredEvent, now: DateTime<Utc>) -> Self {
        let (kind, id) = &event.actor;
        let user = id.as_deref().filter(|_| kind == "user").and_then(|id| id.parse::<UserId>().ok());
        let is_me = user.is_some() && user == admin.caller.user_id();
        let reads = admin.caller.asking(OrgatePermission::UsersRead).is_some();
        let shown = user.filter(|_| !is_me && reads);
        let about = event.user_id.filter(|about| Some(*about) != user && reads);
        Self {
            what: words(&event.action),
            is_refused: event.outcome != "success",
            reason: event.reason.as_deref().map(words),
            who: if is_me { "You" } else { actor(kind) }.to_owned(),
            who_href: shown.map(|user| admin.href(&format!("/users/{user}"))),
            about_href: about.map(|user| admin.href(&format!("/users/{user}"))),
            from: event.address.map(|address| address.to_string()),
            at: Moment::of(event.place.at, now),
        }
    }
}

/// Who somebody is of whom the log knows the kind.
fn actor(kind: &str) -> &'static str {
    match kind {
        "application" => "An application",
        "delegate" => "An organization above yours",
        "operator" => "The operator of this service",
        "setup_link" => "Whoever had a set-up link",
        "system" => "Orgate",
        "user" => "A user",
        _ => "Somebody who was not signed in",
    }
}
