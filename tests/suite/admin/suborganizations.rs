//! Organizations below: those that let this one in, and the way to what they let it do.

use orgate_tests::app::App;

use super::{administrator, open_as};

const LIST: &str = "/admin/acme/suborganizations";

/// Below Acme: east lets it look after users, west read its log, and north do nothing; and below Globex, one that lets that in.
async fn tree(app: &App) {
    app.apply(
        "organizations:
  - { slug: east, name: <b>East</b> & Co, parent: acme, delegations: [{ organization: acme, permissions: [\"orgate:users:*\", \"orgate:roles:read\"] }] }
  - { slug: west, name: West, parent: acme, delegations: [{ organization: acme, permissions: [\"orgate:audit:read\"] }] }
  - { slug: north, name: North, parent: acme }
  - { slug: south, name: South, parent: globex, delegations: [{ organization: globex, permissions: [\"orgate:users:read\"] }] }",
    )
    .await;
}

/// The row of the organization that is called so by its slug.
fn row<'a>(body: &'a str, slug: &str) -> &'a str {
    let found = body.split("<tr>").find(|row| row.contains(&format!("<span class=\"muted\">{slug}</span>")));
    found.unwrap_or_else(|| panic!("{slug}: {body}"))
}

#[tokio::test]
async fn those_that_let_it_in_are_listed_and_lead_to_what_they_let_it_do() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let empty = ada.get(LIST).await;
    tree(&app).await;

    let list = ada.get(LIST).await;
    let (east, west) = (row(&list.body, "east"), row(&list.body, "west"));
    let link = |row: &str| {
        let (_, rest) = row.split_once("href=\"").expect("a link");
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    let (users, log) = (ada.get(link(east)).await, ada.get(link(west)).await);

    assert!(empty.body.contains("No organization below yours lets you in"), "{}", empty.body);
    assert!(
        empty.body.contains("href=\"/admin/acme/suborganizations\" aria-current=\"page\""),
        "{}",
        empty.body
    );
    assert!(!list.body.contains("north") && !list.body.contains("South"), "{}", list.body);
    assert!(east.contains("<bdi>&#60;b&#62;East&#60;/b&#62; &#38; Co</bdi>"), "{east}");
    assert!(east.contains("orgate:roles:read, orgate:users:*"), "{east}");
    assert!(link(east).ends_with("/users") && link(west).ends_with("/audit"), "{east} {west}");
    assert!(users.status == 200 && users.body.contains("<h1>Users</h1>"), "{}", users.body);
    assert!(log.status == 200 && log.body.contains("<h1>Audit log</h1>"), "{}", log.body);
    assert!(!users.body.contains("Sub-organizations"), "nobody goes further down from there: {}", users.body);
}

#[tokio::test]
async fn whoever_may_not_act_below_is_told_who_may_and_nobody_sees_those_of_others() {
    let app = App::start().await;
    tree(&app).await;
    let vic = open_as(&app.browser(), LIST, "vic@acme.test").await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;

    let own = gus.get("/admin/globex/suborganizations").await;
    let others = gus.get(LIST).await;

    assert!(vic.status == 403 && vic.body.contains("orgate:suborganizations:act"), "{}", vic.body);
    assert!(own.body.contains("South") && !own.body.contains("East"), "{}", own.body);
    assert_eq!(others.leads_to(), "/authorize");
}
