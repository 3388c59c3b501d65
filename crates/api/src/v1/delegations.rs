//! `/organizations/{organization}/delegations`, and `/organizations/{organization}/suborganizations`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::ids::OrgId;
use orgate_flows::Env;
use orgate_flows::manage::delegations::{end_delegation, list_delegated, list_delegations, set_delegation};
use orgate_flows::manage::{DelegatedOrganization, Delegation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private, private};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// What an organization above is let do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delegation)]
pub(crate) struct View {
    /// The id of the organization above.
    organization: String,
    /// What its people may do here, as far as they hold it there.
    permissions: Vec<String>,
    /// When it was first let in.
    created_at: DateTime<Utc>,
    /// When that was last changed.
    updated_at: DateTime<Utc>,
}

/// All delegations of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delegations)]
pub(crate) struct Views {
    items: Vec<View>,
}

/// What an organization above is to be let do.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = DelegationTerms)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Permissions of Orgate's own, such as `orgate:users:read`; nothing that you do not hold.
    #[schema(min_items = 1, max_items = 100)]
    permissions: Vec<String>,
}

/// An organization that lets yours act in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suborganization)]
pub(crate) struct Below {
    /// Its id.
    id: String,
    /// Its slug.
    slug: String,
    /// Its name.
    name: String,
    /// What may be done there, as far as one holds it here.
    permissions: Vec<String>,
}

impl From<Delegation> for View {
    fn from(delegation: Delegation) -> Self {
        let Delegation { delegate, permissions, created_at, updated_at } = delegation;
        let permissions = permissions.into_iter().collect();
        Self { organization: delegate.to_string(), permissions, created_at, updated_at }
    }
}

impl From<DelegatedOrganization> for Below {
    fn from(below: DelegatedOrganization) -> Self {
        let DelegatedOrganization { id, slug, name, permissions } = below;
        let permissions = permissions.into_iter().collect();
        Self { id: id.to_string(), slug: slug.to_string(), name, permissions }
    }
}

page! {
    /// A page of organizations that let yours act in them.
    Suborganizations as SuborganizationPage of Below
}

/// List which organizations above this one may act in it, and what they may do.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/delegations",
    tag = "Delegations",
    operation_id = "listDelegations",
    responses((status = 200, description = "All of them", body = Views)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Views>, Problem> {
    let items = list_delegations(&env, &caller).await?.into_iter().map(View::from).collect();
    Ok(Private(Views { items }))
}

/// Let an organization above this one act in it: its people may do this, and nothing else, as far as they hold it there and may
/// act below it. It ends when the other one is above no more.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/delegations/{delegate}",
    tag = "Delegations",
    operation_id = "setDelegation",
    params(("delegate" = String, Path, description = "The id of the organization above")),
    request_body = Wanted,
    responses((status = 200, description = "What it is let do", body = View)),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(delegate): Named<OrgId>,
    Body(wanted): Body<Wanted>,
) -> Result<Private<View>, Problem> {
    Ok(Private(set_delegation(&env, &caller, delegate, |_| Ok(wanted.permissions)).await?.into()))
}

/// Let an organization above this one in no more. What its people made stays; their open invitations and set-up links do not.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/delegations/{delegate}",
    tag = "Delegations",
    operation_id = "endDelegation",
    params(("delegate" = String, Path, description = "The id of the organization above")),
    responses((status = 204, description = "It is let in no more")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(delegate): Named<OrgId>,
) -> Result<Response, Problem> {
    end_delegation(&env, &caller, delegate).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// List the organizations below this one that let it act in them, in the order of their making.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/suborganizations",
    tag = "Delegations",
    operation_id = "listSuborganizations",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Suborganizations)),
)]
pub(crate) async fn list_below(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<OrgId>,
) -> Result<Private<Suborganizations>, Problem> {
    Ok(Private(list_delegated(&env, &caller, page).await?.into()))
}
