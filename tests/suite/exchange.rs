//! Token exchange: narrower, never wider, and never into another organization.

use chrono::Duration;
use orgate_tests::app::{App, Reply, SECRET, claims};
use serde_json::json;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

const OTHERS: &str = r#"
organizations:
  - slug: acme
    name: Acme Inc
    roles:
      - { slug: robot, permissions: ["notes:read"] }
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: "${SECRET}"
    redirect_uris: ["http://localhost:9/callback"]
    post_logout_redirect_uris: ["http://localhost:9/"]
    resource: notes
    grants: [authorization_code, refresh_token, "urn:ietf:params:oauth:grant-type:token-exchange"]
    resources: ["https://other.example.test"]
    scopes: [openid, profile, email, offline_access, chat]
    permissions: ["notes:read"]
  - client_id: notes-api
    organization: operator
    name: Notes API
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: notes
    resources: ["https://files.example.test"]
    scopes: [openid, email, files]
    grants: [client_credentials, "urn:ietf:params:oauth:grant-type:token-exchange"]
  - client_id: files-api
    organization: operator
    name: Files API
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: https://files.example.test
    resources: ["https://files.example.test/"]
    grants: ["urn:ietf:params:oauth:grant-type:token-exchange"]
  - client_id: acme-notes
    organization: acme
    name: Not Notes
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: notes
    scopes: [sync]
    roles: [robot]
    grants: [client_credentials, "urn:ietf:params:oauth:grant-type:token-exchange"]
"#;

async fn app() -> App {
    let app = App::start().await;
    app.apply(OTHERS).await;
    app
}

async fn exchange(app: &App, client_id: &str, token: &str, more: &[(&str, &str)]) -> Reply {
    let form = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    let form: Vec<_> = form.into_iter().chain(more.iter().copied()).collect();
    app.token_as(client_id, SECRET, &form).await
}

#[tokio::test]
async fn a_client_narrows_its_own_token() {
    let app = app().await;
    let held = app.sign_in("acme", "vic@acme.test").await;
    let token = held.text("access_token");
    app.clock.advance(Duration::seconds(100));

    let reply = exchange(&app, "notes", &token, &[("scope", "openid email")]).await;

    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.text("issued_token_type"), ACCESS_TOKEN);
    assert_eq!(reply.text("token_type"), "Bearer");
    assert_eq!(reply.body.get("refresh_token").or(reply.body.get("id_token")), None);
    let (before, after) = (claims(&token), reply.claims("access_token"));
    assert_eq!(after["scope"], json!("email openid"));
    for same in ["sub", "org_id", "org_name", "sid", "aud", "roles", "permissions", "exp"] {
        assert_eq!(after[same], before[same], "{same}: it ends when the other would have");
    }
    assert_eq!(after.get("act"), None, "nobody acts for anybody");
    let userinfo = app.userinfo(&reply.text("access_token")).await;
    assert_eq!((userinfo.status, userinfo.body.get("name")), (200, None));
    assert!(app.events("acme").await.contains(&"token.exchanged success".to_owned()));
}

#[tokio::test]
async fn nothing_gets_wider() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    let narrow = exchange(&app, "notes", &token, &[("scope", "openid")]).await.text("access_token");
    let outcome = async |client: &str, token: &str, more: &[(&str, &str)]| {
        exchange(&app, client, token, more).await.outcome()
    };

    assert_eq!(outcome("notes", &narrow, &[("scope", "openid email")]).await, "400 invalid_scope");
    assert_eq!(outcome("notes-api", &token, &[("scope", "files")]).await, "400 invalid_scope");
    assert_eq!(outcome("notes-api", &token, &[("scope", "profile")]).await, "400 invalid_scope");
    let elsewhere = [("resource", "https://elsewhere.example.test")];
    assert_eq!(outcome("notes-api", &token, &elsewhere).await, "400 invalid_target");
    assert_eq!(
        outcome("notes", &token, &[("audience", "https://files.example.test")]).await,
        "400 invalid_target"
    );
    let two = [("resource", "https://files.example.test"), ("audience", "notes")];
    assert_eq!(outcome("notes-api", &token, &two).await, "400 invalid_target");
    let moved = exchange(&app, "notes", &token, &[("organization", "globex"), ("org_id", "x")]).await;
    assert_eq!(
        moved.claims("access_token")["org_name"],
        json!("acme"),
        "there is no way into another organization"
    );
}

