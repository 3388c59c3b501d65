//! Any number of nodes deliver: each stream in order, and nothing is lost with a node that dies.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Duration as Span;
use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::{SessionId, UserId};
use orgate_flows::ssf::{Setbacks, Turn};
use orgate_flows::{Env, Failure};
use orgate_tests::app::{App, claims};
use orgate_tests::event_receiver::{EventReceiver, PushedEvent};
use orgate_tests::fixture::{event, uuid};
use orgate_tests::node::Node;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{RECEIVERS, Receiver, app, signed_out};

pub(super) async fn fan_out(env: &Env) -> Result<usize, Failure> {
    orgate_flows::ssf::fan_out(env, &mut Setbacks::default()).await
}

async fn claim_due(env: &Env, limit: i64) -> Result<Vec<Turn>, Failure> {
    orgate_flows::ssf::claim_due(env, limit, &CancellationToken::new()).await
}

/// Writes the ends of sessions into Acme's log, one transaction each; the sessions.
pub(super) async fn happen(app: &App, user: UserId, count: usize) -> Vec<String> {
    let acme = app.org("acme").await;
    let mut sessions = Vec::new();
    for _ in 0..count {
        let session = SessionId::from_uuid(uuid());
        let ended = Event { user_id: Some(user), session_id: Some(session), ..event(Action::SessionEnded) };
        let mut tx = app.env.store.begin(&acme).await.expect("a transaction");
        tx.audit().insert(&ended).await.expect("an event");
        tx.commit().await.expect("a commit");
        sessions.push(session.to_string());
    }
    sessions
}

/// The sessions that were told of, of each user, in the order in which they came.
fn by_user(pushed: &[PushedEvent]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pushed in pushed {
        let subject = claims(&pushed.token)["sub_id"].clone();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        told.entry(text(&subject["user"]["sub"])).or_default().push(text(&subject["session"]["id"]));
    }
    told
}

#[tokio::test]
async fn three_nodes_deliver_each_stream_in_order_and_each_event_once() {
    let app = app().await;
    let _others = (Node::beside(&app).await, Node::beside(&app).await);
    let siem = Receiver::of(&app, "siem").await;
    let endpoints = [EventReceiver::start().await, EventReceiver::start().await];
    for endpoint in &endpoints {
        siem.push_stream(endpoint).await;
    }

    let users = [(); 4].map(|()| UserId::from_uuid(uuid()));
    let (a, b, c, d) = tokio::join!(
        happen(&app, users[0], 60),
        happen(&app, users[1], 60),
        happen(&app, users[2], 60),
        happen(&app, users[3], 60),
    );

    let expected: BTreeMap<_, _> = users.iter().map(ToString::to_string).zip([a, b, c, d]).collect();
    for endpoint in &endpoints {
        endpoint.wait(240).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(by_user(&endpoint.seen()), expected);
    }
}

#[tokio::test]
async fn a_poll_stream_is_filled_once_by_however_many_nodes() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let user = UserId::from_uuid(uuid());
    let sessions = happen(&app, user, 50).await;

    let all = tokio::join!(
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
        fan_out(&app.env),
    );
    assert!(all.0.is_ok() && all.7.is_ok(), "{all:?}");

    let sets = siem.waiting(&stream).await;
    assert_eq!(sets.len(), sessions.len());
    let order: Vec<String> =
        sqlx::query_scalar("select claims #>> '{sub_id,session,id}' from stream_events order by position")
            .fetch_all(app.database.superuser())
            .await
            .expect("read");
    assert_eq!(order, sessions);
}

#[tokio::test]
async fn a_late_commit_is_not_skipped() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let acme = app.org("acme").await;
    let mut late = app.env.store.begin(&acme).await.expect("a transaction");
    late.audit().insert(&event(Action::SessionEnded)).await.expect("an event");
    happen(&app, UserId::from_uuid(uuid()), 1).await;

    fan_out(&app.env).await.expect("given");
    assert_eq!(siem.waiting(&stream).await.len(), 1);
    late.commit().await.expect("a commit");
    fan_out(&app.env).await.expect("given");

    assert_eq!(siem.waiting(&stream).await.len(), 2);
}

