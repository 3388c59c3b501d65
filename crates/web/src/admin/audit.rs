//! The audit log: what happened, and when.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Datelike as _, Days, NaiveDate, Utc};
use orgate_domain::audit::{Action, Family};
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::audit::{Sifted, WantedEvents, sift_events};
use orgate_flows::manage::users::find_user;
use orgate_flows::manage::{EventPlace, PageOf, Period};
use orgate_protocol::params::Params;

use super::answers::Answer;
use super::events::EventLine;
use super::frame::{Frame, Pager, Part};
use super::{Admin, audit_export};
use crate::form::LinkQuery;
use crate::page::Page;

/// Events on one page.
const ON_A_PAGE: usize = 50;

/// Kinds of events to choose from, in groups: each has a name for addresses, one for people, and the families in it.
static KINDS: [(&str, &[Kind]); 3] = [
    (
        "Signing in",
        &[
            Kind("failed-sign-ins", "Failed sign-ins", &[Family::FailedSignIns]),
            Kind("sign-ins", "Sign-ins", &[Family::SignIns]),
            Kind("sign-outs", "Sign-outs", &[Family::SignOuts]),
        ],
    ),
    (
        "Changes",
        &[
            Kind("changes", "All changes", &Family::CHANGES),
            Kind("users", "Users and invitations", &[Family::Users]),
            Kind("roles", "Roles and groups", &[Family::Roles]),
            Kind("identity-providers", "Identity providers and domains", &[Family::Connections]),
            Kind("applications", "Applications and keys", &[Family::Applications]),
            Kind("settings", "Settings of the organization", &[Family::Settings]),
        ],
    ),
    ("Everything else", &[Kind("routine", "Tokens and requests", &[Family::Routine])]),
];

/// What people come for, with how many days back.
const USUAL: [(&str, &str, u64); 3] = [
    ("failed-sign-ins", "Failed sign-ins of the last 7 days", 7),
    ("sign-ins", "Sign-ins of the last 7 days", 7),
    ("changes", "Changes of the last 30 days", 30),
];

/// A kind of events: its name in addresses, its name for people, and what it is made of.
pub(super) struct Kind(pub(super) &'static str, &'static str, &'static [Family]);

/// `templates/admin/audit.html`.
#[derive(Template)]
#[template(path = "admin/audit.html")]
struct AuditTemplate {
    page: Page,
    frame: Frame,
    here: String,
    /// What people come for.
    usual: Vec<Usual>,
    groups: Vec<Group>,
    /// Whose events are shown.
    user: Option<OfUser>,
    /// The first day and the last, as they were asked for.
    from: String,
    until: String,
    error: Option<&'static str>,
    events: Vec<EventLine>,
    /// Where to look further back, if there are more events than are looked at at once.
    further: Option<String>,
    is_narrowed: bool,
    pager: Pager,
    /// Where the same is had as a file, in each form that there is.
    exports: Vec<(&'static str, String)>,
}

/// A link to what people come for.
struct Usual {
    label: &'static str,
    href: String,
    is_current: bool,
}

/// A group of kinds in the form: value, label, and whether it is chosen.
struct Group {
    label: &'static str,
    kinds: Vec<(&'static str, &'static str, bool)>,
}

/// Whose events are shown.
struct OfUser {
    id: String,
    name: String,
    href: Option<String>,
    /// The same page, about everybody.
    without: String,
}

/// What a page of the log is asked for.
pub(super) struct Asked<'p> {
    pub(super) kind: Option<&'static Kind>,
    pub(super) user: Option<UserId>,
    pub(super) from: &'p str,
    pub(super) until: &'p str,
}

/// The kind of this name.
fn known(name: &str) -> Option<&'static Kind> {
    KINDS.iter().flat_map(|(_, kinds)| kinds.iter()).find(|kind| kind.0 == name)
}

impl<'p> Asked<'p> {
    pub(super) fn of(params: &'p Params) -> Self {
        Self {
            kind: known(params.get("kind").unwrap_or_default()),
            user: params.get("user").and_then(|text| text.parse().ok()),
            from: params.get("from").unwrap_or_default().trim(),
            until: params.get("until").unwrap_or_default().trim(),
        }
    }

    /// The days, or that they are none.
    pub(super) fn period(&self) -> Result<Period, NoDay> {
        let (first, last) = (day(self.from)?, day(self.until)?);
        // The last day is a part of it.
        let until = last.and_then(|last| last.checked_add_days(Days::new(1)));
        Ok(Period { from: first.map(midnight), until: until.map(midnight) })
    }

    /// What is looked for.
    pub(super) fn wanted(&self) -> WantedEvents {
        let actions =
            |kind: &Kind| -> Vec<Action> { kind.2.iter().flat_map(|family| family.actions()).collect() };
        WantedEvents { actions: self.kind.map(actions), user: self.user }
    }

    /// What is asked, by the names that it has in addresses.
    pub(super) fn pairs(&self) -> Vec<(&'static str, String)> {
        let kind = self.kind.map(|kind| kind.0.to_owned());
        let user = self.user.map(|user| user.to_string());
        let day = |day: &str| Some(day.to_owned()).filter(|day| !day.is_empty());
        let all = [("kind", kind), ("user", user), ("from", day(self.from)), ("until", day(self.until))];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }

