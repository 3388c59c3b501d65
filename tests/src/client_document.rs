//! A client that nobody registered: the host of the document at its `client_id`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::CALLBACK;

/// The host. Dropped with the test.
#[derive(Debug, Clone)]
pub struct ClientDocument {
    /// Where the document is.
    pub url: String,
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
}

impl ClientDocument {
    /// A host that serves [`ClientDocument::usual`].
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("http://localhost:{port}/client.json");
        let document = Self { url, says: Arc::default(), asked: Arc::default() };
        document.say(&document.usual());
        let router = Router::new().route("/client.json", get(answer)).with_state(document.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        document
    }

    /// What a client says of itself.
    pub fn usual(&self) -> Value {
        json!({
            "client_id": self.url,
            "client_name": "Agent",
            "redirect_uris": [CALLBACK],
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"],
        })
    }

    /// Serves another document from now on.
    pub fn say(&self, body: &Value) {
        self.answer(200, &body.to_string());
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16, body: &str) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = (status, body.to_owned());
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn answer(State(document): State<ClientDocument>) -> (StatusCode, String) {
    document.asked.fetch_add(1, Ordering::SeqCst);
    let (status, body) = document.says.lock().unwrap_or_else(PoisonError::into_inner).clone();
    (StatusCode::from_u16(status).expect("a status"), body)
}
