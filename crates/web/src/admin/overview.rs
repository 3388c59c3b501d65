//! The first page: how things stand, and what happened last.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::audit::Action;
use orgate_domain::connections::ConnectionState;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::audit::list_latest;
use orgate_flows::manage::connections::{Condition, list_conditions};
use orgate_flows::manage::statistics::{RECENT_DAYS, find_statistics};
use orgate_flows::manage::users::INACTIVE_DAYS;

use super::Admin;
use super::answers::Answer;
use super::chart::Chart;
use super::connections::{Certificate, SHOWN, Seen};
use super::events::EventLine;
use super::frame::{Frame, Part};
use crate::page::Page;

/// Days that the chart has.
const DAYS: u16 = 30;

/// Days for which a failed sign-in through a connection is worth a word.
const FAILED_DAYS: i64 = 7;

/// Events shown.
const EVENTS: u32 = 8;

/// `templates/admin/overview.html`.
#[derive(Template)]
#[template(path = "admin/overview.html")]
struct OverviewTemplate {
    page: Page,
    frame: Frame,
    numbers: Vec<Number>,
    /// Connections that somebody should look at.
    concerns: Vec<Concern>,
    chart: Chart,
    /// Where to invite, if they may.
    invite: Option<String>,
    /// Whether nobody is there but whoever looks.
    is_new: bool,
    /// The last ones, if they may see them.
    events: Option<Vec<EventLine>>,
    /// Where all of them are.
    log: String,
}

/// A connection that somebody should look at, and why.
struct Concern {
    href: String,
    name: String,
    /// The last sign-in that failed, if it did of late.
    failed: Option<Seen>,
    /// The certificate, if it has ended, or does soon.
    certificate: Option<Certificate>,
}

impl Concern {
    /// `None`: there is nothing to look at.
    fn of(admin: &Admin, condition: &Condition, now: DateTime<Utc>) -> Option<Self> {
        let is_open = matches!(condition.state, ConnectionState::Pilot | ConnectionState::Active);
        let failed = condition.failed.as_ref().filter(|trace| (now - trace.at).num_days() < FAILED_DAYS);
        let failed = failed.map(|trace| Seen::of(trace, now));
        let certificate = condition.certified_until.map(|until| Certificate::of(until, now));
        let certificate = certificate.filter(|certificate| certificate.is_over || certificate.is_soon);
        (is_open && (failed.is_some() || certificate.is_some())).then(|| Self {
            href: admin.href(&format!("{}/{}", SHOWN.0, condition.id)),
            name: condition.name.clone(),
            failed,
            certificate,
        })
    }
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
    let (env, caller, now) = (&admin.env, &admin.caller, admin.env.clock.now());
    let statistics = find_statistics(env, caller, DAYS).await?;
    let of = |permission, path| caller.asking(permission).map(|_| admin.href(path));
    let mut numbers = vec![
        Number {
            label: "Active users",
            count: statistics.users.to_string(),
            note: statistics
                .seats
                .map_or_else(|| "No limit of seats".to_owned(), |limit| format!("{limit} seats in all")),
            href: of(OrgatePermission::UsersRead, "/users"),
        },
        Number {
            label: "Signed in lately",
            count: statistics.recent.to_string(),
            note: format!("Within {RECENT_DAYS} days"),
            href: None,
        },
        Number {
            label: "Inactive users",
            count: statistics.inactive.to_string(),
            note: format!("Not for {INACTIVE_DAYS} days"),
            href: of(OrgatePermission::UsersRead, "/users?show=inactive"),
        },
        Number {
            label: "Open invitations",
            count: statistics.invitations.to_string(),
            note: "Waiting to be accepted".to_owned(),
            href: of(OrgatePermission::InvitationsRead, "/invitations"),
        },
    ];
    let conditions = match caller.asking(SHOWN.1) {
        Some(caller) => Some(list_conditions(env, &caller).await?),
        None => None,
    };
    if let Some(conditions) = &conditions {
        numbers.push(Number { href: Some(admin.href(SHOWN.0)), ..of_connections(conditions) });
    }
    let events = events(admin).await?;
    Ok(OverviewTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Overview),
        numbers,
        concerns: conditions
            .iter()
            .flatten()
            .filter_map(|condition| Concern::of(admin, condition, now))
            .collect(),
        chart: Chart::of(&statistics.days),
        invite: of(OrgatePermission::InvitationsManage, "/invitations/new"),
        is_new: statistics.users <= 1 && statistics.invitations == 0,
        events,
        log: admin.href("/audit"),
    })
}

/// What happened last, if they may see it.
async fn events(admin: &Admin) -> Result<Option<Vec<EventLine>>, Failure> {
    let Some(caller) = admin.caller.asking(OrgatePermission::AuditRead) else { return Ok(None) };
    let found = list_latest(&admin.env, &caller, (&Action::BY_ITSELF, EVENTS)).await?;
    let now = admin.env.clock.now();
    Ok(Some(found.iter().map(|event| EventLine::of(admin, event, now)).collect()))
}

/// How many connections there are, and how many in each state of which there are any.
fn of_connections(connections: &[Condition]) -> Number {
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
