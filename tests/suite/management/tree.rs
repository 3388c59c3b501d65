//! Organizations below one another, arranged by operators.

use serde_json::{Value, json};

use super::{app, call, token_of};

#[tokio::test]
async fn what_is_above_an_organization_holds_there_and_in_all_below_it_once_it_is_moved() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let at = async |method: &str, path: &str, body: Option<Value>| {
        call(&app, Some(&operator), (method, path), body.as_ref()).await
    };
    for (slug, parent) in [("holding", None), ("branch", None), ("desk", Some("branch"))] {
        let wanted = json!({ "slug": slug, "name": slug, "parent": parent });
        assert_eq!(at("POST", "/organizations", Some(wanted)).await.status, 201);
    }
    let strict = json!({ "access_token_secs": 60 });
    assert_eq!(at("PATCH", "/organizations/holding/policy", Some(strict)).await.status, 200);
    let lives = async |slug: &str| {
        let policy = at("GET", &format!("/organizations/{slug}/policy"), None).await;
        policy.body["effective"]["access_token_secs"].as_i64().expect("seconds")
    };
    let put = async |slug: &str, parent: Value| {
        at("PUT", &format!("/organizations/{slug}/parent"), Some(json!({ "parent": parent }))).await
    };
    assert_eq!((lives("branch").await, lives("desk").await), (600, 600));

    let moved = put("branch", json!("holding")).await;

    assert_eq!(moved.status, 200, "{:?}", moved.body);
    let holding = at("GET", "/organizations/holding", None).await.text("id");
    assert_eq!(moved.text("parent_id"), holding);
    assert_eq!((lives("branch").await, lives("desk").await), (60, 60));
    for (slug, parent) in [("holding", "desk"), ("holding", "holding"), ("branch", "nowhere")] {
        let refused = put(slug, json!(parent)).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!("/parent")),
            "{slug}"
        );
    }
    assert_eq!(put("operator", json!("holding")).await.status, 409);
    let told: Vec<(String, String)> = sqlx::query_as(
        "select detail ->> 'parent', detail ->> 'operator_reason' from audit_events event
         join organizations org using (org_id)
         where org.slug = 'branch' and detail ->> 'change' = 'parent'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(told, [(holding, "to try what happens".to_owned())]);

    // And further on, to where there is nothing above.
    assert_eq!(put("desk", Value::Null).await.status, 200);
    assert_eq!((lives("branch").await, lives("desk").await), (60, 600));
    assert_eq!(put("branch", Value::Null).await.status, 200);
    assert_eq!(lives("branch").await, 600);
    let left: i64 = sqlx::query_scalar("select count(*) from organization_ancestors where depth > 0")
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(left, 0, "nothing is left of where they were");
}

/// Two at once would otherwise each be below the other.
#[tokio::test]
async fn no_two_moves_at_once_close_a_circle() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let put = async |slug: &str, parent: &str| {
        let path = format!("/organizations/{slug}/parent");
        call(&app, Some(&operator), ("PUT", &path), Some(&json!({ "parent": parent }))).await.status
    };
    for round in 0..4 {
        for slug in ["left", "right"] {
            let wanted = json!({ "slug": format!("{slug}-{round}"), "name": slug });
            assert_eq!(
                call(&app, Some(&operator), ("POST", "/organizations"), Some(&wanted)).await.status,
                201
            );
        }
        let (left, right) = (format!("left-{round}"), format!("right-{round}"));

        let (one, other) = tokio::join!(put(&left, &right), put(&right, &left));

        let mut both = [one, other];
        both.sort_unstable();
        assert_eq!(both, [200, 422]);
    }
}

#[tokio::test]
async fn a_line_of_organizations_has_an_end() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let make = async |slug: String, parent: Option<String>| {
        let wanted = json!({ "slug": slug, "name": slug, "parent": parent });
        call(&app, Some(&operator), ("POST", "/organizations"), Some(&wanted)).await.status
    };

    for depth in 0..10 {
        let parent = (depth > 0).then(|| format!("level-{}", depth - 1));
        assert_eq!(make(format!("level-{depth}"), parent).await, 201, "{depth}");
    }

    assert_eq!(make("level-10".to_owned(), Some("level-9".to_owned())).await, 422);
    assert_eq!(make("other".to_owned(), None).await, 201);
    let path = "/organizations/level-0/parent";
    let refused = call(&app, Some(&operator), ("PUT", path), Some(&json!({ "parent": "other" }))).await;
    assert_eq!(refused.status, 422, "with all that is below it");
}

/// What is set above could shut everybody out.
#[tokio::test]
async fn nobody_is_moved_below_a_policy_that_lets_nobody_in() {
    let app = app().await;
    let operator = token_of(&app, "operator-all").await;
    let made = json!({ "slug": "strict", "name": "Strict" });
    assert_eq!(call(&app, Some(&operator), ("POST", "/organizations"), Some(&made)).await.status, 201);
    app.apply("organizations: [{ slug: strict, name: Strict, policy: { sso_enforcement: organization } }]")
        .await;
    let wanted = json!({ "parent": "strict" });

    let refused = call(&app, Some(&operator), ("PUT", "/organizations/acme/parent"), Some(&wanted)).await;

    assert_eq!((refused.status, refused.text("type").as_str()), (409, "urn:orgate:problem:in_use"));
    let read = call(&app, Some(&operator), ("GET", "/organizations/acme"), None).await;
    assert!(read.body["parent_id"].is_null());
}
