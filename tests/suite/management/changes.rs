//! What is changed, by whom, and what is left of it.

use chrono::{DateTime, Utc};
use orgate_tests::app::{App, Reply, client};
use serde_json::{Value, json};

use super::{PATH, app, as_described, call, token_of, token_of_user};

const ORG: &str = "/organizations/acme";

/// Sends a request with a header beside the usual ones.
pub(super) async fn call_with(
    app: &App,
    token: &str,
    (method, path): (&str, &str),
    (headers, body): (&[(&str, &str)], &Value),
) -> Reply {
    let known = method.parse().expect("a method");
    let mut request = client().request(known, app.at(&format!("{PATH}{path}"))).bearer_auth(token).json(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    as_described((method, path), Reply::of(request.send().await.expect("answered")).await)
}

/// The events of Acme's with this beginning, with who did it.
async fn events(app: &App, action: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "select actor_kind, detail ->> 'change' from audit_events event
         join organizations organization on organization.org_id = event.org_id
         where organization.slug = 'acme' and action = $1 and actor_kind <> 'operator' order by event.id",
    )
    .bind(action)
    .fetch_all(app.database.superuser())
    .await
    .expect("the log")
}

#[tokio::test]
async fn a_user_is_made_renamed_and_signed_out_everywhere_when_they_may_not_sign_in_any_more() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let users = format!("{ORG}/users");
    let wanted = json!({ "email": "New@Acme.test", "name": "  Nina New ", "roles": ["viewer"] });

    let made = call(&app, Some(&ada), ("POST", &users), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, { ".id" => "usr_…", ".created_at" => "…", ".updated_at" => "…" }, @r#"
    {
      "created_at": "…",
      "email": "New@Acme.test",
      "email_verified": false,
      "external_id": null,
      "id": "usr_…",
      "locale": null,
      "name": "Nina New",
      "roles": [
        "viewer"
      ],
      "signed_in_at": null,
      "status": "active",
      "updated_at": "…"
    }
    "#);
    let path = format!("{users}/{}", made.text("id"));
    assert!(made.headers["location"].to_str().is_ok_and(|at| at.ends_with(&made.text("id"))));
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert_eq!((&read.body, &read.headers["etag"]), (&made.body, &made.headers["etag"]));
    let found = call(&app, Some(&ada), ("GET", &format!("{users}?email=NEW@acme.test")), None).await;
    assert_eq!(found.body["items"], json!([made.body]));
    let none = call(&app, Some(&ada), ("GET", &format!("{users}?email=gus@globex.test")), None).await;
    assert_eq!(none.body["items"], json!([]));
    let again = call(&app, Some(&ada), ("POST", &users), Some(&wanted)).await;
    assert_eq!((again.status, again.text("type").as_str()), (409, "urn:orgate:problem:taken"));
    assert_eq!(again.body["errors"][0]["pointer"], "/email");

    let vic = call(&app, Some(&ada), ("GET", &format!("{users}?email=vic@acme.test")), None).await;
    let vic = format!("{users}/{}", vic.body["items"][0]["id"].as_str().expect("an id"));
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let renamed = call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "name": "Victor" }))).await;
    assert_eq!((renamed.status, renamed.body["name"].as_str()), (200, Some("Victor")));
    assert_eq!(renamed.body["status"], "active", "what a patch is silent about stays");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 200);
    let out = call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "status": "deactivated" }))).await;
    assert_eq!(out.body["status"], "deactivated");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 400);
    let back = call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "status": "active" }))).await;
    assert_eq!(back.status, 200);
    app.sign_in("acme", "vic@acme.test").await;

    let by_user = |change: &str| ("user".to_owned(), change.to_owned());
    let expected = ["created", "name", "status", "status"].map(by_user);
    assert_eq!(events(&app, "user.configured").await, expected);
    let log = call(&app, Some(&ada), ("GET", &format!("{ORG}/audit-events?limit=1")), None).await;
    assert_eq!(log.body["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn only_what_was_read_is_changed() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let read = call(&app, Some(&token), ("GET", ORG), None).await;
    let tag = read.headers["etag"].to_str().expect("a tag").to_owned();
    let patch = async |tag: &str, body: Value| {
        call_with(&app, &token, ("PATCH", ORG), (&[("if-match", tag)], &body)).await
    };

    let first = patch(&tag, json!({ "name": "Acme One" })).await;
    let second = patch(&tag, json!({ "name": "Acme Two" })).await;

    assert_eq!(first.status, 200, "{:?}", first.body);
    assert_eq!(
        (second.status, second.text("type").as_str()),
        (412, "urn:orgate:problem:precondition_failed")
    );
    let now = call(&app, Some(&token), ("GET", ORG), None).await;
    assert_eq!(now.body["name"], "Acme One");
    assert_eq!(now.headers["etag"], first.headers["etag"]);
    let weak = format!("W/{}", now.headers["etag"].to_str().expect("a tag"));
    assert_eq!(patch(&weak, json!({ "name": "Acme" })).await.status, 412, "a weak tag says too little");
    assert_eq!(patch("*", json!({ "name": "Acme Three" })).await.status, 200);
    let both = format!("\"x\", {}", patch("*", json!({})).await.headers["etag"].to_str().expect("a tag"));
    assert_eq!(patch(&both, json!({ "name": "Acme Inc" })).await.status, 200);
}

/// A lost answer: the request is sent again, and nothing is made twice.
#[tokio::test]
async fn a_request_with_a_key_makes_nothing_twice() {
    let app = app().await;
    let (token, other) = (token_of(&app, "all").await, token_of(&app, "but-orgate-audit-read").await);
    let users = format!("{ORG}/users");
    let wanted = json!({ "email": "once@acme.test", "name": "Once" });
    let post = async |token: &str, key: &str, path: &str, body: &Value| {
        call_with(&app, token, ("POST", path), (&[("idempotency-key", key)], body)).await
    };

    let all = tokio::join!(
        post(&token, "a", &users, &wanted),
        post(&token, "a", &users, &wanted),
        post(&token, "a", &users, &wanted),
    );

    for reply in [&all.0, &all.1, &all.2] {
        assert_eq!((reply.status, &reply.body), (201, &all.0.body), "{:?}", reply.body);
    }
    let changed = post(&token, "a", &users, &json!({ "email": "two@acme.test", "name": "Two" })).await;
    assert_eq!(
        (changed.status, changed.text("type").as_str()),
        (422, "urn:orgate:problem:idempotency_key_reused")
    );
    assert_eq!(post(&other, "a", &users, &wanted).await.status, 409, "another caller's key is another");
    assert_eq!(post(&token, "b", &users, &wanted).await.status, 409);
    assert_eq!(post(&token, "", &users, &wanted).await.status, 400);
    assert_eq!(post(&token, &"k".repeat(256), &users, &wanted).await.status, 400);

    let links = format!("{ORG}/setup-links");
    let link = json!({ "purposes": ["domains"] });
    let (first, second) = (post(&token, "c", &links, &link).await, post(&token, "c", &links, &link).await);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.body["id"], second.body["id"]);
    assert!(first.body["url"].is_string() && second.body["url"].is_null(), "a secret is shown once");
    let made = "select count(*) from users where email = 'once@acme.test'";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_refused_request_leaves_its_key_free() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let key: &[(&str, &str)] = &[("idempotency-key", "later")];
    let wanted = json!({ "slug": "viewer", "name": "Viewer" });

    let refused = call_with(&app, &token, ("POST", &format!("{ORG}/roles")), (key, &wanted)).await;
    let body = json!({ "slug": "seer", "name": "Seer" });
    let made = call_with(&app, &token, ("POST", &format!("{ORG}/roles")), (key, &body)).await;

    assert_eq!((refused.status, refused.body["errors"][0]["pointer"].as_str()), (409, Some("/slug")));
    assert_eq!(made.status, 201, "nothing was made by the first");
}

