//! Step 6: a dry run, and what came of it and of every other sign-in.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::ConnectionState;
use orgate_domain::ids::TraceId;
use orgate_edge::{ParamsRejection, QueryParams};
use orgate_flows::federation::begin::BeginError;
use orgate_flows::setup::connections::{Detail, detail, test};
use orgate_flows::setup::meanings::meaning;
use orgate_flows::setup::traces::{Check, MappedUser, TraceDocument, find_trace};
use orgate_flows::setup::{SetupError, StoredTrace};

use super::frame::{Frame, Notice, Step, page, time};
use super::{OfConnection, Open, refusals};
use crate::page::{Page, failed, render};
use crate::present;
use crate::sso::{self, Toward};
use crate::words::words;

/// Traces on the page of the step.
const LISTED: usize = 15;

/// `templates/setup/test.html`.
#[derive(Template)]
#[template(path = "setup/test.html")]
struct TestPage {
    page: Page,
    frame: Frame,
    /// The latest version, once there is one.
    version: i32,
    is_tested: bool,
    is_off: bool,
    begin_href: String,
    provider_href: String,
    next: String,
    traces: Vec<Row>,
}

struct Row {
    href: String,
    when: String,
    what: &'static str,
    version: i32,
    failed: Option<String>,
    request: Option<String>,
}

/// `templates/setup/trace.html`.
#[derive(Template)]
#[template(path = "setup/trace.html")]
struct TracePage {
    page: Page,
    frame: Frame,
    when: String,
    what: &'static str,
    version: i32,
    is_latest: bool,
    failed: Option<String>,
    request: Option<String>,
    wrong: Vec<Line>,
    right: Vec<Line>,
    mapped: Option<MappedUser>,
    roles: String,
    groups: String,
    withheld: String,
    claims: Vec<(String, String)>,
    document: Option<String>,
    again_href: String,
    mapping_href: String,
    next: String,
}

struct Line {
    label: String,
    meaning: &'static str,
    remedy: &'static str,
    detail: String,
}

/// The step: begin a dry run, and look at those that were.
pub(crate) async fn get_step(of: OfConnection) -> Response {
    step(&of, (StatusCode::OK, Vec::new()))
}

fn step(of: &OfConnection, (status, notices): (StatusCode, Vec<Notice>)) -> Response {
    let connection = &of.detail.connection;
    let version = connection.latest_version;
    let template = TestPage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Test).with(notices),
        version,
        is_tested: version > 0 && connection.tested_version == Some(version),
        is_off: connection.state == ConnectionState::Disabled,
        begin_href: begin_href(&of.open, &of.detail),
        provider_href: Step::Provider.href(&of.detail),
        next: Step::Pilot.href(&of.detail),
        traces: of.detail.traces.iter().take(LISTED).map(row).collect(),
    };
    render(status, &template, None)
}

/// A link, so that no form leads to another site's page; its token is the form's.
fn begin_href(open: &Open, detail: &Detail) -> String {
    format!("{}/begin?token={}", Step::Test.href(detail), open.token())
}

fn row(trace: &StoredTrace) -> Row {
    Row {
        href: format!("/setup/test/{}", trace.id),
        when: time(trace.at),
        what: purpose(&trace.purpose),
        version: trace.version,
        failed: trace.failed_check.as_deref().map(words),
        request: trace.request_id.clone(),
    }
}

fn purpose(text: &str) -> &'static str {
    match text {
        "test" => "Test",
        "link" => "Linking",
        "unsolicited" => "Begun at the provider",
        _ => "Sign-in",
    }
}

/// Sends the browser to the identity provider.
pub(crate) async fn get_begin(of: OfConnection, query: Result<QueryParams, ParamsRejection>) -> Response {
    let open = &of.open;
    let token = query.ok().and_then(|QueryParams(params)| params.get("token").map(str::to_owned));
    if !open.check(token.as_deref().unwrap_or_default()) {
        return refusals::old_page(open);
    }
    match test(&open.env, &open.setup, of.detail.connection.id, &open.cookies.browser).await {
        Ok(Ok(departure)) => sso::depart(&open.env, open.origin(), &departure, Toward::Trial),
        Ok(Err(BeginError::Waiting(error))) => present::waiting_error(&open.env, open.origin(), &error),
        Ok(Err(BeginError::Upstream(error))) => {
            let text =
                format!("We could not begin: {error}. Check the identity provider’s side, then try again.");
            step(
                &of,
                (StatusCode::BAD_GATEWAY, vec![Notice::bad("The identity provider cannot be used", text)]),
            )
        }
        Ok(Err(BeginError::Refused(_))) => {
            let text = "A connection that is switched off cannot be tested. Take it up again first.";
            step(&of, (StatusCode::CONFLICT, vec![Notice::bad("The connection is switched off", text)]))
        }
        Err(SetupError::NotYet(why)) => {
            let notice = Notice::bad("There is nothing to test yet", refusals::not_yet(why));
            step(&of, (StatusCode::CONFLICT, vec![notice]))
        }
        Err(SetupError::Failure(failure)) => failed(&open.env, open.origin(), &failure),
        Err(error) => open.refuse(&error),
    }
}

/// What came of one.
pub(crate) async fn get(open: Open, path: Option<Path<String>>) -> Response {
    let id = path.and_then(|Path(text)| text.parse::<TraceId>().ok());
    let Some(id) = id else { return open.refuse(&SetupError::Missing) };
    let (connection, trace) = match find_trace(&open.env, &open.setup, id).await {
        Ok(found) => found,
        Err(error) => return open.refuse(&error),
    };
    let detail = match detail(&open.env, &open.setup, connection.id).await {
        Ok(detail) => detail,
        Err(error) => return open.refuse(&error),
    };
    let of = OfConnection { open, detail };
    show(&of, &trace)
}

fn show(of: &OfConnection, trace: &StoredTrace) -> Response {
    let read = TraceDocument::read(&trace.trace);
    let claims = read.claims();
    let (roles, groups) = read.withheld();
    let withheld = [roles, groups].concat().join(", ");
    let joined = |list: fn(&MappedUser) -> &Vec<String>| {
        read.mapped.as_ref().map_or_else(String::new, |mapped| list(mapped).join(", "))
    };
    let template = TracePage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Test),
        when: time(trace.at),
        what: purpose(&trace.purpose),
        version: trace.version,
        is_latest: trace.version == of.detail.connection.latest_version,
        failed: trace.failed_check.as_deref().map(words),
        request: trace.request_id.clone(),
        roles: joined(|mapped| &mapped.roles),
        groups: joined(|mapped| &mapped.groups),
        withheld,
        wrong: read.checks.iter().filter(|check| !check.passed).map(line).collect(),
        right: read.checks.iter().filter(|check| check.passed).map(line).collect(),
        claims,
        document: read.document,
        mapped: read.mapped,
        again_href: begin_href(&of.open, &of.detail),
        mapping_href: Step::Mapping.href(&of.detail),
        next: Step::Pilot.href(&of.detail),
    };
    render(StatusCode::OK, &template, None)
}

fn line(check: &Check) -> Line {
    let meaning = meaning(&check.name);
    Line {
        label: words(&check.name),
        meaning: meaning.map_or("", |meaning| meaning.meaning),
        remedy: meaning.and_then(|meaning| meaning.remedy).unwrap_or_default(),
        detail: check.detail.clone(),
    }
}
