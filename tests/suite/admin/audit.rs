//! The audit log: what happened in a period, page by page.

use chrono::{Duration, Utc};
use orgate_flows::Clock as _;
use orgate_tests::app::App;

use super::administrator;

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
    let (_, rest) = first.body.split_once("href=\"/admin/acme/audit?from=").expect("another page");
    let earlier = rest.split('"').next().expect("an address").replace("&#38;", "&");
    let second = ada.get(format!("/admin/acme/audit?from={earlier}")).await;
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