#[tokio::test]
async fn a_role_is_made_changed_given_and_taken_away_once_nobody_has_it() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let roles = format!("{ORG}/roles");
    let wanted = json!({ "slug": "editor", "name": "Editor", "permissions": ["notes:write", "notes:read"] });

    let made = call(&app, Some(&ada), ("POST", &roles), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, { ".id" => "rol_…" }, @r#"
    {
      "id": "rol_…",
      "name": "Editor",
      "permissions": [
        "notes:read",
        "notes:write"
      ],
      "slug": "editor"
    }
    "#);
    let path = format!("{roles}/{}", made.text("id"));
    let found = call(&app, Some(&ada), ("GET", &format!("{ORG}/users?email=vic@acme.test")), None).await;
    let vic = found.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let given = format!("{ORG}/users/{vic}/roles/{}", made.text("id"));
    for _ in 0..2 {
        assert_eq!(call(&app, Some(&ada), ("PUT", &given), None).await.status, 204);
    }
    let token = app.sign_in("acme", "vic@acme.test").await.claims("access_token");
    assert_eq!(token["roles"], json!(["editor", "viewer"]));
    assert_eq!(token["permissions"], json!(["notes:read", "notes:write"]));

    let narrower = json!({ "permissions": ["notes:read"], "name": "Reader of notes" });
    assert_eq!(call(&app, Some(&ada), ("PATCH", &path), Some(&narrower)).await.status, 200);
    let token = app.sign_in("acme", "vic@acme.test").await.claims("access_token");
    assert_eq!(token["permissions"], json!(["notes:read"]));
    let known = "select count(*) from permissions where permission = 'notes:archive'";
    let known = async || {
        sqlx::query_scalar::<_, i64>(known).fetch_one(app.database.superuser()).await.expect("counted")
    };
    for (permissions, kept) in [(json!(["notes:archive", "notes:read"]), 1), (json!(["notes:read"]), 0)] {
        let wanted = json!({ "permissions": permissions });
        assert_eq!(call(&app, Some(&ada), ("PATCH", &path), Some(&wanted)).await.status, 200);
        assert_eq!(known().await, kept, "what is in no role is kept nowhere");
    }
    let used = call(&app, Some(&ada), ("DELETE", &path), None).await;
    assert_eq!((used.status, used.text("type").as_str()), (409, "urn:orgate:problem:in_use"));
    for _ in 0..2 {
        assert_eq!(call(&app, Some(&ada), ("DELETE", &given), None).await.status, 204);
    }
    let stale = call_with(&app, &ada, ("DELETE", &path), (&[("if-match", "\"x\"")], &Value::Null)).await;
    assert_eq!(stale.status, 412);
    assert_eq!(call(&app, Some(&ada), ("DELETE", &path), None).await.status, 204);
    assert_eq!(call(&app, Some(&ada), ("GET", &path), None).await.status, 404);
    assert_eq!(call(&app, Some(&ada), ("DELETE", &path), None).await.status, 404);
    let by_user = |change: &str| ("user".to_owned(), change.to_owned());
    assert_eq!(
        events(&app, "role.configured").await,
        ["created", "name permissions", "permissions", "permissions", "removed"].map(by_user)
    );
    assert_eq!(events(&app, "user.configured").await, ["roles", "roles"].map(by_user));
}

