//! Devices at issuers of organizations, and while the master key changes.

use orgate_tests::app::{App, NEXT_MASTER_KEY, PASSWORD, Reply};
use orgate_tests::node::Node;
use serde_json::json;

use super::world::{CLIENTS, Device, GRANT, app, decide, go_on, type_code, wait};

async fn ask_at(app: &App, issuer: &str, more: &[(&str, &str)]) -> Reply {
    let form = [&[("client_id", "tv"), ("scope", "openid offline_access")], more].concat();
    app.post(&format!("{issuer}/device_authorization"), &form).await
}

fn told(asked: &Reply) -> Device {
    assert_eq!(asked.status, 200, "{}", asked.body);
    Device {
        client_id: "tv",
        code: asked.text("device_code"),
        user_code: asked.text("user_code"),
        complete: asked.text("verification_uri_complete"),
    }
}

async fn poll_at(app: &App, issuer: &str, device: &Device) -> Reply {
    let form = [("client_id", "tv"), ("grant_type", GRANT), ("device_code", &*device.code)];
    app.post(&format!("{issuer}/token"), &form).await
}

/// The device's sign-in is that organization's, its tokens are that issuer's, and another issuer has nothing to do
/// with it.
#[tokio::test]
async fn a_device_that_asks_an_organizations_issuer_is_answered_by_it() {
    let app = app().await;
    let [acme, globex] =
        [app.org("acme").await, app.org("globex").await].map(|org| format!("/o/{}", org.org_id()));
    let device = told(&ask_at(&app, &acme, &[]).await);
    let contradicted = ask_at(&app, &acme, &[("organization", "globex")]).await;

    let browser = app.browser();
    let found = type_code(&browser, &device.user_code).await;
    assert!(found.body.contains("Acme Inc"), "{}", found.body);
    let begun = go_on(&browser, &found).await;
    assert_eq!(begun.leads_to(), "/sign-in", "the organization is not asked for");
    let question = browser.follow(browser.sign_in(begun, "ada@acme.test", PASSWORD).await).await;
    decide(&browser, &question, "allow").await;
    let elsewhere = poll_at(&app, &globex, &device).await;
    wait(&app, 10);
    let tokens = poll_at(&app, &acme, &device).await;

    assert_eq!(contradicted.outcome(), "400 organization_mismatch");
    assert_eq!(elsewhere.outcome(), "400 invalid_grant");
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let issuer = app.at(&acme).to_string();
    assert_eq!(tokens.claims("access_token")["iss"], json!(issuer));
    assert_eq!(
        (&tokens.claims("id_token")["iss"], &tokens.claims("id_token")["org_name"]),
        (&json!(issuer), &json!("acme"))
    );
}

/// Asked under one master key, approved under the next, and answered under the first again.
#[tokio::test]
async fn a_device_is_let_in_while_the_master_key_changes() {
    let app = App::start_with(|settings| {
        settings.secrets.previous_master_key = NEXT_MASTER_KEY.to_owned().into();
    })
    .await;
    app.apply(CLIENTS).await;
    let node = Node::beside_with(&app, |settings| {
        let former = std::mem::replace(&mut settings.secrets.master_key, NEXT_MASTER_KEY.to_owned().into());
        settings.secrets.previous_master_key = former;
    })
    .await;
    let at = |path: &str| node.at(app.at(path).as_str());
    let device = told(&ask_at(&app, "", &[("organization", "acme")]).await);

    let browser = app.browser();
    let form = browser.get(at("/device")).await;
    let csrf = form.field("csrf");
    let found = browser.post(at("/device"), &[("csrf", &csrf), ("user_code", &device.user_code)]).await;
    let begun = go_on(&browser, &found).await;
    let question = browser.follow(browser.sign_in(begun, "ada@acme.test", PASSWORD).await).await;
    let (request, csrf) = (question.field("request"), question.field("csrf"));
    let answer = [("request", request.as_str()), ("csrf", csrf.as_str()), ("decision", "allow")];
    assert!(question.body.contains(&device.user_code), "{}", question.body);
    let there = browser.get(at(&format!("/device/approve?request={request}"))).await;
    assert!(there.body.contains(&device.user_code), "the node that would derive another: {}", there.body);
    let allowed = browser.post(at("/device/approve"), &answer).await;
    let tokens = device.poll_at(app.at("/token")).await;

    assert_eq!(allowed.status.as_u16(), 200, "{}", allowed.body);
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.claims("access_token")["org_name"], "acme");
}
