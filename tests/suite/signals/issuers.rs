//! Streams at an organization's own issuer: its keys, its names, and nothing of the shared one's.

use orgate_tests::app::{App, SECRET};
use serde_json::json;

use super::{POLL, Receiver, Set, app, fanned_out, signed_out};

/// A receiver that calls an organization's issuer.
async fn at_own_issuer<'a>(app: &'a App, client_id: &str, own: &str) -> Receiver<'a> {
    let resource = app.at(own).to_string();
    let form = [("grant_type", "client_credentials"), ("resource", resource.as_str())];
    let reply = app.post_as(&format!("{own}/token"), (client_id, SECRET), &form).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    Receiver { app, token: reply.text("access_token") }
}

#[tokio::test]
async fn an_organizations_issuer_transmits_under_its_own_name_and_keys() {
    let app = app().await;
    let own = format!("/o/{}", app.org("acme").await.org_id());
    let siem = at_own_issuer(&app, "siem", &own).await;
    let issuer = app.at(&own).to_string();

    let documents =
        [format!("{own}/.well-known/ssf-configuration"), format!("/.well-known/ssf-configuration{own}")];
    for path in &documents {
        let metadata = app.get(path).await;
        assert_eq!((metadata.status, metadata.text("issuer")), (200, issuer.clone()), "{path}");
        assert_eq!(metadata.text("configuration_endpoint"), format!("{issuer}/ssf/streams"));
    }
    let made = siem.post(&format!("{own}/ssf/streams"), &json!({})).await;
    assert_eq!((made.status, made.text("iss")), (201, issuer.clone()), "{:?}", made.body);
    let stream = made.text("stream_id");
    let poll = format!("{own}/ssf/poll/{stream}");
    assert_eq!(made.body["delivery"], json!({ "method": POLL, "endpoint_url": app.at(&poll) }));

    let sid = signed_out(&app, "ada@acme.test").await;
    fanned_out(&app).await;
    let reply = siem.post(&poll, &json!({ "returnImmediately": true })).await;
    let sets = reply.body["sets"].as_object().expect("an object");
    let token = sets.values().next().and_then(|token| token.as_str()).expect("one");
    let set = Set::read(&app, token).await;
    assert_eq!(set.claims["iss"], json!(issuer));
    assert_eq!(set.subject("user")["iss"], json!(issuer));
    assert_eq!(set.subject("session")["id"], json!(sid));
    let shared = app.get("/jwks.json").await.body.to_string();
    let header = token.split('.').next().expect("a header");
    let header = String::from_utf8(base64(header)).expect("text");
    let kid = header.split("\"kid\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    assert!(!shared.contains(kid), "the key is the organization's own");
}

fn base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64url")
}

#[tokio::test]
async fn a_stream_is_one_issuers_and_no_organizations_issuer_serves_another() {
    let app = app().await;
    let acme = format!("/o/{}", app.org("acme").await.org_id());
    let globex = format!("/o/{}", app.org("globex").await.org_id());
    let siem = Receiver::of(&app, "siem").await;
    // The shared issuer's token for the organization's own is one for that.
    let issuer = app.at(&acme).to_string();
    let at_own = Receiver::showing(&app, "siem", (None, Some(issuer.as_str()))).await;
    let (shared, own) =
        (siem.poll_stream().await, at_own.post(&format!("{acme}/ssf/streams"), &json!({})).await);
    let own = own.text("stream_id");

    for (siem, prefix, stream) in [(&at_own, acme.as_str(), &shared), (&siem, "", &own)] {
        let read = siem.get(&format!("{prefix}/ssf/streams?stream_id={stream}")).await;
        assert_eq!(read.outcome(), "404 invalid_request", "{prefix}");
        let poll =
            siem.post(&format!("{prefix}/ssf/poll/{stream}"), &json!({ "returnImmediately": true })).await;
        assert_eq!(poll.outcome(), "404 invalid_request", "{prefix}");
        let list = siem.get(&format!("{prefix}/ssf/streams")).await.body;
        assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
        assert!(!list.to_string().contains(stream.as_str()));
    }
    for (siem, prefix) in [(&siem, acme.as_str()), (&at_own, "")] {
        let elsewhere = siem.get(&format!("{prefix}/ssf/streams")).await;
        assert_eq!(elsewhere.outcome(), "401 invalid_token", "a token is for one transmitter");
    }
    let foreign = siem.get(&format!("{globex}/ssf/streams")).await;
    assert_eq!(foreign.outcome(), "401 invalid_token", "Acme's token is none at Globex' issuer");
}