#[tokio::test]
async fn settings_are_changed_one_by_one_and_say_what_is_in_force() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let path = format!("{ORG}/policy");
    let change = async |body: Value| call(&app, Some(&ada), ("PATCH", &path), Some(&body)).await;

    let first = change(json!({ "session_idle_secs": 3600, "third_party_clients": "forbidden" })).await;
    let second = change(json!({ "session_idle_secs": null, "lockout_attempts": 5 })).await;

    assert_eq!(first.body["effective"]["session_idle_secs"], 3600);
    insta::assert_json_snapshot!(second.body, @r#"
    {
      "access_token_secs": null,
      "client_id_metadata": null,
      "client_registration": null,
      "effective": {
        "access_token_secs": 600,
        "client_id_metadata": "forbidden",
        "client_registration": "forbidden",
        "lockout_attempts": 5,
        "refresh_absolute_secs": 7776000,
        "refresh_idle_secs": 1209600,
        "session_absolute_secs": 604800,
        "session_idle_secs": 43200,
        "sso_enforcement": "off",
        "third_party_clients": "forbidden"
      },
      "lockout_attempts": 5,
      "refresh_absolute_secs": null,
      "refresh_idle_secs": null,
      "session_absolute_secs": null,
      "session_idle_secs": null,
      "sso_enforcement": null,
      "third_party_clients": "forbidden"
    }
    "#);
    for (wrong, pointer) in [
        (json!({ "access_token_secs": 3601 }), "/access_token_secs"),
        (json!({ "session_idle_secs": 0 }), "/session_idle_secs"),
        (json!({ "session_absolute_secs": 299 }), "/session_absolute_secs"),
        (json!({ "refresh_idle_secs": 1 }), "/refresh_idle_secs"),
        (json!({ "session_idle_secs": "1h" }), "/session_idle_secs"),
        (json!({ "lockout_attempts": -1 }), "/lockout_attempts"),
        (json!({ "sso_enforcement": "always" }), "/sso_enforcement"),
        (json!({ "effective": {} }), "/effective"),
        // Nobody could sign in any more.
        (json!({ "sso_enforcement": "organization" }), "/sso_enforcement"),
        (json!([]), ""),
        (json!("off"), ""),
    ] {
        let refused = change(wrong.clone()).await;
        assert_eq!(
            (refused.status, refused.body["errors"][0]["pointer"].as_str()),
            (422, Some(pointer)),
            "{wrong}"
        );
    }
    assert_eq!(call(&app, Some(&ada), ("GET", &path), None).await.body, second.body);
    let by_user = ("user".to_owned(), "policy".to_owned());
    assert_eq!(events(&app, "organization.configured").await, [by_user.clone(), by_user]);
    let told: Vec<String> = sqlx::query_scalar(
        "select detail ->> 'policy' from audit_events
         where action = 'organization.configured' and detail ->> 'change' = 'policy' order by id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(
        told,
        ["session_idle_secs=3600 third_party_clients=forbidden", "session_idle_secs= lockout_attempts=5"],
        "what became of what"
    );
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all_of_a_user() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let (first, second) =
        (app.sign_in("acme", "vic@acme.test").await, app.sign_in("acme", "vic@acme.test").await);
    let vic = first.claims("access_token")["sub"].as_str().expect("a user").to_owned();
    let sid = first.claims("access_token")["sid"].as_str().expect("a session").to_owned();
    let of_vic = format!("{ORG}/users/{vic}/sessions");

    let all = call(&app, Some(&ada), ("GET", &format!("{ORG}/sessions?limit=2")), None).await;
    let listed = call(&app, Some(&ada), ("GET", &of_vic), None).await;

    assert_eq!(all.body["items"].as_array().map(Vec::len), Some(2));
    let next = all.body["next_cursor"].as_str().expect("there are three");
    let rest = format!("{ORG}/sessions?limit=2&cursor={next}");
    let rest = call(&app, Some(&ada), ("GET", &rest), None).await;
    assert_eq!(
        (rest.body["items"].as_array().map(Vec::len), &rest.body["next_cursor"]),
        (Some(1), &Value::Null)
    );
    let shown =
        listed.body["items"].as_array().expect("sessions").iter().find(|session| session["id"] == *sid);
    insta::assert_json_snapshot!(shown, {
        ".id" => "ses_…", ".user_id" => "usr_…", ".signed_in_at" => "…", ".last_seen_at" => "…",
    }, @r#"
    {
      "address": "127.0.0.1",
      "applications": [
        "Notes"
      ],
      "connection_id": null,
      "device": "orgate-tests",
      "id": "ses_…",
      "last_seen_at": "…",
      "method": "password",
      "signed_in_at": "…",
      "user": "vic@acme.test",
      "user_id": "usr_…"
    }
    "#);
    let path = format!("{ORG}/sessions/{sid}");
    for _ in 0..2 {
        assert_eq!(call(&app, Some(&ada), ("DELETE", &path), None).await.status, 204);
    }
    assert_eq!(app.userinfo(&first.text("access_token")).await.status, 401);
    assert_eq!(app.userinfo(&second.text("access_token")).await.status, 200);
    assert_eq!(call(&app, Some(&ada), ("DELETE", &of_vic), None).await.status, 204);
    assert_eq!(app.userinfo(&second.text("access_token")).await.status, 401);
    assert_eq!(call(&app, Some(&ada), ("GET", &of_vic), None).await.body["items"], json!([]));
    let ended: Vec<String> = app.events("acme").await;
    assert_eq!(ended.iter().filter(|event| *event == "session.ended success ended_by_admin").count(), 2);
}

#[tokio::test]
async fn the_audit_log_is_read_latest_first_to_its_beginning() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let path = format!("{ORG}/audit-events");
    let count = "select count(*) from audit_events event
                 join organizations organization on organization.org_id = event.org_id where slug = 'acme'";
    let count: i64 = sqlx::query_scalar(count).fetch_one(app.database.superuser()).await.expect("counted");

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = call(&app, Some(&ada), ("GET", &format!("{path}?limit=7{cursor}")), None).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        seen.extend(page.body["items"].as_array().expect("events").clone());
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }

    assert_eq!(seen.len(), usize::try_from(count).expect("few"));
    let times: Vec<_> = seen.iter().map(|event| event["occurred_at"].as_str().expect("a time")).collect();
    // As texts they are of different lengths.
    let parsed = times.iter().map(|time| time.parse::<DateTime<Utc>>().expect("a time"));
    assert!(parsed.is_sorted_by(|later, earlier| later >= earlier), "{times:#?}");
    let mut ids: Vec<_> = seen.iter().map(|event| event["id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), seen.len());
    let of_ada = seen.iter().find(|event| event["action"] == "sign_in.succeeded").expect("she signed in");
    insta::assert_json_snapshot!(of_ada, {
        ".id" => "evt_…", ".occurred_at" => "…", ".user_id" => "usr_…", ".session_id" => "ses_…",
        ".client_id" => "cli_…", ".actor.id" => "usr_…", ".request_id" => "req_…",
    }, @r#"
    {
      "action": "sign_in.succeeded",
      "actor": {
        "id": "usr_…",
        "type": "user"
      },
      "address": "127.0.0.1",
      "client_id": "cli_…",
      "detail": {
        "method": "password"
      },
      "id": "evt_…",
      "occurred_at": "…",
      "outcome": "success",
      "reason": null,
      "request_id": "req_…",
      "session_id": "ses_…",
      "user_agent": "orgate-tests/1",
      "user_id": "usr_…"
    }
    "#);
    let (from, until) = (times[times.len() - 1], times[0]);
    let within = format!("{path}?limit=200&from={from}&until={until}");
    let within = call(&app, Some(&ada), ("GET", &within), None).await;
    let within = within.body["items"].as_array().expect("events").len();
    assert!(within < seen.len() && within > 0, "{within} of {}", seen.len());
    for wrong in
        ["from=yesterday", "until=1", "cursor=1", "cursor=evt_x", "cursor=9-evt_x", "action=user.configured"]
    {
        let refused = call(&app, Some(&ada), ("GET", &format!("{path}?{wrong}")), None).await;
        assert_eq!(
            (refused.status, refused.text("type").as_str()),
            (400, "urn:orgate:problem:invalid_parameter")
        );
    }
}
