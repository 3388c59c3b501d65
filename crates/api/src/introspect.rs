//! `POST /introspect` (RFC 7662 §2).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::introspect::{introspect, may_ask, sign_introspection};
use orgate_protocol::oauth::introspection::{self, INTROSPECTION_MEDIA_TYPE};

use crate::client::authenticated;
use crate::error::OAuthError;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Whoever asks proves who it is: a public client cannot, and so learns nothing. Nor does one that the called
/// issuer's organization is not admitted to, which is answered as one that does not exist.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let FormParams(params) = form?;
    let client = authenticated((&env, called), (&headers, &params), &origin).await?;
    if !client.is_confidential() || !may_ask(&env, called, &client, &origin).await? {
        return Err(OAuthError::invalid_client());
    }
    let token = introspection::parse(&params)?;
    let answer = introspect(&env, called, &client, &token).await?;
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.split(',').any(|range| range.split(';').next().is_some_and(is_signed)) {
        return Ok(([(header::CACHE_CONTROL, NO_STORE)], Json(answer)).into_response());
    }
    let signed = sign_introspection(&env, called, &client, answer).await?;
    let media_type = HeaderValue::from_static(INTROSPECTION_MEDIA_TYPE);
    Ok(([(header::CACHE_CONTROL, NO_STORE), (header::CONTENT_TYPE, media_type)], signed).into_response())
}

fn is_signed(range: &str) -> bool {
    range.trim().eq_ignore_ascii_case(INTROSPECTION_MEDIA_TYPE)
}
