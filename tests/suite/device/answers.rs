//! Who lets a device in, where, and what it is given.

use insta::assert_json_snapshot;
use orgate_tests::app::{App, CALLBACK, PASSWORD, SECRET};
use serde_json::json;

use super::world::{Device, GRANT, app, ask, decide, go_on, heading, request, type_code, wait};

#[tokio::test]
async fn a_device_is_let_in_and_gets_the_tokens_of_the_organization() {
    let app = app().await;
    let asked =
        request(&app, "tv", &[("scope", "openid email offline_access"), ("organization", "acme")]).await;
    assert_eq!(asked.headers["cache-control"], "no-store");
    let issuer = app.base.as_str().trim_end_matches('/').to_owned();
    let code = asked.text("user_code");
    assert_eq!(asked.text("verification_uri"), format!("{issuer}/device"));
    assert_eq!(asked.text("verification_uri_complete"), format!("{issuer}/device?user_code={code}"));
    assert_json_snapshot!(asked.body, {
        ".device_code" => "…", ".user_code" => "…", ".verification_uri" => "…", ".verification_uri_complete" => "…",
    }, @r#"
    {
      "device_code": "…",
      "expires_in": 600,
      "interval": 5,
      "user_code": "…",
      "verification_uri": "…",
      "verification_uri_complete": "…"
    }
    "#);
    let device = Device {
        client_id: "tv",
        code: asked.text("device_code"),
        user_code: code.clone(),
        complete: asked.text("verification_uri_complete"),
    };
    let browser = app.browser();

    let prefilled = browser.get(&device.complete).await;
    assert_eq!(prefilled.field("csrf"), browser.get("/device").await.field("csrf"));
    assert!(prefilled.body.contains(&format!("value=\"{code}\"")), "{}", prefilled.body);
    let found = type_code(&browser, &code.to_lowercase().replace('-', " ")).await;
    assert_eq!(heading(&found), "Sign in to Notes on TV on another device?");
    for seen in [code.as_str(), "notes.example", "Acme Inc"] {
        assert!(found.body.contains(seen), "{seen}: {}", found.body);
    }
    let begun = go_on(&browser, &found).await;
    assert_eq!(begun.leads_to(), "/sign-in");
    let signed_in = browser.sign_in(begun, "ada@acme.test", PASSWORD).await;
    let question = browser.follow(signed_in).await;
    assert_eq!(heading(&question), "Let the device in?");
    for seen in [code.as_str(), "Notes on TV", "Acme Inc", "ada@acme.test", "see your e-mail address"] {
        assert!(question.body.contains(seen), "{seen}: {}", question.body);
    }
    assert_eq!(device.poll(&app).await.outcome(), "400 authorization_pending");
    let allowed = decide(&browser, &question, "allow").await;
    assert_eq!((allowed.status.as_u16(), heading(&allowed)), (200, "The device is signed in".to_owned()));
    wait(&app, 5);
    let tokens = device.poll(&app).await;

    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.headers["cache-control"], "no-store");
    let claims = tokens.claims("access_token");
    assert_eq!((&claims["org_name"], &claims["client_id"]), (&json!("acme"), &json!("tv")));
    assert_eq!(claims["scope"], "email offline_access openid");
    let id_token = tokens.claims("id_token");
    assert_eq!((&id_token["sid"], &id_token["aud"]), (&claims["sid"], &json!("tv")));
    assert_eq!(id_token["email"], "ada@acme.test");
    let refresh_token = tokens.text("refresh_token");
    let form = [("client_id", "tv"), ("grant_type", "refresh_token"), ("refresh_token", &refresh_token)];
    assert_eq!(app.post("/token", &form).await.status, 200);
    let acme = app.events("acme").await;
    for event in ["sign_in.succeeded success", "device.approved success", "code.redeemed success"] {
        assert!(acme.iter().any(|known| known == event), "{event}: {acme:?}");
    }
    let operator = app.events("operator").await;
    assert!(
        operator.ends_with(&["device.requested success".to_owned(), "device.answered success".to_owned()])
    );
    assert!(app.events("globex").await.iter().all(|event| !event.starts_with("device.")));
}

