//! `/invitations`: where the link of an invitation leads to, and how it is used.
//!
//! **Invariant:** nothing is used up by looking: only a form of the page that the link opens, sent from this browser, does.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::audit::Origin;
use orgate_domain::ids::ConnectionId;
use orgate_domain::invitations::{InvitationRefusal, MIN_PASSWORD};
use orgate_domain::joining::MAX_MESSAGE;
use orgate_domain::locales::Locale;
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::Organization;
use orgate_edge::BrowserCookies;
use orgate_flows::federation::begin::BeginError;
use orgate_flows::invitations::accept::{Chosen, Joined, ThroughError, accept, accept_through, applications};
use orgate_flows::invitations::{AcceptError, Closed, Invited, Problem, Wrong, look};
use orgate_flows::joining::onward::waits;
use orgate_flows::passwords::MAX_PASSWORD_BYTES;
use orgate_flows::{Arrived, Env};
use orgate_protocol::params::Params;

use crate::form::{LinkQuery, PageForm};
use crate::language::{Language, Message};
use crate::page::{Link, Org, Page, Trouble, failed, render, trouble};
use crate::present::see_other;
use crate::sso::{Toward, depart_by_page, failed_as};

/// `templates/invitation.html`.
#[derive(Template)]
#[template(path = "invitation.html")]
struct InvitationPage<'a> {
    page: Page,
    org: Org,
    csrf: String,
    invitation: &'a str,
    request: &'a str,
    inviter: Option<&'a str>,
    email: &'a str,
    expires: String,
    connections: Vec<Provider>,
    password: bool,
    least: usize,
    name: &'a str,
    notice: Option<String>,
    name_error: Option<String>,
    password_error: Option<String>,
    again_error: Option<String>,
}

/// The button of a connection.
struct Provider {
    id: String,
    name: String,
    icon_url: Option<String>,
}

/// `templates/joined.html`.
#[derive(Template)]
#[template(path = "joined.html")]
struct JoinedPage<'a> {
    page: Page,
    org: Org,
    onward: Option<&'a str>,
    applications: Vec<Link>,
}

/// What the page says of what was tried.
#[derive(Default)]
struct Said<'a> {
    status: StatusCode,
    /// The authorization request that waits meanwhile, if one does.
    request: &'a str,
    name: Option<&'a str>,
    notice: Option<Message>,
    wrong: &'a [Problem],
}

/// The authorization request that waits in this browser, of somebody who joins on the way to an application.
fn waiting(params: &Params) -> &str {
    params.get("request").unwrap_or_default()
}

/// What the forms' token is bound to.
fn subject(invitation: &str) -> String {
    format!("invitation {invitation}")
}

/// Shows who invites, to which organization, and until when. Uses nothing up: whoever looks at mails before people do may
/// come here too.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let text = params.get("invitation").unwrap_or_default();
    let said = Said { request: waiting(&params), ..Said::default() };
    match look(&env, text, origin).await {
        Ok(invited) => page(&env, &cookies, (&invited, text), &said),
        Err(error) => refused(&env, origin, &error),
    }
}

/// Uses the invitation, with the password that was chosen.
pub(crate) async fn post_accept(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let text = params.get("invitation").unwrap_or_default();
    if !is_ours(&env, &cookies, &params) {
        return old_page(&env, &cookies, &params).await;
    }
    let name = params.get("name").unwrap_or_default();
    let chosen = Chosen {
        name,
        password: params.get("password").unwrap_or_default(),
        again: params.get("again").unwrap_or_default(),
    };
    let bad = StatusCode::UNPROCESSABLE_ENTITY;
    let (wrong, notice) = match accept(&env, text, chosen, &cookies.browser).await {
        Ok(joined) => return joined_by_form(&env, &cookies, (&joined, waiting(&params))).await,
        Err(AcceptError::Invalid(wrong)) => (wrong, None),
        Err(AcceptError::SsoRequired) => (Vec::new(), Some(Message("provider-required"))),
        Err(error) => return refused(&env, origin, &error),
    };
    let said = Said { status: bad, request: waiting(&params), name: Some(name), notice, wrong: &wrong };
    match look(&env, text, origin).await {
        Ok(invited) => page(&env, &cookies, (&invited, text), &said),
        Err(error) => refused(&env, origin, &error),
    }
}

