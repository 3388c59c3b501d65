//! Who calls: the client, authenticated, wherever the back channel wants one.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use orgate_domain::audit::Origin;
use orgate_domain::clients::Client;
use orgate_flows::Env;
use orgate_flows::authenticate_client::{Authentication, authenticate_client};
use orgate_protocol::oauth::client_auth;
use orgate_protocol::params::Params;

use crate::error::OAuthError;

/// The client that a request proves (RFC 6749 §2.3).
pub(crate) async fn authenticated(
    env: &Env,
    (headers, params): (&HeaderMap, &Params),
    origin: &Origin,
) -> Result<Arc<Client>, OAuthError> {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let presented = client_auth::parse(authorization, params)?;
    match authenticate_client(env, &presented, origin).await? {
        Authentication::Proven(client) => Ok(client),
        Authentication::Refused => Err(OAuthError::invalid_client()),
    }
}
