//! `POST /revoke` (RFC 7009 §2).

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::revoke::revoke;
use orgate_protocol::oauth::introspection;

use crate::client::authenticated;
use crate::error::OAuthError;

/// An empty 200, also for a token that is nobody's.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<[(HeaderName, HeaderValue); 1], OAuthError> {
    let FormParams(params) = form?;
    let client = authenticated((&env, called), (&headers, &params), &origin).await?;
    let token = introspection::parse(&params)?;
    revoke(&env, (called, &client), &token, &origin).await?;
    Ok([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}
