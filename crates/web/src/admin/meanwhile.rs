//! What somebody else changed while a form was open, and who that was.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use orgate_domain::audit::Action;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::StoredEvent;
use orgate_flows::manage::audit::find_last;
use orgate_flows::manage::users::find_user;
use serde_json::Value;

use super::Admin;
use super::change::{Refusal, Wrongs};
use super::events::EventLine;

/// `templates/admin/meanwhile.html`.
pub(crate) struct Meanwhile {
    /// Whoever it was, for whoever may read the log.
    pub(crate) by: Option<EventLine>,
    /// What: a few words, and what is so now.
    pub(crate) changes: Vec<(&'static str, String)>,
}

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

/// A field of a form, and what it is about now.
pub(crate) struct Raced<'a> {
    /// Its id on the page, and as people call it.
    pub(crate) named: (&'static str, &'static str),
    /// What stands in it.
    pub(crate) mine: &'a mut String,
    /// What stood in it when the form was shown.
    pub(crate) seen: &'a str,
    pub(crate) now: &'a str,
}

/// Takes what others changed into fields that were not touched; what they changed, also where both did.
pub(crate) fn merge<'a>(fields: impl Iterator<Item = Raced<'a>>) -> Vec<ChangedField> {
    let shown = |text: &str| if text.is_empty() { "none".to_owned() } else { text.replace('\n', ", ") };
    let change = |Raced { named: (field, label), mine, seen, now }: Raced<'_>| {
        if seen == now {
            return None;
        }
        let is_touched = mine != seen && mine != now;
        let yours = is_touched.then(|| shown(mine));
        if !is_touched {
            now.clone_into(mine);
        }
        Some(ChangedField { field, label, now: shown(now), yours })
    };
    fields.filter_map(change).collect()
}

/// A form that is shown once more, or for the first time: what stands in it, and what stood there when it was shown first.
pub(crate) struct Unsaved<Typed, Seen = Typed> {
    pub(crate) status: StatusCode,
    pub(crate) typed: Typed,
    pub(crate) seen: Seen,
    pub(crate) wrongs: Wrongs,
    pub(crate) meanwhile: Option<ChangedFields>,
}

impl<Typed, Seen> Unsaved<Typed, Seen> {
    /// Nothing is wrong with it.
    pub(crate) fn of(typed: Typed, seen: Seen) -> Self {
        Self { status: StatusCode::OK, typed, seen, wrongs: Wrongs::default(), meanwhile: None }
    }

    /// This is wrong with it.
    pub(crate) fn wrong(self, status: StatusCode, wrongs: Wrongs) -> Self {
        Self { status, wrongs, ..self }
    }

    /// By what a use case said.
    pub(crate) fn refused(self, refusal: Refusal) -> Self {
        self.wrong(refusal.status, Wrongs(vec![refusal.wrong]))
    }

    /// Others changed this since it was shown, and now there is that.
    pub(crate) fn stale(self, seen: Seen, meanwhile: ChangedFields) -> Self {
        Self { status: StatusCode::CONFLICT, seen, meanwhile: Some(meanwhile), ..self }
    }
}

impl Meanwhile {
    /// Of something that events call by these names in these details.
    pub(crate) async fn find(
        admin: &Admin,
        (action, named): (Action, &[(&str, &str)]),
        changes: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let is_meant = |event: &StoredEvent| {
            named.iter().all(|(detail, name)| text(&event.detail, detail) == Some(name))
        };
        Ok(Self { by: last(admin, action, is_meant).await?, changes })
    }
}

impl ChangedFields {
    /// These changes of the organization, of which the log says as `parts` what they were of.
    pub(crate) async fn of(
        admin: &Admin,
        parts: &[&str],
        (changes, theirs): (Vec<ChangedField>, String),
    ) -> Result<Self, Failure> {
        let is_of = |said: &str| said.split(' ').any(|part| parts.contains(&part));
        let is_meant = |event: &StoredEvent| text(&event.detail, "change").is_some_and(is_of);
        let by = last(admin, Action::OrganizationConfigured, is_meant).await?;
        Ok(Self { by, changes, theirs })
    }

    /// These changes of a client that is called so.
    pub(crate) async fn of_client(
        admin: &Admin,
        client_id: &str,
        (changes, theirs): (Vec<ChangedField>, String),
    ) -> Result<Self, Failure> {
        let is_meant = |event: &StoredEvent| text(&event.detail, "client_id") == Some(client_id);
        let by = last(admin, Action::ClientConfigured, is_meant).await?;
        Ok(Self { by, changes, theirs })
    }

    /// These changes of this user.
    pub(crate) async fn of_user(
        admin: &Admin,
        user: UserId,
        (changes, theirs): (Vec<ChangedField>, String),
    ) -> Result<Self, Failure> {
        let parts = ["name", "email", "verified", "locale", "external_id"];
        let is_meant = |event: &StoredEvent| {
            let mut said = text(&event.detail, "change").into_iter().flat_map(|said| said.split(' '));
            event.user_id == Some(user) && said.any(|part| parts.contains(&part))
        };
        let by = last(admin, Action::UserConfigured, is_meant).await?;
        Ok(Self { by, changes, theirs })
    }
}

fn text<'a>(all: &'a Value, detail: &str) -> Option<&'a str> {
    all.get(detail).and_then(Value::as_str)
}

/// The last change of this kind that is meant, with the name of whoever made it: as far as that may be seen.
async fn last(
    admin: &Admin,
    action: Action,
    is_meant: impl Fn(&StoredEvent) -> bool,
) -> Result<Option<EventLine>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::AuditRead) else { return Ok(None) };
    let Some(event) = find_last(&admin.env, &reader, (action, is_meant)).await? else { return Ok(None) };
    let mut line = EventLine::of(admin, &event, admin.env.clock.now());
    let user = event.actor.1.as_deref().and_then(|id| id.parse::<UserId>().ok());
    if let (Some(user), Some(_)) = (user, &line.who_href)
        && let Some(reader) = admin.caller.asking(OrgatePermission::UsersRead)
        && let Some(user) = find_user(&admin.env, &reader, user).await?
    {
        line.who = user.profile.name;
    }
    Ok(Some(line))
}

/// What was put in and taken out, between what a form was made of and what is there.
pub(crate) fn moved(
    (before, now): (&BTreeSet<String>, &BTreeSet<String>),
    (put_in, taken_out): (&'static str, &'static str),
) -> impl Iterator<Item = (&'static str, String)> {
    let said =
        |what, texts: BTreeSet<String>| (!texts.is_empty()).then(|| (what, Vec::from_iter(texts).join(", ")));
    [said(put_in, now - before), said(taken_out, before - now)].into_iter().flatten()
}
