//! Operators: they make organizations, and act in one that is not theirs for a reason that it is told.

use orgate_tests::app::{Reply, client};
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use super::{PATH, app, call, of_operator, only, token_of, token_of_user};

#[tokio::test]
async fn an_operator_makes_lists_suspends_and_restores_organizations() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let wanted = json!({ "slug": "initech", "name": "Initech", "parent": "acme" });
    let post = async |body: &Value| call(&app, Some(&operator), ("POST", "/organizations"), Some(body)).await;

    let made = post(&wanted).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, {
        ".id" => "org_…", ".parent_id" => "org_…", ".created_at" => "…", ".updated_at" => "…",
    }, @r#"
    {
      "attributes": {},
      "contact_email": null,
      "created_at": "…",
      "erase_after": null,
      "external_id": null,
      "id": "org_…",
      "locale": null,
      "logo_url": null,
      "name": "Initech",
      "parent_id": "org_…",
      "primary_color": null,
      "slug": "initech",
      "status": "active",
      "updated_at": "…"
    }
    "#);
    for (wrong, status, pointer) in [
        (json!({ "slug": "initech", "name": "Another" }), 409, "/slug"),
        (json!({ "slug": "Initech", "name": "Another" }), 422, "/slug"),
        (json!({ "slug": "another", "name": "" }), 422, "/name"),
        (json!({ "slug": "another", "name": "Another", "parent": "nowhere" }), 422, "/parent"),
        (json!({ "slug": "another", "name": "Another", "status": "active" }), 422, "/status"),
    ] {
        let refused = post(&wrong).await;
        let found = (refused.status, refused.body["errors"][0]["pointer"].as_str());
        assert_eq!(found, (status, Some(pointer)), "{wrong}");
    }
    let (mut slugs, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/organizations?limit=2{cursor}");
        let page = call(&app, Some(&operator), ("GET", &path), None).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        let items = page.body["items"].as_array().expect("organizations").clone();
        slugs.extend(items.iter().map(|item| item["slug"].as_str().expect("a slug").to_owned()));
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    slugs.sort();
    assert_eq!(slugs, ["acme", "globex", "initech", "operator"]);

    let tokens = app.sign_in("acme", "vic@acme.test").await;
    let status = async |organization: &str, status: &str| {
        let path = format!("/organizations/{organization}/status");
        let reply = call(&app, Some(&operator), ("PUT", &path), Some(&json!({ "status": status }))).await;
        (reply.status, reply.body["status"].as_str().map(str::to_owned))
    };
    assert_eq!(status("acme", "deleted").await, (409, None), "Initech is below it");
    assert_eq!(status("operator", "deleted").await, (409, None));
    let told = "select count(*) from audit_events where detail ->> 'change' = 'deleting'";
    let told: i64 = sqlx::query_scalar(told).fetch_one(app.database.superuser()).await.expect("the log");
    assert_eq!(told, 0, "what is not done is not told as done");
    assert_eq!(status("initech", "deleted").await.0, 200);
    for (to, reason) in [("suspended", "organization_suspended"), ("deleted", "organization_deleted")] {
        assert_eq!(status("acme", to).await, (200, Some(to.to_owned())));
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
        assert_eq!(status("acme", "active").await, (200, Some("active".to_owned())));
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401, "sessions do not come back");
        let ended = app.events("acme").await;
        let expected = format!("session.ended success {reason}");
        assert!(ended.contains(&expected), "{expected}");
        app.sign_in("acme", "vic@acme.test").await;
    }
    assert_eq!(status("operator", "suspended").await.0, 409);
    assert_eq!(status("nowhere", "suspended").await.0, 404);
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_organization() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let wanted = json!({ "slug": "initech", "name": "Initech" });
    let post = async |wanted: &Value| {
        let request = client().post(app.at(&format!("{PATH}/organizations"))).bearer_auth(&operator);
        let request = request.header("idempotency-key", "initech").json(wanted);
        Reply::of(request.send().await.expect("answered")).await
    };

    let all = tokio::join!(post(&wanted), post(&wanted), post(&wanted));

    for reply in [&all.0, &all.1, &all.2] {
        assert_eq!((reply.status, &reply.body), (201, &all.0.body), "{:?}", reply.body);
    }
    let other = json!({ "slug": "hooli", "name": "Hooli" });
    assert_eq!(post(&other).await.text("type"), "urn:orgate:problem:idempotency_key_reused");
}