    /// Its address, from a place on, and with something more.
    pub(super) fn at(
        &self,
        here: &str,
        (after, more): (Option<EventPlace>, Option<(&'static str, &str)>),
    ) -> String {
        let after = after.map(|after| ("after", after.to_string()));
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.pairs())
            .extend_pairs(after)
            .extend_pairs(more)
            .finish();
        if query.is_empty() { here.to_owned() } else { format!("{here}?{query}") }
    }
}

/// `GET …/audit`: a page of the events of a period, the latest first.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let mut asked = Asked::of(&params);
    let (from, until) = (asked.from.to_owned(), asked.until.to_owned());
    let (period, error) = if let Ok(period) = asked.period() {
        (period, None)
    } else {
        // Whatever the page leads to does not stay wrong.
        (asked.from, asked.until) = ("", "");
        (Period::default(), Some("Enter days like 2026-11-26."))
    };
    let after = params.get("after").and_then(|text| text.parse::<EventPlace>().ok());
    let found = admin.read(find(&admin, &asked, (period, after)).await)?;
    let (Sifted { page: found, is_cut }, name) = found;
    let (here, now) = (admin.href("/audit"), admin.env.clock.now());
    let template = AuditTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Audit),
        usual: usual(&asked, &here, now),
        groups: groups(&asked),
        user: asked.user.map(|user| of_user(&admin, (&asked, &here), (user, name))),
        from,
        until,
        error,
        events: found.items.iter().map(|event| EventLine::of(&admin, event, now)).collect(),
        further: found.next.filter(|_| is_cut).map(|next| asked.at(&here, (Some(next), None))),
        is_narrowed: asked.kind.is_some() || asked.user.is_some(),
        pager: Pager {
            first: after.map(|_| asked.at(&here, (None, None))),
            next: found.next.filter(|_| !is_cut).map(|next| asked.at(&here, (Some(next), None))),
        },
        exports: audit_export::links(&admin, &asked),
        here,
    };
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(admin.render(status, &template))
}

/// The events, and the name of whoever's they are, if that may be seen.
async fn find(
    admin: &Admin,
    asked: &Asked<'_>,
    (period, after): (Period, Option<EventPlace>),
) -> Result<(Sifted, Option<String>), Failure> {
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = sift_events(&admin.env, &admin.caller, &asked.wanted(), (period, page)).await?;
    let reader = admin.caller.asking(OrgatePermission::UsersRead);
    let name = match asked.user.zip(reader) {
        Some((user, reader)) => find_user(&admin.env, &reader, user).await?.map(|user| user.profile.name),
        None => None,
    };
    Ok((found, name))
}

fn usual(asked: &Asked<'_>, here: &str, now: DateTime<Utc>) -> Vec<Usual> {
    let shown = asked.at(here, (None, None));
    let links = USUAL.into_iter().map(|(kind, label, days)| {
        let first = now.date_naive().checked_sub_days(Days::new(days)).unwrap_or_default().to_string();
        let href = Asked { kind: known(kind), user: None, from: &first, until: "" }.at(here, (None, None));
        Usual { label, is_current: href == shown, href }
    });
    links.collect()
}

fn groups(asked: &Asked<'_>) -> Vec<Group> {
    let chosen = asked.kind.map(|kind| kind.0);
    let group = |(label, kinds): &(&'static str, &'static [Kind])| Group {
        label,
        kinds: kinds.iter().map(|kind| (kind.0, kind.1, chosen == Some(kind.0))).collect(),
    };
    KINDS.iter().map(group).collect()
}

fn of_user(
    admin: &Admin,
    (asked, here): (&Asked<'_>, &str),
    (user, name): (UserId, Option<String>),
) -> OfUser {
    OfUser {
        id: user.to_string(),
        href: name.as_ref().map(|_| admin.href(&format!("/users/{user}"))),
        name: name.unwrap_or_else(|| user.to_string()),
        without: Asked { user: None, ..*asked }.at(here, (None, None)),
    }
}

/// Text that names no day.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoDay;

/// A day, if one is named: as a browser writes it, and as the database can compare it.
fn day(text: &str) -> Result<Option<NaiveDate>, NoDay> {
    if text.is_empty() {
        return Ok(None);
    }
    let day =
        text.parse::<NaiveDate>().ok().filter(|day| text.len() == 10 && (1970..=9998).contains(&day.year()));
    day.map(Some).ok_or(NoDay)
}

/// When a day begins, in the one zone that is everybody's.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(chrono::NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_or_said_to_be_none() {
        assert_eq!(day(""), Ok(None));
        assert_eq!(day("2026-11-26").map(|day| day.map(midnight).is_some()), Ok(true));
        for text in ["yesterday", "-9999-01-01", "+12026-11-26", "0001-01-01", "9999-12-31", "2026-11-6"] {
            assert_eq!(day(text), Err(NoDay), "{text}");
        }
    }
}
