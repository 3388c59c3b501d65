//! Codes and refresh tokens: bound, single-use, and dead when what they stand for is.

use chrono::Duration;
use orgate_tests::app::{App, CALLBACK, PASSWORD, SECRET, VERIFIER};
use serde_json::json;

#[tokio::test]
async fn a_replayed_code_is_refused_and_revokes_what_it_granted() {
    let app = App::start().await;
    let code = app.browser().sign_in_to("acme", "ada@acme.test").await;
    let tokens = app.redeem(&code).await;
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 200);

    let replay = app.redeem(&code).await;

    assert_eq!(replay.outcome(), "400 invalid_grant");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    assert!(app.events("acme").await.contains(&"code.replayed refused already_redeemed".to_owned()));
}

#[tokio::test]
async fn eight_redemptions_at_once_give_one_set_of_tokens_and_the_family_dies() {
    let app = App::start().await;
    let code = app.browser().sign_in_to("acme", "ada@acme.test").await;

    let two = || async { tokio::join!(app.redeem(&code), app.redeem(&code)) };
    let four = || async { tokio::join!(two(), two()) };
    let (((a, b), (c, d)), (last, others)) = {
        let (first, (last, others)) = tokio::join!(four(), four());
        (first, (last, others))
    };
    let replies = [a, b, c, d, last.0, last.1, others.0, others.1];
    let granted: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert_eq!(granted.len(), 1);
    assert!(
        replies
            .iter()
            .filter(|reply| reply.status != 200)
            .all(|reply| reply.outcome() == "400 invalid_grant")
    );
    assert_eq!(app.refresh(&granted[0].text("refresh_token")).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn a_code_is_bound_to_client_redirect_uri_and_verifier_and_to_its_minute() {
    let app = App::start().await;
    let form = |code: &str, redirect_uri: &str, verifier: &str| {
        [
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
            ("code_verifier", verifier.to_owned()),
        ]
    };
    let wrong = "a".repeat(43);
    let attempts = [
        ("granted", CALLBACK, VERIFIER, "the code was not issued for this request"),
        ("notes", "http://localhost:9/other", VERIFIER, "the code was not issued for this request"),
        ("notes", CALLBACK, wrong.as_str(), "code_verifier does not match"),
    ];
    for (client_id, redirect_uri, verifier, says) in attempts {
        let code = app.browser().sign_in_to("acme", "ada@acme.test").await;
        let form = form(&code, redirect_uri, verifier);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();

        let reply = app.token_as(client_id, SECRET, &form).await;

        assert_eq!(reply.outcome(), "400 invalid_grant");
        assert_eq!(reply.text("error_description"), says);
        assert_eq!(app.redeem(&code).await.status, 200, "a refusal spends nothing");
    }
    let code = app.browser().sign_in_to("acme", "ada@acme.test").await;
    app.clock.advance(Duration::seconds(61));
    assert_eq!(app.redeem(&code).await.text("error_description"), "the code has expired");
}

#[tokio::test]
async fn made_up_codes_are_refused_before_any_query_and_a_flood_is_folded() {
    let app = App::start().await;
    let real = app.browser().sign_in_to("acme", "ada@acme.test").await;
    let forged = {
        use orgate_domain::credentials::{AuthorizationCode, Credential};
        let org = app.org("acme").await.org_id();
        move |byte: u8| Credential::<AuthorizationCode>::new(org, &[byte; 32]).reveal().to_owned()
    };

    for byte in 0..20 {
        assert_eq!(app.redeem(&forged(byte)).await.outcome(), "400 invalid_grant");
    }
    assert_eq!(app.redeem("ogac_nonsense").await.outcome(), "400 invalid_grant");
    assert_eq!(app.redeem(&real.replace("ogac", "ogrt")).await.outcome(), "400 invalid_grant");

    let events = app.events("acme").await;
    let refused = events.iter().filter(|event| event.as_str() == "code.refused refused unknown_code").count();
    assert_eq!(refused, 1, "twenty forgeries are one row");
}

#[tokio::test]
async fn a_refresh_token_rotates_and_its_reuse_kills_the_family() {
    let app = App::start().await;
    let first = app.sign_in("acme", "ada@acme.test").await.text("refresh_token");
    let second = app.refresh(&first).await;
    assert_eq!(second.status, 200);
    assert_eq!(second.claims("access_token")["org_name"], json!("acme"));
    let third = app.refresh(&second.text("refresh_token")).await;
    assert_eq!(third.status, 200);

    let reuse = app.refresh(&first).await;

    assert_eq!(reuse.outcome(), "400 invalid_grant");
    assert_eq!(app.refresh(&third.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&third.text("access_token")).await.status, 401);
    assert!(app.events("acme").await.contains(&"refresh_token.reused refused family_revoked".to_owned()));
}

#[tokio::test]
async fn a_lost_answer_gives_the_same_successor_until_it_is_used_or_the_window_closes() {
    let app = App::start().await;
    let first = app.sign_in("acme", "ada@acme.test").await.text("refresh_token");

    let (a, b, c, d) =
        tokio::join!(app.refresh(&first), app.refresh(&first), app.refresh(&first), app.refresh(&first));

    let successor = a.text("refresh_token");
    for reply in [&a, &b, &c, &d] {
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        assert_eq!(reply.text("refresh_token"), successor);
    }
    app.clock.advance(Duration::seconds(31));
    assert_eq!(app.refresh(&first).await.outcome(), "400 invalid_grant", "the window is closed");
    assert_eq!(app.refresh(&successor).await.outcome(), "400 invalid_grant", "and that was reuse");
}

#[tokio::test]
async fn a_refresh_token_is_bound_to_its_client_and_never_widens() {
    let app = App::start().await;
    let token = app.sign_in("acme", "ada@acme.test").await.text("refresh_token");
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];

    let foreign = app.token_as("granted", SECRET, &form).await;
    let wider = app
        .token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "openid admin")])
        .await;
    let narrower =
        app.token(&[("grant_type", "refresh_token"), ("refresh_token", &token), ("scope", "openid")]).await;

    assert_eq!(foreign.outcome(), "400 invalid_grant");
    assert_eq!(wider.outcome(), "400 invalid_scope");
    assert_eq!(narrower.claims("access_token")["scope"], json!("openid"));
    assert!(narrower.claims("id_token").get("email").is_none());
}

