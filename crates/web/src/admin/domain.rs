//! One domain: the record that proves it, and whether it is there.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::domains::{CHALLENGE_LABEL, OrgDomain};
use orgate_domain::ids::DomainId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::domains::DomainTerms;
use orgate_flows::manage::connections::list_connections;
use orgate_flows::manage::domains::{Verification, find_domain, verify_domain};
use orgate_flows::manage::{ChangeError, MAX_PAGE, PageOf};

use super::answers::Answer;
use super::change::{answer, done, refusal_on};
use super::domains::{DomainState, SHOWN, reach};
use super::frame::{Frame, Part};
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::{Link, Page};
use crate::setup::time;

/// `templates/admin/domain.html`.
#[derive(Template)]
#[template(path = "admin/domain.html")]
struct DomainTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    /// The address of this page.
    here: String,
    domain: Shown,
    state: DomainState,
    /// Connections that serve it, if they may be seen.
    served_by: Option<Vec<Link>>,
    /// What is ticked in the form.
    terms: DomainTerms,
    /// Why it is not verified.
    notice: Option<Notice>,
    manages: bool,
}

/// What it is.
struct Shown {
    name: String,
    reach: &'static str,
    record: Option<Record>,
    verified: Option<Moment>,
    checked: Option<Moment>,
}

/// The record that proves it.
struct Record {
    name: String,
    /// The name as many DNS hosts want it: without the domain.
    short: &'static str,
    text: String,
}

/// What came of looking for the record.
struct Notice {
    title: &'static str,
    text: String,
}

impl Shown {
    fn of(domain: &OrgDomain, now: DateTime<Utc>) -> Self {
        let record = domain.record_text().map(|text| Record {
            name: domain.record_name(),
            short: CHALLENGE_LABEL,
            text,
        });
        Self {
            name: domain.name.to_string(),
            reach: reach(domain),
            record,
            verified: domain.verified_at.map(|at| Moment::of(at, now)),
            checked: domain.checked_at.map(|at| Moment::of(at, now)),
        }
    }
}

impl Notice {
    /// What it says; `None`: it is verified.
    fn of(domain: &OrgDomain, verification: Verification) -> Option<Self> {
        let (title, text) = match verification {
            Verification::CoolingOff(due) => (
                "The domain is on its way to you",
                format!("It can be taken over from {} on. Until then its present organization may object.", time(due)),
            ),
            Verification::HeldElsewhere => (
                "Another organization has it here",
                "You control the domain, and another organization here has it. If that is yours, too, it can share the domain or hand it over: ask whoever runs this service."
                    .to_owned(),
            ),
            Verification::NoRecord => (
                "The record is not there yet",
                format!(
                    "There is no TXT record {} with this value. New records can take an hour to be seen everywhere; then check again. If it stays like this, compare name and value: some DNS hosts add the domain to the name by themselves.",
                    domain.record_name()
                ),
            ),
            Verification::Unreachable => (
                "The name servers did not answer",
                format!("Those of {} could not be asked. Try again in a few minutes.", domain.name),
            ),
            Verification::Verified => return None,
        };
        Some(Self { title, text })
    }
}

/// `GET …/domains/{domain}`.
pub(crate) async fn get(admin: Admin, Named(id): Named<DomainId>, LinkQuery(params): LinkQuery) -> Answer {
    let said = match params.get("done") {
        Some("claimed") => Some("The domain is claimed. Now prove that it is yours."),
        Some("verified") => Some("The domain is verified. Whoever has an address of it is led here."),
        _ => None,
    };
    let domain = admin.found(find_domain(&admin.env, &admin.caller, id).await)?;
    let terms = DomainTerms { shared: domain.shared, subdomains: domain.subdomains };
    show(&admin, &domain, (StatusCode::OK, said), (terms, None)).await
}

/// `POST …/domains/{domain}/verify`: looks for its record now.
pub(crate) async fn post_verify(Named(id): Named<DomainId>, Submitted { admin, form }: Submitted) -> Answer {
    let terms = DomainTerms { shared: form.is_ticked("shared"), subdomains: form.is_ticked("subdomains") };
    let shown = format!("/domains/{id}");
    let shown = (shown.as_str(), SHOWN.1);
    match verify_domain(&admin.env, &admin.caller, id, terms).await {
        Ok((domain, verification)) => match Notice::of(&domain, verification) {
            None => Ok(done(&admin, shown, "verified")),
            Some(notice) if admin.caller.asking(SHOWN.1).is_some() => {
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                show(&admin, &domain, (status, None), (terms, Some(notice))).await
            }
            Some(notice) => answer(&admin, Err(ChangeError::InUse(notice.text)), shown, ""),
        },
        Err(error) => refused(&admin, id, &error, terms).await,
    }
}

/// What a use case refuses, on the page of the domain, for whoever may read that.
async fn refused(admin: &Admin, id: DomainId, error: &ChangeError, terms: DomainTerms) -> Answer {
    let refusal = refusal_on(SHOWN.1, admin, error)?;
    let domain = admin.found(find_domain(&admin.env, &admin.reading(SHOWN.1)?, id).await)?;
    let notice = Notice { title: "It was not verified", text: refusal.wrong.why };
    show(admin, &domain, (refusal.status, None), (terms, Some(notice))).await
}

async fn show(
    admin: &Admin,
    domain: &OrgDomain,
    (status, said): (StatusCode, Option<&'static str>),
    (terms, notice): (DomainTerms, Option<Notice>),
) -> Answer {
    let served_by = admin.read(served_by(admin, domain).await)?;
    let template = DomainTemplate {
        page: admin.page(),
        frame: Frame::below(admin, Part::Domains, Vec::new()).saying(said),
        csrf: admin.token(),
        here: admin.href(&format!("/domains/{}", domain.id)),
        domain: Shown::of(domain, admin.env.clock.now()),
        state: DomainState::of(domain),
        served_by,
        terms,
        notice,
        manages: admin.caller.asking(OrgatePermission::DomainsManage).is_some(),
    };
    Ok(admin.render(status, &template))
}

async fn served_by(admin: &Admin, domain: &OrgDomain) -> Result<Option<Vec<Link>>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::ConnectionsRead) else { return Ok(None) };
    let all = PageOf { after: None, limit: MAX_PAGE };
    let connections = list_connections(&admin.env, &reader, all).await?.items;
    let serving = connections
        .iter()
        .filter(|connection| connection.domains.iter().any(|served| served.name == domain.name));
    let links = serving.map(|connection| Link {
        label: connection.name.as_str().to_owned(),
        href: admin.href(&format!("/connections/{}", connection.id)),
    });
    Ok(Some(links.collect()))
}
