//! `/setup`: where a link leads to, and how it is opened.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::setup::SetupPurpose;
use orgate_edge::BrowserCookies;
use orgate_flows::Env;
use orgate_flows::setup::Closed;
use orgate_flows::setup::links::{close_own_link, look_at_link, open_link};

use super::frame::time;
use super::{Open, Submitted, refusals};
use crate::fields::Form;
use crate::form::LinkQuery;
use crate::page::{Link, Org, Page, Problem, failed, problem, problem_with, render};
use crate::present::see_other;

/// `templates/setup/landing.html`.
#[derive(Template)]
#[template(path = "setup/landing.html")]
struct Landing<'a> {
    page: Page,
    org: Org,
    csrf: String,
    link: &'a str,
    is_for_sso: bool,
    is_for_domains: bool,
    expires: String,
}

/// Shows whose set-up it is. Opens nothing: whoever looks at mails before people do may come here too.
pub(crate) async fn get(
    State(env): State<Env>,
    cookies: BrowserCookies,
    LinkQuery(params): LinkQuery,
) -> Response {
    let origin = &cookies.browser.origin;
    let Some(link) = params.get("link") else {
        if cookies.setup.is_some() {
            return see_other(&env.issuer.at("/setup/connections"));
        }
        return refusals::closed(&env, origin, Closed::Unknown);
    };
    let opened = match look_at_link(&env, link, origin).await {
        Ok(opened) => opened,
        Err(error) => return refusals::refused(&env, origin, &error, None),
    };
    let template = Landing {
        page: Page::branded(&env, &opened.organization),
        org: Org::of(&opened.organization),
        csrf: env.vault.form_token(&cookies.browser.binding, &subject(link)),
        link,
        is_for_sso: opened.link.is_for(SetupPurpose::Sso),
        is_for_domains: opened.link.is_for(SetupPurpose::Domains),
        expires: time(opened.link.expires_at),
    };
    let mut response = render(StatusCode::OK, &template, None);
    cookies.bind(response.headers_mut());
    response
}

/// What the form's token is bound to.
fn subject(link: &str) -> String {
    format!("open {link}")
}

/// Opens the link in this browser; from here on no address holds it.
pub(crate) async fn post_begin(
    State(env): State<Env>,
    cookies: BrowserCookies,
    request: Request,
) -> Response {
    let origin = &cookies.browser.origin;
    let Ok(form) = Form::read(request).await else { return refusals::closed(&env, origin, Closed::Unknown) };
    let link = form.text("link");
    if !env.vault.check_form_token(&cookies.browser.binding, &subject(link), form.text("csrf")) {
        let problem_of = Problem {
            status: StatusCode::FORBIDDEN,
            code: "form_expired",
            headline: "This page had grown old",
            what_happened: "The form was not sent from the page that your link opens, in this browser.",
            what_next: "Open your link once more. If it goes on, allow cookies for this site.",
        };
        return problem(&env, origin, &problem_of);
    }
    match open_link(&env, link, &cookies.browser).await {
        Ok((opened, cookie)) => {
            let mut response = see_other(&env.issuer.at("/setup/connections"));
            let lifetime = (opened.link.expires_at - env.clock.now()).num_seconds();
            cookies.set_setup(response.headers_mut(), &cookie, lifetime);
            response
        }
        Err(error) => refusals::refused(&env, origin, &error, None),
    }
}

/// Leaves the set-up in this browser; the link opens it again, but for one of an administrator's own, which is over by it.
pub(crate) async fn post_leave(submitted: Submitted<Open>) -> Response {
    let open = submitted.of;
    let cookie = open.cookies.setup.as_deref().unwrap_or_default();
    if let Err(failure) = close_own_link(&open.env, cookie, &open.cookies.browser).await {
        return failed(&open.env, open.origin(), &failure);
    }
    let administration = open.administration();
    let problem_of = Problem {
        status: StatusCode::OK,
        code: "setup_left",
        headline: "You have left the set-up",
        what_happened: "What you saved is kept.",
        what_next: if administration.is_some() {
            "Go back to the administration, where you can open it again."
        } else {
            "To go on, open your link once more. You can close this page."
        },
    };
    // By a link: a form may not lead to where they have to sign in first, wherever that is.
    let back = administration.map(|href| Link { label: "Back to the administration".to_owned(), href });
    let mut response = problem_with(&open.env, open.origin(), &problem_of, back);
    open.cookies.drop_setup(response.headers_mut());
    response
}
