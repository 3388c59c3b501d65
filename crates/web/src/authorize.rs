//! `GET` and `POST /authorize` (RFC 6749 §3.1).

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_edge::{BrowserCookies, CalledIssuer, FormParams, ParamsRejection, QueryParams};
use orgate_flows::authorize::{AuthorizeError, authorize};
use orgate_flows::{Called, Env};
use orgate_protocol::params::Params;

use crate::page::{Problem, failed, problem, unreadable};
use crate::present::{self, see_other};

/// The request in the query.
pub(crate) async fn get(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    cookies: BrowserCookies,
    query: Result<QueryParams, ParamsRejection>,
) -> Response {
    match query {
        Ok(QueryParams(params)) => answer(&env, called, &cookies, &params).await,
        Err(rejection) => unreadable(&env, &cookies.browser.origin, &rejection),
    }
}

/// The request in the body (OIDC Core §3.1.2.1). A post from another site comes without our
/// cookies, so it is repeated as a GET, which brings them.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    cookies: BrowserCookies,
    form: Result<FormParams, ParamsRejection>,
) -> Response {
    let params = match form {
        Ok(FormParams(params)) => params,
        Err(rejection) => return unreadable(&env, &cookies.browser.origin, &rejection),
    };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(params.iter()).finish();
    if params.duplicated().is_some() {
        // An error in any case. It sets no cookie: a post from another site must not replace the
        // one that this browser's sign-ins under way are bound to.
        let mut response = answer(&env, called, &cookies, &params).await;
        response.headers_mut().remove(header::SET_COOKIE);
        return response;
    }
    see_other(&env.issuer.called(called).at(&format!("/authorize?{query}")))
}

async fn answer(env: &Env, called: Called, cookies: &BrowserCookies, params: &Params) -> Response {
    match authorize(env, params, called, &cookies.browser).await {
        Ok(next) => present::next(env, cookies, &next),
        Err(AuthorizeError::Failure(failure)) => failed(env, &cookies.browser.origin, &failure),
        Err(AuthorizeError::InvalidRequest(error)) => unproven(
            env,
            cookies,
            (
                error.code.as_str(),
                "The application's request to sign you in has lapsed, or is not one that we can follow.",
            ),
        ),
        Err(AuthorizeError::UnknownClient) => unproven(
            env,
            cookies,
            (
                "invalid_client",
                "The link that brought you here names an application that is not registered with us.",
            ),
        ),
        Err(AuthorizeError::UnregisteredRedirectUri) => unproven(
            env,
            cookies,
            (
                "invalid_redirect_uri",
                "The application asked us to send you to an address that it has not registered, so we stopped here to keep you safe.",
            ),
        ),
    }
}

/// Client or redirect URI are not proven: a page, never a redirect (RFC 6749 §4.1.2.1).
fn unproven(env: &Env, cookies: &BrowserCookies, (code, what_happened): (&str, &str)) -> Response {
    problem(
        env,
        &cookies.browser.origin,
        &Problem {
            status: StatusCode::BAD_REQUEST,
            code,
            headline: "This sign-in link does not work",
            what_happened,
            what_next: "Open your application from its own address and sign in from there. If it happens again, tell its support and send the details below.",
            client: None,
        },
    )
}
