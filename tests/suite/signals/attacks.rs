//! What a receiver, or whoever poses as one, tries with streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::post;
use chrono::Duration as Span;
use orgate_tests::app::{App, Reply, SECRET, claims, client};
use orgate_tests::event_receiver::EventReceiver;
use serde_json::json;
use tokio::net::TcpListener;

use crate::device::keys::Key;

use super::{PUSH, RECEIVERS, Receiver, app, fanned_out, issuer, signed_out};

#[tokio::test]
async fn an_endpoint_of_a_private_network_is_neither_taken_nor_called() {
    let app = App::start().await;
    app.apply(RECEIVERS).await;
    let siem = Receiver::of(&app, "siem").await;
    let push = |url: &str| json!({ "delivery": { "method": PUSH, "endpoint_url": url } });
    let stream = siem.poll_stream().await;

    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://10.0.0.1/",
        "http://siem.test/",
        "file:///etc/passwd",
    ] {
        assert_eq!(siem.post("/ssf/streams", &push(url)).await.outcome(), "400 invalid_request", "{url}");
        let mut change = push(url);
        change["stream_id"] = json!(stream);
        assert_eq!(siem.patch("/ssf/streams", &change).await.outcome(), "400 invalid_request", "{url}");
    }
    // A name is judged by what it resolves to, when it is called.
    let endpoint = EventReceiver::start().await;
    let named = endpoint.url.as_str().replace("http:", "https:");
    assert_eq!(siem.post("/ssf/streams", &push(&named)).await.status, 201);
    signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    let failed = async || -> i32 {
        let failures = sqlx::query_scalar("select failures from event_streams where method = 'push'");
        failures.fetch_one(app.database.superuser()).await.expect("a count")
    };
    for _ in 0..100 {
        if failed().await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(failed().await > 0, "it was tried");
    assert!(endpoint.seen().is_empty());
}

