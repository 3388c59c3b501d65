//! Which issuer a request called: by its path, never by its `Host`.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use orgate_flows::Called;

use crate::AppState;

/// The issuer that was called. The routes of organizations' issuers put it among a request's extensions, once
/// the organization is known to exist; nothing else does.
#[derive(Debug, Clone, Copy, Default)]
pub struct CalledIssuer(pub Called);

impl FromRequestParts<AppState> for CalledIssuer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}
