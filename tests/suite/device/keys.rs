//! A device that holds a key (RFC 9449): what it was given is worth nothing without it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_tests::app::{App, Reply, client};
use serde_json::{Value, json};

use super::world::{Device, GRANT, app, wait};

/// A key, and the proofs of it.
pub(crate) struct Key(EcdsaKeyPair);

impl Key {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn proof(&self, app: &App, path: &str) -> String {
        self.proof_for(app, ("POST", path), None)
    }

    /// A proof for a request that presents this access token.
    pub(crate) fn proof_for(&self, app: &App, (method, path): (&str, &str), token: Option<&str>) -> String {
        let point = self.0.public_key().as_ref();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = json!({
            "jti": uuid::Uuid::now_v7().to_string(), "htm": method, "htu": app.at(path),
            "iat": app.env.clock.now().timestamp(),
        });
        if let Some(token) = token {
            claims["ath"] = json!(encode(digest(&SHA256, token.as_bytes()).as_ref()));
        }
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", encode(signature.as_ref()))
    }
}

async fn post(app: &App, path: &str, key: Option<&Key>, form: &[(&str, &str)]) -> Reply {
    let request = client().post(app.at(path)).form(form);
    let request = match key {
        Some(key) => request.header("dpop", key.proof(app, path)),
        None => request,
    };
    Reply::of(request.send().await.expect("answered")).await
}

#[tokio::test]
async fn a_device_that_proved_a_key_is_given_tokens_for_that_key_alone() {
    let app = app().await;
    let (own, other) = (Key::new(), Key::new());
    let form = [("client_id", "tv"), ("scope", "openid offline_access"), ("organization", "acme")];
    let asked = post(&app, "/device_authorization", Some(&own), &form).await;
    let device = Device {
        client_id: "tv",
        code: asked.text("device_code"),
        user_code: asked.text("user_code"),
        complete: String::new(),
    };
    device.let_in(&app.browser(), "ada@acme.test").await;
    let poll = [("client_id", "tv"), ("grant_type", GRANT), ("device_code", &*device.code)];

    for key in [None, Some(&other)] {
        assert_eq!(post(&app, "/token", key, &poll).await.outcome(), "400 invalid_grant");
        wait(&app, 5);
    }
    let tokens = post(&app, "/token", Some(&own), &poll).await;

    assert_eq!((tokens.status, &*tokens.text("token_type")), (200, "DPoP"), "{}", tokens.body);
    assert!(tokens.claims("access_token")["cnf"]["jkt"].is_string());
    let refresh_token = tokens.text("refresh_token");
    let refresh = [("client_id", "tv"), ("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    assert_eq!(post(&app, "/token", Some(&other), &refresh).await.outcome(), "400 invalid_grant");
    assert_eq!(post(&app, "/token", Some(&own), &refresh).await.status, 200);
}
