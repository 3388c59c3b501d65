//! `GET` and `POST /choose`: which of this browser's organizations.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::OrgId;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::authorize::Needed;
use orgate_flows::choose::{Choice, choices_and_needs, choose};
use orgate_flows::waiting::Waiting;

use crate::form::{PageForm, PageQuery};
use crate::language::Language;
use crate::page::{Org, Page, failed, over, render};
use crate::present;

/// `templates/choose.html`.
#[derive(Template)]
#[template(path = "choose.html")]
struct ChooseTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    client_name: &'a str,
    action: &'a str,
    organizations: Vec<Line>,
    other_href: String,
}

/// One organization to choose.
struct Line {
    id: String,
    name: String,
    logo_url: Option<String>,
    monogram: String,
    email: Option<String>,
    ready: bool,
    last_used: bool,
    asks: String,
}

/// Shows the page.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let waiting = match present::take_up(&env, handle, &mut cookies).await {
        Ok(waiting) if !waiting.is_resolved() => waiting,
        Ok(_) => return over(&env, &cookies.browser.origin),
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    match choices_and_needs(&env, &waiting, &cookies.browser).await {
        Ok(choices) => page(&env, &cookies, (&waiting, handle), choices),
        Err(failure) => failed(&env, &cookies.browser.origin, &failure),
    }
}

/// Goes on in the chosen organization.
pub(crate) async fn post(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    let wanted = params.get("organization").and_then(|text| text.parse::<OrgId>().ok());
    let (true, Some(org_id)) = (env.vault.check_form_token(&cookies.browser.binding, handle, token), wanted)
    else {
        return over(&env, &cookies.browser.origin);
    };
    let chosen = match present::take_up(&env, handle, &mut cookies).await {
        Ok(waiting) => choose(&env, waiting, org_id, &cookies.browser).await,
        Err(error) => Err(error),
    };
    match chosen {
        Ok(next) => present::next_after_form(&env, &cookies, &next),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

fn page(
    env: &Env,
    cookies: &BrowserCookies,
    (waiting, handle): (&Waiting, &str),
    choices: Vec<(Choice, Needed)>,
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let lines = choices.into_iter().enumerate().map(|(place, (choice, needed))| {
        let Org { name, logo_url, monogram } = Org::named(&choice.name, choice.logo_url);
        let ready = needed == Needed::Nothing;
        let last_used = place == 0 && ready;
        Line {
            id: choice.scope.org_id().to_string(),
            name,
            logo_url,
            monogram,
            email: choice.signed_in_as,
            ready,
            last_used,
            asks: asks(&needed, language),
        }
    });
    let template = ChooseTemplate {
        page: Page::new(env).speaking(language),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, handle),
        client_name: waiting.client().name.as_str(),
        action: "/choose",
        organizations: lines.collect(),
        other_href: format!("/discover?request={handle}"),
    };
    render(StatusCode::OK, &template, Some(&waiting.asked().redirect_uri))
}

/// What a choice will ask, in a few words; nothing where it asks nothing.
fn asks(needed: &Needed, language: Language) -> String {
    match needed {
        Needed::IdentityProvider(name) => {
            language.say_with("choose-asks-provider", &[("provider", name.as_str())])
        }
        Needed::Nothing => String::new(),
        Needed::Password => language.say("choose-asks-password"),
        Needed::SignIn => language.say("choose-asks-sign-in"),
    }
}
