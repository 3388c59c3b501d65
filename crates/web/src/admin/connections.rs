//! Connections to identity providers: how each does, and the way into the set-up.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::connections::ConnectionState;
use orgate_domain::ids::ConnectionId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::connections::{Condition, list_conditions, list_connections};
use orgate_flows::manage::setup_links::open_own_setup;
use orgate_flows::manage::{ChangeError, Connection, LastTrace, PageOf};

use super::answers::Answer;
use super::change::answer;
use super::frame::{Frame, Pager, Part};
use super::{Admin, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::present::see_other;
use crate::setup::{day, protocol_name, state_name};
use crate::words::words;

/// Connections on one page.
const ON_A_PAGE: usize = 50;

/// Days before its end from which on a certificate is worth a word.
const SOON: i64 = 30;

/// Where connections are shown, and to whom.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/connections", OrgatePermission::ConnectionsRead);

/// The steps of the set-up that a page here may lead to.
const STEPS: [&str; 7] = ["values", "provider", "mapping", "domains", "test", "pilot", "activate"];

/// `templates/admin/connections.html`.
#[derive(Template)]
#[template(path = "admin/connections.html")]
struct ConnectionsTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// Where the form goes that opens the set-up, if they may.
    set_up: Option<String>,
    connections: Vec<ConnectionLine>,
    pager: Pager,
    links: SetupLinks,
}

/// `templates/admin/setup_links_hint.html`: that somebody else can set it up, by a link.
pub(super) struct SetupLinks {
    /// Where they are, if they may be seen.
    pub(super) all: Option<String>,
    /// Where to make one, if they may.
    pub(super) new: Option<String>,
}

/// One connection.
struct ConnectionLine {
    href: String,
    name: String,
    kind: String,
    state: Badge,
    last: Option<Seen>,
    certificate: Option<Certificate>,
    domains: String,
}

/// A state, and how it looks.
pub(super) struct Badge {
    pub(super) label: &'static str,
    /// A class: `recent`, or none.
    pub(super) look: &'static str,
}

/// What came of something.
pub(super) struct Seen {
    pub(super) at: Moment,
    pub(super) version: i32,
    /// The check that failed, as words.
    pub(super) failed: Option<String>,
}

/// Until when there is a certificate.
pub(super) struct Certificate {
    pub(super) until: String,
    pub(super) is_over: bool,
    pub(super) is_soon: bool,
}

impl Badge {
    pub(super) const fn of(state: ConnectionState) -> Self {
        let is_open = matches!(state, ConnectionState::Pilot | ConnectionState::Active);
        Self { label: state_name(state), look: if is_open { "recent" } else { "" } }
    }
}

impl Seen {
    pub(super) fn of(trace: &LastTrace, now: DateTime<Utc>) -> Self {
        Self {
            at: Moment::of(trace.at, now),
            version: trace.version,
            failed: trace.failed_check.as_deref().map(words),
        }
    }
}

impl Certificate {
    pub(super) fn of(until: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let is_over = until <= now;
        Self { until: day(until), is_over, is_soon: !is_over && (until - now).num_days() < SOON }
    }
}

impl SetupLinks {
    pub(super) fn of(admin: &Admin) -> Self {
        let of = |permission, path| admin.caller.asking(permission).map(|_| admin.href(path));
        Self {
            all: of(OrgatePermission::SetupLinksRead, "/setup-links"),
            new: of(OrgatePermission::SetupLinksManage, "/setup-links/new"),
        }
    }
}

impl ConnectionLine {
    fn of(
        admin: &Admin,
        (connection, condition): (&Connection, Option<&Condition>),
        now: DateTime<Utc>,
    ) -> Self {
        let domains: Vec<_> = connection.domains.iter().map(ToString::to_string).collect();
        Self {
            href: admin.href(&format!("/connections/{}", connection.id)),
            name: connection.name.as_str().to_owned(),
            kind: kind(connection),
            state: Badge::of(connection.state),
            last: condition.and_then(|condition| last(condition, now)),
            certificate: condition
                .and_then(|condition| condition.certified_until)
                .map(|until| Certificate::of(until, now)),
            domains: domains.join(", "),
        }
    }
}

/// Who is at the other end, and what it speaks.
pub(super) fn kind(connection: &Connection) -> String {
    format!("{}, {}", connection.vendor.name(), protocol_name(connection.protocol))
}

/// What came of the last test, or what failed since.
fn last(condition: &Condition, now: DateTime<Utc>) -> Option<Seen> {
    let traces = condition.tested.iter().chain(&condition.failed);
    traces.max_by_key(|trace| trace.at).map(|trace| Seen::of(trace, now))
}

/// Where the form goes that opens the set-up, for whoever may open it: it is by a link of their own.
pub(super) fn set_up(admin: &Admin) -> Option<String> {
    let may = |permission| admin.caller.asking(permission).is_some();
    let may = may(OrgatePermission::SetupLinksManage) && may(OrgatePermission::ConnectionsManage);
    may.then(|| admin.href("/connections/set-up"))
}

/// `GET …/connections`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let after = params.get("after").and_then(|text| text.parse::<ConnectionId>().ok());
    let template = admin.read(page(&admin, after).await)?;
    Ok(admin.render(StatusCode::OK, &template))
}

async fn page(admin: &Admin, after: Option<ConnectionId>) -> Result<ConnectionsTemplate, Failure> {
    let (env, caller, now) = (&admin.env, &admin.caller, admin.env.clock.now());
    let found = list_connections(env, caller, PageOf { after, limit: ON_A_PAGE }).await?;
    let conditions = if found.items.is_empty() { Vec::new() } else { list_conditions(env, caller).await? };
    let of = |id| conditions.iter().find(|condition| condition.id == id);
    let here = admin.href("/connections");
    Ok(ConnectionsTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Connections),
        csrf: admin.token(),
        set_up: set_up(admin),
        connections: found
            .items
            .iter()
            .map(|connection| ConnectionLine::of(admin, (connection, of(connection.id)), now))
            .collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        links: SetupLinks::of(admin),
    })
}

/// `POST …/connections/set-up`: opens the set-up in this browser, by a link that is made for that and shown to nobody.
pub(crate) async fn post_set_up(Submitted { admin, form }: Submitted) -> Answer {
    let connection = form.get("connection").map(str::parse::<ConnectionId>);
    let step = STEPS.into_iter().find(|step| *step == form.text("step"));
    let to = match (connection, step) {
        (None, _) => "/setup/new".to_owned(),
        (Some(Ok(id)), Some(step)) => format!("/setup/connections/{id}/{step}"),
        _ => return answer(&admin, Err(ChangeError::Missing), SHOWN, ""),
    };
    let cookies = &admin.cookies;
    match open_own_setup(&admin.env, &admin.caller, (&cookies.browser, cookies.setup.as_deref())).await {
        Ok(opened) => {
            let mut response = see_other(&admin.env.issuer.at(&to));
            if let Some(cookie) = &opened.cookie {
                let lifetime = (opened.expires_at - admin.env.clock.now()).num_seconds();
                cookies.set_setup(response.headers_mut(), cookie, lifetime);
            }
            Ok(response)
        }
        Err(error) => answer(&admin, Err(error), SHOWN, ""),
    }
}
