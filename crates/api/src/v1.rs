//! `/api/v1`: organizations are run by programs.
//!
//! **Invariant:** an operation is one line of [`OPERATIONS`], which says what permission it takes. Whatever is missing there
//! is admitted by nobody, and its handler cannot be reached without the [`Admitted`] that reads it.

mod admitted;
mod body;
mod document;
mod operations;
mod organizations;
mod page;
mod problem;
mod setup_links;
mod users;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use orgate_edge::AppState;

pub use document::document;
pub use operations::{OPERATIONS, Operation};

use problem::{Kind, Problem};

/// Where it is.
pub const PATH: &str = "/api/v1";

/// The routes.
pub(crate) fn router() -> Router<AppState> {
    let routes = Router::new()
        .route("/openapi.json", get(document::get))
        .route("/organizations/{organization}", get(organizations::get))
        .route("/organizations/{organization}/setup-links", get(setup_links::list).post(setup_links::post))
        .route(
            "/organizations/{organization}/setup-links/{setup_link}",
            get(setup_links::get).delete(setup_links::delete),
        )
        .route("/organizations/{organization}/users", get(users::list))
        .route("/organizations/{organization}/users/{user}", get(users::get))
        .method_not_allowed_fallback(|| async {
            Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, Kind::MethodNotAllowed)
        })
        .fallback(|| async { Problem::not_found() });
    Router::new().nest(PATH, routes)
}
