//! `/ssf/subjects`: whom a stream is about (SSF §8.1.3).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_edge::RequestOrigin;
use orgate_flows::Env;
use orgate_flows::ssf::{Wish, wish};
use orgate_protocol::ssf::SubjectRequest;

use super::{Body, Managing, of_managed, private};
use crate::error::OAuthError;

/// 200, without a body.
pub(crate) async fn post_add(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = SubjectRequest::parse(&body?.0)?;
    of_managed(wish(&env, &receiver, (&request, Wish::Add), &origin).await?)?;
    Ok(private(StatusCode::OK))
}

/// 204.
pub(crate) async fn post_remove(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = SubjectRequest::parse(&body?.0)?;
    of_managed(wish(&env, &receiver, (&request, Wish::Remove), &origin).await?)?;
    Ok(private(StatusCode::NO_CONTENT))
}
