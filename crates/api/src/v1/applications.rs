//! `/organizations/{organization}/applications`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::ClientId;
use orgate_flows::Env;
use orgate_flows::manage::applications::{grant_application, list_applications, revoke_application};

use super::admitted::Admitted;
use super::body::{Named, Private, private};
use super::clients::{Clients, Summary};
use super::page::{PageQuery, Paged};
use super::problem::Problem;

/// List the applications that the users of an organization may sign in to, and the machines that may act in it: its own,
/// everybody's, and those that it was granted.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/applications",
    tag = "Applications",
    operation_id = "listApplications",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Clients)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<ClientId>,
) -> Result<Private<Clients>, Problem> {
    let page = list_applications(&env, &caller, page).await?;
    Ok(Private(page.map(|client| Summary::of(client, &caller)).into()))
}

/// Let an organization use an application of the operator's, of audience `granted`. To do it again changes nothing.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/applications/{client}",
    tag = "Applications",
    operation_id = "grantApplication",
    params(("client" = String, Path, description = "Its id")),
    responses((status = 204, description = "The organization may use it")),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(operator): Admitted,
    Named(id): Named<ClientId>,
) -> Result<Response, Problem> {
    grant_application(&env, &operator, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Take that back: nothing is issued there any more. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/applications/{client}",
    tag = "Applications",
    operation_id = "revokeApplication",
    params(("client" = String, Path, description = "Its id")),
    responses((status = 204, description = "The organization may not use it")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(operator): Admitted,
    Named(id): Named<ClientId>,
) -> Result<Response, Problem> {
    revoke_application(&env, &operator, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
