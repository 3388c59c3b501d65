//! What bad input gets: a clear, bounded error, and nothing else.

use orgate_tests::app::{App, CALLBACK, CHALLENGE};

#[tokio::test]
async fn before_client_and_redirect_uri_are_proven_nothing_is_redirected() {
    let app = App::start().await;
    let attempts: [&[(&str, &str)]; 8] = [
        &[("client_id", "")],
        &[("client_id", "nobody")],
        &[("redirect_uri", "")],
        &[("redirect_uri", "http://localhost:9/callback/")],
        &[("redirect_uri", "http://localhost:9/CALLBACK")],
        &[("redirect_uri", "http://localhost:9/callback?x=1")],
        &[("redirect_uri", "http://127.0.0.1:9/callback")],
        &[("redirect_uri", "javascript:alert(1)")],
    ];
    for changes in attempts {
        let page = app.browser().authorize(changes).await;
        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{changes:?}");
        assert!(page.body.contains("req_"), "the page carries a request id");
    }
    let events = app.events("operator").await;
    assert!(events.contains(&"authorization.refused refused unknown_client".to_owned()), "{events:?}");
}

#[tokio::test]
async fn what_is_wrong_with_a_proven_request_is_told_to_the_client() {
    let app = App::start().await;
    let long = "s".repeat(3000);
    let attempts: [(&[(&str, &str)], &str); 10] = [
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge_method", "")], "invalid_request"),
        (&[("prompt", "none login")], "invalid_request"),
        (&[("max_age", "-1")], "invalid_request"),
        (&[("request", "x")], "invalid_request_object"),
        (&[("request_uri", "https://x.test/")], "request_uri_not_supported"),
        (&[("id_token_hint", "nonsense")], "invalid_request"),
    ];
    for (changes, error) in attempts {
        let page = app.browser().authorize(changes).await;
        assert_eq!(page.answer("error"), error, "{changes:?}");
        assert_eq!(page.answer("state"), "the-state");
    }
    let page = app.browser().authorize(&[("state", &long)]).await;
    assert_eq!(page.answer("error"), "invalid_request");
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused() {
    let app = App::start().await;
    let url = orgate_tests::app::authorization_url(&app.base, &[("organization", "acme")]);

    let twice = app.browser().get(format!("{url}&organization=globex")).await;
    let client = app.browser().get(format!("{url}&client_id=notes")).await;

    assert_eq!(twice.answer("error"), "invalid_request");
    assert_eq!(client.status, 400);
}

#[tokio::test]
async fn oversized_and_malformed_bodies_are_bounded_errors() {
    let app = App::start().await;
    let http = reqwest::Client::builder().build().expect("a client");
    let form = "application/x-www-form-urlencoded";
    let post = |path: &str, media: &'static str, body: String| {
        http.post(app.at(path)).header("content-type", media).body(body).send()
    };

    let huge = post("/token", form, "a=".to_owned() + &"x".repeat(70_000)).await.expect("answered");
    let json = post("/token", "application/json", "{}".to_owned()).await.expect("answered");
    let bytes = post("/token", form, "a=%ff%00".to_owned()).await.expect("answered");
    let page = post("/sign-in", form, "a=".to_owned() + &"x".repeat(70_000)).await.expect("answered");
    let get = http.get(app.at("/token")).send().await.expect("answered");

    assert_eq!(huge.status(), 413);
    assert_eq!(json.status(), 415);
    assert_eq!(bytes.status(), 400);
    assert_eq!(page.status(), 413);
    assert_eq!(get.status(), 405);
    assert!(huge.text().await.expect("text").len() < 1000);
}

#[tokio::test]
async fn a_post_to_the_authorization_endpoint_is_the_same_request() {
    let app = App::start().await;
    let browser = app.browser();
    let form = [
        ("client_id", "notes"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("organization", "acme"),
    ];

    let page = browser.follow(browser.post("/authorize", &form).await).await;

    assert!(page.body.contains("Sign in to <bdi>Acme Inc</bdi>"));
}

#[tokio::test]
async fn no_header_of_a_request_reaches_an_issuer_or_a_link() {
    let app = App::start().await;
    let http = reqwest::Client::builder().build().expect("a client");

    let answer = http
        .get(app.at("/.well-known/openid-configuration"))
        .header("host", "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("x-forwarded-proto", "https")
        .send()
        .await
        .expect("answered");

    assert!(!answer.text().await.expect("text").contains("evil"));
}

#[tokio::test]
async fn pages_cannot_be_framed_kept_or_scripted() {
    let app = App::start().await;
    let browser = app.browser();

    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;

    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("form-action 'self' http://localhost:9;"), "{policy}");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert!(!page.body.contains("<script") && !page.body.contains("style=\""));
}
