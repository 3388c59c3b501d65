//! `/ssf/status`: whether a stream's events are sent (SSF §8.1.2).

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use orgate_edge::{ParamsRejection, QueryParams, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::ssf::{read_status, update_status};
use orgate_protocol::ssf::{StatusRequest, check_named};

use super::{Body, Managing, Reading, of_managed, private};
use crate::error::OAuthError;

/// The status.
pub(crate) async fn get(
    State(env): State<Env>,
    Reading(receiver): Reading,
    query: Result<QueryParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let QueryParams(params) = query?;
    let status = read_status(&env, &receiver, check_named(&params)?).await?;
    Ok(private(Json(of_managed(status)?)))
}

/// The new status.
pub(crate) async fn post(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = StatusRequest::parse(&body?.0)?;
    let status = update_status(&env, &receiver, &request, &origin).await?;
    Ok(private(Json(of_managed(status)?)))
}
