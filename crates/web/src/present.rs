//! From what a use case decided to what the browser gets.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_domain::audit::Origin;
use orgate_edge::BrowserCookies;
use orgate_flows::authorize::{Answer, Destination, Next, Question, Refused, RefusedBecause};
use orgate_flows::sign_in::SignInPage;
use orgate_flows::waiting::{Waiting, WaitingError};
use orgate_flows::{Env, SignedIn};
use orgate_protocol::oauth::authorize::ResponseMode;

use crate::device;
use crate::language::Message;
use crate::page::{Page, Trouble, failed, over, render, trouble};

/// `templates/form_post.html`.
#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostPage<'a> {
    page: Page,
    client_name: &'a str,
    redirect_uri: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

/// Sends the browser on.
pub(crate) fn next(env: &Env, cookies: &BrowserCookies, next: &Next) -> Response {
    go_on(env, cookies, (next, ""))
}

/// Sends the browser on in answer to a form: browsers hold a page's `form-action` against every redirect
/// after its form, so nothing that leaves for another site may come by redirects alone.
pub(crate) fn next_after_form(env: &Env, cookies: &BrowserCookies, next: &Next) -> Response {
    go_on(env, cookies, (next, AFTER_FORM))
}

/// What the sign-in page is told when a form led to it.
pub(crate) const AFTER_FORM: &str = "&after=form";

fn go_on(env: &Env, cookies: &BrowserCookies, (next, after): (&Next, &str)) -> Response {
    let mut response = match next {
        Next::Answer(answer) => self::answer(env, &cookies.browser.origin, answer),
        Next::Ask(question, handle) => {
            let page = match question {
                Question::Approve => "device/approve",
                Question::Choose => "choose",
                Question::Consent => "consent",
                Question::Discover => "discover",
                Question::SignIn => "sign-in",
            };
            see_other(&env.issuer.at(&format!("/{page}?request={}{after}", handle.reveal())))
        }
        Next::Refused(refused) => self::refused(env, &cookies.browser.origin, refused),
    };
    cookies.bind(response.headers_mut());
    response
}

/// Hands the client its answer (RFC 6749 §4.1.2, or by form post).
pub(crate) fn answer(env: &Env, origin: &Origin, answer: &Answer) -> Response {
    let origin = &Origin { ui_locales: answer.ui_locales.clone(), ..origin.clone() };
    let to = match &answer.to {
        Destination::Client(to) => to.as_str(),
        Destination::Device(device) => return device::not_signed_in(env, *device, &answer.response),
    };
    match answer.mode {
        ResponseMode::Query => see_other(&answer.response.to_redirect_url(to)),
        ResponseMode::FormPost => {
            let fields = answer.response.form_fields();
            let template = FormPostPage {
                page: Page::new(env).read_by(origin),
                client_name: answer.client.name.as_str(),
                redirect_uri: to,
                fields: fields.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            };
            render(StatusCode::OK, &template, Some(to))
        }
    }
}

/// 303, whatever the method was: the next request is a GET without a body.
pub(crate) fn see_other(to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The request of a page cannot be taken up.
pub(crate) fn waiting_error(env: &Env, origin: &Origin, error: &WaitingError) -> Response {
    match error {
        WaitingError::Failure(failure) => failed(env, origin, failure),
        WaitingError::Over => over(env, origin),
    }
}

/// Sets the cookies of a completed sign-in on the way on.
pub(crate) fn signed_in(env: &Env, cookies: &BrowserCookies, done: &SignedIn) -> Response {
    let mut response = next(env, cookies, &done.next);
    let headers = response.headers_mut();
    for org_id in &done.dropped {
        cookies.drop_session(headers, *org_id);
    }
    let lifetime = (done.expires_at - env.clock.now()).num_seconds();
    cookies.set_session(headers, &done.cookie, lifetime);
    response
}

fn refused(env: &Env, origin: &Origin, refused: &Refused) -> Response {
    let about = match refused.why {
        RefusedBecause::ClientDisabled => Message("problem-client-off"),
        RefusedBecause::NotTold => Message("problem-link-untold"),
        RefusedBecause::OrganizationUnavailable | RefusedBecause::ThirdPartyForbidden => {
            Message("problem-not-admitted")
        }
        RefusedBecause::OrganizationSuspended => Message("problem-suspended"),
    };
    let code = match refused.why {
        RefusedBecause::ThirdPartyForbidden => RefusedBecause::OrganizationUnavailable.as_str(),
        why => why.as_str(),
    };
    let organization = refused.organization.as_ref().map_or("", |organization| organization.name.as_str());
    let with = [("client", refused.client.name.as_str()), ("org", organization)];
    let (status, client) = (StatusCode::FORBIDDEN, Some(&*refused.client));
    trouble(env, origin, &Trouble { status, code, about, with: &with, client })
}

/// Takes up the request of a page, which is from here on in a language that its application asked for.
pub(crate) async fn take_up(
    env: &Env,
    handle: &str,
    cookies: &mut BrowserCookies,
) -> Result<Waiting, WaitingError> {
    let waiting = orgate_flows::waiting::take_up(env, handle, &cookies.browser).await?;
    heed(cookies, &waiting);
    Ok(waiting)
}

/// The same of a request that was taken up to sign in.
pub(crate) async fn sign_in_page(
    env: &Env,
    handle: &str,
    cookies: &mut BrowserCookies,
) -> Result<SignInPage, WaitingError> {
    let found = orgate_flows::sign_in::sign_in_page(env, handle, &cookies.browser).await?;
    heed(cookies, &found.waiting);
    Ok(found)
}

/// Speaks as the application of a request asked, or as its organization does.
pub(crate) fn heed(cookies: &mut BrowserCookies, waiting: &Waiting) {
    cookies.browser.origin.ui_locales = waiting.languages();
}
