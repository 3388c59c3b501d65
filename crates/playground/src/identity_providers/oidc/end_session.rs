//! Signing out (OIDC RP-Initiated Logout §2).
//!
//! **Invariant:** nobody is signed out by a link, unless it comes with an ID token of the session that it ends.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{
        Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use url::Url;

use super::{OpenIdProvider, OwnForm, PageError};
use crate::{http::page, identity_providers::sign_in_page::Protocol};

#[derive(Deserialize)]
pub(super) struct Params {
    id_token_hint: Option<String>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// What is of interest in an ID token from here.
#[derive(Clone, Deserialize)]
struct Hint {
    aud: String,
    sid: String,
}

/// `templates/identity_providers/sign_out.html`.
#[derive(Template)]
#[template(path = "identity_providers/sign_out.html")]
struct SignOutPage<'a> {
    protocol: Protocol,
    provider: &'a str,
    /// Who would be signed out; nobody if that is done.
    user: Option<&'a str>,
    fields: Vec<(&'static str, &'a str)>,
}

pub(super) async fn get(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    params: Result<Query<Params>, QueryRejection>,
) -> Result<Response, PageError> {
    let Query(params) = params.map_err(|_| PageError::MalformedRequest)?;
    end_session(&provider, &headers, &params).await
}

pub(super) async fn post(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    params: Result<Form<Params>, FormRejection>,
) -> Result<Response, PageError> {
    let Form(params) = params.map_err(|_| PageError::MalformedRequest)?;
    end_session(&provider, &headers, &params).await
}

/// The button of the confirmation, and of the home page.
pub(super) async fn confirm(
    State(provider): State<Arc<OpenIdProvider>>,
    headers: HeaderMap,
    OwnForm(params): OwnForm<Params>,
) -> Result<Response, PageError> {
    let hint = check_hint(&provider, &params)?;
    let destination = check_post_logout_redirect_uri(&provider, &params, hint.as_ref())?;
    Ok(sign_out(&provider, &headers, destination).await)
}

async fn end_session(
    provider: &OpenIdProvider,
    headers: &HeaderMap,
    params: &Params,
) -> Result<Response, PageError> {
    let hint = check_hint(provider, params)?;
    let destination = check_post_logout_redirect_uri(provider, params, hint.as_ref())?;
    let session = provider.accounts.session(headers).await;
    let is_of = |sid: &str| hint.as_ref().is_some_and(|hint| hint.sid == sid);
    match session.filter(|session| !is_of(&session.sid)) {
        None => Ok(sign_out(provider, headers, destination).await),
        Some(session) => Ok(page(&SignOutPage {
            protocol: Protocol::Oidc,
            provider: &provider.name,
            user: Some(&session.user.name),
            fields: params.fields(),
        })),
    }
}

async fn sign_out(provider: &OpenIdProvider, headers: &HeaderMap, destination: Option<Url>) -> Response {
    let cookie = [(SET_COOKIE, provider.sign_out(headers).await)];
    if let Some(url) = destination {
        return (cookie, Redirect::to(url.as_str())).into_response();
    }
    let done = SignOutPage { protocol: Protocol::Oidc, provider: &provider.name, user: None, fields: vec![] };
    (cookie, page(&done)).into_response()
}

impl Params {
    fn fields(&self) -> Vec<(&'static str, &str)> {
        let fields = [
            ("id_token_hint", &self.id_token_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }
}

/// It may have expired long ago. One that cannot be verified, as from before a restart, is as good as none.
fn check_hint(provider: &OpenIdProvider, params: &Params) -> Result<Option<Hint>, PageError> {
    let Some(jwt) = &params.id_token_hint else { return Ok(None) };
    let Some(hint) = provider.signer.verify::<Hint>(jwt) else { return Ok(None) };
    let is_for_other = params.client_id.as_ref().is_some_and(|client_id| *client_id != hint.aud);
    if is_for_other { Err(PageError::ForeignHint) } else { Ok(Some(hint)) }
}

/// Where to go afterwards, with the `state`.
fn check_post_logout_redirect_uri(
    provider: &OpenIdProvider,
    params: &Params,
    hint: Option<&Hint>,
) -> Result<Option<Url>, PageError> {
    let Some(uri) = &params.post_logout_redirect_uri else { return Ok(None) };
    let client_id = hint.map(|hint| hint.aud.as_str()).or(params.client_id.as_deref()).unwrap_or_default();
    let client = provider.find_client(client_id);
    let client = client.ok_or_else(|| PageError::UnknownClient(client_id.to_owned()))?;
    let registered = client.post_logout_redirect_uris.iter().find(|registered| *registered == uri);
    let url = registered.and_then(|registered| registered.parse::<Url>().ok());
    let mut url = url.ok_or_else(|| PageError::UnknownRedirectUri(uri.clone()))?;
    if let Some(state) = &params.state {
        url.query_pairs_mut().append_pair("state", state);
    }
    Ok(Some(url))
}
