//! Groups, one inside of another, and who is in them.

use orgate_tests::app::App;
use serde_json::{Value, json};

use super::{app, call, token_of, token_of_user};

const ORG: &str = "/organizations/acme";

/// Somebody of Acme's who calls.
struct Admin<'a> {
    app: &'a App,
    token: String,
}

impl Admin<'_> {
    async fn ask(&self, method: &str, below: &str, body: &Value) -> (u16, Value) {
        let body = Some(body).filter(|body| !body.is_null());
        let reply = call(self.app, Some(&self.token), (method, &format!("{ORG}/{below}")), body).await;
        (reply.status, reply.body)
    }

    /// Makes a group with these roles, inside of these; its id.
    async fn group(&self, slug: &str, roles: &[&str], parents: &[&str]) -> String {
        let wanted = json!({ "slug": slug, "name": slug, "roles": roles, "parents": parents });
        let (status, body) = self.ask("POST", "groups", &wanted).await;
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().expect("an id").to_owned()
    }

    async fn user(&self, email: &str) -> String {
        let (_, body) = self.ask("GET", &format!("users?email={email}"), &Value::Null).await;
        body["items"][0]["id"].as_str().expect("an id").to_owned()
    }
}

/// What Vic's token says of them, as they sign in now.
async fn vic_holds(app: &App) -> (Value, Value) {
    let claims = app.sign_in("acme", "vic@acme.test").await.claims("access_token");
    (claims["roles"].clone(), claims["permissions"].clone())
}

