//! Who may ask the transmitter, and for what.

use chrono::Duration;
use orgate_tests::app::{App, Reply, SECRET, client};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Receiver, app, issuer};

/// Every request there is, about this stream.
async fn everything(receiver: &Receiver<'_>, stream: &str) -> Vec<(&'static str, Reply)> {
    let subject = json!({ "stream_id": stream, "subject": { "format": "email", "email": "ada@acme.test" } });
    let change = json!({ "stream_id": stream, "description": "theirs now" });
    vec![
        ("read", receiver.get(&format!("/ssf/streams?stream_id={stream}")).await),
        ("status", receiver.get(&format!("/ssf/status?stream_id={stream}")).await),
        ("poll", receiver.poll(stream, &json!({ "returnImmediately": true, "ack": ["x"] })).await),
        ("patch", receiver.patch("/ssf/streams", &change).await),
        ("put", receiver.put("/ssf/streams", &change).await),
        ("set status", receiver.set_status(stream, "disabled").await),
        ("add", receiver.post("/ssf/subjects/add", &subject).await),
        ("remove", receiver.post("/ssf/subjects/remove", &subject).await),
        ("verify", receiver.post("/ssf/verify", &json!({ "stream_id": stream })).await),
        ("delete", receiver.delete(&format!("/ssf/streams?stream_id={stream}")).await),
    ]
}

#[tokio::test]
async fn the_stream_of_another_client_or_organization_is_answered_like_one_that_does_not_exist() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let nowhere = "str_01h455vb4pex5vsknk084sn02q";
    let saas_acme = Receiver::within(&app, "saas", Some("acme")).await;
    let of_saas = saas_acme.poll_stream().await;

    let strangers = [
        (Receiver::of(&app, "other").await, &stream),
        (Receiver::of(&app, "globex-siem").await, &stream),
        (saas_acme.clone(), &stream),
        (Receiver::within(&app, "saas", Some("globex")).await, &of_saas),
    ];
    for (stranger, theirs) in strangers {
        let (foreign, unknown) = (everything(&stranger, theirs).await, everything(&stranger, nowhere).await);
        for ((what, foreign), (_, unknown)) in foreign.into_iter().zip(unknown) {
            assert_eq!(foreign.outcome(), "404 invalid_request", "{what}");
            assert_eq!((foreign.status, foreign.body), (unknown.status, unknown.body), "{what}");
        }
        let seen = stranger.get("/ssf/streams").await.body;
        assert!(!seen.to_string().contains(theirs.as_str()), "{seen}");
    }
    let untouched = siem.get(&format!("/ssf/streams?stream_id={stream}")).await;
    assert!(untouched.body.get("description").is_none());
    assert_eq!(siem.get(&format!("/ssf/status?stream_id={stream}")).await.text("status"), "enabled");
}

#[tokio::test]
async fn a_scope_lets_do_what_it_says() {
    let app = app().await;
    let stream = Receiver::of(&app, "siem").await.poll_stream().await;
    let reads = ["read", "status", "poll"];

    for (what, reply) in everything(&Receiver::of(&app, "reader").await, &stream).await {
        let expected = if reads.contains(&what) { 404 } else { 403 };
        assert_eq!(reply.status, expected, "{what}");
    }
    let robot = Receiver::showing(&app, "robot", (None, None)).await;
    for (what, reply) in everything(&robot, &stream).await {
        assert_eq!(reply.outcome(), "403 insufficient_scope", "{what}");
        let challenge = reply.headers["www-authenticate"].to_str().expect("text");
        let scope = if reads.contains(&what) { "ssf.read" } else { "ssf.manage" };
        assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
    }
    let list = robot.get("/ssf/streams").await;
    assert_eq!(list.outcome(), "403 insufficient_scope");
}

