//! What becomes of events at webhooks: tried again for days, by the same id, and then dead; replayed, and sent again.

use chrono::Duration as Span;
use orgate_tests::app::{App, Reply, client};
use orgate_tests::webhook_receiver::WebhookReceiver;
use serde_json::{Value, json};

use super::{PATH, Program, app, pass};

/// An event of a group of Acme's at a webhook that tells of nothing else.
async fn told<'a>(app: &'a App, receiver: &WebhookReceiver) -> (Program<'a>, String, String) {
    let acme = Program::of(app, "acme-all", "acme").await;
    let (webhook, secret) = acme.webhook(receiver, json!({ "events": ["group.*"] })).await;
    pass(app).await;
    (acme, webhook, secret)
}

/// A program with a new token, once the old one has lapsed.
async fn later(app: &App) -> Program<'_> {
    Program::of(app, "acme-all", "acme").await
}

#[tokio::test]
async fn an_event_is_told_as_standard_webhooks_says_and_signed_by_a_secret_that_is_shown_once() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let (acme, webhook, secret) = told(&app, &receiver).await;

    acme.group("new").await;
    pass(&app).await;

    let [sent] = receiver.take().try_into().expect("one");
    assert!(secret.starts_with("whsec_") && sent.is_signed_by(&secret));
    assert_eq!(sent.header("content-type"), "application/json");
    let sent_at: i64 = sent.header("webhook-timestamp").parse().expect("seconds");
    assert!((sent_at - orgate_flows::Clock::now(&*app.clock).timestamp()).abs() < 60);
    let events = acme.get("events?after=pos_0&action=group.*").await;
    let mut same = events.body["items"][0].clone();
    same.as_object_mut().expect("an object").remove("cursor");
    assert_eq!(sent.id(), same["id"].as_str().expect("text"));
    assert_eq!(sent.event["data"], same, "it says what the API says");
    assert_eq!((sent.kind(), &sent.event["timestamp"]), ("group.configured", &same["occurred_at"]));

    let shown = acme.get(&format!("webhooks/{webhook}")).await;
    assert!(!shown.body.to_string().contains("whsec_"));
    let delivery = acme.get(&format!("webhooks/{webhook}/deliveries/{}", sent.id())).await;
    assert_eq!(delivery.body["status"], "delivered");
    assert_eq!((&delivery.body["http_status"], &delivery.body["attempts"]), (&json!(204), &json!(1)));
    let kept: Vec<u8> = sqlx::query_scalar("select secret from webhooks")
        .fetch_one(app.database.superuser())
        .await
        .expect("kept");
    assert!(kept.len() > 44 && !String::from_utf8_lossy(&kept).contains(&secret), "it rests encrypted");
    let events = app.events("acme").await;
    assert!(events.contains(&"webhook.configured success".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_request_that_is_sent_again_makes_no_second_webhook_and_shows_no_secret() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let send = async |key: &'static str, below: &str, body: Value| {
        let url = app.at(&format!("{PATH}/organizations/acme/{below}"));
        let request = client().post(url).bearer_auth(&acme.token).header("idempotency-key", key);
        Reply::of(request.json(&body).send().await.expect("answered")).await
    };
    let wanted = json!({ "url": "http://localhost:9/" });

    let (first, second) =
        (send("one", "webhooks", wanted.clone()).await, send("one", "webhooks", wanted).await);

    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.text("id"), second.text("id"));
    assert_eq!(second.body["secret"], Value::Null);
    assert_eq!(
        first.headers["etag"],
        acme.get(&format!("webhooks/{}", first.text("id"))).await.headers["etag"]
    );
    let rotate = format!("webhooks/{}/rotate-secret", first.text("id"));
    let (first, second) = (send("two", &rotate, json!({})).await, send("two", &rotate, json!({})).await);
    assert!(first.text("secret").starts_with("whsec_"), "{:?}", first.body);
    assert_eq!((second.status, &second.body["secret"]), (200, &Value::Null));
}