#[tokio::test]
async fn the_organization_is_decided_before_anybody_is_asked_who_they_are() {
    let app = app().await;

    let silent = ask(&app, "tv", &[]).await;
    let browser = app.browser();
    let asked = silent.go_on(&browser).await;
    assert_eq!(asked.leads_to(), "/discover", "nobody is asked for a password yet");
    let question = browser.follow(asked).await;
    let (handle, csrf) = (question.field("request"), question.field("csrf"));
    let form = [("request", &*handle), ("csrf", &*csrf), ("q", "gus@globex.test")];
    let named = browser.post("/discover", &form).await;
    let signed_in = browser.sign_in(named, "gus@globex.test", PASSWORD).await;
    let allowed = decide(&browser, &browser.follow(signed_in).await, "allow").await;
    assert_eq!(allowed.status, 200);
    assert_eq!(silent.poll(&app).await.claims("access_token")["org_name"], "globex");

    let second = ask(&app, "tv", &[]).await;
    let question = browser.follow(second.go_on(&browser).await).await;
    assert_eq!(
        heading(&question),
        "Let the device in?",
        "the one live session answers, and nothing is given yet"
    );
    assert_eq!(second.poll(&app).await.outcome(), "400 authorization_pending");

    let owned = ask(&app, "acme-tv", &[]).await;
    let found = type_code(&browser, &owned.user_code).await;
    assert!(found.body.contains("Acme Inc"), "{}", found.body);
    assert_eq!(go_on(&browser, &found).await.leads_to(), "/sign-in", "Acme's own application is for Acme");
    owned.let_in(&browser, "vic@acme.test").await;
    assert_eq!(owned.poll(&app).await.claims("access_token")["org_name"], "acme");

    let third = ask(&app, "tv", &[]).await;
    let chooser = third.go_on(&browser).await;
    assert_eq!(chooser.leads_to(), "/choose", "two organizations are possible");
}

#[tokio::test]
async fn what_the_device_asks_of_the_sign_in_is_asked() {
    let app = app().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;

    let fresh = ask(&app, "tv", &[("organization_id", "acme"), ("max_age", "0")]).await;
    let begun = fresh.go_on(&browser).await;
    assert_eq!(begun.leads_to(), "/sign-in", "the session is too old");
    wait(&app, 30);
    let question = browser.follow(browser.sign_in(begun, "vic@acme.test", PASSWORD).await).await;
    wait(&app, 30);
    decide(&browser, &question, "allow").await;

    let claims = fresh.poll(&app).await.claims("id_token");
    assert_eq!(claims["email"], "vic@acme.test");

    let for_api = ask(&app, "box", &[("organization", "acme"), ("resource", "https://api.test/")]).await;
    let question = browser.follow(for_api.go_on(&browser).await).await;
    decide(&browser, &question, "allow").await;
    let other = for_api.poll_as(&app, "box", &[("resource", "box")]).await;
    assert_eq!(other.outcome(), "400 invalid_target");
    wait(&app, 5);
    let tokens = for_api.poll(&app).await;
    assert_eq!(tokens.claims("access_token")["aud"], "https://api.test/");
    assert_eq!(tokens.text("refresh_token"), "", "the client may not refresh");
}

