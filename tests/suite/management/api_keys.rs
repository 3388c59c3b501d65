//! API keys: what they may do, for whom, and for how long; and what must not work.

mod connections;

use chrono::Duration;
use orgate_domain::api_keys::{DEFAULT_LIFETIME, MAX_KEYS_OF_MAKER, MAX_LIFETIME};
use orgate_domain::credentials::{ApiKeySecret, Credential};
use orgate_domain::ids::OrgId;
use orgate_domain::quotas::Quota;
use orgate_tests::app::{App, Reply, SECRET, client};
use serde_json::{Value, json};

use super::rights::{hold_rights, let_go};
use super::{PATH, Things, app, call, of_operator, only, token_of, token_of_user};

const KEYS: &str = "/organizations/acme/api-keys";
const USERS: (&str, &str) = ("GET", "/organizations/acme/users");

/// A key of whoever has the token, for these permissions, in their organization.
async fn key_of(app: &App, token: &str, organization: &str, permissions: &[&str]) -> Reply {
    let path = format!("/organizations/{organization}/api-keys");
    let wanted = json!({ "name": "Nightly", "permissions": permissions });
    let made = call(app, Some(token), ("POST", &path), Some(&wanted)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    made
}

async fn status(app: &App, key: &str, operation: (&str, &str)) -> u16 {
    call(app, Some(key), operation, None).await.status
}

#[tokio::test]
async fn a_key_is_shown_once_acts_for_its_maker_and_is_worth_nothing_once_it_is_taken_back() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;

    let made = key_of(&app, &ada, "acme", &["orgate:users:*", "orgate:roles:read"]).await;

    insta::assert_json_snapshot!(made.body, {
        ".id" => "apk_…", ".created_at" => "…", ".expires_at" => "…", ".key" => "ogak_…", ".created_by" => "usr_…",
    }, @r#"
    {
      "created_at": "…",
      "created_by": "usr_…",
      "expires_at": "…",
      "id": "apk_…",
      "key": "ogak_…",
      "last_used_at": null,
      "name": "Nightly",
      "permissions": [
        "orgate:roles:read",
        "orgate:users:*"
      ],
      "revoked_at": null
    }
    "#);
    assert_eq!(made.headers["cache-control"], "no-store");
    let key = made.text("key");
    assert!(key.starts_with("ogak_") && key.len() == 90, "{key}");
    assert_eq!(status(&app, &key, USERS).await, 200);
    let wanted = json!({ "email": "nina@acme.test", "name": "Nina" });
    assert_eq!(call(&app, Some(&key), ("POST", USERS.1), Some(&wanted)).await.status, 201);
    let beyond = call(&app, Some(&key), ("GET", "/organizations/acme/sessions"), None).await;
    assert_eq!((beyond.status, beyond.text("type").as_str()), (403, "urn:orgate:problem:forbidden"));
    assert!(beyond.text("detail").contains("not made for this"), "{:?}", beyond.body);

    let at = made.headers["location"].to_str().expect("an address").to_owned();
    let path = at.split_once("/api/v1").expect("the API").1.to_owned();
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert_eq!((read.status, read.body["name"].as_str()), (200, Some("Nightly")));
    assert!(
        read.body["last_used_at"].is_string() && !read.body.to_string().contains("ogak"),
        "{:?}",
        read.body
    );
    let listed = call(&app, Some(&ada), ("GET", KEYS), None).await;
    assert_eq!(listed.body["items"], json!([read.body]));
    for _ in 0..2 {
        assert_eq!(status_of_delete(&app, &ada, &path).await, 204);
    }
    let refused = call(&app, Some(&key), USERS, None).await;
    assert_eq!((refused.status, refused.text("type").as_str()), (401, "urn:orgate:problem:unauthorized"));
    assert!(refused.headers["www-authenticate"].to_str().is_ok_and(|text| text.contains("invalid_token")));
    let stored: Vec<(Vec<u8>,)> = sqlx::query_as("select key_hash from api_keys")
        .fetch_all(app.database.superuser())
        .await
        .expect("the keys");
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].0.len(), 32, "nothing but a hash is kept");
}

async fn status_of_delete(app: &App, token: &str, path: &str) -> u16 {
    call(app, Some(token), ("DELETE", path), None).await.status
}

