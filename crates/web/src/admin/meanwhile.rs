//! What somebody else changed while a form was open, and who that was.

use std::collections::BTreeSet;

use orgate_domain::audit::Action;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::audit::find_last;
use orgate_flows::manage::users::find_user;

use super::Admin;
use super::events::EventLine;

/// `templates/admin/meanwhile.html`.
pub(crate) struct Meanwhile {
    /// Who, as far as the reader may know: a name or what they are.
    pub(crate) who: String,
    /// Their page.
    pub(crate) who_href: Option<String>,
    /// How long ago.
    pub(crate) ago: Option<String>,
    /// What: a few words, and what is so now.
    pub(crate) changes: Vec<(&'static str, String)>,
}

impl Meanwhile {
    /// Of something that events call by this name in this detail.
    pub(crate) async fn find(
        admin: &Admin,
        (action, detail, slug): (Action, &str, &str),
        changes: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let unknown = |changes| Self { who: "Somebody".to_owned(), who_href: None, ago: None, changes };
        let Some(auditor) = admin.caller.asking(OrgatePermission::AuditRead) else {
            return Ok(unknown(changes));
        };
        let Some(event) = find_last(&admin.env, &auditor, (action, (detail, slug))).await? else {
            return Ok(unknown(changes));
        };
        let line = EventLine::of(admin, &event, admin.env.clock.now());
        let user = event.actor.1.as_deref().and_then(|id| id.parse::<UserId>().ok());
        let named = match (user, admin.caller.asking(OrgatePermission::UsersRead)) {
            (Some(user), Some(caller)) if line.who_href.is_some() => {
                find_user(&admin.env, &caller, user).await?
            }
            _ => None,
        };
        let who = named.map_or(line.who, |user| user.profile.name);
        Ok(Self { who, who_href: line.who_href, ago: Some(line.at.ago), changes })
    }
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
