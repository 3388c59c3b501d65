//! Making a set-up link for somebody else: what for, which roles, how long. It is shown once.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use orgate_domain::setup::{DEFAULT_LIFETIME, SetupLink, SetupPurpose};
use orgate_flows::manage::setup_links::{CreatedSetupLink, create_setup_link};
use orgate_flows::setup::links::WantedLink;

use super::answers::Answer;
use super::change::{Refusal, Wrongs, done, once, refusal};
use super::frame::{Frame, Part};
use super::role_boxes::{RoleBox, role_boxes};
use super::setup_links::{SHOWN, what};
use super::{Admin, Submitted};
use crate::fields::Form;
use crate::page::{Link, Page};
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
    once: String,
    here: String,
    back: String,
    purposes: Vec<Purpose>,
    /// Those that they may give.
    roles: Vec<RoleBox>,
    lifetimes: Vec<(i64, &'static str, bool)>,
    wrongs: Wrongs,
}

/// What a link may be for.
struct Purpose {
    value: &'static str,
    label: &'static str,
    hint: &'static str,
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

/// `GET …/setup-links/new`.
pub(crate) async fn get(admin: Admin) -> Answer {
    show(&admin, None, None).await
}

/// `POST …/setup-links/new`: shows the link, which nobody sees again.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let once = once(&form, "make a set-up link");
    match create_setup_link(&admin.env, &admin.caller, &wanted(&form), once.as_ref()).await {
        Ok(CreatedSetupLink { link, url: Some(url), administrative }) => {
            Ok(shown(&admin, &link, (url, &administrative)))
        }
        Ok(_) => Ok(done(&admin, SHOWN, "already")),
        Err(error) => show(&admin, Some(&form), Some(refusal(&admin, &error)?)).await,
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

fn shown(admin: &Admin, link: &SetupLink, (url, administrative): (String, &[String])) -> Response {
    let onward = admin.href_if_open(SHOWN);
    let template = MadeTemplate {
        page: admin.page(),
        frame: below(admin),
        url,
        what: what(link),
        expires: time(link.expires_at),
        administrative: administrative.join(", "),
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

async fn show(admin: &Admin, form: Option<&Form>, refusal: Option<Refusal>) -> Answer {
    let (status, wrongs) = Wrongs::of(refusal, &["purposes", "roles", "expires_in_hours"]);
    let roles = admin.read(role_boxes(admin, form, |role| admin.caller.may_give(role)).await)?;
    let chosen = form.map_or(DEFAULT_LIFETIME.num_hours(), |form| form.number("expires_in_hours").into());
    let template = SetupLinkTemplate {
        page: admin.page(),
        frame: below(admin),
        csrf: admin.token(),
        once: admin.once(),
        here: admin.href("/setup-links/new"),
        back: admin.href_if_open(SHOWN),
        purposes: purposes(admin, form),
        roles,
        lifetimes: LIFETIMES.iter().map(|(hours, label)| (*hours, *label, *hours == chosen)).collect(),
        wrongs,
    };
    Ok(admin.render(status, &template))
}

/// What a link of theirs may be for: all of it, unless they say otherwise.
fn purposes(admin: &Admin, form: Option<&Form>) -> Vec<Purpose> {
    let open =
        SetupPurpose::ALL.into_iter().filter(|purpose| admin.caller.asking(purpose.permission()).is_some());
    let boxed = open.map(|purpose| {
        let (label, hint) = match purpose {
            SetupPurpose::Sso => ("Identity providers", "To connect one, test it, and make it live."),
            SetupPurpose::Domains => ("Domains", "To claim e-mail domains, and prove them by a DNS record."),
        };
        Purpose {
            value: purpose.as_str(),
            label,
            hint,
            is_ticked: form.is_none_or(|form| form.all("purpose").any(|text| text == purpose.as_str())),
        }
    });
    boxed.collect()
}