/// What the audit log says of these actions: who, by which application, in a session or not, and the detail.
async fn told(app: &App, actions: &[&str]) -> Vec<(String, Option<String>, bool, Value)> {
    sqlx::query_as(
        "select actor_kind, actor_id, session_id is not null, detail from audit_events
         where action = any($1) order by occurred_at, id",
    )
    .bind(actions)
    .fetch_all(app.database.superuser())
    .await
    .expect("the log")
}

#[tokio::test]
async fn the_log_names_the_maker_and_the_key_and_never_the_secret() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let made = key_of(&app, &ada, "acme", &["orgate:groups:manage"]).await;
    let (key, id) = (made.text("key"), made.text("id"));
    let group = json!({ "slug": "staff", "name": "Staff" });

    assert_eq!(
        call(&app, Some(&key), ("POST", "/organizations/acme/groups"), Some(&group)).await.status,
        201
    );
    assert_eq!(status(&app, &key, USERS).await, 403);
    status_of_delete(&app, &ada, &format!("{KEYS}/{id}")).await;

    let maker = made.text("created_by");
    let done = told(&app, &["api_key.created", "api_key.revoked"]).await;
    assert_eq!(done.len(), 2);
    for (kind, actor, in_session, detail) in &done {
        assert_eq!((kind.as_str(), actor.as_deref(), *in_session), ("user", Some(&*maker), true));
        assert_eq!(detail["api_key"], id);
    }
    assert_eq!(done[0].3["permissions"], "orgate:groups:manage");
    let by_key = told(&app, &["group.configured"]).await;
    let [(kind, actor, in_session, detail)] = by_key.as_slice() else { panic!("{by_key:?}") };
    assert_eq!((kind.as_str(), actor.as_deref(), *in_session), ("user", Some(&*maker), false));
    assert_eq!(detail["by_api_key"], id);
    let mut refusals = Vec::new();
    for _ in 0..50 {
        refusals = told(&app, &["api.refused"]).await;
        if !refusals.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(refusals[0].3["by_api_key"], id);
    assert!(app.events("acme").await.contains(&"api.refused refused beyond_key".to_owned()));
    let whole: String =
        sqlx::query_scalar("select coalesce(string_agg(event::text, ''), '') from audit_events event")
            .fetch_one(app.database.superuser())
            .await
            .expect("the log");
    assert!(!whole.contains("ogak_"));
}

#[tokio::test]
async fn a_key_is_for_nothing_that_its_maker_may_not_do_or_their_token_does_not_lend() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: narrow, organization: acme, name: Narrow, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], \
         scopes: [\"orgate:api_keys:manage\", \"orgate:users:read\"], roles: [all] }}\n"
    ))
    .await;
    let narrow = token_of(&app, "narrow").await;
    let manager = token_of(&app, &only("orgate:api_keys:manage")).await;
    let ask = async |token: &str, wanted: Value| {
        let reply = call(&app, Some(token), ("POST", KEYS), Some(&wanted)).await;
        (reply.status, reply.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned())
    };
    let of = |permissions: &[&str]| json!({ "name": "Key", "permissions": permissions });
    let refused = |pointer: &str| (403, pointer.to_owned());

    assert_eq!(
        ask(&narrow, of(&["orgate:users:read", "orgate:users:manage"])).await,
        refused("/permissions/1")
    );
    assert_eq!(ask(&narrow, of(&["orgate:users:*"])).await, refused("/permissions/0"), "a wildcard is more");
    assert_eq!(ask(&narrow, of(&["orgate:*"])).await, refused("/permissions/0"));
    assert_eq!(ask(&manager, of(&["orgate:users:read"])).await, refused("/permissions/0"));
    for (wanted, pointer) in [
        (of(&[]), "/permissions"),
        (of(&["orgate:users:read"; 51]), "/permissions"),
        (of(&["notes:read"]), "/permissions/0"),
        (of(&["orgate:users:fly"]), "/permissions/0"),
        (of(&["Orgate:users:read"]), "/permissions/0"),
        (json!({ "name": "", "permissions": ["orgate:users:read"] }), "/name"),
        (json!({ "name": "x".repeat(101), "permissions": ["orgate:users:read"] }), "/name"),
        (json!({ "name": "\u{202e}yek", "permissions": ["orgate:users:read"] }), "/name"),
        (
            json!({ "name": "Key", "permissions": ["orgate:users:read"], "expires_in_days": 0 }),
            "/expires_in_days",
        ),
        (
            json!({ "name": "Key", "permissions": ["orgate:users:read"], "expires_in_days": 367 }),
            "/expires_in_days",
        ),
        (json!({ "name": "Key", "permissions": ["orgate:users:read"], "user_id": "usr_x" }), "/user_id"),
    ] {
        assert_eq!(ask(&narrow, wanted.clone()).await, (422, pointer.to_owned()), "{wanted}");
    }
    assert_eq!(count(&app).await, 0);
    assert_eq!(ask(&narrow, of(&["orgate:users:read"])).await.0, 201);
    assert_eq!(ask(&manager, of(&["orgate:api_keys:manage"])).await.0, 201);
}

