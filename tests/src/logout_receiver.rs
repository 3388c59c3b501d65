//! An application's back-channel logout endpoint: keeps what it is sent, and answers as it is told.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;
use url::Url;

use crate::app::claims;
use crate::contract::assert_contract;

/// The endpoint. Dropped with the test.
#[derive(Debug, Clone)]
pub struct LogoutReceiver {
    /// Where it is.
    pub url: Url,
    seen: Arc<Mutex<Vec<String>>>,
    status: Arc<AtomicU16>,
}

impl LogoutReceiver {
    /// An endpoint that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let url = Url::parse(&format!("http://localhost:{}/logout", address.port())).expect("an address");
        let receiver = Self { url, seen: Arc::default(), status: Arc::new(AtomicU16::new(200)) };
        let router = Router::new().route("/logout", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers with this status from now on.
    pub fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The logout tokens that came so far, held to the published contract.
    pub fn tokens(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let field = |body: &String| {
            url::form_urlencoded::parse(body.as_bytes())
                .find(|(name, _)| name == "logout_token")
                .map(|(_, token)| token.into_owned())
        };
        let tokens: Vec<String> = seen.iter().filter_map(field).collect();
        for token in &tokens {
            assert_contract("logout-token.json", &claims(token));
        }
        tokens
    }

    /// Waits until `count` came; fails the test after ten seconds.
    pub async fn wait(&self, count: usize) -> Vec<String> {
        for _ in 0..200 {
            let tokens = self.tokens();
            if tokens.len() >= count {
                return tokens;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} of {count} logout tokens came", self.tokens().len());
    }
}

async fn take(State(receiver): State<LogoutReceiver>, body: String) -> StatusCode {
    receiver.seen.lock().unwrap_or_else(PoisonError::into_inner).push(body);
    StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).expect("a status")
}
