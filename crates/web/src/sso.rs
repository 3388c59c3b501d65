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
use url::Url;

use crate::form::LinkQuery;
use crate::language::{Language, Message};
use crate::page::{Link, Page, Trouble, failed, over, render, render_framing, trouble, trouble_with};
use crate::present::{self, see_other, signed_in};
use crate::{invitation, link};

/// `templates/departure.html`.
#[derive(Template)]
#[template(path = "departure.html")]
struct DeparturePage<'a> {
    page: Page,
    to: &'a str,
    lead: String,
    fields: &'a [(&'static str, String)],
    frames: &'a [Url],
}

/// `templates/onward.html`.
#[derive(Template)]
#[template(path = "onward.html")]
struct OnwardPage<'a> {
    page: Page,
    to: &'a str,
    lead: String,
}

/// What for a browser is sent to an identity provider.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Toward {
    /// To accept an invitation.
    Invitation,
    /// To prove who one is there.
    Proof,
    SignIn,
    /// To sign out there as well.
    SignOut,
    /// To finish signing out.
    SignedOut,
    /// To try a connection out.
    Trial,
}

impl Toward {
    const fn message(self) -> Message {
        match self {
            Self::Invitation => Message("toward-invitation"),
            Self::Proof => Message("toward-proof"),
            Self::SignIn => Message("toward-sign-in"),
            Self::SignOut => Message("toward-sign-out"),
            Self::SignedOut => Message("toward-signed-out"),
            Self::Trial => Message("toward-trial"),
        }
    }
}

/// `GET /sign-in/connection`: the button of a connection. A link, so that no form leads to another
/// site's page; what it makes is bound to this browser and lapses.
pub(crate) async fn get_begin(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    let Some(Ok(connection)) = params.get("connection").map(str::parse::<ConnectionId>) else {
        return over(&env, &cookies.browser.origin);
    };
    let found = match present::sign_in_page(&env, handle, &mut cookies).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    let origin = &cookies.browser.origin;
    let hint = params.get("login_hint").filter(|hint| !hint.is_empty());
    match begin(&env, &found.waiting, connection, hint, &cookies.browser).await {
        Ok(departure) => depart(&env, origin, &departure, Toward::SignIn),
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

/// Sends the browser to the identity provider; a page says what for, if it takes one.
pub(crate) fn depart(env: &Env, origin: &Origin, departure: &Departure, toward: Toward) -> Response {
    match departure {
        Departure::Redirect(to) => see_other(to),
        Departure::Post { to, fields } => {
            let (page, lead) = (Page::new(env).read_by(origin), Language::of(origin).say(toward.message()));
            let template = DeparturePage { page, to, lead, fields, frames: &[] };
            render(StatusCode::OK, &template, Some(to))
        }
    }
}

/// Sends the browser to the identity provider's logout by a form, once applications had their time to hear of it.
pub(crate) fn depart_telling(
    env: &Env,
    origin: &Origin,
    (to, fields): (&str, &[(&'static str, String)]),
    frames: &[Url],
) -> Response {
    let (page, lead) = (Page::new(env).read_by(origin), Language::of(origin).say(Toward::SignOut.message()));
    let template = DeparturePage { page, to, lead, fields, frames };
    render_framing(&template, frames, Some(to))
}

/// Sends the browser there where a form may have led here. Browsers hold its page's `form-action` against
/// every redirect after a form, so this is a page that goes on by itself, and says what for.
pub(crate) fn depart_by_page(env: &Env, origin: &Origin, departure: &Departure, toward: Toward) -> Response {
    match departure {
        Departure::Redirect(to) => {
            let lead = Language::of(origin).say_more((toward.message(), "onward"), &[]);
            render(StatusCode::OK, &OnwardPage { page: Page::new(env).read_by(origin), to, lead }, None)
        }
        Departure::Post { .. } => depart(env, origin, departure, toward),
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
                ui_locales: Vec::new(),
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
        Ok(LogoutReceived::Answer(departure)) => depart(env, origin, &departure, Toward::SignedOut),
        Ok(LogoutReceived::Answered) => see_other(&env.issuer.at("/sso/signed-out")),
        Ok(LogoutReceived::Refused) => {
            let (status, about) = (StatusCode::BAD_REQUEST, Message("problem-logout"));
            trouble(env, origin, &Trouble::of(status, "logout_refused", about))
        }
        Err(failure) => failed(env, origin, &failure),
    }
}

fn nowhere(env: &Env, origin: &Origin) -> Response {
    let (status, about) = (StatusCode::NOT_FOUND, Message("problem-no-connection"));
    trouble(env, origin, &Trouble::of(status, "not_found", about))
}

/// The organization and the connection of an address.
pub(crate) fn place(org_id: &str, connection: &str) -> Option<(OrgId, ConnectionId)> {
    Some((org_id.parse().ok()?, connection.parse().ok()?))
}

/// What the browser gets when it is back.
pub(crate) async fn arrive(env: &Env, cookies: &BrowserCookies, returned: &Returned) -> Response {
    match returned {
        Returned::SignedIn(done) => signed_in(env, cookies, done),
        Returned::NotAsAsked(answer) => present::answer(env, &cookies.browser.origin, answer),
        Returned::Joined(joined) => invitation::joined(env, cookies, joined).await,
        Returned::InvitationClosed(why) => invitation::closed(env, &cookies.browser.origin, *why),
        Returned::Linked(organization, provider) => {
            link::linked(env, &cookies.browser.origin, (organization.as_deref(), provider))
        }
        Returned::Tested(_, trace) => see_other(&env.issuer.at(&format!("/setup/test/{trace}"))),
        Returned::Refused(refused) => self::refused(env, &cookies.browser.origin, refused),
    }
}

/// One page for whatever was refused: what exactly, is for whoever administers the connection.
fn refused(env: &Env, origin: &Origin, refused: &RefusedReturn) -> Response {
    let told = Origin {
        request_id: refused.request_id.clone().or_else(|| origin.request_id.clone()),
        ui_locales: refused.ui_locales.clone(),
        ..origin.clone()
    };
    let (status, code, about) = if refused.outage {
        (StatusCode::BAD_GATEWAY, "provider_unavailable", Message("problem-sso-outage"))
    } else {
        let about = match refused.check {
            "user" => Message("problem-sso-user"),
            "invited_address" => Message("problem-sso-invited"),
            "no_seat" => Message("problem-sso-seat"),
            "user_unknown" | "not_in_pilot" => Message("problem-sso-unknown"),
            _ => Message("problem-sso"),
        };
        (StatusCode::FORBIDDEN, "sso_refused", about)
    };
    let organization = refused.organization.as_ref().map(|organization| organization.name.as_str());
    let with = [
        ("provider", refused.connection.name.as_str()),
        ("known", if organization.is_some() { "yes" } else { "no" }),
        ("org", organization.unwrap_or_default()),
    ];
    let again = refused.handle.as_ref().map(|handle| Link {
        label: Language::of(&told).say("problem-sso-choose"),
        href: format!("/sign-in?request={}&failed=returned", handle.reveal()),
    });
    trouble_with(env, &told, &Trouble { status, code, about, with: &with, client: None }, again)
}
