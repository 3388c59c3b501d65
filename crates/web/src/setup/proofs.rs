//! The organization's domains: claiming one, and proving it by a DNS record.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::domains::OrgDomain;
use orgate_domain::email::DomainName;
use orgate_domain::setup::SetupPurpose;
use orgate_flows::domains::{By, DomainError, DomainTerms, claim, verify};
use orgate_flows::setup::connections::org_domains;

use super::frame::{Frame, Notice, page, time};
use super::{Open, Submitted};
use crate::page::{Page, render};
use crate::present::see_other;

/// `templates/setup/all_domains.html`.
#[derive(Template)]
#[template(path = "setup/all_domains.html")]
struct AllDomainsPage {
    page: Page,
    frame: Frame,
    domains: Vec<Row>,
    is_for_domains: bool,
    typed: String,
    error: Option<String>,
}

/// A domain of the list.
struct Row {
    name: String,
    state: &'static str,
    is_verified: bool,
    /// What its state means, where that is not plain.
    remark: Option<String>,
    /// What is to be put into the zone, where that is still to do.
    record: Option<Record>,
    subdomains: bool,
    shared: bool,
}

struct Record {
    name: String,
    /// The name as many DNS hosts want it: without the domain.
    short: String,
    text: String,
}

/// What went wrong with the form.
enum Wrong {
    /// The field of a new domain: what was typed, and why it is not taken.
    New(String, String),
    /// A domain of the list.
    Proof(Notice),
}

/// The organization's domains.
pub(crate) async fn get(open: Open) -> Response {
    show(&open, StatusCode::OK, None).await
}

/// Claims a domain.
pub(crate) async fn post(submitted: Submitted<Open>) -> Response {
    let Submitted { of: open, form } = submitted;
    let typed = form.text("domain");
    let Ok(name) = DomainName::parse(typed) else {
        let why = "That is not a domain. Enter what stands after the @ of your addresses, like example.com.";
        return refuse(&open, Wrong::New(typed.to_owned(), why.to_owned())).await;
    };
    match claim(&open.env, By::setup(&open.setup), &name).await {
        Ok(_) => see_other(&open.env.issuer.at("/setup/domains")),
        Err(DomainError::PublicMail(name)) => {
            let why = format!("Anybody can get an address at {name}, so it cannot be one organization’s.");
            refuse(&open, Wrong::New(typed.to_owned(), why)).await
        }
        Err(DomainError::PublicSuffix(name)) => {
            let why = format!("Anybody can register names below {name}, so it cannot be one organization’s.");
            refuse(&open, Wrong::New(typed.to_owned(), why)).await
        }
        Err(error) => other(&open, error),
    }
}

/// Looks for the record of a domain.
pub(crate) async fn post_verify(submitted: Submitted<Open>) -> Response {
    let Submitted { of: open, form } = submitted;
    let Ok(name) = DomainName::parse(form.text("domain")) else {
        return see_other(&open.env.issuer.at("/setup/domains"));
    };
    let terms = DomainTerms { shared: form.is_ticked("shared"), subdomains: form.is_ticked("subdomains") };
    match verify(&open.env, By::setup(&open.setup), &name, terms).await {
        Ok(()) => see_other(&open.env.issuer.at("/setup/domains")),
        Err(
            error @ (DomainError::NoRecord { .. }
            | DomainError::Unreachable(_)
            | DomainError::Held(_)
            | DomainError::Verified(_)
            | DomainError::CoolingOff(..)),
        ) => refuse(&open, Wrong::Proof(explain(&error))).await,
        Err(error) => other(&open, error),
    }
}

fn explain(error: &DomainError) -> Notice {
    match error {
        DomainError::NoRecord { name, .. } => Notice::bad(
            "The record is not there yet",
            format!(
                "We looked for a TXT record at {name} and did not find this text. New records can take an hour to be \
                 seen everywhere; then try again. If it stays like this, compare name and value: some DNS hosts add \
                 the domain to the name by themselves."
            ),
        ),
        DomainError::Unreachable(domain) => Notice::bad(
            "Your name servers did not answer",
            format!("We could not ask for records of {domain}. Please try again in a few minutes."),
        ),
        DomainError::Held(domain) => Notice::bad(
            "The domain is taken",
            format!(
                "You control {domain}, but another organization here has it. If that is yours, too, it can share the \
                 domain or hand it over: ask whoever sent you this link."
            ),
        ),
        DomainError::CoolingOff(domain, due) => Notice::bad(
            "The domain is on its way to you",
            format!(
                "{domain} can be taken over from {} on. Until then its present organization may object.",
                time(*due)
            ),
        ),
        DomainError::Verified(domain) => Notice::bad(
            "The domain is verified already",
            format!("How far {domain} reaches is changed by whoever sent you this link: ask them."),
        ),
        other => Notice::bad("That did not work", other.to_string()),
    }
}

fn other(open: &Open, error: DomainError) -> Response {
    match error {
        DomainError::Setup(error) => open.refuse(&error),
        DomainError::Failure(failure) => open.refuse(&failure.into()),
        // Claimed or released in another window.
        _ => see_other(&open.env.issuer.at("/setup/domains")),
    }
}

async fn refuse(open: &Open, wrong: Wrong) -> Response {
    show(open, StatusCode::UNPROCESSABLE_ENTITY, Some(wrong)).await
}

async fn show(open: &Open, status: StatusCode, wrong: Option<Wrong>) -> Response {
    let domains = match org_domains(&open.env, &open.setup).await {
        Ok(domains) => domains,
        Err(error) => return open.refuse(&error),
    };
    let (mut typed, mut error, mut notices) = (String::new(), None, Vec::new());
    match wrong {
        Some(Wrong::New(was, why)) => (typed, error) = (was, Some(why)),
        Some(Wrong::Proof(notice)) => notices.push(notice),
        None => {}
    }
    let template = AllDomainsPage {
        page: page(open),
        frame: Frame::of(open).with(notices),
        domains: domains.iter().map(row).collect(),
        is_for_domains: open.setup.is_for(SetupPurpose::Domains),
        typed,
        error,
    };
    render(status, &template, None)
}

fn row(domain: &OrgDomain) -> Row {
    let is_verified = domain.verified_at.is_some();
    let (state, remark) = match (is_verified, domain.failing_since) {
        (false, _) => ("To be proven", None),
        (true, None) => ("Verified", None),
        (true, Some(since)) => {
            let until = time(since + orgate_domain::domains::GRACE);
            (
                "Record missing",
                Some(format!(
                    "Its record has been missing. If it is not back by {until}, the domain is not verified any more."
                )),
            )
        }
    };
    let is_open = !is_verified || domain.failing_since.is_some();
    let record = domain.record_text().filter(|_| is_open).map(|text| Record {
        name: domain.record_name(),
        short: orgate_domain::domains::CHALLENGE_LABEL.to_owned(),
        text,
    });
    Row {
        name: domain.name.to_string(),
        state,
        is_verified,
        remark,
        record,
        subdomains: domain.subdomains,
        shared: domain.shared,
    }
}
