//! `/logout`: the end-session endpoint (OIDC RP-Initiated Logout 1.0 §2).

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::clients::Client;
use orgate_edge::{BrowserCookies, CalledIssuer};
use orgate_flows::federation::begin::Departure;
use orgate_flows::federation::logout::open_after;
use orgate_flows::sign_out::{SignOut, SignedOut, Wanted, sign_out};
use orgate_flows::{Called, Env};
use orgate_protocol::oauth::{check_ui_locales, logout};
use orgate_protocol::params::Params;
use url::Url;

use crate::form::{PageForm, PageQuery};
use crate::language::{Language, Message};
use crate::page::{Link, Org, Page, Trouble, back_to, failed, over, render, render_framing, trouble};
use crate::present::see_other;
use crate::sso::{self, Toward};

/// `templates/sign_out.html`.
#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutTemplate {
    page: Page,
    request: String,
    csrf: String,
    org: Org,
    email: String,
    others_stay: bool,
    action: String,
    cancel: Option<Link>,
}

/// `templates/signed_out.html`.
#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutTemplate<'a> {
    page: Page,
    back: Option<Link>,
    frames: &'a [Url],
    onward: Option<&'a str>,
}

/// What the confirmation's token is bound to.
const CONFIRMATION: &str = "sign-out";

/// The request in the query.
pub(crate) async fn get(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    answer(&env, cookies, &params, (called, Wanted::ByClient)).await
}

/// The request in the body. A post from another site comes without our cookies, so it is repeated
/// as a GET, which brings them.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    PageForm(params): PageForm,
) -> Response {
    see_other(&env.issuer.called(called).at(&format!("/logout?{}", encoded(&params))))
}

/// The person confirmed. `request` carries the original parameters, which are checked again.
pub(crate) async fn post_confirm(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let token = params.get("csrf").unwrap_or_default();
    let original = Params::parse(params.get("request").unwrap_or_default());
    let ours = env.vault.check_form_token(&cookies.browser.binding, CONFIRMATION, token);
    match original {
        Ok(original) if ours => answer(&env, cookies, &original, (called, Wanted::ByPerson)).await,
        _ => over(&env, &cookies.browser.origin),
    }
}

/// `GET /sso/signed-out`: back from an identity provider's logout.
pub(crate) async fn get_signed_out(State(env): State<Env>, cookies: BrowserCookies) -> Response {
    let sealed = cookies.after_logout.as_deref().unwrap_or_default();
    let after = open_after(&env, sealed, &cookies.browser);
    let mut response = match &after.to {
        Some(to) => see_other(to),
        None => tell(&env, &cookies, None, (&[], None)),
    };
    cookies.drop_after_logout(response.headers_mut());
    response
}

async fn answer(
    env: &Env,
    mut cookies: BrowserCookies,
    params: &Params,
    (called, wanted): (Called, Wanted),
) -> Response {
    cookies.browser.origin.ui_locales = check_ui_locales(params);
    let cookies = &cookies;
    let request = match logout::parse(params) {
        Ok(request) => request,
        Err(error) => return refused(env, cookies, &error.description),
    };
    match sign_out(env, &request, (called, wanted), &cookies.browser).await {
        Ok(SignOut::Done(done)) => self::done(env, cookies, &done),
        Ok(SignOut::Confirm { sessions, others_stay, client, to }) => {
            let names: Vec<&str> = sessions.iter().map(|session| session.org_name.as_str()).collect();
            let emails: Vec<_> = sessions.iter().map(|session| session.label().to_owned()).collect();
            let logo = sessions.first().filter(|_| sessions.len() == 1);
            let org = Org::named(&names.join(", "), logo.and_then(|session| session.logo_url.clone()));
            let asked = (encoded(params), org, emails.join(", "), others_stay);
            confirmation((env, called), cookies, asked, (client.as_deref(), to.as_deref()))
        }
        Ok(SignOut::Refused(why)) => refused(env, cookies, why),
        Err(failure) => failed(env, &cookies.browser.origin, &failure),
    }
}

/// The browser drops its cookies, tells applications, and goes on.
pub(crate) fn done(env: &Env, cookies: &BrowserCookies, done: &SignedOut) -> Response {
    let SignedOut { ended, to, client, frames, by } = done;
    // By way of the page that loads them, wherever the browser goes then.
    let mut response = match (by, to) {
        // The application may have sent the browser here by a form.
        (Some(by), _) if frames.is_empty() => {
            sso::depart_by_page(env, &cookies.browser.origin, &by.departure, Toward::SignOut)
        }
        (Some(by), _) => match &by.departure {
            Departure::Redirect(to) => tell(env, cookies, None, (frames, Some(to))),
            Departure::Post { to, fields } => {
                sso::depart_telling(env, &cookies.browser.origin, (to, fields), frames)
            }
        },
        (None, Some(to)) if frames.is_empty() => see_other(to),
        (None, to) => tell(env, cookies, client.as_deref(), (frames, to.as_deref())),
    };
    if let Some(by) = by {
        cookies.set_after_logout(response.headers_mut(), &by.after);
    }
    for org_id in ended {
        cookies.drop_session(response.headers_mut(), *org_id);
    }
    response
}

fn confirmation(
    (env, called): (&Env, Called),
    cookies: &BrowserCookies,
    (request, org, email, others_stay): (String, Org, String, bool),
    (client, to): (Option<&Client>, Option<&str>),
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let template = SignOutTemplate {
        page: Page::new(env).speaking(language),
        request,
        csrf: env.vault.form_token(&cookies.browser.binding, CONFIRMATION),
        org,
        email,
        others_stay,
        action: env.issuer.called(called).at("/logout/confirm"),
        cancel: client.and_then(|client| back_to(client, language)),
    };
    let mut response = render(StatusCode::OK, &template, to);
    cookies.bind(response.headers_mut());
    response
}

/// The page that lets applications hear of it, if any want to, and goes on.
fn tell(
    env: &Env,
    cookies: &BrowserCookies,
    client: Option<&Client>,
    (frames, onward): (&[Url], Option<&str>),
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let template = SignedOutTemplate {
        page: Page::new(env).speaking(language),
        back: client.and_then(|client| back_to(client, language)).filter(|_| onward.is_none()),
        frames,
        onward,
    };
    render_framing(&template, frames, None)
}

fn refused(env: &Env, cookies: &BrowserCookies, why: &str) -> Response {
    let (status, about, with) = (StatusCode::BAD_REQUEST, Message("problem-sign-out"), [("why", why)]);
    let told = Trouble { status, code: "invalid_request", about, with: &with, client: None };
    trouble(env, &cookies.browser.origin, &told)
}

fn encoded(params: &Params) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params.iter()).finish()
}
