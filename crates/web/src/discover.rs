//! `/discover`: "Where do you work?", the code from the mail, and the links in it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::policies::DISCOVERY_LIFETIME;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::discover::{Discovered, Proven, Shared, discover, prove};
use orgate_flows::waiting::{Waiting, WaitingError};
use orgate_protocol::params::Params;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::page::{Page, over, render};
use crate::present;

/// `templates/discover.html`.
#[derive(Template)]
#[template(path = "discover.html")]
struct DiscoverTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    client_name: &'a str,
    action: &'a str,
    q: &'a str,
    error: Option<String>,
}

/// `templates/discover_several.html`.
#[derive(Template)]
#[template(path = "discover_several.html")]
struct SeveralTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    client_name: &'a str,
    action: &'a str,
    address: &'a str,
    organizations: &'a [Shared],
    back_href: String,
}

/// `templates/discover_sent.html`.
#[derive(Template)]
#[template(path = "discover_sent.html")]
struct SentTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    email: &'a str,
    action: &'a str,
    error: Option<String>,
    expires_minutes: u32,
    back_href: String,
}

/// Shows the question.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    match taken_up(&env, &mut cookies, &params).await {
        Ok((waiting, handle)) => question(&env, &cookies, (&waiting, handle), ("", None)),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Follows the answer.
pub(crate) async fn post(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let (waiting, handle) = match taken_up(&env, &mut cookies, &params).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    let answer = params.get("q").unwrap_or_default();
    let target = waiting.asked().redirect_uri.clone();
    if !is_ours(&env, &cookies, &params, handle) {
        let error = Some(Message("old-page"));
        return question(&env, &cookies, (&waiting, handle), (answer, error));
    }
    if answer.trim().is_empty() {
        let error = Some(Message("discover-missing"));
        return question(&env, &cookies, (&waiting, handle), (answer, error));
    }
    let address = params.get("address");
    match discover(&env, waiting, (handle, answer, address), &cookies.browser).await {
        Ok(Discovered::Next(next)) => present::next_after_form(&env, &cookies, &next),
        Ok(Discovered::MailSent(email)) => sent(&env, &cookies, (handle, &target), (&email, None)),
        Ok(Discovered::Several(organizations)) => match taken_up(&env, &mut cookies, &params).await {
            Ok((waiting, handle)) => several(&env, &cookies, (&waiting, handle), (answer, &organizations)),
            Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
        },
        Ok(Discovered::NotFound) => {
            let error = Some(Message("discover-not-found"));
            match taken_up(&env, &mut cookies, &params).await {
                Ok((waiting, handle)) => question(&env, &cookies, (&waiting, handle), (answer, error)),
                Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
            }
        }
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Checks a typed code.
pub(crate) async fn post_code(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    if !is_ours(&env, &cookies, &params, handle) {
        return over(&env, &cookies.browser.origin);
    }
    proven(&env, &mut cookies, &params).await
}

/// A link of the mail, opened in the browser that asked for it. In any other, a mail scanner's
/// included, it finds no request and spends nothing.
pub(crate) async fn get_link(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    proven(&env, &mut cookies, &params).await
}

async fn proven(env: &Env, cookies: &mut BrowserCookies, params: &Params) -> Response {
    let (waiting, handle) = match taken_up(env, cookies, params).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(env, &cookies.browser.origin, &error),
    };
    let code = params.get("code").unwrap_or_default();
    let target = waiting.asked().redirect_uri.clone();
    let organization = params.get("organization").and_then(|text| text.parse().ok());
    match prove(env, waiting, (code, organization), &cookies.browser).await {
        Ok(Proven::Next(next)) => present::next_after_form(env, cookies, &next),
        Ok(Proven::WrongCode) => {
            let error = Some(Message("discover-sent-wrong"));
            let email = params.get("email").map(str::to_owned);
            let email = email
                .unwrap_or_else(|| Language::of(&cookies.browser.origin).say("discover-sent-your-address"));
            sent(env, cookies, (handle, &target), (&email, error))
        }
        Err(error) => present::waiting_error(env, &cookies.browser.origin, &error),
    }
}

async fn taken_up<'p>(
    env: &Env,
    cookies: &mut BrowserCookies,
    params: &'p Params,
) -> Result<(Waiting, &'p str), WaitingError> {
    let handle = params.get("request").unwrap_or_default();
    let waiting = present::take_up(env, handle, cookies).await?;
    if waiting.is_resolved() { Err(WaitingError::Over) } else { Ok((waiting, handle)) }
}

fn is_ours(env: &Env, cookies: &BrowserCookies, params: &Params, handle: &str) -> bool {
    let token = params.get("csrf").unwrap_or_default();
    env.vault.check_form_token(&cookies.browser.binding, handle, token)
}

fn question(
    env: &Env,
    cookies: &BrowserCookies,
    (waiting, handle): (&Waiting, &str),
    (q, error): (&str, Option<Message>),
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = DiscoverTemplate {
        page: Page::new(env).read_by(&cookies.browser.origin),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        client_name: waiting.client().name.as_str(),
        action: "/discover",
        q,
        error: error.map(|message| language.say(message)),
    };
    render(status, &template, Some(&waiting.asked().redirect_uri))
}

fn several(
    env: &Env,
    cookies: &BrowserCookies,
    (waiting, handle): (&Waiting, &str),
    (address, organizations): (&str, &[Shared]),
) -> Response {
    let template = SeveralTemplate {
        page: Page::new(env).read_by(&cookies.browser.origin),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        client_name: waiting.client().name.as_str(),
        action: "/discover",
        address: address.trim(),
        organizations,
        back_href: format!("/discover?request={handle}"),
    };
    render(StatusCode::OK, &template, Some(&waiting.asked().redirect_uri))
}

fn sent(
    env: &Env,
    cookies: &BrowserCookies,
    (handle, target): (&str, &str),
    (email, error): (&str, Option<Message>),
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = SentTemplate {
        page: Page::new(env).read_by(&cookies.browser.origin),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        email,
        action: "/discover/code",
        error: error.map(|message| language.say(message)),
        expires_minutes: u32::try_from(DISCOVERY_LIFETIME.num_minutes()).unwrap_or_default(),
        back_href: format!("/discover?request={handle}"),
    };
    render(status, &template, Some(target))
}
