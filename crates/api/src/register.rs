//! `POST /register` (RFC 7591 §3) and the client configuration endpoint `/register/{client_id}` (RFC 7592 §2).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use orgate_domain::clients::ClientKeySource;
use orgate_edge::{CalledIssuer, RequestOrigin};
use orgate_flows::register_client::{
    Change, Registered, Registration, change, read, register_client, remove,
};
use orgate_flows::{Called, Env};
use orgate_protocol::bearer::{self, Challenge, Scheme};
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_protocol::oauth::{ErrorCode, RequestError};
use serde_json::{Value, json};

use crate::error::OAuthError;

/// Registers a client: 201.
pub(crate) async fn post(
    State(env): State<Env>,
    (CalledIssuer(called), RequestOrigin(origin)): (CalledIssuer, RequestOrigin),
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let Some(token) = presented(&headers) else { return Ok(unauthorized(None)) };
    match register_client(&env, called, (token, &body), &origin).await? {
        Registration::Registered(registered) => {
            Ok(information(&env, called, StatusCode::CREATED, &registered))
        }
        Registration::Refused(error) => Err(error.into()),
        Registration::TooMany => {
            let text = "the organization has as many registered clients as it may";
            Err(OAuthError::forbidden(RequestError::new(ErrorCode::AccessDenied, text)))
        }
        Registration::Unauthorized => Ok(invalid_token()),
    }
}

/// What is registered.
pub(crate) async fn get(
    State(env): State<Env>,
    (CalledIssuer(called), RequestOrigin(origin)): (CalledIssuer, RequestOrigin),
    headers: HeaderMap,
    Path(path): Path<BTreeMap<String, String>>,
) -> Result<Response, OAuthError> {
    let Some(token) = presented(&headers) else { return Ok(unauthorized(None)) };
    Ok(match read(&env, called, (token, client_id(&path)), &origin).await? {
        Some(registered) => information(&env, called, StatusCode::OK, &registered),
        None => invalid_token(),
    })
}

/// Replaces what is registered.
pub(crate) async fn put(
    State(env): State<Env>,
    (CalledIssuer(called), RequestOrigin(origin)): (CalledIssuer, RequestOrigin),
    Path(path): Path<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OAuthError> {
    let Some(token) = presented(&headers) else { return Ok(unauthorized(None)) };
    match change(&env, called, ((token, client_id(&path)), &body), &origin).await? {
        Change::Changed(registered) => Ok(information(&env, called, StatusCode::OK, &registered)),
        Change::Refused(error) => Err(error.into()),
        Change::Unauthorized => Ok(invalid_token()),
    }
}

/// Removes the client: 204.
pub(crate) async fn delete(
    State(env): State<Env>,
    (CalledIssuer(called), RequestOrigin(origin)): (CalledIssuer, RequestOrigin),
    headers: HeaderMap,
    Path(path): Path<BTreeMap<String, String>>,
) -> Result<Response, OAuthError> {
    let Some(token) = presented(&headers) else { return Ok(unauthorized(None)) };
    Ok(if remove(&env, called, (token, client_id(&path)), &origin).await? {
        (StatusCode::NO_CONTENT, no_store()).into_response()
    } else {
        invalid_token()
    })
}

/// The client of the address, in which an organization may stand as well.
fn client_id(path: &BTreeMap<String, String>) -> &str {
    path.get("client_id").map(String::as_str).unwrap_or_default()
}

/// The token in the header: there is no other place for it.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok();
    let presented = bearer::parse(authorization, None).ok()??;
    (presented.scheme == Scheme::Bearer).then_some(presented.token)
}

fn invalid_token() -> Response {
    let text = "the token is unknown, used up, lapsed, or not for this";
    unauthorized(Some(RequestError::new(ErrorCode::InvalidToken, text)))
}

/// RFC 6750 §3; what was wrong is said in the body as well (RFC 7591 §3.2.2).
fn unauthorized(error: Option<RequestError>) -> Response {
    let challenge =
        Challenge { scheme: Scheme::Bearer, realm: "registration", error: error.as_ref(), scope: None };
    let mut headers = no_store();
    if let Ok(value) = HeaderValue::from_str(&challenge.to_string()) {
        headers.insert(header::WWW_AUTHENTICATE, value);
    }
    match error {
        Some(error) => (StatusCode::UNAUTHORIZED, headers, Json(error)).into_response(),
        None => (StatusCode::UNAUTHORIZED, headers).into_response(),
    }
}

fn no_store() -> HeaderMap {
    HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))])
}

/// The client information response (RFC 7591 §3.2.1, RFC 7592 §3).
fn information(env: &Env, called: Called, status: StatusCode, registered: &Registered) -> Response {
    let Registered { client, registered_at, secret, token } = registered;
    let settings = &client.settings;
    let issuer = env.issuer.called(called);
    let mut body = json!({
        "client_id": client.client_id,
        "client_id_issued_at": registered_at.timestamp(),
        "registration_access_token": token.reveal(),
        "registration_client_uri": issuer.at(&format!("/register/{}", client.client_id)),
        "client_name": client.name.as_str(),
        "application_type": if client.kind == ClientKind::Native { "native" } else { "web" },
        "redirect_uris": client.redirect_uris.iter().map(RegisteredRedirectUri::as_str).collect::<Vec<_>>(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "token_endpoint_auth_method": settings.authentication.as_str(),
        "grant_types": settings.grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        "response_types": ["code"],
        "subject_type": "public",
        "scope": settings.scopes.iter().flatten().cloned().collect::<Vec<_>>().join(" "),
        "id_token_signed_response_alg": client.signing_algorithm.as_str(),
        "dpop_bound_access_tokens": settings.dpop_bound_access_tokens,
        "require_pushed_authorization_requests": settings.require_pushed_authorization_requests,
    });
    if let Some(members) = body.as_object_mut() {
        let mut set =
            |name: &str, value: Option<Value>| members.extend(value.map(|value| (name.to_owned(), value)));
        set("client_secret", secret.as_ref().map(|secret| secret.reveal().into()));
        set("client_secret_expires_at", secret.as_ref().map(|_| 0.into())); // it does not
        set("client_uri", client.home_url.as_ref().map(|url| url.as_str().into()));
        set(
            "backchannel_logout_uri",
            settings.backchannel_logout_uri.as_ref().map(|url| url.as_str().into()),
        );
        match &settings.keys {
            Some(ClientKeySource::Inline(text)) => set("jwks", serde_json::from_str(text).ok()),
            Some(ClientKeySource::Url(url)) => set("jwks_uri", Some(url.as_str().into())),
            None => {}
        }
    }
    (status, no_store(), Json(body)).into_response()
}
