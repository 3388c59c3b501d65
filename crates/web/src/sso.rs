//! `/sso`: to an organization's identity provider, and back.

use askama::Template;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use orgate_domain::audit::Origin;
use orgate_domain::ids::{ConnectionId, OrgId, TraceId};
use orgate_edge::{BrowserCookies, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::federation::assertion::{Posted, finish_refused, finish_saml, receive_saml};
use orgate_flows::federation::begin::{BeginError, Departure, begin};
use orgate_flows::federation::callback::{Answer, RefusedReturn, Returned, receive_oidc};
use orgate_flows::federation::logout::open_after;
use orgate_flows::federation::logout_received::{LogoutMessage, LogoutReceived, receive_saml_logout};
use orgate_flows::federation::saml::find_metadata;
use orgate_flows::sign_in::sign_in_page;
use url::Url;

use crate::form::LinkQuery;
use crate::page::{Link, Page, Problem, failed, over, problem_with, render, render_framing};
use crate::present::{self, see_other, signed_in};
use crate::{invitation, link};

/// `templates/departure.html`.
#[derive(Template)]
#[template(path = "departure.html")]
struct DeparturePage<'a> {
    page: Page,
    to: &'a str,
    purpose: &'a str,
    fields: &'a [(&'static str, String)],
    frames: &'a [Url],
}

/// `templates/onward.html`.
#[derive(Template)]
#[template(path = "onward.html")]
struct OnwardPage<'a> {
    page: Page,
    to: &'a str,
    purpose: &'a str,
}

/// `GET /sign-in/connection`: the button of a connection. A link, so that no form leads to another
/// site's page; what it makes is bound to this browser and lapses.
pub(crate) async fn get_begin(
    State(env): State<Env>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let handle = params.get("request").unwrap_or_default();
    let Some(Ok(connection)) = params.get("connection").map(str::parse::<ConnectionId>) else {
        return over(&env, origin);
    };
    let found = match sign_in_page(&env, handle, &cookies.browser).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, origin, &error),
    };
    let hint = params.get("login_hint").filter(|hint| !hint.is_empty());
    match begin(&env, &found.waiting, connection, hint, &cookies.browser).await {
        Ok(departure) => depart(&env, &departure, "to sign in."),
        Err(BeginError::Waiting(error)) => present::waiting_error(&env, origin, &error),
        Err(error) => {
            see_other(&env.issuer.at(&format!("/sign-in?request={handle}&failed={}", failed_as(&error))))
        }
    }
}

/// What the sign-in page is told about a departure that failed.
pub(crate) const fn failed_as(error: &BeginError) -> &'static str {
    match error {
        BeginError::Upstream(_) => "outage",
        BeginError::Refused(_) | BeginError::Waiting(_) => "closed",
    }
}

/// Sends the browser to the identity provider; `purpose` says what for, if a page has to.
pub(crate) fn depart(env: &Env, departure: &Departure, purpose: &str) -> Response {
    match departure {
        Departure::Redirect(to) => see_other(to),
        Departure::Post { to, fields } => {
            let template = DeparturePage { page: Page::new(env), to, purpose, fields, frames: &[] };
            render(StatusCode::OK, &template, Some(to))
        }
    }
}

