//! Machine clients: a token in one organization, and in no other.

use chrono::Duration;
use insta::assert_json_snapshot;
use orgate_flows::rotate_secret::{SecretRotation, rotate_secret};
use orgate_tests::app::{App, SECRET};
use serde_json::json;

const MACHINES: &str = r#"
organizations:
  - slug: acme
    name: Acme Inc
    roles:
      - { slug: robot, permissions: ["notes:read", "orgate:users:read"] }
clients:
  - client_id: acme-robot
    organization: acme
    name: Robot
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: https://notes.example.test
    resources: ["https://files.example.test"]
    scopes: [notes, files]
    roles: [robot]
    access_token_secs: 120
  - client_id: globex-robot
    organization: globex
    name: Robot
    type: machine
    audience: owner
    client_secret: "${SECRET}"
  - client_id: worker
    organization: operator
    name: Worker
    type: machine
    audience: granted
    granted_to: [acme]
    scopes: [sync]
    client_secret: "${SECRET}"
"#;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

async fn app() -> App {
    let app = App::start().await;
    app.apply(MACHINES).await;
    app
}

#[tokio::test]
async fn a_machines_token_carries_its_organization_and_no_session() {
    let app = app().await;

    let reply = app.token_as("acme-robot", SECRET, &[GRANT]).await;

    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_json_snapshot!(reply.body, { ".access_token" => "…" }, @r#"
    {
      "access_token": "…",
      "expires_in": 120,
      "scope": "files notes",
      "token_type": "Bearer"
    }
    "#);
    let claims = reply.claims("access_token");
    let time = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert_eq!(time, Some(120), "the client's limit is stricter than the organization's");
    assert_json_snapshot!(claims, {
        ".iss" => "…", ".sub" => "cli_…", ".iat" => 0, ".exp" => 0, ".jti" => "…", ".org_id" => "org_…",
    }, @r#"
    {
      "aud": "https://notes.example.test",
      "client_id": "acme-robot",
      "exp": 0,
      "iat": 0,
      "iss": "…",
      "jti": "…",
      "org_id": "org_…",
      "org_name": "acme",
      "permissions": [
        "notes:read"
      ],
      "roles": [
        "robot"
      ],
      "scope": "files notes",
      "sub": "cli_…"
    }
    "#);
    assert_eq!(claims["org_id"], json!(app.org("acme").await.org_id().to_string()));
    assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("cli_")));
    assert_eq!(app.userinfo(&reply.text("access_token")).await.status, 401, "there is no user");
}

/// What it needs to know of an organization is read in one question: where that is, what holds there, what it may.
#[tokio::test]
async fn a_machines_first_token_in_an_organization_follows_the_settings_above_it() {
    let app = app().await;
    let above = |seconds: u32| {
        format!(
            "organizations:\n  - {{ slug: acme, name: Acme Inc, policy: {{ access_token_secs: {seconds} }} }}\n  \
             - {{ slug: labs, name: Acme Labs, parent: acme }}\n\
             clients:\n  - {{ client_id: everywhere, organization: operator, name: Everywhere, type: machine, \
             audience: all, scopes: [sync], client_secret: \"${{SECRET}}\" }}\n"
        )
    };
    let lifetime = async |organization: &str| {
        let reply = app.token_as("everywhere", SECRET, &[GRANT, ("organization", organization)]).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        (reply.body["expires_in"].clone(), reply.claims("access_token")["org_name"].clone())
    };

    app.apply(&above(120)).await;
    let labs = app.org("labs").await.org_id().to_string();
    assert_eq!(lifetime("labs").await, (json!(120), json!("labs")));
    app.apply(&above(240)).await;

    assert_eq!(lifetime(&labs).await, (json!(240), json!("labs")));
    assert_eq!(lifetime("labs").await, (json!(240), json!("labs")));
    assert_eq!(lifetime("globex").await.1, json!("globex"));
    let nowhere = app.token_as("everywhere", SECRET, &[GRANT, ("organization", "nowhere")]).await;
    assert_eq!(nowhere.outcome(), "400 unauthorized_client");
}

#[tokio::test]
async fn its_event_is_durable_before_the_token_is_given() {
    let app = app().await;

    let ask = || app.token_as("acme-robot", SECRET, &[GRANT]);
    let mut replies = Vec::new();
    for _ in 0..5 {
        let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
        replies.extend([a, b, c, d]);
    }

    assert!(replies.iter().all(|reply| reply.status == 200));
    let jtis: Vec<String> = sqlx::query_scalar(
        "select detail->>'jti' from audit_events where action = 'token.issued' and actor_kind = 'application'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    for reply in &replies {
        let jti = reply.claims("access_token")["jti"].as_str().expect("an id").to_owned();
        assert!(jtis.contains(&jti));
    }
    assert_eq!(jtis.len(), 20);
    assert_eq!(app.events("globex").await.iter().filter(|event| event.contains("token")).count(), 0);
}

