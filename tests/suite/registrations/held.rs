//! What a client does not undo by changing itself: what others do to it at that moment, what an administrator made
//! stricter, and what people let the one before have.

use std::collections::BTreeSet;

use orgate_domain::clients::{Client, ClientSettings, ClientStatus};
use serde_json::{Value, json};

use super::{ADA, app, call, managed, register, token, usual};
use orgate_tests::app::{App, Browser, CALLBACK, PASSWORD, Reply};
use reqwest::Method;

/// The client as it is kept.
async fn known(app: &App, client_id: &str) -> Client {
    app.env.configuration.forget();
    let client = app.env.configuration.client(&app.env.store, client_id).await.expect("read").expect("known");
    (*client).clone()
}

/// Changes itself to what it usually is, with `changes`.
async fn put(app: &App, registered: &Reply, base: Value, changes: &[(&str, Value)]) -> Reply {
    let (path, managing) = managed(registered);
    let mut wanted = base;
    wanted["client_id"] = json!(registered.text("client_id"));
    for (name, value) in changes {
        wanted[*name] = value.clone();
    }
    call(app, Method::PUT, &path, &managing, Some(&wanted)).await
}

#[tokio::test]
async fn a_change_waits_for_whoever_disables_or_removes_the_client_and_then_comes_too_late() {
    let app = app().await;
    let initial = token(&app, "acme", 3).await;
    for statements in [
        &["update client_directory set status = 'disabled' where client_id = $1"][..],
        &[
            "update client_directory set status = 'disabled' where client_id = $1",
            "delete from client_registrations where client_id = (select id from client_directory where client_id = $1)",
        ],
    ] {
        let registered = register(&app, &initial, &usual()).await;
        let client_id = registered.text("client_id");
        let mut other = app.database.superuser().acquire().await.expect("a connection");
        sqlx::query("begin").execute(&mut *other).await.expect("begun");
        for statement in statements {
            sqlx::query(*statement).bind(&client_id).execute(&mut *other).await.expect("done");
        }

        let change = [("client_name", json!("Agent 2"))];
        let (changed, ()) = tokio::join!(put(&app, &registered, usual(), &change), async {
            app.blocked().await;
            sqlx::query("commit").execute(&mut *other).await.expect("committed");
        });

        assert_eq!(changed.outcome(), "401 invalid_token", "{statements:?}");
        let client = known(&app, &client_id).await;
        assert_eq!(
            (client.status, client.name.as_str()),
            (ClientStatus::Disabled, "Agent"),
            "{statements:?}"
        );
    }
}

#[tokio::test]
async fn of_many_changes_and_one_removal_at_once_the_removal_stands() {
    let app = app().await;
    let initial = token(&app, "acme", 5).await;
    for _ in 0..5 {
        let registered = register(&app, &initial, &usual()).await;
        let (path, managing) = managed(&registered);

        let change = [("client_name", json!("Agent 2"))];
        let (one, removed, other) = tokio::join!(
            put(&app, &registered, usual(), &change),
            call(&app, Method::DELETE, &path, &managing, None),
            put(&app, &registered, usual(), &change),
        );

        assert_eq!(removed.status, 204);
        for reply in [one, other] {
            assert!(matches!(reply.status, 200 | 401), "{:?}", reply.body);
        }
        assert_eq!(known(&app, &registered.text("client_id")).await.status, ClientStatus::Disabled);
    }
}

