//! One address, or one organization, that asks for too much stops itself and nobody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use orgate_tests::app::{App, Browser, PASSWORD, Page, client};

const REFRESH: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "none")];

async fn app_with(credentials_per_minute: u32, trusted_proxies: &[&str]) -> App {
    App::start_with(|settings| {
        settings.limits.credentials_per_minute = credentials_per_minute;
        settings.server.trusted_proxies =
            trusted_proxies.iter().map(|network| network.parse().expect("a network")).collect();
    })
    .await
}

async fn guess(browser: &Browser) -> Page {
    let page = browser.authorize(&[("organization", "acme")]).await;
    browser.sign_in(page, "eve@acme.test", "guess").await
}

/// The seconds that a refusal asks to wait.
fn retry_after(headers: &reqwest::header::HeaderMap) -> u64 {
    headers["retry-after"].to_str().expect("text").parse().expect("seconds")
}

#[tokio::test]
async fn an_address_that_tries_too_many_credentials_waits_and_everything_else_goes_on() {
    let app = app_with(3, &[]).await;
    let tokens = app.sign_in("acme", "vic@acme.test").await;
    for _ in 0..2 {
        assert_eq!(guess(&app.browser()).await.status, 422);
    }

    let browser = app.browser();
    let page = browser.authorize(&[("organization", "globex")]).await;
    let stopped = browser.sign_in(page, "gus@globex.test", PASSWORD).await;

    assert_eq!(stopped.status, 429, "in another organization too: {}", stopped.body);
    assert!((1..=60).contains(&retry_after(&stopped.headers)));
    assert!(stopped.body.contains("That was a little too fast"), "{}", stopped.body);
    let question = browser.follow(browser.authorize(&[]).await).await;
    let (request, csrf) = (question.field("request"), question.field("csrf"));
    let fields = [("request", request.as_str()), ("csrf", &csrf), ("q", "casey@consult.test")];
    assert_eq!(browser.post("/discover", &fields).await.status, 429, "a mail counts as a credential");
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 200);
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 200);
    assert_eq!(app.get("/jwks.json").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_page_is_limited_by_itself() {
    let app = App::start_with(|settings| settings.limits.pages_per_minute = 2).await;
    for _ in 0..2 {
        assert_eq!(app.browser().authorize(&[("organization", "acme")]).await.leads_to(), "/sign-in");
    }

    let stopped = app.browser().authorize(&[("organization", "acme")]).await;

    assert_eq!((stopped.status.as_u16(), stopped.location()), (429, None));
    assert!((1..=60).contains(&retry_after(&stopped.headers)));
    assert_eq!(app.token(&REFRESH).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn a_client_that_fails_too_often_waits_and_one_that_does_not_goes_on() {
    let app = App::start_with(|settings| settings.limits.refusals_per_minute = 2).await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    for client_id in ["notes", "nobody"] {
        assert_eq!(app.token_as(client_id, "wrong", &REFRESH).await.outcome(), "401 invalid_client");
    }

    let stopped = app.token_as("granted", "wrong", &REFRESH).await;

    assert_eq!(stopped.outcome(), "429 temporarily_unavailable");
    assert!((1..=60).contains(&retry_after(&stopped.headers)));
    assert_eq!(
        app.refresh(&tokens.text("refresh_token")).await.status,
        200,
        "who proves itself is not counted"
    );
}

/// Anyone can write a token that does not verify, and none is looked at for free.
#[tokio::test]
async fn an_address_that_presents_too_many_forged_tokens_waits_and_what_verifies_is_answered() {
    let app = App::start_with(|settings| settings.limits.refusals_per_minute = 2).await;
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let acme = app.org("acme").await.org_id();
    for forged in ["nonsense", "a.b.c"] {
        assert_eq!(app.userinfo(forged).await.status, 401);
    }

    let stopped = app.userinfo(&format!("{token}x")).await;

    assert_eq!(stopped.outcome(), "429 temporarily_unavailable");
    assert!((1..=60).contains(&retry_after(&stopped.headers)));
    let request = client().get(app.at(&format!("/o/{acme}/userinfo"))).bearer_auth("nonsense");
    assert_eq!(request.send().await.expect("answered").status(), 429, "at organizations' issuers, too");
    assert_eq!(app.userinfo(&token).await.status, 200);
}

/// Keys that are at hand are given to anyone; to read them takes its time.
#[tokio::test]
async fn an_address_that_has_many_organizations_keys_read_waits() {
    let app = App::start_with(|settings| settings.limits.pages_per_minute = 1).await;
    let mut statuses = Vec::new();
    for organization in ["acme", "acme", "globex", "acme"] {
        let path = format!("/o/{}/jwks.json", app.org(organization).await.org_id());
        statuses.push(app.get(&path).await.status);
    }

    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(app.get("/jwks.json").await.status, 200);
}

#[tokio::test]
async fn what_a_client_says_of_its_address_is_not_believed() {
    let app = app_with(1, &[]).await;

    let first = guess(&app.browser_behind("198.51.100.1")).await;
    let second = guess(&app.browser_behind("198.51.100.2")).await;

    assert_eq!((first.status.as_u16(), second.status.as_u16()), (422, 429));
    assert_eq!(addresses(&app).await, ["127.0.0.1"]);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_address_is_its_own_and_only_the_proxys_word_counts() {
    let app = app_with(1, &["127.0.0.0/8", "::1/128"]).await;

    let first = guess(&app.browser_behind("198.51.100.1")).await;
    let second = guess(&app.browser_behind("198.51.100.2")).await;
    let disguised = guess(&app.browser_behind("203.0.113.7, 198.51.100.1")).await;

    assert_eq!((first.status.as_u16(), second.status.as_u16()), (422, 422));
    assert_eq!(disguised.status, 429, "what stands to the left was written by the client");
    assert_eq!(addresses(&app).await, ["198.51.100.1", "198.51.100.2"]);
}

/// From where, by the log, sign-ins were tried.
async fn addresses(app: &App) -> Vec<String> {
    let tried = "select distinct host(address) as address from audit_events where action = 'sign_in.failed' order by 1";
    sqlx::query_scalar(tried).fetch_all(app.database.superuser()).await.expect("the log can be read")
}

#[tokio::test]
async fn many_accounts_tried_from_many_addresses_stop_at_their_organization() {
    let app = App::start_with(|settings| {
        settings.limits.sign_ins_per_minute = 3;
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let at_home = app.browser_behind("192.0.2.1");
    let page = at_home.authorize(&[("organization", "acme")]).await;
    assert_eq!(at_home.sign_in(page, "ada@acme.test", PASSWORD).await.status, 303);

    let mut outcomes = Vec::new();
    for n in 1..=4 {
        let spraying = app.browser_behind(&format!("198.51.100.{n}"));
        let page = spraying.authorize(&[("organization", "acme")]).await;
        let tried = spraying.sign_in(page, &format!("user-{n}@acme.test"), "Autumn2026").await;
        outcomes.push(tried.status.as_u16());
        if tried.status == 429 {
            assert!(tried.body.contains("Too many people are trying to sign in here"), "{}", tried.body);
            assert!((1..=60).contains(&retry_after(&tried.headers)));
        }
    }
    let page = at_home.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    let known = at_home.sign_in(page, "ada@acme.test", PASSWORD).await;
    let page = at_home.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    let colleague = at_home.sign_in(page, "vic@acme.test", PASSWORD).await;
    let elsewhere = app.browser_behind("198.51.100.4");
    let page = elsewhere.authorize(&[("organization", "globex")]).await;
    let globex = elsewhere.sign_in(page, "gus@globex.test", PASSWORD).await;

    assert_eq!(outcomes, [422, 422, 429, 429]);
    assert_eq!(known.status, 303, "a browser that the user has signed in with before goes on");
    assert_eq!(colleague.status, 429, "but only that user in it");
    assert_eq!(globex.status, 303, "and so does every other organization");
    let reason = "select reason from audit_events where reason = 'organization_throttled' limit 1";
    let reason: Option<String> =
        sqlx::query_scalar(reason).fetch_optional(app.database.superuser()).await.expect("the log");
    assert_eq!(reason.as_deref(), Some("organization_throttled"));
}

#[tokio::test]
async fn a_flood_of_sign_ins_at_one_organization_leaves_room_for_the_others() {
    let app = App::start_with(|settings| {
        settings.passwords.threads = 1;
        settings.passwords.queue = 4;
    })
    .await;
    let over = Arc::new(AtomicBool::new(false));
    let mut flood = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (browser, over) = (app.browser(), Arc::clone(&over));
        let page = browser.authorize(&[("organization", "acme")]).await;
        flood.spawn(async move {
            let mut turned_away = Vec::new();
            for round in 0.. {
                if over.load(Ordering::SeqCst) {
                    break;
                }
                let tried =
                    browser.sign_in(page.clone(), &format!("eve-{n}-{round}@acme.test"), "guess").await;
                match tried.status.as_u16() {
                    422 => {}
                    503 => turned_away.push(retry_after(&tried.headers)),
                    other => panic!("{other}: {}", tried.body),
                }
            }
            turned_away
        });
    }
    tokio::time::sleep(Duration::from_millis(200)).await;

    let mut others = Vec::new();
    for _ in 0..5 {
        others.push(app.sign_in("globex", "gus@globex.test").await.status);
    }

    over.store(true, Ordering::SeqCst);
    assert_eq!(others, [200; 5]);
    let turned_away = flood.join_all().await.concat();
    assert!(!turned_away.is_empty(), "the flood was one");
    assert!(turned_away.iter().all(|seconds| *seconds == 1));
}
