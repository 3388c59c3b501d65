//! Set-up links, made and taken back by an organization's own administrators.

use serde_json::json;

use super::{app, call, token_of, token_of_user};

const LINKS: &str = "/organizations/acme/setup-links";

#[tokio::test]
async fn an_administrator_makes_a_link_that_opens_the_wizard_until_they_take_it_back() {
    let app = app().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let wanted =
        json!({ "purposes": ["sso", "domains"], "roles": ["viewer", "admin"], "expires_in_hours": 2 });

    let made = call(&app, Some(&ada), ("POST", LINKS), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    insta::assert_json_snapshot!(made.body, {
        ".id" => "stl_…", ".created_at" => "…", ".expires_at" => "…", ".url" => "…", ".created_by" => "usr_…",
    }, @r#"
    {
      "administrative_roles": [
        "admin"
      ],
      "created_at": "…",
      "created_by": "usr_…",
      "expires_at": "…",
      "id": "stl_…",
      "last_used_at": null,
      "purposes": [
        "domains",
        "sso"
      ],
      "revoked_at": null,
      "roles": [
        "admin",
        "viewer"
      ],
      "url": "…"
    }
    "#);
    let browser = app.browser();
    let opened = browser.get(made.text("url")).await;
    assert_eq!(opened.status, 200);
    assert!(opened.body.contains("Acme Inc"));
    let at = made.headers["location"].to_str().expect("an address").to_owned();
    let path = at.split_once("/api/v1").expect("the API").1.to_owned();
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert_eq!((read.status, read.body["roles"].clone()), (200, json!(["admin", "viewer"])));
    assert!(read.body.get("url").is_none() && !read.body.to_string().contains("link="), "it is shown once");

    for _ in 0..2 {
        let revoked = call(&app, Some(&ada), ("DELETE", &path), None).await;
        assert_eq!(revoked.status, 204);
    }

    assert_eq!(app.browser().get(made.text("url")).await.status, 410);
    let read = call(&app, Some(&ada), ("GET", &path), None).await;
    assert!(read.body["revoked_at"].is_string());
    let about = |event: &String| event.starts_with("setup_link");
    let events: Vec<String> = app.events("acme").await.into_iter().filter(about).collect();
    assert_eq!(
        events,
        [
            "setup_link.created success",
            "setup_link.revoked success",
            "setup_link.refused refused revoked_link",
        ]
    );
    let by: Vec<(String, bool, bool)> = sqlx::query_as(
        "select actor_kind, actor_id like 'usr_%', session_id is not null from audit_events
         where action in ('setup_link.created', 'setup_link.revoked')",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    assert_eq!(by, [("user".to_owned(), true, true), ("user".to_owned(), true, true)]);
}

/// DESIGN 3.8: whatever grants by itself has a ceiling set by someone who could grant it.
#[tokio::test]
async fn nobody_gives_by_a_link_what_they_do_not_hold() {
    let app = app().await;
    let api = app.env.issuer.api();
    app.apply(&format!(
        "organizations:\n  - slug: acme\n    name: Acme Inc\n    roles:\n      \
         - {{ slug: sso-manager, permissions: [\"orgate:setup_links:*\", \"orgate:connections:manage\", \"notes:read\"] }}\n      \
         - {{ slug: writer, permissions: [\"notes:read\", \"notes:write\"] }}\n      \
         - {{ slug: reader, permissions: [\"notes:read\"] }}\n      \
         - {{ slug: everything, permissions: [\"orgate:setup_links:*\", \"orgate:*\"] }}\n\
         clients:\n  - {{ client_id: manager, organization: acme, name: Manager, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [sso-manager] }}\n  \
         - {{ client_id: lent, organization: acme, name: Lent, type: machine, audience: owner, \
         client_secret: \"${{SECRET}}\", resources: [\"{api}\"], \
         scopes: [\"orgate:setup_links:manage\", \"orgate:connections:manage\"], roles: [everything] }}\n"
    ))
    .await;
    let (manager, lent) = (token_of(&app, "manager").await, token_of(&app, "lent").await);
    let ask = async |token: &str, purposes: &[&str], roles: &[&str]| {
        let wanted = json!({ "purposes": purposes, "roles": roles });
        let reply = call(&app, Some(token), ("POST", LINKS), Some(&wanted)).await;
        (reply.status, reply.body["errors"][0]["pointer"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |pointer: &str| (403, pointer.to_owned());

    assert_eq!(ask(&manager, &["domains"], &[]).await, refused("/purposes"), "they may not manage domains");
    assert_eq!(ask(&manager, &["sso", "domains"], &[]).await, refused("/purposes"));
    assert_eq!(ask(&manager, &["sso"], &["writer"]).await, refused("/roles"), "they cannot write");
    assert_eq!(ask(&manager, &["sso"], &["reader", "everything"]).await, refused("/roles"));
    // Whose roles they are holds everything; the token was lent less.
    assert_eq!(ask(&lent, &["domains"], &[]).await, refused("/purposes"));
    assert_eq!(ask(&lent, &["sso"], &["everything"]).await, refused("/roles"));
    let made = "select count(*) from setup_links";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 0);
    let events = app.events("acme").await;
    assert!(events.contains(&"api.refused refused permission_missing".to_owned()));
    assert!(events.contains(&"api.refused refused role_above".to_owned()));

    assert_eq!(ask(&manager, &["sso"], &["reader", "sso-manager"]).await.0, 201);
    assert_eq!(
        ask(&lent, &["sso"], &["sso-manager"]).await.0,
        403,
        "which may list links, and the token may not"
    );
}
