//! `GET` and `POST /consent`: whether a third-party client may have what it asks for.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::clients::Client;
use orgate_domain::organizations::Organization;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::consent::{Asks, ConsentPage, Decision, NamedBy, consent, consent_page};
use orgate_flows::waiting::take_up;
use url::Url;

use crate::form::{PageForm, PageQuery};
use crate::page::{Org, Page, over, render};
use crate::present;

/// `templates/consent.html`.
#[derive(Template)]
#[template(path = "consent.html")]
struct ConsentTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    client_name: &'a str,
    provenance: String,
    destination: String,
    email: &'a str,
    action: &'a str,
    new: Vec<&'a str>,
    known: Vec<&'a str>,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let handle = params.get("request").unwrap_or_default();
    match consent_page(&env, handle, &cookies.browser).await {
        Ok(found) => page(&env, &cookies, (&found, handle)),
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

/// Answers the client as the person says.
pub(crate) async fn post(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let handle = params.get("request").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    let said = match params.get("answer") {
        Some("allow") => Some(Decision::Allow),
        Some("deny") => Some(Decision::Deny),
        _ => None,
    };
    let (true, Some(said)) = (env.vault.check_form_token(&cookies.browser.binding, handle, token), said)
    else {
        return over(&env, origin);
    };
    let answered = match take_up(&env, handle, &cookies.browser).await {
        Ok(waiting) => consent(&env, &waiting, said, &cookies.browser).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(answer) => present::answer(&env, &answer),
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

fn page(env: &Env, cookies: &BrowserCookies, (found, handle): (&ConsentPage, &str)) -> Response {
    let (client, asked) = (found.waiting.client(), found.waiting.asked());
    let destination = destination(&asked.redirect_uri);
    let template = ConsentTemplate {
        page: Page::branded(env, &found.organization),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        org: Org::of(&found.organization),
        client_name: client.name.as_str(),
        provenance: provenance((client, &found.asks), &found.organization, &destination),
        destination,
        email: &found.user,
        action: "/consent",
        new: found.asks.new.iter().map(|scope| meaning(scope)).collect(),
        known: found.asks.known.iter().map(|scope| meaning(scope)).collect(),
    };
    render(StatusCode::OK, &template, Some(&asked.redirect_uri))
}

/// Whose application it is, as far as that is known. A name alone can be anybody's: of one that gave itself its name
/// nobody here says anything, and the home that it claims counts only where the person goes on to it.
pub(crate) fn provenance(
    (client, asks): (&Client, &Asks),
    organization: &Organization,
    destination: &str,
) -> String {
    let home = client.home_url.as_ref().and_then(Url::host_str);
    let (owner, named_by) = match asks {
        _ if client.owner == organization.id => (organization.name.as_str(), asks.named_by),
        Asks { by_operator: true, named_by, .. } => ("the people who run this sign-in service", *named_by),
        Asks { named_by, .. } => ("another organization that uses this sign-in service", *named_by),
    };
    let (registered, home) = match named_by {
        NamedBy::Document => {
            let host = home.unwrap_or_default();
            return format!("Nobody registered it here. It says of itself what it is, at {host}.");
        }
        NamedBy::Itself => {
            let registered = format!("It registered itself with {owner}, and nobody has checked its name");
            (registered, home.filter(|home| *home == destination))
        }
        NamedBy::Administrators => (format!("It was registered by {owner}"), home),
    };
    match (home, named_by) {
        (Some(home), NamedBy::Itself) => format!("{registered}. Its home is {home}."),
        (Some(home), _) => format!("{registered}, and its home is {home}."),
        (None, _) => format!("{registered}."),
    }
}

/// Where the answer goes, in terms that a person can check.
fn destination(redirect_uri: &str) -> String {
    let url = Url::parse(redirect_uri).ok();
    match url.as_ref().and_then(|url| Some((url.scheme(), url.host_str()?))) {
        Some(("http" | "https", host)) => host.to_owned(),
        _ => "an application on this device".to_owned(),
    }
}

/// What a scope lets an application do, for people; one of the application's own is called by its name.
pub(crate) fn meaning(scope: &str) -> &str {
    match scope {
        "openid" => "know who you are here",
        "profile" => "see your name and your language",
        "email" => "see your e-mail address",
        "offline_access" => "stay signed in while you are away",
        other => other,
    }
}
