//! Who gets in: whoever is signed in with what the page takes. Everybody else is sent to sign in, or told what is missing.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::OrgatePermission;
use orgate_edge::{AdministrationCookies, AppState, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::administration::{Entry, Forbidden, Held, PATH, ReturnPath, Subject, enter};
use orgate_flows::manage::access::Holder;

use super::pages::About;
use super::{Admin, Admitted, pages, reason, sign_in};
use crate::page::{Link, Problem, failed, nowhere, problem, problem_with};

/// Lets a request through to its page only if whoever is signed in may open that; every page is behind it.
pub(super) async fn admitted(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let env = state.env.clone();
    let cookies = match BrowserCookies::from_request_parts(&mut parts, &state).await {
        Ok(cookies) => Arc::new(cookies),
        Err(status) => return status.into_response(),
    };
    let Ok(kept) = AdministrationCookies::from_request_parts(&mut parts, &state).await;
    let asked = match Asked::read(&mut parts, &state, &cookies).await {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    let session = kept.session();
    let why = asked
        .other
        .as_ref()
        .and_then(|(other, _)| reason::given(&env, (&cookies.browser, &kept), (&asked.organization, other)));
    let asks = (asked.permission, asked.subject(why.as_deref()));
    let entry = enter(&env, (&asked.organization, session.as_deref()), asks, &cookies.browser);
    let Entry { held, kept: renewed } = entry.await;
    // Before anything is done: nobody is told afterwards that they are not signed in.
    let mut keeping = HeaderMap::new();
    if let Some(renewed) = renewed
        && !kept.set_session(&mut keeping, &asked.organization, &renewed)
    {
        return sign_in::give_up(&env, (&cookies, &kept), (&asked.organization, &renewed)).await;
    }
    if kept.arrived() && !matches!(held, Ok(Held::SignedOut)) {
        kept.drop_arrived(&mut keeping);
    }
    let mut response = match held {
        Ok(Held::Admitted(caller)) => {
            let (caller, cookies) = (Arc::new(*caller), Arc::clone(&cookies));
            parts.extensions.insert(Admitted { caller, cookies });
            next.run(Request::from_parts(parts, body)).await
        }
        Ok(Held::Elsewhere) => elsewhere(&env, &cookies, &asked.organization),
        Ok(Held::Forbidden(forbidden)) => self::forbidden(&env, &cookies, (&asked.organization, &forbidden)),
        Ok(Held::NotDelegated(permission)) => {
            not_delegated(&env, &cookies, (&asked.organization, permission))
        }
        Ok(Held::ReasonMissing) => {
            let other = asked.other.as_ref().map_or("", |(other, _)| other);
            let about = (asked.organization.as_str(), other, &asked.return_to);
            reason::ask(&env, &cookies, about, None)
        }
        Ok(Held::SignedOut) => sign_in_first(&env, (&cookies, &kept), &asked).await,
        Err(failure) => failed(&env, &cookies.browser.origin, &failure),
    };
    // Whatever came of it: what was kept before is used up.
    for (name, value) in &keeping {
        response.headers_mut().append(name, value.clone());
    }
    response
}

/// What a request asks for.
struct Asked {
    organization: String,
    /// Another one, which the page is about, and who may open that.
    other: Option<(String, Holder)>,
    is_about_all: bool,
    permission: OrgatePermission,
    method: Method,
    /// Whether a script of ours asks, which would put the page of a sign-in in the place of what it asks for.
    by_script: bool,
    /// Where to go on once they are signed in.
    return_to: ReturnPath,
}

impl Asked {
    async fn read(
        parts: &mut Parts,
        state: &AppState,
        cookies: &BrowserCookies,
    ) -> Result<Self, Box<Response>> {
        let unlisted = || Box::new(unlisted());
        let matched = MatchedPath::from_request_parts(parts, state).await.map_err(|_| unlisted())?;
        let (page, holder) = pages::find(&parts.method, matched.as_str()).ok_or_else(unlisted)?;
        let path = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Ok(Path(path)) = path else {
            // Bytes that are no text, which no address of ours has.
            return Err(Box::new(nowhere(&state.env, &cookies.browser.origin)));
        };
        let named = |name| path.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let organization = named("organization").ok_or_else(unlisted)?;
        let other = named("other").zip(holder);
        let (uri, method) = (&parts.uri, parts.method.clone());
        let shown = if matches!(method, Method::GET | Method::HEAD) {
            uri.path_and_query().map_or_else(String::new, ToString::to_string)
        } else {
            pages::shown_at(matched.as_str(), uri.path())
        };
        let return_to = ReturnPath::parse(&shown).unwrap_or_else(|| ReturnPath::of(&organization));
        let (is_about_all, permission) = (page.about == About::All, page.permission);
        let by_script = parts.headers.contains_key("hx-request");
        Ok(Self { organization, other, is_about_all, permission, method, by_script, return_to })
    }

    /// What it is about; `why`: for what they look at another organization.
    fn subject<'a>(&'a self, why: Option<&'a str>) -> Subject<'a> {
        match &self.other {
            Some((organization, holder)) => Subject::Other { organization, holder: *holder, reason: why },
            None if self.is_about_all => Subject::All,
            None => Subject::Own,
        }
    }
}

/// Sends the browser to sign in, without what it keeps and nobody is signed in by; what a form brought is not kept meanwhile, and
/// that is told first.
async fn sign_in_first(
    env: &Env,
    (cookies, kept): (&BrowserCookies, &AdministrationCookies),
    asked: &Asked,
) -> Response {
    let mut response = if kept.arrived() {
        // Or the browser would go round and round, with a new sign-in each time.
        let mut response = sign_in::not_kept(env, cookies, &asked.return_to);
        kept.drop_arrived(response.headers_mut());
        response
    } else if matches!(asked.method, Method::GET | Method::HEAD) && !asked.by_script {
        let to = (Some(asked.organization.as_str()), &asked.return_to);
        sign_in::send(env, (cookies, kept), to).await
    } else {
        signed_out_meanwhile(env, cookies, asked)
    };
    if kept.sent_session() {
        kept.drop_session(response.headers_mut(), &asked.organization);
    }
    response
}

fn signed_out_meanwhile(env: &Env, cookies: &BrowserCookies, asked: &Asked) -> Response {
    let again = Link { label: "Sign in again".to_owned(), href: asked.return_to.to_string() };
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "signed_out",
        headline: "You were signed out meanwhile",
        what_happened: "Your session ended before you asked for this, so nothing was changed.",
        what_next: "Sign in again, and do it once more from the page that comes then.",
    };
    problem_with(env, &cookies.browser.origin, &what, Some(again))
}

/// What a page takes, and who of the organization could give it.
fn forbidden(env: &Env, cookies: &BrowserCookies, (organization, forbidden): (&str, &Forbidden)) -> Response {
    let permission = forbidden.permission;
    let what_happened = format!(
        "It takes the permission {} (“{}”), which none of your roles has.",
        permission.as_str(),
        permission.meaning().trim_end_matches('.')
    );
    let what_next = match names(&forbidden.roles) {
        Some(names) => {
            format!("These roles of your organization have it: {names}. Ask somebody who can give you one.")
        }
        None => "No role of your organization has it. Ask an owner to put it into one, and to give you that."
            .to_owned(),
    };
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "permission_missing",
        headline: "You may not open this page",
        what_happened: &what_happened,
        what_next: &what_next,
    };
    let again = if permission == OrgatePermission::OrganizationRead {
        Link { label: "Sign out".to_owned(), href: sign_in::sign_out() }
    } else {
        overview_of(organization)
    };
    problem_with(env, &cookies.browser.origin, &what, Some(again))
}

