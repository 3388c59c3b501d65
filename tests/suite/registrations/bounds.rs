//! What a token that leaked can do, and how that ends.

use orgate_domain::audit::Actor;
use orgate_domain::clients::ClientStatus;
use orgate_domain::ids::RegistrationTokenId;
use orgate_flows::client_status::change_client_status;
use orgate_flows::registration_tokens::{list_tokens, revoke_token};
use orgate_tests::app::App;
use reqwest::Method;
use serde_json::json;

use super::{app, call, fill, managed, policy, register, token, usual};

async fn listed(app: &App, slug: &str) -> Vec<(RegistrationTokenId, u32, u32)> {
    let tokens = list_tokens(&app.env, &app.org(slug).await).await.expect("listed");
    tokens.into_iter().map(|token| (token.id, token.uses_left, token.clients)).collect()
}

#[tokio::test]
async fn a_token_is_listed_taken_back_once_and_registers_nothing_any_more() {
    let app = app().await;
    let leaked = token(&app, "acme", 3).await;
    assert_eq!(register(&app, &leaked, &usual()).await.status, 201);
    let [(id, 2, 1)] = listed(&app, "acme").await[..] else { panic!("{:?}", listed(&app, "acme").await) };
    assert_eq!(listed(&app, "globex").await, []);
    let revoke = async |slug: &str| {
        revoke_token(&app.env, &app.org(slug).await, id, Actor::Operator).await.expect("asked")
    };

    assert!(!revoke("globex").await, "it is not theirs");
    assert_eq!(register(&app, &leaked, &usual()).await.status, 201);
    assert!(revoke("acme").await);

    assert_eq!(register(&app, &leaked, &usual()).await.outcome(), "401 invalid_token");
    assert!(!revoke("acme").await, "once");
    assert_eq!(listed(&app, "acme").await, [(id, 0, 2)], "what it registered is told");
    let events = app.events("acme").await;
    assert_eq!(events.iter().filter(|event| *event == "registration_token.revoked success").count(), 1);
}

#[tokio::test]
async fn a_client_that_is_disabled_makes_room_and_does_not_remove_itself() {
    let app = app().await;
    let initial = token(&app, "acme", 9).await;
    let first = register(&app, &initial, &usual()).await;
    fill(&app).await;
    assert_eq!(register(&app, &initial, &usual()).await.outcome(), "403 access_denied");

    let client_id = first.text("client_id");
    let off = change_client_status(&app.env, &client_id, ClientStatus::Disabled, Actor::Operator);
    off.await.expect("disabled");

    assert_eq!(register(&app, &initial, &usual()).await.status, 201, "one that is off makes room");
    assert_eq!(register(&app, &initial, &usual()).await.outcome(), "403 access_denied", "for one");
    let (path, managing) = managed(&first);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let reply = call(&app, method.clone(), &path, &managing, Some(&usual())).await;
        assert_eq!(reply.outcome(), "401 invalid_token", "{method}");
    }
}

/// Whoever has a token can be refused as often as they like.
#[tokio::test]
async fn what_is_refused_is_in_the_log_and_costs() {
    let app = App::start_with(|settings| settings.limits.refusals_per_minute = 4).await;
    policy(&app, "allowed").await;
    let initial = token(&app, "acme", 9).await;
    let registered = register(&app, &initial, &usual()).await;
    let (path, managing) = managed(&registered);
    let wrong = json!({ "redirect_uris": ["http://agent.example.test/cb"] });

    for _ in 0..2 {
        assert_eq!(register(&app, &initial, &wrong).await.outcome(), "400 invalid_redirect_uri");
        let put = call(&app, Method::PUT, &path, &managing, Some(&json!({ "client_id": "another" }))).await;
        assert_eq!(put.outcome(), "400 invalid_client_metadata");
    }

    assert_eq!(register(&app, &initial, &wrong).await.status, 429);
    let put = call(&app, Method::PUT, &path, &managing, Some(&wrong)).await;
    assert_eq!(put.status, 429, "{:?}", put.body);
    let events = app.events("acme").await;
    for reason in ["invalid_redirect_uri", "invalid_client_metadata"] {
        let event = format!("registration.refused refused {reason}");
        assert!(events.contains(&event), "{reason}: {events:?}");
    }
}

/// The database keeps no such character.
#[tokio::test]
async fn a_key_set_with_a_nul_in_it_is_refused() {
    let app = app().await;
    let initial = token(&app, "acme", 1).await;
    for note in [json!({ "kid": "a\u{0}b" }), json!({ "x\u{0}": 1 }), json!({ "x-note": [{ "a": "\u{0}" }] })]
    {
        let mut key = json!({ "kty": "EC", "crv": "P-256", "use": "sig",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
        key.as_object_mut().expect("an object").extend(note.as_object().expect("an object").clone());
        let mut asked = usual();
        asked["token_endpoint_auth_method"] = json!("private_key_jwt");
        asked["jwks"] = json!({ "keys": [key] });

        let refused = register(&app, &initial, &asked).await;

        assert_eq!(refused.outcome(), "400 invalid_client_metadata", "{note}: {:?}", refused.body);
    }
}
