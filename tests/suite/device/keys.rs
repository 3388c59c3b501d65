//! A device that holds a key (RFC 9449): what it was given is worth nothing without it.

use orgate_tests::app::{App, Reply, client};
use orgate_tests::signer::Signer;

use super::world::{Device, GRANT, app, wait};

/// A key, and the proofs of it.
#[derive(Default)]
pub(crate) struct Key(Signer);

impl Key {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn proof(&self, app: &App, path: &str) -> String {
        self.proof_for(app, ("POST", path), None)
    }

    /// A proof for a request that presents this access token.
    pub(crate) fn proof_for(&self, app: &App, (method, path): (&str, &str), token: Option<&str>) -> String {
        self.0.proof((method, &app.at(path)), app.env.clock.now().timestamp(), token)
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
