//! The plan Back-Channel Logout OP (OIDC Back-Channel Logout 1.0).

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey as _, JsonWebKeyId};
use orgate_tests::app::{App, CALLBACK, Reply, SECRET, claims};
use orgate_tests::logout_receiver::LogoutReceiver;
use serde_json::{Value, json};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Orgate, with an application that wants to be told, and where it hears it.
pub(in crate::conformance) async fn told() -> (App, LogoutReceiver) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    let receiver = LogoutReceiver::start().await;
    app.apply(&format!(
        "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"{SECRET}\"
    redirect_uris: [\"{CALLBACK}\"]
    post_logout_redirect_uris: [\"http://localhost:9/\"]
    resource: notes
    backchannel_logout_uri: \"{}\"
",
        receiver.url
    ))
    .await;
    (app, receiver)
}

/// Back-Channel Logout §2.1: what is served is announced.
#[tokio::test]
async fn oidcc_backchannel_logout_discovery_endpoint_verification() {
    let document = App::start().await.get("/.well-known/openid-configuration").await.body;

    assert_eq!(document["backchannel_logout_supported"], json!(true));
    assert_eq!(document["backchannel_logout_session_supported"], json!(true));
    assert!(document["end_session_endpoint"].is_string(), "RP-Initiated Logout §2.1");
}

/// Back-Channel Logout §2.4, §2.6: the token is what the specification says, and ends what it says.
#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    let (app, receiver) = told().await;
    let browser = app.browser();
    let code = browser.sign_in_to("acme", "ada@acme.test").await;
    let tokens = app.redeem(&code).await;
    let other = app.sign_in("acme", "vic@acme.test").await;

    browser.get(app.at(&format!("/logout?id_token_hint={}", tokens.text("id_token")))).await;
    let [token] = receiver.wait(1).await.try_into().expect("one");

    let said = verified(&app, &token).await;
    let id_token = tokens.claims("id_token");
    for same in ["iss", "aud", "sub", "sid", "org_id", "org_name"] {
        assert_eq!(said[same], id_token[same], "{same}");
    }
    let now = app.env.clock.now().timestamp();
    let time = |name: &str| said[name].as_i64().expect("a time");
    assert!(time("iat") <= now && (now..=now + 120).contains(&time("exp")), "two minutes at most");
    assert!(said["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    assert_eq!(said["events"], json!({ EVENT: {} }));
    assert_eq!(said.get("nonce"), None, "§2.4: prohibited");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(app.refresh(&other.text("refresh_token")).await.status, 200, "nobody else is signed out");
    assert_is_no_token(&app, &token).await;
    assert_eq!(receiver.tokens().len(), 1, "once");
}

/// The claims, verified by a library that nobody here wrote, with the keys that are published.
async fn verified(app: &App, token: &str) -> Value {
    let keys: CoreJsonWebKeySet =
        serde_json::from_value(app.get("/jwks.json").await.body).expect("a JWK set");
    let (message, signature) = token.rsplit_once('.').expect("a JWT");
    let (header, _) = message.split_once('.').expect("a JWT");
    let header = claims(&format!("x.{header}.x"));
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("ES256")));
    let kid = JsonWebKeyId::new(header["kid"].as_str().expect("a kid").to_owned());
    let key = keys.keys().iter().find(|key| key.key_id() == Some(&kid)).expect("it is published");
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let algorithm = CoreJwsSigningAlgorithm::EcdsaP256Sha256;
    key.verify_signature(&algorithm, message.as_bytes(), &signature).expect("its signature");
    claims(token)
}

/// It is good for nothing but what it is.
async fn assert_is_no_token(app: &App, token: &str) {
    assert_eq!(app.userinfo(token).await.status, 401);
    let hint = app.browser().get(app.at(&format!("/logout?id_token_hint={token}"))).await;
    assert_eq!(hint.status, 400, "no hint");
    let reply: Reply = app.post_as("/introspect", ("notes", SECRET), &[("token", token)]).await;
    assert_eq!(reply.body, json!({ "active": false }));
}
