//! What is in a queue, and in the log, of a receiver that changes its mind.

use serde_json::json;

use super::{Receiver, STREAM_UPDATED, app, signed_out};

async fn logged(app: &orgate_tests::app::App, action: &str) -> usize {
    app.events("acme").await.iter().filter(|event| event.starts_with(action)).count()
}

#[tokio::test]
async fn a_stream_that_is_switched_on_and_off_says_the_last_of_it() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;

    for _ in 0..10 {
        siem.set_status(&stream, "paused").await;
        siem.set_status(&stream, "enabled").await;
    }
    let changes = logged(&app, "stream.status_changed").await;
    for _ in 0..10 {
        assert_eq!(siem.set_status(&stream, "enabled").await.text("status"), "enabled");
    }

    let [said] = siem.waiting(&stream).await.try_into().expect("what was said before is not so any more");
    assert_eq!((said.kind.as_str(), &said.event["status"]), (STREAM_UPDATED, &json!("enabled")));
    assert_eq!(changes, 20);
    assert_eq!(logged(&app, "stream.status_changed").await, changes, "what is so already is no change");
}

#[tokio::test]
async fn an_overrun_stream_that_is_switched_on_and_off_has_one_gap() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    signed_out(&app, "ada@acme.test").await;
    siem.wait(&stream, 1).await;
    let overrun = "update event_streams set status = 'paused', status_reason = 'queue_full'";

    for _ in 0..10 {
        sqlx::query(overrun).execute(app.database.superuser()).await.expect("as if it were full");
        siem.set_status(&stream, "enabled").await;
    }

    let sets = siem.waiting(&stream).await;
    let gaps: Vec<_> = sets.iter().filter(|set| set.event["reason"] == "queue_full").collect();
    assert_eq!((gaps.len(), sets.len()), (1, 2), "{sets:?}");
}

#[tokio::test]
async fn a_wish_that_changes_nothing_is_not_in_the_log() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let before = logged(&app, "stream.configured").await;
    let vic = json!({ "stream_id": stream, "subject": { "format": "email", "email": "vic@acme.test" } });

    for path in ["/ssf/subjects/add", "/ssf/subjects/remove", "/ssf/subjects/remove", "/ssf/subjects/remove"]
    {
        let reply = siem.post(path, &vic).await;
        assert!([200, 204].contains(&reply.status), "{path}: {:?}", reply.body);
    }
    assert_eq!(logged(&app, "stream.configured").await, before + 1);
    for _ in 0..3 {
        siem.post("/ssf/subjects/add", &vic).await;
    }
    assert_eq!(logged(&app, "stream.configured").await, before + 2);
}
