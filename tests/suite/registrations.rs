//! Clients that register themselves (RFC 7591, RFC 7592): inside one organization, as third parties, as long as it likes.

use orgate_domain::audit::Actor;
use orgate_flows::registration_tokens::create_token;
use orgate_tests::app::{App, CALLBACK, PASSWORD, Page, Reply, VERIFIER, client};
use reqwest::Method;
use serde_json::{Value, json};

mod bounds;
mod held;

const ADA: &str = "ada@acme.test";

async fn app() -> App {
    let app = App::start().await;
    policy(&app, "allowed").await;
    app
}

async fn policy(app: &App, allowance: &str) {
    app.apply(&format!(
        "organizations:\n  - {{ slug: acme, name: Acme Inc, policy: {{ client_registration: {allowance} }} }}\n"
    ))
    .await;
}

/// An initial access token of the organization.
async fn token(app: &App, organization: &str, uses: u16) -> String {
    let scope = app.org(organization).await;
    let made = create_token(&app.env, &scope, (uses, chrono::Duration::days(1)), Actor::Operator).await;
    made.expect("a token").token.reveal().to_owned()
}

async fn call(app: &App, method: Method, path: &str, token: &str, body: Option<&Value>) -> Reply {
    let request = client().request(method, app.at(path)).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    Reply::of(request.send().await.expect("answered")).await
}

async fn register(app: &App, token: &str, body: &Value) -> Reply {
    call(app, Method::POST, "/register", token, Some(body)).await
}

fn usual() -> Value {
    json!({
        "redirect_uris": [CALLBACK.replace("http://localhost:9", "https://agent.example.test")],
        "client_name": "Agent",
        "client_uri": "https://agent.example.test/",
        "grant_types": ["authorization_code", "refresh_token"],
        "logo_uri": "https://agent.example.test/logo.svg",
        "scope": "openid email offline_access notes:delete",
    })
}

fn managed(reply: &Reply) -> (String, String) {
    let path = format!("/register/{}", reply.text("client_id"));
    assert!(reply.text("registration_client_uri").ends_with(&path), "{:?}", reply.body);
    (path, reply.text("registration_access_token"))
}

/// As RFC 7591 §3.2.1 has it, and with nothing that was not asked for.
#[tokio::test]
async fn a_client_registers_itself_and_signs_people_in_with_their_consent() {
    let app = app().await;
    let mut asked = usual();
    asked["redirect_uris"] = json!([CALLBACK]);
    asked["application_type"] = json!("native");
    asked["token_endpoint_auth_method"] = json!("none");
    asked.as_object_mut().expect("an object").remove("client_uri");

    let reply = register(&app, &token(&app, "acme", 1).await, &asked).await;

    assert_eq!(reply.status, 201, "{:?}", reply.body);
    assert_eq!(reply.headers["cache-control"], "no-store");
    insta::assert_json_snapshot!(reply.body, {
        ".client_id" => "…", ".client_id_issued_at" => "…",
        ".registration_access_token" => "…", ".registration_client_uri" => "…",
    }, @r#"
    {
      "application_type": "native",
      "client_id": "…",
      "client_id_issued_at": "…",
      "client_name": "Agent",
      "dpop_bound_access_tokens": false,
      "grant_types": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_signed_response_alg": "ES256",
      "post_logout_redirect_uris": [],
      "redirect_uris": [
        "http://localhost:9/callback"
      ],
      "registration_access_token": "…",
      "registration_client_uri": "…",
      "require_pushed_authorization_requests": false,
      "response_types": [
        "code"
      ],
      "scope": "email offline_access openid",
      "subject_type": "public",
      "token_endpoint_auth_method": "none"
    }
    "#);
    let client_id = reply.text("client_id");
    let browser = app.browser();
    let page = browser.authorize(&[("client_id", &client_id)]).await;
    assert_eq!(page.leads_to(), "/sign-in", "the organization is its own: {}", page.body);
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    assert_eq!(page.leads_to(), "/consent");
    let page = browser.follow(page).await;
    assert!(
        page.body.contains("Agent") && page.body.contains("registered itself with Acme Inc"),
        "{}",
        page.body
    );
    let fields =
        [("request", page.field("request")), ("csrf", page.field("csrf")), ("answer", "allow".into())];
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let code = browser.post("/consent", &fields).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", &*client_id),
    ];
    let tokens = app.post("/token", &form).await;
    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    let elsewhere: Page = browser.authorize(&[("client_id", &client_id), ("organization", "globex")]).await;
    assert_eq!(elsewhere.answer("error"), "organization_mismatch");
    assert!(app.events("acme").await.contains(&"client.registered success".to_owned()));
    let (path, managing) = managed(&reply);
    assert_eq!(call(&app, Method::DELETE, &path, &managing, None).await.status, 204);
    app.env.configuration.forget();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*tokens.text("refresh_token")),
        ("client_id", &*client_id),
    ];
    assert_eq!(app.post("/token", &form).await.status, 401, "a client that is gone is unknown");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
}