/// An organization that is not theirs to ask about, or pages of the operator's.
fn elsewhere(env: &Env, cookies: &BrowserCookies, organization: &str) -> Response {
    let what = Problem {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        headline: "There is no such page",
        what_happened: "Nothing is at this address that people of your organization may see.",
        what_next: "Go back to the overview, and look for it from there.",
    };
    problem_with(env, &cookies.browser.origin, &what, Some(overview_of(organization)))
}

/// An organization below lets theirs do other things.
fn not_delegated(
    env: &Env,
    cookies: &BrowserCookies,
    (organization, permission): (&str, OrgatePermission),
) -> Response {
    let what_happened = format!(
        "It takes the permission {}, which that organization does not let yours use.",
        permission.as_str()
    );
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "not_delegated",
        headline: "You may not open this page",
        what_happened: &what_happened,
        what_next: "Ask an owner of that organization to let yours do it.",
    };
    problem_with(env, &cookies.browser.origin, &what, Some(overview_of(organization)))
}

fn names(roles: &[DisplayName]) -> Option<String> {
    let names: Vec<&str> = roles.iter().map(DisplayName::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

fn overview_of(organization: &str) -> Link {
    Link { label: "To the overview".to_owned(), href: format!("{PATH}/{organization}") }
}

/// What nobody is let in to.
pub(super) fn unlisted() -> Response {
    tracing::error!("a page of the administration is not in the table, or not behind its layer");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// Whoever called, or their organization, went in this very moment.
pub(super) fn gone(env: &Env, cookies: &BrowserCookies) -> Response {
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "signed_out",
        headline: "You are not signed in any more",
        what_happened: "Your user, or your organization, has gone.",
        what_next: "If you think that it should not have, ask an administrator of the organization.",
    };
    problem(env, &cookies.browser.origin, &what)
}

/// What is done here can be seen only by whoever may read it.
pub(super) fn lacks(admin: &Admin, permission: OrgatePermission) -> Response {
    let what_happened = format!("It shows what takes the permission {} to read.", permission.as_str());
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "permission_missing",
        headline: "You may not open this page",
        what_happened: &what_happened,
        what_next: "Ask an owner of your organization for a role that has it.",
    };
    refused(admin, &what)
}

/// The form was not sent from a page of ours, or from one that somebody else was shown.
pub(super) fn old_page(admin: &Admin) -> Response {
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "form_expired",
        headline: "This page had grown old",
        what_happened: "What you sent did not come from a page that you were shown here, so nothing was changed.",
        what_next: "Go back to the overview, and do it again from there.",
    };
    refused(admin, &what)
}

/// What was sent is too large, or no form.
pub(super) fn unreadable(admin: &Admin, status: StatusCode) -> Response {
    let what = Problem {
        status,
        code: "invalid_request",
        headline: "This cannot be read",
        what_happened: "Your browser sent something that is no form, or is larger than a form here may be.",
        what_next: "Go back to the overview, and try again with less.",
    };
    refused(admin, &what)
}

/// There is no such thing in the organization.
pub(super) fn missing(admin: &Admin) -> Response {
    let what = Problem {
        status: StatusCode::NOT_FOUND,
        code: "not_found",
        headline: "There is no such page",
        what_happened: "Your organization has nothing at this address, or not any more.",
        what_next: "Go back to the overview, and look for it from there.",
    };
    refused(admin, &what)
}

/// A page that says why not, with the way back.
pub(super) fn refused(admin: &Admin, what: &Problem<'_>) -> Response {
    let again = Link { label: "To the overview".to_owned(), href: admin.href("") };
    problem_with(&admin.env, &admin.cookies.browser.origin, what, Some(again))
}