#[tokio::test]
async fn a_client_loosens_nothing_that_an_administrator_made_stricter() {
    let app = app().await;
    let registered = register(&app, &token(&app, "acme", 1).await, &usual()).await;
    let client_id = registered.text("client_id");
    app.apply(&format!(
        "clients:\n  - client_id: {client_id}\n    organization: acme\n    name: Agent\n    type: web\n    audience: owner
    party: third\n    redirect_uris: [\"https://agent.example.test/callback\"]\n    client_secret: \"${{SECRET}}\"
    scopes: [openid, email]\n    dpop_bound_access_tokens: true\n    require_pushed_authorization_requests: true
    grants: [authorization_code]\n    access_token_secs: 60\n    session_absolute_secs: 600\n"
    ))
    .await;
    let before = known(&app, &client_id).await;
    assert!(before.settings.dpop_bound_access_tokens && before.settings.lifetimes.access_token.is_some());

    let loose = [
        ("dpop_bound_access_tokens", json!(false)),
        ("require_pushed_authorization_requests", json!(false)),
        ("scope", json!("openid profile offline_access email")),
        ("client_name", json!("Agent 2")),
    ];
    let changed = put(&app, &registered, usual(), &loose).await;

    assert_eq!(changed.status, 200, "{:?}", changed.body);
    assert_eq!(changed.text("scope"), "email openid", "and it is told so");
    let after = known(&app, &client_id).await;
    assert_eq!(after.name.as_str(), "Agent 2");
    let authentication = before.settings.authentication; // which is its to choose
    assert_eq!(ClientSettings { authentication, ..after.settings }, before.settings);
    let public = put(&app, &registered, usual(), &[("token_endpoint_auth_method", json!("none"))]).await;
    assert_eq!(public.outcome(), "400 invalid_client_metadata", "by no less than before: {:?}", public.body);
    let narrower = put(&app, &registered, usual(), &[("scope", json!("openid"))]).await;
    assert_eq!(narrower.text("scope"), "openid", "stricter it may be");
    let wider = put(&app, &registered, usual(), &[("scope", json!("openid email"))]).await;
    assert_eq!(wider.text("scope"), "openid", "and stays so");
}

#[tokio::test]
async fn a_client_that_was_made_to_follow_fapi_follows_it() {
    let app = app().await;
    let mut asked = usual();
    asked["token_endpoint_auth_method"] = json!("private_key_jwt");
    asked["jwks_uri"] = json!("https://agent.example.test/keys");
    let registered = register(&app, &token(&app, "acme", 1).await, &asked).await;
    assert_eq!(registered.status, 201, "{:?}", registered.body);
    let client_id = registered.text("client_id");
    let set = "update clients set profile = 'fapi2' where id = (select id from client_directory where client_id = $1)";
    sqlx::query(set).bind(&client_id).execute(app.database.superuser()).await.expect("set");

    for (name, value) in [
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("id_token_signed_response_alg", json!("RS256")),
    ] {
        let mut base = asked.clone();
        if name == "token_endpoint_auth_method" {
            base.as_object_mut().expect("an object").remove("jwks_uri");
        }
        let refused = put(&app, &registered, base, &[(name, value)]).await;
        assert_eq!(refused.outcome(), "400 invalid_client_metadata", "{name}: {:?}", refused.body);
    }

    assert_eq!(put(&app, &registered, asked, &[]).await.status, 200);
    assert!(known(&app, &client_id).await.settings.is_fapi());
}

async fn allowed(app: &App, client_id: &str) -> Browser {
    let browser = app.browser();
    let page = browser.authorize(&[("client_id", client_id)]).await;
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    let page = if page.leads_to() == "/consent" { browser.follow(page).await } else { return browser };
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    let answer = [("request", &*request), ("csrf", &*csrf), ("answer", "allow")];
    browser.post("/consent", &answer).await.answer("code");
    browser
}

/// People read its name, and where they go on to.
#[tokio::test]
async fn a_client_that_becomes_another_one_is_consented_to_anew() {
    let app = app().await;
    let mut asked = usual();
    asked["redirect_uris"] = json!([CALLBACK]);
    asked["application_type"] = json!("native");
    asked["token_endpoint_auth_method"] = json!("none");
    asked.as_object_mut().expect("an object").remove("client_uri");
    let registered = register(&app, &token(&app, "acme", 1).await, &asked).await;
    let client_id = registered.text("client_id");
    let silent = async |browser: &Browser| {
        app.env.configuration.forget();
        let page = browser.authorize(&[("client_id", &*client_id), ("prompt", "none")]).await;
        let to = page.location().expect("an answer");
        to.query_pairs().find(|(name, _)| name == "error").map(|(_, error)| error.into_owned())
    };

    for (changes, asked_again) in [
        (&[("id_token_signed_response_alg", json!("ES256"))][..], None),
        (&[("client_name", json!("Bank"))], Some("consent_required")),
        (
            &[("client_name", json!("Bank")), ("redirect_uris", json!([CALLBACK, "http://127.0.0.1/other"]))],
            Some("consent_required"),
        ),
        (&[("client_name", json!("Bank"))], None), // one address fewer
    ] {
        let browser = allowed(&app, &client_id).await;
        let changed = put(&app, &registered, asked.clone(), changes).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
        assert_eq!(silent(&browser).await.as_deref(), asked_again, "{changes:?}");
    }
}

/// They have consented too, and only its owner's consents are its registration's to forget; and of the product's own nobody is
/// asked at all.
#[tokio::test]
async fn a_client_that_others_trust_becomes_no_other() {
    let app = app().await;
    for trusted in [
        "update client_directory set audience = 'all' where client_id = $1",
        "update clients set party = 'first' where id = (select id from client_directory where client_id = $1)",
    ] {
        let registered = register(&app, &token(&app, "acme", 1).await, &usual()).await;
        let client_id = registered.text("client_id");
        sqlx::query(trusted).bind(&client_id).execute(app.database.superuser()).await.expect("trusted");
        app.env.configuration.forget();

        let further = json!(["https://agent.example.test/callback", "https://agent.example.test/other"]);
        for change in [
            ("client_name", json!("Bank")),
            ("redirect_uris", further),
            ("post_logout_redirect_uris", json!(["https://agent.example.test/left"])),
        ] {
            let refused = put(&app, &registered, usual(), std::slice::from_ref(&change)).await;
            assert_eq!(refused.outcome(), "400 invalid_client_metadata", "{change:?}: {:?}", refused.body);
        }

        let signed = [("id_token_signed_response_alg", json!("ES256"))];
        let changed = put(&app, &registered, usual(), &signed).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
    }
}

/// Every node hears of a change, and forgets what it has cached.
#[tokio::test]
async fn a_change_of_nothing_is_none_and_many_within_a_minute_are_too_many() {
    let app = app().await;
    let registered = register(&app, &token(&app, "acme", 1).await, &usual()).await;
    let changes = async || {
        let events = app.events("acme").await;
        events.iter().filter(|event| event.starts_with("client.configured")).count()
    };
    let before = changes().await;

    for _ in 0..20 {
        assert_eq!(put(&app, &registered, usual(), &[]).await.status, 200);
    }
    assert_eq!(changes().await, before, "nothing has changed");
    let mut last = 0;
    for number in 0..20 {
        let name = [("client_name", json!(format!("Agent {number}")))];
        last = put(&app, &registered, usual(), &name).await.status;
    }

    assert_eq!(last, 429);
    assert!(changes().await <= before + 11, "{} after {before}", changes().await);
}

/// Its name and its home are its own words.
#[tokio::test]
async fn nobody_vouches_for_a_client_that_registered_itself() {
    let app = app().await;
    let mut asked = usual();
    asked["redirect_uris"] = json!([CALLBACK, "https://bank.example/cb"]);
    asked["application_type"] = json!("native");
    asked["token_endpoint_auth_method"] = json!("none");
    asked["client_uri"] = json!("https://bank.example/");
    let registered = register(&app, &token(&app, "acme", 1).await, &asked).await;
    assert_eq!(registered.status, 201, "{:?}", registered.body);
    let client_id = registered.text("client_id");

    let browser = app.browser();
    let page = browser.authorize(&[("client_id", &client_id)]).await;
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    let page = browser.follow(page).await;

    assert!(
        page.body.contains("registered itself with Acme Inc, and nobody has checked its name"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("bank.example") && page.body.contains("localhost"), "{}", page.body);
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    let answer = [("request", &*request), ("csrf", &*csrf), ("answer", "allow")];
    browser.post("/consent", &answer).await.answer("code");
    let account = browser.get("/account/sessions").await;
    assert!(account.body.contains("bank.example, localhost"), "where it is, people see: {}", account.body);
    let home =
        [("client_id", &*client_id), ("redirect_uri", "https://bank.example/cb"), ("prompt", "consent")];
    let page = browser.follow(browser.authorize(&home).await).await;
    assert!(page.body.contains("Its home is bank.example."), "it goes on to there: {}", page.body);
}

#[tokio::test]
async fn the_scopes_of_a_client_are_a_set_that_only_shrinks() {
    let app = app().await;
    let registered = register(&app, &token(&app, "acme", 1).await, &usual()).await;
    let client_id = registered.text("client_id");
    let scopes = async || known(&app, &client_id).await.settings.scopes.expect("registered ones name theirs");
    let before: BTreeSet<String> = scopes().await;

    let none = put(&app, &registered, usual(), &[("scope", json!("notes:delete"))]).await;

    assert_eq!(none.status, 200, "{:?}", none.body);
    assert!(scopes().await.is_empty() && !before.is_empty());
}
