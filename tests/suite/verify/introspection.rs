//! A backend that asks Orgate whether a token still stands.

use std::sync::Arc;
use std::time::Duration;

use orgate_tests::app::{App, SECRET};
use orgate_verify::{Freshness, Introspection, Subject, Verifier, VerifyError};

use super::SameClock;

const BACKENDS: &str = r#"
organizations:
  - slug: acme
    name: Acme Inc
    roles:
      - { slug: robot, permissions: ["notes:read"] }
clients:
  - client_id: notes-api
    organization: operator
    name: Notes API
    type: machine
    audience: owner
    client_secret: "${SECRET}"
    resource: notes
  - client_id: fleet
    organization: operator
    name: Fleet
    type: machine
    audience: all
    client_secret: "${SECRET}"
    resource: notes
"#;

async fn app() -> App {
    let app = App::start().await;
    app.apply(BACKENDS).await;
    app
}

fn asking(app: &App, introspection: Introspection) -> Verifier {
    let issuer = app.base.as_str().trim_end_matches('/');
    let freshness = Freshness::Introspect { max_age: Duration::ZERO };
    let builder = Verifier::builder(issuer).audience("notes").clock(SameClock(Arc::clone(&app.clock)));
    builder.freshness(freshness).introspection(introspection).build().expect("a verifier")
}

#[tokio::test]
async fn an_ended_session_ends_its_tokens_at_once_where_orgate_is_asked() {
    let app = app().await;
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let token = tokens.text("access_token");
    let ways = || {
        [
            Introspection::with_secret("notes-api", SECRET),
            Introspection::with_secret_in_body("notes-api", SECRET),
            Introspection::with_secret("notes-api", SECRET).signed(),
        ]
    };
    for way in ways() {
        let confirmed = asking(&app, way).verify(&token).await.expect("it stands");
        assert_eq!(confirmed.org_id().as_str(), app.org("acme").await.org_id().to_string());
        assert!(confirmed.has_permission("notes:write"));
    }

    browser.get(app.at(&format!("/logout?id_token_hint={}", tokens.text("id_token")))).await;

    for way in ways() {
        assert_eq!(asking(&app, way).verify(&token).await.err(), Some(VerifyError::Inactive));
    }
    assert!(super::verifier(&app).verify(&token).await.is_ok(), "offline it is good until it expires");
}

#[tokio::test]
async fn a_revoked_token_and_one_of_a_suspended_organization_are_gone_and_anothers_are_not() {
    let app = app().await;
    let verifier = asking(&app, Introspection::with_secret("notes-api", SECRET));
    let ada = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let vic = app.sign_in("acme", "vic@acme.test").await.text("access_token");
    let gus = app.sign_in("globex", "gus@globex.test").await.text("access_token");

    app.post_as("/revoke", ("notes", SECRET), &[("token", &ada)]).await;
    app.apply("organizations:\n  - { slug: globex, name: Globex, status: suspended }").await;

    assert_eq!(verifier.verify(&ada).await.err(), Some(VerifyError::Inactive));
    assert_eq!(verifier.verify(&gus).await.err(), Some(VerifyError::Inactive));
    assert!(verifier.verify(&vic).await.is_ok());
}

#[tokio::test]
async fn whoever_may_not_ask_gets_no_answer_and_so_nothing_is_let_through() {
    let app = app().await;
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");

    let wrong_secret = asking(&app, Introspection::with_secret("notes-api", "wrong"));
    let no_business = asking(&app, Introspection::with_secret("granted", SECRET));

    let unavailable = Some(VerifyError::IntrospectionUnavailable);
    assert_eq!(wrong_secret.verify(&token).await.err(), unavailable);
    assert_eq!(no_business.verify(&token).await.err(), Some(VerifyError::Inactive));
}

#[tokio::test]
async fn a_machines_token_is_a_clients_offline_and_when_asked_about() {
    let app = app().await;
    let form = [("grant_type", "client_credentials"), ("organization", "acme")];
    let token = app.token_as("fleet", SECRET, &form).await.text("access_token");

    let offline = super::verifier(&app).verify(&token).await.expect("verified");
    let asked = asking(&app, Introspection::with_secret("notes-api", SECRET)).verify(&token).await;

    for token in [offline, asked.expect("it stands")] {
        assert!(matches!(token.subject(), Subject::Client { id, .. } if id.starts_with("cli_")));
        assert_eq!((token.client_id(), token.org_name()), ("fleet", "acme"));
        assert!(token.require_max_age(3600).is_err(), "nobody signed in");
    }
}
