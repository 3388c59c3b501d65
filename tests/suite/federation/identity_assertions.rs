//! Assertions of an organization's identity provider (RFC 7523; Identity Assertion Authorization Grant):
//! a token for whom it knows and is bound already, once, to the client that it names.

use chrono::Duration;
use orgate_tests::app::{Reply, SECRET};
use serde_json::{Value, json};

use super::world::{World, all};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const AGENT: &str = r#"
clients:
  - client_id: agent
    organization: operator
    name: Agent
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: notes
    resources: ["https://files.example.test"]
    scopes: [openid, chat, files]
    grants: ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
"#;

/// A world in which Ada has signed in through the provider once.
async fn world() -> World {
    let world = World::start().await;
    world.app.apply(AGENT).await;
    world
        .sign_in(json!({ "sub": "ada", "email": "ada@acme.test", "email_verified": true, "name": "Ada" }))
        .await;
    world
}

fn claims_for(world: &World, changes: &Value) -> Value {
    let now = world.app.env.clock.now().timestamp();
    let mut claims = json!({
        "iss": world.provider.issuer(), "sub": "ada", "aud": world.app.env.issuer.as_str(), "client_id": "agent",
        "iat": now, "exp": now + 120, "jti": format!("{}", uuid::Uuid::now_v7()), "scope": "chat files",
    });
    for (name, value) in changes.as_object().expect("claims") {
        match value {
            Value::Null => claims.as_object_mut().expect("claims").remove(name),
            value => claims.as_object_mut().expect("claims").insert(name.clone(), value.clone()),
        };
    }
    claims
}

fn assertion(world: &World, changes: &Value) -> String {
    world.provider.token(&json!({ "typ": "oauth-id-jag+jwt" }), &claims_for(world, changes))
}

async fn redeem(world: &World, assertion: &str, more: &[(&str, &str)]) -> Reply {
    let form = [("grant_type", GRANT), ("assertion", assertion)];
    let form: Vec<_> = form.into_iter().chain(more.iter().copied()).collect();
    world.app.token_as("agent", SECRET, &form).await
}

const ACME: (&str, &str) = ("organization", "acme");

#[tokio::test]
async fn whom_the_provider_vouches_for_gets_a_token_in_that_organization() {
    let world = world().await;

    let reply = redeem(&world, &assertion(&world, &json!({ "amr": ["mfa"] })), &[ACME]).await;

    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.body.get("refresh_token").or(reply.body.get("id_token")), None);
    let claims = reply.claims("access_token");
    assert_eq!((&claims["org_name"], &claims["client_id"]), (&json!("acme"), &json!("agent")));
    assert_eq!((&claims["scope"], &claims["amr"]), (&json!("chat files"), &json!(["mfa"])));
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("usr_")));
    assert_eq!(claims["roles"], json!(["admin", "viewer"]), "her own, and what the connection gives");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"assertion.redeemed success".to_owned()), "{events:?}");
    let narrowed = redeem(&world, &assertion(&world, &json!({})), &[ACME, ("scope", "chat")]).await;
    assert_eq!(narrowed.claims("access_token")["scope"], json!("chat"));
}

#[tokio::test]
async fn anything_but_a_good_assertion_is_refused_alike() {
    let world = world().await;
    let now = world.app.env.clock.now().timestamp();
    let cases = [
        ("aud", json!({ "aud": "https://elsewhere.test" })),
        ("aud", json!({ "aud": [world.app.env.issuer.as_str(), "https://elsewhere.test"] })),
        ("aud", json!({ "aud": null })),
        ("iss", json!({ "iss": "https://elsewhere.test" })),
        ("client_id", json!({ "client_id": "notes" })),
        ("client_id", json!({ "client_id": null })),
        ("exp", json!({ "exp": now - 600 })),
        ("exp", json!({ "exp": null })),
        ("iat", json!({ "iat": now - 7200 })),
        ("jti", json!({ "jti": null })),
        ("sub", json!({ "sub": "" })),
        ("user_unknown", json!({ "sub": "mallory" })),
    ];
    for (reason, changes) in cases {
        let reply = redeem(&world, &assertion(&world, &changes), &[ACME]).await;
        assert_eq!(reply.outcome(), "400 invalid_grant", "{changes}");
        assert_eq!(reply.text("error_description"), "the assertion is not accepted");
        let event = format!("assertion.refused refused {reason}");
        assert!(world.app.events("acme").await.contains(&event), "{changes}: {:?}", world.last_event().await);
    }
    let good = claims_for(&world, &json!({}));
    for header in [json!({}), json!({ "typ": "JWT" }), json!({ "typ": "oauth-id-jag+jwt", "alg": "none" })] {
        let reply = redeem(&world, &world.provider.token(&header, &good), &[ACME]).await;
        assert_eq!(reply.outcome(), "400 invalid_grant", "{header}");
    }
    assert_eq!(redeem(&world, "x", &[ACME]).await.outcome(), "400 invalid_grant");
    assert_eq!(world.sessions().await, 1, "nobody was signed in but Ada, at first");
}

