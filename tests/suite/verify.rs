//! `orgate-verify` at a backend, with tokens of a real Orgate.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::routing::get;
use orgate_flows::Clock as _;
use orgate_flows::bootstrap::bootstrap;
use orgate_tests::app::{App, client};
use orgate_tests::clock::TestClock;
use orgate_verify::{Rejection, RequestOrg, Verifier, VerifyError};
use tokio::net::TcpListener;

pub(crate) mod examples;
mod introspection;

/// The backend's clock is Orgate's.
struct SameClock(Arc<TestClock>);

impl orgate_verify::Clock for SameClock {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

fn verifier(app: &App) -> Arc<Verifier> {
    let issuer = app.base.as_str().trim_end_matches('/');
    let builder = Verifier::builder(issuer).audience("notes").clock(SameClock(Arc::clone(&app.clock)));
    Arc::new(builder.cool_down(Duration::ZERO).build().expect("a verifier"))
}

/// A backend whose paths name the organization.
struct Backend(String);

impl Backend {
    async fn start(app: &App) -> Self {
        let read =
            |RequestOrg(token): RequestOrg| async move { format!("{} {}", token.org_id(), token.sub()) };
        let write = |RequestOrg(token): RequestOrg| async move {
            token.require_permission("notes:write")?;
            Ok::<_, Rejection>("written")
        };
        let router =
            Router::new().route("/orgs/{org}/notes", get(read).post(write)).with_state(verifier(app));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self(format!("http://{address}"))
    }

    async fn get(&self, org: &str, token: &str) -> (u16, String) {
        let request = client().get(format!("{}/orgs/{org}/notes", self.0)).bearer_auth(token);
        let reply = request.send().await.expect("answered");
        (reply.status().as_u16(), reply.text().await.expect("text"))
    }

    async fn post(&self, org: &str, token: &str) -> u16 {
        let request = client().post(format!("{}/orgs/{org}/notes", self.0)).bearer_auth(token);
        request.send().await.expect("answered").status().as_u16()
    }
}

#[tokio::test]
async fn a_token_opens_the_paths_of_its_own_organization_only() {
    let app = App::start().await;
    let backend = Backend::start(&app).await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let token = tokens.text("access_token");
    let (acme, globex) = (app.org("acme").await.org_id(), app.org("globex").await.org_id());

    let by_slug = backend.get("acme", &token).await;
    let by_id = backend.get(&acme.to_string(), &token).await;

    let seen = format!("{acme} {}", tokens.claims("access_token")["sub"].as_str().expect("text"));
    assert_eq!(by_slug, (200, seen.clone()));
    assert_eq!(by_id, (200, seen));
    for foreign in ["globex", &globex.to_string(), "ACME", "acme%00", ""] {
        assert_ne!(backend.get(foreign, &token).await.0, 200, "{foreign:?}");
    }
    assert_eq!(backend.get("globex", &token).await.0, 403);
}

#[tokio::test]
async fn permissions_are_those_that_the_organization_gave() {
    let app = App::start().await;
    let backend = Backend::start(&app).await;
    let (ada, vic) = (app.sign_in("acme", "ada@acme.test").await, app.sign_in("acme", "vic@acme.test").await);
    let gus = app.sign_in("globex", "gus@globex.test").await;

    assert_eq!(backend.post("acme", &ada.text("access_token")).await, 200);
    assert_eq!(backend.post("acme", &vic.text("access_token")).await, 403, "a viewer");
    assert_eq!(
        backend.post("globex", &gus.text("access_token")).await,
        403,
        "an admin, who may only read there"
    );
}

#[tokio::test]
async fn what_is_not_an_access_token_for_this_backend_is_refused() {
    let app = App::start().await;
    let backend = Backend::start(&app).await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let token = tokens.text("access_token");
    let (signed, signature) = token.rsplit_once('.').expect("a token");
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{signed}.{flipped}{}", &signature[1..]);
    let other = Verifier::builder(app.base.as_str().trim_end_matches('/')).audience("billing").build();

    for wrong in [tokens.text("id_token"), tokens.text("refresh_token"), forged, signed.to_owned()] {
        assert_eq!(backend.get("acme", &wrong).await.0, 401, "{wrong}");
    }
    assert_eq!(backend.get("acme", &token).await.0, 200);
    let elsewhere = other.expect("a verifier").verify(&token).await;
    assert_eq!(elsewhere.err(), Some(VerifyError::Audience));
}

#[tokio::test]
async fn a_token_ends_when_it_says() {
    let app = App::start().await;
    let verifier = verifier(&app);
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let lifetime = tokens.body["expires_in"].as_i64().expect("seconds");
    assert!(verifier.verify(&tokens.text("access_token")).await.is_ok());

    app.clock.advance(chrono::Duration::seconds(lifetime + 31));

    let refused = verifier.verify(&tokens.text("access_token")).await;
    assert_eq!(refused.err(), Some(VerifyError::Expired));
    let renewed = app.refresh(&tokens.text("refresh_token")).await;
    assert!(verifier.verify(&renewed.text("access_token")).await.is_ok());
}

#[tokio::test]
async fn a_rotated_key_is_followed_and_the_old_one_counts_until_it_is_withdrawn() {
    let app = App::start().await;
    let verifier = verifier(&app);
    let before = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    assert!(verifier.verify(&before).await.is_ok(), "its keys are cached");
    let rotate = "update signing_keys set retired_at = now(), expires_at = now() + interval '5 minutes'";
    sqlx::query(rotate).execute(app.database.superuser()).await.expect("retired");
    bootstrap(&app.env).await.expect("a new key");

    let after = app.sign_in("acme", "ada@acme.test").await.text("access_token");

    assert!(verifier.verify(&after).await.is_ok(), "a key that it has not seen is fetched");
    assert!(verifier.verify(&before).await.is_ok());
    app.clock.advance(chrono::Duration::minutes(6));
    bootstrap(&app.env).await.expect("the old key is not loaded");
    verifier.refresh().await.expect("fetched");
    assert_eq!(verifier.verify(&before).await.err(), Some(VerifyError::UnknownKey));
    assert!(verifier.verify(&after).await.is_ok());
}
