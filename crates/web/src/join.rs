//! `/join`: an organization is joined without an invitation, by an address that is proven.
//!
//! **Invariant:** what is answered to an address that was typed says nothing about it; and nothing is used up by looking at the
//! link of the mail: only the form of its page, sent from this browser, does.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::audit::Origin;
use orgate_domain::joining::MAX_MESSAGE;
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::Organization;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::invitations::Problem;
use orgate_flows::joining::ask::{Asked, JoinPage, Typed, ask, join_page};
use orgate_flows::joining::onward::go_on;
use orgate_flows::joining::prove::{JoinClosed, JoinError, Opened, Proven, look, prove};
use orgate_protocol::params::Params;

use crate::fields::Form;
use crate::form::{LinkQuery, PageForm, PageQuery, WrittenForm};
use crate::invitation::{Explained, why};
use crate::language::{Language, Message};
use crate::page::{Org, Page, Trouble, failed, render, trouble};
use crate::present::{self, see_other};

/// `templates/join.html`.
#[derive(Template)]
#[template(path = "join.html")]
struct JoinTemplate<'a> {
    page: Page,
    request: &'a str,
    csrf: String,
    org: Org,
    client_name: &'a str,
    email: &'a str,
    name: &'a str,
    message: &'a str,
    most: usize,
    notice: Option<String>,
    email_error: Option<String>,
    name_error: Option<String>,
    message_error: Option<String>,
    back_href: String,
}

/// `templates/join_sent.html`.
#[derive(Template)]
#[template(path = "join_sent.html")]
struct SentTemplate<'a> {
    page: Page,
    org: Org,
    email: &'a str,
    back_href: String,
    sign_in_href: String,
}

/// `templates/join_confirm.html`.
#[derive(Template)]
#[template(path = "join_confirm.html")]
struct ConfirmTemplate<'a> {
    page: Page,
    org: Org,
    csrf: String,
    join: &'a str,
    request: &'a str,
    email: &'a str,
    name: Option<&'a str>,
    message: Option<&'a str>,
    notice: Option<String>,
}

/// `templates/join_asked.html`.
#[derive(Template)]
#[template(path = "join_asked.html")]
struct AskedTemplate {
    page: Page,
    org: Org,
}

/// What the form says of what was tried.
#[derive(Default)]
struct Said<'a> {
    status: StatusCode,
    notice: Option<Message>,
    wrong: &'a [Problem],
}

const OLD: Message = Message("old-page");

/// What the tokens of the forms are bound to.
fn subject(of: &str) -> String {
    format!("join {of}")
}

fn is_ours(env: &Env, cookies: &BrowserCookies, (token, of): (Option<&str>, &str)) -> bool {
    let token = token.unwrap_or_default();
    env.vault.check_form_token(&cookies.browser.binding, &subject(of), token)
}

fn typed(form: &Form) -> Typed<'_> {
    Typed { email: form.text("email"), name: form.text("name"), message: form.text("message") }
}