#[tokio::test]
async fn only_who_shows_a_live_token_of_an_organization_that_allows_it_registers() {
    let app = app().await;
    let acme = token(&app, "acme", 1).await;
    let forged = format!("{}{}", &acme[..acme.len() - 1], if acme.ends_with('0') { '1' } else { '0' });
    let globex = token(&app, "globex", 9).await;
    let outcome = async |token: &str| register(&app, token, &usual()).await.outcome();

    for (token, why) in [
        ("ogri_x", "no credential"),
        (&*forged, "another checksum"),
        (&*globex, "an organization that has not said so forbids it"),
    ] {
        assert_eq!(outcome(token).await, "401 invalid_token", "{why}");
    }
    let bare = app.post("/register", &[]).await;
    assert_eq!(
        (bare.status, bare.headers["www-authenticate"].to_str().expect("text")),
        (401, "Bearer realm=\"registration\"")
    );
    assert_eq!(outcome(&acme).await, "201");
    assert_eq!(outcome(&acme).await, "401 invalid_token", "it was good once");
    let lapsing = token(&app, "acme", 9).await;
    policy(&app, "forbidden").await;
    assert_eq!(outcome(&lapsing).await, "401 invalid_token", "forbidden meanwhile");
    policy(&app, "allowed").await;
    app.apply("organizations:\n  - { slug: acme, name: Acme Inc, policy: { client_registration: allowed, third_party_clients: forbidden } }\n").await;
    assert_eq!(outcome(&lapsing).await, "401 invalid_token", "third parties are forbidden");
    policy(&app, "allowed").await;
    app.clock.advance(chrono::Duration::days(2));
    assert_eq!(outcome(&lapsing).await, "401 invalid_token", "lapsed");
    app.env.refusals.flush(&app.env).await.expect("flushed");
    let events = app.events("acme").await;
    for reason in ["unknown_token", "registration_forbidden"] {
        assert!(events.contains(&format!("registration.refused refused {reason}")), "{reason}: {events:?}");
    }
    assert!(events.contains(&"registration_token.created success".to_owned()));
}

#[tokio::test]
async fn what_is_refused_uses_nothing_up_and_says_which() {
    let app = app().await;
    let token = token(&app, "acme", 1).await;
    let with = |name: &str, value: Value| {
        let mut body = usual();
        body[name] = value;
        body
    };

    for body in [
        with("redirect_uris", json!(["http://agent.example.test/cb"])),
        with("redirect_uris", json!(["https://agent.example.test/cb#x"])),
        with("redirect_uris", json!([])),
        with("redirect_uris", Value::Null),
    ] {
        assert_eq!(register(&app, &token, &body).await.outcome(), "400 invalid_redirect_uri", "{body}");
    }
    for body in [
        with("client_name", json!("evil\u{202e}name")),
        with("client_uri", json!("https://bank.example/")),
        with("grant_types", json!(["client_credentials"])),
        with("jwks_uri", json!("http://169.254.169.254/")),
        json!(["no object"]),
        json!({ "redirect_uris": "https://agent.example.test/cb" }),
    ] {
        assert_eq!(register(&app, &token, &body).await.outcome(), "400 invalid_client_metadata", "{body}");
    }
    assert_eq!(register(&app, &token, &usual()).await.status, 201);
}

