//! Keys that a client publishes at an address of its own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_tests::app::{App, Reply};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a client publishes, and how often it was asked for.
#[derive(Clone, Default)]
struct Published {
    keys: Arc<Mutex<Option<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Published {
    /// Serves it; the address.
    async fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let this = self.clone();
        let answer = move || {
            this.asked.fetch_add(1, Ordering::SeqCst);
            let keys = this.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let (status, body) = match keys {
                Some(keys) => (StatusCode::OK, keys.to_string()),
                None => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
            };
            std::future::ready((status, [(header::CONTENT_TYPE, "application/json")], body))
        };
        let router = Router::new().route("/keys", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://localhost:{port}/keys")
    }

    fn publish(&self, keys: &[Value]) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(json!({ "keys": keys }));
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// An app with a machine of the operator's that publishes its keys.
async fn app(published: &Published) -> App {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let address = published.serve().await;
    app.apply(&format!(
        "
clients:
  - client_id: signer
    organization: operator
    name: Signer
    type: machine
    audience: all
    authentication: private_key_jwt
    jwks_uri: \"{address}\"
    resource: notes
"
    ))
    .await;
    app
}

async fn prove(app: &App, key: &SigningKey) -> Reply {
    let now = app.env.clock.now().timestamp();
    let issuer = app.env.issuer.as_str();
    let claims = json!({
        "iss": "signer", "sub": "signer", "aud": issuer, "iat": now, "exp": now + 60,
        "jti": uuid::Uuid::now_v7().to_string(),
    });
    let assertion = key.sign("JWT", claims.to_string().as_bytes()).expect("signed");
    let form = [
        ("grant_type", "client_credentials"),
        ("organization", "acme"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion.as_str()),
    ];
    app.post("/token", &form).await
}

fn jwk(key: &SigningKey) -> Value {
    serde_json::to_value(key.public_jwk()).expect("a key")
}

/// RFC 7517 §5: what cannot be used is ignored, and what is beside it is used.
#[tokio::test]
async fn one_wrong_key_among_a_clients_does_not_cost_it_the_others() {
    let published = Published::default();
    let app = app(&published).await;
    let (key, shared) =
        (SigningKey::generate(SigningAlgorithm::Es256), SigningKey::generate(SigningAlgorithm::EdDsa));
    let (key, shared) = (key.expect("a key"), shared.expect("a key"));
    let mut given_away = jwk(&shared);
    given_away["d"] = json!("AAAA");
    published.publish(&[
        json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short" }),
        json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "secret" }),
        given_away,
        jwk(&key),
    ]);

    let proven = prove(&app, &key).await;
    let refused = prove(&app, &shared).await;

    assert_eq!(proven.status, 200, "{}", proven.body);
    assert_eq!(refused.outcome(), "401 invalid_client", "a key that everyone has proves nothing");
}

#[tokio::test]
async fn an_address_that_gives_no_keys_is_left_alone_for_a_while() {
    let published = Published::default();
    let app = app(&published).await;
    let key = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");

    for _ in 0..4 {
        assert_eq!(prove(&app, &key).await.outcome(), "401 invalid_client");
    }

    assert_eq!(published.asked(), 1, "not once for each assertion that anyone sends");
}
