//! `/ssf/streams`: a receiver's streams (SSF §8.1.1).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_edge::{ParamsRejection, QueryParams, RequestOrigin};
use orgate_flows::Env;
use orgate_flows::ssf::{Change, change_stream, create_stream, delete_stream, list_streams, read_stream};
use orgate_protocol::ssf::{StreamRequest, check_named, check_stream_id};

use super::{Body, Managing, Reading, of_managed, private};
use crate::error::OAuthError;

/// One stream, or all.
pub(crate) async fn get(
    State(env): State<Env>,
    Reading(receiver): Reading,
    query: Result<QueryParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let QueryParams(params) = query?;
    match check_stream_id(&params)? {
        Some(stream_id) => Ok(private(Json(of_managed(read_stream(&env, &receiver, stream_id).await?)?))),
        None => Ok(private(Json(list_streams(&env, &receiver).await?))),
    }
}

/// 201, with the new stream.
pub(crate) async fn post(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = StreamRequest::parse(&body?.0)?;
    let stream = of_managed(create_stream(&env, &receiver, &request, &origin).await?)?;
    Ok(private((StatusCode::CREATED, Json(stream))))
}

/// What is not said stays.
pub(crate) async fn patch(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = StreamRequest::parse(&body?.0)?;
    let changed = change_stream(&env, &receiver, (&request, Change::Update), &origin).await?;
    Ok(private(Json(of_managed(changed)?)))
}

/// What is not said goes.
pub(crate) async fn put(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = StreamRequest::parse(&body?.0)?;
    let changed = change_stream(&env, &receiver, (&request, Change::Replace), &origin).await?;
    Ok(private(Json(of_managed(changed)?)))
}

/// 204.
pub(crate) async fn delete(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    query: Result<QueryParams, ParamsRejection>,
) -> Result<Response, OAuthError> {
    let QueryParams(params) = query?;
    of_managed(delete_stream(&env, &receiver, check_named(&params)?, &origin).await?)?;
    Ok(private(StatusCode::NO_CONTENT))
}