/// Sends whoever is invited to the organization's identity provider.
pub(crate) async fn post_connection(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let origin = &cookies.browser.origin;
    let text = params.get("invitation").unwrap_or_default();
    if !is_ours(&env, &cookies, &params) {
        return old_page(&env, &cookies, &params).await;
    }
    let Some(Ok(connection)) = params.get("connection").map(str::parse::<ConnectionId>) else {
        return old_page(&env, &cookies, &params).await;
    };
    let error = match accept_through(&env, (text, connection), &cookies.browser).await {
        Ok(departure) => {
            let mut response = depart_by_page(&env, origin, &departure, Toward::Invitation);
            cookies.bind(response.headers_mut());
            return response;
        }
        Err(ThroughError::Accept(error)) => return refused(&env, origin, &error),
        Err(ThroughError::Begin(error)) => error,
    };
    if let BeginError::Waiting(orgate_flows::waiting::WaitingError::Failure(failure)) = &error {
        return failed(&env, origin, failure);
    }
    let (status, notice) = match failed_as(&error) {
        "outage" => (StatusCode::BAD_GATEWAY, Message("invitation-outage")),
        _ => (StatusCode::FORBIDDEN, Message("invitation-way-closed")),
    };
    let said = Said { status, request: waiting(&params), notice: Some(notice), ..Said::default() };
    match look(&env, text, origin).await {
        Ok(invited) => page(&env, &cookies, (&invited, text), &said),
        Err(error) => refused(&env, origin, &error),
    }
}

/// Whether a form was sent from a page of ours, in this browser.
fn is_ours(env: &Env, cookies: &BrowserCookies, params: &Params) -> bool {
    let text = params.get("invitation").unwrap_or_default();
    let token = params.get("csrf").unwrap_or_default();
    env.vault.check_form_token(&cookies.browser.binding, &subject(text), token)
}

/// What they read whom somebody invited: whoever did may have said.
fn language_of(cookies: &BrowserCookies, organization: &Organization, said: Option<&str>) -> Language {
    Language::between(&cookies.browser.origin, said.or(organization.spoken().map(Locale::as_str)))
}

/// The page once more, with a form of this browser's.
async fn old_page(env: &Env, cookies: &BrowserCookies, params: &Params) -> Response {
    let text = params.get("invitation").unwrap_or_default();
    let notice = Some(Message("old-page"));
    let said = Said { status: StatusCode::FORBIDDEN, request: waiting(params), notice, ..Said::default() };
    match look(env, text, &cookies.browser.origin).await {
        Ok(invited) => page(env, cookies, (&invited, text), &said),
        Err(error) => refused(env, &cookies.browser.origin, &error),
    }
}

fn page(env: &Env, cookies: &BrowserCookies, (invited, text): (&Invited, &str), said: &Said<'_>) -> Response {
    let language = language_of(cookies, &invited.organization, invited.invitation.locale.as_deref());
    let mut shared = Page::branded(env, &invited.organization).speaking(language);
    if said.status != StatusCode::OK {
        shared = shared.with_request_id(&cookies.browser.origin);
    }
    let connections = invited.methods.connections.iter().map(|connection| Provider {
        id: connection.id.to_string(),
        name: connection.name.as_str().to_owned(),
        icon_url: connection.icon_url.as_ref().map(ToString::to_string),
    });
    let known = invited.invitation.name.as_ref().map(DisplayName::as_str);
    let template = InvitationPage {
        page: shared,
        org: Org::of(&invited.organization),
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(text)),
        invitation: text,
        request: said.request,
        inviter: invited.inviter.as_deref(),
        email: invited.invitation.email.as_str(),
        expires: language.moment(invited.invitation.expires_at),
        connections: connections.collect(),
        password: invited.methods.password,
        least: MIN_PASSWORD,
        name: said.name.or(known).unwrap_or_default(),
        notice: said.notice.map(|message| language.say(message)),
        name_error: why(language, said.wrong, "name"),
        password_error: why(language, said.wrong, "password"),
        again_error: why(language, said.wrong, "again"),
    };
    let mut response = render(said.status, &template, None);
    cookies.bind(response.headers_mut());
    response
}

/// Why a field cannot be what was typed.
pub(crate) fn why(language: Language, wrong: &[Problem], field: &str) -> Option<String> {
    let found = wrong.iter().find(|wrong| wrong.field == field)?;
    let (message, most) = match found.why {
        Wrong::Again => (Message("invitation-again-wrong"), 0),
        Wrong::Email => (Message("enter-email-in-full"), 0),
        Wrong::Message => (Message("join-message-wrong"), MAX_MESSAGE),
        Wrong::Name => (Message("invitation-name-wrong"), 0),
        Wrong::NameIfAny => (Message("join-name-wrong"), 0),
        Wrong::PasswordLong => (Message("invitation-password-long"), MAX_PASSWORD_BYTES),
        Wrong::PasswordShort => (Message("invitation-password-short"), MIN_PASSWORD),
        Wrong::PasswordSame => (Message("password-same"), 0),
    };
    Some(language.count(message, i64::try_from(most).unwrap_or(i64::MAX)))
}

