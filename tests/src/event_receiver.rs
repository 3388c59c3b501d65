//! A receiver of security events: a push endpoint that keeps what it is sent and answers as it is told, and what reads a
//! token by the keys that are published.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

use crate::app::{App, claims};
use crate::contract::assert_contract;

/// The endpoint. Dropped with the test.
#[derive(Debug, Clone)]
pub struct EventReceiver {
    /// Where it is.
    pub url: Url,
    seen: Arc<Mutex<Vec<PushedEvent>>>,
    answer: Arc<Mutex<(u16, &'static str)>>,
}

/// What was pushed.
#[derive(Debug, Clone)]
pub struct PushedEvent {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The token.
    pub token: String,
}

impl EventReceiver {
    /// An endpoint that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://localhost:{}/events", address.port())).expect("an address");
        let receiver = Self { url, seen: Arc::default(), answer: Arc::new(Mutex::new((202, ""))) };
        let router = Router::new().route("/events", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers with this status and body from now on.
    pub fn answer(&self, status: u16, body: &'static str) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = (status, body);
    }

    /// Answers nothing until it is told what to answer.
    pub fn hang(&self) {
        self.answer(0, "");
    }

    /// What came so far, held to the published contract.
    pub fn seen(&self) -> Vec<PushedEvent> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for pushed in &seen {
            assert_contract("security-event-token.json", &claims(&pushed.token));
        }
        seen
    }

    /// Waits until `count` came; fails the test after ten seconds.
    pub async fn wait(&self, count: usize) -> Vec<PushedEvent> {
        for _ in 0..200 {
            let seen = self.seen();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} events came", self.seen().len());
    }
}

async fn take(
    State(receiver): State<EventReceiver>,
    headers: HeaderMap,
    token: String,
) -> (StatusCode, String) {
    receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).push(PushedEvent { headers, token });
    let answer = || *receiver.answer.lock().unwrap_or_else(PoisonError::into_inner);
    while answer().0 == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (status, body) = answer();
    (StatusCode::from_u16(status).expect("a status"), body.to_owned())
}

/// The header and the claims of a security event token, which is as the published contract says, and whose signature holds
/// by a key that its issuer publishes.
pub async fn verified(app: &App, token: &str) -> (Value, Value) {
    let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("not a token: {token}") };
    let read = |text: &str| serde_json::from_slice::<Value>(&decode(text)).expect("JSON");
    let (header_claims, claims) = (read(header), read(payload));
    assert_eq!(member(&header_claims, "alg"), "RS256");
    assert_contract("security-event-token.json", &claims);
    let keys = app.get(&format!("{}/jwks.json", member(&claims, "iss"))).await.body;
    let mut keys = keys.get("keys").and_then(Value::as_array).expect("keys").iter();
    let kid = member(&header_claims, "kid");
    let key = keys.find(|key| member(key, "kid") == kid).expect("the key is published");
    let number = |name: &str| decode(member(key, name));
    let (n, e) = (number("n"), number("e"));
    let signed = format!("{header}.{payload}");
    RsaPublicKeyComponents { n: &n, e: &e }
        .verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &decode(signature))
        .expect("the signature holds");
    (header_claims, claims)
}

fn member<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {value}"))
}
