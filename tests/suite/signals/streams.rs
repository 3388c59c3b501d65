//! Streams are made, read, changed and deleted (SSF §8.1.1), enabled and paused (§8.1.2), and verified (§8.1.4).

use chrono::Duration;
use insta::assert_json_snapshot;
use serde_json::json;

use super::{
    CREDENTIAL_CHANGE, POLL, PUSH, Receiver, SESSION_REVOKED, STREAM_UPDATED, VERIFICATION, app, signed_out,
};

#[tokio::test]
async fn the_transmitter_describes_itself() {
    let app = app().await;

    let metadata = app.get("/.well-known/ssf-configuration").await;

    let issuer = app.base.as_str().trim_end_matches('/').to_owned();
    assert_eq!(metadata.status, 200);
    assert_eq!(metadata.text("issuer"), issuer);
    for endpoint in ["configuration_endpoint", "status_endpoint", "verification_endpoint", "jwks_uri"] {
        assert!(metadata.text(endpoint).starts_with(&issuer), "{endpoint}");
    }
    assert_eq!(metadata.body["delivery_methods_supported"], json!([PUSH, POLL]));
    assert_eq!(metadata.body["authorization_schemes"], json!([{ "spec_urn": "urn:ietf:rfc:6749" }]));
}

#[tokio::test]
async fn a_stream_is_made_read_changed_replaced_and_deleted() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    assert_eq!(siem.get("/ssf/streams").await.body, json!([]));

    let made = siem
        .post(
            "/ssf/streams",
            &json!({
                "delivery": { "method": PUSH, "endpoint_url": "https://siem.test/events", "authorization_header": "x" },
                "events_requested": [SESSION_REVOKED, "urn:example:unknown"],
                "description": "for the SOC",
            }),
        )
        .await;
    assert_eq!(made.status, 201);
    let redactions = "…";
    assert_json_snapshot!(made.body, { ".stream_id" => redactions, ".iss" => redactions, ".events_supported" => redactions }, @r#"
    {
      "aud": "siem",
      "delivery": {
        "endpoint_url": "https://siem.test/events",
        "method": "urn:ietf:rfc:8935"
      },
      "description": "for the SOC",
      "events_delivered": [
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
      ],
      "events_requested": [
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
        "urn:example:unknown"
      ],
      "events_supported": "…",
      "iss": "…",
      "min_verification_interval": 30,
      "stream_id": "…"
    }
    "#);
    let id = made.text("stream_id");
    let path = format!("/ssf/streams?stream_id={id}");
    assert_eq!(siem.get(&path).await.body, made.body, "and no credential is told");
    assert_eq!(siem.get("/ssf/streams").await.body, json!([made.body]));

    let patched = siem
        .patch("/ssf/streams", &json!({ "stream_id": id, "events_requested": [CREDENTIAL_CHANGE] }))
        .await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.body["events_delivered"], json!([CREDENTIAL_CHANGE]));
    assert_eq!(patched.body["description"], "for the SOC", "what was not said stays");

    let replaced =
        siem.put("/ssf/streams", &json!({ "stream_id": id, "delivery": { "method": POLL } })).await;
    assert_eq!(replaced.status, 200);
    assert_eq!(replaced.body["delivery"]["method"], POLL);
    assert!(replaced.body.get("description").is_none(), "what was not said goes");
    assert_eq!(replaced.body["events_delivered"].as_array().map(Vec::len), Some(4));

    let deleted = siem.delete(&path).await;
    assert_eq!(deleted.status, 204);
    for reply in [siem.get(&path).await, siem.delete(&path).await] {
        assert_eq!(reply.outcome(), "404 invalid_request");
    }
    let log: Vec<_> =
        app.events("acme").await.into_iter().filter(|event| event.starts_with("stream.")).collect();
    assert_eq!(log, ["stream.configured success"; 4]);
}