#[tokio::test]
async fn no_right_is_gained_by_an_exchange_and_none_where_the_client_is_not_admitted() {
    let app = app().await;
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    assert_eq!(
        claims(&token)["permissions"],
        json!(["notes:read"]),
        "of all that she holds, what `notes` knows"
    );

    let moved = exchange(&app, "notes-api", &token, &[("resource", "https://files.example.test")]).await;

    assert_eq!(moved.claims("access_token")["permissions"], json!(["notes:read"]), "and no more elsewhere");
    app.apply(&OTHERS.replace(
        "name: Notes API\n    type: machine\n    audience: all",
        "name: Notes API\n    type: machine\n    audience: granted\n    granted_to: []",
    ))
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let shut_out = exchange(&app, "notes-api", &token, &[]).await;
    assert_eq!(shut_out.outcome(), "400 invalid_request");
    let active =
        app.post_as("/introspect", ("notes-api", SECRET), &[("token", &moved.text("access_token"))]).await;
    assert_eq!(active.body, json!({ "active": false }), "nor is what it got before good any more");
}

#[tokio::test]
async fn a_machines_token_stays_about_that_machine_however_often_it_is_exchanged() {
    let app = app().await;
    let form = [("grant_type", "client_credentials"), ("organization", "acme")];
    let first = app.token_as("notes-api", SECRET, &form).await.text("access_token");

    let second = exchange(&app, "notes-api", &first, &[("resource", "https://files.example.test")]).await;
    let third = exchange(&app, "files-api", &second.text("access_token"), &[]).await;
    let fourth = exchange(&app, "files-api", &third.text("access_token"), &[]).await;

    for token in [&second, &third, &fourth] {
        assert_eq!(token.claims("access_token")["sub"], claims(&first)["sub"], "{}", token.body);
    }
}

#[tokio::test]
async fn a_resource_acts_for_the_user_at_the_next_one() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");

    let first = exchange(&app, "notes-api", &token, &[("resource", "https://files.example.test")]).await;
    let second = exchange(&app, "files-api", &first.text("access_token"), &[]).await;

    let (first, second) = (first.claims("access_token"), second.claims("access_token"));
    assert_eq!(first["aud"], json!("https://files.example.test"));
    assert_eq!((&first["sub"], &first["client_id"]), (&claims(&token)["sub"], &json!("notes-api")));
    assert_eq!(
        first["scope"],
        json!("email openid"),
        "what the acting client may have, of what the token had"
    );
    assert!(first["act"]["sub"].as_str().is_some_and(|sub| sub.starts_with("cli_")));
    assert_eq!(second["act"]["act"], first["act"], "who acted before stands behind");
    assert_ne!(second["act"]["sub"], first["act"]["sub"]);
}

#[tokio::test]
async fn whoever_the_token_is_neither_from_nor_for_gets_nothing() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");

    // A client of another owner whose resource has the same name; a client of the same owner with another.
    for client_id in ["acme-notes", "files-api"] {
        let reply = exchange(&app, client_id, &token, &[]).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{client_id}");
        assert_eq!(reply.text("error_description"), "the subject_token is not accepted");
    }
    assert_eq!(exchange(&app, "granted", &token, &[]).await.outcome(), "400 unauthorized_client");
    let forged = format!("{}x", &token[..token.len() - 1]);
    for wrong in [forged.as_str(), "x", "ogrt_x", ""] {
        assert_eq!(exchange(&app, "notes", wrong, &[]).await.outcome(), "400 invalid_request", "{wrong}");
    }
    let expired = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    app.clock.advance(Duration::minutes(11));
    assert_eq!(exchange(&app, "notes", &expired, &[]).await.outcome(), "400 invalid_request");
}

#[tokio::test]
async fn an_actor_is_of_the_same_organization_and_the_clients_own() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    let machine = async |client: &str, organization: &str| {
        let form = [("grant_type", "client_credentials"), ("organization", organization)];
        app.token_as(client, SECRET, &form).await.text("access_token")
    };
    let (here, there) = (machine("notes-api", "acme").await, machine("notes-api", "globex").await);
    let foreign = machine("acme-notes", "acme").await;
    let with = async |actor: &str| {
        exchange(&app, "notes-api", &token, &[("actor_token", actor), ("actor_token_type", ACCESS_TOKEN)])
            .await
    };

    let reply = with(&here).await;

    let act = &reply.claims("access_token")["act"];
    assert_eq!(act["sub"], claims(&here)["sub"]);
    assert_eq!(
        act["act"]["sub"],
        claims(&here)["sub"],
        "behind it the client itself, which here is the same"
    );
    for wrong in [&there, &foreign, &token, &"x".to_owned()] {
        assert_eq!(with(wrong).await.outcome(), "400 invalid_request");
    }
}

