//! `GET` and `POST /userinfo` (OIDC Core §5.3).

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::userinfo::{Userinfo, userinfo};
use orgate_flows::{Called, Env};
use orgate_protocol::params::Params;

use crate::error::OAuthError;
use crate::resource::Resource;

const USERINFO: Resource = Resource { realm: "userinfo", scope: "openid" };

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The token in the `Authorization` header.
pub(crate) async fn get(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    answer(&env, (called, origin.address), (&headers, "GET"), None).await
}

/// The token in the header or in the body (RFC 6750 §2.2).
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let form = match form {
        Ok(FormParams(params)) => Some(params),
        Err(ParamsRejection::MediaType) => None, // a POST without a form: the header alone counts
        Err(rejection) => return Err(rejection.into()),
    };
    answer(&env, (called, origin.address), (&headers, "POST"), form.as_ref()).await
}

async fn answer(
    env: &Env,
    (called, address): (Called, Option<IpAddr>),
    (headers, method): (&HeaderMap, &str),
    form: Option<&Params>,
) -> Result<Response, OAuthError> {
    let shown = match USERINFO.read(called, (headers, method, "/userinfo"), form) {
        Ok(shown) => shown,
        Err(answer) => return Ok(*answer),
    };
    Ok(match userinfo(env, (called, address), shown.token, shown.proof.as_ref()).await? {
        Userinfo::Claims(claims) => ([(header::CACHE_CONTROL, NO_STORE)], Json(claims)).into_response(),
        Userinfo::Signed(token) => {
            let media_type = HeaderValue::from_static("application/jwt");
            ([(header::CACHE_CONTROL, NO_STORE), (header::CONTENT_TYPE, media_type)], token).into_response()
        }
        Userinfo::InvalidProof => USERINFO.invalid_proof(shown.scheme),
        Userinfo::NonceNeeded(nonce) => USERINFO.nonce_needed(&nonce),
        Userinfo::InvalidToken => USERINFO.invalid_token(shown.scheme),
        Userinfo::InsufficientScope => USERINFO.insufficient_scope(shown.scheme),
    })
}