/// RFC 7592 §2: by its own token, for itself, whole.
#[tokio::test]
async fn a_client_reads_changes_and_removes_itself_and_no_other() {
    let app = app().await;
    let initial = token(&app, "acme", 2).await;
    let (first, other) = (register(&app, &initial, &usual()).await, register(&app, &initial, &usual()).await);
    let ((path, mine), (theirs, their_token)) = (managed(&first), managed(&other));
    assert!(first.text("client_secret").starts_with("ogcs_") && first.body["client_secret_expires_at"] == 0);
    assert_eq!(
        first.text("scope"),
        "email offline_access openid",
        "what an application's own mean, it does not say"
    );

    let read = call(&app, Method::GET, &path, &mine, None).await;
    assert_eq!((read.status, read.text("client_name")), (200, "Agent".to_owned()));
    assert_eq!(read.body.get("client_secret"), None, "it is told once");
    for (path, token) in
        [(&path, &their_token), (&theirs, &mine), (&path, &initial), (&"/register/notes".to_owned(), &mine)]
    {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let reply = call(&app, method.clone(), path, token, Some(&usual())).await;
            assert_eq!(reply.outcome(), "401 invalid_token", "{method} {path}");
        }
    }

    let mut wanted = usual();
    wanted["client_name"] = json!("Agent 2");
    assert_eq!(
        call(&app, Method::PUT, &path, &mine, Some(&wanted)).await.outcome(),
        "400 invalid_client_metadata",
        "whose?"
    );
    wanted["client_id"] = json!(first.text("client_id"));
    for (name, value) in [("client_secret", "another"), ("registration_access_token", &*mine)] {
        let mut wrong = wanted.clone();
        wrong[name] = json!(value);
        assert_eq!(
            call(&app, Method::PUT, &path, &mine, Some(&wrong)).await.outcome(),
            "400 invalid_client_metadata",
            "{name}"
        );
    }
    wanted["client_secret"] = json!(first.text("client_secret"));
    wanted["party"] = json!("first");
    wanted["audience"] = json!("all");
    let changed = call(&app, Method::PUT, &path, &mine, Some(&wanted)).await;
    assert_eq!(
        (changed.status, changed.text("client_name")),
        (200, "Agent 2".to_owned()),
        "{:?}",
        changed.body
    );
    app.env.configuration.forget();
    let known = app
        .env
        .configuration
        .client(&app.env.store, &first.text("client_id"))
        .await
        .expect("read")
        .expect("known");
    assert_eq!((known.audience.as_str(), known.settings.party.as_str()), ("owner", "third"));

    assert_eq!(call(&app, Method::DELETE, &path, &mine, None).await.status, 204);
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        assert_eq!(call(&app, method, &path, &mine, Some(&wanted)).await.outcome(), "401 invalid_token");
    }
    assert_eq!(call(&app, Method::GET, &theirs, &their_token, None).await.status, 200);
    let events = app.events("acme").await;
    assert!(events.contains(&"client.removed success".to_owned()), "{events:?}");
    policy(&app, "forbidden").await;
    assert_eq!(call(&app, Method::GET, &theirs, &their_token, None).await.outcome(), "401 invalid_token");
}

#[tokio::test]
async fn a_token_registers_no_more_than_it_may_however_many_try_at_once() {
    let app = app().await;
    let token = token(&app, "acme", 3).await;
    let mut set = tokio::task::JoinSet::new();
    let url = app.at("/register");
    for _ in 0..12 {
        let (token, url) = (token.clone(), url.clone());
        set.spawn(async move {
            let request = client().post(url).bearer_auth(token).json(&usual());
            Reply::of(request.send().await.expect("answered")).await.status
        });
    }

    let statuses = set.join_all().await;

    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 401)), "{statuses:?}");
}

#[tokio::test]
async fn an_organization_fills_with_registered_clients_up_to_a_bound() {
    let app = app().await;
    let applications = async || {
        let mut tx = app.env.store.begin(&app.org("acme").await).await.expect("a transaction");
        tx.clients().count().await.expect("counted")
    };
    let before = applications().await;
    let token = token(&app, "acme", 9).await;
    let first = register(&app, &token, &usual()).await;
    fill(&app).await;

    assert_eq!(register(&app, &token, &usual()).await.outcome(), "403 access_denied");
    let (path, managing) = managed(&first);
    assert_eq!(call(&app, Method::DELETE, &path, &managing, None).await.status, 204);
    assert_eq!(register(&app, &token, &usual()).await.status, 201, "one that went makes room");
    assert_eq!(applications().await, before, "and none is one of the organization's, there or gone");
}

/// Registers as many clients as there may be, but for one.
async fn fill(app: &App) {
    let org = app.org("acme").await.org_id().as_uuid();
    sqlx::query(
        "with many as (select gen_random_uuid() as id from generate_series(2, $2)), listed as (
             insert into client_directory (org_id, id, client_id, name, audience, redirect_uris)
             select $1, id, id::text, 'x', 'owner', '{}' from many
         ), made as (
             insert into clients (org_id, id, kind, post_logout_redirect_uris, resource, signing_algorithm, created_at, updated_at)
             select $1, id, 'web', '{}', 'x', 'ES256', now(), now() from many
         )
         insert into client_registrations (org_id, client_id, token_hash, token_id, created_at)
         select $1, many.id, decode(replace(many.id::text, '-', ''), 'hex'), by.id, now()
         from many, registration_tokens by where by.org_id = $1",
    )
    .bind(org)
    .bind(i32::try_from(orgate_flows::register_client::MAX_REGISTERED).expect("small"))
    .execute(app.database.superuser())
    .await
    .expect("filled");
}

#[tokio::test]
async fn discovery_says_where() {
    let app = App::start().await;

    let document = app.get("/.well-known/openid-configuration").await;

    assert_eq!(document.text("registration_endpoint"), app.at("/register").as_str());
}
