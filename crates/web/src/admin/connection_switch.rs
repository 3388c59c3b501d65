//! Switching a connection off, and on again: asked once more before it is done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::ids::ConnectionId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::connections::{Condition, Proof, WantedState, find_condition, move_connection};
use orgate_flows::manage::{ChangeError, Connection};

use super::change::{Refusal, done, refusal};
use super::connections::{Badge, SHOWN};
use super::delete::check_word;
use super::frame::{Frame, Part};
use super::{Admin, Named, Submitted, entry};
use crate::page::{Link, Page, failed};
use crate::present::see_other;

/// `templates/admin/connection_switch.html`.
#[derive(Template)]
#[template(path = "admin/connection_switch.html")]
struct SwitchTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Back to the connection.
    back: String,
    name: String,
    state: Badge,
    /// The latest version, as it is shown.
    version: i32,
    is_off: bool,
    /// What it can be switched on as.
    choices: Vec<Choice>,
    error: Option<String>,
}

/// What a connection can be switched on as.
struct Choice {
    value: &'static str,
    label: &'static str,
    hint: String,
    is_chosen: bool,
}

/// What was typed, and what came of it.
#[derive(Default)]
struct Tried {
    chosen: String,
    refusal: Option<(StatusCode, String)>,
}

/// `GET …/switch-off`.
pub(crate) async fn get_off(admin: Admin, Named(id): Named<ConnectionId>) -> Response {
    ask(&admin, (id, Way::Off), Tried::default()).await
}

/// `GET …/switch-on`.
pub(crate) async fn get_on(admin: Admin, Named(id): Named<ConnectionId>) -> Response {
    ask(&admin, (id, Way::On), Tried::default()).await
}

/// `POST …/switch-off`: once its name was typed.
pub(crate) async fn post_off(
    Named(id): Named<ConnectionId>,
    Submitted { admin, form }: Submitted,
) -> Response {
    let (connection, condition) = match find(&admin, id).await {
        Ok(found) => found,
        Err(response) => return *response,
    };
    // As it is shown: white space between its words is one space there.
    if check_word(form.text("word"), connection.name.as_str()).is_err() {
        let refusal = Some((StatusCode::UNPROCESSABLE_ENTITY, "Type it as it stands above.".to_owned()));
        let tried = Tried { refusal, ..Tried::default() };
        return page(&admin, (&connection, &condition), Way::Off, tried);
    }
    let wanted = WantedState {
        state: ConnectionState::Disabled,
        version: form.number("version"),
        proof: Proof::Tested,
    };
    change(&admin, (id, Way::Off), wanted).await
}

/// `POST …/switch-on`: as what was chosen.
pub(crate) async fn post_on(
    Named(id): Named<ConnectionId>,
    Submitted { admin, form }: Submitted,
) -> Response {
    let chosen = ConnectionState::from_text(form.text("state")).filter(|state| {
        matches!(state, ConnectionState::Active | ConnectionState::Draft | ConnectionState::Pilot)
    });
    let Some(state) = chosen else {
        let refusal = Some((StatusCode::UNPROCESSABLE_ENTITY, "Choose for whom.".to_owned()));
        return ask(&admin, (id, Way::On), Tried { refusal, ..Tried::default() }).await;
    };
    let wanted = WantedState { state, version: form.number("version"), proof: Proof::Tested };
    change(&admin, (id, Way::On), wanted).await
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Off,
    On,
}

impl Way {
    const fn path(self) -> &'static str {
        match self {
            Self::Off => "switch-off",
            Self::On => "switch-on",
        }
    }
}

/// The connection, for whoever may read of connections: to change them is another permission.
async fn find(admin: &Admin, id: ConnectionId) -> Result<(Connection, Condition), Box<Response>> {
    let Some(reader) = admin.caller.asking(OrgatePermission::ConnectionsRead) else {
        return Err(Box::new(entry::lacks(admin, OrgatePermission::ConnectionsRead)));
    };
    match find_condition(&admin.env, &reader, id).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(Box::new(entry::missing(admin))),
        Err(failure) => Err(Box::new(failed(&admin.env, &admin.cookies.browser.origin, &failure))),
    }
}

async fn ask(admin: &Admin, (id, way): (ConnectionId, Way), tried: Tried) -> Response {
    match find(admin, id).await {
        Ok((connection, condition)) => page(admin, (&connection, &condition), way, tried),
        Err(response) => *response,
    }
}

fn page(
    admin: &Admin,
    (connection, condition): (&Connection, &Condition),
    way: Way,
    tried: Tried,
) -> Response {
    let back = admin.href(&format!("/connections/{}", connection.id));
    let is_off = connection.state == ConnectionState::Disabled;
    if is_off == (way == Way::Off) || (!is_off && !connection.state.may_become(ConnectionState::Disabled)) {
        return see_other(&admin.env.issuer.at(&back)); // somebody was first, or it was never on
    }
    let above = Link { label: connection.name.as_str().to_owned(), href: back.clone() };
    let (status, error) =
        tried.refusal.map_or((StatusCode::OK, None), |(status, error)| (status, Some(error)));
    let template = SwitchTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Connections, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/{}", way.path()),
        back,
        name: connection.name.as_str().to_owned(),
        state: Badge::of(connection.state),
        version: connection.latest_version,
        is_off,
        choices: choices((connection, condition), &tried.chosen),
        error,
    };
    admin.render(status, &template)
}

/// What it can be switched on as: for anybody, only if it was tested as it is now. What was chosen before is not known, so nothing
/// is chosen for them.
fn choices((connection, condition): (&Connection, &Condition), chosen: &str) -> Vec<Choice> {
    let version = connection.latest_version;
    let is_tested = version > 0 && connection.tested_version == Some(version);
    let listed = match condition.pilots.len() {
        0 => "Nobody is listed".to_owned(),
        1 => "One address is listed".to_owned(),
        count => format!("{count} addresses are listed"),
    };
    let all = [
        ("active", "For everybody", format!("By version {version}, which was tested."), is_tested),
        ("pilot", "For its pilot", format!("{listed}; nobody else signs in by it."), is_tested),
        (
            "draft",
            "As a draft",
            "For nobody yet: test it in the set-up, and then make it live.".to_owned(),
            true,
        ),
    ];
    let open = all.into_iter().filter(|(.., is_open)| *is_open);
    let shown = open.map(|(value, label, hint, _)| Choice {
        value,
        label,
        hint,
        is_chosen: value == chosen || !is_tested,
    });
    shown.collect()
}

async fn change(admin: &Admin, (id, way): (ConnectionId, Way), wanted: WantedState) -> Response {
    let Err(error) = move_connection(&admin.env, &admin.caller, id, wanted).await else {
        let said = if way == Way::Off { "off" } else { wanted.state.as_str() };
        return done(admin, (&format!("/connections/{id}"), SHOWN.1), said);
    };
    let stale = matches!(error, ChangeError::Stale);
    match refusal(admin, &error) {
        Ok(Refusal { status, wrong }) => {
            let why = if stale {
                "Somebody saved a newer version meanwhile: this page shows it as it is now. Look at it, and decide anew."
                    .to_owned()
            } else {
                wrong.why
            };
            let chosen = wanted.state.as_str().to_owned();
            ask(admin, (id, way), Tried { chosen, refusal: Some((status, why)) }).await
        }
        Err(response) => *response,
    }
}
