//! What there is to compare with: the same work with nothing around it, on the same framework and runtime.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// The header and the claims of an access token as Orgate makes them, by their size.
const SIGNED_BYTES: usize = 850;

const SALT: [u8; 16] = [7; 16];

#[derive(Clone)]
struct Reference {
    document: Arc<serde_json::Value>,
    key: Arc<EcdsaKeyPair>,
    random: SystemRandom,
    /// As many at once as the server admits: one a core.
    permits: Arc<Semaphore>,
    expected: [u8; 32],
}

/// Serves the reference handlers until the process is told to end. The JSON answer is as long as
/// `document_bytes`.
pub(crate) async fn serve(listen: SocketAddr, document_bytes: usize) -> Result<()> {
    let generated = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let state = Reference {
        document: Arc::new(document(document_bytes)?),
        key: Arc::new(generated.context("cannot make a key")?),
        random: SystemRandom::new(),
        permits: Arc::new(Semaphore::new(cores)),
        expected: argon2id(b"correct horse battery staple")?,
    };
    let router = Router::new()
        .route("/json", get(json))
        .route("/sign", get(sign))
        .route("/password", post(password))
        .with_state(state);
    axum::serve(TcpListener::bind(listen).await?, router).await?;
    Ok(())
}

/// A document shaped like a key set, `bytes` long.
fn document(bytes: usize) -> Result<serde_json::Value> {
    let with = |filler: usize| serde_json::json!({ "keys": [{ "kty": "RSA", "n": "A".repeat(filler) }] });
    let frame = with(0).to_string().len();
    ensure!(bytes >= frame, "a document has at least {frame} bytes");
    Ok(with(bytes - frame))
}

async fn json(State(reference): State<Reference>) -> Json<Arc<serde_json::Value>> {
    Json(reference.document)
}

async fn sign(State(reference): State<Reference>) -> Result<String, StatusCode> {
    let mut text = BASE64_URL_SAFE_NO_PAD.encode([b'a'; SIGNED_BYTES]);
    let signed = reference.key.sign(&reference.random, text.as_bytes());
    let signature = signed.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature.as_ref(), &mut text);
    Ok(text)
}

async fn password(State(reference): State<Reference>, password: String) -> StatusCode {
    let permit = reference.permits.acquire_owned().await;
    let hashed = tokio::task::spawn_blocking(move || {
        let hash = argon2id(password.as_bytes());
        drop(permit);
        hash
    });
    match hashed.await {
        Ok(Ok(hash)) if hash == reference.expected => StatusCode::OK,
        Ok(Ok(_)) => StatusCode::UNAUTHORIZED,
        Ok(Err(_)) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// 19 MiB, two passes, one lane, as Orgate hashes.
fn argon2id(password: &[u8]) -> Result<[u8; 32]> {
    let params = Params::new(19 * 1024, 2, 1, None)?;
    let mut hash = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, &SALT, &mut hash)?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_size_that_was_asked_for() {
        assert_eq!(document(700).expect("a document").to_string().len(), 700);
        assert!(document(3).is_err());
    }
}