async fn count(app: &App) -> i64 {
    let all = "select count(*) from api_keys";
    sqlx::query_scalar(all).fetch_one(app.database.superuser()).await.expect("counted")
}

#[tokio::test]
async fn a_key_falls_with_its_maker_and_what_they_hold() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let key = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    let with = async |acme: &str| {
        app.apply(&format!("organizations: [{{ slug: acme, name: Acme Inc, {acme} }}]")).await;
    };
    let ada_is =
        async |what: &str| with(&format!("users: [{{ email: ada@acme.test, name: Ada, {what} }}]")).await;
    assert_eq!(status(&app, &key, USERS).await, 200);

    ada_is("roles: [viewer]").await;
    assert_eq!(status(&app, &key, USERS).await, 403, "she has the role no more");
    ada_is("roles: [admin]").await;
    assert_eq!(status(&app, &key, USERS).await, 200);
    ada_is("roles: [admin], status: deactivated").await;
    assert_eq!(status(&app, &key, USERS).await, 401);
    ada_is("roles: [admin], status: active").await;
    assert_eq!(status(&app, &key, USERS).await, 401, "whoever has it may not be who she is");
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let key = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    with("policy: { sso_enforcement: organization }").await;
    assert_eq!(
        status(&app, &key, USERS).await,
        401,
        "a session that began with a password would not stand either"
    );
    with("policy: { sso_enforcement: \"off\" }").await;
    assert_eq!(status(&app, &key, USERS).await, 200);
    let operator = token_of(&app, "operator-all").await;
    let turn = async |to: &str| {
        let body = json!({ "status": to });
        call(&app, Some(&operator), ("PUT", "/organizations/acme/status"), Some(&body)).await.status
    };
    assert_eq!(turn("suspended").await, 200);
    assert_eq!(status(&app, &key, USERS).await, 401);
    assert_eq!(turn("active").await, 200);
    assert_eq!(status(&app, &key, USERS).await, 200);
}

#[tokio::test]
async fn a_machines_key_falls_with_the_machine_and_a_users_with_the_application_it_was_made_with() {
    let app = app().await;
    let machine = key_of(&app, &token_of(&app, "all").await, "acme", &["orgate:*"]).await.text("key");
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let ada = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    for key in [&machine, &ada] {
        assert_eq!(status(&app, key, USERS).await, 200);
    }
    let disable = async |client: &str| {
        let statement = "update client_directory set status = 'disabled' where client_id = $1";
        let done =
            sqlx::query(statement).bind(client).execute(app.database.superuser()).await.expect("disabled");
        assert_eq!(done.rows_affected(), 1);
    };

    disable("all").await;
    assert_eq!((status(&app, &machine, USERS).await, status(&app, &ada, USERS).await), (401, 200));
    disable("admin").await;
    assert_eq!(status(&app, &ada, USERS).await, 401);
}

#[tokio::test]
async fn a_key_lapses_and_its_use_is_noted_once_an_hour() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let made = key_of(&app, &token, "acme", &["orgate:users:read", "orgate:api_keys:read"]).await;
    let (key, path) = (made.text("key"), format!("{KEYS}/{}", made.text("id")));
    let time = |reply: &Reply, name: &str| {
        chrono::DateTime::parse_from_rfc3339(&reply.text(name)).expect("a time").to_utc()
    };
    let lifetime = time(&made, "expires_at") - time(&made, "created_at");
    assert_eq!(lifetime, DEFAULT_LIFETIME);
    let used = async || {
        assert_eq!(status(&app, &key, USERS).await, 200);
        time(&call(&app, Some(&key), ("GET", &path), None).await, "last_used_at")
    };

    let first = used().await;
    app.clock.advance(Duration::minutes(50));
    assert_eq!(used().await, first);
    app.clock.advance(Duration::minutes(15));
    let later = used().await;
    assert!(later - first >= Duration::hours(1), "{first} {later}");
    app.clock.advance(lifetime - Duration::hours(2));
    assert_eq!(status(&app, &key, USERS).await, 200);
    app.clock.advance(Duration::hours(2));
    assert_eq!(status(&app, &key, USERS).await, 401);
    let longest = json!({ "name": "Long", "permissions": ["orgate:users:read"], "expires_in_days": MAX_LIFETIME.num_days() });
    let token = token_of(&app, "all").await;
    assert_eq!(call(&app, Some(&token), ("POST", KEYS), Some(&longest)).await.status, 201);
}

