//! What must not work: other organizations' things, and requests that are none.

use std::fmt::Write as _;

use orgate_api::v1::PATH;
use orgate_flows::manage::access::Holder;
use orgate_tests::app::{Reply, client};
use serde_json::json;

use super::{Things, app, body_of, call, operations, token_of, token_of_user};

/// What an answer says, but for what is different each time.
fn said(reply: &Reply) -> (u16, String, Option<String>) {
    let header = reply.headers.get("www-authenticate").and_then(|value| value.to_str().ok());
    (reply.status, reply.body.to_string(), header.map(str::to_owned))
}

/// Every operation with ids of another organization answers as if they did not exist.
#[tokio::test]
async fn what_belongs_to_another_organization_is_not_there() {
    let app = app().await;
    let (acme, globex) = (Things::of(&app, "acme").await, Things::of(&app, "globex").await);
    let nobody = Things::of_nobody();
    let token = token_of(&app, "all").await;
    let globex_id = app.org("globex").await.org_id().to_string();
    let before = (app.events("globex").await, links(&app).await);

    for operation in operations().into_iter().filter(|operation| operation.path.contains("{organization}")) {
        let body = body_of(operation);
        let ask = async |path: String| {
            said(&call(&app, Some(&token), (operation.method, &path), body.as_ref()).await)
        };

        let absent = ask(nobody.path(operation, None)).await;
        assert_eq!(absent.0, 404);
        for path in [globex.path(operation, None), globex.path(operation, Some(&globex_id))] {
            assert_eq!(ask(path.clone()).await, absent, "{path}");
        }
        if operation.holder == Holder::Organization && operation.path.matches('{').count() > 1 {
            let theirs = globex.path(operation, Some("acme"));
            assert_eq!(
                ask(theirs.clone()).await,
                ask(nobody.path(operation, Some("acme"))).await,
                "{theirs}"
            );
            // A change is refused for what it is before it is looked for; that says nothing of what there is.
            let expected = if body.is_some() { [404, 422] } else { [404, 404] };
            assert!(expected.contains(&ask(theirs.clone()).await.0), "{theirs}");
        }
    }

    assert_eq!(
        (app.events("globex").await, links(&app).await),
        before,
        "nothing was done, and nothing noted there"
    );
    assert!(app.events("acme").await.contains(&"api.refused refused other_organization".to_owned()));
    drop(acme);
}

async fn links(app: &orgate_tests::app::App) -> i64 {
    let open = "select count(*) from setup_links where revoked_at is null";
    sqlx::query_scalar(open).fetch_one(app.database.superuser()).await.expect("counted")
}

#[tokio::test]
async fn a_suspended_organizations_administrators_and_machines_are_let_in_no_more() {
    let app = app().await;
    let machine = token_of(&app, "all").await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let users = ("GET", "/organizations/acme/users");
    for token in [&machine, &ada] {
        assert_eq!(call(&app, Some(token), users, None).await.status, 200);
    }

    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;

    for token in [&machine, &ada] {
        assert_eq!(call(&app, Some(token), users, None).await.status, 401);
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_told_what_is_wrong() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let path = format!("{PATH}/organizations/acme/setup-links");
    let post = async |media: &'static str, body: String| {
        let request =
            client().post(app.at(&path)).bearer_auth(&token).header("content-type", media).body(body);
        Reply::of(request.send().await.expect("answered")).await
    };
    let json = "application/json";
    let mut seen = String::new();
    let mut note = |what: &str, reply: &Reply| {
        let kind = reply.text("type");
        let errors = reply.body["errors"].as_array().cloned().unwrap_or_default();
        let places: Vec<_> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        let kind = kind.trim_start_matches("urn:orgate:problem:");
        writeln!(seen, "{what}: {} {kind} {places:?}", reply.status).expect("written");
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{what}");
    };

    note("a form", &post("application/x-www-form-urlencoded", "purposes=sso".to_owned()).await);
    note("no JSON", &post(json, "{".to_owned()).await);
    note("a list", &post(json, "[]".to_owned()).await);
    note("two of them", &post(json, "{\"purposes\":[\"sso\"]} {}".to_owned()).await);
    note(
        "an unknown field",
        &post(json, json!({ "purposes": ["sso"], "org_id": "org_x" }).to_string()).await,
    );
    note("an unknown purpose", &post(json, json!({ "purposes": ["sso", "scim"] }).to_string()).await);
    note("no purpose", &post(json, json!({ "purposes": [] }).to_string()).await);
    note("too long", &post(json, json!({ "purposes": ["sso"], "expires_in_hours": 721 }).to_string()).await);
    note("not at all", &post(json, json!({ "purposes": ["sso"], "expires_in_hours": 0 }).to_string()).await);
    note("less", &post(json, json!({ "purposes": ["sso"], "expires_in_hours": -1 }).to_string()).await);
    note(
        "an unknown role",
        &post(json, json!({ "purposes": ["sso"], "roles": ["nobody"] }).to_string()).await,
    );
    note("too large", &post(json, format!("{{\"purposes\":[\"{}\"]}}", "x".repeat(2 << 20))).await);
    for (what, method, path) in [
        ("another method", "PUT", "/organizations/acme"),
        ("another path", "GET", "/organizations/acme/members"),
        ("a deep path", "GET", "/organizations/acme/users/x/y"),
        ("an unknown parameter", "GET", "/organizations/acme/users?offset=3"),
        ("twice", "GET", "/organizations/acme/users?limit=3&limit=4"),
        ("too many", "GET", "/organizations/acme/users?limit=201"),
        ("none", "GET", "/organizations/acme/users?limit=0"),
        (
            "a cursor of another kind",
            "GET",
            "/organizations/acme/users?cursor=stl_00000000000000000000000000",
        ),
        ("no id", "GET", "/organizations/acme/users/ada@acme.test"),
        ("bytes", "GET", "/organizations/acme/users/%ff%fe"),
        ("a null", "GET", "/organizations/%00/users"),
    ] {
        note(what, &call(&app, Some(&token), (method, path), None).await);
    }

    insta::assert_snapshot!(seen, @r#"
    a form: 415 media_type []
    no JSON: 422 invalid_body [""]
    a list: 422 invalid_body [""]
    two of them: 422 invalid_body [""]
    an unknown field: 422 invalid_body ["/org_id"]
    an unknown purpose: 422 invalid_body ["/purposes/1"]
    no purpose: 422 invalid_body ["/purposes"]
    too long: 422 invalid_body ["/expires_in_hours"]
    not at all: 422 invalid_body ["/expires_in_hours"]
    less: 422 invalid_body ["/expires_in_hours"]
    an unknown role: 422 invalid_body ["/roles"]
    too large: 413 too_large []
    another method: 405 method_not_allowed []
    another path: 404 not_found []
    a deep path: 404 not_found []
    an unknown parameter: 400 invalid_parameter []
    twice: 400 invalid_parameter []
    too many: 400 invalid_parameter []
    none: 400 invalid_parameter []
    a cursor of another kind: 400 invalid_parameter []
    no id: 404 not_found []
    bytes: 404 not_found []
    a null: 404 not_found []
    "#);
    let allowed = call(&app, Some(&token), ("PUT", "/organizations/acme"), None).await;
    assert_eq!(allowed.headers["allow"], "GET,HEAD,PATCH");
    assert_eq!(links(&app).await, 0);
}
