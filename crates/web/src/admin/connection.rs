//! One connection: what it is, who signs in by it, and how it does. It is changed in the set-up.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::ids::ConnectionId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::Connection;
use orgate_flows::manage::connections::{Condition, find_condition};
use orgate_flows::setup::meanings::meaning;

use super::answers::Answer;
use super::connections::{Badge, Certificate, Seen, kind, set_up};
use super::frame::{Frame, Part};
use super::{Admin, Named};
use crate::form::LinkQuery;
use crate::page::Page;

/// Addresses of a pilot that are shown.
const SHOWN_PILOTS: usize = 20;

/// `templates/admin/connection.html`.
#[derive(Template)]
#[template(path = "admin/connection.html")]
struct ConnectionTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// The address of this page.
    here: String,
    /// Where the form goes that opens the set-up, if they may.
    set_up: Option<String>,
    connection: Shown,
    state: Badge,
    certificate: Option<Certificate>,
    tested: Option<Seen>,
    failed: Option<Seen>,
    /// What to do about the check that failed last.
    remedy: Option<&'static str>,
    pilots: Vec<String>,
    /// How many more there are.
    more_pilots: usize,
    /// Whether it can be switched off, or on again.
    manages: bool,
}

/// What it is.
#[expect(clippy::struct_excessive_bools, reason = "what a page shows and what it does not")]
struct Shown {
    id: String,
    name: String,
    kind: String,
    who: &'static str,
    provider: Option<String>,
    domains: Vec<String>,
    live: Option<i32>,
    latest: i32,
    is_pending: bool,
    is_off: bool,
    is_for_pilot: bool,
    can_switch_off: bool,
}

impl Shown {
    fn of(connection: &Connection, condition: &Condition) -> Self {
        let is_open = matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active);
        let live = connection.live_version.filter(|_| is_open);
        Self {
            id: connection.id.to_string(),
            name: connection.name.as_str().to_owned(),
            kind: kind(connection),
            who: who(connection.state),
            provider: condition.provider.clone(),
            domains: connection.domains.iter().map(ToString::to_string).collect(),
            live,
            latest: connection.latest_version,
            is_pending: live.is_some_and(|live| live != connection.latest_version),
            is_off: connection.state == ConnectionState::Disabled,
            is_for_pilot: connection.state == ConnectionState::Pilot,
            can_switch_off: connection.state.may_become(ConnectionState::Disabled),
        }
    }
}

/// Who signs in by a connection in this state.
const fn who(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Draft => "Nobody yet: it is being set up.",
        ConnectionState::Tested => "Nobody yet: it was tested, and is not live.",
        ConnectionState::Pilot => "The people of its pilot, and nobody else.",
        ConnectionState::Active => "Everybody whom the provider lets in.",
        ConnectionState::Disabled => "Nobody: it is switched off.",
    }
}

/// `GET …/connections/{connection}`.
pub(crate) async fn get(
    admin: Admin,
    Named(id): Named<ConnectionId>,
    LinkQuery(params): LinkQuery,
) -> Answer {
    let said = match params.get("done") {
        Some("off") => Some("It is switched off. Nobody signs in by it any more."),
        Some("active") => Some("It is on again, for everybody."),
        Some("pilot") => Some("It is on again, for its pilot."),
        Some("draft") => Some("It is a draft again. Test it in the set-up, and then make it live."),
        _ => None,
    };
    let (connection, condition) = admin.found(find_condition(&admin.env, &admin.caller, id).await)?;
    Ok(show(&admin, (&connection, condition), said))
}

fn show(
    admin: &Admin,
    (connection, condition): (&Connection, Condition),
    said: Option<&'static str>,
) -> Response {
    let now = admin.env.clock.now();
    let seen = |trace| Seen::of(trace, now);
    let last_failure = condition.tested.as_ref().and_then(|trace| trace.failed_check.as_deref());
    let more_pilots = condition.pilots.len().saturating_sub(SHOWN_PILOTS);
    let template = ConnectionTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Connections, Vec::new()).saying(said),
        csrf: admin.token(),
        here: admin.href(&format!("/connections/{}", connection.id)),
        set_up: set_up(admin),
        connection: Shown::of(connection, &condition),
        state: Badge::of(connection.state),
        certificate: condition.certified_until.map(|until| Certificate::of(until, now)),
        tested: condition.tested.as_ref().map(seen),
        failed: condition.failed.as_ref().map(seen),
        remedy: last_failure.and_then(meaning).and_then(|meaning| meaning.remedy),
        pilots: condition.pilots.into_iter().take(SHOWN_PILOTS).collect(),
        more_pilots,
        manages: admin.caller.asking(OrgatePermission::ConnectionsManage).is_some(),
    };
    admin.render(StatusCode::OK, &template)
}
