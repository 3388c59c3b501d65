//! The back channel: the caller is a program.
//!
//! **Invariant:** every answer is the RFC's JSON; no page, no cookie.

mod client;
mod connections;
mod device;
mod documents;
mod error;
mod introspect;
mod par;
mod register;
mod revoke;
mod token;
mod userinfo;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::routing::{get, post};
use orgate_edge::{AppState, RequestId};
use tower_http::cors::{Any, CorsLayer};

pub use documents::{authorization_server_of_organization, documents, documents_of_organization};

/// The routes of the back channel but for the [`documents()`].
pub fn router() -> Router<AppState> {
    issuer()
        .route("/sso/{organization}/{connection}/backchannel-logout", post(connections::post_logout))
        .route("/sso/{organization}/{connection}/jwks", get(connections::get_keys))
}

/// The endpoints that every issuer has: the shared one, and each organization's below its path.
pub fn issuer() -> Router<AppState> {
    Router::new()
        .route("/token", post(token::post))
        .route("/device_authorization", post(device::post))
        .route("/register", post(register::post))
        .route("/register/{client_id}", get(register::get).put(register::put).delete(register::delete))
        .route("/par", post(par::post))
        .route("/introspect", post(introspect::post))
        .route("/revoke", post(revoke::post))
        .route("/userinfo", get(userinfo::get).post(userinfo::post))
        .layer(cors())
}

/// Scripts of any origin may call the back channel: nothing there takes a cookie.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, HeaderName::from_static("dpop")])
        .expose_headers([header::WWW_AUTHENTICATE, HeaderName::from_static("dpop-nonce"), RequestId::HEADER])
}
