//! Quotas: how many things of a kind an organization may have, as the operator says.

use orgate_tests::app::{App, Reply};
use serde_json::{Value, json};

use super::{app, call, token_of};

async fn put(app: &App, token: &str, quota: &str, limit: Value) -> Reply {
    let path = format!("/organizations/acme/quotas/{quota}");
    call(app, Some(token), ("PUT", &path), Some(&json!({ "limit": limit }))).await
}

/// How it stands with one of Acme's.
async fn state(app: &App, token: &str, quota: &str) -> (u64, bool, u64) {
    let reply = call(app, Some(token), ("GET", "/organizations/acme/quotas"), None).await;
    let items = reply.body["items"].as_array().expect("quotas").clone();
    assert_eq!(items.len(), 7, "{items:?}");
    let found = items.iter().find(|item| item["quota"] == quota).expect("the quota");
    let number = |name: &str| found[name].as_u64().expect("a number");
    (number("limit"), found["usual"].as_bool().expect("a truth"), number("used"))
}

#[tokio::test]
async fn an_organization_makes_as_many_of_each_kind_as_its_operator_says() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    let settings = json!({ "provider": { "saml": {
        "entity_id": "https://idp.test", "sso_url": "https://idp.test/sso",
        "certificates": [orgate_tests::saml_provider::new_key(
            orgate_flows::Clock::now(&*app.clock) + chrono::Duration::days(100)).certificate().base64()],
    } } });
    let things = [
        ("api_keys", "api-keys", json!({ "name": "One", "permissions": ["orgate:users:read"] })),
        ("clients", "clients", json!({ "type": "machine", "name": "One" })),
        ("connections", "connections", json!({ "name": "One", "settings": settings })),
        ("domains", "domains", json!({ "name": "one.test" })),
        ("groups", "groups", json!({ "slug": "one", "name": "One" })),
        ("roles", "roles", json!({ "slug": "one", "name": "One" })),
        ("webhooks", "webhooks", json!({ "url": "https://hooks.example.com/" })),
    ];
    for (quota, path, wanted) in things {
        let (usual, is_usual, used) = state(&app, &acme, quota).await;
        assert!(is_usual && usual > used, "{quota}");
        let make = async || {
            let path = format!("/organizations/acme/{path}");
            let reply = call(&app, Some(&acme), ("POST", &path), Some(&wanted)).await;
            (reply.status, reply.body["type"].as_str().map(str::to_owned))
        };

        assert_eq!(put(&app, &operator, quota, json!(used)).await.status, 200);

        let full = (409, Some("urn:orgate:problem:limit_reached".to_owned()));
        assert_eq!(make().await, full, "{quota}");
        assert_eq!(state(&app, &acme, quota).await, (used, false, used), "{quota}");
        let raised = put(&app, &operator, quota, json!(used + 1)).await;
        assert_eq!(raised.body, json!({ "quota": quota, "limit": used + 1, "usual": false, "used": used }));
        assert_eq!(make().await.0, 201, "{quota}");
        assert_eq!(put(&app, &operator, quota, json!(0)).await.status, 200, "what there is stays");
        assert_eq!(state(&app, &acme, quota).await, (0, false, used + 1), "{quota}");
        assert_eq!(put(&app, &operator, quota, Value::Null).await.body["limit"], usual);
        assert!(state(&app, &acme, quota).await.1);
    }
    let told: Vec<String> = sqlx::query_scalar(
        "select concat_ws(' ', detail ->> 'change', detail ->> 'webhooks') from audit_events
         where action = 'organization.configured' and detail ? 'webhooks' order by occurred_at, id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(told, ["webhooks 0", "webhooks 1", "webhooks 0", "webhooks usual"]);
}

#[tokio::test]
async fn nobody_says_so_but_an_operator_and_not_without_end() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    let globex = token_of(&app, "globex-all").await;
    assert_eq!(put(&app, &acme, "roles", json!(9)).await.status, 404, "it is the operator's word");
    assert_eq!(put(&app, &globex, "roles", json!(9)).await.status, 404);
    let foreign = call(&app, Some(&globex), ("GET", "/organizations/acme/quotas"), None).await;
    assert_eq!(foreign.status, 404);

    for (quota, limit, status) in [
        ("nothing", json!(1), 404),
        ("roles", json!(-1), 422),
        ("roles", json!("9"), 422),
        ("roles", json!(5_001), 422),
        ("roles", json!(5_000), 200),
    ] {
        assert_eq!(put(&app, &operator, quota, limit.clone()).await.status, status, "{quota} {limit}");
    }
}

/// A file says all of it at once, and who it makes takes the seats that it says there are.
#[tokio::test]
async fn a_file_says_all_of_it() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    let seats = async || {
        let path = ("GET", "/organizations/acme/seats");
        call(&app, Some(&acme), path, None).await.body["seats"].clone()
    };
    assert_eq!(put(&app, &operator, "groups", json!(3)).await.status, 200);
    let file = |quotas: &str, more: &str| {
        format!(
            "organizations:\n  - slug: acme\n    name: Acme Inc\n    quotas: {quotas}\n    users: [{more}]\n"
        )
    };

    app.apply(&file("{ seats: 3, roles: 900 }", "")).await;

    assert_eq!(seats().await, 3);
    assert_eq!(state(&app, &acme, "roles").await.0, 900);
    assert!(state(&app, &acme, "groups").await.1, "what it does not name is as usual");
    app.apply(&file("{ seats: 4 }", "{ email: one@acme.test, name: One }")).await;
    assert_eq!(seats().await, 4);
    app.apply("organizations: [{ slug: acme, name: Acme Inc }]").await;
    assert_eq!(seats().await, 4, "a file that says nothing of it changes nothing");
    app.apply(&file("{}", "")).await;
    assert_eq!(seats().await, Value::Null);
}

/// Seats and quotas are said by different operations, and one says nothing of the other.
#[tokio::test]
async fn who_says_one_thing_at_the_same_time_undoes_no_other() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    for round in 1..=5_u64 {
        let seats = async {
            let (path, body) = (("PUT", "/organizations/acme/seats"), json!({ "seats": 100 + round }));
            call(&app, Some(&operator), path, Some(&body)).await.status
        };
        let (first, second, third) = tokio::join!(
            put(&app, &operator, "groups", json!(10 + round)),
            seats,
            put(&app, &operator, "roles", json!(20 + round))
        );
        assert_eq!((first.status, second, third.status), (200, 200, 200));

        let said = call(&app, Some(&acme), ("GET", "/organizations/acme/seats"), None).await;
        let numbers = (
            state(&app, &acme, "groups").await.0,
            said.body["seats"].as_u64(),
            state(&app, &acme, "roles").await.0,
        );
        assert_eq!(numbers, (10 + round, Some(100 + round), 20 + round));
    }
}

/// What files make is the operator's word, as quotas are.
#[tokio::test]
async fn files_are_not_bounded() {
    let app = app().await;
    let (acme, operator) = (token_of(&app, "all").await, token_of(&app, "operator-all").await);
    assert_eq!(put(&app, &operator, "roles", json!(0)).await.status, 200);
    let before = state(&app, &acme, "roles").await.2;

    app.apply("organizations: [{ slug: acme, name: Acme Inc, roles: [{ slug: another }] }]").await;

    assert_eq!(state(&app, &acme, "roles").await, (0, false, before + 1));
}