#[tokio::test]
async fn a_key_makes_no_keys_and_no_tokens_and_opens_nothing_but_the_api() {
    let app = app().await;
    let made = key_of(&app, &token_of(&app, "all").await, "acme", &["orgate:*"]).await;
    let key = made.text("key");
    let wanted = json!({ "name": "Another", "permissions": ["orgate:users:read"] });

    let another = call(&app, Some(&key), ("POST", KEYS), Some(&wanted)).await;

    assert_eq!((another.status, another.text("type").as_str()), (403, "urn:orgate:problem:forbidden"));
    assert!(another.text("detail").contains("makes no keys"), "{:?}", another.body);
    assert_eq!(count(&app).await, 1);
    let api = app.env.issuer.api();
    let exchange = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", key.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
    ];
    assert_ne!(app.token_as("all", SECRET, &exchange).await.status, 200);
    for form in [
        vec![("grant_type", "refresh_token"), ("refresh_token", key.as_str())],
        vec![("grant_type", "authorization_code"), ("code", key.as_str())],
    ] {
        assert_eq!(app.token(&form).await.status, 400);
    }
    let credentials = [("grant_type", "client_credentials"), ("resource", api.as_str())];
    assert_eq!(app.token_as("all", &key, &credentials).await.status, 401, "as a secret");
    assert_eq!(app.userinfo(&key).await.status, 401);
    let active = app.post_as("/introspect", ("notes", SECRET), &[("token", &key)]).await;
    assert_eq!(active.body, json!({ "active": false }));
    app.post_as("/revoke", ("all", SECRET), &[("token", &key)]).await;
    for path in ["/ssf/streams", "/ssf/status", "/scim/v2/Users"] {
        let reply = client().get(app.at(path)).bearer_auth(&key).send().await.expect("answered");
        assert!([401, 404].contains(&reply.status().as_u16()), "{path}: {}", reply.status());
    }
    // At the API, in the header alone, as a bearer's.
    let users = format!("{PATH}{}", USERS.1);
    let ask =
        async |request: reqwest::RequestBuilder| request.send().await.expect("answered").status().as_u16();
    for name in ["access_token", "api_key", "key"] {
        assert_eq!(ask(client().get(app.at(&format!("{users}?{name}={key}")))).await, 401);
        assert_eq!(ask(client().get(app.at(&users)).header("cookie", format!("{name}={key}"))).await, 401);
    }
    assert_eq!(ask(client().get(app.at(&users)).header("x-api-key", &key)).await, 401);
    assert_eq!(ask(client().get(app.at(&users)).basic_auth(&key, None::<&str>)).await, 401);
    assert_eq!(ask(client().get(app.at(&users)).header("authorization", format!("DPoP {key}"))).await, 401);
    let proven = client().get(app.at(&users)).header("authorization", format!("DPoP {key}"));
    assert_eq!(ask(proven.header("dpop", "e30.e30.e30")).await, 401, "it is bound to no key");
    assert_eq!(ask(client().get(app.at(&users)).bearer_auth(&key)).await, 200, "it was revoked nowhere");
}

