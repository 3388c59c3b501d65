//! Making a set-up link for somebody else: what for, which roles, how long. It is shown once.

use std::collections::BTreeSet;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupPurpose};
use orgate_flows::Failure;
use orgate_flows::manage::roles::list_all_roles;
use orgate_flows::manage::setup_links::{CreatedSetupLink, create_setup_link, givable};
use orgate_flows::setup::links::WantedLink;

use super::change::{Refusal, refusal};
use super::frame::{Frame, Part};
use super::setup_links::{SHOWN, what};
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::page::{Link, Page, failed};
use crate::setup::time;

/// How long a link may be good, in hours.
const LIFETIMES: [(i64, &str); 5] =
    [(4, "4 hours"), (24, "1 day"), (72, "3 days"), (7 * 24, "7 days"), (30 * 24, "30 days")];

/// `templates/admin/setup_link.html`.
#[derive(Template)]
#[template(path = "admin/setup_link.html")]
struct SetupLinkTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    back: String,
    purposes: Vec<Tickbox>,
    /// Those that they may give.
    roles: Vec<Tickbox>,
    lifetimes: Vec<(i64, &'static str, bool)>,
    refusal: Option<Refusal>,
}

/// A box in the form.
struct Tickbox {
    value: String,
    label: String,
    hint: String,
    is_ticked: bool,
}

/// `templates/admin/setup_link_made.html`.
#[derive(Template)]
#[template(path = "admin/setup_link_made.html")]
struct MadeTemplate {
    page: Page,
    frame: Frame,
    url: String,
    what: &'static str,
    expires: String,
    /// Roles that whoever has it may give, and that administer the organization.
    administrative: String,
    /// Where to go on.
    onward: String,
}

impl SetupLinkTemplate {
    /// What is wrong with a field.
    fn wrong(&self, field: &str) -> Option<&str> {
        self.refusal
            .as_ref()
            .filter(|refusal| refusal.wrong.field == field)
            .map(|refusal| refusal.wrong.why.as_str())
    }

    /// What is wrong, and the field that the summary leads to.
    fn summary(&self) -> Option<(&str, &str)> {
        let wrong = &self.refusal.as_ref()?.wrong;
        let known = ["purposes", "roles", "expires_in_hours"].contains(&wrong.field.as_str());
        Some((wrong.why.as_str(), if known { &wrong.field } else { "purposes" }))
    }
}

/// `GET …/setup-links/new`.
pub(crate) async fn get(admin: Admin) -> Response {
    show(&admin, None, None).await
}

/// `POST …/setup-links/new`: shows the link, which nobody sees again.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Response {
    match create_setup_link(&admin.env, &admin.caller, &wanted(&form), None).await {
        Ok(made) => shown(&admin, made),
        Err(error) => match refusal(&admin, &error) {
            Ok(refusal) => show(&admin, Some(&form), Some(refusal)).await,
            Err(response) => *response,
        },
    }
}

/// What the form asks for; of a time that nobody can choose there, the use case says so.
fn wanted(form: &Form) -> WantedLink {
    WantedLink {
        purposes: form.all("purpose").filter_map(SetupPurpose::from_text).collect(),
        roles: form.all("role").map(str::to_owned).collect(),
        lifetime: Duration::try_hours(form.number("expires_in_hours").into()).unwrap_or_default(),
    }
}

fn shown(admin: &Admin, made: CreatedSetupLink) -> Response {
    let onward = admin.href(if admin.caller.asking(SHOWN.1).is_some() { SHOWN.0 } else { "" });
    let template = MadeTemplate {
        page: admin.page(),
        frame: below(admin),
        url: made.url.unwrap_or_default(),
        what: what(&made.link),
        expires: time(made.link.expires_at),
        administrative: made.administrative.join(", "),
        onward,
    };
    admin.render(StatusCode::OK, &template)
}

fn below(admin: &Admin) -> Frame {
    let mut frame = Frame::below_if_open(admin, Part::Connections);
    if admin.caller.asking(SHOWN.1).is_some() {
        frame.crumbs.push(Link { label: "Set-up links".to_owned(), href: admin.href(SHOWN.0) });
    }
    frame
}

async fn show(admin: &Admin, form: Option<&Form>, refusal: Option<Refusal>) -> Response {
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let roles = match roles(admin, form).await {
        Ok(roles) => roles,
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let chosen = form.map_or(DEFAULT_LIFETIME.num_hours(), |form| form.number("expires_in_hours").into());
    let template = SetupLinkTemplate {
        page: admin.page(),
        frame: below(admin),
        csrf: admin.token(),
        here: admin.href("/setup-links/new"),
        back: admin.href(if admin.caller.asking(SHOWN.1).is_some() { SHOWN.0 } else { "" }),
        purposes: purposes(admin, form),
        roles,
        lifetimes: LIFETIMES.iter().map(|(hours, label)| (*hours, *label, *hours == chosen)).collect(),
        refusal,
    };
    admin.render(status, &template)
}

/// What a link of theirs may be for: all of it, unless they say otherwise.
fn purposes(admin: &Admin, form: Option<&Form>) -> Vec<Tickbox> {
    let open =
        SetupPurpose::ALL.into_iter().filter(|purpose| admin.caller.asking(purpose.permission()).is_some());
    let boxed = open.map(|purpose| {
        let (label, hint) = match purpose {
            SetupPurpose::Sso => ("Identity providers", "To connect one, test it, and make it live."),
            SetupPurpose::Domains => ("Domains", "To claim e-mail domains, and prove them by a DNS record."),
        };
        Tickbox {
            value: purpose.as_str().to_owned(),
            label: label.to_owned(),
            hint: hint.to_owned(),
            is_ticked: form.is_none_or(|form| form.all("purpose").any(|text| text == purpose.as_str())),
        }
    });
    boxed.collect()
}

/// The roles that may be given, as far as they may be seen: none, unless they say otherwise.
async fn roles(admin: &Admin, form: Option<&Form>) -> Result<Vec<Tickbox>, Failure> {
    let Some(caller) = admin.caller.asking(OrgatePermission::RolesRead) else { return Ok(Vec::new()) };
    let roles = list_all_roles(&admin.env, &caller).await?;
    let open: BTreeSet<String> = givable(&admin.caller, &roles);
    let boxed = roles.into_iter().filter(|role| open.contains(role.slug.as_str())).map(|role| Tickbox {
        is_ticked: form.is_some_and(|form| form.all("role").any(|slug| slug == role.slug.as_str())),
        label: role.name.as_str().to_owned(),
        hint: if role.name.as_str() == role.slug.as_str() { String::new() } else { role.slug.to_string() },
        value: role.slug.to_string(),
    });
    Ok(boxed.collect())
}
