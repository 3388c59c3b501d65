//! The answer by the POST binding (SAML Bindings §3.5): a form that sends itself, or is sent by a button.

use askama::Template;
use axum::{
    http::header::CONTENT_SECURITY_POLICY,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{PageError, Recipient, SamlProvider};
use crate::{
    browser::random_token,
    http::page,
    identity_providers::{POLICY, sign_in_page::Protocol},
};

/// `templates/identity_providers/post.html`.
#[derive(Template)]
#[template(path = "identity_providers/post.html")]
struct PostPage<'a> {
    protocol: Protocol,
    provider: &'a str,
    acs_url: &'a str,
    destination: &'a str,
    response: &'a str,
    relay_state: Option<&'a str>,
    nonce: &'a str,
}

pub(super) fn show(
    provider: &SamlProvider,
    recipient: &Recipient<'_>,
    relay_state: Option<&str>,
    xml: &str,
) -> Result<Response, PageError> {
    let nonce = random_token()?;
    let page = page(&PostPage {
        protocol: Protocol::Saml,
        provider: &provider.name,
        acs_url: recipient.acs_url(),
        destination: &recipient.origin(),
        response: &STANDARD.encode(xml),
        relay_state,
        nonce: &nonce,
    });
    let policy = format!("{POLICY}; script-src 'nonce-{nonce}'");
    Ok(([(CONTENT_SECURITY_POLICY, policy)], page).into_response())
}
