//! Shared Signals (SSF 1.0, CAEP 1.0), as receivers see them.

mod access;
mod attacks;
mod delivery;
mod events;
mod fairness;
mod foreign;
mod issuers;
mod nodes;
mod queue;
mod streams;
mod subjects;

use std::time::Duration;

use orgate_tests::app::{App, Reply, SECRET, client};
use orgate_tests::event_receiver::{EventReceiver, verified};
use serde_json::{Value, json};

pub(crate) const PUSH: &str = "urn:ietf:rfc:8935";
pub(crate) const POLL: &str = "urn:ietf:rfc:8936";

/// Receivers: two of Acme's, one that only reads, one of Globex', and the operator's, which is everybody's.
pub(crate) const RECEIVERS: &str = r#"
clients:
  - { client_id: siem, organization: acme, name: SIEM, type: machine, audience: owner, client_secret: "${SECRET}",
      scopes: [ssf.read, ssf.manage] }
  - { client_id: other, organization: acme, name: Other, type: machine, audience: owner, client_secret: "${SECRET}",
      scopes: [ssf.manage] }
  - { client_id: reader, organization: acme, name: Reader, type: machine, audience: owner, client_secret: "${SECRET}",
      scopes: [ssf.read] }
  - { client_id: robot, organization: acme, name: Robot, type: machine, audience: owner, client_secret: "${SECRET}",
      scopes: [sync] }
  - { client_id: globex-siem, organization: globex, name: SIEM, type: machine, audience: owner,
      client_secret: "${SECRET}", scopes: [ssf.manage] }
  - { client_id: saas, organization: operator, name: SaaS, type: machine, audience: all, client_secret: "${SECRET}",
      scopes: [ssf.manage] }
"#;

pub(crate) const SESSION_REVOKED: &str =
    "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
pub(crate) const CREDENTIAL_CHANGE: &str =
    "https://schemas.openid.net/secevent/caep/event-type/credential-change";
pub(crate) const ASSURANCE: &str =
    "https://schemas.openid.net/secevent/caep/event-type/assurance-level-change";
pub(crate) const CLAIMS_CHANGE: &str =
    "https://schemas.openid.net/secevent/caep/event-type/token-claims-change";
pub(crate) const VERIFICATION: &str = "https://schemas.openid.net/secevent/ssf/event-type/verification";
pub(crate) const STREAM_UPDATED: &str = "https://schemas.openid.net/secevent/ssf/event-type/stream-updated";

pub(crate) async fn app() -> App {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    app.apply(RECEIVERS).await;
    app
}

/// The transmitter, as tokens for it name it.
pub(crate) fn issuer(app: &App) -> &str {
    app.base.as_str().trim_end_matches('/')
}

/// A receiver with a token.
#[derive(Clone)]
pub(crate) struct Receiver<'a> {
    pub(crate) app: &'a App,
    pub(crate) token: String,
}

/// A security event token, read.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    pub(crate) jti: String,
    /// The URI of its one event.
    pub(crate) kind: String,
    /// What the event says.
    pub(crate) event: Value,
    pub(crate) claims: Value,
}

impl<'a> Receiver<'a> {
    pub(crate) async fn of(app: &'a App, client_id: &str) -> Self {
        Self::within(app, client_id, None).await
    }

    /// A receiver that may act in several organizations, in one.
    pub(crate) async fn within(app: &'a App, client_id: &str, organization: Option<&str>) -> Self {
        Self::showing(app, client_id, (organization, Some(issuer(app)))).await
    }

