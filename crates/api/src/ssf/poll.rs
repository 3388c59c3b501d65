//! `POST /ssf/poll/{stream}`: a receiver gets what waits for it (RFC 8936 §2).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use orgate_edge::RequestOrigin;
use orgate_flows::Env;
use orgate_flows::ssf::poll::poll;
use orgate_protocol::ssf::PollRequest;

use super::{Body, Reading, of_managed, private};
use crate::error::OAuthError;

/// The tokens that wait.
pub(crate) async fn post(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Reading(receiver): Reading,
    path: Result<Path<BTreeMap<String, String>>, PathRejection>, // at an organization's issuer, it has that too
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = PollRequest::parse(&body?.0)?;
    let path = path.map(|Path(path)| path).unwrap_or_default();
    let stream_id = path.get("stream_id").map(String::as_str).unwrap_or_default();
    let events = poll(&env, &receiver, (stream_id, &request), &origin).await?;
    Ok(private(Json(of_managed(events)?)))
}
