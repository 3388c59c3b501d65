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
use url::Url;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
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
    new: Vec<String>,
    known: Vec<String>,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    match consent_page(&env, handle, &cookies.browser).await {
        Ok(found) => {
            present::heed(&mut cookies, &found.waiting);
            page(&env, &cookies, (&found, handle))
        }
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Answers the client as the person says.
pub(crate) async fn post(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    let said = match params.get("answer") {
        Some("allow") => Some(Decision::Allow),
        Some("deny") => Some(Decision::Deny),
        _ => None,
    };
    let (true, Some(said)) = (env.vault.check_form_token(&cookies.browser.binding, handle, token), said)
    else {
        return over(&env, &cookies.browser.origin);
    };
    let answered = match present::take_up(&env, handle, &mut cookies).await {
        Ok(waiting) => consent(&env, &waiting, said, &cookies.browser).await,
        Err(error) => Err(error),
    };
    match answered {
        Ok(answer) => present::answer(&env, &cookies.browser.origin, &answer),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

fn page(env: &Env, cookies: &BrowserCookies, (found, handle): (&ConsentPage, &str)) -> Response {
    let (client, asked) = (found.waiting.client(), found.waiting.asked());
    let language = Language::of(&cookies.browser.origin);
    let host = host_of(&asked.redirect_uri);
    let named = (&found.organization, host.as_deref().unwrap_or_default());
    let template = ConsentTemplate {
        page: Page::branded(env, &found.organization).speaking(language),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        org: Org::of(&found.organization),
        client_name: client.name.as_str(),
        provenance: provenance(language, (client, &found.asks), named),
        destination: host.unwrap_or_else(|| language.say("consent-this-device")),
        email: &found.user,
        action: "/consent",
        new: found.asks.new.iter().map(|scope| meaning(language, scope)).collect(),
        known: found.asks.known.iter().map(|scope| meaning(language, scope)).collect(),
    };
    render(StatusCode::OK, &template, Some(&asked.redirect_uri))
}

/// Whose application it is, as far as that is known. A name alone can be anybody's: of one that gave itself its name
/// nobody here says anything, and the home that it claims counts only where the person goes on to it.
pub(crate) fn provenance(
    language: Language,
    (client, asks): (&Client, &Asks),
    (organization, destination): (&Organization, &str),
) -> String {
    let home = client.home_url.as_ref().and_then(Url::host_str);
    let owner = match asks {
        _ if client.owner == organization.id => "own",
        Asks { by_operator: true, .. } => "operator",
        Asks { .. } => "another",
    };
    let home = home.filter(|home| asks.named_by != NamedBy::Itself || *home == destination);
    let message = match (asks.named_by, home) {
        (NamedBy::Document, _) => Message("consent-document"),
        (NamedBy::Itself, Some(_)) => Message("consent-registered-itself-home"),
        (NamedBy::Itself, None) => Message("consent-registered-itself"),
        (NamedBy::Administrators, Some(_)) => Message("consent-registered-home"),
        (NamedBy::Administrators, None) => Message("consent-registered"),
    };
    let (org, home) = (organization.name.as_str(), home.unwrap_or_default());
    language.say_with(message, &[("owner", owner), ("org", org), ("home", home)])
}

/// Where the answer goes, in terms that a person can check; nothing where it is an application on the device.
fn host_of(redirect_uri: &str) -> Option<String> {
    let url = Url::parse(redirect_uri).ok()?;
    let host = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"))?;
    Some(host.to_owned())
}

/// What a scope lets an application do, for people; one of the application's own is called by its name.
pub(crate) fn meaning(language: Language, scope: &str) -> String {
    let message = match scope {
        "openid" => Message("consent-may-openid"),
        "profile" => Message("consent-may-profile"),
        "email" => Message("consent-may-email"),
        "offline_access" => Message("consent-may-offline"),
        other => return other.to_owned(),
    };
    language.say(message)
}
