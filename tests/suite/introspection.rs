//! Introspection and revocation: who may ask, what is said, and what is gone.

use insta::assert_json_snapshot;
use orgate_tests::app::{App, Reply, SECRET};
use serde_json::json;

const OTHERS: &str = r#"
clients:
  - client_id: notes-api
    organization: operator
    name: Notes API
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: notes
  - client_id: acme-robot
    organization: acme
    name: Robot
    type: machine
    audience: owner
    scopes: [sync]
    client_secret: "${SECRET}"
    resource: notes
"#;

async fn app() -> App {
    let app = App::start().await;
    app.apply(OTHERS).await;
    app
}

async fn introspect(app: &App, client_id: &str, token: &str) -> Reply {
    app.post_as("/introspect", (client_id, SECRET), &[("token", token)]).await
}

async fn revoke(app: &App, client_id: &str, token: &str) -> Reply {
    app.post_as("/revoke", (client_id, SECRET), &[("token", token)]).await
}

#[tokio::test]
async fn a_resource_learns_all_that_a_token_for_it_says() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let token = tokens.text("access_token");

    let reply = introspect(&app, "notes-api", &token).await;

    assert_eq!(reply.status, 200);
    let mut said = reply.body.clone();
    let claims = tokens.claims("access_token");
    for (name, value) in claims.as_object().expect("claims") {
        assert_eq!(said[name], *value, "{name}");
        said.as_object_mut().expect("an object").remove(name);
    }
    assert_json_snapshot!(said, @r#"
    {
      "active": true,
      "token_type": "Bearer"
    }
    "#);
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn a_refresh_token_is_known_to_its_own_client_only() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let token = tokens.text("refresh_token");

    let own = introspect(&app, "notes", &token).await;

    assert_json_snapshot!(own.body, {
        ".exp" => 0, ".iss" => "…", ".org_id" => "org_…", ".sid" => "ses_…", ".sub" => "usr_…",
    }, @r#"
    {
      "active": true,
      "client_id": "notes",
      "exp": 0,
      "iss": "…",
      "org_id": "org_…",
      "org_name": "acme",
      "scope": "email offline_access openid profile",
      "sid": "ses_…",
      "sub": "usr_…",
      "token_type": "refresh_token"
    }
    "#);
    assert_eq!(introspect(&app, "notes-api", &token).await.body, json!({ "active": false }));
}

#[tokio::test]
async fn whoever_has_no_business_with_a_token_learns_nothing() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    let inactive = json!({ "active": false });

    // Of another owner, with a resource of the same name; and a client with another resource.
    assert_eq!(introspect(&app, "acme-robot", &token).await.body, inactive);
    assert_eq!(introspect(&app, "granted", &token).await.body, inactive);
    for unknown in ["x", "a.b.c", "ogrt_x", &token[1..], &format!("{token}x")] {
        assert_eq!(introspect(&app, "notes-api", unknown).await.body, inactive, "{unknown}");
    }
    // Who cannot prove who it is may not even ask.
    let public = app.post("/introspect", &[("client_id", "public"), ("token", &token)]).await;
    assert_eq!(public.outcome(), "401 invalid_client");
    let wrong = app.post_as("/introspect", ("notes-api", "wrong"), &[("token", &token)]).await;
    assert_eq!(wrong.outcome(), "401 invalid_client");
    let none = app.post_as("/introspect", ("notes-api", SECRET), &[]).await;
    assert_eq!(none.outcome(), "400 invalid_request");
}

#[tokio::test]
async fn a_token_is_inactive_as_soon_as_what_it_stands_on_is_gone() {
    let app = app().await;
    let active = async |token: &str| introspect(&app, "notes-api", token).await.body["active"] == json!(true);
    let session = app.browser();
    let code = session.sign_in_to("acme", "vic@acme.test").await;
    let of_session = app.redeem(&code).await;
    let of_organization = app.sign_in("globex", "gus@globex.test").await.text("access_token");
    assert!(active(&of_session.text("access_token")).await && active(&of_organization).await);

    let hint = of_session.text("id_token");
    session.get(app.at(&format!("/logout?id_token_hint={hint}"))).await;
    app.apply("organizations:\n  - { slug: globex, name: Globex, status: suspended }").await;

    assert!(!active(&of_session.text("access_token")).await);
    assert!(!active(&of_organization).await);
    assert_eq!(
        introspect(&app, "notes", &of_session.text("refresh_token")).await.body["active"],
        json!(false)
    );
}

