//! Events are pushed (RFC 8935) and polled (RFC 8936): at least once, in order, and never lost in silence.

use std::time::{Duration, Instant};

use chrono::Duration as Span;
use orgate_tests::app::App;
use orgate_tests::event_receiver::EventReceiver;
use serde_json::json;

use super::{
    POLL, PUSH, Receiver, SESSION_REVOKED, STREAM_UPDATED, Set, VERIFICATION, app, fanned_out, signed_out,
};

/// Waits for a line in Acme's log.
async fn logged(app: &App, event: &str) {
    for _ in 0..100 {
        if app.events("acme").await.contains(&event.to_owned()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{event} is not in {:?}", app.events("acme").await);
}

async fn count(app: &App, stream: &str) -> usize {
    let id: orgate_domain::ids::StreamId = stream.parse().expect("an id");
    let count: i64 = sqlx::query_scalar("select count(*) from stream_events where stream_id = $1")
        .bind(id.as_uuid())
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    usize::try_from(count).expect("a count")
}

/// What waits, in the order in which it is given.
async fn in_order(siem: &Receiver<'_>, stream: &str) -> Vec<Set> {
    let mut sets = Vec::new();
    loop {
        let ack: Vec<_> = sets.iter().map(|set: &Set| set.jti.clone()).collect();
        let body = json!({ "ack": ack, "maxEvents": 1, "returnImmediately": true });
        let reply = siem.poll(stream, &body).await;
        let Some(token) = reply.body["sets"].as_object().and_then(|sets| sets.values().next()) else {
            return sets;
        };
        sets.push(Set::read(siem.app, token.as_str().expect("a token")).await);
    }
}

async fn emptied(app: &App, stream: &str) {
    for _ in 0..100 {
        if count(app, stream).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("events are left");
}

#[tokio::test]
async fn an_event_is_pushed_with_what_the_receiver_asked_to_be_shown() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    let stream = siem.push_stream(&endpoint).await;

    let sid = signed_out(&app, "ada@acme.test").await;

    let [pushed] = endpoint.wait(1).await.try_into().expect("one");
    assert_eq!(pushed.headers["content-type"], "application/secevent+jwt");
    assert_eq!(pushed.headers["accept"], "application/json");
    assert_eq!(pushed.headers["authorization"], "Bearer of-siem");
    let set = Set::read(&app, &pushed.token).await;
    assert_eq!((set.kind.as_str(), &set.subject("session")["id"]), (SESSION_REVOKED, &json!(sid)));
    emptied(&app, &stream).await;
    let stored: Vec<u8> = sqlx::query_scalar("select push_credential from event_streams")
        .fetch_one(app.database.superuser())
        .await
        .expect("stored");
    assert!(!String::from_utf8_lossy(&stored).contains("of-siem"), "it rests encrypted");
    assert_eq!(siem.poll(&stream, &json!({})).await.outcome(), "404 invalid_request", "it is not polled");
}

#[tokio::test]
async fn a_receiver_that_fails_is_asked_again_in_order_and_by_the_same_id() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    let stream = siem.push_stream(&endpoint).await;
    endpoint.answer(503, "");
    let first = signed_out(&app, "ada@acme.test").await;
    endpoint.wait(1).await;
    let second = signed_out(&app, "vic@acme.test").await;
    fanned_out(&app).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(endpoint.seen().len(), 1, "nothing overtakes what failed, and it is not tried at once");

    endpoint.answer(400, r#"{"err":"authentication_failed"}"#);
    app.clock.advance(Span::seconds(10));
    endpoint.wait(2).await;
    endpoint.answer(400, r#"{"err":"invalid_key","description":"not published yet, as it seems"}"#);
    app.clock.advance(Span::seconds(30));
    endpoint.wait(3).await;
    endpoint.answer(202, "");
    app.clock.advance(Span::seconds(60));

    let pushed = endpoint.wait(5).await;
    let mut sets = Vec::new();
    for pushed in &pushed {
        sets.push(Set::read(&app, &pushed.token).await);
    }
    let sids: Vec<_> = sets.iter().map(|set| set.subject("session")["id"].clone()).collect();
    assert_eq!(sids, [&first, &first, &first, &first, &second].map(|sid| json!(sid)));
    assert!(sets[..4].iter().all(|set| set.jti == sets[0].jti), "a receiver can tell a repetition");
    emptied(&app, &stream).await;
}

#[tokio::test]
async fn a_token_that_its_receiver_will_never_have_is_recorded_and_not_sent_again() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    let stream = siem.push_stream(&endpoint).await;
    endpoint.answer(400, r#"{"err":"invalid_issuer","description":"a stranger"}"#);

    signed_out(&app, "ada@acme.test").await;

    logged(&app, "stream.event_refused refused invalid_issuer").await;
    emptied(&app, &stream).await;
    app.clock.advance(Span::minutes(10));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_for_a_day_has_its_stream_paused_and_loses_nothing() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    let stream = siem.push_stream(&endpoint).await;
    endpoint.answer(500, "");
    let sid = signed_out(&app, "ada@acme.test").await;
    endpoint.wait(1).await;

    app.clock.advance(Span::hours(25));
    logged(&app, "stream.status_changed success receiver_unreachable").await;
    let siem = Receiver::of(&app, "siem").await;
    let status = siem.get(&format!("/ssf/status?stream_id={stream}")).await;
    assert_eq!(
        status.body,
        json!({ "stream_id": stream, "status": "paused", "reason": "receiver_unreachable" })
    );
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let tried = endpoint.seen().len();

    endpoint.answer(202, "");
    siem.set_status(&stream, "enabled").await;
    emptied(&app, &stream).await;
    let (mut kinds, mut statuses) = (Vec::new(), Vec::new());
    for pushed in &endpoint.seen()[tried..] {
        let set = Set::read(&app, &pushed.token).await;
        kinds.push((set.kind.clone(), set.subject("session")["id"].clone()));
        statuses.extend(set.event.get("status").cloned());
    }
    assert!(kinds.contains(&(SESSION_REVOKED.to_owned(), json!(sid))), "{kinds:?}");
    assert_eq!(statuses, ["enabled"], "that it was paused was not heard, and is not so any more");
}

#[tokio::test]
async fn a_paused_push_stream_says_so_and_keeps_the_rest() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    let stream = siem.push_stream(&endpoint).await;

    siem.set_status(&stream, "paused").await;
    signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;

    let [said] = endpoint.wait(1).await.try_into().expect("that it is paused");
    assert_eq!(Set::read(&app, &said.token).await.kind, STREAM_UPDATED);
    assert_eq!(count(&app, &stream).await, 1);
    siem.set_status(&stream, "enabled").await;
    emptied(&app, &stream).await;
    assert_eq!(endpoint.seen().len(), 3);
}

#[tokio::test]
async fn what_waits_goes_where_the_receiver_says_now() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let (old, new) = (EventReceiver::start().await, EventReceiver::start().await);
    let stream = siem.push_stream(&old).await;
    old.answer(500, "");
    signed_out(&app, "ada@acme.test").await;
    old.wait(1).await;

    let delivery = json!({ "method": PUSH, "endpoint_url": new.url });
    siem.patch("/ssf/streams", &json!({ "stream_id": stream, "delivery": delivery })).await;

    let [pushed] = new.wait(1).await.try_into().expect("one");
    assert!(!pushed.headers.contains_key("authorization"), "the old endpoint's credential stays there");
    emptied(&app, &stream).await;
}

#[tokio::test]
async fn what_the_receiver_says_during_a_push_is_not_undone_by_how_it_ends() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let (old, new) = (EventReceiver::start().await, EventReceiver::start().await);
    let stream = siem.push_stream(&old).await;
    old.hang();
    signed_out(&app, "ada@acme.test").await;
    old.wait(1).await;

    let delivery = json!({ "method": PUSH, "endpoint_url": new.url });
    siem.patch("/ssf/streams", &json!({ "stream_id": stream, "delivery": delivery })).await;
    old.answer(500, "");

    let begun = Instant::now();
    new.wait(1).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "the old endpoint's failure is no reason to wait");
    emptied(&app, &stream).await;
    assert_eq!(old.seen().len(), 1);
}