#[tokio::test]
async fn a_refused_organization_leaves_its_key_free() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let post = async |slug: &str| {
        let request = client().post(app.at(&format!("{PATH}/organizations"))).bearer_auth(&operator);
        let request =
            request.header("idempotency-key", "later").json(&json!({ "slug": slug, "name": "Later" }));
        Reply::of(request.send().await.expect("answered")).await.status
    };

    assert_eq!(post("globex").await, 409);
    assert_eq!(post("later").await, 201);
}

#[tokio::test]
async fn an_operator_acts_in_another_organization_as_they_may_at_home_and_says_why() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let ask =
        async |token: &str, (method, path): (&str, &str), reason: Option<&str>, body: Option<&Value>| {
            let url = app.at(&format!("{PATH}/organizations/acme{path}"));
            let mut request = client().request(method.parse().expect("a method"), url).bearer_auth(token);
            if let Some(reason) = reason {
                request = request
                    .header("orgate-reason", HeaderValue::from_bytes(reason.as_bytes()).expect("a value"));
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            Reply::of(request.send().await.expect("answered")).await
        };

    let long = ask(&operator, ("GET", "/users"), Some(&*"x".repeat(201)), None).await;
    assert_eq!((long.status, long.text("type").as_str()), (400, "urn:orgate:problem:invalid_parameter"));
    let suspended = json!({ "status": "suspended" });
    let silent = ask(&operator, ("PUT", "/status"), None, Some(&suspended)).await;
    assert_eq!(silent.text("type"), "urn:orgate:problem:reason_missing", "of whoever may, too");
    for reason in [None, Some(""), Some("  ")] {
        let refused = ask(&operator, ("GET", "/users"), reason, None).await;
        assert_eq!(
            (refused.status, refused.text("type").as_str()),
            (403, "urn:orgate:problem:reason_missing")
        );
    }
    let before = app.events("acme").await.len();
    let told_why = "Ticket 4711: Müller cannot sign in";
    let why = Some(told_why);
    assert_eq!(ask(&operator, ("GET", "/users"), why, None).await.status, 200);
    let wanted = json!({ "slug": "made", "name": "Made", "permissions": ["notes:read"] });
    assert_eq!(ask(&operator, ("POST", "/roles"), why, Some(&wanted)).await.status, 201);

    let told: Vec<(String, String, Option<String>, Value)> = sqlx::query_as(
        "select action, actor_kind, actor_id, detail from audit_events event
         join organizations organization on organization.org_id = event.org_id
         where slug = 'acme' order by event.occurred_at, event.id offset $1",
    )
    .bind(i64::try_from(before).expect("few"))
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    let actions: Vec<_> =
        told.iter().map(|(action, kind, id, _)| (&**action, &**kind, id.is_some())).collect();
    assert_eq!(
        actions,
        [
            ("operator.entered", "operator", false),
            ("operator.entered", "operator", false),
            ("role.configured", "operator", false),
        ]
    );
    for (_, _, _, detail) in &told {
        assert_eq!(detail["operator_reason"], told_why);
        assert!(detail["operator"].as_str().is_some_and(|id| id.starts_with("cli_")));
    }
    // No more than they hold at home, and nothing without leave to act elsewhere.
    let only_act = token_of(&app, &of_operator(&only("orgate:organizations:act"))).await;
    assert_eq!(ask(&only_act, ("GET", "/users"), why, None).await.status, 403);
    let but_act = token_of(&app, "operator-but-orgate-organizations-act").await;
    assert_eq!(ask(&but_act, ("GET", "/users"), why, None).await.status, 404);
    // Others' wildcards say nothing about other organizations.
    let globex = token_of(&app, "globex-all").await;
    assert_eq!(ask(&globex, ("GET", "/users"), why, None).await.status, 404);
    let gus = token_of_user(&app, ("globex", "gus@globex.test"), "orgate:*").await;
    assert_eq!(ask(&gus, ("PUT", "/status"), why, Some(&json!({ "status": "suspended" }))).await.status, 404);
    for path in ["/organizations", "/organizations?limit=1"] {
        assert_eq!(call(&app, Some(&globex), ("GET", path), None).await.status, 404);
    }
}
