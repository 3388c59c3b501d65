//! E-mail domains: those that the organization has, and claiming another one.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::domains::{GRACE, OrgDomain};
use orgate_domain::email::DomainName;
use orgate_domain::ids::DomainId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::domains::{claim_domain, list_domains};
use orgate_flows::manage::{ChangeError, PageOf};

use super::answers::Answer;
use super::change::{Refusal, done, refusal_on};
use super::frame::{Frame, Pager, Part};
use super::{Admin, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::setup::day;

/// Domains on one page.
const ON_A_PAGE: usize = 50;

/// Where domains are shown, and to whom.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/domains", OrgatePermission::DomainsRead);

/// `templates/admin/domains.html`.
#[derive(Template)]
#[template(path = "admin/domains.html")]
struct DomainsTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    domains: Vec<DomainLine>,
    pager: Pager,
    /// Whether they may claim one.
    manages: bool,
    /// What was typed.
    typed: String,
    error: Option<String>,
}

/// One domain.
struct DomainLine {
    href: String,
    name: String,
    state: DomainState,
    reach: &'static str,
    checked: Option<Moment>,
}

/// Whether a domain leads here.
pub(super) struct DomainState {
    pub(super) label: &'static str,
    /// A class: `recent`, `refused`, or none.
    pub(super) look: &'static str,
    /// Until when its record has to be back.
    pub(super) lapses: Option<String>,
    pub(super) is_verified: bool,
}

impl DomainState {
    pub(super) fn of(domain: &OrgDomain) -> Self {
        let is_verified = domain.verified_at.is_some();
        let failing = domain.failing_since.filter(|_| is_verified);
        let (label, look) = match (is_verified, failing) {
            (false, _) => ("To be proven", ""),
            (true, None) => ("Verified", "recent"),
            (true, Some(_)) => ("Record missing", "refused"),
        };
        Self { label, look, lapses: failing.map(|since| day(since + GRACE)), is_verified }
    }
}

/// How far a domain reaches.
pub(super) const fn reach(domain: &OrgDomain) -> &'static str {
    match (domain.subdomains, domain.shared) {
        (false, false) => "Itself alone",
        (true, false) => "With everything below it",
        (false, true) => "Itself alone, shared with other organizations",
        (true, true) => "With everything below it, shared with other organizations",
    }
}

impl DomainLine {
    fn of(admin: &Admin, domain: &OrgDomain, now: DateTime<Utc>) -> Self {
        let state = DomainState::of(domain);
        Self {
            href: admin.href(&format!("/domains/{}", domain.id)),
            name: domain.name.to_string(),
            reach: if state.is_verified { reach(domain) } else { "" },
            checked: domain.checked_at.map(|at| Moment::of(at, now)),
            state,
        }
    }
}

/// `GET …/domains`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let said = match params.get("done") {
        Some("given-up") => Some("The domain is given up. It leads nobody here any more."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse::<DomainId>().ok());
    show(&admin, after, (said, None)).await
}

/// `POST …/domains`: claims one, and shows the record that will prove it.
pub(crate) async fn post(Submitted { admin, form }: Submitted) -> Answer {
    let typed = form.text("name");
    let claimed = match DomainName::parse(typed) {
        Ok(name) => claim_domain(&admin.env, &admin.caller, &name, None).await,
        Err(_) => Err(ChangeError::invalid(
            "/name",
            "that is not a domain: enter what stands after the @ of your addresses, like example.com",
        )),
    };
    let error = match claimed {
        Ok(domain) => return Ok(done(&admin, (&format!("/domains/{}", domain.id), SHOWN.1), "claimed")),
        Err(error) => error,
    };
    let refusal = refusal_on(SHOWN.1, &admin, &error)?;
    show(&admin, None, (None, Some((refusal, typed)))).await
}

async fn show(
    admin: &Admin,
    after: Option<DomainId>,
    (said, refused): (Option<&'static str>, Option<(Refusal, &str)>),
) -> Answer {
    let Some(reader) = admin.caller.asking(SHOWN.1) else { return Ok(admin.done()) };
    let found = admin.read(list_domains(&admin.env, &reader, PageOf { after, limit: ON_A_PAGE }).await)?;
    let (here, now) = (admin.href(SHOWN.0), admin.env.clock.now());
    let status = refused.as_ref().map_or(StatusCode::OK, |(refusal, _)| refusal.status);
    let template = DomainsTemplate {
        page: admin.page(),
        frame: Frame::of(admin, Part::Domains).saying(said),
        csrf: admin.token(),
        domains: found.items.iter().map(|domain| DomainLine::of(admin, domain, now)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        manages: admin.caller.asking(OrgatePermission::DomainsManage).is_some(),
        typed: refused.as_ref().map_or_else(String::new, |(_, typed)| (*typed).to_owned()),
        error: refused.map(|(refusal, _)| refusal.wrong.why),
        here,
    };
    Ok(admin.render(status, &template))
}
