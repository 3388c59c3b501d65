//! A receiver of webhooks: it keeps what it is sent, and answers as it is told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

/// The receiver. Dropped with the test.
#[derive(Debug, Clone)]
pub struct WebhookReceiver {
    /// Where it is.
    pub url: Url,
    seen: Arc<Mutex<Vec<Message>>>,
    answer: Arc<Mutex<Answer>>,
}

/// What it answers.
#[derive(Debug, Clone, Copy)]
struct Answer {
    /// 0: nothing yet.
    status: u16,
    retry_after: Option<&'static str>,
    /// Only of messages whose body says this.
    to: &'static str,
}

/// What was sent.
#[derive(Debug, Clone)]
pub struct Message {
    /// The request's headers.
    pub headers: HeaderMap,
    /// The body, as it came.
    pub body: Vec<u8>,
    /// The same, read.
    pub event: Value,
}

impl Message {
    /// What the message is called.
    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// What happened.
    pub fn kind(&self) -> &str {
        self.event.get("type").and_then(Value::as_str).unwrap_or_default()
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Whether one of its signatures is by this secret.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").and_then(|text| BASE64_STANDARD.decode(text).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.expect("a secret"));
        let signed =
            [self.id().as_bytes(), b".", self.header("webhook-timestamp").as_bytes(), b".", &self.body];
        let signed = signed.concat();
        self.header("webhook-signature").split(' ').any(|signature| {
            let tag = signature.strip_prefix("v1,").and_then(|text| BASE64_STANDARD.decode(text).ok());
            tag.is_some_and(|tag| hmac::verify(&key, &signed, &tag).is_ok())
        })
    }
}

impl WebhookReceiver {
    /// One that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://localhost:{}/hook", address.port())).expect("an address");
        let taking = Answer { status: 204, retry_after: None, to: "" };
        let receiver = Self { url, seen: Arc::default(), answer: Arc::new(Mutex::new(taking)) };
        let router = Router::new().route("/hook", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.set(Answer { status, retry_after: None, to: "" });
    }

    /// Answers with this status to messages that say `to`, and takes all others.
    pub fn answer_to(&self, to: &'static str, status: u16) {
        self.set(Answer { status, retry_after: None, to });
    }

    /// Answers that it wants to be left alone for so many seconds.
    pub fn answer_later(&self, seconds: &'static str) {
        self.set(Answer { status: 429, retry_after: Some(seconds), to: "" });
    }

    /// Answers nothing until it is told what to answer.
    pub fn hang(&self) {
        self.answer(0);
    }

    fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came since it was last asked so.
    pub fn take(&self) -> Vec<Message> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until `count` came; fails the test after ten seconds.
    pub async fn wait(&self, count: usize) -> Vec<Message> {
        for _ in 0..200 {
            let seen = self.seen();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} messages came", self.seen().len());
    }
}

async fn take(
    State(receiver): State<WebhookReceiver>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(HeaderName, &'static str); 1]) {
    let body = body.to_vec();
    let event = serde_json::from_slice(&body).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).push(Message { headers, body, event });
    let answer = || *receiver.answer.lock().unwrap_or_else(PoisonError::into_inner);
    while answer().status == 0 && text.contains(answer().to) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Answer { status, retry_after, to } = answer();
    let status = if text.contains(to) { status } else { 204 };
    let more = (HeaderName::from_static("retry-after"), retry_after.unwrap_or_default());
    (StatusCode::from_u16(status).expect("a status"), [more])
}
