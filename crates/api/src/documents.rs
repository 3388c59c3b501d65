//! The documents that anyone may fetch: the shared issuer's keys at `GET /jwks.json` (RFC 7517 §5),
//! and its metadata at `/.well-known/openid-configuration` (OIDC Discovery §4) and
//! `/.well-known/oauth-authorization-server` (RFC 8414 §3), which is one document.
//!
//! Every backend fetches them, and nothing about them can fail: they are made beforehand, counted, and
//! not logged one by one.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::get;
use orgate_edge::{AppState, RequestId};
use orgate_flows::{Env, Issuer};
use orgate_protocol::oauth::metadata::ProviderMetadata;

type Document = ([(HeaderName, HeaderValue); 3], Body);

/// The routes of the documents.
pub fn documents() -> Router<AppState> {
    Router::new()
        .route("/jwks.json", get(keys))
        .route("/.well-known/openid-configuration", get(openid_configuration))
        .route("/.well-known/oauth-authorization-server", get(authorization_server))
        .layer(crate::cors())
}

/// As it was prepared when the keys were loaded.
async fn keys(State(env): State<Env>) -> Document {
    let body = Bytes::from_owner(Prepared(env.keys.published()));
    document(&env, "/jwks.json", "application/jwk-set+json", body)
}

async fn openid_configuration(State(env): State<Env>) -> Document {
    document(&env, "/.well-known/openid-configuration", "application/json", metadata(&env.issuer))
}

async fn authorization_server(State(env): State<Env>) -> Document {
    document(&env, "/.well-known/oauth-authorization-server", "application/json", metadata(&env.issuer))
}

fn document(env: &Env, route: &'static str, media_type: &'static str, body: Bytes) -> Document {
    metrics::counter!("orgate_http_requests_total", "method" => "GET", "route" => route, "status" => "200")
        .increment(1);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        // Clients fetch again when a token names a key they do not know; this bounds how long a
        // withdrawn key lives on in their caches.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
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
