//! An application that demands a strength of proof (OIDC Core §5.5.1.1), from an organization's own provider.

use orgate_tests::app::{Browser, Page};
use serde_json::{Value, json};

use super::world::{World, member};

const SINGLE: &str = "urn:orgate:acr:single-factor";
const MULTI: &str = "urn:orgate:acr:multi-factor";

fn demanding(acr: &str) -> String {
    json!({ "id_token": { "acr": { "essential": true, "value": acr } } }).to_string()
}

/// Somebody whose provider says that they used these means.
fn by(amr: &Value) -> Value {
    let mut claims = member("1", "ada@acme.test");
    claims["amr"] = amr.clone();
    claims
}

impl World {
    async fn arrive_demanding(&self, browser: &Browser, acr: &str) -> Page {
        let claims = demanding(acr);
        let departure = self.depart_with(browser, &[("claims", &claims)]).await;
        browser.get(self.provider.answer(&departure)).await
    }
}

#[tokio::test]
async fn the_means_that_a_provider_asserts_say_how_strong_the_proof_was() {
    let world = World::start().await;

    for (amr, acr) in [
        (json!(["pwd", "mfa"]), MULTI),
        (json!(["pwd", "otp"]), MULTI),
        (json!(["hwk", "pin"]), MULTI),
        (json!(["hwk"]), SINGLE),
        (json!(["pwd"]), SINGLE),
        (json!([]), SINGLE),
    ] {
        let tokens = world.sign_in(by(&amr)).await;

        assert_eq!(tokens.claims("id_token")["acr"], json!(acr), "{amr}");
        assert_eq!(tokens.claims("access_token")["acr"], json!(acr), "{amr}");
    }
}

#[tokio::test]
async fn a_session_that_is_too_weak_is_proven_again_and_then_answers() {
    let world = World::start().await;
    let browser = world.app.browser();
    let multi = demanding(MULTI);
    world.provider.user(by(&json!(["pwd"])));
    world.arrive(&browser).await.answer("code");
    let silent = [("organization", "acme"), ("prompt", "none"), ("claims", multi.as_str())];
    assert_eq!(browser.authorize(&silent).await.answer("error"), "login_required");

    world.provider.user(by(&json!(["pwd", "otp"])));
    let page = world.arrive_demanding(&browser, MULTI).await;

    let tokens = world.app.redeem(&page.answer("code")).await;
    assert_eq!(tokens.claims("id_token")["acr"], json!(MULTI));
    assert!(!browser.authorize(&silent).await.answer("code").is_empty(), "now the session will do");
}

#[tokio::test]
async fn a_proof_that_stays_too_weak_is_no_success_and_changes_nothing() {
    let world = World::start().await;
    let browser = world.app.browser();
    world.provider.user(by(&json!(["pwd"])));

    let page = world.arrive_demanding(&browser, MULTI).await;

    assert_eq!(page.answer("error"), "unmet_authentication_requirements");
    assert_eq!(world.sessions().await, 0, "nobody is signed in");
    assert_eq!(world.last_event().await, "sign_in.failed refused acr_unmet");
    let again = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(again.answer("error"), "login_required");
}
