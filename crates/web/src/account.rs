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
use orgate_edge::{AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::account::{Account, Own, ProvenSession, open};
use orgate_protocol::params::Params;

use crate::form::{PageForm, PageQuery};
use crate::page::{Link, Page, Problem, failed, problem, problem_with, render};
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
    /// What the address says besides.
    params: Params,
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let env = state.env.clone();
        let cookies = BrowserCookies::from_request_parts(parts, state).await;
        let cookies = cookies.map_err(IntoResponse::into_response)?;
        let PageQuery(params) = PageQuery::from_request_parts(parts, state).await?;
        match open(&env, params.get("organization"), &cookies.browser).await {
            Ok(Account::Own(own)) => Ok(Self { env, cookies, own, params }),
            Ok(Account::Choose(sessions)) => Err(choose(&env, parts.uri.path(), &sessions)),
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
        let cookies = cookies.map_err(IntoResponse::into_response)?;
        let PageForm(form) = PageForm::from_request(Request::from_parts(parts, body), state).await?;
        let organization = form.get("organization").unwrap_or_default();
        let own = match open(&env, Some(organization), &cookies.browser).await {
            Ok(Account::Own(own)) => own,
            Ok(_) => return Err(not_signed_in(&env, &cookies)),
            Err(failure) => return Err(failed(&env, &cookies.browser.origin, &failure)),
        };
        let member = Member { env, cookies, own, params: Params::default() };
        let (binding, token) = (&member.cookies.browser.binding, form.get("csrf").unwrap_or_default());
        if member.env.vault.check_form_token(binding, &member.subject(), token) {
            Ok(Self { member, form })
        } else {
            Err(member.old_page())
        }
    }
}

impl Member {
    /// The address of a page of the account, in this organization; `below` is empty, or begins with a slash.
    fn href(&self, below: &str) -> String {
        format!("{PATH}{below}?organization={}", self.own.organization.id)
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
        Page::branded(&self.env, &self.own.organization)
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
        self.refuse(
            "/sign-in",
            &Problem {
                status: StatusCode::FORBIDDEN,
                code: "no_password",
                headline: "You have no password to change",
                what_happened: "You do not sign in here with a password at the moment, so nothing was changed.",
                what_next: "If you sign in through an identity provider, change the password that you have there.",
            },
        )
    }

    /// The form was not sent from a page that was shown in this session, or says nothing that could be done.
    fn old_page(&self) -> Response {
        self.refuse(
            "",
            &Problem {
                status: StatusCode::BAD_REQUEST,
                code: "form_expired",
                headline: "This page had grown old",
                what_happened: "What you sent did not come from a page that you were shown in this session, so nothing was changed.",
                what_next: "Go back to your account, and do it again from there.",
            },
        )
    }

    /// Says that nothing was done, and why, and leads to a page below.
    fn refuse(&self, below: &str, why: &Problem<'_>) -> Response {
        let again = Link { label: "To your account".to_owned(), href: self.href(below) };
        problem_with(&self.env, &self.cookies.browser.origin, why, Some(again))
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
fn choose(env: &Env, path: &str, sessions: &[ProvenSession]) -> Response {
    let row = |proven: &ProvenSession| Row {
        href: format!("{path}?organization={}", proven.session.org_id),
        name: proven.org_name.clone(),
        label: proven.label().to_owned(),
    };
    let organizations = sessions.iter().map(row).collect();
    render(StatusCode::OK, &ChooseTemplate { page: Page::new(env), organizations }, None)
}

fn not_signed_in(env: &Env, cookies: &BrowserCookies) -> Response {
    problem(
        env,
        &cookies.browser.origin,
        &Problem {
            status: StatusCode::FORBIDDEN,
            code: "sign_in_required",
            headline: "Sign in first",
            what_happened: "This browser is not signed in to the organization whose account you want to see.",
            what_next: "Sign in to one of your organization’s applications in this browser, and then open this page once more.",
        },
    )
}
