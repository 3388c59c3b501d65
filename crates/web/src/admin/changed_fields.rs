//! What somebody else changed of the organization since a form of it was shown.

use orgate_domain::audit::Action;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::StoredEvent;
use orgate_flows::manage::audit::list_latest;
use orgate_flows::manage::users::find_user;

use super::Admin;
use super::events::EventLine;

/// Changes that are looked through for the one that it was.
const LOOKED_THROUGH: u32 = 10;

/// `templates/admin/changed_fields.html`.
pub(crate) struct ChangedFields {
    /// Whoever it was, for whoever may read the log.
    pub(crate) by: Option<EventLine>,
    pub(crate) changes: Vec<ChangedField>,
    /// Where everything of theirs is taken.
    pub(crate) theirs: String,
}

/// A field that somebody changed.
pub(crate) struct ChangedField {
    /// Its id on the page.
    pub(crate) field: &'static str,
    pub(crate) label: &'static str,
    /// What it is now.
    pub(crate) now: String,
    /// What the form asked for, if whoever sent it had changed it as well: that stands in the form still.
    pub(crate) yours: Option<String>,
}

impl ChangedFields {
    /// These changes, of which the log says as `parts` what they were of.
    pub(crate) async fn of(
        admin: &Admin,
        parts: &[&str],
        (changes, theirs): (Vec<ChangedField>, String),
    ) -> Result<Self, Failure> {
        Ok(Self { by: last(admin, parts).await?, changes, theirs })
    }
}

/// The last change of one of these parts, if it may be seen.
async fn last(admin: &Admin, parts: &[&str]) -> Result<Option<EventLine>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::AuditRead) else { return Ok(None) };
    let others: Vec<_> =
        Action::ALL.iter().copied().filter(|action| *action != Action::OrganizationConfigured).collect();
    let events = list_latest(&admin.env, &reader, (&others, LOOKED_THROUGH)).await?;
    let Some(event) = events.iter().find(|event| is_of(event, parts)) else { return Ok(None) };
    let mut line = EventLine::of(admin, event, admin.env.clock.now());
    let user = event.actor.1.as_deref().and_then(|id| id.parse::<UserId>().ok());
    if let (Some(user), Some(_)) = (user, &line.who_href)
        && let Some(reader) = admin.caller.asking(OrgatePermission::UsersRead)
        && let Some(user) = find_user(&admin.env, &reader, user).await?
    {
        line.who = user.profile.name;
    }
    Ok(Some(line))
}

fn is_of(event: &StoredEvent, parts: &[&str]) -> bool {
    let changed = event.detail.get("change").and_then(|value| value.as_str()).unwrap_or_default();
    changed.split(' ').any(|part| parts.contains(&part))
}