#[tokio::test]
async fn an_assertion_is_good_once_however_often_it_comes() {
    let world = world().await;
    let token = assertion(&world, &json!({}));

    let replies = all((0..8).map(|_| redeem(&world, &token, &[ACME]))).await;

    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    let others = replies.iter().filter(|reply| reply.status != 200);
    assert!(others.into_iter().all(|reply| reply.outcome() == "400 invalid_grant"));
}

#[tokio::test]
async fn another_organization_knows_nothing_of_it() {
    let world = world().await;

    let elsewhere = redeem(&world, &assertion(&world, &json!({})), &[("organization", "globex")]).await;
    let nowhere = redeem(&world, &assertion(&world, &json!({})), &[("organization", "nowhere")]).await;
    let unnamed = redeem(&world, &assertion(&world, &json!({})), &[]).await;

    assert_eq!((elsewhere.status, &elsewhere.body), (nowhere.status, &nowhere.body));
    assert_eq!(elsewhere.outcome(), "400 invalid_grant");
    assert_eq!(unnamed.outcome(), "400 invalid_request");
    assert!(world.app.events("globex").await.contains(&"assertion.refused refused iss".to_owned()));
}

#[tokio::test]
async fn nothing_is_granted_that_the_assertion_does_not_allow() {
    let world = world().await;
    let ask = async |changes: Value, more: &[(&str, &str)]| {
        let more: Vec<_> = [ACME].into_iter().chain(more.iter().copied()).collect();
        redeem(&world, &assertion(&world, &changes), &more).await
    };

    assert_eq!(ask(json!({ "scope": "chat" }), &[("scope", "files")]).await.outcome(), "400 invalid_scope");
    assert_eq!(ask(json!({ "scope": "admin" }), &[]).await.outcome(), "400 invalid_scope");
    assert_eq!(ask(json!({ "scope": "offline_access" }), &[]).await.outcome(), "400 invalid_scope");
    let files = json!({ "resource": "https://files.example.test" });
    assert_eq!(
        ask(files.clone(), &[]).await.claims("access_token")["aud"],
        json!("https://files.example.test")
    );
    let other = json!({ "resource": "https://evil.example.test" });
    assert_eq!(ask(other, &[]).await.outcome(), "400 invalid_target");
    let none = ask(json!({ "scope": null }), &[]).await;
    assert_eq!(none.claims("access_token")["scope"], json!(""), "an assertion without a scope allows none");
}

#[tokio::test]
async fn a_machine_without_a_list_of_scopes_is_granted_none() {
    let world = world().await;
    world.app.apply(&AGENT.replace("    scopes: [openid, chat, files]\n", "")).await;

    let standard = redeem(&world, &assertion(&world, &json!({ "scope": "openid profile" })), &[ACME]).await;
    let none = redeem(&world, &assertion(&world, &json!({ "scope": null })), &[ACME]).await;

    assert_eq!(standard.outcome(), "400 invalid_scope");
    assert_eq!(none.claims("access_token")["scope"], json!(""));
}

#[tokio::test]
async fn what_ends_a_sign_in_through_the_connection_ends_this() {
    let world = world().await;
    let token = redeem(&world, &assertion(&world, &json!({ "scope": "openid" })), &[ACME]).await;
    let token = token.text("access_token");
    assert_eq!(world.app.userinfo(&token).await.status, 200);

    world.set_state("disabled").await;

    assert_eq!(world.app.userinfo(&token).await.status, 401);
    let again = redeem(&world, &assertion(&world, &json!({})), &[ACME]).await;
    assert_eq!(again.outcome(), "400 invalid_grant");
    world.set_state("active").await;
    world.run("update users set status = 'deactivated' where email = 'ada@acme.test'").await;
    let deactivated = redeem(&world, &assertion(&world, &json!({})), &[ACME]).await;
    assert_eq!(deactivated.outcome(), "400 invalid_grant");
    world.run("update users set status = 'active'").await;
    world.app.clock.advance(Duration::minutes(11));
    assert_eq!(world.app.userinfo(&token).await.status, 401, "it has expired");
}
