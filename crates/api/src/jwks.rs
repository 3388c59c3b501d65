//! `GET /jwks.json`: the shared issuer's public keys (RFC 7517 §5).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use orgate_flows::Env;

/// Serves the document as it was prepared when the keys were loaded.
pub(crate) async fn get(State(env): State<Env>) -> ([(HeaderName, HeaderValue); 2], Body) {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json")),
        // Clients fetch again when a token names a key they do not know; this bounds how long a
        // withdrawn key lives on in their caches.
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    (headers, Body::from(Bytes::from_owner(Document(env.keys.published()))))
}

/// The prepared document, shared and not copied.
struct Document(Arc<str>);

impl AsRef<[u8]> for Document {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