#[tokio::test]
async fn a_client_must_prove_itself() {
    let app = App::start().await;
    let code = app.browser().sign_in_to("acme", "ada@acme.test").await;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];

    let wrong = app.token_as("notes", "wrong", &form).await;
    let unknown = app.token_as("nobody", SECRET, &form).await;
    let public = app.token_as("public", "any", &form).await;

    for reply in [&wrong, &unknown, &public] {
        assert_eq!(reply.outcome(), "401 invalid_client");
        assert!(reply.headers["www-authenticate"].to_str().expect("text").starts_with("Basic"));
    }
    assert_eq!(app.redeem(&code).await.status, 200);
}

/// Removal is immediate: what is suspended, deactivated or disabled gets no token, neither for a
/// code nor for a refresh token that was issued before.
#[tokio::test]
async fn what_no_longer_stands_gets_nothing() {
    let suspended = SUSPENDED;
    let deactivated = DEACTIVATED;
    let disabled = DISABLED;
    for (change, event) in [
        (suspended, "code.refused refused organization_inactive"),
        (deactivated, "refresh_token.refused refused revoked"),
        (disabled, "client.refused refused client_disabled"),
    ] {
        let app = App::start().await;
        let browser = app.browser();
        let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
        let code = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await.answer("code");

        app.apply(change).await;

        assert_ne!(app.redeem(&code).await.status, 200, "{change}");
        assert_ne!(app.refresh(&tokens.text("refresh_token")).await.status, 200, "{change}");
        assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401, "{change}");
        let again = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
        assert!(!again.location().is_some_and(|to| to.as_str().contains("code=")), "{change}");
        let fresh = app.browser();
        let page = fresh.authorize(&[("organization", "acme")]).await;
        if change == DEACTIVATED {
            assert_eq!(fresh.sign_in(page, "ada@acme.test", PASSWORD).await.status, 422);
        } else {
            assert_eq!(page.status, 403, "{change}");
        }
        let events = [app.events("acme").await, app.events("operator").await].concat();
        assert!(events.iter().any(|seen| seen.starts_with(event)), "{event} in {events:?}");
    }
}

const SUSPENDED: &str = "organizations: [{ slug: acme, name: Acme Inc, status: suspended }]";
const DEACTIVATED: &str = "
organizations:
  - slug: acme
    name: Acme Inc
    users: [{ email: ada@acme.test, name: Ada Adler, status: deactivated, roles: [admin] }]";
const DISABLED: &str = "
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    status: disabled
    client_secret: \"${SECRET}\"
    redirect_uris: [\"http://localhost:9/callback\"]";