#[tokio::test]
async fn an_event_that_is_never_taken_is_tried_for_days_by_the_same_id_and_then_dead_until_somebody_sends_it_again()
 {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let (acme, webhook, secret) = told(&app, &receiver).await;
    acme.group("poison").await;
    receiver.answer_to("poison", 500);
    let waits = [0, 1, 6, 37, 150, 370, 730, 1_020, 1_450, 1_740];
    let mut sent = Vec::new();
    for (tries, minutes) in waits.into_iter().enumerate() {
        app.clock.advance(Span::minutes(minutes));
        pass(&app).await;
        sent.extend(receiver.take());
        assert_eq!(sent.len(), tries + 1);
        if tries == 5 {
            later(&app).await.group("fine").await; // or it would be disabled in the end, for taking nothing
            pass(&app).await;
            assert_eq!(receiver.take().len(), 1);
        }
    }

    app.clock.advance(Span::days(3));
    pass(&app).await;
    assert!(receiver.take().is_empty(), "it is dead");
    assert!(sent.iter().all(|message| message.id() == sent[0].id() && message.is_signed_by(&secret)));
    let acme = later(&app).await;
    let dead = acme.get(&format!("webhooks/{webhook}/deliveries?status=dead")).await;
    let [dead] = dead.body["items"].as_array().expect("a list").as_slice() else { panic!("{:?}", dead.body) };
    assert_eq!((&dead["event_id"], &dead["attempts"]), (&json!(sent[0].id()), &json!(10)));
    assert_eq!(dead["failure"], "the receiver answered with status 500", "and nothing that it said");
    receiver.answer(204);
    let again =
        acme.post(&format!("webhooks/{webhook}/deliveries/{}/redeliver", sent[0].id()), json!({})).await;
    assert_eq!((again.status, &again.body["status"]), (200, &json!("waiting")));
    pass(&app).await;
    assert_eq!(receiver.take()[0].id(), sent[0].id());
    let path = format!("webhooks/{webhook}/deliveries/{}", sent[0].id());
    assert_eq!(acme.get(&path).await.body["status"], "delivered");
}

#[tokio::test]
async fn both_secrets_sign_while_one_takes_the_place_of_the_other() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let (acme, webhook, old) = told(&app, &receiver).await;
    let rotate = format!("webhooks/{webhook}/rotate-secret");

    let rotated = acme.post(&rotate, json!({ "overlap_hours": 1 })).await;

    let new = rotated.text("secret");
    assert_ne!(new, old);
    acme.group("during").await;
    pass(&app).await;
    let during = receiver.take();
    assert!(during[0].is_signed_by(&new) && during[0].is_signed_by(&old));
    assert_eq!(during[0].header("webhook-signature").split(' ').count(), 2);
    app.clock.advance(Span::minutes(61));
    let acme = later(&app).await;
    acme.group("after").await;
    pass(&app).await;
    let after = receiver.take();
    assert!(after[0].is_signed_by(&new) && !after[0].is_signed_by(&old));
    let leaked = acme.post(&rotate, json!({ "overlap_hours": 0 })).await;
    assert_eq!(leaked.body["previous_secret_expires_at"], Value::Null);
    acme.group("at-once").await;
    pass(&app).await;
    assert!(!receiver.take()[0].is_signed_by(&new));
    assert_eq!(acme.post(&rotate, json!({ "overlap_hours": 169 })).await.status, 422);
}

#[tokio::test]
async fn a_webhook_goes_through_what_happened_again_from_a_cursor_or_a_moment_by_the_same_ids() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let (acme, webhook, _) = told(&app, &receiver).await;
    for slug in ["one", "two", "three"] {
        acme.group(slug).await;
    }
    pass(&app).await;
    let first: Vec<_> = receiver.take().iter().map(|sent| sent.id().to_owned()).collect();
    let replay = format!("webhooks/{webhook}/replay");
    let events = acme.get("events?after=pos_0&action=group.*").await;
    let after_one = events.body["items"][0]["cursor"].clone();

    assert_eq!(acme.post(&replay, json!({ "after": after_one })).await.status, 200);
    pass(&app).await;
    let again: Vec<_> = receiver.take().iter().map(|sent| sent.id().to_owned()).collect();
    assert_eq!(again, first[1..]);
    let moment = events.body["items"][2]["occurred_at"].clone();
    acme.post(&replay, json!({ "since": moment })).await;
    pass(&app).await;
    let again: Vec<_> = receiver.take().iter().map(|sent| sent.id().to_owned()).collect();
    assert_eq!(again, first[2..]);
    acme.post(&replay, json!({ "since": "2999-01-01T00:00:00Z" })).await;
    pass(&app).await;
    assert!(receiver.take().is_empty());
    for (wrong, pointer) in [
        (json!({}), ""),
        (json!({ "after": "pos_0", "since": moment }), ""),
        (json!({ "after": "x" }), "/after"),
        (json!({ "after": "all_0" }), "/after"),
        (json!({ "after": "pos_99999" }), "/after"),
    ] {
        let refused = acme.post(&replay, wrong.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_webhook_that_is_tried_out_is_told_so_once_whatever_it_tells_of() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let (webhook, secret) = acme.webhook(&receiver, json!({})).await;
    pass(&app).await;
    receiver.take();

    let tested = acme.post(&format!("webhooks/{webhook}/test"), json!({})).await;
    assert_eq!((tested.status, &tested.body["tried_at"]), (201, &Value::Null), "{:?}", tested.body);
    pass(&app).await;

    let [sent] = receiver.take().try_into().expect("one, though it tells of everything");
    assert_eq!((sent.kind(), sent.id()), ("webhook.tested", tested.text("event_id").as_str()));
    assert!(sent.is_signed_by(&secret));
    let at = tested.headers["location"].to_str().expect("text").rsplit_once("/webhooks").expect("a path").1;
    assert_eq!(acme.get(&format!("webhooks{at}")).await.body["status"], "delivered");
    acme.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "enabled": false }))).await;
    assert_eq!(acme.post(&format!("webhooks/{webhook}/test"), json!({})).await.status, 422);
}

