//! `/sso/{organization}/{connection}/link`: a signed-in user links an identity.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::audit::Origin;
use orgate_domain::organizations::Organization;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::federation::begin::BeginError;
use orgate_flows::federation::link::{LinkError, LinkPage, begin_link, link_page};

use crate::form::PageForm;
use crate::language::{Language, Message};
use crate::page::{Org, Page, Trouble, failed, over, render, trouble};
use crate::present;
use crate::sso::{self, Toward, place};

/// `templates/link.html`.
#[derive(Template)]
#[template(path = "link.html")]
struct LinkTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    user_name: &'a str,
    provider: &'a str,
    action: String,
    notice: Option<String>,
}

/// `templates/linked.html`.
#[derive(Template)]
#[template(path = "linked.html")]
struct LinkedTemplate<'a> {
    page: Page,
    provider: &'a str,
}

/// What the form's token is bound to.
fn subject(org_id: &str, connection: &str) -> String {
    format!("link {org_id} {connection}")
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    cookies: BrowserCookies,
) -> Response {
    let origin = &cookies.browser.origin;
    let Some(at) = place(&org_id, &connection) else { return over(&env, origin) };
    match link_page(&env, at, &cookies.browser).await {
        Ok(found) => page(&env, &cookies, (&org_id, &connection), &found, None),
        Err(error) => refused(&env, &cookies, &error),
    }
}

/// Sends the browser to the identity provider.
pub(crate) async fn post(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let Some(at) = place(&org_id, &connection) else { return over(&env, origin) };
    let found = match link_page(&env, at, &cookies.browser).await {
        Ok(found) => found,
        Err(error) => return refused(&env, &cookies, &error),
    };
    let token = params.get("csrf").unwrap_or_default();
    let notice =
        if env.vault.check_form_token(&cookies.browser.binding, &subject(&org_id, &connection), token) {
            match begin_link(&env, &found, &cookies.browser).await {
                Ok(departure) => return sso::depart_by_page(&env, origin, &departure, Toward::Proof),
                Err(BeginError::Waiting(error)) => return present::waiting_error(&env, origin, &error),
                Err(BeginError::Upstream(_)) => Message("link-outage"),
                Err(BeginError::Refused(_)) => Message("link-closed"),
            }
        } else {
            Message("old-page")
        };
    page(&env, &cookies, (&org_id, &connection), &found, Some(notice))
}

fn page(
    env: &Env,
    cookies: &BrowserCookies,
    (org_id, connection): (&str, &str),
    found: &LinkPage,
    notice: Option<Message>,
) -> Response {
    let language = Language::in_organization(&cookies.browser.origin, &found.organization);
    let template = LinkTemplate {
        page: Page::branded(env, &found.organization).speaking(language),
        request: "",
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(org_id, connection)),
        org: Org::of(&found.organization),
        user_name: &found.user_name,
        provider: found.connection.name.as_str(),
        action: format!("/sso/{org_id}/{connection}/link"),
        notice: notice.map(|message| language.say(message)),
    };
    let status = if notice.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    render(status, &template, None)
}

/// It is done.
pub(crate) fn linked(
    env: &Env,
    origin: &Origin,
    (organization, provider): (Option<&Organization>, &str),
) -> Response {
    let page = match organization {
        Some(organization) => {
            Page::branded(env, organization).speaking(Language::in_organization(origin, organization))
        }
        None => Page::new(env).read_by(origin),
    };
    render(StatusCode::OK, &LinkedTemplate { page, provider }, None)
}

fn refused(env: &Env, cookies: &BrowserCookies, error: &LinkError) -> Response {
    let origin = &cookies.browser.origin;
    let (status, code, about) = match error {
        LinkError::Failure(failure) => return failed(env, origin, failure),
        LinkError::SignInAgain => {
            (StatusCode::FORBIDDEN, "fresh_sign_in_required", Message("problem-link-again"))
        }
        LinkError::Unavailable => (StatusCode::NOT_FOUND, "not_found", Message("problem-link-nothing")),
    };
    trouble(env, origin, &Trouble::of(status, code, about))
}