#[tokio::test]
async fn what_is_polled_stays_until_it_is_acknowledged() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let read = siem.get(&format!("/ssf/streams?stream_id={stream}")).await;
    assert_eq!(read.body["delivery"]["method"], POLL);
    assert_eq!(read.body["delivery"]["endpoint_url"], app.at(&format!("/ssf/poll/{stream}")).as_str());
    for _ in 0..3 {
        signed_out(&app, "ada@acme.test").await;
    }
    let all = siem.wait(&stream, 3).await;

    let some = siem.poll(&stream, &json!({ "maxEvents": 2, "returnImmediately": true })).await;
    assert_eq!(some.body["sets"].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(some.body["moreAvailable"], true);
    let again = siem.poll(&stream, &json!({ "maxEvents": 2, "returnImmediately": true })).await;
    let jtis = |body: &serde_json::Value| -> Vec<String> {
        body["sets"].as_object().expect("an object").keys().cloned().collect()
    };
    assert_eq!(jtis(&some.body), jtis(&again.body), "the oldest first, again and again");

    let rest = siem.poll(&stream, &json!({ "ack": jtis(&some.body), "returnImmediately": true })).await;
    let [last] = jtis(&rest.body).try_into().expect("one");
    assert!(!jtis(&some.body).contains(&last) && all.iter().any(|set| set.jti == last));
    assert_eq!(rest.body["moreAvailable"], false);

    let errors = json!({ last.clone(): { "err": "invalid_audience", "description": "not for me" } });
    let none = siem.poll(&stream, &json!({ "setErrs": errors, "returnImmediately": true })).await;
    assert_eq!(none.body, json!({ "sets": {}, "moreAvailable": false }));
    logged(&app, "stream.event_refused refused invalid_audience").await;
}