/// Asks for the address.
pub(crate) async fn get(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    let handle = params.get("request").unwrap_or_default();
    match join_page(&env, handle, &cookies.browser).await {
        Ok(found) => {
            present::heed(&mut cookies, &found.waiting);
            form(&env, &cookies, (&found, handle, Typed::default()), &Said::default())
        }
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

/// Has a mail sent to the address, if whoever has it can join.
pub(crate) async fn post(
    State(env): State<Env>,
    mut cookies: BrowserCookies,
    WrittenForm(written): WrittenForm,
) -> Response {
    let handle = written.text("request");
    let found = match join_page(&env, handle, &cookies.browser).await {
        Ok(found) => found,
        Err(error) => return present::waiting_error(&env, &cookies.browser.origin, &error),
    };
    present::heed(&mut cookies, &found.waiting);
    let origin = &cookies.browser.origin;
    let typed = typed(&written);
    if !is_ours(&env, &cookies, (written.get("csrf"), handle)) {
        let said = Said { status: StatusCode::FORBIDDEN, notice: Some(OLD), wrong: &[] };
        return form(&env, &cookies, (&found, handle, typed), &said);
    }
    match ask(&env, &found, (handle, typed), &cookies.browser).await {
        Ok(Asked::MailSent(email)) => sent(&env, origin, (&found, handle), email.as_str()),
        Ok(Asked::Invalid(wrong)) => {
            let said = Said { status: StatusCode::UNPROCESSABLE_ENTITY, notice: None, wrong: &wrong };
            form(&env, &cookies, (&found, handle, typed), &said)
        }
        Err(error) => present::waiting_error(&env, origin, &error),
    }
}

fn form(
    env: &Env,
    cookies: &BrowserCookies,
    (found, handle, typed): (&JoinPage, &str, Typed<'_>),
    said: &Said<'_>,
) -> Response {
    let language = Language::of(&cookies.browser.origin);
    let template = JoinTemplate {
        page: Page::branded(env, &found.organization).speaking(language),
        request: handle,
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(handle)),
        org: Org::of(&found.organization),
        client_name: found.waiting.client().name.as_str(),
        email: typed.email,
        name: typed.name,
        message: typed.message,
        most: MAX_MESSAGE,
        notice: said.notice.map(|message| language.say(message)),
        email_error: why(language, said.wrong, "email"),
        name_error: why(language, said.wrong, "name"),
        message_error: why(language, said.wrong, "message"),
        back_href: format!("/sign-in?request={handle}"),
    };
    let mut response = render(said.status, &template, None);
    cookies.bind(response.headers_mut());
    response
}

fn sent(env: &Env, origin: &Origin, (found, handle): (&JoinPage, &str), email: &str) -> Response {
    let template = SentTemplate {
        page: Page::branded(env, &found.organization).read_by(origin),
        org: Org::of(&found.organization),
        email,
        back_href: format!("/join?request={handle}"),
        sign_in_href: format!("/sign-in?request={handle}"),
    };
    render(StatusCode::OK, &template, None)
}

/// Shows what the link of the mail would do. Whoever looks at mails before people do may come here too.
pub(crate) async fn get_confirm(
    State(env): State<Env>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    confirm(&env, &cookies, &params, &Said::default()).await
}

async fn confirm(env: &Env, cookies: &BrowserCookies, params: &Params, said: &Said<'_>) -> Response {
    let join = params.get("join").unwrap_or_default();
    let Opened { organization, request, .. } = match look(env, join, &cookies.browser.origin).await {
        Ok(opened) => opened,
        Err(error) => return refused(env, &cookies.browser.origin, &error),
    };
    let language = Language::in_organization(&cookies.browser.origin, &organization);
    let template = ConfirmTemplate {
        page: Page::branded(env, &organization).speaking(language),
        org: Org::of(&organization),
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(join)),
        join,
        request: params.get("request").unwrap_or_default(),
        email: request.email.as_str(),
        name: request.name.as_ref().map(DisplayName::as_str),
        message: request.message.as_deref(),
        notice: said.notice.map(|message| language.say(message)),
    };
    let mut response = render(said.status, &template, None);
    cookies.bind(response.headers_mut());
    response
}

/// Uses the link: on to an invitation, or to the page that says who decides.
pub(crate) async fn post_confirm(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageForm(params): PageForm,
) -> Response {
    let join = params.get("join").unwrap_or_default();
    if !is_ours(&env, &cookies, (params.get("csrf"), join)) {
        let said = Said { status: StatusCode::FORBIDDEN, notice: Some(OLD), wrong: &[] };
        return confirm(&env, &cookies, &params, &said).await;
    }
    match prove(&env, join, &cookies.browser).await {
        Ok(Proven::Invited(invitation)) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("invitation", invitation.reveal());
            if let Some(request) = params.get("request") {
                query.append_pair("request", request);
            }
            see_other(&env.issuer.at(&format!("/invitations?{}", query.finish())))
        }
        Ok(Proven::Asked(organization)) => asked(&env, &cookies.browser.origin, &organization),
        Err(error) => refused(&env, &cookies.browser.origin, &error),
    }
}

fn asked(env: &Env, origin: &Origin, organization: &Organization) -> Response {
    let page = Page::branded(env, organization).speaking(Language::in_organization(origin, organization));
    let template = AskedTemplate { page, org: Org::of(organization) };
    render(StatusCode::OK, &template, None)
}

/// Goes on to the application, for whoever has joined on the way to it.
pub(crate) async fn get_continue(
    State(env): State<Env>,
    cookies: BrowserCookies,
    PageQuery(params): PageQuery,
) -> Response {
    match go_on(&env, params.get("request").unwrap_or_default(), &cookies.browser).await {
        Ok(next) => present::next(&env, &cookies, &next),
        Err(error) => present::waiting_error(&env, &cookies.browser.origin, &error),
    }
}

fn refused(env: &Env, origin: &Origin, error: &JoinError) -> Response {
    match error {
        JoinError::Closed(why) => closed(env, origin, *why),
        JoinError::Failure(failure) => failed(env, origin, failure),
    }
}

/// A link that opens nothing: whoever has it has the address, and may know why.
fn closed(env: &Env, origin: &Origin, closed: JoinClosed) -> Response {
    let (status, code, about) = explain(closed);
    trouble(env, origin, &Trouble::of(status, code, about))
}

fn explain(closed: JoinClosed) -> Explained {
    match closed {
        JoinClosed::Expired => (StatusCode::GONE, "join_expired", Message("problem-join-expired")),
        JoinClosed::Full | JoinClosed::NoSeat => {
            (StatusCode::CONFLICT, "join_no_room", Message("problem-join-full"))
        }
        JoinClosed::Invited => (StatusCode::CONFLICT, "join_invited", Message("problem-join-invited")),
        JoinClosed::NotOpen => (StatusCode::GONE, "join_closed", Message("problem-join-closed")),
        JoinClosed::Suspended => {
            (StatusCode::FORBIDDEN, "organization_suspended", Message("problem-join-suspended"))
        }
        JoinClosed::Taken => (StatusCode::CONFLICT, "join_not_needed", Message("problem-join-taken")),
        JoinClosed::Unknown => (StatusCode::NOT_FOUND, "join_unknown", Message("problem-join-unknown")),
        JoinClosed::Used => (StatusCode::GONE, "join_used", Message("problem-join-used")),
    }
}