#[tokio::test]
async fn what_the_transmitter_supplies_must_be_right_when_it_is_said() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let id = siem.poll_stream().await;
    let read = siem.get(&format!("/ssf/streams?stream_id={id}")).await.body;

    for method in ["put", "patch"] {
        let said = |body: serde_json::Value| {
            let siem = siem.clone();
            async move {
                match method {
                    "put" => siem.put("/ssf/streams", &body).await,
                    _ => siem.patch("/ssf/streams", &body).await,
                }
            }
        };
        assert_eq!(said(read.clone()).await.status, 200, "what was read may be sent back");
        assert_eq!(said(json!({ "stream_id": id, "aud": "other" })).await.outcome(), "400 invalid_request");
        assert_eq!(
            said(json!({ "stream_id": id, "iss": "https://x" })).await.outcome(),
            "400 invalid_request"
        );
        assert_eq!(said(json!({ "description": "of none" })).await.outcome(), "400 invalid_request");
        assert_eq!(said(json!({ "stream_id": "str_x" })).await.outcome(), "404 invalid_request");
    }
}

#[tokio::test]
async fn a_receiver_has_so_many_streams_and_no_more() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    for _ in 0..10 {
        siem.poll_stream().await;
    }

    let more = siem.post("/ssf/streams", &json!({})).await;

    assert_eq!(more.outcome(), "409 invalid_request");
    assert_eq!(Receiver::of(&app, "other").await.post("/ssf/streams", &json!({})).await.status, 201);
}

#[tokio::test]
async fn a_paused_stream_keeps_what_happens_and_a_disabled_one_does_not() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let (paused, disabled) = (siem.poll_stream().await, siem.poll_stream().await);
    let reply = siem
        .post("/ssf/status", &json!({ "stream_id": paused, "status": "paused", "reason": "maintenance" }))
        .await;
    assert_eq!(reply.body, json!({ "stream_id": paused, "status": "paused", "reason": "maintenance" }));
    assert_eq!(siem.get(&format!("/ssf/status?stream_id={paused}")).await.body, reply.body);
    siem.set_status(&disabled, "disabled").await;

    let sid = signed_out(&app, "ada@acme.test").await;
    for stream in [&paused, &disabled] {
        let [update] = siem.settled(stream).await.try_into().expect("that it changed, and nothing else");
        assert_eq!(update.kind, STREAM_UPDATED);
        assert_eq!(update.claims["sub_id"], json!({ "format": "opaque", "id": stream }));
        let ack = siem.poll(stream, &json!({ "ack": [update.jti], "maxEvents": 0 })).await;
        assert_eq!(ack.body, json!({ "sets": {}, "moreAvailable": false }));
    }

    for stream in [&paused, &disabled] {
        assert_eq!(siem.set_status(stream, "enabled").await.status, 200);
    }
    let kinds = |sets: Vec<super::Set>| {
        let mut kinds: Vec<_> = sets.into_iter().map(|set| set.kind).collect();
        kinds.sort();
        kinds
    };
    let kept = siem.waiting(&paused).await;
    assert!(kept.iter().any(|set| set.subject("session")["id"] == json!(sid)));
    assert_eq!(kinds(kept), [SESSION_REVOKED, STREAM_UPDATED]);
    assert_eq!(kinds(siem.waiting(&disabled).await), [STREAM_UPDATED]);
}

#[tokio::test]
async fn a_verification_says_the_receivers_word_again_and_is_not_asked_for_too_often() {
    let app = app().await;
    let siem = Receiver::of(&app, "siem").await;
    let id = siem.poll_stream().await;
    let verify =
        || async { siem.post("/ssf/verify", &json!({ "stream_id": id, "state": "VGhpcw==" })).await };

    assert_eq!(verify().await.status, 204);

    let [set] = siem.waiting(&id).await.try_into().expect("one");
    assert_eq!(set.kind, VERIFICATION);
    assert_eq!(set.event, json!({ "state": "VGhpcw==" }));
    assert_eq!(set.claims["sub_id"], json!({ "format": "opaque", "id": id }));
    assert_eq!(set.claims["aud"], "siem");
    let early = verify().await;
    assert_eq!(early.outcome(), "429 temporarily_unavailable");
    assert!(early.headers.contains_key("retry-after"));
    app.clock.advance(Duration::seconds(31));
    let siem = Receiver::of(&app, "siem").await;
    let without = siem.post("/ssf/verify", &json!({ "stream_id": id })).await;
    assert_eq!(without.status, 204);
    let sets = siem.waiting(&id).await;
    assert!(sets.iter().any(|set| set.event == json!({})), "no state is made up");
}
