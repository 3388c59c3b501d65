//! `/admin`: an organization's administrators run it in a browser.
//!
//! **Invariant:** a page is one line of [`pages`], behind the layer that lets whoever is signed in do what that line takes, by
//! the same function as the management API; what may be done, and by whom, is the use cases' to say.
//!
//! The operator's people have pages about all organizations here as well, which is the console, and see what administrators see
//! of each, once they say why; so do people of organizations above one that lets them in.

mod answers;
mod api_key;
mod api_keys;
mod applications;
mod audit;
mod audit_export;
mod blueprint;
mod blueprints;
mod change;
mod chart;
mod choice;
mod client;
mod clients;
mod confirm;
mod connection;
mod connection_switch;
mod connections;
mod console;
mod delegation;
mod delegation_end;
mod delegations;
mod domain;
mod domain_release;
mod domains;
mod entry;
mod events;
mod frame;
mod group;
mod group_delete;
mod groups;
mod health;
mod invitations;
mod invite;
mod join_request;
mod join_requests;
mod joining;
mod look;
mod mail;
mod mail_reset;
mod mails;
mod matrix;
mod meanwhile;
mod naming;
mod overview;
mod pages;
mod part;
mod policies;
mod policy_change;
mod policy_fields;
mod radio;
mod reason;
mod role;
mod role_boxes;
mod role_delete;
mod roles;
mod sample;
mod setup_link;
mod setup_links;
mod sign_in;
mod signing_keys;
mod standing;
mod suborganizations;
mod texts;
mod user;
mod user_delete;
mod user_groups;
mod user_profile;
mod user_status;
mod users;
mod webhook;
mod webhook_delete;
mod webhook_delivery;
mod webhooks;

use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use orgate_edge::{AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::administration::{CALLBACK, PATH};
use orgate_flows::manage::Caller;
use orgate_flows::manage::signed_in::{SignedIn, find_signed_in};

use crate::fields::Form;
use crate::page::failed;

pub use pages::{ADMIN_PAGES, About, AdminPage, OF_ANOTHER};

/// The routes of the administration.
pub(crate) fn router(state: &AppState) -> Router<AppState> {
    Router::new()
        .route(PATH, get(sign_in::get))
        .route(CALLBACK, get(sign_in::get_callback))
        .route("/console", get(console::lead))
        .merge(pages::routes(state))
        .route("/admin/{organization}/organizations/{other}/reason", post(reason::post))
        .route("/admin/{organization}/sign-out", post(sign_in::post_sign_out))
}

/// Whom the layer in front of the pages let in, by which cookies: for the page that takes it.
#[derive(Clone)]
pub(crate) struct Admitted {
    caller: Arc<Caller>,
    cookies: Arc<BrowserCookies>,
}

/// A page's caller, and what is around it.
pub(crate) struct Admin {
    pub(crate) env: Env,
    pub(crate) cookies: Arc<BrowserCookies>,
    pub(crate) caller: Arc<Caller>,
    pub(crate) signed_in: SignedIn,
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let Some(Admitted { caller, cookies }) = parts.extensions.get::<Admitted>().cloned() else {
            return Err(entry::unlisted());
        };
        let env = state.env.clone();
        match find_signed_in(&env, &caller).await {
            Ok(Some(signed_in)) => Ok(Self { env, cookies, caller, signed_in }),
            Ok(None) => Err(entry::gone(&env, &cookies)),
            Err(failure) => Err(failed(&env, &cookies.browser.origin, &failure)),
        }
    }
}

impl Admin {
    /// The address of a page about the same organization; `below` is empty, or begins with a slash.
    pub(crate) fn href(&self, below: &str) -> String {
        match &self.signed_in.from {
            Some(_) => self.home_href(&format!("/organizations/{}{below}", self.signed_in.organization.id)),
            None => self.home_href(below),
        }
    }

    /// The same of the organization that they are signed in to.
    pub(crate) fn home_href(&self, below: &str) -> String {
        let SignedIn { organization, from, .. } = &self.signed_in;
        format!("{PATH}/{}{below}", from.as_ref().unwrap_or(organization).slug)
    }

    /// The token of a form.
    pub(crate) fn token(&self) -> String {
        self.env.vault.form_token(&self.cookies.browser.binding, &subject(&self.signed_in))
    }

    /// What tells a form from any other: see [`change::once`]. Empty where nothing is random: then no secret is made either.
    pub(crate) fn once(&self) -> String {
        let id = self.env.random.uuid(self.env.clock.now());
        id.map(|id| id.to_string()).unwrap_or_default()
    }
}

/// What the path names last, by its id: a path without one leads nowhere.
pub(crate) struct Named<Id>(pub(crate) Id);

impl<Id: FromStr + Send> FromRequestParts<AppState> for Named<Id> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        match path.ok().and_then(|Path(names)| names.last()?.1.parse().ok()) {
            Some(id) => Ok(Self(id)),
            None => Err(entry::missing(&Admin::from_request_parts(parts, state).await?)),
        }
    }
}

/// The last two things that the path names.
pub(crate) struct NamedPair<First, Second>(pub(crate) First, pub(crate) Second);

impl<First: FromStr + Send, Second: FromStr + Send> FromRequestParts<AppState> for NamedPair<First, Second> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let pair = path.ok().and_then(|Path(names)| {
            let [.., (_, first), (_, second)] = names.as_slice() else { return None };
            first.parse().ok().zip(second.parse().ok())
        });
        match pair {
            Some((first, second)) => Ok(Self(first, second)),
            None => Err(entry::missing(&Admin::from_request_parts(parts, state).await?)),
        }
    }
}

/// What forms are bound to.
fn subject(signed_in: &SignedIn) -> String {
    format!("admin {} {}", signed_in.organization.id, signed_in.user_id)
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
