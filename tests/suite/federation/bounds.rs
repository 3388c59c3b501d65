//! How far the word of an identity provider reaches: for itself, for as long as it says, and for what is live.

use std::sync::Arc;

use orgate_flows::{Clock as _, SystemClock};
use serde_json::json;

use super::world::{JIT, World, member};

const NO_JIT: &str = "          jit: { enabled: false }\n";

#[tokio::test]
async fn a_subject_of_another_provider_is_somebody_else() {
    let world = World::start().await;
    world.sign_in(json!({ "sub": "employee-1", "name": "Somebody" })).await;
    world.configure("", NO_JIT).await;
    world.sign_in(json!({ "sub": "employee-1" })).await;

    world.run("update identity_links set provider = 'https://idp.before.test'").await;
    world.provider.user(json!({ "sub": "employee-1" }));
    let stranger = world.arrive(&world.app.browser()).await;

    assert_eq!(stranger.status, 403, "{}", stranger.body);
    assert_eq!(world.failed_check().await.as_deref(), Some("user_unknown"));
    world.sign_in(member("ada", "ada@acme.test")).await;
}

#[tokio::test]
async fn what_is_replaced_meanwhile_signs_nobody_in() {
    let world = World::start().await;
    world.provider.user(member("vic", "vic@acme.test"));
    let browser = world.app.browser();
    let departure = world.depart(&browser).await;

    world.configure("", NO_JIT).await;
    let answered = browser.get(world.provider.answer(&departure)).await;

    assert_eq!(answered.status, 403);
    assert!(answered.body.contains("Choose how to sign in"), "{}", answered.body);
    assert_eq!(world.failed_check().await.as_deref(), Some("connection_changed"));
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_disabled_connection_gives_no_roles() {
    let world = World::start().await;
    let mut claims = member("vic", "vic@acme.test");
    claims["groups"] = json!(["staff"]);
    world.sign_in(claims).await;
    let roles = async || {
        let code = world.app.browser().sign_in_to("acme", "vic@acme.test").await;
        world.app.redeem(&code).await.claims("access_token")["roles"].clone()
    };

    assert_eq!(roles().await, json!(["admin", "viewer"]));
    world.set_state("disabled").await;

    assert_eq!(roles().await, json!(["viewer"]), "which was given by hand");
}

#[tokio::test]
async fn nothing_outlives_the_session_that_the_provider_ends() {
    let world = World::start().await;
    let ends = SystemClock.now().timestamp() + 4;
    world.provider.fault(|faults| {
        faults.claims = Some(Arc::new(move |claims| {
            claims.insert("session_expiry".to_owned(), ends.into());
        }));
    });

    let tokens = world.sign_in(member("vic", "vic@acme.test")).await;
    let refreshed = world.app.refresh(&tokens.text("refresh_token")).await;
    let until = refreshed.claims("access_token")["exp"].as_i64().expect("an end");
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;

    assert!(until <= ends, "{until} {ends}");
    assert_eq!(world.app.refresh(&refreshed.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.userinfo(&refreshed.text("access_token")).await.status, 401);
}

#[tokio::test]
async fn who_was_asked_for_a_recent_sign_in_must_say_when_it_was() {
    let world = World::start().await;
    world.provider.user(member("vic", "vic@acme.test"));
    world.provider.fault(|faults| {
        faults.claims = Some(Arc::new(|claims| {
            claims.remove("auth_time");
        }));
    });

    let browser = world.app.browser();
    let departure = world.depart_with(&browser, &[("max_age", "60")]).await;
    let silent = browser.get(world.provider.answer(&departure)).await;

    assert_eq!(silent.status, 403, "{}", silent.body);
    assert_eq!(world.failed_check().await.as_deref(), Some("auth_time"));
    let browser = world.app.browser();
    let departure = world.depart_with(&browser, &[("prompt", "login")]).await;
    assert!(departure.query().is_some_and(|query| query.contains("max_age=0")), "{departure}");
}

#[tokio::test]
async fn sso_that_is_enforced_for_a_domain_reaches_as_far_down_as_the_domain() {
    let world = World::with(JIT).await;
    world
        .run(
            "update users set email = 'ada@eu.acme.test', email_normalized = 'ada@eu.acme.test'
             where email = 'ada@acme.test'",
        )
        .await;
    let browser = world.app.browser();
    let tokens = world.app.redeem(&browser.sign_in_to("acme", "ada@eu.acme.test").await).await;
    world.configure("    policy: { sso_enforcement: domains }\n", JIT).await;

    let above = world.app.refresh(&tokens.text("refresh_token")).await;
    world.run("update domains set subdomains = true where domain = 'acme.test'").await;
    let below = world.app.refresh(&above.text("refresh_token")).await;
    let silent = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;

    assert_eq!(above.status, 200, "{}", above.body);
    assert_eq!(below.outcome(), "400 invalid_grant");
    assert_eq!(silent.answer("error"), "login_required");
}
