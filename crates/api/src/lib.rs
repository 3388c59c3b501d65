//! The back channel: the caller is a program.
//!
//! **Invariant:** every answer is the RFC's JSON; no page, no cookie.

mod client;
mod connections;
mod cors;
mod device;
mod documents;
mod error;
mod introspect;
mod par;
mod register;
mod resource;
mod revoke;
mod ssf;
mod token;
mod userinfo;
pub mod v1;

use axum::routing::{get, post};
use axum::{Router, middleware};
use orgate_edge::AppState;

pub use documents::{authorization_server_of_organization, documents, documents_of_organization};

/// The routes of the back channel but for the [`documents()`].
pub fn router(state: &AppState) -> Router<AppState> {
    issuer(state)
        .merge(v1::router(state))
        .route("/sso/{organization}/{connection}/backchannel-logout", post(connections::post_logout))
        .route("/sso/{organization}/{connection}/jwks", get(connections::get_keys))
}

/// The endpoints that every issuer has: the shared one, and each organization's below its path.
pub fn issuer(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/token", post(token::post))
        .route("/revoke", post(revoke::post))
        .route("/userinfo", get(userinfo::get).post(userinfo::post))
        .layer(middleware::from_fn_with_state(state.clone(), cors::admit))
        .route("/device_authorization", post(device::post))
        .route("/register", post(register::post))
        .route("/register/{client_id}", get(register::get).put(register::put).delete(register::delete))
        .route("/par", post(par::post))
        .route("/introspect", post(introspect::post))
        .merge(ssf::router())
}
