//! `GET` and `POST /sign-in`: an organization's own password.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_domain::policies::LOCKOUT_WINDOW;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::cancel::cancel;
use orgate_flows::federation::begin::{BeginError, begin};
use orgate_flows::federation::methods::Connection;
use orgate_flows::sign_in::{SignIn, SignInPage, Typed, sign_in};
use orgate_protocol::params::Params;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::page::{Org, Page, over, render};
use crate::present::{self, signed_in};
use crate::sso::{self, Toward};

/// `templates/sign_in.html`.
#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    client_name: &'a str,
    returns: bool,
    connections: Vec<Provider>,
    password: bool,
    recovery_href: String,
    join_href: Option<String>,
    action: &'a str,
    email: &'a str,
    notice: Option<String>,
    error: Option<String>,
    email_error: Option<String>,
    password_error: Option<String>,
}

/// The button of a connection.
struct Provider {
    name: String,
    icon_url: Option<String>,
    href: String,
}

impl Provider {
    fn of(connection: &Connection, handle: &str, hint: Option<&str>) -> Self {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("request", handle).append_pair("connection", &connection.id.to_string());
        if let Some(hint) = hint {
            query.append_pair("login_hint", hint);
        }
        Self {
            name: connection.name.as_str().to_owned(),
            icon_url: connection.icon_url.clone(),
            href: format!("/sign-in/connection?{}", query.finish()),
        }
    }
}

/// What the page says about the last attempt.
#[derive(Default)]
struct Said<'a> {
    status: StatusCode,
    email: Option<&'a str>,
    /// It can say for how many minutes a window of tries lasts.
    notice: Option<Message>,
    error: Option<Message>,
    email_error: Option<Message>,
    password_error: Option<Message>,
    /// The only ways that are left, where SSO is enforced for what was typed.
    connections: Option<Vec<Connection>>,
    /// Else the whole window of an account's tries.
    retry_after: Option<Duration>,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let found = match present::sign_in_page(&env, handle, &mut cookies).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    let origin = &cookies.browser.origin;
    let failed = params.get("failed");
    if let (Some(only), None) = (&found.methods.direct, failed) {
        match begin(&env, &found.waiting, only.id, None, &cookies.browser).await {
            Ok(departure) if params.get("after").is_some() => {
                return sso::depart_by_page(&env, origin, &departure, Toward::SignIn);
            }
            Ok(departure) => return sso::depart(&env, origin, &departure, Toward::SignIn),
            Err(BeginError::Waiting(error)) => return present::waiting_error(&env, origin, &error),
            Err(error) => return page(&env, &cookies, (&found, handle), &after(sso::failed_as(&error))),
        }
    }
    page(&env, &cookies, (&found, handle), &failed.map(after).unwrap_or_default())
}

/// The page after a way to an identity provider that led nowhere.
fn after(failed: &str) -> Said<'static> {
    let (status, notice) = match failed {
        "outage" => (StatusCode::BAD_GATEWAY, Some(Message("sign-in-outage"))),
        "closed" => (StatusCode::FORBIDDEN, Some(Message("sign-in-closed"))),
        _ => (StatusCode::OK, None),
    };
    Said { status, notice, ..Said::default() }
}