#[tokio::test]
async fn no_stream_is_made_while_others_are_filled_or_it_would_miss_what_is_taken() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let mut filling = app.env.store.begin(&app.org("acme").await).await.expect("a transaction");
    assert!(filling.event_streams().take_turn().await.expect("asked"));

    let mut making = std::pin::pin!(siem.poll_stream());
    let made = tokio::time::timeout(Duration::from_secs(2), &mut making).await;

    assert!(made.is_err(), "whoever fills the streams would not know of it, and take what it is to hear");
    happen(&app, UserId::from_uuid(uuid()), 1).await;
    filling.commit().await.expect("done");
    let stream = making.await;
    let sessions = happen(&app, UserId::from_uuid(uuid()), 1).await;
    fan_out(&app.env).await.expect("given");
    let told = siem.waiting(&stream).await;
    assert!(told.iter().any(|set| set.subject("session")["id"] == sessions[0].as_str()), "{told:?}");
}

#[tokio::test]
async fn a_node_that_stops_gives_back_what_it_was_about_to_push() {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    siem.push_stream(&endpoint).await;
    happen(&app, UserId::from_uuid(uuid()), 1).await;
    endpoint.hang();
    let node = Node::beside(&app).await;
    endpoint.wait(1).await;

    node.stop().await;

    let taken_over = claim_due(&app.env, 10).await.expect("claimed");
    assert_eq!(taken_over.len(), 1, "nobody has to wait for the lease to lapse");
    let failures: i32 = sqlx::query_scalar("select failures from event_streams")
        .fetch_one(app.database.superuser())
        .await
        .expect("a count");
    assert_eq!(failures, 0, "the receiver has not failed");
}

#[tokio::test]
async fn a_node_that_dies_while_it_delivers_loses_nothing() {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    siem.push_stream(&endpoint).await;
    let sessions = happen(&app, UserId::from_uuid(uuid()), 5).await;
    fan_out(&app.env).await.expect("given");

    // It dies once before it sends, and once while the receiver has the event and has not answered.
    drop(claim_due(&app.env, 10).await.expect("claimed"));
    assert_eq!(
        claim_due(&app.env, 10).await.expect("claimed").len(),
        0,
        "nobody else has a stream that is leased"
    );
    app.clock.advance(Span::minutes(3));
    endpoint.hang();
    let [turn] = <[_; 1]>::try_from(claim_due(&app.env, 10).await.expect("claimed")).ok().expect("one");
    assert!(tokio::time::timeout(Duration::from_secs(1), turn).await.is_err());
    assert_eq!(endpoint.seen().len(), 1);
    endpoint.answer(202, "");
    app.clock.advance(Span::minutes(3));
    let _other = Node::beside(&app).await;

    let pushed = endpoint.wait(6).await;
    let told: Vec<_> = by_user(&pushed).into_values().flatten().collect();
    assert_eq!(told[0], told[1], "what was not answered for is sent again");
    assert_eq!(told[1..], sessions);
    assert_eq!(claims(&pushed[0].token)["jti"], claims(&pushed[1].token)["jti"]);
}

#[tokio::test]
async fn a_node_that_has_lost_its_lease_sends_nothing_more() {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let endpoint = EventReceiver::start().await;
    siem.push_stream(&endpoint).await;
    signed_out(&app, "ada@acme.test").await;
    fan_out(&app.env).await.expect("given");
    let run = async |turns: Vec<Turn>| {
        for turn in turns {
            turn.await;
        }
        endpoint.seen().len()
    };

    // By its own clock it has time; a node whose clock is ahead has taken over.
    let overtaken = claim_due(&app.env, 10).await.expect("claimed");
    sqlx::query("update event_streams set leased_until = leased_until + interval '1 minute'")
        .execute(app.database.superuser())
        .await
        .expect("taken over");
    assert_eq!(run(overtaken).await, 0);

    app.clock.advance(Span::minutes(4));
    let late = claim_due(&app.env, 10).await.expect("claimed");
    app.clock.advance(Span::seconds(110));
    assert_eq!(run(late).await, 0, "too little of the lease is left for a request");

    app.clock.advance(Span::minutes(4));
    assert_eq!(run(claim_due(&app.env, 10).await.expect("claimed")).await, 1);
}
