//! The documents that anyone may fetch: an issuer's keys at `GET /jwks.json` (RFC 7517 §5), and its
//! metadata at `/.well-known/openid-configuration` (OIDC Discovery §4) and
//! `/.well-known/oauth-authorization-server` (RFC 8414 §3), which is one document, and at
//! `/.well-known/ssf-configuration` (SSF §7.1).
//!
//! Every backend fetches the shared issuer's, and nothing about them can fail: they are made beforehand,
//! counted, and not logged one by one. Those of an organization's issuer are requests like any other.

use std::sync::{Arc, OnceLock};

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use orgate_edge::{AppState, CalledIssuer, RequestId, RequestOrigin};
use orgate_flows::keys::KeyError;
use orgate_flows::limits::Limited;
use orgate_flows::{Env, Failure, Issuer};
use orgate_protocol::oauth::metadata::ProviderMetadata;
use orgate_protocol::schemas;
use orgate_protocol::ssf::TransmitterMetadata;

use crate::error::OAuthError;

const KEYS_MEDIA_TYPE: &str = "application/jwk-set+json";

/// Clients fetch again when a token names a key they do not know; this bounds how long a withdrawn key
/// lives on in their caches.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=300");

type Document = ([(HeaderName, HeaderValue); 3], Body);

/// The routes of the documents.
pub fn documents() -> Router<AppState> {
    Router::new()
        .route("/jwks.json", get(keys))
        .route("/.well-known/openid-configuration", get(openid_configuration))
        .route("/.well-known/oauth-authorization-server", get(authorization_server))
        .route("/schemas/v1/{name}", get(token_schema))
        .route("/.well-known/ssf-configuration", get(ssf_configuration))
        .layer(crate::cors::public())
}

/// The same of an organization's issuer, below its path.
pub fn documents_of_organization() -> Router<AppState> {
    Router::new()
        .route("/jwks.json", get(own_keys))
        .route("/.well-known/openid-configuration", get(own_metadata))
        .route("/.well-known/oauth-authorization-server", get(own_metadata))
        .route("/.well-known/ssf-configuration", get(own_transmitter))
        .layer(crate::cors::public())
}

/// And where RFC 8414 §3.1 and SSF §7.2 look for it: the issuer's path comes last.
pub fn authorization_server_of_organization() -> Router<AppState> {
    Router::new()
        .route("/.well-known/oauth-authorization-server/o/{organization}", get(own_metadata))
        .route("/.well-known/ssf-configuration/o/{organization}", get(own_transmitter))
        .layer(crate::cors::public())
}

async fn own_metadata(State(env): State<Env>, CalledIssuer(called): CalledIssuer) -> Response {
    let metadata = ProviderMetadata::new(env.issuer.called(called).url());
    ([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response()
}

async fn own_transmitter(State(env): State<Env>, CalledIssuer(called): CalledIssuer) -> Response {
    let metadata = TransmitterMetadata::new(env.issuer.called(called).url());
    ([(header::CACHE_CONTROL, CACHED)], Json(metadata)).into_response()
}

/// The keys of an organization that has issued nothing yet are none; nobody is to remember that.
async fn own_keys(
    State(env): State<Env>,
    CalledIssuer(called): CalledIssuer,
    RequestOrigin(origin): RequestOrigin,
) -> Result<Response, OAuthError> {
    let issuer = env.issuer.called(called);
    if !env.keys.is_loaded(issuer.as_str()) {
        env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    }
    let ring = env.keys.of(&env, issuer.as_str()).await.map_err(Failure::from)?;
    let ring = ring.ok_or(Failure::Key(KeyError::UnknownIssuer))?;
    let cached = if ring.is_ready() { CACHED } else { HeaderValue::from_static("no-store") };
    let media_type = HeaderValue::from_static(KEYS_MEDIA_TYPE);
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, cached)];
    Ok((headers, Body::from(Bytes::from_owner(Prepared(ring.published())))).into_response())
}

/// As it was prepared when the keys were loaded.
async fn keys(State(env): State<Env>) -> Document {
    let body = Bytes::from_owner(Prepared(env.keys.shared().published()));
    document(&env, "/jwks.json", KEYS_MEDIA_TYPE, body)
}

async fn openid_configuration(State(env): State<Env>) -> Document {
    document(&env, "/.well-known/openid-configuration", "application/json", metadata(&env.issuer))
}

async fn authorization_server(State(env): State<Env>) -> Document {
    document(&env, "/.well-known/oauth-authorization-server", "application/json", metadata(&env.issuer))
}

/// The token contract.
async fn token_schema(State(env): State<Env>, Path(name): Path<String>) -> Result<Document, StatusCode> {
    let known = schemas::V1.into_iter().find(|(known, _)| *known == name);
    let (_, text) = known.ok_or(StatusCode::NOT_FOUND)?;
    Ok(document(&env, "/schemas/v1/{name}", "application/schema+json", Bytes::from_static(text.as_bytes())))
}

async fn ssf_configuration(State(env): State<Env>) -> Document {
    let body = serde_json::to_vec(&TransmitterMetadata::new(env.issuer.url())).unwrap_or_default();
    document(&env, "/.well-known/ssf-configuration", "application/json", body.into())
}

fn document(env: &Env, route: &'static str, media_type: &'static str, body: Bytes) -> Document {
    metrics::counter!("orgate_http_requests_total", "method" => "GET", "route" => route, "status" => "200")
        .increment(1);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CACHE_CONTROL, CACHED),
        (RequestId::HEADER, RequestId::new(env).header()),
    ];
    (headers, Body::from(body))
}

/// The issuer does not change while the server runs, so its metadata is made once.
fn metadata(issuer: &Issuer) -> Bytes {
    static MADE: OnceLock<(String, Bytes)> = OnceLock::new();
    let make = || serde_json::to_vec(&ProviderMetadata::new(issuer.url())).unwrap_or_default().into();
    let (made_for, document) = MADE.get_or_init(|| (issuer.as_str().to_owned(), make()));
    // Several servers in one process, as in tests, have an issuer each.
    if made_for == issuer.as_str() { document.clone() } else { make() }
}

/// A document that is shared and not copied.
struct Prepared(Arc<str>);

impl AsRef<[u8]> for Prepared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
