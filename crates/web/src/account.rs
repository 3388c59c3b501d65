//! `/account`: what a signed-in user sees of themselves.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::clients::{Client, Party};
use orgate_domain::ids::SessionId;
use orgate_domain::user_agents::describe;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::consents::{GivenConsent, revoke_own};
use orgate_flows::sessions::{
    Account, OpenSession, OwnEnding, OwnSessions, ProvenSession, end_own, own_sessions,
};

use url::Url;

use crate::consent::meaning;
use crate::form::{PageForm, PageQuery};
use crate::moment::Moment;
use crate::page::{Org, Page, Problem, failed, over, problem, render};
use crate::present::see_other;
use crate::sign_out;

/// `templates/account/sessions.html`.
#[derive(Template)]
#[template(path = "account/sessions.html")]
struct SessionsTemplate<'a> {
    page: Page,
    org: Org,
    user: &'a str,
    csrf: String,
    organization: String,
    done: bool,
    sessions: Vec<Line>,
    others: bool,
    revoked: bool,
    applications: Vec<Application>,
}

/// An application of somebody else's that has access.
struct Application {
    client_id: String,
    name: String,
    hosts: String,
    may: String,
    given: Moment,
}

/// One session.
struct Line {
    id: String,
    device: String,
    here: bool,
    address: Option<String>,
    clients: String,
    signed_in: Moment,
    last_seen: Moment,
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

/// `GET /account/sessions`: where the user is signed in.
pub(crate) async fn get_sessions(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    match own_sessions(&env, params.get("organization"), &cookies.browser).await {
        Ok(Account::Sessions(own)) => page(&env, &cookies, &own, params.get("done")),
        Ok(Account::Choose(sessions)) => choose(&env, &sessions),
        Ok(Account::NotSignedIn) => not_signed_in(&env, &cookies),
        Err(failure) => failed(&env, origin, &failure),
    }
}

/// `POST /account/sessions`: ends one of them, or all but this browser's.
pub(crate) async fn post_sessions(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let organization = params.get("organization").unwrap_or_default();
    let own = match own_sessions(&env, Some(organization), &cookies.browser).await {
        Ok(Account::Sessions(own)) => own,
        Ok(_) => return not_signed_in(&env, &cookies),
        Err(failure) => return failed(&env, origin, &failure),
    };
    let token = params.get("csrf").unwrap_or_default();
    let one = params.get("session").and_then(|text| text.parse::<SessionId>().ok()).map(OwnEnding::One);
    let ending = one.or_else(|| params.get("others").map(|_| OwnEnding::Others));
    let ours = env.vault.check_form_token(&cookies.browser.binding, &subject(&own), token);
    let (true, Some(ending)) = (ours, ending) else { return over(&env, origin) };
    match end_own(&env, &own, ending, &cookies.browser).await {
        Ok(Some(done)) => sign_out::done(&env, &cookies, &done),
        Ok(None) => see_other(
            &env.issuer.at(&format!("/account/sessions?organization={}&done=1", own.organization.id)),
        ),
        Err(failure) => failed(&env, origin, &failure),
    }
}

/// `POST /account/applications`: takes back what an application may have.
pub(crate) async fn post_applications(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let organization = params.get("organization").unwrap_or_default();
    let own = match own_sessions(&env, Some(organization), &cookies.browser).await {
        Ok(Account::Sessions(own)) => own,
        Ok(_) => return not_signed_in(&env, &cookies),
        Err(failure) => return failed(&env, origin, &failure),
    };
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, &subject(&own), token) {
        return over(&env, origin);
    }
    // One that has no access any more is as good as revoked.
    match revoke_own(&env, &own, params.get("client").unwrap_or_default(), &cookies.browser).await {
        Ok(_) => see_other(
            &env.issuer.at(&format!("/account/sessions?organization={}&done=access", own.organization.id)),
        ),
        Err(failure) => failed(&env, origin, &failure),
    }
}

/// What the form's token is bound to.
fn subject(own: &OwnSessions) -> String {
    format!("sessions {}", own.here)
}

fn page(env: &Env, cookies: &BrowserCookies, own: &OwnSessions, done: Option<&str>) -> Response {
    let now = env.clock.now();
    let template = SessionsTemplate {
        page: Page::branded(env, &own.organization),
        org: Org::of(&own.organization),
        user: &own.user,
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(own)),
        organization: own.organization.id.to_string(),
        done: done.is_some_and(|done| done != "access"),
        revoked: done == Some("access"),
        applications: own.consents.iter().map(|given| Application::of(given, now)).collect(),
        sessions: own.sessions.iter().map(|session| Line::of(session, own.here, now)).collect(),
        others: own.sessions.iter().any(|session| session.id != own.here),
    };
    let mut response = render(StatusCode::OK, &template, None);
    cookies.bind(response.headers_mut());
    response
}

fn choose(env: &Env, sessions: &[ProvenSession]) -> Response {
    let row = |proven: &ProvenSession| Row {
        href: format!("/account/sessions?organization={}", proven.session.org_id),
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
            what_happened: "This browser is not signed in to the organization whose sessions you want to see.",
            what_next: "Sign in to one of your organization’s applications in this browser, and then open this page once more.",
            client: None,
        },
    )
}

impl Line {
    fn of(session: &OpenSession, here: SessionId, now: DateTime<Utc>) -> Self {
        Self {
            id: session.id.to_string(),
            device: describe(session.user_agent.as_deref()),
            here: session.id == here,
            address: session.address.map(|address| address.to_string()),
            clients: session.clients.join(", "),
            signed_in: Moment::of(session.signed_in_at, now),
            last_seen: Moment::of(session.last_seen_at, now),
        }
    }
}

impl Application {
    fn of(given: &GivenConsent, now: DateTime<Utc>) -> Self {
        Self {
            client_id: given.client.client_id.clone(),
            name: given.client.name.as_str().to_owned(),
            hosts: hosts(&given.client),
            may: given.consent.scope.iter().map(meaning).collect::<Vec<_>>().join(", "),
            given: Moment::of(given.consent.updated_at, now),
        }
    }
}

/// Where a client is: the host of its document, or those that it has people sent to.
fn hosts(client: &Client) -> String {
    if client.settings.party == Party::Unregistered {
        return client.home_url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    }
    let urls = client.redirect_uris.iter().filter_map(|uri| Url::parse(uri.as_str()).ok());
    let hosts: BTreeSet<String> = urls.filter_map(|url| url.host_str().map(str::to_owned)).collect();
    hosts.into_iter().collect::<Vec<_>>().join(", ")
}