/// They are signed in: a page says so, and goes on to the application by itself, if there is one.
async fn joined_by_form(env: &Env, cookies: &BrowserCookies, (joined, request): (&Joined, &str)) -> Response {
    let mut response = match waits(env, request, &joined.scope, &cookies.browser).await {
        Ok(true) => done(env, cookies, joined, Some(&format!("/join/continue?request={request}"))).await,
        Ok(false) => done(env, cookies, joined, joined.landing.as_deref()).await,
        Err(failure) => failed(env, &cookies.browser.origin, &failure),
    };
    sign_in(env, cookies, &mut response, &joined.arrived);
    response
}

/// The same, for whoever is back from the identity provider.
pub(crate) async fn joined(env: &Env, cookies: &BrowserCookies, joined: &Joined) -> Response {
    let mut response = match &joined.landing {
        Some(to) => see_other(to),
        None => done(env, cookies, joined, None).await,
    };
    sign_in(env, cookies, &mut response, &joined.arrived);
    response
}

fn sign_in(env: &Env, cookies: &BrowserCookies, response: &mut Response, arrived: &Arrived) {
    let headers = response.headers_mut();
    for org_id in &arrived.dropped {
        cookies.drop_session(headers, *org_id);
    }
    let lifetime = (arrived.expires_at - env.clock.now()).num_seconds();
    cookies.set_session(headers, &arrived.cookie, lifetime);
    cookies.bind(headers);
}

async fn done(env: &Env, cookies: &BrowserCookies, joined: &Joined, onward: Option<&str>) -> Response {
    let applications = match applications(env, joined).await {
        Ok(applications) => applications,
        Err(failure) => return failed(env, &cookies.browser.origin, &failure),
    };
    let language = language_of(cookies, &joined.organization, joined.locale.as_deref());
    let template = JoinedPage {
        page: Page::branded(env, &joined.organization).speaking(language),
        org: Org::of(&joined.organization),
        onward,
        applications: applications.into_iter().map(|(label, href)| Link { label, href }).collect(),
    };
    render(StatusCode::OK, &template, None)
}

/// The page that says why not, and what to do.
pub(crate) fn refused(env: &Env, origin: &Origin, error: &AcceptError) -> Response {
    match error {
        AcceptError::Closed(why) => closed(env, origin, *why),
        AcceptError::Failure(failure) => failed(env, origin, failure),
        AcceptError::Invalid(_) | AcceptError::SsoRequired => closed(env, origin, Closed::Unknown),
    }
}

/// What a page says: status, code, and what about.
pub(crate) type Explained = (StatusCode, &'static str, Message);

/// A link that opens nothing.
pub(crate) fn closed(env: &Env, origin: &Origin, closed: Closed) -> Response {
    let (status, code, about) = match closed {
        Closed::Refused(refusal) => explain(refusal),
        Closed::NoSeat => (StatusCode::CONFLICT, "no_seat", Message("problem-invitation-seat")),
        Closed::Suspended => {
            (StatusCode::FORBIDDEN, "organization_suspended", Message("problem-invitation-suspended"))
        }
        Closed::Taken => (StatusCode::CONFLICT, "invitation_not_needed", Message("problem-invitation-taken")),
        Closed::Unknown => {
            (StatusCode::NOT_FOUND, "invitation_unknown", Message("problem-invitation-unknown"))
        }
    };
    trouble(env, origin, &Trouble::of(status, code, about))
}

/// Why an invitation is worth nothing any more.
fn explain(refusal: InvitationRefusal) -> Explained {
    let (code, about) = match refusal {
        InvitationRefusal::Accepted => ("invitation_used", Message("problem-invitation-used")),
        InvitationRefusal::Expired => ("invitation_expired", Message("problem-invitation-expired")),
        InvitationRefusal::JoiningChanged => {
            ("invitation_joining_changed", Message("problem-invitation-changed"))
        }
        InvitationRefusal::MakerFallen => ("invitation_maker_fallen", Message("problem-invitation-fallen")),
        InvitationRefusal::Revoked => ("invitation_revoked", Message("problem-invitation-revoked")),
    };
    (StatusCode::GONE, code, about)
}
