//! The receiver of `examples/`, which knows nothing of Orgate but the specifications, and has its JOSE from a library.

use std::process::Command;
use std::time::Duration;

use orgate_tests::app::{SECRET, client};
use orgate_tests::program::Running;
use serde_json::{Value, json};

use super::{app, issuer, signed_out};
use crate::verify::examples::node;

/// Lines that the receiver printed, once one of them says `what`.
async fn said(receiver: &Running, what: &str) -> Vec<Value> {
    let said = receiver.says(|said| said.contains(what)).await;
    said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

async fn receives(delivery: &str) {
    let Some(directory) = node() else { return };
    let app = app().await;
    let acme = app.org("acme").await.org_id().to_string();
    let start = async || {
        let mut program = Command::new("node");
        program.arg("receiver.mjs").current_dir(&directory);
        program.env("ORGATE_ISSUER", issuer(&app));
        program.envs([("CLIENT_ID", "saas"), ("CLIENT_SECRET", SECRET), ("PORT", "0")]);
        program.envs([("ORGANIZATION", acme.as_str()), ("DELIVERY", delivery)]);
        let started = tokio::task::spawn_blocking(move || Running::start(&mut program, "receiving stream"));
        started.await.expect("it starts")
    };
    let receiver = start().await;

    let verified = said(&receiver, "\"verification\"").await;
    assert_eq!(verified[0]["event"]["state"], "it works");
    let sid = signed_out(&app, "ada@acme.test").await;
    signed_out(&app, "gus@globex.test").await;
    let heard = said(&receiver, &sid).await;

    let revoked: Vec<_> = heard.iter().filter(|line| line["type"] == "session-revoked").collect();
    assert_eq!(revoked.len(), 1, "{heard:?}");
    assert_eq!((&revoked[0]["session"], &revoked[0]["tenant"]), (&json!(sid), &json!(acme)));
    let left = async || -> i64 {
        let count = sqlx::query_scalar("select count(*) from stream_events");
        count.fetch_one(app.database.superuser()).await.expect("counted")
    };
    for _ in 0..100 {
        if left().await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(left().await, 0, "all was taken");
    if delivery == "push" {
        let endpoint: String = sqlx::query_scalar("select endpoint_url from event_streams")
            .fetch_one(app.database.superuser())
            .await
            .expect("its address");
        let forged = client().post(endpoint).header("content-type", "application/secevent+jwt").body("x.y.z");
        assert_eq!(forged.send().await.expect("answered").status(), 401, "it takes events from Orgate alone");
    }

    drop(receiver);
    let meanwhile = signed_out(&app, "vic@acme.test").await;
    let again = start().await;
    said(&again, &meanwhile).await;
    let streams: i64 = sqlx::query_scalar("select count(*) from event_streams")
        .fetch_one(app.database.superuser())
        .await
        .expect("counted");
    assert_eq!(streams, 1, "it goes on with the stream that it has");
}

#[tokio::test]
async fn a_receiver_of_the_ecosystem_takes_what_is_pushed() {
    receives("push").await;
}

#[tokio::test]
async fn a_receiver_of_the_ecosystem_takes_what_it_polls() {
    receives("poll").await;
}
