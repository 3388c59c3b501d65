//! Making an API key: for what, and how long. It is shown once.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Duration;
use orgate_domain::api_keys::{ApiKey, DEFAULT_LIFETIME, MAX_NAME};
use orgate_domain::credentials::{ApiKeySecret, Credential};
use orgate_domain::roles::Permission;
use orgate_flows::manage::api_keys::{CreatedKey, WantedKey, create_api_key};

use super::answers::Answer;
use super::change::{Refusal, Wrongs, done, once, refusal};
use super::frame::{Frame, Part};
use super::{Admin, Submitted, matrix};
use crate::fields::Form;
use crate::page::Page;
use crate::setup::day;

/// How long a key may be good, in days.
const LIFETIMES: [(i64, &str); 4] = [(30, "30 days"), (90, "90 days"), (180, "180 days"), (366, "a year")];

/// `templates/admin/api_key.html`.
#[derive(Template)]
#[template(path = "admin/api_key.html")]
struct ApiKeyTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    once: String,
    here: String,
    back: String,
    name: String,
    max_name: usize,
    areas: Vec<Area>,
    lifetimes: Vec<(i64, &'static str, bool)>,
    wrongs: Wrongs,
}

/// Permissions that are about something like.
struct Area {
    name: &'static str,
    choices: Vec<Choice>,
}

/// One of them, which they hold.
struct Choice {
    value: &'static str,
    meaning: &'static str,
    is_ticked: bool,
}

/// `templates/admin/api_key_made.html`.
#[derive(Template)]
#[template(path = "admin/api_key_made.html")]
struct MadeTemplate {
    page: Page,
    frame: Frame,
    key: String,
    name: String,
    permissions: String,
    expires: String,
    /// Where the API is.
    api: String,
    /// Where to go on.
    onward: String,
}

/// `GET …/api-keys/new`.
pub(crate) async fn get(admin: Admin) -> Answer {
    Ok(show(&admin, None, None))
}

/// `POST …/api-keys/new`: shows the key, which nobody sees again.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let once = once(&form, "make an API key");
    match create_api_key(&admin.env, &admin.caller, wanted(&form), once.as_ref()).await {
        Ok(CreatedKey { key, secret: Some(secret) }) => Ok(shown(&admin, key, &secret)),
        Ok(_) => Ok(done(&admin, Part::ApiKeys.shown(), "already")),
        Err(error) => Ok(show(&admin, Some(&form), Some(refusal(&admin, &error)?))),
    }
}

/// What the form asks for; of a time that nobody can choose there, the use case says so.
fn wanted(form: &Form) -> WantedKey {
    WantedKey {
        name: form.text("name").to_owned(),
        permissions: form.all("permission").map(str::to_owned).collect(),
        lifetime: Duration::try_days(form.number("expires_in_days").into()).unwrap_or_default(),
    }
}

fn shown(admin: &Admin, key: ApiKey, secret: &Credential<ApiKeySecret>) -> Response {
    let template = MadeTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(admin, Part::ApiKeys),
        key: secret.reveal().to_owned(),
        name: key.name,
        permissions: key.permissions.iter().map(Permission::as_str).collect::<Vec<_>>().join(", "),
        expires: day(key.expires_at),
        api: admin.env.issuer.at(&format!("/api/v1/organizations/{}", admin.caller.org_id())),
        onward: admin.href_if_open(Part::ApiKeys.shown()),
    };
    admin.render(StatusCode::OK, &template)
}

fn show(admin: &Admin, form: Option<&Form>, refusal: Option<Refusal>) -> Response {
    let (status, wrongs) = Wrongs::of(refusal, &["name", "permissions", "expires_in_days"]);
    let ticked = |value: &str| form.is_some_and(|form| form.all("permission").any(|text| text == value));
    let areas = matrix::by_area().into_iter().map(|(name, permissions)| {
        let held = permissions.into_iter().filter(|one| admin.caller.may_give_permission(one.as_str()));
        let choice = held.map(|one| Choice {
            value: one.as_str(),
            meaning: one.meaning(),
            is_ticked: ticked(one.as_str()),
        });
        Area { name, choices: choice.collect() }
    });
    let chosen = form.map_or(DEFAULT_LIFETIME.num_days(), |form| form.number("expires_in_days").into());
    let template = ApiKeyTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(admin, Part::ApiKeys),
        csrf: admin.token(),
        once: admin.once(),
        here: admin.href("/api-keys/new"),
        back: admin.href_if_open(Part::ApiKeys.shown()),
        name: form.map(|form| form.text("name")).unwrap_or_default().to_owned(),
        max_name: MAX_NAME,
        areas: areas.filter(|area| !area.choices.is_empty()).collect(),
        lifetimes: LIFETIMES.iter().map(|(days, label)| (*days, *label, *days == chosen)).collect(),
        wrongs,
    };
    admin.render(status, &template)
}
