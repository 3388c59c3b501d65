//! Positions are given in the order of commits: nothing is passed over, whoever takes how long.

use chrono::Duration as Span;
use orgate_domain::audit::Action;
use orgate_flows::Clock as _;
use orgate_flows::erase::erase_due;
use orgate_flows::webhooks::sequence;
use orgate_tests::app::App;
use orgate_tests::fixture::event;
use orgate_tests::webhook_receiver::WebhookReceiver;
use serde_json::json;
use tokio::task::JoinSet;

use super::{Program, app, pass};

async fn positions(app: &App) -> Vec<(i64, i64, String)> {
    sqlx::query_as(
        "select place.position, place.place, event.action from event_positions place
         join audit_events event on event.org_id = place.org_id and event.id = place.audit_event
         where place.org_id = $1 order by place.position",
    )
    .bind(app.org("acme").await.org_id().as_uuid())
    .fetch_all(app.database.superuser())
    .await
    .expect("positions")
}

#[tokio::test]
async fn an_event_that_commits_late_is_not_passed_over_and_holds_up_no_other() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let receiver = WebhookReceiver::start().await;
    acme.webhook(&receiver, json!({ "events": ["group.*", "domain.*"] })).await;
    pass(&app).await;
    receiver.take();

    let mut slow = app.env.store.begin(&app.org("acme").await).await.expect("a transaction");
    slow.audit().insert(&event(Action::DomainClaimed)).await.expect("written");
    acme.group("fast").await;
    pass(&app).await;
    let kinds = |messages: Vec<orgate_tests::webhook_receiver::Message>| {
        messages.iter().map(|message| message.kind().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(receiver.take()), ["group.configured"], "it waits for nobody");
    acme.group("faster").await;
    pass(&app).await;
    assert_eq!(kinds(receiver.take()), ["group.configured"]);
    slow.commit().await.expect("late");

    pass(&app).await;

    assert_eq!(kinds(receiver.take()), ["domain.claimed"], "it is there late, and is told late");
}

#[tokio::test]
async fn positions_are_without_gaps_and_given_once_however_many_write_and_sequence() {
    let app = app().await;
    let scope = app.org("acme").await;
    let mut working = JoinSet::new();
    for _ in 0..4 {
        let env = app.env.clone();
        working.spawn(async move {
            for number in 0..25 {
                let mut tx = env.store.begin(&scope).await.expect("a transaction");
                tx.audit().insert(&event(Action::GroupConfigured)).await.expect("written");
                if number % 5 > 0 {
                    tx.commit().await.expect("committed"); // else it rolls back
                }
            }
        });
        let env = app.env.clone();
        working.spawn(async move {
            for _ in 0..40 {
                sequence(&env).await.expect("sequenced");
            }
        });
    }
    working.join_all().await;
    while sequence(&app.env).await.expect("sequenced") {}

    let positions = positions(&app).await;
    let written = positions.iter().filter(|(_, _, action)| action == "group.configured").count();
    assert_eq!(written, 80);
    let numbers: Vec<_> = positions.iter().map(|(position, ..)| *position).collect();
    assert_eq!(numbers, (1..=i64::try_from(positions.len()).expect("few")).collect::<Vec<_>>());
    assert!(positions.windows(2).all(|pair| pair[0].1 < pair[1].1), "in the order of all");
    let events: i64 = sqlx::query_scalar("select count(*) from audit_events")
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    let placed: i64 = sqlx::query_scalar("select count(*) from event_positions")
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(events, placed);
}

/// A dump that is restored elsewhere has the numbers of transactions that were another cluster's.
#[tokio::test]
async fn nothing_is_passed_over_where_a_dump_was_restored() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    while sequence(&app.env).await.expect("sequenced") {}
    sqlx::query("update event_sequencer set seen = '9000000000:9000000000:'")
        .execute(app.database.superuser())
        .await
        .expect("another cluster's");

    acme.group("restored").await;
    while sequence(&app.env).await.expect("sequenced") {}
    acme.group("after").await;
    while sequence(&app.env).await.expect("sequenced") {}

    let last: Vec<_> = positions(&app).await.into_iter().map(|(_, _, action)| action).collect();
    let groups = last.iter().filter(|action| *action == "group.configured").count();
    assert_eq!(groups, 2);
}

#[tokio::test]
async fn a_webhook_hears_events_in_order_and_one_that_is_not_taken_holds_the_others_up_for_minutes() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let receiver = WebhookReceiver::start().await;
    let (webhook, _) = acme.webhook(&receiver, json!({ "events": ["group.*"] })).await;
    pass(&app).await;
    for slug in ["one", "two", "three"] {
        acme.group(slug).await;
    }
    receiver.answer_to("\"two\"", 500);

    pass(&app).await;

    let groups = |receiver: &WebhookReceiver| -> Vec<String> {
        let messages = receiver.take();
        messages
            .iter()
            .map(|sent| sent.event["data"]["detail"]["group"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(groups(&receiver), ["one", "two"], "nothing overtakes what was not taken");
    pass(&app).await;
    assert!(receiver.take().is_empty(), "it is not tried at once");
    app.clock.advance(Span::seconds(10));
    pass(&app).await;
    assert_eq!(groups(&receiver), ["two"]);
    app.clock.advance(Span::minutes(7));
    pass(&app).await;
    assert_eq!(groups(&receiver), ["two", "three"], "the third time, and the others go on without it");
    let waiting = acme.get(&format!("webhooks/{webhook}/deliveries?status=waiting")).await;
    assert_eq!(
        (waiting.body["items"][0]["attempts"].clone(), waiting.body["items"][0]["http_status"].clone()),
        (json!(3), json!(500))
    );
    app.clock.advance(Span::minutes(37));
    pass(&app).await;
    assert_eq!(groups(&receiver), ["two"], "it is tried by itself");
    receiver.answer(204);
    app.clock.advance(Span::hours(3));
    pass(&app).await;
    assert_eq!(groups(&receiver), ["two"]);
    app.clock.advance(Span::hours(24));
    pass(&app).await;
    assert!(receiver.take().is_empty(), "each is taken once");
}

/// No other event gets a place that a webhook is past.
#[tokio::test]
async fn who_hears_of_all_hears_what_follows_when_the_last_events_of_all_were_erased() {
    let app = app().await;
    let operator = Program::of(&app, "operator-all", "operator").await;
    let globex = Program::of(&app, "globex-all", "globex").await;
    let receiver = WebhookReceiver::start().await;
    operator
        .webhook(&receiver, json!({ "scope": "all", "events": ["group.*", "organization.erased"] }))
        .await;
    for number in 0..10 {
        globex.group(&format!("group-{number}")).await;
    }
    pass(&app).await;
    assert_eq!(receiver.take().len(), 10);
    // Deleted without an event after those.
    sqlx::query("update organizations set status = 'deleted', erase_after = $1 where slug = 'globex'")
        .bind(app.clock.now())
        .execute(app.database.superuser())
        .await
        .expect("deleted");
    for _ in 0..2 {
        while erase_due(&app.env).await.expect("erased") > 0 {}
        app.clock.advance(Span::hours(1)); // until nobody can write anything in it any more
    }
    let left = "select count(*) from audit_events where org_id = (select org_id from organizations where slug = 'globex')";
    let left: i64 = sqlx::query_scalar(left).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(left, 0);

    Program::of(&app, "acme-all", "acme").await.group("after").await;
    pass(&app).await;

    let told: Vec<_> = receiver.take().iter().map(|sent| sent.kind().to_owned()).collect();
    assert_eq!(told, ["organization.erased", "group.configured"]);
}
