//! `/admin`: an organization's administrators run it in a browser.
//!
//! **Invariant:** a page is one line of [`pages`], behind the layer that lets whoever is signed in do what that line takes, by
//! the same function as the management API; what may be done, and by whom, is the use cases' to say.

mod audit;
mod change;
mod entry;
mod events;
mod frame;
mod invitations;
mod invite;
mod overview;
mod pages;
mod sign_in;
mod user;
mod user_status;
mod users;

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use orgate_edge::{AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::administration::PATH;
use orgate_flows::manage::Caller;
use orgate_flows::manage::signed_in::{SignedIn, find_signed_in};

use crate::page::failed;
use crate::setup::form::Form;

pub use pages::{ADMIN_PAGES, AdminPage};

/// The routes of the administration.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    let admitted = middleware::from_fn_with_state(state.clone(), entry::admitted);
    let pages = pages::routes().route_layer(admitted);
    Router::new()
        .route(PATH, get(sign_in::get))
        .route("/admin/-/callback", get(sign_in::get_callback))
        .merge(pages)
        .route("/admin/{organization}/sign-out", post(sign_in::post_sign_out))
}

/// A page's caller, and what is around it.
pub(crate) struct Admin {
    pub(crate) env: Env,
    pub(crate) cookies: BrowserCookies,
    pub(crate) caller: Arc<Caller>,
    pub(crate) signed_in: SignedIn,
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let cookies = BrowserCookies::from_request_parts(parts, state).await;
        let cookies = cookies.map_err(axum::response::IntoResponse::into_response)?;
        let env = state.env.clone();
        let Some(caller) = parts.extensions.get::<Arc<Caller>>().map(Arc::clone) else {
            return Err(entry::unlisted());
        };
        match find_signed_in(&env, &caller).await {
            Ok(Some(signed_in)) => Ok(Self { env, cookies, caller, signed_in }),
            Ok(None) => Err(entry::gone(&env, &cookies)),
            Err(failure) => Err(failed(&env, &cookies.browser.origin, &failure)),
        }
    }
}

impl Admin {
    /// The address of a page of this organization's; `below` is empty, or begins with a slash.
    pub(crate) fn href(&self, below: &str) -> String {
        format!("{PATH}/{}{below}", self.signed_in.organization.slug)
    }

    /// The token of a form.
    pub(crate) fn token(&self) -> String {
        self.env.vault.form_token(&self.cookies.browser.binding, &subject(&self.signed_in))
    }
}

/// What forms are bound to.
fn subject(signed_in: &SignedIn) -> String {
    format!("admin {} {}", signed_in.organization.id, signed_in.user.id)
}

/// A form, sent from a page of ours in this browser, by whoever was shown it.
pub(crate) struct Submitted {
    pub(crate) admin: Admin,
    pub(crate) form: Form,
}

impl FromRequest<AppState> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let admin = Admin::from_request_parts(&mut parts, state).await?;
        let form = Form::read(Request::from_parts(parts, body)).await;
        let form = form.map_err(|unreadable| entry::unreadable(&admin, unreadable.0).into_response())?;
        let (binding, token) = (&admin.cookies.browser.binding, form.text("csrf"));
        if admin.env.vault.check_form_token(binding, &subject(&admin.signed_in), token) {
            Ok(Self { admin, form })
        } else {
            Err(entry::old_page(&admin))
        }
    }
}
