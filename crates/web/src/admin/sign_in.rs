//! The way in and out.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::clients::ADMINISTRATION;
use orgate_edge::{AdministrationCookies, BrowserCookies};
use orgate_flows::Env;
use orgate_flows::administration::{Begun, Finished, PATH, ReturnPath, begin, finish, leave};
use orgate_flows::setup::links::close_own_link;

use crate::form::{LinkQuery, PageForm};
use crate::page::{Link, Problem, failed, problem_with};
use crate::present::see_other;

/// Where the sessions of a browser can be ended, by way of the application that the pages are.
pub(super) fn sign_out() -> String {
    format!("/logout?client_id={ADMINISTRATION}")
}

/// `GET /admin`: for who types the address, and where sign-ins begin that somebody else suggests (OIDC Core §4): the organization
/// that these name is tried first.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    kept: AdministrationCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let organization = params.get("organization").or(params.get("tenant"));
    let return_to = ReturnPath::of(organization.unwrap_or_default());
    send(&env, (&cookies, &kept), (organization, &return_to)).await
}

/// Sends the browser to sign in, and on to where it wanted.
pub(super) async fn send(
    env: &Env,
    (cookies, kept): (&BrowserCookies, &AdministrationCookies),
    (organization, return_to): (Option<&str>, &ReturnPath),
) -> Response {
    match begin(env, organization, return_to, &cookies.browser).await {
        Ok(Some(Begun { to, state, kept: sealed })) => {
            let mut response = see_other(&to);
            kept.set_sign_in(response.headers_mut(), &state, sealed);
            cookies.bind(response.headers_mut());
            response
        }
        Ok(None) => name_taken(env, cookies),
        Err(failure) => failed(env, &cookies.browser.origin, &failure),
    }
}

/// `GET /admin/-/callback`: the answer (RFC 6749 §4.1.2).
pub(crate) async fn get_callback(
    State(env): State<Env>,
    cookies: BrowserCookies,
    kept: AdministrationCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let state = params.get("state").unwrap_or_default();
    let mut response = match finish(&env, &params, kept.sign_in(state), &cookies.browser).await {
        Ok(Finished::SignedIn { organization, kept: sealed, to }) => {
            let mut response = see_other(&env.issuer.at(to.as_str()));
            if kept.set_session(response.headers_mut(), &organization, &sealed) {
                kept.set_arrived(response.headers_mut());
                kept.drop_reason(response.headers_mut(), &organization); // somebody else may have given it
                response
            } else {
                give_up(&env, (&cookies, &kept), (&organization, &sealed)).await
            }
        }
        Ok(Finished::Refused(code)) => not_signed_in(&env, &cookies, &code),
        Ok(Finished::Unknown) => not_signed_in(&env, &cookies, "sign_in_over"),
        Err(failure) => failed(&env, &cookies.browser.origin, &failure),
    };
    if kept.sign_in(state).is_some() {
        kept.drop_sign_in(response.headers_mut(), state);
    }
    response
}

/// `POST …/sign-out`: gives up what the browser keeps for the organization, and goes on to where all its sessions can be ended.
pub(crate) async fn post_sign_out(
    State(env): State<Env>,
    cookies: BrowserCookies,
    kept: AdministrationCookies,
    Path(organization): Path<String>,
    PageForm(params): PageForm,
) -> Response {
    let token = params.get("csrf").unwrap_or_default();
    if !env.vault.check_form_token(&cookies.browser.binding, &leaving(&organization), token) {
        let again =
            Link { label: "To the overview".to_owned(), href: ReturnPath::of(&organization).to_string() };
        let what = Problem {
            status: StatusCode::FORBIDDEN,
            code: "form_expired",
            headline: "This page had grown old",
            what_happened: "What you sent did not come from a page that you were shown here, so you are still signed in.",
            what_next: "Go back to the overview, and sign out there.",
        };
        return problem_with(&env, &cookies.browser.origin, &what, Some(again));
    }
    let session = kept.session();
    if let Err(failure) = leave(&env, (&organization, session.as_deref()), &cookies.browser).await {
        return failed(&env, &cookies.browser.origin, &failure);
    }
    let mut response = see_other(&env.issuer.at(&sign_out()));
    kept.drop_session(response.headers_mut(), &organization);
    kept.drop_reason(response.headers_mut(), &organization);
    // A set-up that they opened from here is a way in as well.
    if let Some(setup) = &cookies.setup {
        match close_own_link(&env, setup, &cookies.browser).await {
            Ok(true) => cookies.drop_setup(response.headers_mut()),
            Ok(false) => {}
            Err(failure) => return failed(&env, &cookies.browser.origin, &failure),
        }
    }
    response
}