/// Sends the browser to the identity provider's logout by a form, once applications had their time to hear of it.
pub(crate) fn depart_telling(
    env: &Env,
    (to, fields): (&str, &[(&'static str, String)]),
    frames: &[Url],
) -> Response {
    let purpose = "to sign out there as well.";
    let template = DeparturePage { page: Page::new(env), to, purpose, fields, frames };
    render_framing(&template, frames, Some(to))
}

/// Sends the browser there where a form may have led here. Browsers hold its page's `form-action` against
/// every redirect after a form, so this is a page that goes on by itself; `purpose` says what for.
pub(crate) fn depart_by_page(env: &Env, departure: &Departure, purpose: &str) -> Response {
    match departure {
        Departure::Redirect(to) => {
            render(StatusCode::OK, &OnwardPage { page: Page::new(env), to, purpose }, None)
        }
        Departure::Post { .. } => depart(env, departure, purpose),
    }
}

/// `GET /sso/{organization}/{connection}/callback` (OIDC Core §3.1.2.5).
pub(crate) async fn get_callback(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let (Some(at), None) = (place(&org_id, &connection), params.duplicated()) else {
        return over(&env, origin);
    };
    let answer = Answer {
        code: params.get("code"),
        error: params.get("error"),
        error_description: params.get("error_description"),
        iss: params.get("iss"),
    };
    let state = params.get("state").unwrap_or_default();
    match receive_oidc(&env, at, state, &answer, &cookies.browser).await {
        Ok(returned) => arrive(&env, &cookies, &returned).await,
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

/// `POST /sso/{organization}/{connection}/acs`: a SAML response (SAML bindings §3.5.4). A post from
/// another site brings no cookies: what it says is kept, and a GET that brings them goes on.
pub(crate) async fn post_acs(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    RequestOrigin(origin): RequestOrigin,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let (Some(at), Ok(body)) = (place(&org_id, &connection), body) else {
        return over(&env, &origin);
    };
    let mut fields = form_urlencoded::parse(&body).filter(|(name, _)| name == "SAMLResponse");
    let (Some((_, value)), None) = (fields.next(), fields.next()) else {
        return over(&env, &origin);
    };
    match receive_saml(&env, at, &value, &origin).await {
        Ok(Posted::Continue(state)) => {
            see_other(&env.issuer.at(&format!("/sso/{org_id}/{connection}/finish?state={}", state.reveal())))
        }
        Ok(Posted::Begin(to)) => see_other(&to),
        Ok(Posted::Refused { back: Some((state, trace)), .. }) => {
            let (at, state) = (format!("/sso/{org_id}/{connection}/finish"), state.reveal());
            see_other(&env.issuer.at(&format!("{at}?state={state}&refused={trace}")))
        }
        Ok(Posted::Refused { check, connection, back: None }) => {
            let refused = RefusedReturn {
                check,
                connection: *connection,
                organization: None,
                handle: None,
                outage: false,
                request_id: None,
            };
            self::refused(&env, &origin, &refused)
        }
        Err(error) => present::waiting_error(&env, &origin, &error),
    }
}

/// `GET /sso/{organization}/{connection}/finish`.
pub(crate) async fn get_finish(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let Some(at) = place(&org_id, &connection) else { return over(&env, origin) };
    let state = params.get("state").unwrap_or_default();
    let finished = match params.get("refused").map(str::parse::<TraceId>) {
        None => finish_saml(&env, at, state, &cookies.browser).await,
        Some(Ok(trace)) => finish_refused(&env, at, (state, trace), &cookies.browser).await,
        Some(Err(_)) => return over(&env, origin),
    };
    match finished {
        Ok(returned) => arrive(&env, &cookies, &returned).await,
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

/// `GET /sso/{organization}/{connection}/metadata`: what a SAML identity provider is told of us.
pub(crate) async fn get_metadata(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    RequestOrigin(origin): RequestOrigin,
) -> Response {
    let Some((org_id, connection)) = place(&org_id, &connection) else { return nowhere(&env, &origin) };
    match find_metadata(&env, org_id, connection).await {
        Ok(Some(xml)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/samlmetadata+xml"),
                (header::CACHE_CONTROL, "public, max-age=3600"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, xml).into_response()
        }
        Ok(None) => nowhere(&env, &origin),
        Err(failure) => failed(&env, &origin, &failure),
    }
}

/// `GET /sso/{organization}/{connection}/slo`: single logout by redirect (SAML bindings §3.4).
pub(crate) async fn get_slo(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    cookies: BrowserCookies,
) -> Response {
    let query = query.unwrap_or_default();
    logout(&env, (&org_id, &connection), LogoutMessage::Query(&query), &cookies).await
}

/// `POST /sso/{organization}/{connection}/slo`: single logout by form (SAML bindings §3.5).
pub(crate) async fn post_slo(
    State(env): State<Env>,
    Path((org_id, connection)): Path<(String, String)>,
    cookies: BrowserCookies,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else { return over(&env, &cookies.browser.origin) };
    let all: Vec<_> = form_urlencoded::parse(&body).collect();
    let mut fields = all.iter().filter(|(name, _)| matches!(&**name, "SAMLRequest" | "SAMLResponse"));
    let relay_state = all.iter().find(|(name, _)| name == "RelayState").map(|(_, value)| &**value);
    let (Some((field, value)), None) = (fields.next(), fields.next()) else {
        return over(&env, &cookies.browser.origin);
    };
    let message = LogoutMessage::Form { field, value, relay_state };
    let mut response = logout(&env, (&org_id, &connection), message, &cookies).await;
    // A post from another site comes without our cookies and must not replace them.
    response.headers_mut().remove(header::SET_COOKIE);
    response
}

async fn logout(
    env: &Env,
    (org_id, connection): (&str, &str),
    message: LogoutMessage<'_>,
    cookies: &BrowserCookies,
) -> Response {
    let origin = &cookies.browser.origin;
    let Some(at) = place(org_id, connection) else { return nowhere(env, origin) };
    let after = open_after(env, cookies.after_logout.as_deref().unwrap_or_default(), &cookies.browser);
    match receive_saml_logout(env, at, message, (&after, origin)).await {
        Ok(LogoutReceived::Answer(departure)) => depart(env, &departure, "to finish signing out."),
        Ok(LogoutReceived::Answered) => see_other(&env.issuer.at("/sso/signed-out")),
        Ok(LogoutReceived::Refused) => problem_with(
            env,
            origin,
            &Problem {
                status: StatusCode::BAD_REQUEST,
                code: "logout_refused",
                headline: "This sign-out could not be followed",
                what_happened: "What the identity provider sent does not fit the connection it came by, so nothing was ended on its word.",
                what_next: "Sign out in the application itself, and close your browser on a shared computer.",
                client: None,
            },
            None,
        ),
        Err(failure) => failed(env, origin, &failure),
    }
}

fn nowhere(env: &Env, origin: &Origin) -> Response {
    problem_with(
        env,
        origin,
        &Problem {
            status: StatusCode::NOT_FOUND,
            code: "not_found",
            headline: "There is no such connection",
            what_happened: "The address may be mistyped, or the connection was set up elsewhere.",
            what_next: "Compare the address with the one in the connection's set-up page.",
            client: None,
        },
        None,
    )
}

/// The organization and the connection of an address.
pub(crate) fn place(org_id: &str, connection: &str) -> Option<(OrgId, ConnectionId)> {
    Some((org_id.parse().ok()?, connection.parse().ok()?))
}

/// What the browser gets when it is back.
pub(crate) async fn arrive(env: &Env, cookies: &BrowserCookies, returned: &Returned) -> Response {
    match returned {
        Returned::SignedIn(done) => signed_in(env, cookies, done),
        Returned::NotAsAsked(answer) => present::answer(env, answer),
        Returned::Joined(joined) => invitation::joined(env, cookies, joined).await,
        Returned::InvitationClosed(why) => invitation::closed(env, &cookies.browser.origin, *why),
        Returned::Linked(provider) => link::linked(env, provider),
        Returned::Tested(_, trace) => see_other(&env.issuer.at(&format!("/setup/test/{trace}"))),
        Returned::Refused(refused) => self::refused(env, &cookies.browser.origin, refused),
    }
}

/// One page for whatever was refused: what exactly, is for whoever administers the connection.
fn refused(env: &Env, origin: &Origin, refused: &RefusedReturn) -> Response {
    let told = refused.request_id.clone().map(|id| Origin { request_id: Some(id), ..origin.clone() });
    let origin = told.as_ref().unwrap_or(origin);
    let provider = refused.connection.name.as_str();
    let organization = refused.organization.as_ref().map_or("your organization", |org| org.name.as_str());
    let (status, headline, what_happened) = if refused.outage {
        (
            StatusCode::BAD_GATEWAY,
            format!("{provider} does not answer"),
            format!("We could not reach the identity provider of {organization}."),
        )
    } else {
        let (headline, what_happened) = match refused.check {
            "user" => (
                "Your access has been switched off".to_owned(),
                format!("{organization} has deactivated your user."),
            ),
            "invited_address" => (
                "Somebody else was invited".to_owned(),
                format!(
                    "{provider} says that you have another address than the one that was invited, or {organization} \
                     cannot take its word for it, so nothing was accepted."
                ),
            ),
            "no_seat" => (
                "There is no room for you at the moment".to_owned(),
                format!("You proved who you are, but {organization} has as many users as it may have."),
            ),
            "user_unknown" | "not_in_pilot" => (
                "You have no access yet".to_owned(),
                format!("You proved who you are, but {organization} has not given you access by {provider}."),
            ),
            _ => (
                "That sign-in did not work".to_owned(),
                format!("We could not accept what {provider} sent us, so nobody was signed in."),
            ),
        };
        (StatusCode::FORBIDDEN, headline, what_happened)
    };
    let what_next = if refused.outage {
        format!(
            "Try again in a minute, or choose another way to sign in. If it goes on, tell the administrators of {organization}."
        )
    } else {
        format!(
            "Try once more. If it happens again, send the request number below to the administrators of {organization}: it leads them to the reason."
        )
    };
    let again = refused.handle.as_ref().map(|handle| Link {
        label: "Choose how to sign in".to_owned(),
        href: format!("/sign-in?request={}&failed=returned", handle.reveal()),
    });
    let problem = Problem {
        status,
        code: if refused.outage { "provider_unavailable" } else { "sso_refused" },
        headline: &headline,
        what_happened: &what_happened,
        what_next: &what_next,
        client: None,
    };
    problem_with(env, origin, &problem, again)
}
