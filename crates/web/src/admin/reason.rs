//! Why somebody looks at an organization that is not theirs: asked once an hour and sign-in, kept by the browser, and told to that
//! organization with each page that is opened.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use orgate_edge::{AdministrationCookies, BrowserCookies};
use orgate_flows::administration::{PATH, ReturnPath};
use orgate_flows::manage::access::{MAX_REASON, parse_reason};
use orgate_flows::{Browser, Env};

use crate::form::PageForm;
use crate::page::{Page, over, render};
use crate::present::see_other;

/// How long a reason counts: the browser forgets it then, and one that does not is not believed.
const COUNTS_SECS: i64 = 3600;

/// `templates/reason.html`.
#[derive(Template)]
#[template(path = "reason.html")]
struct ReasonTemplate<'a> {
    page: Page,
    csrf: String,
    action: String,
    /// Where they wanted.
    to: &'a str,
    reason: &'a str,
    error: Option<&'static str>,
    back: String,
    most: usize,
}

/// Asks why, on the way to a page about another organization.
pub(super) fn ask(
    env: &Env,
    cookies: &BrowserCookies,
    (own, other, to): (&str, &str, &ReturnPath),
    wrong: Option<(&str, &'static str)>,
) -> Response {
    let template = ReasonTemplate {
        page: Page::new(env),
        csrf: env.vault.form_token(&cookies.browser.binding, &asked(own, other)),
        action: format!("{PATH}/{own}/organizations/{other}/reason"),
        to: to.as_str(),
        reason: wrong.map(|(reason, _)| reason).unwrap_or_default(),
        error: wrong.map(|(_, error)| error),
        back: format!("{PATH}/{own}/organizations"),
        most: MAX_REASON,
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::FORBIDDEN };
    let mut response = render(status, &template, None);
    cookies.bind(response.headers_mut());
    response
}

/// `POST …/organizations/{other}/reason`: keeps the reason, and goes on. It opens nothing: whoever may not look is refused there.
pub(super) async fn post(
    State(env): State<Env>,
    cookies: BrowserCookies,
    kept: AdministrationCookies,
    Path((own, other)): Path<(String, String)>,
    PageForm(params): PageForm,
) -> Response {
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, &asked(&own, &other), token) {
        return over(&env, &cookies.browser.origin);
    }
    let first = format!("{PATH}/{own}/organizations/{other}");
    let to = params.get("to").and_then(ReturnPath::parse);
    let to = to.filter(|to| to.as_str().starts_with(&first));
    let Some(to) = to.or_else(|| ReturnPath::parse(&first)) else {
        return over(&env, &cookies.browser.origin);
    };
    let text = params.get("reason").unwrap_or_default();
    let Some(reason) = parse_reason(text) else {
        let error = if text.chars().count() > MAX_REASON {
            "Say it in fewer words."
        } else {
            "Say why, in a few words."
        };
        return ask(&env, &cookies, (&own, &other, &to), Some((text, error)));
    };
    let at = env.clock.now().timestamp();
    let proof = env.vault.form_token(&cookies.browser.binding, &because((&own, &other), at, &reason));
    let mut response = see_other(&env.issuer.at(to.as_str()));
    let encoded: String = form_urlencoded::byte_serialize(reason.as_bytes()).collect();
    kept.set_reason(response.headers_mut(), &own, format!("{proof}.{at}.{encoded}"));
    response
}

/// What was given as the reason in this browser, for this organization.
pub(super) fn given(
    env: &Env,
    (browser, kept): (&Browser, &AdministrationCookies),
    (own, other): (&str, &str),
) -> Option<String> {
    let (proof, rest) = kept.reason()?.split_once('.')?;
    let (at, encoded) = rest.split_once('.')?;
    let at = at.parse::<i64>().ok().filter(|at| env.clock.now().timestamp() - at < COUNTS_SECS)?;
    let (reason, _) = form_urlencoded::parse(encoded.as_bytes()).next()?;
    env.vault
        .check_form_token(&browser.binding, &because((own, other), at, &reason), proof)
        .then(|| reason.into_owned())
}

/// What the form is bound to.
fn asked(own: &str, other: &str) -> String {
    format!("admin reason {own} {other}")
}

/// What the cookie is bound to.
fn because((own, other): (&str, &str), at: i64, reason: &str) -> String {
    format!("admin because {own} {other} {at} {reason}")
}
