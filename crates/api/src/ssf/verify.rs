//! `POST /ssf/verify`: a receiver asks whether events arrive (SSF §8.1.4.2).

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_edge::RequestOrigin;
use orgate_flows::Env;
use orgate_flows::ssf::verify;
use orgate_protocol::ssf::VerificationRequest;

use super::{Body, Managing, of_managed, private};
use crate::error::OAuthError;

/// 204: the event follows.
pub(crate) async fn post(
    State(env): State<Env>,
    RequestOrigin(origin): RequestOrigin,
    Managing(receiver): Managing,
    body: Result<Body, OAuthError>,
) -> Result<Response, OAuthError> {
    let request = VerificationRequest::parse(&body?.0)?;
    of_managed(verify(&env, &receiver, &request, &origin).await?)?;
    Ok(private(StatusCode::NO_CONTENT))
}
