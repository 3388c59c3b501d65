//! Receivers of the ecosystem, receivers that are slow, and nodes that die while they deliver.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::Duration as Span;
use orgate_flows::webhooks::{claim_due, sequence};
use orgate_tests::app::{App, client};
use orgate_tests::node::Node;
use orgate_tests::program::Running;
use orgate_tests::webhook_receiver::{Message, WebhookReceiver};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Program, app, machines, pass};
use crate::verify::examples::node;

/// The example verifies by the library of Standard Webhooks.
#[tokio::test]
async fn a_receiver_of_the_ecosystem_verifies_what_it_is_told_and_refuses_what_is_forged() {
    let Some(directory) = node() else { return };
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let captured = WebhookReceiver::start().await;
    let (webhook, secret) = acme.webhook(&captured, json!({ "events": ["group.*"] })).await;
    let mut program = Command::new("node");
    program
        .arg("webhook.mjs")
        .current_dir(&directory)
        .envs([("WEBHOOK_SECRET", secret.as_str()), ("PORT", "0")]);
    let started = tokio::task::spawn_blocking(move || Running::start(&mut program, "receiving at "));
    let receiver = started.await.expect("it starts");
    let url = receiver.said().split("receiving at ").nth(1).expect("its address").trim().to_owned();
    let moved = acme.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "url": url }))).await;
    assert_eq!(moved.status, 200, "{:?}", moved.body);

    acme.group("one").await;
    pass(&app).await;
    acme.post(&format!("webhooks/{webhook}/rotate-secret"), json!({ "overlap_hours": 1 })).await;
    acme.group("while-both-sign").await;
    pass(&app).await;
    drop(captured);

    let said = receiver.says(|said| said.matches("group.configured").count() >= 2).await;
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    assert_eq!(lines.len(), 2, "{said}");
    let org_id = app.org("acme").await.org_id().to_string();
    assert!(lines.iter().all(|line| line["type"] == "group.configured" && line["org_id"] == org_id.as_str()));
    let forged = client().post(&url).header("webhook-id", "evt_x").header("webhook-signature", "v1,AAAA");
    let forged = forged.header("webhook-timestamp", "1").body("{}").send().await.expect("answered");
    assert_eq!(forged.status(), 401);
    let all = acme.get(&format!("webhooks/{webhook}/deliveries?status=delivered")).await;
    assert_eq!(all.body["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_holds_up_nobody_elses() {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(&machines(&app)).await;
    let (acme, globex) =
        (Program::of(&app, "acme-all", "acme").await, Program::of(&app, "globex-all", "globex").await);
    let (slow, quick) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    slow.hang();
    for _ in 0..20 {
        acme.webhook(&slow, json!({ "events": ["group.*"] })).await;
    }
    acme.group("stuck").await;
    slow.wait(4).await;
    let mut elsewhere = quick.url.clone();
    elsewhere.set_host(Some("127.0.0.1")).expect("another host");
    globex.webhook(&quick, json!({ "events": ["group.*"], "url": elsewhere })).await;

    let begun = Instant::now();
    globex.group("quick").await;
    quick.wait(1).await;

    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert!(slow.seen().len() <= 8, "an organization has few turns at once: {}", slow.seen().len());
}

#[tokio::test]
async fn a_node_that_dies_while_it_delivers_loses_nothing() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let receiver = WebhookReceiver::start().await;
    acme.webhook(&receiver, json!({ "events": ["group.*"] })).await;
    pass(&app).await;
    for slug in ["one", "two", "three"] {
        acme.group(slug).await;
    }
    while sequence(&app.env).await.expect("sequenced") {}
    let claim = async || claim_due(&app.env, 10, &CancellationToken::new()).await.expect("claimed");

    // It dies once before it sends, and once while the receiver has the event and has not answered.
    drop(claim().await);
    assert_eq!(claim().await.len(), 0, "nobody else has a webhook that is leased");
    app.clock.advance(Span::minutes(3));
    receiver.hang();
    let [turn] = <[_; 1]>::try_from(claim().await).ok().expect("one");
    assert!(tokio::time::timeout(Duration::from_secs(1), turn).await.is_err());
    receiver.answer(204);
    app.clock.advance(Span::minutes(3));
    let _other = Node::beside(&app).await;

    let sent = receiver.wait(4).await;
    let ids: Vec<_> = sent.iter().map(Message::id).collect();
    assert_eq!(ids[0], ids[1], "what was not answered for is sent again, by its id");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test]
async fn a_node_that_stops_gives_back_what_it_was_about_to_send() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let receiver = WebhookReceiver::start().await;
    acme.webhook(&receiver, json!({ "events": ["group.*"] })).await;
    pass(&app).await;
    acme.group("one").await;
    receiver.hang();
    let node = Node::beside(&app).await;
    receiver.wait(1).await;

    node.stop().await;

    let claimed = claim_due(&app.env, 10, &CancellationToken::new()).await.expect("claimed");
    assert_eq!(claimed.len(), 1, "nobody has to wait for the lease to lapse");
}