/// One answer, whatever there is.
#[tokio::test]
async fn a_key_of_another_organization_or_of_nobody_opens_and_tells_nothing() {
    let app = app().await;
    let (acme, globex) = (Things::of(&app, "acme").await, Things::of(&app, "globex").await);
    let token = token_of(&app, "all").await;
    let key = key_of(&app, &token, "acme", &["orgate:*"]).await.text("key");
    let said = |reply: Reply| (reply.status, reply.body.to_string());
    let ask = async |path: &str| said(call(&app, Some(&key), ("GET", path), None).await);

    let nowhere = ask("/organizations/nowhere/users").await;
    assert_eq!(nowhere.0, 404);
    let globex_id = app.org("globex").await.org_id();
    for organization in ["globex", &globex_id.to_string()] {
        assert_eq!(ask(&format!("/organizations/{organization}/users")).await, nowhere);
    }
    assert_eq!(ask("/organizations").await.0, 404, "that takes an operator");
    let nobodys = ask(&format!("{KEYS}/apk_00000000000000000000000000")).await;
    assert_eq!(ask(&format!("{KEYS}/{}", globex.api_key)).await, nobodys);
    assert_eq!(ask(&format!("{KEYS}/{}", acme.api_key)).await.0, 200);
    let theirs = format!("{KEYS}/{}", globex.api_key);
    assert_eq!(status_of_delete(&app, &key, &theirs).await, 404);
    let left: bool = sqlx::query_scalar("select bool_and(revoked_at is null) from api_keys")
        .fetch_one(app.database.superuser())
        .await
        .expect("the keys");
    assert!(left, "nothing was taken back");

    // The secret of one in the name of another: of whatever is wrong with it, nothing is told.
    let named = |org: OrgId| Credential::<ApiKeySecret>::new(org, &[7; 32]);
    let acme_id = app.org("acme").await.org_id();
    let unknown = OrgId::from_uuid(uuid::Uuid::from_u128(7));
    let mut flipped = key.clone();
    let last = if flipped.pop() == Some('0') { '1' } else { '0' };
    flipped.push(last);
    let mut answers = Vec::new();
    for forged in [
        named(acme_id).reveal().to_owned(),
        named(globex_id).reveal().to_owned(),
        named(unknown).reveal().to_owned(),
        flipped,
    ] {
        for organization in ["acme", "globex", "nowhere"] {
            let path = format!("/organizations/{organization}/users");
            answers.push(said(call(&app, Some(&forged), ("GET", &path), None).await));
        }
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn who_presents_too_many_forged_keys_is_told_to_wait() {
    let app = App::start_with(|settings| settings.limits.refusals_per_minute = 3).await;
    let acme = app.org("acme").await.org_id();
    let forged = Credential::<ApiKeySecret>::new(acme, &[7; 32]);

    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(status(&app, forged.reveal(), USERS).await);
    }

    assert_eq!(statuses, [401, 401, 401, 429]);
    app.apply(&super::machines(&app)).await;
    let good = key_of(&app, &token_of(&app, "all").await, "acme", &["orgate:users:read"]).await.text("key");
    assert_eq!(status(&app, &good, USERS).await, 429, "none is looked for until then");
}

#[tokio::test]
async fn an_operator_lists_and_takes_back_keys_elsewhere_and_makes_none_there() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let made = key_of(&app, &ada, "acme", &["orgate:users:read"]).await;
    let operator = token_of(&app, "operator-all").await;
    let wanted = json!({ "name": "There", "permissions": ["orgate:users:read"] });

    let refused = call(&app, Some(&operator), ("POST", KEYS), Some(&wanted)).await;

    assert_eq!((refused.status, refused.text("type").as_str()), (403, "urn:orgate:problem:forbidden"));
    assert_eq!(count(&app).await, 1);
    let listed = call(&app, Some(&operator), ("GET", KEYS), None).await;
    assert_eq!(listed.body["items"][0]["id"], made.text("id"));
    // By a key of the operator's own, for a reason: it is told there who, and by which key.
    let own = key_of(&app, &operator, "operator", &["orgate:*"]).await;
    let path = format!("{KEYS}/{}", made.text("id"));
    assert_eq!(status_of_delete(&app, &own.text("key"), &path).await, 204);
    let by = told(&app, &["api_key.revoked"]).await;
    let [(kind, None, false, detail)] = by.as_slice() else { panic!("{by:?}") };
    assert_eq!((kind.as_str(), &detail["by_api_key"]), ("operator", &json!(own.text("id"))));
    assert!(detail["operator"].as_str().is_some_and(|id| id.starts_with("cli_")));
    assert_eq!(status(&app, &made.text("key"), USERS).await, 401);
    assert_eq!(status(&app, &own.text("key"), ("GET", "/organizations")).await, 200);
    let hooli = json!({ "slug": "hooli", "name": "Hooli" });
    assert_eq!(
        call(&app, Some(&own.text("key")), ("POST", "/organizations"), Some(&hooli)).await.status,
        201
    );
    let narrow = key_of(&app, &operator, "operator", &["orgate:users:read"]).await.text("key");
    assert_eq!(
        status(&app, &narrow, USERS).await,
        404,
        "without leave to act elsewhere there is nothing elsewhere"
    );
    assert_eq!(status(&app, &narrow, ("GET", "/organizations")).await, 403);
    let made = of_operator(&only("orgate:organizations:act"));
    let act = token_of(&app, &made).await;
    assert_eq!(call(&app, Some(&act), ("GET", KEYS), None).await.status, 403);
}

