//! `/api/v1`: organizations are run by programs.
//!
//! **Invariant:** an operation is one line of [`OPERATIONS`], which says what permission it takes. Every route but that of the
//! description is behind the layer that reads it: what is missing there is refused to everybody.

mod admitted;
mod body;
mod document;
mod operations;
mod organizations;
mod page;
mod problem;
mod setup_links;
mod users;

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
    let operations = Router::new()
        .route("/organizations/{organization}", get(organizations::get))
        .route("/organizations/{organization}/setup-links", get(setup_links::list).post(setup_links::post))
        .route(
            "/organizations/{organization}/setup-links/{setup_link}",
            get(setup_links::get).delete(setup_links::delete),
        )
        .route("/organizations/{organization}/users", get(users::list))
        .route("/organizations/{organization}/users/{user}", get(users::get))
        .route_layer(middleware::from_fn_with_state(state.clone(), admitted::admitted));
    let routes = operations
        .route("/openapi.json", get(document::get))
        .method_not_allowed_fallback(|| async {
            Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, Kind::MethodNotAllowed)
        })
        .fallback(|| async { Problem::not_found() });
    Router::new().nest(PATH, routes)
}
