//! The first page: how things stand, and what happened last.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::audit::Action;
use orgate_domain::connections::ConnectionState;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::audit::list_latest;
use orgate_flows::manage::connections::list_connections;
use orgate_flows::manage::seats::find_seats;
use orgate_flows::manage::{Connection, MAX_PAGE, PageOf};

use super::Admin;
use super::answers::Answer;
use super::events::EventLine;
use super::frame::{Frame, Part};
use crate::page::Page;

/// Events shown.
const EVENTS: u32 = 8;

/// `templates/admin/overview.html`.
#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewTemplate {
    page: Page,
    frame: Frame,
    numbers: Vec<Number>,
    /// Where to invite, if they may.
    invite: Option<String>,
    /// Whether nobody is there but whoever looks.
    is_new: bool,
    /// The last ones, if they may see them.
    events: Option<Vec<EventLine>>,
    /// Where all of them are.
    log: String,
}

/// How many there are of something.
struct Number {
    label: &'static str,
    count: String,
    /// What is to be known beside it.
    note: String,
    /// Where they are, if they may be seen.
    href: Option<String>,
}

/// `GET /admin/{organization}`.
pub(crate) async fn get(admin: Admin) -> Answer {
    let template = admin.read(page(&admin).await)?;
    Ok(admin.render(StatusCode::OK, &template))
}

async fn page(admin: &Admin) -> Result<OverviewTemplate, Failure> {
    let (env, caller) = (&admin.env, &admin.caller);
    let seats = find_seats(env, caller).await?;
    let of = |permission, path| caller.asking(permission).map(|_| admin.href(path));
    let mut numbers = vec![
        Number {
            label: "Active users",
            count: seats.users.to_string(),
            note: seats
                .limit
                .map_or_else(|| "No limit of seats".to_owned(), |limit| format!("{limit} seats in all")),
            href: of(OrgatePermission::UsersRead, "/users"),
        },
        Number {
            label: "Open invitations",
            count: seats.invitations.to_string(),
            note: "Waiting to be accepted".to_owned(),
            href: of(OrgatePermission::InvitationsRead, "/invitations"),
        },
    ];
    if let Some(caller) = caller.asking(OrgatePermission::ConnectionsRead) {
        let all = PageOf { after: None, limit: MAX_PAGE };
        let number = of_connections(&list_connections(env, &caller, all).await?.items);
        numbers.push(Number { href: Some(admin.href("/connections")), ..number });
    }
    let events = match caller.asking(OrgatePermission::AuditRead) {
        Some(caller) => {
            let (found, now) =
                (list_latest(env, &caller, (&Action::BY_ITSELF, EVENTS)).await?, env.clock.now());
            Some(found.iter().map(|event| EventLine::of(admin, event, now)).collect())
        }
        None => None,
    };
    Ok(OverviewTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Overview),
        numbers,
        invite: of(OrgatePermission::InvitationsManage, "/invitations/new"),
        is_new: seats.users <= 1 && seats.invitations == 0,
        events,
        log: admin.href("/audit"),
    })
}

/// How many connections there are, and how many in each state of which there are any.
fn of_connections(connections: &[Connection]) -> Number {
    const STATES: [(ConnectionState, &str); 5] = [
        (ConnectionState::Active, "live"),
        (ConnectionState::Pilot, "live for a pilot"),
        (ConnectionState::Tested, "tested"),
        (ConnectionState::Draft, "being set up"),
        (ConnectionState::Disabled, "switched off"),
    ];
    let count = |state| connections.iter().filter(|connection| connection.state == state).count();
    let states = STATES.map(|(state, words)| (count(state), words));
    let known: Vec<_> = states.iter().filter(|(count, _)| *count > 0).collect();
    let note: Vec<_> = known.iter().map(|(count, words)| format!("{count} {words}")).collect();
    let note = if note.is_empty() { "None connected yet".to_owned() } else { note.join(", ") };
    Number { label: "Identity providers", count: connections.len().to_string(), note, href: None }
}
