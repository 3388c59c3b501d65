//! Attacks that the rest of the suite has no better place for.

use orgate_domain::credentials::{AuthorizationCode, Credential, CredentialKind, RefreshToken, base32};
use orgate_domain::ids::OrgId;
use orgate_tests::app::{App, CALLBACK, PASSWORD, SECRET, VERIFIER};

/// A credential of another organization, given this one's label and a checksum that fits.
pub(crate) fn relabelled<K: CredentialKind>(text: &str, org_id: OrgId) -> String {
    let (prefix, body) = text.split_once('_').expect("a credential");
    let secret = &body[26..body.len() - 7];
    let signed = format!("{prefix}_{}{secret}", base32::encode_u128(org_id.as_uuid().as_u128()));
    let checksum = base32::encode(&crc32fast::hash(signed.as_bytes()).to_be_bytes());
    let text = format!("{signed}{checksum}");
    assert!(Credential::<K>::parse(&text).is_ok(), "the label is well made");
    text
}

#[tokio::test]
async fn a_credential_relabelled_for_another_organization_is_unknown_there() {
    let app = App::start().await;
    let globex = app.org("globex").await.org_id();
    let browser = app.browser();
    let code = browser.sign_in_to("acme", "ada@acme.test").await;

    let moved = app.redeem(&relabelled::<AuthorizationCode>(&code, globex)).await;
    let tokens = app.redeem(&code).await;
    let refreshed = app.refresh(&relabelled::<RefreshToken>(&tokens.text("refresh_token"), globex)).await;

    assert_eq!(moved.outcome(), "400 invalid_grant");
    assert_eq!(refreshed.outcome(), "400 invalid_grant");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 200, "and nothing happened to it");
    let events = app.events("globex").await;
    for event in ["code.refused refused unknown_code", "refresh_token.refused refused unknown_token"] {
        assert!(events.iter().any(|seen| seen == event), "{event}: {events:?}");
    }
}

#[tokio::test]
async fn forged_credentials_of_organizations_that_do_not_exist_drive_out_no_record() {
    let app = App::start().await;
    for n in 0..200_u128 {
        let nowhere = OrgId::from_uuid(uuid::Uuid::from_u128(n));
        let forged = Credential::<RefreshToken>::new(nowhere, &[7; 32]);
        assert_eq!(app.refresh(forged.reveal()).await.outcome(), "400 invalid_grant");
    }

    let forged = Credential::<RefreshToken>::new(app.org("acme").await.org_id(), &[7; 32]);
    for _ in 0..3 {
        app.refresh(forged.reveal()).await;
    }
    app.clock.advance(chrono::Duration::minutes(2));
    app.env.refusals.flush(&app.env).await.expect("flushed");

    let events = app.events("acme").await;
    let seen = events.iter().filter(|event| event.as_str() == "refresh_token.refused refused unknown_token");
    assert_eq!(seen.count(), 2, "one at once, and one that says how many followed: {events:?}");
}

