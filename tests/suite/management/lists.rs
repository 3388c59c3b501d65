//! Lists, page by page.

use std::fmt::Write as _;

use orgate_domain::ids::UserId;
use serde_json::Value;

use super::{Things, app, call, token_of};

#[tokio::test]
async fn pages_hold_everything_once_whatever_comes_and_goes_meanwhile() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let mut users = String::from("organizations:\n  - slug: acme\n    name: Acme Inc\n    users:\n");
    for number in 0..25 {
        writeln!(users, "      - {{ email: u{number}@acme.test, name: User {number} }}").expect("written");
    }
    app.apply(&users).await;
    let page = async |cursor: Option<&str>| {
        let cursor = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let path = format!("/organizations/acme/users?limit=10{cursor}");
        let reply = call(&app, Some(&token), ("GET", &path), None).await;
        assert_eq!((reply.status, reply.headers["cache-control"].to_str().ok()), (200, Some("no-store")));
        let ids = |items: &Value| -> Vec<String> {
            let items = items.as_array().expect("items").iter();
            items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
        };
        (ids(&reply.body["items"]), reply.body["next_cursor"].as_str().map(str::to_owned))
    };

    let (first, next) = page(None).await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: late@acme.test, name: Late }] }]",
    )
    .await;
    let gone = "with gone as (select id from users where id = $1::uuid), unlisted as
                    (delete from email_index where user_id in (select id from gone))
                delete from users where id in (select id from gone)";
    let last: UserId = first.last().expect("a user").parse().expect("an id");
    sqlx::query(gone).bind(last.as_uuid()).execute(app.database.superuser()).await.expect("gone");
    let (second, next) = page(next.as_deref()).await;
    let (third, end) = page(next.as_deref()).await;

    assert_eq!((first.len(), second.len(), third.len(), end), (10, 10, 9, None));
    let mut all = [first, second, third].concat();
    let count = all.len();
    all.sort();
    all.dedup();
    assert_eq!(
        (all.len(), count),
        (29, 29),
        "three from before, 25, and one who came late; one went who had been read"
    );
}

#[tokio::test]
async fn what_is_shown_of_an_organization_and_a_user_is_all_that_is_shown() {
    let app = app().await;
    let token = token_of(&app, "all").await;

    let organization = call(&app, Some(&token), ("GET", "/organizations/acme"), None).await;
    let user = format!("/organizations/acme/users/{}", Things::of(&app, "acme").await.user);
    let user = call(&app, Some(&token), ("GET", &user), None).await;

    insta::assert_json_snapshot!(organization.body, {
        ".id" => "org_…", ".created_at" => "…", ".updated_at" => "…",
    }, @r##"
    {
      "attributes": {},
      "contact_email": null,
      "created_at": "…",
      "erase_after": null,
      "external_id": null,
      "id": "org_…",
      "logo_url": null,
      "name": "Acme Inc",
      "parent_id": null,
      "primary_color": "#0b5fff",
      "slug": "acme",
      "status": "active",
      "updated_at": "…"
    }
    "##);
    insta::assert_json_snapshot!(user.body, {
        ".id" => "usr_…", ".created_at" => "…", ".updated_at" => "…",
    }, @r#"
    {
      "created_at": "…",
      "email": "casey@consult.test",
      "email_verified": true,
      "external_id": null,
      "id": "usr_…",
      "locale": null,
      "name": "Casey",
      "roles": [
        "viewer"
      ],
      "status": "active",
      "updated_at": "…"
    }
    "#);
}
