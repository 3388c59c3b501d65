//! The master key changes under a running installation: nodes with the one and with the other side by side, then
//! without the old one.

use std::sync::Arc;

use orgate_flows::bootstrap::bootstrap;
use orgate_flows::rewrap::rewrap;
use orgate_server::settings::Settings;
use orgate_server::wiring;
use orgate_tests::app::{App, Browser, NEXT_MASTER_KEY, PASSWORD, Page, SECRET, client, settings};
use orgate_tests::mailbox::{Mailbox, send_what_is_due};
use orgate_tests::node::Node;
use serde_json::Value;
use url::Url;

/// In Acme and in Globex.
const CASEY: &str = "casey@consult.test";

/// Accepts the next master key, and uses the one before: the first roll-out.
fn expecting(settings: &mut Settings) {
    settings.secrets.previous_master_key = NEXT_MASTER_KEY.to_owned().into();
}

/// Uses the next, and accepts the one before: the second.
fn changed(settings: &mut Settings) {
    let former = std::mem::replace(&mut settings.secrets.master_key, NEXT_MASTER_KEY.to_owned().into());
    settings.secrets.previous_master_key = former;
}

/// Knows the next alone: the third.
fn settled(settings: &mut Settings) {
    settings.secrets.master_key = NEXT_MASTER_KEY.to_owned().into();
}

/// Refreshes at one node; the successor.
async fn refresh(token_endpoint: Url, refresh_token: &str) -> String {
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    let request = client().post(token_endpoint).basic_auth("notes", Some(SECRET)).form(&form);
    let reply: Value = request.send().await.expect("answered").json().await.expect("JSON");
    reply["refresh_token"].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned()
}

/// What a page's form carries, posted to an address.
async fn submit(browser: &Browser, page: &Page, to: Url, (field, value): (&str, &str)) -> Page {
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    browser.post(to, &[("request", &request), ("csrf", &csrf), (field, value)]).await
}

/// Asks where Casey works, at one node.
async fn ask(browser: &Browser, app: &App, at: impl Fn(&str) -> Url) -> Page {
    let question = browser.follow(browser.authorize(&[]).await).await;
    submit(browser, &question, at(app.at("/discover").as_str()), ("q", CASEY)).await
}

/// The code of the newest mail, once it is sent.
async fn code(app: &App, mailbox: &Mailbox) -> String {
    while send_what_is_due(app, &mailbox.smtp).await == 0 {
        tokio::task::yield_now().await;
    }
    let mails = mailbox.mails().await;
    let text = mails[0]["text"].as_str().expect("text");
    text.lines().find_map(|line| line.strip_prefix("    ")).expect("a code").trim().to_owned()
}

/// Two nodes with two master keys: what the one gives, the other takes, in either direction.
#[tokio::test]
async fn what_one_node_gives_the_other_takes_while_the_master_key_changes() {
    let app = App::start_with(expecting).await;
    let node = Node::beside_with(&app, changed).await;
    let token = || app.at("/token");
    let there = || node.at(app.at("/token").as_str());
    let tokens = app.sign_in("acme", "ada@acme.test").await;

    // An answer that was lost is given again by the other node, whichever was first.
    let second = refresh(token(), &tokens.text("refresh_token")).await;
    let second_again = refresh(there(), &tokens.text("refresh_token")).await;
    let third = refresh(there(), &second).await;
    let third_again = refresh(token(), &second).await;

    // A form that was open.
    let browser = app.browser();
    let form = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let (request, csrf) = (form.field("request"), form.field("csrf"));
    let fields =
        [("request", &*request), ("csrf", &*csrf), ("email", "ada@acme.test"), ("password", PASSWORD)];
    let signed_in = browser.post(node.at(app.at("/sign-in").as_str()), &fields).await;

    // A code that was mailed, and the organizations that it leads to.
    let (mailbox, browser) = (Mailbox::open().await, app.browser());
    let sent = ask(&browser, &app, |url| Url::parse(url).expect("an address")).await;
    let typed = code(&app, &mailbox).await;
    let there = node.at(app.at("/discover/code").as_str());
    let proven = submit(&browser, &sent, there, ("code", &typed)).await;
    let choice = browser.get(node.at(proven.location().expect("the chooser").as_str())).await;

    assert_eq!((&second, &third), (&second_again, &third_again));
    assert_eq!(app.redeem(&signed_in.answer("code")).await.status, 200);
    assert!(choice.body.contains("Acme Inc") && choice.body.contains("Globex"), "{}", choice.body);
}

/// Where an address is at a node.
type At<'a> = &'a dyn Fn(&str) -> Url;

