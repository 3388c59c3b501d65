//! The userinfo endpoint (OIDC Core §5.3).

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{AUTHORIZATION, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};

use super::{Grant, OpenIdProvider};

pub(super) async fn show(State(provider): State<Arc<OpenIdProvider>>, headers: HeaderMap) -> Response {
    let Some(token) = bearer_token(&headers) else { return challenge("Bearer") };
    let grant: Option<Arc<Grant>> = provider.access_tokens.get(token).await;
    grant.map_or_else(
        || challenge("Bearer error=\"invalid_token\""),
        |grant| Json(grant.user_claims()).into_response(),
    )
}

/// RFC 6750 §3: without an error if there was no token.
fn challenge(challenge: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
}

/// RFC 6750 §2.1.
fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}
