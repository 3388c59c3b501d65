//! `/setup/connections` and `/setup/new`: what there is, and beginning something new.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::connections::{ConnectionProtocol, ConnectionState, Vendor};
use orgate_domain::setup::SetupPurpose;
use orgate_edge::{ParamsRejection, QueryParams};
use orgate_flows::setup::SetupError;
use orgate_flows::setup::connections::{create_draft, overview};

use super::frame::{Frame, Notice, page, proposal_href, protocol_name, state_name};
use super::guides::protocols;
use super::{Open, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/overview.html`.
#[derive(Template)]
#[template(path = "setup/overview.html")]
struct OverviewPage {
    page: Page,
    frame: Frame,
    is_for_sso: bool,
    connections: Vec<Row>,
    domains: Vec<String>,
}

struct Row {
    name: String,
    href: String,
    vendor: &'static str,
    protocol: &'static str,
    state: &'static str,
    is_open: bool,
    /// A later version waits.
    is_pending: bool,
    /// Where to look at what its metadata proposes.
    waiting: Option<String>,
}

/// `templates/setup/new.html`.
#[derive(Template)]
#[template(path = "setup/new.html")]
struct NewPage<'a> {
    page: Page,
    frame: Frame,
    vendors: Vec<(&'static str, &'static str)>,
    chosen: Option<Chosen<'a>>,
}

struct Chosen<'a> {
    id: &'static str,
    name: &'static str,
    protocols: Vec<(&'static str, &'static str, &'static str)>,
    protocol: &'a str,
    typed: &'a str,
    error: Option<String>,
}

/// What there is.
pub(crate) async fn get(open: Open) -> Response {
    let found = match overview(&open.env, &open.setup).await {
        Ok(found) => found,
        Err(error) => return open.refuse(&error),
    };
    let rows = found.connections.iter().map(|connection| Row {
        name: connection.name.as_str().to_owned(),
        href: format!(
            "/setup/connections/{}/{}",
            connection.id,
            if connection.latest_version == 0 { "values" } else { "test" }
        ),
        vendor: connection.vendor.name(),
        protocol: protocol_name(connection.protocol),
        state: state_name(connection.state),
        is_open: matches!(connection.state, ConnectionState::Pilot | ConnectionState::Active),
        is_pending: connection.live_version.is_some_and(|live| live != connection.latest_version),
        waiting: found.waiting.contains(&connection.id).then(|| proposal_href(connection.id)),
    });
    let template = OverviewPage {
        page: page(&open),
        frame: Frame { is_inner: false, ..Frame::of(&open) },
        is_for_sso: open.setup.is_for(SetupPurpose::Sso),
        connections: rows.collect(),
        domains: found.domains.iter().map(ToString::to_string).collect(),
    };
    render(StatusCode::OK, &template, None)
}

/// Which provider, and then how it speaks.
pub(crate) async fn get_new(open: Open, query: Result<QueryParams, ParamsRejection>) -> Response {
    let vendor = query.ok().and_then(|QueryParams(params)| Vendor::from_text(params.get("vendor")?));
    let chosen = vendor.map(|vendor| choose(vendor, "", "", None));
    new_page(&open, chosen, (StatusCode::OK, Vec::new()))
}

fn choose<'a>(vendor: Vendor, protocol: &'a str, typed: &'a str, error: Option<String>) -> Chosen<'a> {
    let told = |protocol: &ConnectionProtocol| {
        let hint = match protocol {
            ConnectionProtocol::Oidc => "You copy a client id and a secret; nothing to renew but the secret.",
            ConnectionProtocol::Saml => "You exchange metadata; certificates are renewed every few years.",
        };
        (protocol.as_str(), protocol_name(*protocol), hint)
    };
    let offered = protocols(vendor);
    let first = offered.first().map_or("", |protocol| protocol.as_str());
    Chosen {
        id: vendor.as_str(),
        name: vendor.name(),
        protocols: offered.iter().map(told).collect(),
        protocol: if protocol.is_empty() { first } else { protocol },
        typed: if typed.is_empty() && error.is_none() && vendor != Vendor::Custom {
            vendor.name()
        } else {
            typed
        },
        error,
    }
}

fn new_page(
    open: &Open,
    chosen: Option<Chosen<'_>>,
    (status, notices): (StatusCode, Vec<Notice>),
) -> Response {
    let template = NewPage {
        page: page(open),
        frame: Frame::of_new(open).with(notices),
        vendors: Vendor::ALL.map(|vendor| (vendor.as_str(), vendor.name())).into(),
        chosen,
    };
    render(status, &template, None)
}

/// Makes a draft of it.
pub(crate) async fn post_new(submitted: Submitted<Open>) -> Response {
    let Submitted { of: open, form } = submitted;
    let vendor = Vendor::from_text(form.text("vendor"));
    let protocol = ConnectionProtocol::from_text(form.text("protocol"));
    let (Some(vendor), Some(protocol)) = (vendor, protocol) else {
        return open.refuse(&SetupError::Missing);
    };
    if !protocols(vendor).contains(&protocol) {
        return open.refuse(&SetupError::Missing);
    }
    let name = form.text("name");
    match create_draft(&open.env, &open.setup, (vendor, protocol), name, open.origin()).await {
        Ok(id) => see_other(&open.env.issuer.at(&format!("/setup/connections/{id}/values"))),
        Err(SetupError::Invalid(_)) => {
            let error = "Enter the name that people see on the button, at most 200 characters.".to_owned();
            let chosen = choose(vendor, protocol.as_str(), name, Some(error));
            new_page(&open, Some(chosen), (StatusCode::UNPROCESSABLE_ENTITY, Vec::new()))
        }
        Err(error) => open.refuse(&error),
    }
}
