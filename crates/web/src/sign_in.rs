//! `GET` and `POST /sign-in`: an organization's own password.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_domain::policies::LOCKOUT_WINDOW;
use orgate_edge::{BrowserCookies, FormParams, ParamsRejection, QueryParams};
use orgate_flows::Env;
use orgate_flows::sign_in::{SignIn, SignInPage, SignedIn, Typed, sign_in, sign_in_page};
use orgate_protocol::params::Params;

use crate::page::{Org, Page, over, render, unreadable};
use crate::present;

/// `templates/sign_in.html`.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    client_name: &'a str,
    action: &'a str,
    email: &'a str,
    notice: Option<&'a str>,
    error: Option<&'a str>,
    email_error: Option<&'a str>,
    password_error: Option<&'a str>,
}

/// What the page says about the last attempt.
#[derive(Default)]
struct Said<'a> {
    status: StatusCode,
    email: Option<&'a str>,
    notice: Option<&'a str>,
    error: Option<&'a str>,
    email_error: Option<&'a str>,
    password_error: Option<&'a str>,
    /// Else the whole window of an account's tries.
    retry_after: Option<Duration>,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    query: Result<QueryParams, ParamsRejection>,
) -> Response {
    let origin = &cookies.browser.origin;
    let Ok(QueryParams(params)) = query else { return over(&env, origin) };
    let handle = params.get("request").unwrap_or_default();
    match sign_in_page(&env, handle, &cookies.browser).await {
        Ok(found) => page(&env, &cookies, (&found, handle), &Said::default()),
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

/// Checks what was typed.
pub(crate) async fn post(
    State(env): State<Env>,
    cookies: BrowserCookies,
    form: Result<FormParams, ParamsRejection>,
) -> Response {
    let origin = &cookies.browser.origin;
    let FormParams(params) = match form {
        Ok(form) => form,
        Err(rejection) => return unreadable(&env, origin, &rejection),
    };
    let handle = params.get("request").unwrap_or_default();
    let found = match sign_in_page(&env, handle, &cookies.browser).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, origin, &error),
    };
    if let Some(said) = incomplete(&env, &cookies, &params, handle) {
        return page(&env, &cookies, (&found, handle), &said);
    }
    let email = params.get("email").unwrap_or_default();
    let typed = Typed { email, password: params.get("password").unwrap_or_default() };
    let bad = StatusCode::UNPROCESSABLE_ENTITY;
    let minutes = LOCKOUT_WINDOW.num_minutes();
    let too_many = format!(
        "There were too many failed sign-ins for this address. Wait {minutes} minutes, then try again."
    );
    let said = match sign_in(&env, &found.waiting, typed, &cookies.browser).await {
        Ok(SignIn::SignedIn(done)) => return signed_in(&env, &cookies, &done),
        Ok(SignIn::AnotherUser(answer)) => return present::answer(&env, &answer),
        Ok(SignIn::NotAnAddress) => Said {
            status: bad,
            email_error: Some("Enter your e-mail address in full, like ada@example.com."),
            ..Said::default()
        },
        Ok(SignIn::TooManyTries) => {
            Said { status: StatusCode::TOO_MANY_REQUESTS, notice: Some(&too_many), ..Said::default() }
        }
        Ok(SignIn::OrganizationBusy(until)) => Said {
            status: StatusCode::TOO_MANY_REQUESTS,
            notice: Some(
                "Too many people are trying to sign in here at the moment. Wait a minute, then try again. \
                 In a browser that you have signed in with before, you need not wait.",
            ),
            retry_after: Some(until.retry_after),
            ..Said::default()
        },
        Ok(SignIn::WrongCredentials) => Said {
            status: bad,
            error: Some("The e-mail address or the password is not right."),
            ..Said::default()
        },
        Err(error) => return present::waiting_error(&env, origin, &error),
    };
    page(&env, &cookies, (&found, handle), &Said { email: Some(email), ..said })
}

/// What is missing before anything is checked.
fn incomplete<'a>(env: &Env, cookies: &BrowserCookies, params: &'a Params, handle: &str) -> Option<Said<'a>> {
    let email = params.get("email");
    let said = Said { status: StatusCode::UNPROCESSABLE_ENTITY, email, ..Said::default() };
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, handle, token) {
        return Some(Said { notice: Some("This page had grown old. Please try again."), ..said });
    }
    match (email, params.get("password")) {
        (Some(_), Some(_)) => None,
        (email, password) => Some(Said {
            email_error: email.is_none().then_some("Enter your e-mail address."),
            password_error: password.is_none().then_some("Enter your password."),
            ..said
        }),
    }
}

fn signed_in(env: &Env, cookies: &BrowserCookies, done: &SignedIn) -> Response {
    let mut response = present::answer(env, &done.answer);
    let headers = response.headers_mut();
    for org_id in &done.dropped {
        cookies.drop_session(headers, *org_id);
    }
    let lifetime = (done.expires_at - env.clock.now()).num_seconds();
    cookies.set_session(headers, &done.cookie, lifetime);
    response
}

fn page(
    env: &Env,
    cookies: &BrowserCookies,
    (found, handle): (&SignInPage, &str),
    said: &Said<'_>,
) -> Response {
    let asked = found.waiting.asked();
    let mut shared = Page::branded(env, &found.organization);
    if said.status != StatusCode::OK {
        shared = shared.with_request_id(&cookies.browser.origin);
    }
    let template = SignInTemplate {
        page: shared,
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        org: Org::of(&found.organization),
        client_name: found.waiting.client().name.as_str(),
        action: "/sign-in",
        email: said.email.or(asked.login_hint.as_deref()).unwrap_or_default(),
        notice: said.notice,
        error: said.error,
        email_error: said.email_error,
        password_error: said.password_error,
    };
    let mut response = render(said.status, &template, Some(&asked.redirect_uri));
    if said.status == StatusCode::TOO_MANY_REQUESTS {
        let wait =
            said.retry_after.map_or(LOCKOUT_WINDOW.num_seconds().unsigned_abs(), |wait| wait.as_secs() + 1);
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}
