//! `GET` and `POST /sign-in/recovery`: a break-glass user's recovery code.

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_domain::policies::LOCKOUT_WINDOW;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::recover::{Recovery, recover};
use orgate_flows::sign_in::SignInPage;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::page::{Org, Page, render};
use crate::present::{self, signed_in};

/// `templates/recovery.html`.
#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    email: &'a str,
    notice: Option<String>,
    error: Option<String>,
    back_href: String,
}

/// What the page says about the last attempt.
#[derive(Default)]
struct Said<'a> {
    status: StatusCode,
    email: &'a str,
    /// It can say for how many minutes a window of tries lasts.
    notice: Option<Message>,
    error: Option<Message>,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    match present::sign_in_page(&env, handle, &mut cookies).await {
        Ok(found) => page(&env, &cookies, (&found, handle), &Said::default()),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Checks the code.
pub(crate) async fn post(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let found = match present::sign_in_page(&env, handle, &mut cookies).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    let origin = &cookies.browser.origin;
    let (email, code) = (params.get("email").unwrap_or_default(), params.get("code").unwrap_or_default());
    let said = Said { status: StatusCode::UNPROCESSABLE_ENTITY, email, ..Said::default() };
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, handle, token) {
        let said = Said { notice: Some(Message("old-page")), ..said };
        return page(&env, &cookies, (&found, handle), &said);
    }
    let said = match recover(&env, &found.waiting, (email, code), &cookies.browser).await {
        Ok(Recovery::SignedIn(done)) => return signed_in(&env, &cookies, &done),
        Ok(Recovery::NotAsAsked(answer)) => return present::answer(&env, origin, &answer),
        Ok(Recovery::Refused) => Said { error: Some(Message("recovery-wrong")), ..said },
        Ok(Recovery::TooManyTries) => {
            Said { status: StatusCode::TOO_MANY_REQUESTS, notice: Some(Message("recovery-too-many")), ..said }
        }
        Err(error) => return present::waiting_error(&env, origin, &error),
    };
    page(&env, &cookies, (&found, handle), &said)
}

fn page(
    env: &Env,
    cookies: &BrowserCookies,
    (found, handle): (&SignInPage, &str),
    said: &Said<'_>,
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let told = |message: Message| language.count(message, LOCKOUT_WINDOW.num_minutes());
    let mut shared = Page::branded(env, &found.organization).speaking(language);
    if said.status != StatusCode::OK {
        shared = shared.with_request_id(&cookies.browser.origin);
    }
    let template = RecoveryTemplate {
        page: shared,
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        org: Org::of(&found.organization),
        email: said.email,
        notice: said.notice.map(told),
        error: said.error.map(told),
        back_href: format!("/sign-in?request={handle}&failed=returned"),
    };
    let mut response = render(said.status, &template, Some(&found.waiting.asked().redirect_uri));
    if said.status == StatusCode::TOO_MANY_REQUESTS {
        let wait = LOCKOUT_WINDOW.num_seconds().unsigned_abs();
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}
