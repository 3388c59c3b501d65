//! `/api/v1`: organizations are run by programs.
//!
//! **Invariant:** every route but that of the description is behind the layer that reads [`OPERATIONS`]: what is missing there is
//! refused to everybody.

mod admitted;
mod api_keys;
mod applications;
mod audit_events;
mod backlog;
mod body;
mod change;
mod clients;
mod connections;
mod delegations;
mod document;
mod domains;
mod events;
mod groups;
mod invitations;
mod join_requests;
mod joining;
mod mail_templates;
mod operations;
mod organizations;
mod page;
mod policy;
mod problem;
mod quotas;
mod role_blueprints;
mod roles;
mod seats;
mod sessions;
mod setup_links;
mod signing_keys;
mod statistics;
mod users;
mod webhook_deliveries;
mod webhooks;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, middleware};
use orgate_edge::AppState;

pub use document::document;
pub use operations::{OPERATIONS, Operation};

use problem::{Kind, Problem};

/// Where it is.
pub const PATH: &str = "/api/v1";

/// The routes.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let routes = operations::routes()
        .route_layer(middleware::from_fn_with_state(state.clone(), admitted::admitted))
        .route("/openapi.json", get(document::get))
        .method_not_allowed_fallback(|| async {
            Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, Kind::MethodNotAllowed)
        })
        .fallback(|| async { Problem::not_found() });
    Router::new().nest(PATH, routes)
}
