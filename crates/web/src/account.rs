//! `/account`: what a signed-in user sees of themselves, and what they can end and take back.
//!
//! **Invariant:** a page is opened by this browser's own session of the organization, and by nothing in its address: that
//! names at most which of them is meant. A form counts only in the session that it was shown in.

mod activity;
mod applications;
mod export;
mod frame;
mod organizations;
mod profile;
mod sessions;
mod sign_in;

use askama::Template;
use axum::Router;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use orgate_domain::ids::OrgId;
use orgate_domain::locales::Locale;
use orgate_edge::{AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::account::{Account, Own, ProvenSession, open};
use orgate_protocol::oauth::check_ui_locales;
use orgate_protocol::params::Params;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::moment::Moment;
use crate::page::{Link, Page, Trouble, failed, render, trouble, trouble_with};
use crate::present::see_other;

/// The path of the first page.
pub(crate) const PATH: &str = "/account";

/// The routes of the account.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route(PATH, get(profile::get))
        .route("/account/activity", get(activity::get))
        .route("/account/applications", get(applications::get).post(applications::post))
        .route("/account/export", get(export::get))
        .route("/account/organizations", get(organizations::get))
        .route("/account/sessions", get(sessions::get).post(sessions::post))
        .route("/account/sign-in", get(sign_in::get).post(sign_in::post))
        .route("/account/sign-out", post(sessions::post_sign_out))
}

/// A page's user, in the session of this browser.
pub(crate) struct Member {
    env: Env,
    cookies: BrowserCookies,
    own: Box<Own>,
    /// The language that was asked for by the address.
    asked: Option<Language>,
    /// What the address says besides.
    params: Params,
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let env = state.env.clone();
        let cookies = BrowserCookies::from_request_parts(parts, state).await;
        let mut cookies = cookies.map_err(IntoResponse::into_response)?;
        let PageQuery(params) = PageQuery::from_request_parts(parts, state).await?;
        let asked = asked(&mut cookies, &params);
        match open(&env, params.get("organization"), &cookies.browser).await {
            Ok(Account::Own(own)) => Ok(Self { env, cookies, own, asked, params }.knowing_their_language()),
            Ok(Account::Choose(sessions)) => Err(choose(&env, &cookies, parts.uri.path(), asked, &sessions)),
            Ok(Account::NotSignedIn) => Err(not_signed_in(&env, &cookies)),
            Err(failure) => Err(failed(&env, &cookies.browser.origin, &failure)),
        }
    }
}

/// A form, sent from a page of ours in this browser, in the session that it was shown in.
pub(crate) struct Submitted {
    member: Member,
    form: Params,
}

impl FromRequest<AppState> for Submitted {
    type Rejection = Response;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let env = state.env.clone();
        let cookies = BrowserCookies::from_request_parts(&mut parts, state).await;
        let mut cookies = cookies.map_err(IntoResponse::into_response)?;
        let PageForm(form) = PageForm::from_request(Request::from_parts(parts, body), state).await?;
        let asked = asked(&mut cookies, &form);
        let organization = form.get("organization").unwrap_or_default();
        let own = match open(&env, Some(organization), &cookies.browser).await {
            Ok(Account::Own(own)) => own,
            Ok(_) => return Err(not_signed_in(&env, &cookies)),
            Err(failure) => return Err(failed(&env, &cookies.browser.origin, &failure)),
        };
        let member = Member { env, cookies, own, asked, params: Params::default() }.knowing_their_language();
        let (binding, token) = (&member.cookies.browser.binding, form.get("csrf").unwrap_or_default());
        if member.env.vault.check_form_token(binding, &member.subject(), token) {
            Ok(Self { member, form })
        } else {
            Err(member.old_page())
        }
    }
}

/// Which language is asked for, and notes that.
fn asked(cookies: &mut BrowserCookies, params: &Params) -> Option<Language> {
    let asked = Language::first_of(&check_ui_locales(params));
    cookies.browser.origin.ui_locales = asked.map(|language| language.tag().to_owned()).into_iter().collect();
    asked
}

impl Member {
    /// With what is known of the user and of the organization beside what was asked for: the closest first.
    fn knowing_their_language(mut self) -> Self {
        let of_organization = self.own.organization.spoken().map(Locale::as_str);
        let known = [self.own.user.locale.as_deref(), of_organization].into_iter().flatten();
        self.cookies.browser.origin.ui_locales.extend(known.map(str::to_owned));
        self
    }

