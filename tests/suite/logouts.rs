//! Applications hear that a session ended, whatever ended it, and are asked again until they did.

use chrono::Duration;
use orgate_tests::app::{App, CALLBACK, PASSWORD, Reply, SECRET, VERIFIER, claims};
use orgate_tests::logout_receiver::LogoutReceiver;
use orgate_tests::node::Node;
use serde_json::json;

async fn app(private: bool) -> (App, LogoutReceiver) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = private).await;
    let receiver = LogoutReceiver::start().await;
    app.apply(&format!(
        "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"{SECRET}\"
    redirect_uris: [\"{CALLBACK}\"]
    resource: notes
    backchannel_logout_uri: \"{}\"
",
        receiver.url
    ))
    .await;
    (app, receiver)
}

async fn log_out(app: &App) -> Reply {
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    browser.get(app.at(&format!("/logout?id_token_hint={}", tokens.text("id_token")))).await;
    tokens
}

/// Whether an event of the organization says so, waited for.
async fn told(app: &App, event: &str) -> bool {
    for _ in 0..100 {
        if app.events("acme").await.contains(&event.to_owned()) {
            return true;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn whoever_is_deactivated_is_signed_out_of_every_application() {
    let (app, receiver) = app(true).await;
    let (first, second) =
        (app.sign_in("acme", "vic@acme.test").await, app.sign_in("acme", "vic@acme.test").await);
    app.sign_in("acme", "ada@acme.test").await;

    app.apply(
        "organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: vic@acme.test, name: Vic, status: deactivated }]
",
    )
    .await;
    let tokens = receiver.wait(2).await;

    let mut sids: Vec<_> = tokens.iter().map(|token| claims(token)["sid"].clone()).collect();
    let mut expected = [&first, &second].map(|tokens| tokens.claims("id_token")["sid"].clone()).to_vec();
    sids.sort_by_key(ToString::to_string);
    expected.sort_by_key(ToString::to_string);
    assert_eq!(sids, expected, "both of theirs, and nobody else's");
    assert!(told(&app, "client.told_of_logout success").await);
}

#[tokio::test]
async fn who_is_replaced_or_suspended_is_signed_out_of_every_application_also_of_one_that_cannot_refresh() {
    let (app, receiver) = app(true).await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme"), ("scope", "openid")]).await;
    let ada = app.redeem(&browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code")).await;
    assert_eq!(ada.body.get("refresh_token"), None);
    let gus = app.sign_in("globex", "gus@globex.test").await;
    let sid = |tokens: &Reply| tokens.claims("id_token")["sid"].clone();

    let page = browser.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    let vic = app.redeem(&browser.sign_in(page, "vic@acme.test", PASSWORD).await.answer("code")).await;
    let [replaced] = receiver.wait(1).await.try_into().expect("one");
    app.apply("organizations: [{ slug: acme, name: Acme Inc, status: suspended }]").await;
    let [_, suspended] = receiver.wait(2).await.try_into().expect("two");

    assert_eq!(claims(&replaced)["sid"], sid(&ada));
    assert_eq!(claims(&suspended)["sid"], sid(&vic));
    let ended = app.events("acme").await;
    for reason in ["replaced", "organization_suspended"] {
        let event = format!("session.ended success {reason}");
        assert_eq!(ended.iter().filter(|seen| **seen == event).count(), 1, "{event}");
    }
    assert_eq!(app.refresh(&gus.text("refresh_token")).await.status, 200, "another organization goes on");
}

#[tokio::test]
async fn an_application_that_the_organization_may_not_use_any_more_is_told_all_the_same() {
    let (app, receiver) = app(true).await;
    app.apply(&granted(&receiver, "acme")).await;
    let browser = app.browser();
    let page = browser.authorize(&[("client_id", "granted"), ("organization", "acme")]).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = app.token_as("granted", SECRET, &form).await;
    app.apply(&granted(&receiver, "globex")).await;

    browser.get(app.at(&format!("/logout?id_token_hint={}", tokens.text("id_token")))).await;

    let [token] = receiver.wait(1).await.try_into().expect("one");
    assert_eq!(claims(&token)["aud"], json!("granted"));
}

/// The client `granted`, for one organization.
fn granted(receiver: &LogoutReceiver, to: &str) -> String {
    let other = if to == "acme" { "globex" } else { "acme" };
    format!(
        "organizations:
  - {{ slug: {other}, name: {other} }}
clients:
  - client_id: granted
    organization: operator
    name: Granted
    type: web
    audience: granted
    granted_to: [{to}]
    client_secret: \"{SECRET}\"
    redirect_uris: [\"{CALLBACK}\"]
    backchannel_logout_uri: \"{}\"
",
        receiver.url
    )
}

#[tokio::test]
async fn a_node_that_stops_before_it_told_anybody_leaves_that_to_the_others() {
    let (app, receiver) = app(true).await;
    receiver.answer(503);
    let tokens = log_out(&app).await;
    receiver.wait(1).await;
    let before = receiver.tokens().len();
    app.stop().await;
    receiver.answer(200);
    app.clock.advance(Duration::hours(1));

    let _other = Node::beside(&app).await;

    let token = receiver.wait(before + 1).await.pop().expect("the last");
    assert_eq!(claims(&token)["sid"], tokens.claims("id_token")["sid"]);
}

#[tokio::test]
async fn an_application_that_fails_is_asked_again_with_a_fresh_token() {
    let (app, receiver) = app(true).await;
    receiver.answer(503);
    log_out(&app).await;
    let [first] = receiver.wait(1).await.try_into().expect("one");
    receiver.answer(204);

    app.clock.advance(Duration::minutes(3));
    let [_, second] = receiver.wait(2).await.try_into().expect("two");

    let (first, second) = (claims(&first), claims(&second));
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"]);
    assert!(second["iat"].as_i64() > first["exp"].as_i64(), "the first has lapsed");
    assert!(told(&app, "client.told_of_logout success").await);
    app.clock.advance(Duration::minutes(10));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.tokens().len(), 2, "once it is told, it is told");
}

#[tokio::test]
async fn an_application_that_refuses_the_token_is_not_asked_again() {
    let (app, receiver) = app(true).await;
    receiver.answer(400);
    log_out(&app).await;

    assert!(told(&app, "client.told_of_logout refused logout_token_refused").await);
    app.clock.advance(Duration::minutes(10));
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(receiver.tokens().len(), 1);
}

#[tokio::test]
async fn an_application_that_never_answers_is_given_up_after_a_day() {
    let (app, receiver) = app(true).await;
    receiver.answer(500);
    log_out(&app).await;
    receiver.wait(1).await;

    app.clock.advance(Duration::hours(25));

    assert!(told(&app, "client.told_of_logout refused unreachable").await);
}

#[tokio::test]
async fn an_address_of_a_private_network_is_not_called() {
    let (app, receiver) = app(false).await;
    log_out(&app).await;

    tokio::time::sleep(std::time::Duration::from_secs(2)).await;

    assert_eq!(receiver.tokens(), [] as [String; 0]);
}

#[tokio::test]
async fn a_session_that_ends_twice_at_once_is_told_once_and_other_organizations_go_on() {
    let (app, receiver) = app(true).await;
    let browser = app.browser();
    let acme = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let globex = app.redeem(&browser.sign_in_to("globex", "gus@globex.test").await).await;
    let logout = app.at(&format!("/logout?id_token_hint={}", acme.text("id_token")));

    let logout = || browser.get(logout.clone());
    let _ = tokio::join!(logout(), logout(), logout(), logout());
    receiver.wait(1).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;

    assert_eq!(receiver.tokens().len(), 1);
    assert_eq!(claims(&receiver.tokens()[0])["org_name"], json!("acme"));
    assert_eq!(app.refresh(&globex.text("refresh_token")).await.status, 200);
    let silent = browser.authorize(&[("organization", "globex"), ("prompt", "none")]).await;
    assert!(!silent.answer("code").is_empty(), "the browser is still signed in there");
}
