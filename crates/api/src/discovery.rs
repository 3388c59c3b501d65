//! `GET /.well-known/openid-configuration` (OIDC Discovery §4) and
//! `/.well-known/oauth-authorization-server` (RFC 8414 §3): one document.

use std::sync::OnceLock;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use orgate_flows::{Env, Issuer};
use orgate_protocol::oauth::metadata::ProviderMetadata;

/// Serves the document; the issuer does not change while the server runs, so it is made once.
pub(crate) async fn get(State(env): State<Env>) -> ([(HeaderName, HeaderValue); 2], Bytes) {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, document(&env.issuer))
}

fn document(issuer: &Issuer) -> Bytes {
    static MADE: OnceLock<(String, Bytes)> = OnceLock::new();
    let make = || serde_json::to_vec(&ProviderMetadata::new(issuer.url())).unwrap_or_default().into();
    let (made_for, document) = MADE.get_or_init(|| (issuer.as_str().to_owned(), make()));
    // Several servers in one process, as in tests, have an issuer each.
    if made_for == issuer.as_str() { document.clone() } else { make() }
}
