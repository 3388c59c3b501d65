//! `/organizations/{organization}/domains`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::domains::{GRACE, OrgDomain};
use orgate_domain::email::DomainName;
use orgate_domain::ids::DomainId;
use orgate_flows::Env;
use orgate_flows::domains::DomainTerms;
use orgate_flows::manage::domains::{
    Verification, claim_domain, find_domain, list_domains, release_domain, verify_domain,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private, private};
use super::change::{IfMatch, New, Tagged, created};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// An e-mail domain of an organization's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// The domain.
    #[schema(example = "acme.example")]
    name: String,
    /// When it was verified; null: nobody is led by it yet.
    verified_at: Option<DateTime<Utc>>,
    /// When its zone last answered, since it was verified.
    checked_at: Option<DateTime<Utc>>,
    /// When it is not verified any more, unless its record is back by then. Null: its record is there.
    lapses_at: Option<DateTime<Utc>>,
    /// Whether everything below it belongs to it.
    subdomains: bool,
    /// Whether other organizations may prove it too.
    shared: bool,
    /// The DNS record that proves it, which has to stay; null where an operator vouches for it.
    record: Option<Record>,
}

/// A DNS record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DnsRecord)]
struct Record {
    /// Its name.
    #[schema(example = "_orgate-challenge.acme.example")]
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "TXT")]
    kind: &'static str,
    /// What it says.
    value: String,
}

/// A domain as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewDomain)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The domain: what stands after the @ of the organization's addresses.
    #[schema(max_length = 253, example = "acme.example")]
    name: String,
}

/// How far a domain is to reach, which is settled when it is verified.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DomainTerms)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    /// Whether everything below it belongs to it.
    #[serde(default)]
    subdomains: bool,
    /// Whether other organizations may prove it too.
    #[serde(default)]
    shared: bool,
}

/// What came of looking for a domain's record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DomainVerification)]
pub(crate) struct VerificationView {
    outcome: Outcome,
    /// What it means, and what to do.
    detail: String,
    domain: View,
}

/// See `DomainVerification`.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = DomainOutcome)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    /// It is handed over to the organization; the time in which the former owner may object is not over.
    CoolingOff,
    /// The record is there, but another organization has the domain here.
    HeldElsewhere,
    /// The record is not there, or says something else.
    NoRecord,
    /// The name servers did not answer.
    Unreachable,
    /// The domain is verified.
    Verified,
}

impl From<&OrgDomain> for View {
    fn from(domain: &OrgDomain) -> Self {
        let record =
            domain.record_text().map(|value| Record { name: domain.record_name(), kind: "TXT", value });
        Self {
            id: domain.id.to_string(),
            name: domain.name.to_string(),
            verified_at: domain.verified_at,
            checked_at: domain.checked_at,
            lapses_at: domain.failing_since.map(|since| since + GRACE),
            subdomains: domain.subdomains,
            shared: domain.shared,
            record,
        }
    }
}

impl From<OrgDomain> for View {
    fn from(domain: OrgDomain) -> Self {
        (&domain).into()
    }
}

impl From<(OrgDomain, Verification)> for VerificationView {
    fn from((domain, verification): (OrgDomain, Verification)) -> Self {
        let (outcome, detail) = match verification {
            Verification::CoolingOff(due) => {
                let detail = format!("It can be taken over from {} on: verify it then.", due.to_rfc3339());
                (Outcome::CoolingOff, detail)
            }
            Verification::HeldElsewhere => {
                let detail = "Another organization here has it. It can share it, or hand it over.";
                (Outcome::HeldElsewhere, detail.to_owned())
            }
            Verification::NoRecord => {
                let detail = format!(
                    "There is no TXT record {} that says so yet. New records can take an hour to be seen.",
                    domain.record_name()
                );
                (Outcome::NoRecord, detail)
            }
            Verification::Unreachable => (
                Outcome::Unreachable,
                "Its name servers did not answer. Try again in a few minutes.".to_owned(),
            ),
            Verification::Verified => (Outcome::Verified, "Leave its record where it is.".to_owned()),
        };
        Self { outcome, detail, domain: domain.into() }
    }
}

page! {
    /// A page of domains.
    Domains as DomainPage of View
}

/// List the domains of an organization, claimed or verified, in the order in which they were claimed.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/domains",
    tag = "Domains",
    operation_id = "listDomains",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Domains)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<DomainId>,
) -> Result<Private<Domains>, Problem> {
    Ok(Private(list_domains(&env, &caller, page).await?.into()))
}

/// Claim a domain: put the record that the answer shows into its zone, then verify it. One that the organization has stays as
/// it is.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/domains",
    tag = "Domains",
    operation_id = "claimDomain",
    request_body = Wanted,
    responses((status = 201, description = "The domain, and the record that will prove it", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let name = DomainName::parse(&wanted.name).map_err(|error| Problem::fault("/name", error.to_string()))?;
    let claimed = claim_domain(&env, &caller, &name, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/domains/{}", super::PATH, caller.org_id(), claimed.id);
    Ok(created(env.issuer.at(&at), Tagged(View::from(claimed))))
}

/// Read a domain.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/domains/{domain}",
    tag = "Domains",
    operation_id = "getDomain",
    params(("domain" = String, Path, description = "Its id")),
    responses((status = 200, description = "The domain", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<DomainId>,
) -> Result<Tagged<View>, Problem> {
    let domain = find_domain(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(domain.into()))
}

/// Look for the record of a domain now. If it is there, the domain leads to the organization from now on.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/domains/{domain}/verify",
    tag = "Domains",
    operation_id = "verifyDomain",
    params(("domain" = String, Path, description = "Its id")),
    request_body = Terms,
    responses((status = 200, description = "What came of it", body = VerificationView)),
)]
pub(crate) async fn verify(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<DomainId>,
    Body(terms): Body<Terms>,
) -> Result<Private<VerificationView>, Problem> {
    let terms = DomainTerms { shared: terms.shared, subdomains: terms.subdomains };
    Ok(Private(verify_domain(&env, &caller, id, terms).await?.into()))
}

/// Give a domain up: it leads nobody here any more, and no connection serves it.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/domains/{domain}",
    tag = "Domains",
    operation_id = "releaseDomain",
    params(("domain" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is given up")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<DomainId>,
    only: IfMatch,
) -> Result<Response, Problem> {
    release_domain(&env, &caller, id, |domain| only.check(&View::from(domain))).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
