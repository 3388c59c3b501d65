//! Answers that overlap, and approvals that nobody finished.

use std::time::Duration;

use orgate_tests::app::{App, Browser, Page};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};

use super::world::{app, ask, decide, heading, wait};

/// Holds the one request that waits for approval, so that whoever would use it up waits.
async fn hold(behind: &PgPool) -> PoolConnection<Postgres> {
    let mut held = behind.acquire().await.expect("a connection");
    sqlx::query("begin").execute(&mut *held).await.expect("begun");
    let waiting = "select id from authorization_requests where session_id is not null and consumed_at is null for update";
    let found = sqlx::query(waiting).fetch_all(&mut *held).await.expect("held");
    assert_eq!(found.len(), 1);
    held
}

/// Waits until `count` statements wait for a lock.
async fn blocked(behind: &PgPool, count: i64) {
    let blocked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
    for _ in 0..500 {
        if sqlx::query_scalar::<_, i64>(blocked).fetch_one(behind).await.expect("counted") == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("nobody waits");
}

/// Presses two buttons, the second while the first is still at work.
async fn press(app: &App, browser: &Browser, question: &Page, [first, second]: [&str; 2]) -> [String; 2] {
    let behind = app.database.superuser();
    let mut held = hold(behind).await;
    let (one, two, ()) = tokio::join!(
        decide(browser, question, first),
        async {
            blocked(behind, 1).await;
            decide(browser, question, second).await
        },
        async {
            blocked(behind, 2).await;
            sqlx::query("rollback").execute(&mut *held).await.expect("let go");
        },
    );
    [heading(&one), heading(&two)]
}

/// What the pages say is what the device hears, whatever the second button was.
#[tokio::test]
async fn of_two_answers_at_once_the_first_stands_and_both_pages_say_so() {
    let app = app().await;
    for second in ["deny", "allow"] {
        let device = ask(&app, "tv", &[("organization", "acme")]).await;
        let browser = app.browser();
        let question = device.sign_in(&browser, "ada@acme.test").await;
        let before = app.events("acme").await.len();

        let pages = press(&app, &browser, &question, ["allow", second]).await;
        let polled = device.poll(&app).await;

        assert_eq!(pages, ["The device is signed in", "The device is signed in"], "{second}");
        assert_eq!(polled.status, 200, "{second}: {}", polled.body);
        let events = app.events("acme").await.split_off(before);
        let answers = events.iter().filter(|event| event.starts_with("device.")).count();
        assert_eq!(answers, 1, "{events:?}");
    }
}

/// A node that died between the two transactions leaves an approval without a code.
#[tokio::test]
async fn an_approval_that_nobody_finished_lapses() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let begun =
        "update device_requests set status = 'approved', answered_by = gen_random_uuid(), answered_in = $1";
    let acme = app.org("acme").await.org_id().as_uuid();
    sqlx::query(begun).bind(acme).execute(app.database.superuser()).await.expect("begun");

    let pending = device.poll(&app).await;
    wait(&app, 600);
    let lapsed = device.poll(&app).await;

    assert_eq!(
        (pending.outcome(), lapsed.outcome()),
        ("400 authorization_pending".to_owned(), "400 expired_token".to_owned())
    );
}

/// It can be finished by who began it, or taken back.
#[tokio::test]
async fn who_began_to_approve_can_still_turn_the_device_away() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let browser = app.browser();
    let question = device.sign_in(&browser, "ada@acme.test").await;
    let begun = "update device_requests set status = 'approved', answered_in = $1,
         answered_by = (select id from authorization_requests where session_id is not null and consumed_at is null)";
    let acme = app.org("acme").await.org_id().as_uuid();
    sqlx::query(begun).bind(acme).execute(app.database.superuser()).await.expect("begun");

    let denied = decide(&browser, &question, "deny").await;

    assert_eq!(heading(&denied), "The device was turned away");
    assert_eq!(device.poll(&app).await.outcome(), "400 access_denied");
    assert!(app.events("acme").await.contains(&"device.denied success".to_owned()));
    assert_eq!(decide(&browser, &question, "allow").await.status, 400, "it was used up");
}

#[tokio::test]
async fn a_session_that_ends_while_the_button_is_pressed_lets_nobody_in_and_the_log_says_so() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let browser = app.browser();
    let question = device.sign_in(&browser, "ada@acme.test").await;
    let behind = app.database.superuser();

    let mut held = hold(behind).await;
    let (page, ()) = tokio::join!(decide(&browser, &question, "allow"), async {
        blocked(behind, 1).await;
        let end = "update sessions set ended_at = now()";
        sqlx::query(end).execute(&mut *held).await.expect("ended");
        sqlx::query("commit").execute(&mut *held).await.expect("committed");
    });

    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(device.poll(&app).await.outcome(), "400 access_denied");
    let events = app.events("acme").await;
    assert!(events.contains(&"device.refused refused session_ended".to_owned()), "{events:?}");
    let waiting =
        "select count(*) from authorization_requests where session_id is not null and consumed_at is null";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(behind).await.expect("counted");
    assert_eq!(waiting, 0, "it is used up");
}
