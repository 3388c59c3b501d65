//! Clients that nobody registered, known by the document at their `client_id`: where an organization says so, and with a
//! person's consent each time.

use orgate_tests::app::{App, Browser, CALLBACK, CHALLENGE, PASSWORD, Page, VERIFIER};
use orgate_tests::client_document::ClientDocument as Document;
use serde_json::{Value, json};

const ADA: &str = "ada@acme.test";

async fn app() -> (App, Document) {
    let app = App::start_with(|settings| settings.outgoing.allow_private_addresses = true).await;
    policy(&app, "operator", "allowed").await;
    policy(&app, "acme", "allowed").await;
    (app, Document::start().await)
}

async fn policy(app: &App, organization: &str, allowance: &str) {
    app.apply(&format!(
        "organizations:\n  - {{ slug: {organization}, name: Named, policy: {{ client_id_metadata: {allowance} }} }}\n"
    ))
    .await;
}

async fn begin(browser: &Browser, document: &Document, changes: &[(&str, &str)]) -> Page {
    let usual = [("client_id", document.url.as_str()), ("organization", "acme")];
    browser.authorize(&[&usual[..], changes].concat()).await
}

async fn allow(browser: &Browser, page: Page) -> Page {
    let page = browser.follow(page).await;
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    browser.post("/consent", &[("request", &request), ("csrf", &csrf), ("answer", "allow")]).await
}

#[tokio::test]
async fn a_client_that_nobody_registered_signs_people_in_with_their_consent_each_time() {
    let (app, document) = app().await;
    let browser = app.browser();

    let page = begin(&browser, &document, &[]).await;
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    assert_eq!(page.leads_to(), "/consent", "{}", page.body);
    let shown = browser.follow(page).await;
    assert!(
        shown.body.contains("Nobody registered it here") && shown.body.contains("Agent"),
        "{}",
        shown.body
    );
    let page = begin(&browser, &document, &[]).await;
    let code = allow(&browser, page).await.answer("code");
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", &*document.url),
    ];
    let tokens = app.post("/token", &form).await;
    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    let claims = tokens.claims("access_token");
    assert_eq!((&claims["client_id"], &claims["aud"]), (&json!(document.url), &json!(document.url)));

    assert_eq!(begin(&browser, &document, &[]).await.leads_to(), "/consent", "each time");
    let silent = begin(&browser, &document, &[("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "consent_required");
    assert_eq!(document.asked(), 1, "and fetched once in a while");
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*tokens.text("refresh_token")),
        ("client_id", &*document.url),
    ];
    assert_eq!(app.post("/token", &form).await.status, 200);

    policy(&app, "acme", "forbidden").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*tokens.text("refresh_token")),
        ("client_id", &*document.url),
    ];
    assert_eq!(app.post("/token", &form).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&tokens.text("access_token")).await.status, 401);
}

#[tokio::test]
async fn an_organization_that_has_not_said_so_is_as_one_that_is_not_there() {
    let (app, document) = app().await;
    let browser = app.browser();

    let page = begin(&browser, &document, &[("organization", "globex")]).await;
    let silent = begin(&browser, &document, &[("organization", "globex"), ("prompt", "none")]).await;

    assert_eq!(page.status, 403);
    assert!(page.body.contains("organization_unavailable") && !page.body.contains("Globex"), "{}", page.body);
    assert_eq!(silent.answer("error"), "access_denied");
}

/// No stranger makes the server fetch anything where nobody wants such clients.
#[tokio::test]
async fn nothing_is_fetched_unless_the_operator_allows_it() {
    let (app, document) = app().await;
    policy(&app, "operator", "forbidden").await;

    let page = begin(&app.browser(), &document, &[]).await;
    let form = [("client_id", &*document.url), ("response_type", "code"), ("redirect_uri", CALLBACK)];
    let pushed = app.post("/par", &form).await;

    assert_eq!(page.status, 400);
    assert!(page.body.contains("invalid_client"), "{}", page.body);
    assert_eq!(pushed.outcome(), "401 invalid_client");
    assert_eq!(document.asked(), 0);
}

#[tokio::test]
async fn a_document_that_is_not_its_own_makes_no_client() {
    let (app, document) = app().await;
    let with = |name: &str, value: Value| {
        let mut body = document.usual();
        body[name] = value;
        body.to_string()
    };
    for (status, body) in [
        (200, with("client_id", json!("http://localhost/other.json"))),
        (200, with("client_secret", json!("public"))),
        (200, with("token_endpoint_auth_method", json!("client_secret_post"))),
        (200, with("redirect_uris", json!(["https://agent.example.test/cb"]))), // not the one that is asked for
        (200, with("padding", json!("x".repeat(11_000)))),
        (200, "<html>".to_owned()),
        (404, document.usual().to_string()),
        (302, document.usual().to_string()),
    ] {
        document.answer(status, &body);

        let page = begin(&app.browser(), &document, &[]).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{status} {body}");
        app.env.client_documents.forget();
    }
    document.say(&document.usual());
    assert_eq!(
        begin(&app.browser(), &document, &[]).await.leads_to(),
        "/sign-in",
        "a failure is not remembered"
    );
}

#[tokio::test]
async fn what_the_document_says_counts_where_a_sign_in_begins() {
    let (app, document) = app().await;
    assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
    let mut moved = document.usual();
    moved["redirect_uris"] = json!(["https://agent.example.test/cb"]);
    moved["application_type"] = json!("web");
    document.say(&moved);
    app.env.client_documents.forget();

    let before = begin(&app.browser(), &document, &[]).await;
    let after = begin(&app.browser(), &document, &[("redirect_uri", "https://agent.example.test/cb")]).await;

    assert_eq!(before.status, 400, "{}", before.body);
    assert_eq!(after.leads_to(), "/sign-in");
    let configured = app.events("operator").await;
    assert!(configured.iter().filter(|event| *event == "client.configured success").count() >= 2);
}

#[tokio::test]
async fn a_client_may_push_before_anybody_has_seen_it() {
    let (app, document) = app().await;
    let form = [
        ("client_id", &*document.url),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("organization", "acme"),
    ];

    let pushed = app.post("/par", &form).await;

    assert_eq!(pushed.status, 201, "{:?}", pushed.body);
    let request_uri = pushed.text("request_uri");
    let url = format!(
        "/authorize?{}",
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &document.url)
            .append_pair("request_uri", &request_uri)
            .finish()
    );
    assert_eq!(app.browser().get(url).await.leads_to(), "/sign-in");
}
