//! `/device`: a person lets a device in that shows them a code (RFC 8628 §3.3).
//!
//! **Invariant:** nothing is done with a code before a button was pressed in this browser, and nobody is asked who
//! they are before they have seen what asks (§5.4).

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::audit::Origin;
use orgate_domain::clients::Party;
use orgate_domain::devices::DEVICE_LIFETIME;
use orgate_domain::ids::DeviceRequestId;
use orgate_domain::names::DisplayName;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::consent::{Decision, NamedBy};
use orgate_flows::device::{Approval, FoundDevice, answer, approval, begin, find};
use orgate_protocol::oauth::response::AuthorizationResponse;
use orgate_protocol::params::Params;

use crate::consent::{self, meaning};
use crate::form::{LinkQuery, PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::page::{Org, Page, failed, over, render};
use crate::present::{self, see_other};

/// `templates/device.html`.
#[derive(Template)]
#[template(path = "device.html")]
struct CodeTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    action: &'a str,
    code: &'a str,
    notice: Option<String>,
    error: Option<String>,
    expires_minutes: i64,
}

/// `templates/device_found.html`.
#[derive(Template)]
#[template(path = "device_found.html")]
struct FoundTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    action: &'a str,
    code: String,
    client_name: &'a str,
    home: Option<String>,
    organization: Option<&'a str>,
    back_href: &'a str,
}

/// `templates/device_approve.html`.
#[derive(Template)]
#[template(path = "device_approve.html")]
struct ApproveTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    action: &'a str,
    org: Org,
    code: String,
    client_name: &'a str,
    home: Option<String>,
    user: &'a str,
    provenance: Option<String>,
    new: Vec<String>,
    known: Vec<String>,
    other_href: String,
}

/// `templates/device_answered.html`.
#[derive(Template)]
#[template(path = "device_answered.html")]
struct AnsweredTemplate<'a> {
    page: Page,
    org: Org,
    client_name: &'a str,
    user: &'a str,
    allowed: bool,
}

const PAGE: &str = "/device";

/// What the form's token is bound to, once a code was typed.
fn subject(code: &str) -> String {
    format!("device {code}")
}

/// Asks for the code. One that came with the address is filled in, and nothing more.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let notice = params.get("error").map(|error| match error {
        "access_denied" => Message("device-denied"),
        _ => Message("device-not-as-asked"),
    });
    ask(&env, &cookies, params.get("user_code").unwrap_or_default(), Said { notice, ..Said::default() })
}

/// Looks the code up, and says what is behind it.
pub(crate) async fn post(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    match typed(&env, &cookies, &params, PAGE).await {
        Ok(found) => show(&env, &cookies, &found),
        Err(response) => response,
    }
}

/// The person has seen what asks, and goes on: to the organization, and then to the sign-in.
pub(crate) async fn post_continue(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let seen = subject(params.get("user_code").unwrap_or_default());
    let found = match typed(&env, &cookies, &params, &seen).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match begin(&env, found, &cookies.browser).await {
        Ok(next) => present::next_after_form(&env, &cookies, &next),
        Err(failure) => failed(&env, &cookies.browser.origin, &failure),
    }
}