#[tokio::test]
async fn there_are_as_many_keys_as_there_may_be_however_many_are_asked_for_at_once() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let wanted = json!({ "name": "Key", "permissions": ["orgate:users:read"] });
    let post = async || call(&app, Some(&token), ("POST", KEYS), Some(&wanted)).await;
    for _ in 1..MAX_KEYS_OF_MAKER {
        assert_eq!(post().await.status, 201);
    }

    let (first, second, third) = tokio::join!(post(), post(), post());

    let mut statuses = [first.status, second.status, third.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    assert_eq!(post().await.text("type"), "urn:orgate:problem:limit_reached");
    // One that is taken back makes room.
    let listed = call(&app, Some(&token), ("GET", KEYS), None).await;
    let id = listed.body["items"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(status_of_delete(&app, &token, &format!("{KEYS}/{id}")).await, 204);
    assert_eq!(post().await.status, 201);
    // Others have room of their own, up to that of the organization.
    let other = token_of(&app, &only("orgate:api_keys:manage")).await;
    let own = json!({ "name": "Key", "permissions": ["orgate:api_keys:manage"] });
    let fill = "insert into api_keys (org_id, id, key_hash, name, permitted, client_org_id, client_id, created_at, expires_at)
                select key.org_id, gen_random_uuid(), sha256(number::text::bytea), 'Filler', key.permitted, key.client_org_id,
                       (select id from client_directory where client_id = 'plain'), key.created_at, key.expires_at
                from generate_series(1, $1) number, (select * from api_keys limit 1) key";
    let fillers = i32::try_from(i64::from(Quota::ApiKeys.usual()) - MAX_KEYS_OF_MAKER - 1).expect("few");
    sqlx::query(fill).bind(fillers).execute(app.database.superuser()).await.expect("filled");
    assert_eq!(call(&app, Some(&other), ("POST", KEYS), Some(&own)).await.status, 201);
    assert_eq!(call(&app, Some(&other), ("POST", KEYS), Some(&own)).await.status, 409);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_key_and_shows_no_secret_again() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let post = async || {
        let request = client().post(app.at(&format!("{PATH}{KEYS}"))).bearer_auth(&token);
        let request = request.header("idempotency-key", "nightly");
        let wanted = json!({ "name": "Key", "permissions": ["orgate:users:read"] });
        Reply::of(request.json(&wanted).send().await.expect("answered")).await
    };

    let (first, second) = (post().await, post().await);

    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body["id"], second.body["id"]);
    assert!(first.body["key"].is_string() && second.body["key"].is_null());
    assert_eq!(count(&app).await, 1);
}

/// What people consented to is taken back by the consent; a key would outlive it.
#[tokio::test]
async fn an_application_of_a_third_party_makes_no_keys() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let key = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    let api = app.env.issuer.api();
    app.apply(&format!(
        "clients:\n  - {{ client_id: third, organization: acme, name: Third, type: machine, audience: owner, party: third, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [all] }}\n"
    ))
    .await;
    let third = token_of(&app, "third").await;
    let wanted = json!({ "name": "Key", "permissions": ["orgate:users:read"] });

    let refused = call(&app, Some(&third), ("POST", KEYS), Some(&wanted)).await;

    assert_eq!(refused.status, 403, "{:?}", refused.body);
    assert!(refused.text("detail").contains("third party"), "{:?}", refused.body);
    assert_eq!(status(&app, &key, USERS).await, 200);
}

