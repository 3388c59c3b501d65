//! The overview: how things stand, and what happened last.

use orgate_tests::app::{App, SAMPLES};

use super::{administrator, open_as};

/// What stands in the panel of a number: the number, and the note below.
fn number(body: &str, label: &str) -> String {
    let (_, rest) = body.split_once(&format!("{label}</span>")).unwrap_or_else(|| panic!("{label}: {body}"));
    let (_, rest) = rest.split_once("<b>").expect("a number");
    rest.split("</b>").next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn numbers_are_as_things_stand_and_lead_where_one_may_go() {
    let app = App::start().await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, quotas: { seats: 7 }, invitations: [{ email: new@acme.test }],
         users: [{ email: gone@acme.test, name: Gone, status: deactivated }] }]",
    )
    .await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get("/admin/acme").await;

    assert_eq!(number(&page.body, "Active users"), "3");
    assert_eq!(number(&page.body, "Open invitations"), "1");
    assert_eq!(number(&page.body, "Identity providers"), "0");
    for text in
        ["7 seats in all", "None connected yet", "href=\"/admin/acme/users\"", "href=\"/admin/acme/audit\""]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("It is only you so far"), "{}", page.body);
}

#[tokio::test]
async fn who_is_alone_is_told_what_to_do_first() {
    let app = App::start().await;
    app.apply(
        "organizations: [{ slug: fresh, name: Fresh, users: [{ email: olga@fresh.test, name: Olga,
         password: \"${PASSWORD}\", roles: [owner] }], domains: [fresh.test] }]",
    )
    .await;
    let olga = app.browser();

    let page = open_as(&olga, "/admin/fresh", "olga@fresh.test").await;

    assert!(page.body.contains("It is only you so far"), "{}", page.body);
    assert!(page.body.contains("href=\"/admin/fresh/invitations/new\""), "{}", page.body);
}

/// What happens by itself, thousands of times a day, hides nothing that somebody did.
#[tokio::test]
async fn what_happened_last_is_found_among_what_happens_all_day() {
    let app = App::start().await;
    app.apply(&SAMPLES.replace("name: Vic Viewer", "name: Vic Anew")).await;
    let busy = "insert into audit_events (org_id, id, occurred_at, action, outcome, actor_kind, detail)
                select org_id, gen_random_uuid(), now() + n * interval '1 millisecond', 'token.issued', 'success', 'system', '{}'
                from organizations, generate_series(1, $1) n where slug = 'acme'";
    let issue = async |count: i32| {
        sqlx::query(busy).bind(count).execute(app.database.superuser()).await.expect("written");
    };
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    issue(500).await;
    let found = ada.get("/admin/acme").await;
    issue(1_000).await;
    let buried = ada.get("/admin/acme").await;

    assert!(found.body.contains("Sign-in succeeded"), "{}", found.body);
    assert!(!found.body.contains("Token issued"), "{}", found.body);
    assert!(buried.body.contains("Nothing but what happens by itself"), "{}", buried.body);
    assert!(buried.body.contains("The whole audit log"), "{}", buried.body);
}