/// Asks whether the device may come in.
pub(crate) async fn get_approve(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    match approval(&env, handle, &cookies.browser).await {
        Ok(approval) => {
            present::heed(&mut cookies, &approval.waiting);
            confirm(&env, &cookies, (&approval, handle))
        }
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Does what the person said.
pub(crate) async fn post_approve(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    let decision = match params.get("decision") {
        Some("allow") => Decision::Allow,
        Some("deny") => Decision::Deny,
        _ => return over(&env, &cookies.browser.origin),
    };
    if !env.vault.check_form_token(&cookies.browser.binding, handle, token) {
        return over(&env, &cookies.browser.origin);
    }
    let approval = match approval(&env, handle, &cookies.browser).await {
        Ok(approval) => approval,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    present::heed(&mut cookies, &approval.waiting);
    let origin = &cookies.browser.origin;
    match answer(&env, &approval, decision, &cookies.browser).await {
        Ok(outcome) => answered(&env, origin, &approval, outcome),
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

/// The sign-in for a device ended without one: back to where it began. While the master key changes, the code is
/// typed again: another key may have made it.
pub(crate) fn not_signed_in(env: &Env, device: DeviceRequestId, answer: &AuthorizationResponse) -> Response {
    let error = answer.outcome.as_ref().err().map_or("server_error", |error| error.code.as_str());
    let code =
        if env.vault.accepts_another() { String::new() } else { env.vault.user_code(device).to_string() };
    see_other(&env.issuer.at(&format!("{PAGE}?user_code={code}&error={error}")))
}

/// What the page says about the last attempt.
#[derive(Clone, Copy, Default)]
struct Said {
    notice: Option<Message>,
    error: Option<Message>,
}

/// The device whose code is in a form that this browser was given for `subject`, or the page that asks again.
async fn typed(
    env: &Env,
    cookies: &BrowserCookies,
    params: &Params,
    subject: &str,
) -> Result<FoundDevice, Response> {
    let code = params.get("user_code").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, subject, token) {
        let error = Some(Message("old-page"));
        return Err(ask(env, cookies, code, Said { error, ..Said::default() }));
    }
    match find(env, code, &cookies.browser).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => {
            let error = Some(Message("device-unknown"));
            Err(ask(env, cookies, code, Said { error, ..Said::default() }))
        }
        Err(failure) => Err(failed(env, &cookies.browser.origin, &failure)),
    }
}

fn ask(env: &Env, cookies: &BrowserCookies, code: &str, said: Said) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let status = if said.error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let template = CodeTemplate {
        page: Page::new(env).speaking(language),
        request: "",
        csrf: env.vault.form_token(&cookies.browser.binding, PAGE),
        action: PAGE,
        code: code.get(..code.floor_char_boundary(20)).unwrap_or_default(),
        notice: said.notice.map(|message| language.say(message)),
        error: said.error.map(|message| language.say(message)),
        expires_minutes: DEVICE_LIFETIME.num_minutes(),
    };
    let mut response = render(status, &template, None);
    cookies.bind(response.headers_mut());
    response
}

fn show(env: &Env, cookies: &BrowserCookies, found: &FoundDevice) -> Response {
    let code = found.user_code.to_string();
    let template = FoundTemplate {
        page: Page::new(env).read_by(&cookies.browser.origin),
        request: "",
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(&code)),
        action: "/device/continue",
        code,
        client_name: found.client.name.as_str(),
        // Somebody else's says of itself where it is at home.
        home: home_of(&found.client).filter(|_| found.client.settings.party == Party::First),
        organization: found.organization.as_ref().map(DisplayName::as_str),
        back_href: PAGE,
    };
    render(StatusCode::OK, &template, None)
}

fn confirm(env: &Env, cookies: &BrowserCookies, (approval, handle): (&Approval, &str)) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let template = ApproveTemplate {
        page: Page::branded(env, &approval.organization).speaking(language),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        action: "/device/approve",
        org: Org::of(&approval.organization),
        code: approval.user_code.to_string(),
        client_name: approval.waiting.client().name.as_str(),
        home: home_of(approval.waiting.client()).filter(|_| approval.asks.named_by != NamedBy::Itself),
        user: approval.user(),
        provenance: provenance(approval, language),
        new: approval.asks.new.iter().map(|scope| meaning(language, scope)).collect(),
        known: approval.asks.known.iter().map(|scope| meaning(language, scope)).collect(),
        other_href: format!("/sign-in?request={handle}"),
    };
    render(StatusCode::OK, &template, None)
}

fn answered(env: &Env, origin: &Origin, approval: &Approval, decision: Decision) -> Response {
    let template = AnsweredTemplate {
        page: Page::branded(env, &approval.organization).read_by(origin),
        org: Org::of(&approval.organization),
        client_name: approval.waiting.client().name.as_str(),
        user: approval.user(),
        allowed: decision == Decision::Allow,
    };
    render(StatusCode::OK, &template, None)
}

/// Whose the application is, where it is not the product's own. A device goes on to nowhere.
fn provenance(approval: &Approval, language: Language) -> Option<String> {
    let client = approval.waiting.client();
    let asked_for = client.settings.party != Party::First;
    let named = (&approval.organization, "");
    asked_for.then(|| consent::provenance(language, (client, &approval.asks), named))
}

/// Where the application is at home, for who knows the address better than the name.
fn home_of(client: &orgate_domain::clients::Client) -> Option<String> {
    client.home_url.as_ref()?.host_str().map(str::to_owned)
}
