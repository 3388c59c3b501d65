//! API keys: made by whoever they act for, shown once, taken back; and the applications of the organization.

use orgate_tests::app::{App, Page};
use serde_json::Value;

use super::{administrator, copied, send};

const NEW: &str = "/admin/acme/api-keys/new";

/// The row of the key with this name.
fn of_key<'a>(body: &'a str, name: &str) -> &'a str {
    let label = format!("<b><bdi>{name}</bdi></b>");
    let found = body.split("<tr>").find(|row| row.contains(&label));
    let row = found.unwrap_or_else(|| panic!("{name}: {body}"));
    row.split("</tr>").next().unwrap_or_default()
}

/// The rows of the applications' page, by the client's id: that, the name, and whose it is.
fn applications(page: &Page) -> Vec<[String; 3]> {
    let between = |row: &str, before: &str, after: &str| {
        let (_, rest) = row.split_once(before).unwrap_or_else(|| panic!("{before}: {row}"));
        rest.split(after).next().unwrap_or_default().to_owned()
    };
    let rows = page.body.split("<th scope=\"row\">").skip(1);
    let mut rows: Vec<_> = rows
        .map(|row| {
            [
                between(row, "<code class=\"muted\">", "</code>"),
                between(row, "<b><bdi>", "</bdi></b>"),
                between(row, "<td data-label=\"Whose\">", "</td>"),
            ]
        })
        .collect();
    rows.sort();
    rows
}

/// What the management API answers to a key.
async fn ask(app: &App, key: &str, path: &str) -> (u16, Value) {
    let url = app.at(&format!("/api/v1/organizations/acme{path}"));
    let reply = orgate_tests::app::client().get(url).bearer_auth(key).send().await.expect("an answer");
    (reply.status().as_u16(), reply.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_key_is_shown_once_does_what_was_ticked_and_nothing_once_it_is_taken_back() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let fields = [("name", "Hiring tool"), ("permission", "orgate:users:read"), ("expires_in_days", "30")];
    let made = send(&ada, &form, NEW, &fields).await;
    let key = copied(&made, "key");
    let list = ada.get("/admin/acme/api-keys").await;
    let (read, refused) = (ask(&app, &key, "/users").await.0, ask(&app, &key, "/roles").await.0);
    let (_, rest) = list.body.split_once("/admin/acme/api-keys/apk_").expect("a key of the list");
    let revoke = format!("/admin/acme/api-keys/apk_{}", rest.split('"').next().unwrap_or_default());
    let taken = send(&ada, &list, &revoke, &[]).await;
    let after = ada.follow(taken).await;

    assert_eq!((made.status.as_u16(), read, refused), (200, 200, 403), "{}", made.body);
    assert!(!list.body.contains(&key), "{}", list.body);
    let row = of_key(&list.body, "Hiring tool");
    for text in ["<code class=\"muted\">orgate:users:read</code>", ">You <span", ">Good<", "never used"] {
        assert!(row.contains(text), "{text}: {row}");
    }
    assert!(after.body.contains("The key is taken back"), "{}", after.body);
    let row = of_key(&after.body, "Hiring tool");
    assert!(row.contains(">Taken back<") && !row.contains("/revoke"), "{row}");
    assert_eq!(ask(&app, &key, "/users").await.0, 401);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_what_was_ticked_is_kept() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let form = ada.get(NEW).await;

    let unnamed =
        send(&ada, &form, NEW, &[("permission", "orgate:users:read"), ("expires_in_days", "30")]).await;
    let nothing = send(&ada, &form, NEW, &[("name", "Tool"), ("expires_in_days", "30")]).await;
    let forever = send(
        &ada,
        &form,
        NEW,
        &[("name", "Tool"), ("permission", "orgate:users:read"), ("expires_in_days", "9999")],
    )
    .await;

    assert!(unnamed.status == 422 && unnamed.body.contains("id=\"name-error\""), "{}", unnamed.body);
    assert!(unnamed.body.contains("value=\"orgate:users:read\" checked"), "{}", unnamed.body);
    assert!(nothing.status == 422 && nothing.body.contains("id=\"permissions-error\""), "{}", nothing.body);
    assert!(nothing.body.contains("value=\"Tool\""), "{}", nothing.body);
    assert!(forever.status == 422 && forever.body.contains("id=\"expires-error\""), "{}", forever.body);
    assert!(ada.get("/admin/acme/api-keys").await.body.contains("There is no API key"));
}

/// Whoever may make keys makes none for what they may not do, whatever they send.
#[tokio::test]
async fn nobody_makes_a_key_for_what_they_do_not_hold() {
    let app = App::start().await;
    let limited = "permissions: [\"orgate:organization:read\", \"orgate:api_keys:manage\"]";
    app.apply(&format!(
        "organizations: [{{ slug: acme, name: Acme Inc, roles: [{{ slug: keys, name: Keys, {limited} }}],
           users: [{{ email: kim@acme.test, name: Kim, password: \"${{PASSWORD}}\", roles: [keys] }}] }}]"
    ))
    .await;
    let kim = administrator(&app, "acme", "kim@acme.test").await;
    let form = kim.get(NEW).await;

    let fields = [("name", "Tool"), ("permission", "orgate:users:read"), ("expires_in_days", "30")];
    let refused = send(&kim, &form, NEW, &fields).await;

    assert!(form.body.contains("orgate:organization:read") && !form.body.contains("orgate:users:read"));
    assert!(refused.status == 403 && refused.body.contains("id=\"permissions-error\""), "{}", refused.body);
    assert_eq!(kim.get("/admin/acme/api-keys").await.status, 403, "to make is not to read");
}

#[tokio::test]
async fn applications_are_those_that_the_organization_may_use() {
    let app = App::start().await;
    app.apply(
        "clients:
  - { client_id: globex-tool, organization: operator, name: Globex Tool, type: web, audience: granted, granted_to: [globex],
      client_secret: \"${SECRET}\", redirect_uris: [\"http://localhost:9/callback\"] }
  - { client_id: globex-own, organization: globex, name: Globex Intranet, type: web, audience: owner,
      client_secret: \"${SECRET}\", redirect_uris: [\"http://localhost:9/callback\"] }",
    )
    .await;
    let (ada, gus) = (
        administrator(&app, "acme", "ada@acme.test").await,
        administrator(&app, "globex", "gus@globex.test").await,
    );

    let page = ada.get("/admin/acme/applications").await;
    let of_globex = gus.get("/admin/globex/applications").await;

    let everybodys = "The product’s, open to everybody";
    assert_eq!(
        applications(&page),
        [
            ("acme-only", "Acme Intranet", "Your organization’s own"),
            ("granted", "Granted", "The product’s, open to your organization"),
            ("notes", "Notes", everybodys),
            ("orgate-admin", "Administration", everybodys),
            ("public", "Single Page", everybodys),
        ]
        .map(|(client, name, whose)| [client, name, whose].map(str::to_owned))
    );
    let known: Vec<_> = applications(&of_globex).into_iter().map(|[client, ..]| client).collect();
    assert_eq!(known, ["globex-own", "globex-tool", "notes", "orgate-admin", "public"]);
}