#[tokio::test]
async fn a_poll_waits_for_an_event_and_not_for_ever() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;

    let begun = Instant::now();
    let body = json!({});
    let (reply, _) = tokio::join!(siem.poll(&stream, &body), signed_out(&app, "ada@acme.test"));
    assert_eq!(reply.body["sets"].as_object().map(serde_json::Map::len), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(10));

    let [set] = siem.waiting(&stream).await.try_into().expect("one");
    let begun = Instant::now();
    let nothing = siem.poll(&stream, &json!({ "ack": [set.jti] })).await;
    assert_eq!(nothing.body, json!({ "sets": {}, "moreAvailable": false }));
    assert!((10..25).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_stream_that_is_full_is_paused_says_so_and_goes_on_when_it_is_enabled() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let other = siem.poll_stream().await;
    siem.post("/ssf/verify", &json!({ "stream_id": stream })).await;
    sqlx::query(
        "insert into stream_events (org_id, stream_id, position, jti, claims, created_at)
         select org_id, stream_id, -n, 'filler-' || n, jsonb_set(claims, '{jti}', to_jsonb('filler-' || n)), created_at
         from stream_events cross join generate_series(1, 9998) n",
    )
    .execute(app.database.superuser())
    .await
    .expect("filled");

    let fits = signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    signed_out(&app, "ada@acme.test").await;
    logged(&app, "stream.status_changed success queue_full").await;
    signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;

    let status = siem.get(&format!("/ssf/status?stream_id={stream}")).await;
    assert_eq!(
        (status.text("status"), status.text("reason")),
        ("paused".to_owned(), "queue_full".to_owned())
    );
    let [said] = siem.waiting(&stream).await.try_into().expect("that it is full");
    assert_eq!((said.kind.as_str(), &said.event["reason"]), (STREAM_UPDATED, &json!("queue_full")));
    assert_eq!(siem.waiting(&other).await.len(), 3, "it is no other stream's business");
    let paused = app.events("acme").await.iter().filter(|event| event.contains("queue_full")).count();
    assert_eq!(paused, 1, "it is said once");

    sqlx::query("delete from stream_events where jti like 'filler-%'")
        .execute(app.database.superuser())
        .await
        .expect("taken");
    siem.set_status(&stream, "enabled").await;
    let after = signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    let [verification, first, gap, last] = in_order(&siem, &stream).await.try_into().expect("four");
    assert_eq!(verification.kind, VERIFICATION);
    assert_eq!(first.subject("session")["id"], json!(fits));
    let said = json!({ "status": "enabled", "reason": "queue_full" });
    assert_eq!((gap.kind.as_str(), &gap.event), (STREAM_UPDATED, &said), "where what is missing was");
    assert_eq!(last.subject("session")["id"], json!(after));
}

#[tokio::test]
async fn a_deleted_streams_events_go_with_it() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    endpoint.answer(500, "");
    let stream = siem.push_stream(&endpoint).await;
    signed_out(&app, "ada@acme.test").await;
    endpoint.wait(1).await;
    assert_eq!(count(&app, &stream).await, 1);

    assert_eq!(siem.delete(&format!("/ssf/streams?stream_id={stream}")).await.status, 204);

    assert_eq!(count(&app, &stream).await, 0);
    endpoint.answer(202, "");
    app.clock.advance(Span::hours(1));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(endpoint.seen().len(), 1);
}
