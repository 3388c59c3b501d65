//! Each organization's own issuer, below its id.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::Router;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use orgate_domain::audit::Origin;
use orgate_domain::ids::OrgId;
use orgate_domain::organizations::OrgStatus;
use orgate_edge::{AppState, CalledIssuer, RequestOrigin};
use orgate_flows::{Called, Env};
use orgate_storage::system::{OrgHint, ResolvedOrg};
use orgate_storage::{OrgScope, StorageError};

/// Their routes.
pub(crate) fn issuers(state: &AppState) -> Router<AppState> {
    let endpoints = orgate_api::issuer(state).merge(orgate_web::issuer());
    let documents = Router::new()
        .nest("/o/{organization}", orgate_api::documents_of_organization())
        .merge(orgate_api::authorization_server_of_organization());
    Router::new()
        .nest("/o/{organization}", endpoints)
        .route_layer(middleware::from_fn_with_state(state.clone(), call_known))
        .merge(documents.route_layer(middleware::from_fn_with_state(state.clone(), call_fresh)))
}

/// The organization that a path names, by its id in its one spelling.
struct NamedOrganization(Option<OrgId>);

impl FromRequestParts<AppState> for NamedOrganization {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        // What is below may have names of its own.
        let path = Path::<BTreeMap<String, String>>::from_request_parts(parts, state).await;
        let names = path.map(|Path(names)| names).unwrap_or_default();
        let text = names.get("organization").map(String::as_str).unwrap_or_default();
        Ok(Self(text.parse::<OrgId>().ok().filter(|id| id.to_string() == text)))
    }
}

/// For what reads the status of the organization itself: where its id led before will do, since that never changes.
async fn call_known(
    State(AppState { env, .. }): State<AppState>,
    RequestOrigin(origin): RequestOrigin,
    NamedOrganization(named): NamedOrganization,
    request: Request,
    next: Next,
) -> Response {
    let found = match named {
        Some(id) => env.configuration.organization(&env.store, &id.to_string()).await,
        None => Ok(None),
    };
    call(env, origin, found, (request, next)).await
}

/// For what is published of an organization: as of now. Suspended, it issues nothing; but what it issued is still to be
/// verified.
async fn call_fresh(
    State(AppState { env, .. }): State<AppState>,
    RequestOrigin(origin): RequestOrigin,
    NamedOrganization(named): NamedOrganization,
    request: Request,
    next: Next,
) -> Response {
    let found = match named {
        Some(id) => env.store.resolve(OrgHint::Id(id)).await,
        None => Ok(None),
    };
    let there = |found: ResolvedOrg| (found.status != OrgStatus::Deleted).then_some(found.scope);
    call(env, origin, found.map(|found| found.and_then(there)), (request, next)).await
}

/// Says whose issuer is called. One of an organization that is not there is a page that is not there.
async fn call(
    env: Env,
    origin: Origin,
    found: Result<Option<OrgScope>, StorageError>,
    (mut request, next): (Request, Next),
) -> Response {
    match found {
        Ok(Some(scope)) => {
            request.extensions_mut().insert(CalledIssuer(Called(Some(scope.org_id()))));
            next.run(request).await
        }
        Ok(None) => orgate_web::not_found(State(env), RequestOrigin(origin)).await,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an issuer could not be looked up");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
