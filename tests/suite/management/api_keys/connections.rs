//! Keys of users who signed in through a connection: good as long as a session that began so would be.

use orgate_tests::app::App;
use orgate_tests::openid_provider::OpenIdProvider;
use serde_json::json;

use super::super::connections::{code_through, world};
use super::super::{call, redeemed, token_of, token_of_user};
use super::{USERS, key_of, status};

/// Ada's token for the API, of a sign-in through the provider.
async fn token_through(app: &App, provider: &OpenIdProvider) -> String {
    provider
        .user(json!({ "sub": "ada", "email": "ada@acme.test", "email_verified": true, "name": "Ada Adler" }));
    let api = app.env.issuer.api();
    let asked =
        [("client_id", "admin"), ("scope", "orgate:*"), ("resource", &*api), ("organization", "acme")];
    redeemed(app, &code_through(app, provider, &asked).await).await
}

#[tokio::test]
async fn a_key_that_was_made_in_a_session_of_a_connection_is_good_while_the_connection_admits_its_user() {
    let (app, provider) = world().await;
    let connection = provider.connection("workforce", "acme.test", "");
    app.apply(&format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    domains: [acme.test]\n    connections:\n{connection}"
    ))
    .await;
    let machine = token_of(&app, "all").await;
    let listed = call(&app, Some(&machine), ("GET", "/organizations/acme/connections"), None).await;
    let id = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let path = format!("/organizations/acme/connections/{id}");
    let turn = async |to: &str| {
        let wanted = json!({ "state": to, "version": 1, "untested": true });
        let reply = call(&app, Some(&machine), ("PUT", &format!("{path}/state")), Some(&wanted)).await;
        assert_eq!((reply.status, &reply.body["state"]), (200, &json!(to)), "{:?}", reply.body);
    };
    let list = async |pilots: &[&str]| {
        let reply = call(&app, Some(&machine), ("PATCH", &path), Some(&json!({ "pilots": pilots }))).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
    };
    let key = key_of(&app, &token_through(&app, &provider).await, "acme", &["orgate:users:read"]).await;
    let by_password = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let by_password = key_of(&app, &by_password, "acme", &["orgate:users:read"]).await;
    assert_eq!(key.body["created_by"], by_password.body["created_by"], "one and the same user's");
    let (key, by_password) = (key.text("key"), by_password.text("key"));
    let both = async || (status(&app, &key, USERS).await, status(&app, &by_password, USERS).await);
    assert_eq!(both().await, (200, 200));

    turn("disabled").await;
    assert_eq!(both().await, (401, 200));
    turn("active").await;
    assert_eq!(both().await, (200, 200), "it was not taken back");
    turn("pilot").await;
    assert_eq!(both().await, (401, 200), "she is not listed");
    list(&["vic@acme.test"]).await;
    assert_eq!(both().await, (401, 200), "nor is it her who is");
    list(&["ada@acme.test"]).await;
    assert_eq!(both().await, (200, 200));

    // Where passwords are over, it is the other way round.
    turn("active").await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { sso_enforcement: organization } }]")
        .await;
    assert_eq!(both().await, (200, 401));
}
