//! What one organization, one receiver or one host does takes nothing from the others.

use std::time::{Duration, Instant};

use chrono::Duration as Span;
use orgate_domain::ids::UserId;
use orgate_flows::ssf::Setbacks;
use orgate_tests::app::App;
use orgate_tests::fixture::{now, uuid};
use serde_json::json;

use super::nodes::{fan_out, happen};
use super::{CLAIMS_CHANGE, PUSH, RECEIVERS, Receiver, app, issuer, signed_out};

async fn without_jobs() -> App {
    let app = App::start_without_jobs(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(RECEIVERS).await;
    app
}

#[tokio::test]
async fn an_organization_that_is_being_served_holds_up_no_other() {
    let app = without_jobs().await;
    let (siem, globex) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "globex-siem").await);
    let (of_acme, of_globex) = (siem.poll_stream().await, globex.poll_stream().await);
    happen(&app, UserId::from_uuid(uuid()), 1).await;
    signed_out(&app, "gus@globex.test").await;
    let mut elsewhere = app.env.store.begin(&app.org("acme").await).await.expect("a transaction");
    assert!(elsewhere.event_streams().take_turn().await.expect("asked"));

    let begun = Instant::now();
    fan_out(&app.env).await.expect("given");

    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((siem.waiting(&of_acme).await.len(), globex.waiting(&of_globex).await.len()), (0, 1));
    elsewhere.commit().await.expect("done");
    fan_out(&app.env).await.expect("given");
    assert_eq!(siem.waiting(&of_acme).await.len(), 1);
}

#[tokio::test]
async fn whoever_can_be_given_nothing_waits_and_the_others_do_not() {
    let app = without_jobs().await;
    let (siem, globex) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "globex-siem").await);
    let (of_acme, of_globex) = (siem.poll_stream().await, globex.poll_stream().await);
    happen(&app, UserId::from_uuid(uuid()), 1).await;
    let siem_waits = async |stream: &str| siem.waiting(stream).await.len();
    let mut stuck = app.env.store.begin(&app.org("acme").await).await.expect("a transaction");
    stuck.event_streams().lock_all().await.expect("held");
    let mut setbacks = Setbacks::default();
    let mut served =
        async || orgate_flows::ssf::fan_out(&app.env, &mut setbacks).await.expect("looked after");
    for wait in [2, 3, 5, 9] {
        assert_eq!(served().await, 0);
        app.clock.advance(Span::seconds(wait));
    }
    assert_eq!(served().await, 0, "it is tried again, later each time");
    stuck.commit().await.expect("done");
    signed_out(&app, "gus@globex.test").await;

    assert_eq!(served().await, 1);

    assert_eq!((siem_waits(&of_acme).await, globex.waiting(&of_globex).await.len()), (0, 1));
    app.clock.advance(Span::seconds(17));
    assert_eq!(served().await, 1);
    assert_eq!(siem_waits(&of_acme).await, 1);
}

/// Lets this many more be as Vic is: signed in, with the same role.
async fn crowd(app: &App, count: i32) {
    app.sign_in("acme", "vic@acme.test").await;
    sqlx::query(
        "with made as (
             select gen_random_uuid() as id, vic.id as like_id, vic.org_id, n
             from users vic cross join generate_series(1, $1) n where vic.email_normalized = 'vic@acme.test'
         ), added as (
             insert into users select (jsonb_populate_record(vic, jsonb_build_object(
                 'id', made.id, 'email', 'm' || made.n || '@acme.test', 'email_normalized', 'm' || made.n || '@acme.test'))).*
             from made join users vic on vic.id = made.like_id
         ), assigned as (
             insert into role_assignments (org_id, user_id, role_id, assigned_at)
             select made.org_id, made.id, given.role_id, given.assigned_at
             from made join role_assignments given on given.user_id = made.like_id
         )
         insert into sessions select (jsonb_populate_record(session, jsonb_build_object(
             'id', gen_random_uuid(), 'user_id', made.id, 'token_hash', '\\x' || replace(made.id::text, '-', '')))).*
         from made join sessions session on session.user_id = made.like_id",
    )
    .bind(count)
    .execute(app.database.superuser())
    .await
    .expect("added");
}

