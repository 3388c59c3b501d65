//! Switching a connection off, and on again: asked once more before it is done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::ids::ConnectionId;
use orgate_flows::manage::connections::{Condition, Proof, WantedState, find_condition, move_connection};
use orgate_flows::manage::{ChangeError, Connection};

use super::answers::{Answer, Instead};
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::connections::Badge;
use super::frame::{Frame, Part};
use super::radio::Radio;
use super::{Admin, Named, Submitted};
use crate::page::{Link, Page};
use crate::present::see_other;

/// `templates/admin/connection_on.html`.
#[derive(Template)]
#[template(path = "admin/connection_on.html")]
struct OnTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Back to the connection.
    back: String,
    name: String,
    /// The latest version, as it is shown.
    version: i32,
    /// What it can be switched on as.
    choices: Vec<Radio>,
    error: Option<String>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Off,
    On,
}

/// `GET …/switch-off`.
pub(crate) async fn get_off(admin: Admin, Named(id): Named<ConnectionId>) -> Answer {
    show(&admin, (id, Way::Off), ("", None)).await
}

/// `GET …/switch-on`.
pub(crate) async fn get_on(admin: Admin, Named(id): Named<ConnectionId>) -> Answer {
    show(&admin, (id, Way::On), ("", None)).await
}

/// `POST …/switch-off`: once its name was typed.
pub(crate) async fn post_off(Named(id): Named<ConnectionId>, Submitted { admin, form }: Submitted) -> Answer {
    let (connection, _) = find(&admin, id).await?;
    let wanted = check_word(form.text("word"), connection.name.as_str()).map(|()| WantedState {
        state: ConnectionState::Disabled,
        version: form.number("version"),
        proof: Proof::Tested,
    });
    change(&admin, (id, Way::Off), wanted).await
}

/// `POST …/switch-on`: as what was chosen.
pub(crate) async fn post_on(Named(id): Named<ConnectionId>, Submitted { admin, form }: Submitted) -> Answer {
    let chosen = ConnectionState::from_text(form.text("state")).filter(|state| {
        matches!(state, ConnectionState::Active | ConnectionState::Draft | ConnectionState::Pilot)
    });
    let wanted = chosen.ok_or_else(|| ChangeError::invalid("/state", "choose for whom"));
    let (version, proof) = (form.number("version"), Proof::Tested);
    change(&admin, (id, Way::On), wanted.map(|state| WantedState { state, version, proof })).await
}

async fn change(
    admin: &Admin,
    (id, way): (ConnectionId, Way),
    wanted: Result<WantedState, ChangeError>,
) -> Answer {
    let state = wanted.as_ref().map_or("", |wanted| wanted.state.as_str());
    let moved = match wanted {
        Ok(wanted) => move_connection(&admin.env, &admin.caller, id, wanted).await.map(drop),
        Err(error) => Err(error),
    };
    let Err(error) = moved else {
        let said = if way == Way::Off { "off" } else { state };
        return Ok(done(admin, (&format!("/connections/{id}"), Part::Connections.permission()), said));
    };
    let mut refusal = refusal(admin, &error)?;
    if matches!(error, ChangeError::Stale) {
        "Somebody saved a newer version meanwhile: this page shows it as it is now. Look at it, and decide anew."
            .clone_into(&mut refusal.wrong.why);
    }
    show(admin, (id, way), (state, Some(refusal))).await
}

async fn find(admin: &Admin, id: ConnectionId) -> Result<(Connection, Condition), Instead> {
    let reader = admin.reading(Part::Connections.permission())?;
    admin.found(find_condition(&admin.env, &reader, id).await)
}

async fn show(
    admin: &Admin,
    (id, way): (ConnectionId, Way),
    (chosen, refusal): (&str, Option<Refusal>),
) -> Answer {
    let (connection, condition) = find(admin, id).await?;
    let is_off = connection.state == ConnectionState::Disabled;
    Ok(match way {
        Way::Off if connection.state.may_become(ConnectionState::Disabled) && !is_off => {
            switch_off(&connection).ask(admin, refusal)
        }
        Way::On if is_off => ask_on(admin, (&connection, &condition), (chosen, refusal)),
        // Somebody was first, or it was never on.
        _ => see_other(&admin.env.issuer.at(&admin.href(&format!("/connections/{id}")))),
    })
}

fn switch_off(connection: &Connection) -> Question<'_> {
    let state = Badge::of(connection.state).label;
    Question {
        at: (Part::Connections, format!("/connections/{}", connection.id), "/switch-off"),
        name: connection.name.as_str(),
        before: "Switch".to_owned(),
        after: " off",
        points: vec![
            format!("Nobody signs in by it from now on. It is “{state}” now."),
            "Sessions that began through it end, and applications are told within seconds.".to_owned(),
            "People who have a password, or another identity provider, can still sign in by that.".to_owned(),
            "Its settings, domains and users are kept, and it can be switched on again.".to_owned(),
        ],
        word: Some(("its name", connection.name.as_str())),
        version: Some(connection.latest_version.to_string()),
        verb: "Switch off".to_owned(),
        refused: "Nothing was changed",
    }
}

fn ask_on(
    admin: &Admin,
    of: (&Connection, &Condition),
    (chosen, refusal): (&str, Option<Refusal>),
) -> Response {
    let (connection, _) = of;
    let back = admin.href(&format!("/connections/{}", connection.id));
    let name = connection.name.as_str().to_owned();
    let above = Link { label: name.clone(), href: back.clone() };
    let status = refusal.as_ref().map_or(StatusCode::OK, |refusal| refusal.status);
    let template = OnTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Connections, vec![above]),
        csrf: admin.token(),
        here: format!("{back}/switch-on"),
        back,
        name,
        version: connection.latest_version,
        choices: choices(of, chosen),
        error: refusal.map(|refusal| refusal.wrong.why),
    };
    admin.render(status, &template)
}

/// What it can be switched on as: for anybody, only if it was tested as it is now. What was chosen before is not known, so nothing
/// is chosen for them.
fn choices((connection, condition): (&Connection, &Condition), chosen: &str) -> Vec<Radio> {
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
    let shown = open.map(|(value, label, hint, _)| Radio {
        value,
        label,
        hint,
        is_chosen: value == chosen || !is_tested,
    });
    shown.collect()
}