#[tokio::test]
async fn a_client_that_binds_its_tokens_or_may_not_ask_for_the_api_has_no_keys() {
    let app = app().await;
    let key = key_of(&app, &token_of(&app, "all").await, "acme", &["orgate:users:read"]).await.text("key");
    let is = async |what: &str| {
        let client =
            format!("client_id: all, organization: acme, name: all, type: machine, audience: owner, {what}");
        app.apply(&format!("clients: [{{ {client} }}]\n")).await;
        app.env.configuration.forget();
    };
    let api = app.env.issuer.api();
    assert_eq!(status(&app, &key, USERS).await, 200);

    is(&format!("resources: [\"{api}\"], dpop_bound_access_tokens: true")).await;
    assert_eq!(status(&app, &key, USERS).await, 401);
    is(&format!("resources: [\"{api}\"], dpop_bound_access_tokens: false, scopes: [\"orgate:*\"]")).await;
    assert_eq!(status(&app, &key, USERS).await, 200);
    is(&format!("resources: [\"{api}\"]")).await;
    assert_eq!(status(&app, &key, USERS).await, 403, "a machine without a list gets no scope, by whatever");
    is("resources: []").await;
    assert_eq!(status(&app, &key, USERS).await, 401);
    is(&format!("resources: [\"{api}\"], scopes: [\"orgate:roles:read\"]")).await;
    assert_eq!(status(&app, &key, USERS).await, 403, "what it may not ask tokens for");
    is(&format!("resources: [\"{api}\"], scopes: [\"orgate:users:*\"]")).await;
    assert_eq!(status(&app, &key, USERS).await, 200);
}

#[tokio::test]
async fn keys_of_one_maker_have_one_budget() {
    let app = App::start_with(|settings| settings.limits.api_per_minute = 4).await;
    app.apply(&super::machines(&app)).await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let first = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    let second = key_of(&app, &ada, "acme", &["orgate:users:read"]).await.text("key");
    let machine =
        key_of(&app, &token_of(&app, "all").await, "acme", &["orgate:users:read"]).await.text("key");

    let mut statuses = Vec::new();
    for key in [&first, &second, &first, &second, &first] {
        statuses.push(status(&app, key, USERS).await);
    }

    assert_eq!(statuses, [200, 200, 200, 200, 429]);
    let other = call(&app, Some(&machine), USERS, None).await;
    assert_eq!(other.headers["ratelimit"], "\"api\";r=3;t=15");
    assert_eq!(status(&app, &ada, USERS).await, 200, "her token has its own");
}

#[tokio::test]
async fn requests_of_two_keys_are_told_apart() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let mut made = Vec::new();
    for name in ["one", "two"] {
        let key = key_of(&app, &token, "acme", &["orgate:users:manage"]).await.text("key");
        let request = client().post(app.at(&format!("{PATH}{}", USERS.1))).bearer_auth(&key);
        let wanted = json!({ "email": format!("{name}@acme.test"), "name": name });
        let request = request.header("idempotency-key", "first").json(&wanted);
        made.push(Reply::of(request.send().await.expect("answered")).await.status);
    }
    assert_eq!(made, [201, 201]);
}

#[tokio::test]
async fn a_change_that_waits_is_not_made_by_a_key_whose_maker_could_not_sign_in_so_any_more() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let key = key_of(&app, &ada, "acme", &["orgate:users:manage"]).await.text("key");
    let holding = hold_rights(&app, "acme").await;
    let wanted = json!({ "email": "late@acme.test", "name": "Late" });

    let late = call(&app, Some(&key), ("POST", USERS.1), Some(&wanted));
    let meanwhile = async {
        app.blocked().await;
        app.apply(
            "organizations: [{ slug: acme, name: Acme Inc, policy: { sso_enforcement: organization } }]",
        )
        .await;
        app.env.configuration.forget();
        let_go(holding).await;
    };
    let (refused, ()) = tokio::join!(late, meanwhile);

    assert_eq!((refused.status, refused.text("detail").as_str()), (403, "you may not do this any more"));
}

#[tokio::test]
async fn a_change_that_waits_is_not_made_by_a_key_that_was_taken_back_meanwhile() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let made = key_of(&app, &ada, "acme", &["orgate:users:manage"]).await;
    let (key, path) = (made.text("key"), format!("{KEYS}/{}", made.text("id")));
    let holding = hold_rights(&app, "acme").await;
    let wanted = json!({ "email": "late@acme.test", "name": "Late" });

    let late = call(&app, Some(&key), ("POST", USERS.1), Some(&wanted));
    let meanwhile = async {
        app.blocked().await;
        assert_eq!(status_of_delete(&app, &ada, &path).await, 204);
        let_go(holding).await;
    };
    let (refused, ()) = tokio::join!(late, meanwhile);

    assert_eq!((refused.status, refused.text("detail").as_str()), (403, "you may not do this any more"));
    let made = "select count(*) from users where email = 'late@acme.test'";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 0);
}