#[tokio::test]
async fn what_concerns_many_is_told_of_in_several_transactions_and_of_each_once() {
    let app = without_jobs().await;
    let siem = Receiver::of(&app, "siem").await;
    siem.poll_stream().await;
    crowd(&app, 1_200).await;
    let told = async || -> (i64, i64) {
        sqlx::query_as(
            "select count(*), count(distinct claims #>> '{sub_id,user,sub}') from stream_events
             where claims -> 'events' ? $1",
        )
        .bind(CLAIMS_CHANGE)
        .fetch_one(app.database.superuser())
        .await
        .expect("counted")
    };

    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    roles: [{ slug: viewer, permissions: [\"notes:read\", \"notes:write\"] }]",
    )
    .await;
    fan_out(&app.env).await.expect("given");
    let at_first = told().await;
    fan_out(&app.env).await.expect("given");

    assert_eq!(at_first, (1_000, 1_000), "others have their turn in between");
    assert_eq!(told().await, (1_201, 1_201));
    assert_eq!(fan_out(&app.env).await.expect("asked"), 0, "nothing is left");
}

#[tokio::test]
async fn turns_are_shared_among_receivers_hosts_and_organizations() {
    let app = without_jobs().await;
    let receivers = [
        Receiver::of(&app, "siem").await,
        Receiver::of(&app, "other").await,
        Receiver::of(&app, "globex-siem").await,
        Receiver::within(&app, "saas", Some("acme")).await,
        Receiver::within(&app, "saas", Some("globex")).await,
    ];
    let (siem, other, globex, saas_acme, saas_globex) = (0, 1, 2, 3, 4);
    let claimed = async |at, each| {
        let until = at + Span::minutes(2);
        app.env.store.claim_streams((at, until), (10, each)).await.expect("claimed").len()
    };

    for (what, streams, turns) in [
        ("nothing in common", [(siem, "https://a.test/"), (globex, "https://b.test/")], 2),
        ("one receiver", [(saas_acme, "https://a.test/"), (saas_globex, "https://b.test/")], 1),
        ("one host", [(siem, "https://a.test/"), (globex, "https://A.test:8443/x")], 1),
        ("one organization", [(siem, "https://a.test/"), (other, "https://b.test/")], 1),
    ] {
        for (receiver, url) in streams {
            receivers[receiver].create(&json!({ "delivery": { "method": PUSH, "endpoint_url": url } })).await;
        }
        sqlx::query("update event_streams set due_at = created_at")
            .execute(app.database.superuser())
            .await
            .expect("due");

        let at = now();
        assert_eq!(claimed(at, 1).await, turns, "{what}");
        assert_eq!(claimed(at, 1).await, 0, "{what}: whose turn it is counts");
        assert_eq!(claimed(at, 2).await, 2 - turns, "{what}: the other has its turn beside it");
        sqlx::query("delete from event_streams").execute(app.database.superuser()).await.expect("deleted");
    }
}

/// An organization that has had its turns keeps nobody from theirs at a host where its others would be first.
#[tokio::test]
async fn who_may_not_be_pushed_now_takes_nobodys_place() {
    let app = without_jobs().await;
    let (siem, other) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "other").await);
    let globex = Receiver::of(&app, "globex-siem").await;
    for (receiver, url) in
        [(&siem, "https://slow.test/"), (&other, "https://shared.test/"), (&globex, "https://shared.test/")]
    {
        receiver.create(&json!({ "delivery": { "method": PUSH, "endpoint_url": url } })).await;
    }
    let due = "update event_streams set due_at = created_at";
    sqlx::query(due).execute(app.database.superuser()).await.expect("due");

    let at = now();
    let claimed = app.env.store.claim_streams((at, at + Span::minutes(2)), (10, 1)).await.expect("claimed");

    let turns: Vec<_> = claimed.iter().map(|(scope, _)| scope.org_id()).collect();
    assert_eq!(turns.len(), 2, "one of each organization: {turns:?}");
    assert!(turns.contains(&app.org("globex").await.org_id()));
}

/// However many streams it has.
#[tokio::test]
async fn one_receiver_leaves_its_organizations_others_their_turn() {
    let app = without_jobs().await;
    let (siem, other) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "other").await);
    let push = |url: &str| json!({ "delivery": { "method": PUSH, "endpoint_url": url } });
    for url in ["https://a.test/", "https://b.test/", "https://c.test/"] {
        siem.create(&push(url)).await;
    }
    let of_other = other.create(&push("https://d.test/")).await;
    let due = "update event_streams set due_at = created_at";
    sqlx::query(due).execute(app.database.superuser()).await.expect("due");

    let at = now();
    let claimed = app.env.store.claim_streams((at, at + Span::minutes(2)), (10, 2)).await.expect("claimed");

    let turns: Vec<_> = claimed.iter().map(|(_, stream)| stream.to_string()).collect();
    assert!(turns.len() == 2 && turns.contains(&of_other), "{of_other}: {turns:?}");
}

#[tokio::test]
async fn a_request_that_waits_gives_way_to_later_ones_of_its_stream() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let wait = async |after: u64| {
        tokio::time::sleep(Duration::from_millis(after)).await;
        let begun = Instant::now();
        let reply = siem.poll(&stream, &json!({})).await;
        assert_eq!(reply.body, json!({ "sets": {}, "moreAvailable": false }));
        begun.elapsed()
    };

    let (first, second, third) = tokio::join!(wait(0), wait(500), wait(1_000));

    assert!(first < Duration::from_secs(8), "{first:?}");
    assert!(second > Duration::from_secs(10) && third > Duration::from_secs(10), "{second:?} {third:?}");
}

#[tokio::test]
async fn a_receiver_asks_so_often_and_no_more() {
    let app = App::start_with(|settings| settings.limits.receivers_per_minute = 3).await;
    app.apply(RECEIVERS).await;
    let (siem, other) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "other").await);
    for _ in 0..3 {
        assert_eq!(siem.get("/ssf/streams").await.status, 200);
    }

    let more = siem.get("/ssf/streams").await;

    assert_eq!(more.outcome(), "429 temporarily_unavailable");
    assert!(more.headers.contains_key("retry-after"));
    assert_eq!(other.get("/ssf/streams").await.status, 200);
    let own = issuer(&app).to_owned() + "/o/" + &app.org("acme").await.org_id().to_string();
    let at_own = Receiver::showing(&app, "siem", (None, Some(&own))).await;
    let elsewhere = at_own.get(&format!("/o/{}/ssf/streams", app.org("acme").await.org_id())).await;
    assert_eq!(elsewhere.status, 429, "at whichever issuer");
}