/// Checks what was typed.
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
    if let Some(said) = incomplete(&env, &cookies, &params, handle) {
        return page(&env, &cookies, (&found, handle), &said);
    }
    let email = params.get("email").unwrap_or_default();
    let typed = Typed { email, password: params.get("password").unwrap_or_default() };
    let bad = StatusCode::UNPROCESSABLE_ENTITY;
    let said = match sign_in(&env, &found.waiting, typed, &cookies.browser).await {
        Ok(SignIn::SignedIn(done)) => return signed_in(&env, &cookies, &done),
        Ok(SignIn::NotAsAsked(answer)) => return present::answer(&env, origin, &answer),
        Ok(SignIn::NotAnAddress) => {
            Said { status: bad, email_error: Some(Message("enter-email-in-full")), ..Said::default() }
        }
        Ok(SignIn::TooManyTries) => Said {
            status: StatusCode::TOO_MANY_REQUESTS,
            notice: Some(Message("sign-in-too-many")),
            ..Said::default()
        },
        Ok(SignIn::OrganizationBusy(until)) => Said {
            status: StatusCode::TOO_MANY_REQUESTS,
            notice: Some(Message("sign-in-busy")),
            retry_after: Some(until.retry_after),
            ..Said::default()
        },
        Ok(SignIn::SsoRequired(connections)) => elsewhere(connections),
        Ok(SignIn::WrongCredentials) => {
            Said { status: bad, error: Some(Message("sign-in-wrong")), ..Said::default() }
        }
        Err(error) => return present::waiting_error(&env, origin, &error),
    };
    page(&env, &cookies, (&found, handle), &Said { email: Some(email), ..said })
}

/// Goes back to the application without signing in.
pub(crate) async fn post_cancel(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, handle, token) {
        return over(&env, &cookies.browser.origin);
    }
    let waiting = match present::take_up(&env, handle, &mut cookies).await {
        Ok(waiting) => waiting,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    match cancel(&env, &waiting, &cookies.browser).await {
        Ok(next) => present::next(&env, &cookies, &next),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// SSO is enforced for what was typed.
fn elsewhere(connections: Vec<Connection>) -> Said<'static> {
    let notice = if connections.is_empty() {
        Message("sign-in-provider-closed")
    } else {
        Message("provider-required")
    };
    Said {
        status: StatusCode::UNPROCESSABLE_ENTITY,
        notice: Some(notice),
        connections: Some(connections),
        ..Said::default()
    }
}

/// What is missing before anything is checked.
fn incomplete<'a>(env: &Env, cookies: &BrowserCookies, params: &'a Params, handle: &str) -> Option<Said<'a>> {
    let email = params.get("email");
    let said = Said { status: StatusCode::UNPROCESSABLE_ENTITY, email, ..Said::default() };
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, handle, token) {
        return Some(Said { notice: Some(Message("old-page")), ..said });
    }
    match (email, params.get("password")) {
        (Some(_), Some(_)) => None,
        (email, password) => Some(Said {
            email_error: email.is_none().then_some(Message("sign-in-email-missing")),
            password_error: password.is_none().then_some(Message("sign-in-password-missing")),
            ..said
        }),
    }
}

fn page(
    env: &Env,
    cookies: &BrowserCookies,
    (found, handle): (&SignInPage, &str),
    said: &Said<'_>,
) -> Response {
    let asked = found.waiting.asked();
    let language = Language::of(&cookies.browser.origin);
    let told = |message: Message| language.count(message, LOCKOUT_WINDOW.num_minutes());
    let mut shared = Page::branded(env, &found.organization).speaking(language);
    if said.status != StatusCode::OK {
        shared = shared.with_request_id(&cookies.browser.origin);
    }
    let connections = said.connections.as_ref().unwrap_or(&found.methods.connections);
    let template = SignInTemplate {
        page: shared,
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        org: Org::of(&found.organization),
        client_name: found.waiting.client().name.as_str(),
        returns: asked.device.is_none(),
        connections: connections.iter().map(|known| Provider::of(known, handle, said.email)).collect(),
        password: found.methods.password && said.connections.is_none(),
        recovery_href: format!("/sign-in/recovery?request={handle}"),
        join_href: found.joins.then(|| format!("/join?request={handle}")),
        action: "/sign-in",
        email: said.email.or(asked.login_hint.as_deref()).unwrap_or_default(),
        notice: said.notice.map(told),
        error: said.error.map(told),
        email_error: said.email_error.map(told),
        password_error: said.password_error.map(told),
    };
    let mut response = render(said.status, &template, Some(&asked.redirect_uri));
    if said.status == StatusCode::TOO_MANY_REQUESTS {
        let wait =
            said.retry_after.map_or(LOCKOUT_WINDOW.num_seconds().unsigned_abs(), |wait| wait.as_secs() + 1);
        response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    }
    response
}
