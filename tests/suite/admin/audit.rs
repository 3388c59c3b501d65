//! The audit log: what happened in a period, page by page.

use chrono::{Duration, Utc};
use orgate_flows::Clock as _;
use orgate_tests::app::App;

use super::{administrator, page_of};

#[tokio::test]
async fn the_log_is_read_page_by_page_and_by_days() {
    let app = App::start().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    for _ in 0..20 {
        app.sign_in("acme", "vic@acme.test").await;
    }
    let rows = |body: &str| body.matches("class=\"who-did\"").count();
    let today = app.clock.now().with_timezone(&Utc).date_naive();
    let tomorrow = today + Duration::days(1);

    let first = ada.get("/admin/acme/audit").await;
    let (_, rest) = first.body.split_once("href=\"/admin/acme/audit?after=").expect("another page");
    let earlier = rest.split('"').next().expect("an address").replace("&#38;", "&");
    let second = ada.get(format!("/admin/acme/audit?after={earlier}")).await;
    let of_today = ada.get(format!("/admin/acme/audit?from={today}&until={today}")).await;
    let later = ada.get(format!("/admin/acme/audit?from={tomorrow}")).await;
    let wrong = ada.get("/admin/acme/audit?from=yesterday").await;

    assert_eq!((rows(&first.body), rows(&of_today.body)), (50, 50));
    assert!((1..=50).contains(&rows(&second.body)) && second.body.contains("First page"), "{}", second.body);
    assert!(first.body.contains("Sign-in succeeded") && first.body.contains(">A user</a>"), "{}", first.body);
    assert!(later.body.contains("Nothing happened then"), "{}", later.body);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("Enter days like"), "{}", wrong.body);
    let (_, rest) = wrong.body.split_once("href=\"/admin/acme/audit?after=").expect("another page");
    let after = rest.split('"').next().expect("a place");
    assert_eq!(
        ada.get(format!("/admin/acme/audit?after={after}")).await.status,
        200,
        "it does not stay wrong"
    );
    for day in ["-9999-01-01", "%2B12026-11-26", "9999-12-31"] {
        assert_eq!(ada.get(format!("/admin/acme/audit?from={day}")).await.status, 422, "{day}");
    }
}

/// The address of the link with this label.
fn link(body: &str, label: &str) -> String {
    let (before, _) = body.split_once(&format!(">{label}<")).unwrap_or_else(|| panic!("{label}: {body}"));
    let (_, rest) = before.rsplit_once("href=\"").expect("a link");
    rest.split('"').next().unwrap_or_default().replace("&#38;", "&")
}

/// What happened, as the page lists it.
fn listed(body: &str) -> Vec<&str> {
    body.split("<span class=\"what\"><b>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn last_weeks_failed_sign_ins_are_one_link_away() {
    let app = App::start().await;
    let wrong = async || {
        let browser = app.browser();
        let page = browser.authorize(&[("organization", "acme")]).await;
        browser.sign_in(page, "vic@acme.test", "wrong").await
    };
    wrong().await;
    app.clock.advance(Duration::days(20));
    wrong().await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let log = ada.get("/admin/acme/audit").await;
    let failed = ada.get(link(&log.body, "Failed sign-ins of the last 7 days")).await;
    let all = ada.get("/admin/acme/audit?kind=failed-sign-ins").await;
    let changes = ada.get("/admin/acme/audit?kind=changes").await;
    let unknown = ada.get("/admin/acme/audit?kind=nothing").await;

    assert_eq!(listed(&failed.body), ["Sign-in failed"], "{}", failed.body);
    assert!(
        failed.body.contains("aria-current=\"true\">Failed sign-ins of the last 7 days"),
        "{}",
        failed.body
    );
    assert!(failed.body.contains("value=\"failed-sign-ins\" selected"), "{}", failed.body);
    assert!(failed.body.contains("about <a href=\"/admin/acme/users/usr_"), "{}", failed.body);
    assert!(failed.body.contains("from <bdi>127.0.0.1</bdi>"), "{}", failed.body);
    assert_eq!(listed(&all.body), ["Sign-in failed", "Sign-in failed"]);
    let decided = listed(&changes.body);
    assert!(decided.contains(&"User configured") && !decided.contains(&"Sign-in succeeded"), "{decided:?}");
    assert_eq!(unknown.status, 200);
    assert!(listed(&unknown.body).contains(&"Sign-in succeeded"), "{}", unknown.body);
}

#[tokio::test]
async fn what_somebody_did_is_linked_from_their_page() {
    let app = App::start().await;
    app.sign_in("acme", "vic@acme.test").await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;
    let of_vic = page_of(&ada, "acme", "vic@acme.test").await;

    let user = ada.get(&of_vic).await;
    let theirs = ada.get(link(&user.body, "What they did")).await;
    let id = of_vic.rsplit('/').next().expect("an id");
    let narrowed = ada.get(format!("/admin/acme/audit?user={id}&kind=roles")).await;
    let nobody = ada.get("/admin/acme/audit?user=usr_00000000000000000000000000").await;

    assert!(theirs.body.contains("Only what <a") && theirs.body.contains("Vic Viewer"), "{}", theirs.body);
    assert!(listed(&theirs.body).contains(&"Sign-in succeeded"), "{}", theirs.body);
    assert!(theirs.body.matches(&format!("href=\"{of_vic}\"")).count() > 1, "{}", theirs.body);
    assert!(narrowed.body.contains("Nothing of the kind was found"), "{}", narrowed.body);
    assert!(narrowed.body.contains(&format!("name=\"user\" value=\"{id}\"")), "{}", narrowed.body);
    assert!(nobody.status == 200 && listed(&nobody.body).is_empty(), "{}", nobody.body);
}

/// Somebody of another organization is nobody here: their events are not, nor is their name.
#[tokio::test]
async fn a_user_of_another_organization_has_nothing_in_this_log() {
    let app = App::start().await;
    let gus = administrator(&app, "globex", "gus@globex.test").await;
    let of_gus = page_of(&gus, "globex", "gus@globex.test").await;
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let page = ada.get(format!("/admin/acme/audit?user={}", of_gus.rsplit('/').next().expect("an id"))).await;

    assert!(page.status == 200 && listed(&page.body).is_empty(), "{}", page.body);
    assert!(!page.body.contains("Gus"), "{}", page.body);
}

/// A question costs the same however long the log is: what lies further back is a link away.
#[tokio::test]
async fn what_is_rare_is_looked_for_further_and_further_back() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    browser.sign_in(page, "vic@acme.test", "wrong").await;
    sqlx::query(
        "insert into audit_events (org_id, id, occurred_at, action, outcome, actor_kind, detail)
         select org_id, gen_random_uuid(), now() + n * interval '1 millisecond', 'token.issued', 'success', 'system', '{}'
         from organizations, generate_series(1, 20500) n where slug = 'acme'",
    )
    .execute(app.database.superuser())
    .await
    .expect("written");
    app.clock.advance(Duration::minutes(5));
    let ada = administrator(&app, "acme", "ada@acme.test").await;

    let near = ada.get("/admin/acme/audit?kind=failed-sign-ins").await;
    let far = ada.get(link(&near.body, "Look further back")).await;

    assert!(
        near.body.contains("20,000 events that were looked at") && listed(&near.body).is_empty(),
        "{}",
        near.body
    );
    assert_eq!(listed(&far.body), ["Sign-in failed"], "{}", far.body);
    assert!(!far.body.contains("Look further back"), "{}", far.body);
}
