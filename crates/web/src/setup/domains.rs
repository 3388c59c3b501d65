//! Step 5: the domains whose addresses a connection may assert.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::email::DomainName;
use orgate_domain::setup::SetupPurpose;
use orgate_flows::setup::rollout::{choose_domains, fingerprint, texts};

use super::frame::{Frame, Notice, Step, page, retry};
use super::{OfConnection, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/domains.html`.
#[derive(Template)]
#[template(path = "setup/domains.html")]
struct DomainsPage {
    page: Page,
    frame: Frame,
    seen: String,
    domains: Vec<(String, bool)>,
    next: String,
    is_for_domains: bool,
}

/// Shows which the connection serves.
pub(crate) async fn get(of: OfConnection) -> Response {
    let chosen = texts(&of.detail.connection.domains);
    show(&of, &chosen, (StatusCode::OK, Vec::new()))
}

/// Serves others.
pub(crate) async fn post(submitted: Submitted<OfConnection>) -> Response {
    let Submitted { of, form } = submitted;
    let chosen: Vec<String> = form.all("domain").map(str::to_owned).collect();
    let domains: Vec<DomainName> = chosen.iter().filter_map(|text| DomainName::parse(text).ok()).collect();
    let at = (of.detail.connection.id, form.text("seen"));
    let done = choose_domains(&of.open.env, &of.open.setup, at, &domains, of.open.origin()).await;
    match done.map_err(|error| retry(&of.open, error)) {
        Ok(()) => see_other(&of.open.env.issuer.at(&Step::Test.href(&of.detail))),
        Err(Ok(again)) => show(&of, &chosen, (again.status, vec![again.notice])),
        Err(Err(response)) => *response,
    }
}

fn show(of: &OfConnection, chosen: &[String], (status, notices): (StatusCode, Vec<Notice>)) -> Response {
    let domains = texts(&of.detail.domains).into_iter().map(|domain| {
        let is_chosen = chosen.contains(&domain);
        (domain, is_chosen)
    });
    let template = DomainsPage {
        page: page(&of.open),
        frame: Frame::of_step(of, Step::Domains).with(notices),
        seen: fingerprint(&texts(&of.detail.connection.domains)),
        domains: domains.collect(),
        next: Step::Test.href(&of.detail),
        is_for_domains: of.open.setup.is_for(SetupPurpose::Domains),
    };
    render(status, &template, None)
}