/// The index has every address under the key before, until that is brought over; who asks and who types may be at
/// nodes with either key.
#[tokio::test]
async fn an_address_leads_to_its_organizations_whichever_key_each_node_has() {
    let app = App::start_with(expecting).await;
    let node = Node::beside_with(&app, changed).await;
    let here = |url: &str| Url::parse(url).expect("an address");
    let there = |url: &str| node.at(url);
    let ways: [[At<'_>; 3]; 4] =
        [[&there, &there, &there], [&there, &here, &there], [&there, &there, &here], [&there, &here, &here]];
    let mailbox = Mailbox::open().await;

    for (index, [asked, typed, chosen]) in ways.into_iter().enumerate() {
        app.clock.advance(chrono::Duration::minutes(16)); // so many mails and no more, at once
        if index == 2 {
            rewrap(&node.env, |_| {}).await.expect("brought over");
        }
        let browser = app.browser();
        let sent = ask(&browser, &app, asked).await;
        let code = code(&app, &mailbox).await;
        let proven = submit(&browser, &sent, typed(app.at("/discover/code").as_str()), ("code", &code)).await;
        let choice = browser.get(chosen(proven.location().expect("the chooser").as_str())).await;

        assert!(
            choice.body.contains("Acme Inc") && choice.body.contains("Globex"),
            "{index}: {}",
            choice.body
        );
    }
}

#[tokio::test]
async fn everything_works_under_the_new_master_key_and_then_without_the_old_one() {
    let app = App::start_with(expecting).await;
    let before = app.sign_in("acme", "ada@acme.test").await;
    let org = app.org("globex").await;
    app.env
        .keys
        .prepare(
            &app.env,
            app.env.issuer.of(org.org_id()).as_str(),
            orgate_protocol::jose::SigningAlgorithm::Es256,
        )
        .await
        .expect("a key");
    let node = Node::beside_with(&app, changed).await;

    let done = rewrap(&node.env, |_| {}).await.expect("brought over");
    let again = rewrap(&node.env, |_| {}).await.expect("looked at");
    let refreshed = app.refresh(&before.text("refresh_token")).await;
    node.stop().await;
    let alone = Node::beside_with(&app, settled).await;

    assert_eq!((done.organizations, done.data_keys, done.addresses), (3, 2, 5), "{done:?}");
    assert_eq!((again.data_keys, again.addresses, done.lost.len()), (0, 0, 0));
    assert_eq!(refreshed.status, 200, "a node with the old one goes on, too");
    assert!(alone.env.keys.shared().is_ready(), "its keys are read");
    let own = alone.env.keys.of(&alone.env, alone.env.issuer.of(org.org_id()).as_str()).await.expect("read");
    assert!(own.is_some_and(|ring| ring.is_ready()), "and an organization's");
    let there = alone.at(app.at("/token").as_str());
    let successor = refresh(there.clone(), &refreshed.text("refresh_token")).await;
    assert!(!refresh(there, &successor).await.is_empty());
    let userinfo =
        client().get(alone.at(app.at("/userinfo").as_str())).bearer_auth(before.text("access_token"));
    assert_eq!(userinfo.send().await.expect("answered").status(), 200, "what was signed before still counts");
    let casey = orgate_domain::email::Email::parse(CASEY).expect("an address");
    let found = alone.env.store.discover(&[alone.env.vault.email_hash(&casey)]).await.expect("looked up");
    assert_eq!(found.len(), 2, "by its new hash alone");
    let log = app.events("acme").await;
    assert!(!log.iter().any(|event| event.starts_with("data_key.rewrapped")), "it had none");
    assert!(app.events("globex").await.contains(&"data_key.rewrapped success".to_owned()));

    // Whoever still has the old one alone opens nothing.
    let settings = settings(&app.base, &app.database);
    let store = wiring::store(&settings).expect("a pool");
    let former = wiring::env(&settings, store, Arc::clone(&app.clock) as _).expect("wired");
    bootstrap(&former).await.expect_err("refused");
}

/// A node that was never told of the key before cannot give a token again, and revokes nothing for it.
#[tokio::test]
async fn a_successor_that_nobody_can_derive_any_more_is_refused_and_not_taken_for_theft() {
    let app = App::start_with(expecting).await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let first = tokens.text("refresh_token");
    let second = refresh(app.at("/token"), &first).await;
    let node = Node::beside_with(&app, changed).await;
    rewrap(&node.env, |_| {}).await.expect("brought over");
    let alone = Node::beside_with(&app, settled).await;

    let form = [("grant_type", "refresh_token"), ("refresh_token", &*first)];
    let request =
        client().post(alone.at(app.at("/token").as_str())).basic_auth("notes", Some(SECRET)).form(&form);
    let refused: Value = request.send().await.expect("answered").json().await.expect("JSON");

    assert_eq!(refused["error"], "invalid_grant");
    assert!(!refresh(app.at("/token"), &second).await.is_empty(), "the family lives");
}