#[tokio::test]
async fn a_machine_of_one_organization_acts_in_no_other() {
    let app = app().await;
    let globex = app.org("globex").await.org_id().to_string();

    for organization in ["globex", &globex, "nowhere", "org_x"] {
        let reply = app.token_as("acme-robot", SECRET, &[GRANT, ("organization", organization)]).await;
        assert_eq!(reply.outcome(), "400 organization_mismatch", "{organization}");
    }
    let own = app.token_as("acme-robot", SECRET, &[GRANT, ("organization", "acme")]).await;
    assert_eq!(own.claims("access_token")["org_name"], json!("acme"));
}

#[tokio::test]
async fn an_operators_machine_names_the_organization_and_acts_only_where_it_is_admitted() {
    let app = app().await;

    let unnamed = app.token_as("worker", SECRET, &[GRANT]).await;
    let granted = app.token_as("worker", SECRET, &[GRANT, ("organization_id", "acme")]).await;
    let elsewhere = app.token_as("worker", SECRET, &[GRANT, ("organization", "globex")]).await;
    let nowhere = app.token_as("worker", SECRET, &[GRANT, ("organization", "nowhere")]).await;

    assert_eq!(unnamed.outcome(), "400 invalid_request");
    assert_eq!(granted.claims("access_token")["org_name"], json!("acme"));
    assert_eq!(granted.claims("access_token")["roles"], json!([]));
    assert_eq!(elsewhere.outcome(), "400 unauthorized_client");
    assert_eq!((elsewhere.status, &elsewhere.body), (nowhere.status, &nowhere.body), "nothing is revealed");
    let events = app.events("globex").await;
    assert!(events.contains(&"token.refused refused client_not_admitted".to_owned()), "{events:?}");
}

#[tokio::test]
async fn what_a_machine_may_not_ask_for_is_refused_by_name() {
    let app = app().await;
    let ask = async |client_id: &str, more: &[(&str, &str)]| {
        let form: Vec<_> = [GRANT].into_iter().chain(more.iter().copied()).collect();
        app.token_as(client_id, SECRET, &form).await.outcome()
    };

    assert_eq!(ask("acme-robot", &[("scope", "notes")]).await, "200");
    assert_eq!(ask("acme-robot", &[("scope", "notes admin")]).await, "400 invalid_scope");
    assert_eq!(ask("acme-robot", &[("scope", "openid")]).await, "400 invalid_scope");
    assert_eq!(ask("acme-robot", &[("scope", "offline_access")]).await, "400 invalid_scope");
    assert_eq!(ask("globex-robot", &[("scope", "notes")]).await, "400 invalid_scope");
    assert_eq!(ask("acme-robot", &[("resource", "https://files.example.test")]).await, "200");
    assert_eq!(ask("acme-robot", &[("resource", "https://other.example.test")]).await, "400 invalid_target");
    assert_eq!(ask("notes", &[]).await, "400 unauthorized_client", "an application's grants are listed");
    let code = [("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", "y")];
    assert_eq!(app.token_as("acme-robot", SECRET, &code).await.outcome(), "400 unauthorized_client");
    assert_eq!(app.token_as("acme-robot", "wrong", &[GRANT]).await.outcome(), "401 invalid_client");
}

#[tokio::test]
async fn a_disabled_machine_and_a_suspended_organization_get_nothing_within_a_second() {
    let app = app().await;
    assert_eq!(app.token_as("acme-robot", SECRET, &[GRANT]).await.status, 200);
    assert_eq!(app.token_as("worker", SECRET, &[GRANT, ("organization", "acme")]).await.status, 200);

    app.apply("organizations:\n  - { slug: acme, name: Acme Inc, status: suspended }").await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;

    assert_eq!(app.token_as("acme-robot", SECRET, &[GRANT]).await.outcome(), "400 unauthorized_client");
    let worker = app.token_as("worker", SECRET, &[GRANT, ("organization", "acme")]).await;
    assert_eq!(worker.outcome(), "400 unauthorized_client");
    let events = app.events("acme").await;
    assert!(events.contains(&"token.refused refused organization_inactive".to_owned()), "{events:?}");
}

#[tokio::test]
async fn two_secrets_live_side_by_side_until_the_former_ends() {
    let app = app().await;
    let rotation = rotate_secret(&app.env, "acme-robot", Duration::hours(2)).await.expect("rotated");
    let SecretRotation::Rotated(new) = rotation else { panic!("{rotation:?}") };
    app.env.configuration.forget();
    let ask = async |secret: &str| app.token_as("acme-robot", secret, &[GRANT]).await.outcome();
    assert_eq!((ask(SECRET).await, ask(new.reveal()).await), ("200".to_owned(), "200".to_owned()));

    app.clock.advance(Duration::minutes(121));

    assert_eq!(ask(SECRET).await, "401 invalid_client");
    assert_eq!(ask(new.reveal()).await, "200");
    assert!(app.events("acme").await.contains(&"client.secret_rotated success".to_owned()));
    let public = rotate_secret(&app.env, "public", Duration::zero()).await.expect("an answer");
    assert!(matches!(public, SecretRotation::Secretless));
}
