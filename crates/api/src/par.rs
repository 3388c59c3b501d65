//! `POST /par`: pushed authorization requests (RFC 9126 §2).

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_edge::{CalledIssuer, FormParams, ParamsRejection, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::push_request::{Pushed, push_request};
use serde_json::json;

use crate::client::{authenticated, proven_key};
use crate::error::OAuthError;

/// 201, with the address that a browser brings.
pub(crate) async fn post(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
    headers: HeaderMap,
    form: Result<FormParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let FormParams(params) = form?;
    let client = authenticated((&env, called), (&headers, &params), &origin).await?;
    let key = proven_key((&env, called), &client, (&headers, "/par"), &origin).await?;
    match push_request(&env, (called, &client), &params, (key.as_deref(), &origin)).await? {
        Pushed::Kept { request_uri, expires_in } => {
            let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            let body = json!({ "request_uri": request_uri, "expires_in": expires_in });
            Ok((StatusCode::CREATED, no_store, Json(body)).into_response())
        }
        Pushed::Refused(error) => Err(error.into()),
    }
}
