//! `/organizations/{organization}/quotas`.

use axum::extract::State;
use orgate_domain::quotas::Quota;
use orgate_flows::Env;
use orgate_flows::manage::quotas::{QuotaState, list_quotas, set_quota};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private};
use super::problem::Problem;

/// How many things of a kind an organization may have, and has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quota)]
pub(crate) struct View {
    /// Of which kind: `api_keys`, `clients`, `connections`, `domains`, `groups`, `roles` or `webhooks`.
    quota: &'static str,
    /// How many there may be.
    limit: u32,
    /// Whether that is as usual: the operator said nothing.
    usual: bool,
    /// How many there are; of API keys, those that are good.
    used: i64,
}

/// All quotas of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quotas)]
pub(crate) struct Views {
    items: Vec<View>,
}

/// How many there are to be at most.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = QuotaChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// How many: up to ten times what is usual; null: as many as usual.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, maximum = 10_000)]
    limit: Option<u32>,
}

impl From<QuotaState> for View {
    fn from(QuotaState { quota, limit, is_usual, used }: QuotaState) -> Self {
        Self { quota: quota.as_str(), limit, usual: is_usual, used }
    }
}

/// List how many things of each kind an organization may have, and has.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/quotas",
    tag = "Organizations",
    operation_id = "listQuotas",
    responses((status = 200, description = "All of them", body = Views)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Views>, Problem> {
    let items = list_quotas(&env, &caller).await?.into_iter().map(View::from).collect();
    Ok(Private(Views { items }))
}

/// Say how many things of a kind an organization may have. What there is stays, if it is more. For operators.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/quotas/{quota}",
    tag = "Organizations",
    operation_id = "setQuota",
    params(("quota" = String, Path, description = "Of which kind, such as `connections`")),
    request_body = Wanted,
    responses((status = 200, description = "The quota", body = View)),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(quota): Named<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Private<View>, Problem> {
    let quota = Quota::parse(&quota).ok_or_else(Problem::not_found)?;
    Ok(Private(set_quota(&env, &caller, (quota, wanted.limit)).await?.into()))
}
