//! Events of the log, as administrators read them.

use chrono::{DateTime, Utc};
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::StoredEvent;

use super::Admin;
pub(crate) use crate::events::EventLine;
use crate::language::Language;
use crate::moment::Moment;
use crate::words::words;

impl EventLine {
    pub(crate) fn of(admin: &Admin, event: &StoredEvent, now: DateTime<Utc>) -> Self {
        let (kind, id) = &event.actor;
        let user = id.as_deref().filter(|_| kind == "user").and_then(|id| id.parse::<UserId>().ok());
        let is_me = user.is_some() && user == admin.caller.user_id();
        let reads = admin.caller.asking(OrgatePermission::UsersRead).is_some();
        let shown = user.filter(|_| !is_me && reads);
        let about = event.user_id.filter(|about| Some(*about) != user && reads);
        let kind = if kind != "user" {
            kind
        } else if is_me {
            "own"
        } else {
            "another"
        };
        let said = (words(&event.action), event.reason.as_deref().map(words));
        Self {
            who_href: shown.map(|user| admin.href(&format!("/users/{user}"))),
            about_href: about.map(|user| admin.href(&format!("/users/{user}"))),
            from: event.address.map(|address| address.to_string()),
            ..Self::new(event, said, (Language::En.actor(kind), Moment::of(event.place.at, now)))
        }
    }
}
