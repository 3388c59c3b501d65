//! `GET` and `POST /authorize` (RFC 6749 §3.1).

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use orgate_edge::{BrowserCookies, CalledIssuer, FormParams, ParamsRejection, QueryParams};
use orgate_flows::authorize::{AuthorizeError, authorize};
use orgate_flows::{Called, Env};
use orgate_protocol::oauth::check_ui_locales;
use orgate_protocol::params::Params;

use crate::language::Message;
use crate::page::{Trouble, failed, trouble, unreadable};
use crate::present::{self, see_other};

/// The request in the query.
pub(crate) async fn get(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    cookies: BrowserCookies,
    query: Result<QueryParams, ParamsRejection>,
) -> Response {
    match query {
        Ok(QueryParams(params)) => answer(&env, called, cookies, &params).await,
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
        let mut response = answer(&env, called, cookies, &params).await;
        response.headers_mut().remove(header::SET_COOKIE);
        return response;
    }
    see_other(&env.issuer.called(called).at(&format!("/authorize?{query}")))
}

async fn answer(env: &Env, called: Called, mut cookies: BrowserCookies, params: &Params) -> Response {
    cookies.browser.origin.ui_locales = check_ui_locales(params);
    let cookies = &cookies;
    let (code, about) = match authorize(env, params, called, &cookies.browser).await {
        Ok(next) => return present::next(env, cookies, &next),
        Err(AuthorizeError::Failure(failure)) => return failed(env, &cookies.browser.origin, &failure),
        Err(AuthorizeError::InvalidRequest(error)) => (error.code.as_str(), Message("problem-link-request")),
        Err(AuthorizeError::UnknownClient) => ("invalid_client", Message("problem-link-client")),
        Err(AuthorizeError::UnregisteredRedirectUri) => {
            ("invalid_redirect_uri", Message("problem-link-address"))
        }
    };
    // Client or redirect URI are not proven: a page, never a redirect (RFC 6749 §4.1.2.1).
    let status = StatusCode::BAD_REQUEST;
    trouble(env, &cookies.browser.origin, &Trouble::of(status, code, about))
}
