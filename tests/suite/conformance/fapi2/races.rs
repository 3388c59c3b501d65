//! What is good once is good once, by fifty requests at a time and on two nodes that share nothing but the database.

use orgate_tests::app::{CALLBACK, Page, Reply, VERIFIER, client};
use orgate_tests::node::Node;
use serde_json::json;
use url::Url;

use super::bank::{Bank, CLIENT, parameter, proven};

const TRIES: usize = 50;

/// Sends fifty alike, in turns to both nodes, all at once.
async fn race(bank: &Bank, other: &Node, path: &str, (proof, form): (&str, &[(&str, &str)])) -> Vec<Reply> {
    let here = bank.app.at(path);
    let there = other.at(here.as_str());
    let mut racing = tokio::task::JoinSet::new();
    for number in 0..TRIES {
        let to: Url = if number % 2 == 0 { here.clone() } else { there.clone() };
        let mut request = client().post(to).form(form);
        if !proof.is_empty() {
            request = request.header("DPoP", proof);
        }
        racing.spawn(async move { Reply::of(request.send().await.expect("answered")).await });
    }
    racing.join_all().await
}

fn won(replies: &[Reply], status: u16) -> usize {
    assert!(replies.iter().all(|reply| reply.status < 500), "{replies:?}");
    replies.iter().filter(|reply| reply.status == status).count()
}

#[tokio::test]
async fn an_assertion_is_good_once() {
    let bank = Bank::start().await;
    let other = Node::beside(&bank.app).await;
    let assertion = bank.assertion(&json!({}));
    let form = [Bank::request(&[]), proven(&assertion).to_vec()].concat();

    let replies = race(&bank, &other, "/par", ("", &form)).await;

    assert_eq!(won(&replies, 201), 1);
    assert_eq!(won(&replies, 401), TRIES - 1);
}

#[tokio::test]
async fn a_proof_of_possession_is_good_once() {
    let bank = Bank::start().await;
    let other = Node::beside(&bank.app).await;
    let token = bank.tokens(&[]).await.text("refresh_token");
    let proof = bank.proof("/token");
    let (here, there) = (bank.app.at("/token"), other.at(bank.app.at("/token").as_str()));
    let mut racing = tokio::task::JoinSet::new();
    for number in 0..TRIES {
        // Each with an assertion of its own: it is the proof that must not pass twice.
        let assertion = bank.assertion(&json!({}));
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let form = [form.to_vec(), proven(&assertion).to_vec()].concat();
        let to = if number % 2 == 0 { here.clone() } else { there.clone() };
        let request = client().post(to).header("DPoP", &proof).form(&form);
        racing.spawn(async move { Reply::of(request.send().await.expect("answered")).await });
    }

    let replies = racing.join_all().await;

    assert_eq!(won(&replies, 200), 1);
    assert!(
        replies
            .iter()
            .filter(|reply| reply.status != 200)
            .all(|reply| { reply.outcome() == "400 invalid_dpop_proof" })
    );
}

#[tokio::test]
async fn a_code_is_redeemed_once_and_its_replay_revokes_what_it_gave() {
    let bank = Bank::start().await;
    let other = Node::beside(&bank.app).await;
    let code = bank.code(&[]).await;
    let (here, there) = (bank.app.at("/token"), other.at(bank.app.at("/token").as_str()));
    let mut racing = tokio::task::JoinSet::new();
    for number in 0..TRIES {
        let (assertion, proof) = (bank.assertion(&json!({})), bank.proof("/token"));
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let form = [form.to_vec(), proven(&assertion).to_vec()].concat();
        let to = if number % 2 == 0 { here.clone() } else { there.clone() };
        let request = client().post(to).header("DPoP", proof).form(&form);
        racing.spawn(async move { Reply::of(request.send().await.expect("answered")).await });
    }

    let replies = racing.join_all().await;

    assert_eq!(won(&replies, 200), 1);
    let tokens = replies.iter().find(|reply| reply.status == 200).expect("one");
    assert_eq!(
        bank.userinfo("DPoP", &tokens.text("access_token")).await.status,
        401,
        "no revocation is lost"
    );
}

#[tokio::test]
async fn a_pushed_request_is_answered_once() {
    let bank = Bank::start().await;
    let other = Node::beside(&bank.app).await;
    bank.code(&[]).await; // the browser is signed in from here on
    let pushed = bank.push(&[]).await;
    let mut url = bank.app.at("/authorize");
    url.query_pairs_mut().extend_pairs([("client_id", CLIENT), ("request_uri", &pushed)]);
    let there = other.at(url.as_str());
    let mut racing = tokio::task::JoinSet::new();
    for number in 0..TRIES {
        let (browser, to) = (bank.browser.clone(), if number % 2 == 0 { url.clone() } else { there.clone() });
        racing.spawn(async move { browser.get(to).await });
    }

    let pages = racing.join_all().await;

    assert!(pages.iter().all(|page| page.status.as_u16() < 500));
    let answers: Vec<Url> =
        pages.iter().filter_map(Page::location).filter(|to| to.as_str().contains("code=ogac_")).collect();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(!parameter(&answers[0], "code").is_empty());
}
