//! `GET` and `POST /userinfo` (OIDC Core §5.3).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::{FormParams, ParamsRejection};
use orgate_flows::Env;
use orgate_flows::userinfo::{Userinfo, userinfo};
use orgate_protocol::bearer::{self, Challenge};
use orgate_protocol::oauth::{ErrorCode, RequestError, ScopeSet};
use orgate_protocol::params::Params;

use crate::error::OAuthError;

/// The token in the `Authorization` header.
pub(crate) async fn get(State(env): State<Env>, headers: HeaderMap) -> Result<Response, OAuthError> {
    answer(&env, &headers, None).await
}

/// The token in the header or in the body (RFC 6750 §2.2).
pub(crate) async fn post(
    State(env): State<Env>,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let form = match form {
        Ok(FormParams(params)) => Some(params),
        Err(ParamsRejection::MediaType) => None, // a POST without a form: the header alone counts
        Err(rejection) => return Err(rejection.into()),
    };
    answer(&env, &headers, form.as_ref()).await
}

async fn answer(env: &Env, headers: &HeaderMap, form: Option<&Params>) -> Result<Response, OAuthError> {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let token = match bearer::parse(authorization, form) {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(challenge(StatusCode::UNAUTHORIZED, None)),
        Err(error) => return Ok(challenge(StatusCode::BAD_REQUEST, Some(&error))),
    };
    Ok(match userinfo(env, token).await? {
        Userinfo::Claims(claims) => {
            ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(claims)).into_response()
        }
        Userinfo::Signed(token) => {
            let media_type = HeaderValue::from_static("application/jwt");
            let no_store = HeaderValue::from_static("no-store");
            ([(header::CACHE_CONTROL, no_store), (header::CONTENT_TYPE, media_type)], token).into_response()
        }
        Userinfo::InvalidToken => {
            let error = RequestError::new(ErrorCode::InvalidToken, "the access token is not valid");
            challenge(StatusCode::UNAUTHORIZED, Some(&error))
        }
        Userinfo::InsufficientScope => {
            let error = RequestError::new(ErrorCode::InsufficientScope, "the scope openid is needed");
            challenge(StatusCode::FORBIDDEN, Some(&error))
        }
    })
}

/// RFC 6750 §3: with no token given, the challenge says nothing more.
fn challenge(status: StatusCode, error: Option<&RequestError>) -> Response {
    let needed = ScopeSet::parse("openid").ok();
    let scope = needed.as_ref().filter(|_| status == StatusCode::FORBIDDEN);
    let challenge = Challenge { realm: "userinfo", error, scope }.to_string();
    let value = HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"));
    let headers =
        [(header::WWW_AUTHENTICATE, value), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match error {
        Some(error) => (status, headers, Json(error.clone())).into_response(),
        None => (status, headers).into_response(),
    }
}