#[tokio::test]
async fn who_is_turned_away_hears_of_it_and_who_gives_up_can_begin_again() {
    let app = app().await;
    let browser = app.browser();
    let device = ask(&app, "tv", &[("organization", "acme")]).await;

    let form = browser.follow(device.go_on(&browser).await).await;
    assert!(
        form.body.contains(">Cancel</span></button>"),
        "there is no application to return to: {}",
        form.body
    );
    let cancelled = browser
        .post("/sign-in/cancel", &[("request", &form.field("request")), ("csrf", &form.field("csrf"))])
        .await;
    let again = browser.follow(cancelled).await;
    assert!(again.body.contains("nothing was approved"), "{}", again.body);
    assert!(again.body.contains(&format!("value=\"{}\"", device.user_code)), "{}", again.body);
    assert_eq!(device.poll(&app).await.outcome(), "400 authorization_pending");

    let question = device.sign_in(&browser, "ada@acme.test").await;
    let denied = decide(&browser, &question, "deny").await;
    assert_eq!(heading(&denied), "The device was turned away");
    for _ in 0..2 {
        assert_eq!(device.poll(&app).await.outcome(), "400 access_denied", "and it is told at once");
    }
    let typed = type_code(&browser, &device.user_code).await;
    assert_eq!(typed.status, 422, "the code leads nowhere any more");
    assert!(app.events("acme").await.contains(&"device.denied success".to_owned()));
    assert!(!app.events("acme").await.iter().any(|event| event.starts_with("device.approved")));
}

#[tokio::test]
async fn whoever_may_not_ask_is_told_and_learns_nothing_of_organizations() {
    let app = app().await;
    let refusals = [
        ("notes", vec![], "400 unauthorized_client"),
        ("tv", vec![("resource", "https://other.test/")], "400 invalid_target"),
        ("tv", vec![("scope", "\"")], "400 invalid_scope"),
        ("tv", vec![("max_age", "soon")], "400 invalid_request"),
        ("tv", vec![("scope", "openid"), ("scope", "email")], "400 invalid_request"),
        ("tv", vec![("organization", "acme"), ("organization_id", "globex")], "400 organization_mismatch"),
        ("acme-tv", vec![("organization", "globex")], "400 organization_mismatch"),
        ("nobody", vec![], "401 invalid_client"),
    ];
    for (client_id, form, expected) in refusals {
        let reply = match client_id {
            "notes" => app.post_as("/device_authorization", (client_id, SECRET), &form).await,
            _ => request(&app, client_id, &form).await,
        };
        assert_eq!(reply.outcome(), expected, "{client_id} {form:?}");
    }
    let wrong = app.post_as("/device_authorization", ("box", "wrong"), &[]).await;
    assert_eq!(wrong.outcome(), "401 invalid_client");

    let globex = app.org("globex").await.org_id().to_string();
    let mut alike = Vec::new();
    for organization in ["nowhere", "globex", &globex] {
        alike.push(request(&app, "box", &[("organization", organization)]).await.body);
    }
    assert!(alike.iter().all(|body| *body == alike[0]), "{alike:?}");
    assert_eq!(alike[0]["error"], "unauthorized_client");
    suspend(&app, "suspended").await;
    assert_eq!(request(&app, "box", &[("organization", "acme")]).await.body, alike[0]);
    assert!(app.events("acme").await.contains(&"device.refused refused organization_suspended".to_owned()));
}

async fn suspend(app: &App, status: &str) {
    app.apply(&format!("organizations:\n  - {{ slug: acme, name: Acme Inc, status: {status} }}\n")).await;
}

/// What was true when the page was shown is looked at again when it counts.
#[tokio::test]
async fn what_falls_meanwhile_gives_nothing() {
    let app = app().await;
    let browser = app.browser();

    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    device.let_in(&browser, "ada@acme.test").await;
    suspend(&app, "suspended").await;
    assert_eq!(device.poll(&app).await.outcome(), "400 invalid_grant", "the organization was suspended");
    let late = ask(&app, "tv", &[]).await;
    assert_eq!(late.go_on(&browser).await.leads_to(), "/discover", "its session counts for nothing");
    suspend(&app, "active").await;

    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = browser.follow(device.go_on(&browser).await).await;
    let sessions = "update sessions set ended_at = now()";
    sqlx::query(sessions).execute(app.database.superuser()).await.expect("ended");
    assert_eq!(decide(&browser, &question, "allow").await.status, 400, "the session has ended");
    assert_eq!(device.poll(&app).await.outcome(), "400 authorization_pending");

    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    app.apply(&disabled("tv")).await;
    let found = type_code(&browser, &device.user_code).await;
    assert_eq!(go_on(&browser, &found).await.status, 403, "the application was switched off");
    assert_eq!(device.poll(&app).await.outcome(), "401 invalid_client");
    assert_eq!(request(&app, "tv", &[]).await.outcome(), "401 invalid_client");
}

