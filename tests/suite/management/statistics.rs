//! How often people sign in, and who has not for long.

use chrono::Duration;
use orgate_flows::manage::statistics::{EVENTS, tally};
use orgate_flows::webhooks::sequence;
use orgate_tests::app::{App, PASSWORD};
use serde_json::{Value, json};

use super::{call, machines, token_of};

/// Without jobs, so that it is counted when a test says so.
async fn app() -> App {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(&machines(&app)).await;
    app
}

/// Counts what has come to the logs so far.
pub(crate) async fn count(app: &App) {
    while sequence(&app.env).await.expect("sequenced") {}
    while tally(&app.env, EVENTS).await.expect("counted") {}
}

async fn sign_in(app: &App, organization: &str, email: &str, password: &str) {
    let browser = app.browser();
    let page = browser.authorize(&[("organization", organization)]).await;
    browser.sign_in(page, email, password).await;
}

async fn statistics(app: &App, token: &str, organization: &str, days: u16) -> Value {
    let path = format!("/organizations/{organization}/statistics?days={days}");
    let reply = call(app, Some(token), ("GET", &path), None).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    reply.body
}

/// The names of the users who have been inactive for so many days.
async fn inactive(app: &App, token: &str, days: u16) -> Vec<String> {
    let path = format!("/organizations/acme/users?inactive_days={days}");
    let reply = call(app, Some(token), ("GET", &path), None).await;
    let users = reply.body["items"].as_array().expect("items").iter();
    users.map(|user| user["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn each_sign_in_counts_once_on_its_day_by_its_method_and_in_its_organization() {
    let app = app().await;
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    sign_in(&app, "acme", "ada@acme.test", "wrong").await;
    count(&app).await;
    let yesterday = app.env.clock.now().date_naive();
    app.clock.advance(Duration::days(1));
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    sign_in(&app, "acme", "vic@acme.test", PASSWORD).await;

    count(&app).await;
    count(&app).await;

    let (acme, globex) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);
    let today = app.env.clock.now().date_naive();
    let told = statistics(&app, &acme, "acme", 3).await;
    let days = json!([
        { "day": today - Duration::days(2), "succeeded": {}, "failed": 0 },
        { "day": yesterday, "succeeded": { "password": 1 }, "failed": 1 },
        { "day": today, "succeeded": { "password": 2 }, "failed": 0 },
    ]);
    assert_eq!(told["days"], days);
    assert_eq!((&told["recent_users"], &told["inactive_users"]), (&json!(2), &json!(0)));
    assert_eq!((&told["users"], &told["open_invitations"]), (&json!(3), &json!(0)));
    let other = statistics(&app, &globex, "globex", 1).await;
    assert_eq!(other["days"], json!([{ "day": today, "succeeded": {}, "failed": 0 }]));
    assert_eq!(other["recent_users"], json!(0));
    for wrong in ["days=0", "days=367", "days=x", "days=1&days=2", "days=%00", "since=yesterday"] {
        let path = format!("/organizations/acme/statistics?{wrong}");
        let refused = call(&app, Some(&acme), ("GET", &path), None).await;
        let kind = refused.text("type");
        assert_eq!((refused.status, kind.as_str()), (400, "urn:orgate:problem:invalid_parameter"), "{wrong}");
    }
}

#[tokio::test]
async fn whoever_has_not_signed_in_for_long_is_inactive_until_they_do_or_are_let_in_again() {
    let app = app().await;
    let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    count(&app).await;
    let fresh = inactive(&app, &token_of(&app, "all").await, 90).await;
    app.clock.advance(Duration::days(91));
    let everybody = inactive(&app, &token_of(&app, "all").await, 90).await;
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: vic@acme.test, name: Vic Viewer, status: deactivated },
           { email: new@acme.test, name: New }] }]",
    )
    .await;

    count(&app).await;

    let token = token_of(&app, "all").await;
    assert_eq!(fresh, named(&[]), "they were just made");
    assert_eq!(everybody.len(), 3, "{everybody:?}");
    assert_eq!(inactive(&app, &token, 90).await, named(&["Casey"]), "one signed in, one may not, one is new");
    assert_eq!(statistics(&app, &token, "acme", 1).await["inactive_users"], json!(1));
    app.apply(
        "organizations: [{ slug: acme, name: Acme Inc, users: [{ email: vic@acme.test, name: Vic Viewer, status: active }] }]",
    )
    .await;
    assert_eq!(inactive(&app, &token, 90).await, named(&["Casey"]), "let in just now");
    let ada = call(&app, Some(&token), ("GET", "/organizations/acme/users?email=ada@acme.test"), None).await;
    assert!(ada.body["items"][0]["signed_in_at"].is_string(), "{:?}", ada.body);
}

/// When somebody was last there is in no tag: who changes a user is not refused because they signed in meanwhile.
#[tokio::test]
async fn a_sign_in_makes_no_tag_another() {
    let app = app().await;
    let token = token_of(&app, "all").await;
    let list = call(&app, Some(&token), ("GET", "/organizations/acme/users?email=ada@acme.test"), None).await;
    let path = format!("/organizations/acme/users/{}", list.body["items"][0]["id"].as_str().expect("an id"));
    let before = call(&app, Some(&token), ("GET", &path), None).await;
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    count(&app).await;

    let after = call(&app, Some(&token), ("GET", &path), None).await;

    assert_ne!(before.body["signed_in_at"], after.body["signed_in_at"]);
    assert_eq!(before.headers["etag"], after.headers["etag"]);
}

/// An organization that is erased leaves no number behind, also of what is counted only then.
#[tokio::test]
async fn nothing_is_counted_of_an_organization_that_is_being_erased() {
    let app = app().await;
    sign_in(&app, "acme", "ada@acme.test", PASSWORD).await;
    while sequence(&app.env).await.expect("sequenced") {}
    sqlx::query("update organizations set status = 'deleted', erase_after = now(), erasing_since = now() where slug = 'acme'")
        .execute(app.database.superuser())
        .await
        .expect("marked");

    while tally(&app.env, EVENTS).await.expect("counted") {}

    let rows: i64 = sqlx::query_scalar("select count(*) from sign_in_days")
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(rows, 0);
}
