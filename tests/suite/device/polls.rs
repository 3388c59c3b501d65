//! What a device hears while it waits, and how often it may ask (RFC 8628 §3.5).

use orgate_tests::app::Reply;
use orgate_tests::node::Node;
use tokio::task::JoinSet;

use super::world::{app, ask, decide, token_endpoints, type_code, wait};

#[tokio::test]
async fn a_device_that_asks_too_often_waits_longer() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let mut heard = Vec::new();
    for seconds in [0, 1, 5, 15, 14, 30] {
        wait(&app, seconds);
        heard.push(device.poll(&app).await.outcome());
    }

    let (pending, slow) = ("400 authorization_pending", "400 slow_down");
    // Every 5 seconds; then 10, and 15, which 15 seconds are and 14 are within a second of.
    assert_eq!(heard, [pending, slow, slow, pending, pending, pending]);
    device.let_in(&app.browser(), "ada@acme.test").await;
    assert_eq!(device.poll(&app).await.outcome(), "400 slow_down", "who is let in waits no less");
    wait(&app, 20);
    assert_eq!(device.poll(&app).await.status, 200);
}

#[tokio::test]
async fn a_device_that_waits_too_long_has_to_ask_anew() {
    let app = app().await;
    let browser = app.browser();
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = device.sign_in(&browser, "ada@acme.test").await;

    wait(&app, 600);

    assert_eq!(device.poll(&app).await.outcome(), "400 expired_token");
    assert_eq!(type_code(&browser, &device.user_code).await.status, 422);
    let handle = question.field("request");
    assert_eq!(browser.get(format!("/device/approve?request={handle}")).await.status, 400);
    assert_eq!(decide(&browser, &question, "allow").await.status, 400);
    assert_eq!(device.poll(&app).await.outcome(), "400 expired_token");
}

#[tokio::test]
async fn who_is_let_in_at_the_last_moment_has_time_to_hear_of_it() {
    let app = app().await;
    let browser = app.browser();
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = device.sign_in(&browser, "ada@acme.test").await;
    wait(&app, 599);
    decide(&browser, &question, "allow").await;

    wait(&app, 30);

    assert_eq!(device.poll(&app).await.status, 200);
    let missed = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = browser.follow(missed.go_on(&browser).await).await;
    decide(&browser, &question, "allow").await;
    wait(&app, 601);
    assert_eq!(missed.poll(&app).await.outcome(), "400 expired_token");
}

#[tokio::test]
async fn of_fifty_polls_at_two_nodes_one_wins_and_keeps_what_it_won() {
    let app = app().await;
    let other = Node::beside(&app).await;
    let endpoints = token_endpoints(&app, &other);
    for _ in 0..3 {
        let device = ask(&app, "tv", &[("organization", "acme")]).await;
        device.let_in(&app.browser(), "ada@acme.test").await;

        let mut polls = JoinSet::new();
        for n in 0..50 {
            let (device, endpoint) = (device.clone(), endpoints[n % 2].clone());
            polls.spawn(async move { device.poll_at(endpoint).await });
        }
        let replies = polls.join_all().await;

        let won: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(won.len(), 1);
        let lost = replies.iter().filter(|reply| reply.outcome() == "400 slow_down").count();
        assert_eq!(lost, 49, "who asks at the same time is no thief");
        let refresh_token = won[0].text("refresh_token");
        let form = [("client_id", "tv"), ("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
        assert_eq!(app.post("/token", &form).await.status, 200);
    }
}

#[tokio::test]
async fn who_asks_again_after_the_tokens_were_given_revokes_them() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    device.let_in(&app.browser(), "ada@acme.test").await;
    let tokens = device.poll(&app).await;
    assert_eq!(tokens.status, 200);

    wait(&app, 5);
    let again = device.poll(&app).await;

    assert_eq!(again.outcome(), "400 invalid_grant");
    assert_eq!(again.text("error_description"), "the code was already used");
    let refresh_token = tokens.text("refresh_token");
    let form = [("client_id", "tv"), ("grant_type", "refresh_token"), ("refresh_token", &*refresh_token)];
    assert_eq!(app.post("/token", &form).await.outcome(), "400 invalid_grant");
    assert!(app.events("acme").await.contains(&"code.replayed refused already_redeemed".to_owned()));
}
