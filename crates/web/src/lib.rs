//! The front channel: the caller is a browser.
//!
//! **Invariant:** a page carries no inline script or style; every page is `no-store` and cannot be
//! framed; every form that changes something carries a token bound to this browser.

mod account;
mod admin;
mod api_docs;
mod assets;
mod authorize;
mod choose;
mod consent;
mod device;
mod discover;
mod events;
mod fields;
mod form;
mod frame;
mod invitation;
mod join;
mod language;
mod link;
mod moment;
mod page;
mod present;
mod recovery;
mod setup;
mod sign_in;
mod sign_out;
mod sso;
mod words;

pub use admin::{ADMIN_PAGES, About, AdminPage, OF_ANOTHER};
pub use api_docs::api_docs;
pub use page::not_found;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use orgate_edge::AppState;

/// A SAML response of half a megabyte, in base64, with every `+` and `/` of it encoded.
const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

/// The endpoints that every issuer has: the shared one, and each organization's below its path. Whatever
/// pages they lead to are the same for all.
pub fn issuer() -> Router<AppState> {
    Router::new()
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/logout", get(sign_out::get).post(sign_out::post))
        .route("/logout/confirm", post(sign_out::post_confirm))
}

/// The routes of the front channel.
pub fn router(state: &AppState) -> Router<AppState> {
    issuer()
        .route("/", get(page::home))
        .route("/sign-in", get(sign_in::get).post(sign_in::post))
        .route("/sign-in/cancel", post(sign_in::post_cancel))
        .route("/sign-in/recovery", get(recovery::get).post(recovery::post))
        .route("/sign-in/connection", get(sso::get_begin))
        .route("/sso/{organization}/{connection}/callback", get(sso::get_callback))
        .route(
            "/sso/{organization}/{connection}/acs",
            post(sso::post_acs).layer(DefaultBodyLimit::max(MAX_RESPONSE_BYTES)),
        )
        .route("/sso/{organization}/{connection}/finish", get(sso::get_finish))
        .route(
            "/sso/{organization}/{connection}/slo",
            get(sso::get_slo).post(sso::post_slo).layer(DefaultBodyLimit::max(MAX_RESPONSE_BYTES)),
        )
        .route("/sso/{organization}/{connection}/link", get(link::get).post(link::post))
        .route("/sso/signed-out", get(sign_out::get_signed_out))
        .route("/sso/{organization}/{connection}/metadata", get(sso::get_metadata))
        .route("/consent", get(consent::get).post(consent::post))
        .route("/choose", get(choose::get).post(choose::post))
        .route("/device", get(device::get).post(device::post))
        .route("/device/continue", post(device::post_continue))
        .route("/device/approve", get(device::get_approve).post(device::post_approve))
        .route("/discover", get(discover::get).post(discover::post))
        .route("/discover/code", post(discover::post_code))
        .route("/discover/link", get(discover::get_link))
        .route("/invitations", get(invitation::get))
        .route("/invitations/accept", post(invitation::post_accept))
        .route("/invitations/connection", post(invitation::post_connection))
        .route("/join", get(join::get).post(join::post))
        .route("/join/confirm", get(join::get_confirm).post(join::post_confirm))
        .route("/join/continue", get(join::get_continue))
        .route("/assets/{name}", get(assets::get))
        .route("/assets/brand/{color}", get(assets::get_brand))
        .merge(account::router())
        .merge(setup::router())
        .merge(admin::router(state))
        .fallback(page::not_found)
}
