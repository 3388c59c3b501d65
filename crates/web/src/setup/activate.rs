//! Step 8: going live for everybody, going back, switching off.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_flows::setup::SetupError;
use orgate_flows::setup::rollout::{go_live, roll_back, switch};

use super::frame::{Frame, Notice, Step, author, page, retry, time};
use super::pilot::{ShownPreflight, shown_preflight};
use super::{OfConnection, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// Versions that are listed.
const LISTED: usize = 20;

/// `templates/setup/activate.html`.
#[derive(Template)]
#[template(path = "setup/activate.html")]
#[expect(clippy::struct_excessive_bools, reason = "what a page shows and what it does not")]
struct ActivatePage {
    page: Page,
    frame: Frame,
    version: i32,
    is_tested: bool,
    /// The latest version is live for everybody.
    is_done: bool,
    /// An earlier one is live.
    live: Option<i32>,
    is_off: bool,
    can_switch_off: bool,
    test_href: String,
    base: String,
    versions: Vec<Version>,
    preflight: ShownPreflight,
}

struct Version {
    number: i32,
    when: String,
    who: String,
    what: &'static str,
    is_live: bool,
    is_tested: bool,
    can_return: bool,
}

/// Shows what would become of it.
pub(crate) async fn get(of: OfConnection) -> Response {
    show(&of, (StatusCode::OK, Vec::new())).await
}

/// Makes the latest version live for everybody.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let open = &of.open;
    let at = (of.detail.connection.id, form.number("version"));
    let done = go_live(&open.env, &open.setup, at, ConnectionState::Active, open.origin()).await;
    finish(&of, done).await
}

/// Makes an earlier version live again.
pub(crate) async fn post_roll_back(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let open = &of.open;
    let at = (of.detail.connection.id, form.number("version"));
    let done = roll_back(&open.env, &open.setup, at, form.number("to"), open.origin()).await;
    finish(&of, done).await
}

/// Switches it off, or takes it up again.
pub(crate) async fn post_switch(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let open = &of.open;
    let to = match form.text("to") {
        "off" if form.is_ticked("sure") => ConnectionState::Disabled,
        "off" => {
            let text = "Tick the box to say that you know what it does.";
            let notice = Notice::bad("It was not switched off", text);
            return show(&of, (StatusCode::UNPROCESSABLE_ENTITY, vec![notice])).await;
        }
        _ => ConnectionState::Draft,
    };
    let at = (of.detail.connection.id, form.number("version"));
    let done = switch(&open.env, &open.setup, at, to, open.origin()).await;
    finish(&of, done).await
}

async fn finish(of: &OfConnection, done: Result<(), SetupError>) -> Response {
    match done.map_err(|error| retry(&of.open, error)) {
        Ok(()) => see_other(&of.open.env.issuer.at(&Step::Activate.href(&of.detail))),
        Err(Ok(again)) => show(of, (again.status, vec![again.notice])).await,
        Err(Err(response)) => *response,
    }
}

async fn show(of: &OfConnection, (status, notices): (StatusCode, Vec<Notice>)) -> Response {
    let preflight = match shown_preflight(of, ConnectionState::Active).await {
        Ok(preflight) => preflight,
        Err(response) => return response,
    };
    let connection = &of.detail.connection;
    let version = connection.latest_version;
    let is_open = matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active);
    let template = ActivatePage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Activate).with(notices),
        version,
        is_tested: version > 0 && connection.tested_version == Some(version),
        is_done: connection.state == ConnectionState::Active && connection.live_version == Some(version),
        live: connection.live_version.filter(|live| is_open && *live != version),
        is_off: connection.state == ConnectionState::Disabled,
        can_switch_off: connection.state.may_become(ConnectionState::Disabled),
        test_href: Step::Test.href(&of.detail),
        base: format!("/setup/connections/{}", connection.id),
        versions: versions(of, is_open),
        preflight,
    };
    render(status, &template, None)
}

fn versions(of: &OfConnection, is_open: bool) -> Vec<Version> {
    let connection = &of.detail.connection;
    let told = |version: &orgate_flows::setup::VersionSummary| {
        let is_live = is_open && connection.live_version == Some(version.version);
        Version {
            number: version.version,
            when: time(version.created_at),
            who: author(&of.open, version),
            what: match version.changed.first().map(String::as_str) {
                Some("mapping") => "attributes and roles",
                Some("provider") => "the identity provider’s side",
                _ => "settings",
            },
            is_live,
            is_tested: connection.tested_version == Some(version.version),
            can_return: is_open && !is_live && version.activated_at.is_some(),
        }
    };
    of.detail.versions.iter().take(LISTED).map(told).collect()
}