#[tokio::test]
async fn what_was_exchanged_dies_with_what_it_was_made_of() {
    let app = app().await;
    let held = app.sign_in("acme", "vic@acme.test").await;
    let made = exchange(&app, "notes-api", &held.text("access_token"), &[]).await.text("access_token");
    let active = async |token: &str| {
        let reply = app.post_as("/introspect", ("notes-api", SECRET), &[("token", token)]).await;
        reply.body["active"] == json!(true)
    };
    assert!(active(&made).await);

    let revoked = app.post_as("/revoke", ("notes", SECRET), &[("token", &held.text("refresh_token"))]).await;

    assert_eq!(revoked.status, 200);
    assert!(!active(&made).await);
    assert_eq!(exchange(&app, "notes-api", &made, &[]).await.outcome(), "400 invalid_request");
    assert_eq!(
        exchange(&app, "notes", &held.text("access_token"), &[]).await.outcome(),
        "400 invalid_request"
    );
}

fn form<'a>(token: &'a str, audience: &'a str) -> [(&'static str, &'a str); 7] {
    [
        ("grant_type", EXCHANGE),
        ("subject_token", token),
        ("subject_token_type", ID_TOKEN),
        ("requested_token_type", ID_JAG),
        ("audience", audience),
        ("scope", "chat"),
        ("resource", "https://chat.example.test/api"),
    ]
}

#[tokio::test]
async fn an_id_token_becomes_an_assertion_for_another_server() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let id_token = tokens.text("id_token");
    let ask = async |client: &str, token: &str, audience: &str| {
        app.token_as(client, SECRET, &form(token, audience)).await
    };

    let reply = ask("notes", &id_token, "https://other.example.test").await;

    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(
        (reply.text("issued_token_type"), reply.text("token_type")),
        (ID_JAG.to_owned(), "N_A".to_owned())
    );
    let (said, assertion) = (tokens.claims("id_token"), reply.claims("access_token"));
    for same in ["iss", "sub", "org_id", "org_name", "auth_time", "email"] {
        assert_eq!(assertion[same], said[same], "{same}");
    }
    assert_eq!(assertion["aud"], json!("https://other.example.test"));
    assert_eq!(assertion["resource"], json!("https://chat.example.test/api"));
    assert_eq!((&assertion["scope"], &assertion["client_id"]), (&json!("chat"), &json!("notes")));
    // It is no token of ours.
    assert_eq!(app.userinfo(&reply.text("access_token")).await.status, 401);
    assert_eq!(
        exchange(&app, "notes", &reply.text("access_token"), &[]).await.outcome(),
        "400 invalid_request"
    );

    // An organization's issuer has nothing to do with another's people.
    for (organization, outcome) in [("globex", "400 invalid_request"), ("acme", "200 ")] {
        let token = format!("/o/{}/token", app.org(organization).await.org_id());
        let reply =
            app.post_as(&token, ("notes", SECRET), &form(&id_token, "https://other.example.test")).await;
        assert_eq!(reply.outcome().trim_end(), outcome.trim_end(), "{organization}");
    }
    let other = ask("notes", &id_token, "https://evil.example.test").await;
    assert_eq!(other.outcome(), "400 invalid_target");
    let foreign = ask("notes-api", &id_token, "https://files.example.test").await;
    assert_eq!(foreign.outcome(), "400 invalid_scope", "chat is not its to ask for");
    let access = ask("notes", &tokens.text("access_token"), "https://other.example.test").await;
    assert_eq!(access.outcome(), "400 invalid_request", "an access token says nothing of an identity");
    app.post_as("/revoke", ("notes", SECRET), &[("token", &tokens.text("refresh_token"))]).await;
    let browser = app.browser();
    let code = browser.sign_in_to("acme", "vic@acme.test").await;
    let signed_out = app.redeem(&code).await.text("id_token");
    browser.get(app.at(&format!("/logout?id_token_hint={signed_out}"))).await;
    let gone = ask("notes", &signed_out, "https://other.example.test").await;
    assert_eq!(gone.outcome(), "400 invalid_request", "the session is over");
}
