//! `POST /device_authorization` (RFC 8628 §3.1).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::device::{Requested, request};
use serde_json::{Value, json};

use crate::client::{authenticated, proven_key};
use crate::error::OAuthError;

/// What the device shows, and what it polls with (RFC 8628 §3.2).
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<([(HeaderName, HeaderValue); 1], Json<Value>), OAuthError> {
    let FormParams(params) = form?;
    let client = authenticated((&env, called), (&headers, &params), &origin).await?;
    let key = proven_key((&env, called), &client, (&headers, "/device_authorization"), &origin).await?;
    let device = match request(&env, (called, &client), &params, (key.as_deref(), &origin)).await? {
        Requested::Kept(device) => device,
        Requested::Refused(error) => return Err(error.into()),
    };
    let verification_uri = env.issuer.at("/device");
    let answer = json!({
        "device_code": device.device_code.reveal(),
        "user_code": device.user_code.to_string(),
        "verification_uri": verification_uri,
        "verification_uri_complete": format!("{verification_uri}?user_code={}", device.user_code),
        "expires_in": device.expires_in.num_seconds(),
        "interval": device.interval.num_seconds(),
    });
    Ok(([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(answer)))
}
