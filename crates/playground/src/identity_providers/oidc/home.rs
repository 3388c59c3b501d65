//! The provider's own page: who is signed in.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};

use super::OpenIdProvider;
use crate::{http::page, identity_providers::sign_in_page::Protocol};

/// `templates/identity_providers/oidc.html`.
#[derive(Template)]
#[template(path = "identity_providers/oidc.html")]
struct HomePage<'a> {
    protocol: Protocol,
    provider: &'a str,
    issuer: &'a str,
    user: Option<&'a str>,
}

pub(super) async fn show(State(provider): State<Arc<OpenIdProvider>>, headers: HeaderMap) -> Response {
    let session = provider.accounts.session(&headers).await;
    page(&HomePage {
        protocol: Protocol::Oidc,
        provider: &provider.name,
        issuer: &provider.issuer,
        user: session.as_ref().map(|session| session.user.name.as_str()),
    })
}