    /// The language of their pages.
    fn language(&self) -> Language {
        Language::of(&self.cookies.browser.origin)
    }

    /// A time, as they read it.
    fn moment(&self, at: DateTime<Utc>) -> Moment {
        Moment::said(self.language(), at, self.env.clock.now())
    }

    /// The address of a page of the account, in this organization; `below` is empty, or begins with a slash.
    fn href(&self, below: &str) -> String {
        self.href_in(self.own.organization.id, below)
    }

    /// The same, in another organization.
    fn href_in(&self, organization: OrgId, below: &str) -> String {
        address(&format!("{PATH}{below}"), organization, self.asked)
    }

    /// What forms are bound to.
    fn subject(&self) -> String {
        format!("account {}", self.own.session.id)
    }

    /// The token of a form.
    fn token(&self) -> String {
        self.env.vault.form_token(&self.cookies.browser.binding, &self.subject())
    }

    /// What all pages share.
    fn page(&self) -> Page {
        Page::branded(&self.env, &self.own.organization).speaking(self.language())
    }

    /// Renders a page, with the cookie that its forms are bound to.
    fn render(&self, template: &impl Template) -> Response {
        self.render_as(StatusCode::OK, template)
    }

    /// The same, of a form that nothing came of.
    fn render_as(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = render(status, template, None);
        self.cookies.bind(response.headers_mut());
        response
    }

    /// Where a form leads once it is done: to a page below that says so.
    fn done(&self, below: &str, said: &str) -> Response {
        see_other(&self.env.issuer.at(&format!("{}&done={said}", self.href(below))))
    }

    fn failed(&self, failure: &orgate_flows::Failure) -> Response {
        failed(&self.env, &self.cookies.browser.origin, failure)
    }

    /// They have no password here, or the organization takes none of them.
    fn no_password(&self) -> Response {
        let about = Message("problem-account-no-password");
        self.refuse("/sign-in", &Trouble::of(StatusCode::FORBIDDEN, "no_password", about))
    }

    /// The form was not sent from a page that was shown in this session, or says nothing that could be done.
    fn old_page(&self) -> Response {
        let about = Message("problem-account-old-page");
        self.refuse("", &Trouble::of(StatusCode::BAD_REQUEST, "form_expired", about))
    }

    /// Says that nothing was done, and why, and leads to a page below.
    fn refuse(&self, below: &str, why: &Trouble<'_>) -> Response {
        let again = Link { label: self.language().say("account-again"), href: self.href(below) };
        trouble_with(&self.env, &self.cookies.browser.origin, why, Some(again))
    }

    /// The user is not there any more.
    fn not_signed_in(&self) -> Response {
        not_signed_in(&self.env, &self.cookies)
    }
}

/// `templates/account/choose.html`.
#[derive(Template)]
#[template(path = "account/choose.html")]
struct ChooseTemplate {
    page: Page,
    organizations: Vec<Row>,
}

/// One organization.
struct Row {
    href: String,
    name: String,
    label: String,
}

/// Asks in which organization the page is meant.
fn choose(
    env: &Env,
    cookies: &BrowserCookies,
    path: &str,
    asked: Option<Language>,
    sessions: &[ProvenSession],
) -> Response {
    let row = |proven: &ProvenSession| Row {
        href: address(path, proven.session.org_id, asked),
        name: proven.org_name.clone(),
        label: proven.label().to_owned(),
    };
    let organizations = sessions.iter().map(row).collect();
    let page = Page::new(env).read_by(&cookies.browser.origin);
    render(StatusCode::OK, &ChooseTemplate { page, organizations }, None)
}

/// The address of a page in an organization, in the language that was asked for, if one was.
fn address(path: &str, organization: OrgId, asked: Option<Language>) -> String {
    let language = asked.map(|asked| format!("&ui_locales={}", asked.tag())).unwrap_or_default();
    format!("{path}?organization={organization}{language}")
}

fn not_signed_in(env: &Env, cookies: &BrowserCookies) -> Response {
    let about = Message("problem-account-sign-in");
    trouble(env, &cookies.browser.origin, &Trouble::of(StatusCode::FORBIDDEN, "sign_in_required", about))
}