#[tokio::test]
async fn a_redirect_leads_a_token_nowhere() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let elsewhere = EventReceiver::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}/events", listener.local_addr().expect("an address").port());
    let (calls, to) = (Arc::new(AtomicUsize::new(0)), elsewhere.url.to_string());
    let called = Arc::clone(&calls);
    let redirect = async move || {
        called.fetch_add(1, Ordering::SeqCst);
        Redirect::temporary(&to)
    };
    let router = Router::new().route("/events", post(redirect));
    tokio::spawn(async move { axum::serve(listener, router).await });
    siem.create(
        &json!({ "delivery": { "method": PUSH, "endpoint_url": url, "authorization_header": "Bearer x" } }),
    )
    .await;

    signed_out(&app, "ada@acme.test").await;
    let failed = async || -> i32 {
        let failures = sqlx::query_scalar("select failures from event_streams");
        failures.fetch_one(app.database.superuser()).await.expect("a count")
    };
    for _ in 0..100 {
        if failed().await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    assert_eq!(
        (calls.load(Ordering::SeqCst), failed().await),
        (1, 1),
        "it was asked, and that was a failure"
    );
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn nobody_acknowledges_or_refuses_what_waits_for_another() {
    let app = app().await;
    let (siem, other) = (Receiver::of(&app, "siem").await, Receiver::of(&app, "other").await);
    let (mine, theirs, twin) =
        (siem.poll_stream().await, other.poll_stream().await, siem.poll_stream().await);
    signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    let [of_other] = other.waiting(&theirs).await.try_into().expect("one");
    let [of_twin] = siem.waiting(&twin).await.try_into().expect("one");
    let forged = json!({
        "ack": [of_other.jti, of_twin.jti, "x", "' or true --"],
        "setErrs": { of_other.jti.clone(): { "err": "invalid_key" } },
        "returnImmediately": true,
    });

    let reply = siem.poll(&mine, &forged).await;

    assert_eq!(reply.body["sets"].as_object().map(serde_json::Map::len), Some(1), "its own stays too");
    assert_eq!(other.waiting(&theirs).await.len(), 1);
    assert_eq!(siem.waiting(&twin).await.len(), 1, "one stream's ids are no other stream's");
    assert!(!app.events("acme").await.iter().any(|event| event.starts_with("stream.event_refused")));
}

#[tokio::test]
async fn nobody_of_another_organization_is_ever_in_a_stream() {
    let app = app().await;
    let endpoint = EventReceiver::start().await;
    let globex = Receiver::of(&app, "globex-siem").await;
    let saas = Receiver::within(&app, "saas", Some("globex")).await;
    let polled = globex.poll_stream().await;
    saas.push_stream(&endpoint).await;
    let ada = app.sign_in("acme", "ada@acme.test").await.claims("access_token");

    signed_out(&app, "casey@consult.test").await; // of Acme here, and of Globex too
    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    roles: [{ slug: admin, permissions: [\"notes:read\"] }]
    users: [{ email: ada@acme.test, name: Ada, password: a new one of hers, roles: [viewer] }]",
    )
    .await;
    let acme = Receiver::of(&app, "siem").await.poll_stream().await;
    signed_out(&app, "gus@globex.test").await;

    let seen = globex.settled(&polled).await;
    let [set] = seen.try_into().expect("Gus alone");
    assert_eq!(set.claims["org_name"], "globex");
    assert_eq!(set.subject("tenant")["id"], app.org("globex").await.org_id().to_string());
    let pushed = endpoint.wait(1).await;
    assert_eq!(pushed.len(), 1);
    let said = claims(&pushed[0].token).to_string();
    assert!(!said.contains(ada["sub"].as_str().expect("text")) && !said.contains("acme"), "{said}");
    assert!(Receiver::of(&app, "siem").await.waiting(&acme).await.is_empty());
}

/// The operator's receiver, as a file describes it.
fn partner(party: &str, more: &str) -> String {
    format!(
        "clients:
  - {{ client_id: partner, organization: operator, name: Partner, type: machine, audience: all, party: {party},
      client_secret: \"{SECRET}\", {more} }}"
    )
}

#[tokio::test]
async fn a_receiver_that_is_shut_out_is_pushed_nothing_until_it_is_let_in_again() {
    let app = app().await;
    let endpoint = EventReceiver::start().await;
    let as_it_was = partner("third", "scopes: [ssf.manage], status: active");
    app.apply(&as_it_was).await;
    Receiver::within(&app, "partner", Some("acme")).await.push_stream(&endpoint).await;
    let policy = |allowed: &str| {
        format!(
            "organizations:\n  - {{ slug: acme, name: Acme Inc, policy: {{ third_party_clients: {allowed} }} }}"
        )
    };
    let ways = [
        ("disabled", partner("third", "scopes: [ssf.manage], status: disabled"), as_it_was.clone()),
        ("without its scope", partner("third", "scopes: [sync]"), as_it_was.clone()),
        ("forbidden here", policy("forbidden"), policy("allowed")),
    ];

    for (told, (way, out, back)) in (0..).zip(ways) {
        app.apply(&out).await;
        tokio::time::sleep(Duration::from_millis(1100)).await; // what is known of a machine is a second old at most
        let session = signed_out(&app, "ada@acme.test").await;
        fanned_out(&app).await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(endpoint.seen().len(), told, "{way}");
        let failures: i32 = sqlx::query_scalar("select failures from event_streams")
            .fetch_one(app.database.superuser())
            .await
            .expect("a count");
        assert_eq!(failures, 0, "{way}: it has not failed, and its stream is not paused for that");

        app.apply(&back).await;
        app.clock.advance(Span::minutes(2));
        let pushed = endpoint.wait(told + 1).await;
        assert_eq!(claims(&pushed[told].token)["sub_id"]["session"]["id"], session, "{way}");
    }
}

#[tokio::test]
async fn a_token_bound_to_a_key_is_worth_nothing_without_it() {
    let app = app().await;
    app.apply(&format!(
        "clients:
  - {{ client_id: bound, organization: acme, name: Bound, type: machine, audience: owner, client_secret: \"{SECRET}\",
      scopes: [ssf.manage], dpop_bound_access_tokens: true }}"
    ))
    .await;
    let key = Key::new();
    let request = client().post(app.at("/token")).basic_auth("bound", Some(SECRET));
    let request = request.form(&[("grant_type", "client_credentials"), ("resource", issuer(&app))]);
    let request = request.header("dpop", key.proof_for(&app, ("POST", "/token"), None));
    let reply = Reply::of(request.send().await.expect("answered")).await;
    assert_eq!(reply.text("token_type"), "DPoP", "{:?}", reply.body);
    let token = reply.text("access_token");
    let get = async |scheme: &str, proof: Option<String>| {
        let request =
            client().get(app.at("/ssf/streams")).header("authorization", format!("{scheme} {token}"));
        let request = match proof {
            Some(proof) => request.header("dpop", proof),
            None => request,
        };
        Reply::of(request.send().await.expect("answered")).await.outcome()
    };
    let proof = |key: &Key, path: &str| Some(key.proof_for(&app, ("GET", path), Some(&token)));

    assert_eq!(get("Bearer", None).await, "401 invalid_token");
    assert_eq!(get("DPoP", None).await, "401 invalid_dpop_proof");
    assert_eq!(get("DPoP", proof(&key, "/ssf/status")).await, "401 invalid_dpop_proof");
    assert_eq!(get("DPoP", proof(&Key::new(), "/ssf/streams")).await, "401 invalid_dpop_proof");
    let right = proof(&key, "/ssf/streams");
    assert_eq!(get("DPoP", right.clone()).await, "200");
    assert_eq!(get("DPoP", right).await, "401 invalid_dpop_proof", "a proof is good once");
}
