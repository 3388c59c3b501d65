//! A client that nobody registered: the host of the document at its `client_id`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::CALLBACK;

/// The host. Dropped with the test.
#[derive(Debug, Clone)]
pub struct ClientDocument {
    /// Where the document is.
    pub url: String,
    says: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    asked_elsewhere: Arc<AtomicUsize>,
}

#[derive(Debug, Clone, Default)]
struct Answer {
    status: u16,
    body: String,
    location: Option<String>,
}

impl ClientDocument {
    /// A host that serves [`ClientDocument::usual`].
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = format!("http://localhost:{port}/client.json");
        let document =
            Self { url, says: Arc::default(), asked: Arc::default(), asked_elsewhere: Arc::default() };
        document.say(&document.usual());
        let router = Router::new()
            .route("/client.json", get(answer))
            .route("/elsewhere.json", get(elsewhere))
            .route("/many/{name}", get(one_of_many))
            .with_state(document.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        document
    }

    /// What a client says of itself.
    pub fn usual(&self) -> Value {
        Self::of(&self.url)
    }

    /// The address of another document on the same host: there are as many as are asked for.
    pub fn another(&self, name: &str) -> String {
        self.url.replace("/client.json", &format!("/many/{name}"))
    }

    fn of(url: &str) -> Value {
        json!({
            "client_id": url,
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
        self.set(Answer { status, body: body.to_owned(), location: None });
    }

    /// Sends whoever asks on from now on, to where there is a document as good as this one.
    pub fn send_on(&self, status: u16) {
        let location = Some(self.url.replace("/client.json", "/elsewhere.json"));
        self.set(Answer { status, body: self.usual().to_string(), location });
    }

    fn set(&self, answer: Answer) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// How often it was asked where [`ClientDocument::send_on`] leads.
    pub fn asked_elsewhere(&self) -> usize {
        self.asked_elsewhere.load(Ordering::SeqCst)
    }
}

async fn answer(State(document): State<ClientDocument>) -> impl IntoResponse {
    document.asked.fetch_add(1, Ordering::SeqCst);
    let Answer { status, body, location } =
        document.says.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let location = location.map(|location| [(header::LOCATION, location)]);
    (StatusCode::from_u16(status).expect("a status"), location.map(AppendHeaders), body)
}

async fn elsewhere(State(document): State<ClientDocument>) -> String {
    document.asked_elsewhere.fetch_add(1, Ordering::SeqCst);
    document.usual().to_string()
}

async fn one_of_many(State(document): State<ClientDocument>, Path(name): Path<String>) -> String {
    ClientDocument::of(&document.another(&name)).to_string()
}
