//! Lists, page by page.

use std::fmt::Write as _;

use orgate_domain::ids::UserId;
use serde_json::{Value, json};

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
      "locale": null,
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
      "signed_in_at": null,
      "status": "active",
      "updated_at": "…"
    }
    "#);
}

/// The names that a list of users has, in order.
async fn names(app: &orgate_tests::app::App, token: &str, query: &str) -> Vec<String> {
    let path = format!("/organizations/acme/users?{query}");
    let reply = call(app, Some(token), ("GET", &path), None).await;
    assert_eq!(reply.status, 200, "{query}: {:?}", reply.body);
    let users = reply.body["items"].as_array().expect("items").iter();
    users.map(|user| user["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn users_are_found_by_how_each_part_of_their_name_or_address_begins() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    app.apply(
        r#"organizations: [{ slug: acme, name: Acme Inc, users: [
             { email: jean-luc.martin@acme.test, name: Jean-Luc Martin },
             { email: noor@acme.test, name: "Noor O'Brien (Sales)" },
             { email: zoe@acme.test, name: Zoë Ångström, status: deactivated },
             { email: percent@acme.test, name: "100% _all_" }] },
           { slug: globex, name: Globex Corporation, users: [{ email: luc@globex.test, name: Luc Martin }] }]"#,
    )
    .await;
    let before = [
        ("search=luc", vec!["Jean-Luc Martin"]),
        ("search=MARTIN", vec!["Jean-Luc Martin"]),
        ("search=mart%20jean", vec!["Jean-Luc Martin"]),
        ("search=mart%20noor", vec![]),
        ("search=artin", vec![]),
        ("search=brien", vec!["Noor O'Brien (Sales)"]),
        ("search=o%27br", vec!["Noor O'Brien (Sales)"]),
        ("search=sales", vec!["Noor O'Brien (Sales)"]),
        ("search=jean-luc.martin%40acme.test", vec!["Jean-Luc Martin"]),
        ("search=%C3%A5ngstr", vec!["Zoë Ångström"]),
        ("search=zo&status=active", vec![]),
        ("search=zo&status=deactivated", vec!["Zoë Ångström"]),
        ("status=deactivated", vec!["Zoë Ångström"]),
        // The host is everybody's; and nothing is a pattern.
        ("search=acme.test", vec![]),
        ("search=%25", vec![]),
        ("search=_", vec![]),
        ("search=100%25", vec!["100% _all_"]),
        ("search=all", vec!["100% _all_"]),
    ];
    for (query, expected) in before {
        assert_eq!(names(&app, &token, query).await, expected, "{query}");
    }

    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [
           { email: jean-luc.martin@acme.test, name: Picard },
           { email: zoe@acme.test, name: Zoë Ångström, status: active }] }]",
    )
    .await;

    assert_eq!(names(&app, &token, "search=picard").await, ["Picard"]);
    assert_eq!(names(&app, &token, "search=jean").await, ["Picard"], "by the address");
    assert_eq!(names(&app, &token, "search=zo&status=active").await, ["Zoë Ångström"]);
    assert_eq!(names(&app, &token, "status=deactivated").await, [] as [&str; 0]);
}

#[tokio::test]
async fn what_is_found_comes_page_by_page_and_what_cannot_be_asked_is_said() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let mut users = String::from("organizations:\n  - slug: acme\n    name: Acme Inc\n    users:\n");
    for number in 0..7 {
        writeln!(users, "      - {{ email: twin{number}@acme.test, name: Twin Twinson {number} }}")
            .expect("written");
    }
    app.apply(&users).await;

    let first =
        call(&app, Some(&token), ("GET", "/organizations/acme/users?search=twin&limit=4"), None).await;
    let cursor = first.body["next_cursor"].as_str().expect("another page").to_owned();
    let second = format!("search=twin&limit=4&cursor={cursor}");

    assert_eq!(first.body["items"].as_array().map(Vec::len), Some(4), "once each, whatever part begins so");
    let first: Vec<_> =
        first.body["items"].as_array().expect("items").iter().map(|user| user["name"].clone()).collect();
    let second = names(&app, &token, &second).await;
    assert!(
        second.len() == 3 && second.iter().all(|name| !first.contains(&json!(name))),
        "{first:?} {second:?}"
    );
    for wrong in [
        "search=".to_owned(),
        "search=%20".to_owned(),
        format!("search={}", "x".repeat(201)),
        "status=gone".to_owned(),
        "inactive_days=0".to_owned(),
        "inactive_days=x".to_owned(),
        "search=a&email=ada%40acme.test".to_owned(),
    ] {
        let path = format!("/organizations/acme/users?{wrong}");
        let reply = call(&app, Some(&token), ("GET", &path), None).await;
        assert_eq!(reply.status, 400, "{wrong}: {:?}", reply.body);
    }
}