fn disabled(client_id: &str) -> String {
    format!(
        "clients:
  - {{ client_id: {client_id}, organization: operator, name: Notes on TV, type: native, audience: all, \
           grants: [\"{GRANT}\"], status: disabled }}\n"
    )
}

/// The code that an approval issues is nobody's to present: not even the application that it is for, at the
/// endpoint where others are redeemed.
#[tokio::test]
async fn the_code_behind_an_approval_is_redeemed_by_the_device_alone() {
    let app = app().await;
    let device = ask(&app, "box", &[("organization", "acme")]).await;
    device.let_in(&app.browser(), "ada@acme.test").await;
    let row: (uuid::Uuid, uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("select id, answered_by, answered_in from device_requests where status = 'approved'")
            .fetch_one(app.database.superuser())
            .await
            .expect("one device");
    let ids = (
        orgate_domain::ids::OrgId::from_uuid(row.2),
        orgate_domain::ids::DeviceRequestId::from_uuid(row.0),
        orgate_domain::ids::AuthorizationRequestId::from_uuid(row.1),
    );
    let code = app.env.vault.device_grant(ids.0, ids.1, ids.2);

    for (redirect_uri, refused) in [("", "400 invalid_request"), (CALLBACK, "400 invalid_grant")] {
        let form =
            [("grant_type", "authorization_code"), ("code", code.reveal()), ("redirect_uri", redirect_uri)];
        assert_eq!(app.token_as("box", SECRET, &form).await.outcome(), refused, "{redirect_uri}");
    }

    assert_eq!(device.poll(&app).await.status, 200);
}

/// The page says what the device asks for: letting it in is consent, and denying it is none.
#[tokio::test]
async fn who_lets_a_third_partys_device_in_consents_to_what_it_asks_for() {
    let app = app().await;
    let of_others = |status: &str| {
        format!(
            "clients:
  - client_id: tv
    organization: operator
    name: Notes on TV
    type: native
    audience: all
    party: third
    status: {status}
    grants: [\"{GRANT}\", refresh_token]
"
        )
    };
    app.apply(&of_others("active")).await;
    let forbidden =
        "organizations:\n  - { slug: globex, name: Globex, policy: { third_party_clients: forbidden } }\n";
    app.apply(forbidden).await;
    let given =
        async || app.events("acme").await.iter().filter(|event| *event == "consent.given success").count();

    let denied = ask(&app, "tv", &[("organization", "acme")]).await;
    let browser = app.browser();
    let question = denied.sign_in(&browser, "ada@acme.test").await;
    assert!(question.body.contains("see your e-mail address"), "{}", question.body);
    decide(&browser, &question, "deny").await;
    assert_eq!(given().await, 0);
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = device.go_on(&browser).await;
    let question = browser.follow(question).await;
    decide(&browser, &question, "allow").await;
    let tokens = device.poll(&app).await;

    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(given().await, 1);
    let refresh = [("grant_type", "refresh_token"), ("client_id", "tv")];
    let token = tokens.text("refresh_token");
    let refreshed = app.post("/token", &[&refresh[..], &[("refresh_token", &*token)]].concat()).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.body);
    let elsewhere = request(&app, "tv", &[("scope", "openid"), ("organization", "globex")]).await;
    assert_eq!(elsewhere.outcome(), "400 unauthorized_client");
}