    /// A receiver whose token is for this resource, or for the client's own.
    pub(crate) async fn showing(
        app: &'a App,
        client_id: &str,
        (organization, resource): (Option<&str>, Option<&str>),
    ) -> Self {
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(resource.map(|resource| ("resource", resource)));
        form.extend(organization.map(|organization| ("organization", organization)));
        let reply = app.token_as(client_id, SECRET, &form).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        Self { app, token: reply.text("access_token") }
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        Reply::of(request.bearer_auth(&self.token).send().await.expect("answered")).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(client().get(self.app.at(path))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(client().delete(self.app.at(path))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(client().post(self.app.at(path)).json(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.send(client().patch(self.app.at(path)).json(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(client().put(self.app.at(path)).json(body)).await
    }

    /// Makes a stream; its id.
    pub(crate) async fn create(&self, body: &Value) -> String {
        let reply = self.post("/ssf/streams", body).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        reply.text("stream_id")
    }

    pub(crate) async fn poll_stream(&self) -> String {
        self.create(&json!({})).await
    }

    pub(crate) async fn push_stream(&self, receiver: &EventReceiver) -> String {
        let delivery =
            json!({ "method": PUSH, "endpoint_url": receiver.url, "authorization_header": "Bearer of-siem" });
        self.create(&json!({ "delivery": delivery })).await
    }

    pub(crate) async fn set_status(&self, stream: &str, status: &str) -> Reply {
        self.post("/ssf/status", &json!({ "stream_id": stream, "status": status })).await
    }

    /// Polls once; what is there is not acknowledged.
    pub(crate) async fn poll(&self, stream: &str, body: &Value) -> Reply {
        self.post(&format!("/ssf/poll/{stream}"), body).await
    }

    /// What waits, read and verified, in the order in which it happened.
    pub(crate) async fn waiting(&self, stream: &str) -> Vec<Set> {
        let reply = self.poll(stream, &json!({ "returnImmediately": true })).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        let mut sets = Vec::new();
        for (jti, token) in reply.body["sets"].as_object().expect("an object") {
            let set = Set::read(self.app, token.as_str().expect("a token")).await;
            assert_eq!(&set.jti, jti);
            sets.push(set);
        }
        sets
    }

    /// Polls until so many wait; fails the test after ten seconds.
    pub(crate) async fn wait(&self, stream: &str, count: usize) -> Vec<Set> {
        for _ in 0..100 {
            let sets = self.waiting(stream).await;
            if sets.len() >= count {
                return sets;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} of {count} events wait", self.waiting(stream).await.len());
    }

    /// What waits once everything that happened before now was put in.
    pub(crate) async fn settled(&self, stream: &str) -> Vec<Set> {
        fanned_out(self.app).await;
        self.waiting(stream).await
    }
}

impl Set {
    /// Reads a token as a receiver does, by the published keys.
    pub(crate) async fn read(app: &App, token: &str) -> Self {
        let (header, claims) = verified(app, token).await;
        assert_eq!(header["typ"], "secevent+jwt");
        let shared = app.base.as_str().trim_end_matches('/');
        let own = format!("{shared}/o/{}", claims["org_id"].as_str().expect("text"));
        assert!(claims["iss"] == shared || claims["iss"] == own, "{claims}");
        for absent in ["sub", "exp"] {
            assert!(claims.get(absent).is_none(), "{absent}");
        }
        let events = claims["events"].as_object().expect("an object");
        let (kind, event) = events.iter().next().expect("one event");
        assert_eq!(events.len(), 1);
        let jti = claims["jti"].as_str().expect("text").to_owned();
        Self { jti, kind: kind.clone(), event: event.clone(), claims: claims.clone() }
    }

    pub(crate) fn subject(&self, part: &str) -> &Value {
        &self.claims["sub_id"][part]
    }
}

/// Waits until nothing in the log waits to be put into streams.
pub(crate) async fn fanned_out(app: &App) {
    for _ in 0..200 {
        let left: i64 = sqlx::query_scalar("select count(*) from signals")
            .fetch_one(app.database.superuser())
            .await
            .expect("counted");
        if left == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("signals are left");
}

/// Signs a user of Acme's in and out again; the session.
pub(crate) async fn signed_out(app: &App, email: &str) -> String {
    let browser = app.browser();
    let organization = if email.contains("globex") { "globex" } else { "acme" };
    let tokens = app.redeem(&browser.sign_in_to(organization, email).await).await;
    browser.get(app.at(&format!("/logout?id_token_hint={}", tokens.text("id_token")))).await;
    tokens.claims("id_token")["sid"].as_str().expect("a session").to_owned()
}
