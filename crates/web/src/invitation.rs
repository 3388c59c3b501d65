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
use orgate_domain::names::DisplayName;
use orgate_edge::BrowserCookies;
use orgate_flows::federation::begin::BeginError;
use orgate_flows::invitations::accept::{Chosen, Joined, ThroughError, accept, accept_through, applications};
use orgate_flows::invitations::{AcceptError, Closed, Invited, Problem as Wrong, look};
use orgate_flows::joining::onward::waits;
use orgate_flows::{Arrived, Env};
use orgate_protocol::params::Params;

use crate::form::{LinkQuery, PageForm};
use crate::page::{Link, Org, Page, Problem, failed, problem, render};
use crate::present::see_other;
use crate::sso::{depart_by_page, failed_as};

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
    notice: Option<&'a str>,
    name_error: Option<&'a str>,
    password_error: Option<&'a str>,
    again_error: Option<&'a str>,
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
    notice: Option<&'a str>,
    wrong: &'a [Wrong],
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
        Err(AcceptError::SsoRequired) => {
            let notice = "Your organization signs in through its own identity provider. Continue there; no password \
                          is needed here.";
            (Vec::new(), Some(notice))
        }
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
            let mut response = depart_by_page(&env, &departure, "to accept your invitation.");
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
        "outage" => (
            StatusCode::BAD_GATEWAY,
            "The identity provider does not answer. Try again in a minute, or choose another way.",
        ),
        _ => (StatusCode::FORBIDDEN, "That way is not open to you at the moment. Choose another."),
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

/// The page once more, with a form of this browser's.
async fn old_page(env: &Env, cookies: &BrowserCookies, params: &Params) -> Response {
    let text = params.get("invitation").unwrap_or_default();
    let notice = Some("This page had grown old. Please try again.");
    let said = Said { status: StatusCode::FORBIDDEN, request: waiting(params), notice, ..Said::default() };
    match look(env, text, &cookies.browser.origin).await {
        Ok(invited) => page(env, cookies, (&invited, text), &said),
        Err(error) => refused(env, &cookies.browser.origin, &error),
    }
}

fn page(env: &Env, cookies: &BrowserCookies, (invited, text): (&Invited, &str), said: &Said<'_>) -> Response {
    let wrong = |field: &str| {
        let found = said.wrong.iter().find(|wrong| wrong.field == field);
        found.map(|wrong| wrong.why.as_str())
    };
    let mut shared = Page::branded(env, &invited.organization);
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
        expires: invited.invitation.expires_at.format("%-d %B %Y, %H:%M UTC").to_string(),
        connections: connections.collect(),
        password: invited.methods.password,
        least: MIN_PASSWORD,
        name: said.name.or(known).unwrap_or_default(),
        notice: said.notice,
        name_error: wrong("name"),
        password_error: wrong("password"),
        again_error: wrong("again"),
    };
    let mut response = render(said.status, &template, None);
    cookies.bind(response.headers_mut());
    response
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
    let template = JoinedPage {
        page: Page::branded(env, &joined.organization),
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

/// What a page says: status, code, headline, what happened, and what to do.
pub(crate) type Explained = (StatusCode, &'static str, &'static str, &'static str, &'static str);

const ASK: &str = "Ask whoever invited you for a new invitation. If nobody did, open the application, and ask to join once more.";

/// A link that opens nothing.
pub(crate) fn closed(env: &Env, origin: &Origin, closed: Closed) -> Response {
    let (status, code, headline, what_happened, what_next) = match closed {
        Closed::Refused(refusal) => explain(refusal),
        Closed::NoSeat => (
            StatusCode::CONFLICT,
            "no_seat",
            "There is no room for you at the moment",
            "The organization has as many users as it may have. Your invitation is kept.",
            "Tell an administrator of the organization, and open the link again when they have made room.",
        ),
        Closed::Suspended => (
            StatusCode::FORBIDDEN,
            "organization_suspended",
            "This organization is suspended",
            "Nobody can join it at the moment.",
            "Open the link again later, or ask somebody of the organization.",
        ),
        Closed::Taken => (
            StatusCode::CONFLICT,
            "invitation_not_needed",
            "You have an account already",
            "Somebody with your address is a user of the organization, so there is nothing to accept.",
            "Sign in to the application as you always do. If you cannot, ask an administrator of the organization.",
        ),
        Closed::Unknown => (
            StatusCode::NOT_FOUND,
            "invitation_unknown",
            "This link opens nothing here",
            "It may be incomplete, or a newer mail has another one.",
            "Open the whole link from the latest mail that you got. If it does not work, ask for a new invitation.",
        ),
    };
    problem(env, origin, &Problem { status, code, headline, what_happened, what_next, client: None })
}

/// Why an invitation is worth nothing any more.
fn explain(refusal: InvitationRefusal) -> Explained {
    match refusal {
        InvitationRefusal::Accepted => (
            StatusCode::GONE,
            "invitation_used",
            "This invitation was used",
            "An invitation works once, and this one has.",
            "If it was you, sign in to the application as you chose to. If it was not, tell an administrator of the organization.",
        ),
        InvitationRefusal::Expired => (
            StatusCode::GONE,
            "invitation_expired",
            "This invitation has expired",
            "An invitation is good until the time that its mail says, and one of whoever joins by themselves for a day.",
            ASK,
        ),
        InvitationRefusal::JoiningChanged => (
            StatusCode::GONE,
            "invitation_joining_changed",
            "You cannot join like this any more",
            "The organization has changed who may join it, or your address is not at one of its domains any more.",
            "Ask an administrator of the organization for an invitation.",
        ),
        InvitationRefusal::MakerFallen => (
            StatusCode::GONE,
            "invitation_maker_fallen",
            "This invitation is good no more",
            "Whoever made it may not invite you like this any more.",
            "Ask an administrator of the organization for a new one.",
        ),
        InvitationRefusal::Revoked => (
            StatusCode::GONE,
            "invitation_revoked",
            "This invitation was taken back",
            "It opens nothing any more. If you were invited again, a newer one is in your mailbox.",
            ASK,
        ),
    }
}