#[tokio::test]
async fn an_answer_is_signed_for_who_asks_for_that() {
    let app = app().await;
    let token = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    let request = orgate_tests::app::client()
        .post(app.at("/introspect"))
        .basic_auth("notes-api", Some(SECRET))
        .header("accept", "application/token-introspection+jwt")
        .form(&[("token", token.as_str())]);

    let response = request.send().await.expect("answered");

    assert_eq!(response.headers()["content-type"], "application/token-introspection+jwt");
    let signed = response.text().await.expect("text");
    let header = jsonwebtoken_header(&signed);
    assert_eq!(header["typ"], json!("token-introspection+jwt"));
    let claims = orgate_tests::app::claims(&signed);
    assert_eq!(claims["aud"], json!("notes-api"));
    assert_eq!(claims["iss"], json!(app.env.issuer.as_str()));
    assert_eq!(claims["token_introspection"]["active"], json!(true));
    assert_eq!(claims["token_introspection"]["org_name"], json!("acme"));
    assert_eq!((claims.get("sub"), claims.get("exp")), (None, None), "it cannot be taken for a token");
    // Nor does it pass for one here.
    assert_eq!(app.userinfo(&signed).await.status, 401);
    assert_eq!(introspect(&app, "notes-api", &signed).await.body["active"], json!(false));
}

fn jsonwebtoken_header(token: &str) -> serde_json::Value {
    let (header, _) = token.split_once('.').expect("a token");
    orgate_tests::app::claims(&format!("x.{header}.x"))
}

#[tokio::test]
async fn a_revoked_refresh_token_takes_its_family_with_it() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let (access, refresh) = (tokens.text("access_token"), tokens.text("refresh_token"));

    let reply = revoke(&app, "notes", &refresh).await;

    assert_eq!((reply.status, reply.body), (200, serde_json::Value::Null));
    assert_eq!(app.refresh(&refresh).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&access).await.status, 401);
    assert_eq!(introspect(&app, "notes-api", &access).await.body["active"], json!(false));
    assert!(app.events("acme").await.contains(&"token.revoked success".to_owned()));
}

#[tokio::test]
async fn a_revoked_access_token_dies_alone() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let access = tokens.text("access_token");

    assert_eq!(revoke(&app, "notes", &access).await.status, 200);
    assert_eq!(revoke(&app, "notes", &access).await.status, 200, "again is no error");

    assert_eq!(introspect(&app, "notes-api", &access).await.body["active"], json!(false));
    assert_eq!(app.userinfo(&access).await.status, 401);
    let next = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(introspect(&app, "notes-api", &next.text("access_token")).await.body["active"], json!(true));
    let robot = app.token_as("acme-robot", SECRET, &[("grant_type", "client_credentials")]).await;
    let robot = robot.text("access_token");
    assert_eq!(introspect(&app, "acme-robot", &robot).await.body["active"], json!(true));
    assert_eq!(revoke(&app, "acme-robot", &robot).await.status, 200);
    assert_eq!(introspect(&app, "acme-robot", &robot).await.body["active"], json!(false));
    let revocations = app.events("acme").await;
    assert_eq!(revocations.iter().filter(|event| *event == "token.revoked success").count(), 2);
}

#[tokio::test]
async fn nobody_revokes_what_is_anothers() {
    let app = app().await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;

    for token in [tokens.text("access_token"), tokens.text("refresh_token"), "nonsense".to_owned()] {
        let foreign = revoke(&app, "granted", &token).await;
        assert_eq!((foreign.status, foreign.body), (200, serde_json::Value::Null), "nothing is revealed");
    }
    assert_eq!(
        app.post_as("/revoke", ("notes", "wrong"), &[("token", "x")]).await.outcome(),
        "401 invalid_client"
    );

    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 200);
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 200);
}
