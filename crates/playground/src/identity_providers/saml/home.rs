//! The provider's own page: who is signed in, and what can be signed in to from here.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{OwnForm, PageError, SamlProvider, SamlTile};
use crate::{http::page, identity_providers::sign_in_page::Protocol};

/// `templates/identity_providers/saml.html`.
#[derive(Template)]
#[template(path = "identity_providers/saml.html")]
struct HomePage<'a> {
    protocol: Protocol,
    provider: &'a str,
    entity_id: &'a str,
    tiles: &'a [SamlTile],
    user: Option<&'a str>,
}

pub(super) async fn show(State(provider): State<Arc<SamlProvider>>, headers: HeaderMap) -> Response {
    let session = provider.accounts.session(&headers).await;
    page(&HomePage {
        protocol: Protocol::Saml,
        provider: &provider.name,
        entity_id: &provider.entity_id,
        tiles: &provider.tiles,
        user: session.as_ref().map(|session| session.user.name.as_str()),
    })
}

/// For a form that is only a button.
#[derive(Deserialize)]
pub(super) struct NoFields {}

/// Ends the session here. What was opened with it elsewhere goes on.
pub(super) async fn sign_out(
    State(provider): State<Arc<SamlProvider>>,
    headers: HeaderMap,
    OwnForm(NoFields {}): OwnForm<NoFields>,
) -> Result<Response, PageError> {
    let (_, set_cookie) = provider.accounts.sign_out(&headers).await;
    Ok(([(SET_COOKIE, set_cookie)], Redirect::to("/saml")).into_response())
}