/// What the form that signs out is bound to: it is no matter who is signed in by then.
pub(super) fn leaving(organization: &str) -> String {
    format!("admin sign-out {organization}")
}

/// Whoever runs the installation has an application of this name, from before it was Orgate's.
fn name_taken(env: &Env, cookies: &BrowserCookies) -> Response {
    let what = Problem {
        status: StatusCode::CONFLICT,
        code: "name_taken",
        headline: "These pages cannot be opened here",
        what_happened: "They are an application by the name of orgate-admin, and another application has that name already.",
        what_next: "Tell whoever runs this service, who finds that application in the log. Programs can administer organizations meanwhile.",
    };
    problem_with(env, &cookies.browser.origin, &what, None)
}

fn not_signed_in(env: &Env, cookies: &BrowserCookies, code: &str) -> Response {
    let what = Problem {
        status: StatusCode::BAD_REQUEST,
        code,
        headline: "You are not signed in",
        what_happened: match code {
            "access_denied" => "Your organization, or its identity provider, did not let you in.",
            "sign_in_over" | "invalid_grant" => {
                "The sign-in took too long, was begun in another browser, or was finished already."
            }
            _ => "The sign-in was refused, for the reason that the details below name.",
        },
        what_next: "Begin again from the administration. If it happens once more, send the details below to whoever runs this service.",
    };
    let again = Link { label: "Begin again".to_owned(), href: PATH.to_owned() };
    problem_with(env, &cookies.browser.origin, &what, Some(again))
}

/// What does not fit into a browser is nobody's: neither are the tokens in it, nor what was kept before, which was used up for it.
pub(super) async fn give_up(
    env: &Env,
    (cookies, kept): (&BrowserCookies, &AdministrationCookies),
    (organization, sealed): (&str, &str),
) -> Response {
    if let Err(failure) = leave(env, (organization, Some(sealed)), &cookies.browser).await {
        return failed(env, &cookies.browser.origin, &failure);
    }
    let mut response = too_large(env, cookies);
    kept.drop_session(response.headers_mut(), organization);
    response
}

/// Whoever comes from signing in is not signed in here: what the browser was given did not come back.
pub(super) fn not_kept(env: &Env, cookies: &BrowserCookies, return_to: &ReturnPath) -> Response {
    let what = Problem {
        status: StatusCode::BAD_REQUEST,
        code: "sign_in_not_kept",
        headline: "Your browser did not keep your sign-in",
        what_happened: "You are signed in, but this page did not get back what your browser was given for it.",
        what_next: "Let your browser keep cookies of this site, or remove those that it has of it, and open the page once more. If that does not help, tell whoever runs this service.",
    };
    let again = Link { label: "Open it once more".to_owned(), href: return_to.to_string() };
    problem_with(env, &cookies.browser.origin, &what, Some(again))
}

/// Somebody has more permissions than a browser keeps.
fn too_large(env: &Env, cookies: &BrowserCookies) -> Response {
    let what = Problem {
        status: StatusCode::FORBIDDEN,
        code: "sign_in_too_large",
        headline: "Your sign-in does not fit into this browser",
        what_happened: "It names each of your roles and permissions, and you have so many that no browser keeps them.",
        what_next: "Ask an administrator to give you one role with a wildcard, such as orgate:users:*, in the place of many.",
    };
    problem_with(env, &cookies.browser.origin, &what, None)
}