#[tokio::test]
async fn whoever_is_in_a_group_has_what_all_groups_around_it_give() {
    let app = app().await;
    let ada = Admin { app: &app, token: token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await };
    let vic = ada.user("vic@acme.test").await;
    for (slug, permission) in [("writer", "notes:write"), ("payer", "notes:pay")] {
        let wanted = json!({ "slug": slug, "name": slug, "permissions": [permission] });
        assert_eq!(ada.ask("POST", "roles", &wanted).await.0, 201);
    }
    let company = ada.group("company", &["payer"], &[]).await;
    let europe = ada.group("europe", &["writer"], &["company"]).await;
    let berlin = ada.group("berlin", &[], &["europe"]).await;

    let inside = format!("groups/{berlin}/members/{vic}");
    for _ in 0..2 {
        assert_eq!(ada.ask("PUT", &inside, &Value::Null).await.0, 204);
    }

    assert_eq!(
        vic_holds(&app).await,
        (json!(["payer", "viewer", "writer"]), json!(["notes:pay", "notes:read", "notes:write"]))
    );
    let (_, read) = ada.ask("GET", &format!("groups/{berlin}"), &Value::Null).await;
    insta::assert_json_snapshot!(read, { ".id" => "grp_…" }, @r#"
    {
      "id": "grp_…",
      "inherited_roles": [
        "payer",
        "writer"
      ],
      "name": "berlin",
      "parents": [
        "europe"
      ],
      "roles": [],
      "slug": "berlin"
    }
    "#);
    let (_, members) = ada.ask("GET", &format!("groups/{berlin}/members"), &Value::Null).await;
    assert_eq!(members["items"], json!([{ "user_id": vic, "email": "vic@acme.test", "name": "Vic Viewer" }]));
    let (_, none) = ada.ask("GET", &format!("groups/{europe}/members"), &Value::Null).await;
    assert_eq!(none["items"], json!([]), "who is in one inside of it was not put into it");

    // A group moves, or gives less: at once, for whoever is below it.
    assert_eq!(ada.ask("PATCH", &format!("groups/{company}"), &json!({ "roles": [] })).await.0, 200);
    assert_eq!(vic_holds(&app).await.0, json!(["viewer", "writer"]));
    assert_eq!(
        ada.ask("PATCH", &format!("groups/{berlin}"), &json!({ "parents": ["company"] })).await.0,
        200
    );
    assert_eq!(vic_holds(&app).await.0, json!(["viewer"]));
    assert_eq!(ada.ask("PATCH", &format!("groups/{berlin}"), &json!({ "parents": ["europe"] })).await.0, 200);

    for (group, parents) in [(&company, json!(["berlin"])), (&europe, json!(["europe"]))] {
        let (status, body) =
            ada.ask("PATCH", &format!("groups/{group}"), &json!({ "parents": parents })).await;
        assert_eq!((status, body["errors"][0]["pointer"].as_str()), (422, Some("/parents")), "{body}");
    }
    for (wrong, pointer) in [
        (json!({ "slug": "x", "name": "X", "roles": ["viewer", "none"] }), "/roles/1"),
        (json!({ "slug": "x", "name": "X", "parents": ["none"] }), "/parents/0"),
        (json!({ "slug": "X", "name": "X" }), "/slug"),
        (json!({ "slug": "x", "name": "X", "members": [] }), "/members"),
    ] {
        let (status, body) = ada.ask("POST", "groups", &wrong).await;
        assert_eq!((status, body["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{body}");
    }

    let mut inner = "berlin".to_owned();
    for step in 0..18 {
        let slug = format!("inner-{step}");
        ada.group(&slug, &[], &[&inner]).await;
        inner = slug;
    }
    let deep = json!({ "slug": "deep", "name": "Deep", "parents": [inner] });
    let (status, body) = ada.ask("POST", "groups", &deep).await;
    assert_eq!((status, body["errors"][0]["pointer"].as_str()), (422, Some("/parents")), "{body}");
    for step in (0..18).rev() {
        let (_, listed) = ada.ask("GET", "groups?limit=200", &Value::Null).await;
        let listed = listed["items"].as_array().expect("groups");
        let group = listed.iter().find(|group| group["slug"] == format!("inner-{step}")).expect("a group");
        let path = format!("groups/{}", group["id"].as_str().expect("an id"));
        assert_eq!(ada.ask("DELETE", &path, &Value::Null).await.0, 204);
    }

    for used in [&berlin, &europe] {
        let (status, body) = ada.ask("DELETE", &format!("groups/{used}"), &Value::Null).await;
        assert_eq!((status, body["type"].as_str()), (409, Some("urn:orgate:problem:in_use")));
    }
    for _ in 0..2 {
        assert_eq!(ada.ask("DELETE", &inside, &Value::Null).await.0, 204);
    }
    assert_eq!(vic_holds(&app).await.0, json!(["viewer"]));
    for group in [&berlin, &europe, &company] {
        assert_eq!(ada.ask("DELETE", &format!("groups/{group}"), &Value::Null).await.0, 204);
        assert_eq!(ada.ask("GET", &format!("groups/{group}"), &Value::Null).await.0, 404);
    }
    let told: Vec<Value> = sqlx::query_scalar(
        "select detail from audit_events where action = 'user.configured' and actor_kind = 'user' order by id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(
        told,
        [
            json!({ "change": "groups", "joined": "berlin", "status": "active" }),
            json!({ "change": "groups", "left": "berlin", "status": "active" }),
        ]
    );
}

/// A group is a way to give roles, and no way around what one may give.
#[tokio::test]
async fn nobody_gives_by_a_group_what_they_may_not_give() {
    let app = app().await;
    let ada = Admin { app: &app, token: token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await };
    let vic = ada.user("vic@acme.test").await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, roles: [\
         {{ slug: owner, permissions: [\"orgate:*\"] }}, \
         {{ slug: grouper, permissions: [\"orgate:groups:*\", \"orgate:applications:grant\", \"orgate:roles:read\"] }}] }}]\n\
         clients:\n  - {{ client_id: grouper, organization: acme, name: Grouper, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [grouper] }}\n"
    ))
    .await;
    let owners = ada.group("owners", &["owner"], &[]).await;
    let staff = ada.group("staff", &["viewer"], &[]).await;
    let boss = ada.group("bosses", &[], &["owners"]).await;
    let grouper = Admin { app: &app, token: token_of(&app, "grouper").await };

    for (method, below, body) in [
        ("POST", "groups".to_owned(), json!({ "slug": "mine", "name": "Mine", "roles": ["owner"] })),
        ("POST", "groups".to_owned(), json!({ "slug": "mine", "name": "Mine", "parents": ["owners"] })),
        ("POST", "groups".to_owned(), json!({ "slug": "mine", "name": "Mine", "parents": ["bosses"] })),
        ("PATCH", format!("groups/{staff}"), json!({ "roles": ["owner"] })),
        ("PATCH", format!("groups/{staff}"), json!({ "parents": ["bosses"] })),
        ("PATCH", format!("groups/{owners}"), json!({ "roles": [] })),
        ("PATCH", format!("groups/{boss}"), json!({ "parents": [] })),
        ("PUT", format!("groups/{owners}/members/{vic}"), Value::Null),
        ("PUT", format!("groups/{boss}/members/{vic}"), Value::Null),
        ("DELETE", format!("groups/{boss}"), Value::Null),
    ] {
        let (status, answer) = grouper.ask(method, &below, &body).await;
        assert_eq!(status, 403, "{method} {below} {body}: {answer}");
    }

    assert_eq!(vic_holds(&app).await.0, json!(["viewer"]));
    assert_eq!(grouper.ask("PUT", &format!("groups/{staff}/members/{vic}"), &Value::Null).await.0, 204);
    assert_eq!(grouper.ask("PATCH", &format!("groups/{boss}"), &json!({ "name": "Bosses" })).await.0, 403);
    assert!(app.events("acme").await.contains(&"api.refused refused beyond_caller".to_owned()));
}

/// Files nest groups as well, in whatever order they say it.
#[tokio::test]
async fn a_file_nests_groups_and_says_where_they_lead_in_a_circle() {
    let app = app().await;
    let file = |inner: &str| {
        format!(
            "organizations:\n  - slug: acme\n    name: Acme Inc\n    groups:\n      \
             - {{ slug: berlin, parents: [europe] }}\n      \
             - {{ slug: europe, roles: [admin], parents: [{inner}] }}\n      \
             - {{ slug: company }}\n"
        )
    };

    app.apply(&file("company")).await;

    let ada = Admin { app: &app, token: token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await };
    let (_, listed) = ada.ask("GET", "groups", &Value::Null).await;
    let berlin = listed["items"].as_array().expect("groups").iter().find(|group| group["slug"] == "berlin");
    assert_eq!(berlin.expect("a group")["inherited_roles"], json!(["admin"]));
    let lookup = |_: &str| None;
    let wanted = orgate_server::apply_file::load_str("test.yaml", &file("berlin"), &lookup).expect("read");
    let refused = orgate_flows::apply::plan(&app.env, &wanted).await.expect_err("a circle").to_string();
    insta::assert_snapshot!(refused, @"
    test.yaml:5:17: the group berlin is inside of itself
    test.yaml:6:17: the group europe is inside of itself
    ");
}
