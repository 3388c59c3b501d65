//! Applications and machines, made and changed by programs.

use orgate_api::v1::PATH;
use orgate_tests::app::{App, CALLBACK, PASSWORD, Reply, VERIFIER, client};
use serde_json::{Value, json};

use super::{app, but, call, only, token_of};

const CLIENTS: &str = "/organizations/acme/clients";

async fn made(app: &App, token: &str, wanted: Value) -> Reply {
    let reply = call(app, Some(token), ("POST", CLIENTS), Some(&wanted)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    reply
}

fn web(name: &str) -> Value {
    json!({ "type": "web", "name": name, "redirect_uris": [CALLBACK] })
}

/// What a sign-in through an application gives it, if it proves itself by this secret.
async fn sign_in(app: &App, client_id: &str, secret: &str) -> Reply {
    let asked = [("client_id", client_id), ("scope", "openid"), ("organization", "acme")];
    let browser = app.browser();
    let page = browser.authorize(&asked).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    app.token_as(client_id, secret, &form).await
}

#[tokio::test]
async fn people_sign_in_to_an_application_that_an_organization_made() {
    let app = app().await;
    let token = token_of(&app, "all").await;

    let made = made(&app, &token, web("Wiki")).await;
    let (id, client_id, secret) = (made.text("id"), made.text("client_id"), made.text("client_secret"));
    let tokens = sign_in(&app, &client_id, &secret).await;

    assert_eq!(client_id, id, "it chooses no name that another could have");
    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    let listed = call(&app, Some(&token), ("GET", &format!("{CLIENTS}?limit=200")), None).await;
    let listed = listed.body["items"].as_array().expect("items");
    assert!(listed.iter().any(|client| client["id"] == id.as_str() && client["own"] == true), "{listed:?}");
    let read = call(&app, Some(&token), ("GET", &format!("{CLIENTS}/{id}")), None).await;
    assert!(!read.body.to_string().contains(&secret), "it is shown once");
    let mut shown = read.body;
    for varying in ["id", "client_id", "resource"] {
        shown[varying] = json!("…");
    }
    insta::assert_json_snapshot!(shown, @r#"
    {
      "access_token_secs": null,
      "audience": "owner",
      "authentication": "client_secret",
      "backchannel_logout_uri": null,
      "claims": [],
      "claims_budget_bytes": 2048,
      "client_id": "…",
      "dpop_bound_access_tokens": false,
      "frontchannel_logout_uri": null,
      "grants": [
        "authorization_code",
        "refresh_token"
      ],
      "home_url": null,
      "id": "…",
      "initiate_login_uri": null,
      "issuer": "shared",
      "jwks": null,
      "jwks_uri": null,
      "name": "Wiki",
      "party": "first",
      "permissions": [],
      "post_logout_redirect_uris": [],
      "profile": "oauth",
      "redirect_uris": [
        "http://localhost:9/callback"
      ],
      "refresh_absolute_secs": null,
      "refresh_idle_secs": null,
      "require_pkce": true,
      "require_pushed_authorization_requests": false,
      "resource": "…",
      "resources": [],
      "roles": [],
      "scopes": null,
      "secrets": [
        {
          "expires_at": null
        }
      ],
      "session_absolute_secs": null,
      "session_idle_secs": null,
      "signing_algorithm": "ES256",
      "status": "active",
      "type": "web",
      "userinfo_signing_algorithm": null
    }
    "#);

    let off = json!({ "status": "disabled" });
    let off = call(&app, Some(&token), ("PATCH", &format!("{CLIENTS}/{id}")), Some(&off)).await;

    assert_eq!((off.status, off.text("status").as_str()), (200, "disabled"));
    let asked = [("client_id", client_id.as_str()), ("scope", "openid"), ("organization", "acme")];
    assert_eq!(app.browser().authorize(&asked).await.status, 403);
    let events = app.events("acme").await;
    assert_eq!(
        events.iter().filter(|event| event.starts_with("client.configured")).count(),
        2 + first(&app).await
    );
}

/// Those of the file that the suite begins with.
async fn first(app: &App) -> usize {
    let by_file = "select count(*) from audit_events event join organizations org using (org_id)
                   where action = 'client.configured' and actor_kind = 'operator' and org.slug = 'acme'";
    let count: i64 = sqlx::query_scalar(by_file).fetch_one(app.database.superuser()).await.expect("counted");
    usize::try_from(count).expect("few")
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_moment_in_which_neither_works() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let made = made(&app, &token, json!({ "type": "machine", "name": "Robot" })).await;
    let (client_id, first) = (made.text("client_id"), made.text("client_secret"));
    let secrets = format!("{CLIENTS}/{}/secrets", made.text("id"));
    let works = async |secret: &str| {
        app.token_as(&client_id, secret, &[("grant_type", "client_credentials")]).await.status == 200
    };
    assert!(works(&first).await);

    let second = call(&app, Some(&token), ("POST", &secrets), Some(&json!({}))).await;
    let second = second.text("client_secret");
    let both = [works(&first).await, works(&second).await];
    let third = call(&app, Some(&token), ("POST", &secrets), Some(&json!({ "overlap_secs": 0 }))).await;
    let third = third.text("client_secret");

    assert_eq!(both, [true, true]);
    assert_eq!([works(&first).await, works(&second).await, works(&third).await], [false, false, true]);
    assert!(app.events("acme").await.iter().any(|event| event.starts_with("client.secret_rotated")));
}

#[tokio::test]
async fn a_machine_does_what_its_roles_let_it() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let api = app.env.issuer.api();
    let wanted =
        json!({ "type": "machine", "name": "Robot", "resources": [api], "scopes": ["orgate:users:read"] });
    let made = made(&app, &token, wanted).await;
    let (client_id, secret) = (made.text("client_id"), made.text("client_secret"));
    let roles = call(&app, Some(&token), ("GET", "/organizations/acme/roles?limit=200"), None).await;
    let roles = roles.body["items"].as_array().expect("items").clone();
    let role = roles.iter().find(|role| role["slug"] == only("orgate:users:read").as_str()).expect("one");
    let path = format!("{CLIENTS}/{}/roles/{}", made.text("id"), role["id"].as_str().expect("an id"));
    let users = async || {
        let form = [("grant_type", "client_credentials"), ("resource", &api), ("scope", "orgate:users:read")];
        let given = app.token_as(&client_id, &secret, &form).await;
        call(&app, Some(&given.text("access_token")), ("GET", "/organizations/acme/users"), None).await.status
    };

    let before = users().await;
    let given = call(&app, Some(&token), ("PUT", &path), None).await.status;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await; // a machine's standing is up to a second old
    let with = users().await;
    let gone = call(&app, Some(&token), ("DELETE", &path), None).await.status;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;

    assert_eq!((before, given, with, gone, users().await), (403, 204, 200, 204, 403));
}

/// Whoever may set up applications is not an administrator by it.
#[tokio::test]
async fn nobody_gets_by_an_application_what_they_do_not_hold() {
    let app = app().await;
    let token = token_of(&app, &only("orgate:clients:manage")).await;
    let all = token_of(&app, "all").await;
    let listed = call(&app, Some(&all), ("GET", &format!("{CLIENTS}?limit=200")), None).await;
    let id_of = |name: &str| {
        let items = listed.body["items"].as_array().expect("items");
        let found = items.iter().find(|client| client["client_id"] == name).expect("one");
        found["id"].as_str().expect("an id").to_owned()
    };
    let (above, plain) = (id_of("all"), id_of("plain"));
    let of = |id: &str, below: &str| format!("{CLIENTS}/{id}{below}");
    let scoped = |scopes: &[&str]| {
        let mut wanted = web("Wiki");
        wanted["scopes"] = json!(scopes);
        wanted
    };

    for (method, path, body) in [
        ("POST", CLIENTS.to_owned(), scoped(&["openid", "orgate:users:read"])),
        ("POST", CLIENTS.to_owned(), scoped(&["orgate:*"])),
        ("PATCH", of(&above, ""), json!({ "name": "Mine" })),
        (
            "PATCH",
            of(&above, ""),
            json!({ "authentication": "private_key_jwt", "jwks_uri": "https://evil.test/keys" }),
        ),
        ("PATCH", of(&plain, ""), json!({ "scopes": ["orgate:audit:read"] })),
        ("POST", of(&above, "/secrets"), json!({ "overlap_secs": 0 })),
        // Nor what applications let people do: by a machine's role, or unasked by whoever signs in.
        ("POST", of(&plain, "/secrets"), json!({ "overlap_secs": 0 })),
        ("POST", CLIENTS.to_owned(), web("Wiki")),
        // Nor what happens to everybody.
        ("POST", CLIENTS.to_owned(), json!({ "type": "machine", "name": "Ear", "scopes": ["ssf.manage"] })),
    ] {
        let refused = call(&app, Some(&token), (method, &path), Some(&body)).await;
        assert_eq!(
            (refused.status, refused.text("type").as_str()),
            (403, "urn:orgate:problem:forbidden"),
            "{path}: {body}"
        );
    }

    let mut own = scoped(&["openid", "notes", "orgate:clients:manage"]);
    own["party"] = json!("third");
    assert_eq!(call(&app, Some(&token), ("POST", CLIENTS), Some(&own)).await.status, 201);
    // Nor does anybody read them who may not.
    let blind = token_of(&app, &but("orgate:clients:read")).await;
    assert_eq!(call(&app, Some(&blind), ("GET", &of(&plain, "")), None).await.status, 403);
    assert!(app.events("acme").await.contains(&"api.refused refused beyond_caller".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_is_told_where_it_is_and_changes_nothing() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let count = async || {
        let count: i64 = sqlx::query_scalar("select count(*) from clients")
            .fetch_one(app.database.superuser())
            .await
            .expect("counted");
        count
    };
    let before = count().await;
    let with = |key: &str, value: Value| {
        let mut wanted = web("Wiki");
        wanted[key] = value;
        wanted
    };
    let many: Vec<String> = (0..101).map(|number| format!("https://app.test/{number}")).collect();

    for (wanted, pointer) in [
        (json!({ "name": "Wiki" }), "/type"),
        (json!({ "type": "web", "redirect_uris": [CALLBACK] }), ""),
        (json!({ "type": "web", "name": "Wiki" }), "/redirect_uris"),
        (with("type", json!("service")), "/type"),
        (with("client_id", json!("wiki")), "/client_id"),
        (with("client_id", json!("no spaces")), "/client_id"),
        (with("audience", json!("all")), "/audience"),
        (with("audience", json!("granted")), "/audience"),
        (with("party", json!("unregistered")), "/party"),
        (with("redirect_uris", json!(["http://app.test/"])), "/redirect_uris/0"),
        (with("redirect_uris", json!(["https://app.test/#x"])), "/redirect_uris/0"),
        (with("redirect_uris", json!(many)), "/redirect_uris"),
        (with("backchannel_logout_uri", json!("javascript:alert(1)")), "/backchannel_logout_uri"),
        (with("permissions", json!(["orgate:users:read"])), "/permissions/0"),
        (with("scopes", json!(["two words"])), "/scopes/0"),
        (with("resources", json!(["relative"])), "/resources/0"),
        (with("grants", json!(["password"])), "/grants/0"),
        (with("authentication", json!("none")), "/authentication"),
        (with("authentication", json!("private_key_jwt")), "/authentication"),
        (with("jwks", json!({ "keys": "none" })), "/jwks"),
        (with("profile", json!("fapi2")), "/profile"),
        (with("signing_algorithm", json!("none")), "/signing_algorithm"),
        (with("signing_algorithm", json!("HS256")), "/signing_algorithm"),
        (with("access_token_secs", json!(86400)), "/access_token_secs"),
        (with("claims_budget_bytes", json!(9000)), "/claims_budget_bytes"),
        (with("claims", json!([{ "name": "org_id", "from": "user.name" }])), "/claims/0/name"),
        (with("claims", json!([{ "name": "plan", "from": "user.name", "extra": 1 }])), "/claims/0/extra"),
        (with("secrets", json!([])), "/secrets"),
        (with("org_id", json!("org_00000000000000000000000000")), "/org_id"),
    ] {
        let reply = call(&app, Some(&token), ("POST", CLIENTS), Some(&wanted)).await;
        assert_eq!(reply.status, 422, "{wanted}: {:?}", reply.body);
        assert_eq!(reply.body["errors"][0]["pointer"], pointer, "{wanted}: {:?}", reply.body);
    }

    assert_eq!(count().await, before);
}

#[tokio::test]
async fn one_that_is_asked_for_twice_is_made_once_and_its_secret_told_once() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let ask = async || {
        let request =
            client().post(app.at(&format!("{PATH}{CLIENTS}"))).bearer_auth(&token).json(&web("Wiki"));
        Reply::of(request.header("idempotency-key", "once").send().await.expect("answered")).await
    };

    let (first, second) = (ask().await, ask().await);

    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text("id"), second.text("id"));
    assert!(!first.body["client_secret"].is_null() && second.body["client_secret"].is_null());
    // What was read since is not changed unseen.
    let path = format!("{CLIENTS}/{}", first.text("id"));
    let read = call(&app, Some(&token), ("GET", &path), None).await;
    let tag = read.headers["etag"].to_str().expect("text").to_owned();
    let rename = async |name: &str| {
        let request = client().patch(app.at(&format!("{PATH}{path}"))).bearer_auth(&token);
        let request = request.header("if-match", &tag).json(&json!({ "name": name }));
        request.send().await.expect("answered").status().as_u16()
    };
    assert_eq!((rename("One").await, rename("Two").await), (200, 412));
}

#[tokio::test]
async fn an_application_is_granted_to_an_organization_and_taken_back() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let wanted = json!({
        "type": "web", "client_id": "atlas", "name": "Atlas", "audience": "granted", "redirect_uris": [CALLBACK],
    });
    let made = call(&app, Some(&operator), ("POST", "/organizations/operator/clients"), Some(&wanted)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let secret = made.text("client_secret");
    let path = |organization: &str| format!("/organizations/{organization}/applications/{}", made.text("id"));
    let acme = token_of(&app, "all").await;
    let listed = async || {
        let path = "/organizations/acme/applications?limit=200";
        let reply = call(&app, Some(&acme), ("GET", path), None).await;
        let items = reply.body["items"].as_array().expect("items").clone();
        items.into_iter().find(|client| client["client_id"] == "atlas")
    };
    let asked = [("client_id", "atlas"), ("scope", "openid"), ("organization", "acme")];
    assert_eq!(listed().await, None);

    assert_eq!(call(&app, Some(&acme), ("PUT", &path("acme")), None).await.status, 404, "not theirs to say");
    let granted = call(&app, Some(&operator), ("PUT", &path("acme")), None).await.status;

    assert_eq!(granted, 204);
    let shown = listed().await.expect("it is listed");
    assert_eq!((&shown["own"], &shown["audience"]), (&json!(false), &json!("granted")));
    assert_eq!(sign_in(&app, "atlas", &secret).await.status, 200);
    // Who uses it cannot change it, nor see it as theirs.
    let theirs = format!("{CLIENTS}/{}", made.text("id"));
    for (method, body) in [("GET", None), ("PATCH", Some(json!({ "name": "Mine" })))] {
        assert_eq!(call(&app, Some(&acme), (method, &theirs), body.as_ref()).await.status, 404);
    }
    let told: Vec<(String, String)> = sqlx::query_as(
        "select event.detail ->> 'part', event.detail ->> 'operator_reason' from audit_events event
         join organizations org using (org_id)
         where action = 'client.configured' and org.slug = 'acme' and event.detail ->> 'client_id' = 'atlas'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(told, [("access".to_owned(), "to try what happens".to_owned())]);

    assert_eq!(call(&app, Some(&operator), ("DELETE", &path("acme")), None).await.status, 204);

    assert_eq!(listed().await, None);
    assert_ne!(app.browser().authorize(&asked).await.status, 200);
    let everybodys =
        call(&app, Some(&operator), ("GET", "/organizations/operator/clients?limit=200"), None).await;
    let items = everybodys.body["items"].as_array().expect("items").clone();
    let admin = items.iter().find(|client| client["client_id"] == "admin").expect("one");
    let path = format!("/organizations/acme/applications/{}", admin["id"].as_str().expect("an id"));
    assert_eq!(
        call(&app, Some(&operator), ("PUT", &path), None).await.status,
        409,
        "it is everybody's already"
    );
}

/// The operator's name stays its own in every organization.
#[tokio::test]
async fn a_client_id_is_never_given_to_another() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let wanted = json!({ "type": "machine", "client_id": "all", "name": "All" });

    let taken = call(&app, Some(&operator), ("POST", "/organizations/operator/clients"), Some(&wanted)).await;

    assert_eq!((taken.status, taken.text("type").as_str()), (409, "urn:orgate:problem:taken"));
    assert_eq!(taken.body["errors"][0]["pointer"], "/client_id");
    assert!(!token_of(&app, "all").await.is_empty(), "Acme's goes on");
}

/// A release sets it right with the next sign-in: what somebody changed meanwhile would seem to hold.
#[tokio::test]
async fn of_orgates_own_application_only_the_status_is_changed() {
    let app = app().await;
    app.browser().get("/admin/acme").await;
    let operator = token_of(&app, "operator-all").await;
    let clients = "/organizations/operator/clients";
    let listed = call(&app, Some(&operator), ("GET", &format!("{clients}?limit=200")), None).await;
    let listed = listed.body["items"].as_array().expect("items");
    let own = listed.iter().find(|client| client["client_id"] == "orgate-admin").expect("made");
    let path = format!("{clients}/{}", own["id"].as_str().expect("an id"));
    let change = async |body: Value| call(&app, Some(&operator), ("PATCH", &path), Some(&body)).await;

    let renamed = change(json!({ "name": "Mine" })).await;
    let both = change(json!({ "status": "disabled", "redirect_uris": [CALLBACK] })).await;
    let switched = change(json!({ "status": "disabled" })).await;

    for refused in [&renamed, &both] {
        assert_eq!(refused.status, 422, "{:?}", refused.body);
        assert!(refused.body.to_string().contains("only `status` can be changed"), "{:?}", refused.body);
    }
    assert_eq!((switched.status, switched.text("status").as_str()), (200, "disabled"), "{:?}", switched.body);
    assert_eq!(
        (switched.text("name").as_str(), switched.body["redirect_uris"][0] == CALLBACK),
        ("Administration", false)
    );
}
