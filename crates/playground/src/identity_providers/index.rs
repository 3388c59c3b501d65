//! The first page: what the providers are, and what has to be entered elsewhere to use them.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};

use super::{IdentityProvidersConfig, url_below};
use crate::http::page;

/// `templates/identity_providers/index.html`.
#[derive(Template)]
#[template(path = "identity_providers/index.html")]
pub(super) struct Index {
    config: IdentityProvidersConfig,
    issuer: String,
    saml: String,
}

impl Index {
    pub(super) fn new(config: &IdentityProvidersConfig) -> Self {
        let (issuer, saml) = (url_below(&config.base_url, "oidc"), url_below(&config.base_url, "saml"));
        Self { config: config.clone(), issuer, saml }
    }
}

pub(super) async fn show(State(index): State<Arc<Index>>) -> Response {
    page(&*index)
}