#[tokio::test]
async fn a_token_for_something_else_opens_no_stream() {
    let app = app().await;
    app.apply(&format!(
        "clients:
  - {{ client_id: siem, organization: acme, name: SIEM, type: machine, audience: owner, client_secret: \"{SECRET}\",
      scopes: [ssf.read, ssf.manage], resources: [\"https://api.siem.test\"] }}"
    ))
    .await;
    let stream = Receiver::of(&app, "siem").await.poll_stream().await;

    for resource in [None, Some("https://api.siem.test")] {
        // Whoever it was shown to could come here with it.
        let shown_elsewhere = Receiver::showing(&app, "siem", (None, resource)).await;
        for (what, reply) in everything(&shown_elsewhere, &stream).await {
            assert_eq!(reply.outcome(), "401 invalid_token", "{what} with one for {resource:?}");
        }
    }
    let ask = async |client_id: &str, resource: &str| {
        let form = [("grant_type", "client_credentials"), ("resource", resource)];
        app.token_as(client_id, SECRET, &form).await.outcome()
    };
    let globex = format!("{}/o/{}", issuer(&app), app.org("globex").await.org_id());
    assert_eq!(ask("robot", issuer(&app)).await, "400 invalid_target", "it is no receiver");
    assert_eq!(ask("siem", &globex).await, "400 invalid_target", "of another organization");
    assert_eq!(ask("siem", &format!("{}/", issuer(&app))).await, "400 invalid_target");
    assert_eq!(ask("siem", issuer(&app)).await, "200");
}

#[tokio::test]
async fn a_token_that_is_none_is_challenged() {
    let app = app().await;
    let ada = app.sign_in("acme", "ada@acme.test").await;
    let stream = Receiver::of(&app, "siem").await.poll_stream().await;

    let nothing = Reply::of(client().get(app.at("/ssf/streams")).send().await.expect("answered")).await;
    assert_eq!((nothing.status, nothing.body), (401, Value::Null));
    assert_eq!(nothing.headers["www-authenticate"], "Bearer realm=\"ssf\"");
    let forged = Receiver { app: &app, token: "x.y.z".to_owned() };
    let id_token = Receiver { app: &app, token: ada.text("id_token") };
    for (what, reply) in [everything(&forged, &stream).await, everything(&id_token, &stream).await].concat() {
        assert_eq!(reply.outcome(), "401 invalid_token", "{what}");
    }
    // A person's token is a token, and for something else.
    let person = Receiver { app: &app, token: ada.text("access_token") };
    assert_eq!(person.get("/ssf/streams").await.outcome(), "403 insufficient_scope");
    // RFC 6750 §2.3: not in the query.
    let siem = Receiver::of(&app, "siem").await;
    let query = app.get(&format!("/ssf/streams?access_token={}", siem.token)).await;
    assert_eq!(query.status, 401);
}

async fn disable(app: &App) {
    app.apply(&format!(
        "clients:
  - {{ client_id: siem, organization: acme, name: SIEM, type: machine, audience: owner, client_secret: \"{SECRET}\",
      scopes: [ssf.read, ssf.manage], status: disabled }}"
    ))
    .await;
}

#[tokio::test]
async fn a_receiver_that_stands_no_more_asks_in_vain() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let saas = Receiver::within(&app, "saas", Some("acme")).await;
    let (stream, of_saas) = (siem.poll_stream().await, saas.poll_stream().await);

    disable(&app).await;
    for (what, reply) in everything(&siem, &stream).await {
        assert_eq!(reply.outcome(), "401 invalid_token", "{what}");
    }
    assert_eq!(saas.get("/ssf/streams").await.status, 200);

    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;
    for (what, reply) in everything(&saas, &of_saas).await {
        assert_eq!(reply.outcome(), "401 invalid_token", "{what}");
    }

    app.clock.advance(Duration::minutes(11));
    assert_eq!(saas.get("/ssf/streams").await.outcome(), "401 invalid_token");
}

#[tokio::test]
async fn bad_input_is_refused_with_400_and_nothing_else() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let stream = siem.poll_stream().await;
    let poll = format!("/ssf/poll/{stream}");
    let raw = async |method: Method, path: &str, body: Vec<u8>| {
        siem.send(client().request(method, app.at(path)).body(body)).await.outcome()
    };

    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies: [&[u8]; 7] =
        [b"", b"{", b"[]", b"\"x\"", b"\xff\xfe", br#"{"stream_id":"x","stream_id":"y"}"#, deep.as_bytes()];
    let paths = ["/ssf/status", "/ssf/subjects/add", "/ssf/subjects/remove", "/ssf/verify", poll.as_str()];
    for body in bodies {
        for path in paths {
            assert_eq!(raw(Method::POST, path, body.to_vec()).await, "400 invalid_request", "{path}");
        }
        for method in [Method::POST, Method::PATCH, Method::PUT] {
            let outcome = raw(method.clone(), "/ssf/streams", body.to_vec()).await;
            assert_eq!(outcome, "400 invalid_request", "{method}");
        }
    }
    let long = json!({ "description": "x".repeat(4 * 1024 * 1024) }).to_string();
    assert_eq!(raw(Method::POST, "/ssf/streams", long.into()).await, "413 invalid_request");
    for path in ["/ssf/status", "/ssf/status?stream_id=", "/ssf/status?stream_id=a&stream_id=b"] {
        assert_eq!(siem.get(path).await.outcome(), "400 invalid_request", "{path}");
    }
    assert_eq!(siem.delete("/ssf/streams").await.outcome(), "400 invalid_request");
    for (name, value) in [
        ("delivery", json!({ "method": "urn:example" })),
        ("delivery", json!({ "method": super::PUSH, "endpoint_url": "ftp://siem.test/" })),
        ("events_requested", json!(["x".repeat(1_000)])),
        ("events_requested", json!("x")),
        ("description", json!("a\u{0}b")),
    ] {
        let reply = siem.post("/ssf/streams", &json!({ name: value })).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "{name} {value}");
    }
    for status in [json!("on"), json!(1), Value::Null] {
        let body = json!({ "stream_id": stream, "status": status });
        assert_eq!(siem.post("/ssf/status", &body).await.outcome(), "400 invalid_request");
    }
    for reason in ["queue_full", "receiver_unreachable"] {
        let body = json!({ "stream_id": stream, "status": "paused", "reason": reason });
        let reply = siem.post("/ssf/status", &body).await;
        assert_eq!(reply.outcome(), "400 invalid_request", "it is the transmitter's to give");
    }
    for id in ["a\u{0}b".to_owned(), "x".repeat(1_000)] {
        for body in [json!({ "ack": [id] }), json!({ "setErrs": { id.clone(): { "err": "invalid_key" } } })] {
            assert_eq!(siem.post(&poll, &body).await.outcome(), "400 invalid_request", "{body}");
        }
    }
    assert_eq!(siem.get("/ssf/poll/x").await.status, 405);
    for id in ["%00", "%ff", "x", "str_x"] {
        assert_eq!(siem.poll(id, &json!({})).await.outcome(), "404 invalid_request", "{id}");
    }
}
