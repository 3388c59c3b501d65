//! The back channel: the caller is a program.
//!
//! **Invariant:** every answer is the RFC's JSON; no page, no cookie.

mod discovery;
mod error;
mod jwks;
mod token;
mod userinfo;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::routing::{get, post};
use orgate_edge::AppState;
use tower_http::cors::{Any, CorsLayer};

/// The routes of the back channel. Scripts of any origin may call them: none takes a cookie.
pub fn router() -> Router<AppState> {
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([header::WWW_AUTHENTICATE, HeaderName::from_static("x-request-id")]);
    Router::new()
        .route("/token", post(token::post))
        .route("/userinfo", get(userinfo::get).post(userinfo::post))
        .route("/jwks.json", get(jwks::get))
        .route("/.well-known/openid-configuration", get(discovery::get))
        .route("/.well-known/oauth-authorization-server", get(discovery::get))
        .layer(cors)
}
