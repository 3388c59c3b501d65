//! `/setup`: an organization's IT sets up its sign-in, by a link and without an account.
//!
//! **Invariant:** every page here is of the organization of the link that this browser opened, read again
//! for each request; every form carries a token bound to that link and this browser.

mod activate;
mod domains;
mod frame;
mod guides;
mod landing;
mod mapping;
mod overview;
mod pilot;
mod proofs;
mod proposal;
mod provider;
mod refusals;
mod trace;
mod values;

use std::future::Future;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use orgate_domain::audit::Origin;
use orgate_domain::ids::ConnectionId;
use orgate_domain::organizations::Organization;
use orgate_domain::setup::SetupLink;
use orgate_edge::{AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::administration::PATH;
use orgate_flows::limits::Limited;
use orgate_flows::setup::connections::{Detail, detail};
use orgate_flows::setup::links::{is_own, resume};
use orgate_flows::setup::provider::MAX_METADATA;
use orgate_flows::setup::{Closed, Opened, Setup, SetupError};

use crate::fields::Form;

pub(crate) use frame::{day, protocol_name, state_name, time};

/// Metadata, pasted or as a file, and the form around it.
const MAX_PROVIDER_FORM: usize = MAX_METADATA + 64 * 1024;

/// Rules by the hundred.
const MAX_MAPPING_FORM: usize = 256 * 1024;

/// The routes of the set-up.
pub(crate) fn router() -> Router<AppState> {
    let bounded = DefaultBodyLimit::max;
    Router::new()
        .route("/setup", get(landing::get))
        .route("/setup/begin", post(landing::post_begin))
        .route("/setup/leave", post(landing::post_leave))
        .route("/setup/connections", get(overview::get))
        .route("/setup/new", get(overview::get_new).post(overview::post_new))
        .route("/setup/domains", get(proofs::get).post(proofs::post))
        .route("/setup/domains/verify", post(proofs::post_verify))
        .route("/setup/connections/{connection}/values", get(values::get))
        .route(
            "/setup/connections/{connection}/provider",
            get(provider::get).post(provider::post).layer(bounded(MAX_PROVIDER_FORM)),
        )
        .route(
            "/setup/connections/{connection}/mapping",
            get(mapping::get).post(mapping::post).layer(bounded(MAX_MAPPING_FORM)),
        )
        .route("/setup/connections/{connection}/proposal", get(proposal::get).post(proposal::post))
        .route("/setup/connections/{connection}/domains", get(domains::get).post(domains::post))
        .route("/setup/connections/{connection}/test", get(trace::get_step))
        .route("/setup/connections/{connection}/test/begin", get(trace::get_begin))
        .route("/setup/connections/{connection}/pilot", get(pilot::get).post(pilot::post))
        .route("/setup/connections/{connection}/activate", get(activate::get).post(activate::post))
        .route("/setup/connections/{connection}/roll-back", post(activate::post_roll_back))
        .route("/setup/connections/{connection}/switch", post(activate::post_switch))
        .route("/setup/test/{trace}", get(trace::get))
}

/// A set-up that this browser opened.
pub(crate) struct Open {
    pub(crate) env: Env,
    pub(crate) cookies: BrowserCookies,
    pub(crate) setup: Setup,
    pub(crate) link: SetupLink,
    pub(crate) organization: Organization,
    /// Whether an administrator came from the pages that they run the organization by.
    is_own: bool,
}

impl FromRequestParts<AppState> for Open {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let cookies = BrowserCookies::from_request_parts(parts, state).await;
        let cookies = cookies.map_err(axum::response::IntoResponse::into_response)?;
        let env = state.env.clone();
        let origin = &cookies.browser.origin;
        let Some(cookie) = &cookies.setup else {
            return Err(refusals::closed(&env, origin, Closed::Unknown));
        };
        match resume(&env, cookie, &cookies.browser).await {
            Ok(Opened { setup, link, organization, is_own }) => {
                Ok(Self { env, cookies, setup, link, organization, is_own })
            }
            Err(SetupError::Closed(why)) if is_own(cookie) => Err(refusals::closed_own(&env, origin, why)),
            Err(error) => Err(refusals::refused(&env, origin, &error, None)),
        }
    }
}

impl Open {
    /// Where the request came from.
    pub(crate) const fn origin(&self) -> &Origin {
        &self.cookies.browser.origin
    }

    /// The page that whoever came from the administration came from.
    pub(crate) fn administration(&self) -> Option<String> {
        self.is_own.then(|| format!("{PATH}/{}/connections", self.organization.slug))
    }

    /// What forms and links that change something are bound to.
    fn subject(&self) -> String {
        format!("setup {}", self.link.id)
    }

    /// The token of a form.
    pub(crate) fn token(&self) -> String {
        self.env.vault.form_token(&self.cookies.browser.binding, &self.subject())
    }

    /// Whether a token is this form's.
    pub(crate) fn check(&self, token: &str) -> bool {
        self.env.vault.check_form_token(&self.cookies.browser.binding, &self.subject(), token)
    }

    /// The page for what was refused.
    pub(crate) fn refuse(&self, error: &SetupError) -> Response {
        refusals::refused(&self.env, self.origin(), error, Some("/setup/connections"))
    }
}

/// One connection of it.
pub(crate) struct OfConnection {
    pub(crate) open: Open,
    pub(crate) detail: Detail,
}

impl FromRequestParts<AppState> for OfConnection {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let open = Open::from_request_parts(parts, state).await?;
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(text)| text.parse::<ConnectionId>().ok());
        let Some(id) = id else { return Err(open.refuse(&SetupError::Missing)) };
        match detail(&open.env, &open.setup, id).await {
            Ok(detail) => Ok(Self { open, detail }),
            Err(error) => Err(open.refuse(&error)),
        }
    }
}

/// A form, with what it belongs to: sent from a page of ours, in this browser.
pub(crate) struct Submitted<T> {
    pub(crate) of: T,
    pub(crate) form: Form,
}

/// What a form belongs to.
pub(crate) trait Belongs: FromRequestParts<AppState, Rejection = Response> + Send {
    /// The set-up.
    fn open(&self) -> &Open;
}

impl Belongs for Open {
    fn open(&self) -> &Open {
        self
    }
}

impl Belongs for OfConnection {
    fn open(&self) -> &Open {
        &self.open
    }
}

impl<T: Belongs> FromRequest<AppState> for Submitted<T> {
    type Rejection = Response;

    fn from_request(
        request: Request,
        state: &AppState,
    ) -> impl Future<Output = Result<Self, Response>> + Send {
        let state = state.clone();
        async move {
            let (mut parts, body) = request.into_parts();
            let of = T::from_request_parts(&mut parts, &state).await?;
            let open = of.open();
            open.env
                .limits
                .take(Limited::Pages, open.origin().address)
                .map_err(|limit| crate::page::failed(&open.env, open.origin(), &limit.into()))?;
            let form = Form::read(Request::from_parts(parts, body)).await;
            let form = form.map_err(|unreadable| refusals::unreadable(open, unreadable.0))?;
            if open.check(form.text("csrf")) { Ok(Self { of, form }) } else { Err(refusals::old_page(open)) }
        }
    }
}