#[tokio::test]
async fn a_disabled_client_has_nobody_asked_for_a_password_and_sends_nobody_on() {
    let app = App::start().await;
    let (browser, stranger) = (app.browser(), app.browser());
    let hint = {
        let code = browser.sign_in_to("acme", "ada@acme.test").await;
        app.redeem(&code).await.text("id_token")
    };
    app.apply(
        "clients: [{ client_id: notes, organization: operator, name: Notes, type: web, audience: all, status: disabled, \
         redirect_uris: [\"http://localhost:9/callback\"], post_logout_redirect_uris: [\"http://localhost:9/\"] }]",
    )
    .await;

    let page = stranger.authorize(&[("client_id", "notes"), ("organization", "acme")]).await;
    assert_eq!((page.status.as_u16(), page.location()), (403, None), "{}", page.body);
    assert!(page.body.contains("client_disabled"), "{}", page.body);
    let silent =
        stranger.authorize(&[("client_id", "notes"), ("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!((silent.status.as_u16(), silent.location()), (403, None), "{}", silent.body);
    let left = "http://localhost:9/";
    let page = browser.get(format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={left}")).await;
    assert_eq!(page.location(), None, "{}", page.body);
}

#[tokio::test]
async fn whoever_is_expected_by_an_id_token_hint_and_nobody_else_signs_in() {
    let app = App::start().await;
    let hint = app.sign_in("acme", "ada@acme.test").await.text("id_token");
    let browser = app.browser();

    let page = browser.authorize(&[("id_token_hint", &hint)]).await;
    let other = browser.sign_in(page, "vic@acme.test", PASSWORD).await;
    let page = browser.authorize(&[("id_token_hint", &hint)]).await;
    let expected = browser.sign_in(page, "ada@acme.test", PASSWORD).await;

    assert_eq!(other.answer("error"), "login_required");
    assert!(!expected.answer("code").is_empty());
    let vics = app.browser();
    vics.sign_in_to("acme", "vic@acme.test").await;
    let silent = vics.authorize(&[("id_token_hint", &hint), ("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "login_required");
}

#[tokio::test]
async fn an_address_is_not_answered_in_the_session_of_another() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;

    let own = browser.authorize(&[("login_hint", "Ada@acme.test")]).await;
    let other = browser.authorize(&[("login_hint", "vic@acme.test")]).await;

    assert!(!own.answer("code").is_empty());
    assert_eq!(other.leads_to(), "/sign-in");
}

#[tokio::test]
async fn a_hint_does_not_tell_who_else_is_a_customer() {
    let app = App::start().await;
    let hinted = |hint: &'static str| {
        let browser = app.browser();
        async move { browser.authorize(&[("client_id", "granted"), ("login_hint", hint)]).await.leads_to() }
    };

    assert_eq!(hinted("someone@globex.test").await, "/discover", "globex may not use this client");
    assert_eq!(hinted("someone@nowhere.test").await, "/discover");
    assert_eq!(hinted("someone@acme.test").await, "/sign-in");
}

#[tokio::test]
async fn a_stranger_of_a_verified_domain_is_no_member() {
    let app = App::start().await;
    let browser = app.browser();

    let page = browser.authorize(&[("login_hint", "stranger@acme.test")]).await;
    let refused = browser.sign_in(page, "stranger@acme.test", PASSWORD).await;

    assert_eq!(refused.status, 422);
    assert!(refused.cookies().iter().all(|cookie| !cookie.starts_with("orgate_session_")));
}

#[tokio::test]
async fn access_that_is_withdrawn_ends_what_was_granted_by_it() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("client_id", "granted"), ("organization", "acme")]).await;
    let code = browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let tokens = app.token_as("granted", SECRET, &form).await;
    let again = browser.authorize(&[("client_id", "granted"), ("organization", "acme")]).await.answer("code");

    let withdrawn = orgate_tests::app::SAMPLES.replace("granted_to: [acme]", "granted_to: []");
    app.apply(&withdrawn).await;

    let form = [("grant_type", "refresh_token"), ("refresh_token", &tokens.text("refresh_token"))];
    assert_eq!(app.token_as("granted", SECRET, &form).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
    let form = [
        ("grant_type", "authorization_code"),
        ("code", again.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(app.token_as("granted", SECRET, &form).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn a_token_of_one_kind_is_none_of_another() {
    let app = App::start().await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;

    let as_access_token = app.userinfo(&tokens.text("id_token")).await;
    let as_hint = app.browser().authorize(&[("id_token_hint", &tokens.text("access_token"))]).await;

    assert_eq!(as_access_token.status, 401);
    assert_eq!(as_hint.answer("error"), "invalid_request");
}

#[tokio::test]
async fn failing_in_someones_name_from_everywhere_does_not_keep_out_their_own_browser() {
    let app = App::start_with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { lockout_attempts: 1 } }]").await;
    let (own, fresh) = (app.browser(), app.browser());
    own.sign_in_to("acme", "ada@acme.test").await;
    for n in 1..=10 {
        let elsewhere = app.browser_behind(&format!("203.0.113.{n}"));
        let page = elsewhere.authorize(&[("organization", "acme")]).await;
        assert_eq!(elsewhere.sign_in(page, "ada@acme.test", "guess").await.status, 422);
    }

    let page = fresh.authorize(&[("organization", "acme")]).await;
    let stopped = fresh.sign_in(page, "ada@acme.test", PASSWORD).await;
    let page = own.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    let admitted = own.sign_in(page, "ada@acme.test", PASSWORD).await;

    assert_eq!(stopped.status, 429);
    assert!(!admitted.answer("code").is_empty());
}

#[tokio::test]
async fn a_choice_and_a_discovery_need_the_pages_own_token() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.follow(browser.authorize(&[]).await).await;
    let request = page.field("request");

    let discovered = browser.post("/discover", &[("request", &request), ("csrf", "x"), ("q", "acme")]).await;
    let code =
        browser.post("/discover/code", &[("request", &request), ("csrf", "x"), ("code", "AAAA-AAAA")]).await;
    let chosen =
        browser.post("/choose", &[("request", &request), ("csrf", "x"), ("organization", "x")]).await;

    assert_eq!(discovered.status, 422);
    assert!(discovered.body.contains("This page had grown old"));
    assert_eq!((code.status.as_u16(), chosen.status.as_u16()), (400, 400));
}