#[tokio::test]
async fn a_receiver_that_is_gone_or_takes_nothing_for_days_is_left_alone_and_loses_nothing() {
    let app = app().await;
    let (gone, failing) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    let (acme, webhook, _) = told(&app, &gone).await;
    let (other, _) = acme.webhook(&failing, json!({ "events": ["group.*"] })).await;
    gone.answer(410);
    failing.answer(503);
    acme.group("one").await;
    pass(&app).await;

    let shown = acme.get(&format!("webhooks/{webhook}")).await;
    assert_eq!((&shown.body["enabled"], &shown.body["disabled_reason"]), (&json!(false), &json!("gone")));
    assert!(app.events("acme").await.contains(&"webhook.disabled success gone".to_owned()));
    let mut tries = failing.take().len();
    for hour in 0..(6 * 24) {
        app.clock.advance(Span::hours(1));
        if hour % 12 == 0 {
            later(&app).await.group(&format!("at-{hour}")).await; // or there would be nothing left to try
        }
        pass(&app).await;
        tries += failing.take().len();
    }
    let acme = later(&app).await;
    let shown = acme.get(&format!("webhooks/{other}")).await;
    assert_eq!((&shown.body["enabled"], &shown.body["disabled_reason"]), (&json!(false), &json!("failing")));
    assert!((8..200).contains(&tries), "{tries}");
    assert!(app.events("acme").await.contains(&"webhook.disabled success failing".to_owned()));

    gone.take();
    gone.answer(204);
    failing.answer(204);
    for webhook in [&webhook, &other] {
        let again =
            acme.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "enabled": true }))).await;
        assert_eq!((again.status, &again.body["disabled_reason"]), (200, &Value::Null));
    }
    pass(&app).await;
    assert_eq!(gone.take().len(), 13, "it goes on where it was");
}

#[tokio::test]
async fn a_receiver_that_asks_to_be_left_alone_is() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let (acme, ..) = told(&app, &receiver).await;
    acme.group("one").await;
    receiver.answer_later("120");
    pass(&app).await;
    assert_eq!(receiver.take().len(), 1);

    app.clock.advance(Span::seconds(100));
    pass(&app).await;
    assert!(receiver.take().is_empty());
    receiver.answer(204);
    app.clock.advance(Span::seconds(50));
    pass(&app).await;

    assert_eq!(receiver.take().len(), 1);
}

#[tokio::test]
async fn a_change_meanwhile_is_not_overruled_and_needs_the_state_that_was_read() {
    let app = app().await;
    let receiver = WebhookReceiver::start().await;
    let elsewhere = WebhookReceiver::start().await;
    let (acme, webhook, _) = told(&app, &receiver).await;
    let path = format!("webhooks/{webhook}");
    let tag = acme.get(&path).await.headers["etag"].to_str().expect("a tag").to_owned();
    acme.group("one").await;
    pass(&app).await;
    assert_eq!(acme.get(&path).await.headers["etag"], tag, "what it delivers is no change of it");
    receiver.take();

    acme.group("two").await;
    receiver.hang();
    let passing = async { pass(&app).await };
    let changing = async {
        receiver.wait(1).await;
        let url = app.at(&format!("{PATH}/organizations/acme/{path}"));
        let request = client().patch(url).bearer_auth(&acme.token).header("if-match", &tag);
        let moved =
            Reply::of(request.json(&json!({ "url": elsewhere.url })).send().await.expect("answered")).await;
        assert_eq!(moved.status, 200, "{:?}", moved.body);
        receiver.answer(500);
    };
    tokio::join!(passing, changing);

    pass(&app).await;
    assert_eq!(elsewhere.take().len(), 1, "it is sent where it is wanted now, and at once");
    let url = app.at(&format!("{PATH}/organizations/acme/{path}"));
    let stale = client().delete(url).bearer_auth(&acme.token).header("if-match", &tag);
    assert_eq!(stale.send().await.expect("answered").status(), 412);
}
