//! Clients that nobody registered, known by the document at their `client_id`: where an organization says so, and with a
//! person's consent each time.

use std::time::Duration;

use orgate_domain::audit::Actor;
use orgate_domain::clients::ClientStatus;
use orgate_flows::client_documents::{BOUNDS, FRESH};
use orgate_flows::client_status::change_client_status;
use orgate_storage::system::Outdated;
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

/// What was fetched is fetched again from now on.
fn lapse(app: &App) {
    app.clock.advance(chrono::Duration::from_std(FRESH).expect("short"));
    app.env.client_documents.forget();
}

async fn count(app: &App, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement).fetch_one(app.database.superuser()).await.expect("counted")
}

const DOCUMENTS: &str = "select count(*) from client_documents";

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
    assert_eq!((silent.status.as_u16(), silent.location()), (403, None));
    assert!(
        silent.body.contains("client_not_admitted") && !silent.body.contains("Globex"),
        "{}",
        silent.body
    );
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
    ] {
        document.answer(status, &body);

        let page = begin(&app.browser(), &document, &[]).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{status} {body}");
        lapse(&app);
    }
    for status in [301, 302, 303, 307, 308] {
        document.send_on(status);
        let page = begin(&app.browser(), &document, &[]).await;
        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{status}");
        lapse(&app);
    }
    assert_eq!(document.asked_elsewhere(), 0, "no redirect is followed");
    document.say(&document.usual());
    let page = begin(&app.browser(), &document, &[]).await;
    assert_eq!(
        (page.status.as_u16(), page.leads_to(), page.body),
        (303, "/sign-in".to_owned(), String::new()),
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
    lapse(&app);

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

/// Whoever serves a document says new things in it as often as they like.
#[tokio::test]
async fn a_document_that_changes_is_written_once_in_a_while_and_told_to_no_cache_but_its_own() {
    let (app, document) = app().await;
    let mut heard =
        sqlx::postgres::PgListener::connect_with(app.database.superuser()).await.expect("connected");
    heard.listen("orgate_configuration").await.expect("listening");
    let configured = async || {
        let events = app.events("operator").await;
        events.iter().filter(|event| *event == "client.configured success").count()
    };
    let before = configured().await;
    let say = |nonce: u8| {
        let mut body = document.usual();
        body["nonce"] = json!(nonce);
        document.say(&body);
    };

    for nonce in 0..4 {
        say(nonce);
        assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
        app.env.client_documents.forget(); // as if it were another node's turn
    }
    assert_eq!((document.asked(), configured().await), (1, before + 1));
    for nonce in 4..8 {
        say(nonce);
        app.clock.advance(chrono::Duration::seconds(10));
        lapse(&app);
        assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
    }
    assert_eq!(document.asked(), 5);

    policy(&app, "acme", "forbidden").await; // which everybody has to hear of
    let mut told = Vec::new();
    while let Ok(Ok(one)) = tokio::time::timeout(Duration::from_secs(5), heard.recv()).await {
        let payload = one.payload().to_owned();
        if payload.starts_with("policies:") {
            break;
        }
        told.push(payload);
    }
    assert!(
        told.len() >= 5 && told.iter().all(|payload| payload.starts_with("client_documents:")),
        "{told:?}"
    );
    assert!(told.iter().all(|payload| payload.ends_with(&document.url)), "{told:?}");
}

/// The log is not a stranger's to fill either.
#[tokio::test]
async fn documents_that_change_within_a_minute_are_one_event_and_their_number() {
    let (app, document) = app().await;
    let before = app.events("operator").await.len();

    for number in 0..4 {
        let url = document.another(&number.to_string());
        let page = begin(&app.browser(), &document, &[("client_id", &*url)]).await;
        assert_eq!(page.leads_to(), "/sign-in", "{}", page.body);
    }

    assert_eq!(app.events("operator").await.len(), before + 1);
    app.clock.advance(chrono::Duration::minutes(2));
    app.env.refusals.flush(&app.env).await.expect("flushed");
    assert_eq!(app.events("operator").await.len(), before + 2);
}

#[tokio::test]
async fn new_documents_of_one_host_or_for_one_address_are_few_a_minute() {
    let (app, document) = app().await;
    let mut statuses = Vec::new();

    for number in 0..8 {
        let url = document.another(&number.to_string());
        statuses.push(begin(&app.browser(), &document, &[("client_id", &*url)]).await.status.as_u16());
    }

    assert_eq!(statuses, [303, 303, 303, 303, 303, 429, 429, 429]);
    assert_eq!(count(&app, DOCUMENTS).await, 5);
    let known = document.another("0");
    lapse(&app);
    let page = begin(&app.browser(), &document, &[("client_id", &*known)]).await;
    assert_eq!(page.leads_to(), "/sign-in", "what is known already costs nothing");
}

#[tokio::test]
async fn a_host_takes_no_more_than_its_share_of_the_documents() {
    let (app, document) = app().await;
    assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
    let many = i32::try_from(BOUNDS.of_a_host).expect("small") - 1;
    sqlx::query(
        "with many as (
             select gen_random_uuid() as id, kept.org_id, kept.host
             from client_documents kept, generate_series(1, $1)
         ), listed as (
             insert into client_directory (org_id, id, client_id, name, audience, redirect_uris, party)
             select org_id, id, id::text, 'x', 'all', '{}', 'unregistered' from many
         ), made as (
             insert into clients (org_id, id, kind, post_logout_redirect_uris, resource, signing_algorithm, created_at, updated_at, party)
             select org_id, id, 'web', '{}', 'x', 'ES256', now(), now(), 'unregistered' from many
         )
         insert into client_documents (org_id, client_id, document_hash, fetched_at, host)
         select org_id, id, decode(replace(id::text, '-', ''), 'hex'), now() - interval '2 days', host from many",
    )
    .bind(many)
    .execute(app.database.superuser())
    .await
    .expect("filled");
    let another = document.another("1");

    let page = begin(&app.browser(), &document, &[("client_id", &*another)]).await;

    assert_eq!(page.status, 400, "{}", page.body);
    let before = app.env.clock.now() - chrono::Duration::days(1);
    let outdated = Outdated { expired_before: before, ended_before: before };
    let cleaned = app.env.store.clean(outdated, 100).await.expect("cleaned");
    assert_eq!(cleaned.documents, u64::from(BOUNDS.of_a_host) - 1);
    let page = begin(&app.browser(), &document, &[("client_id", &*another)]).await;
    assert_eq!(page.leads_to(), "/sign-in", "what nobody uses makes room");
}

#[tokio::test]
async fn a_document_that_something_refers_to_stays_and_one_that_was_disabled_too() {
    let (app, document) = app().await;
    let browser = app.browser();
    let page = begin(&browser, &document, &[]).await;
    let page = browser.sign_in(page, ADA, PASSWORD).await;
    allow(&browser, page).await.answer("code");
    let (unused, disabled) = (document.another("unused"), document.another("disabled"));
    for url in [&unused, &disabled] {
        let form = [("client_id", &**url), ("token", "x")];
        assert_eq!(app.post("/revoke", &form).await.status, 200, "known, and nothing refers to it");
    }
    let off = change_client_status(&app.env, &disabled, ClientStatus::Disabled, Actor::Operator);
    off.await.expect("disabled");
    let clean = async |later: chrono::Duration| {
        let before = app.env.clock.now() + later;
        let outdated = Outdated { expired_before: before, ended_before: before };
        app.env.store.clean(outdated, 100).await.expect("cleaned").documents
    };
    assert_eq!(count(&app, DOCUMENTS).await, 3);

    assert_eq!(clean(-chrono::Duration::hours(1)).await, 0, "fetched just now");
    assert_eq!(
        clean(chrono::Duration::days(400)).await,
        1,
        "everything else is over, and the consent is not"
    );

    assert_eq!(count(&app, DOCUMENTS).await, 2);
    for (url, there) in [(&unused, false), (&document.url, true), (&disabled, true)] {
        assert_eq!(app.env.store.resolve_client(url).await.expect("read").is_some(), there, "{url}");
    }
}

#[tokio::test]
async fn one_that_an_operator_disables_stays_so_whatever_it_says() {
    let (app, document) = app().await;
    assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
    let status = async |status| {
        change_client_status(&app.env, &document.url, status, Actor::Operator).await.expect("changed");
        app.env.configuration.forget();
    };

    status(ClientStatus::Disabled).await;
    let mut said = document.usual();
    said["nonce"] = json!(1);
    document.say(&said);
    for _ in 0..2 {
        lapse(&app);
        let page = begin(&app.browser(), &document, &[]).await;
        assert_eq!(page.status, 403, "{}", page.body);
        assert!(page.body.contains("client_disabled"), "{}", page.body);
    }
    assert_eq!(document.asked(), 3, "though it was fetched anew");
    let broken = [("request_uri", "urn:ietf:params:oauth:request_uri:none")];
    let page = begin(&app.browser(), &document, &broken).await;
    assert_eq!((page.status.as_u16(), page.location()), (403, None), "whatever else is wrong: {}", page.body);
    let form = [("client_id", &*document.url), ("response_type", "code"), ("redirect_uri", CALLBACK)];
    assert_eq!(app.post("/par", &form).await.outcome(), "401 invalid_client");

    status(ClientStatus::Active).await;
    assert_eq!(begin(&app.browser(), &document, &[]).await.leads_to(), "/sign-in");
    let events = app.events("operator").await;
    for event in ["client.disabled success", "client.enabled success"] {
        assert!(events.contains(&event.to_owned()), "{events:?}");
    }
}

/// Its host chooses when it changes.
#[tokio::test]
async fn a_document_that_changes_while_its_client_is_disabled_waits_and_enables_nothing() {
    let (app, document) = app().await;
    begin(&app.browser(), &document, &[]).await;
    let mut said = document.usual();
    said["nonce"] = json!(1);
    document.say(&said);
    lapse(&app);
    let mut other = app.database.superuser().acquire().await.expect("a connection");
    sqlx::query("begin").execute(&mut *other).await.expect("begun");
    let disable = "update client_directory set status = 'disabled' where client_id = $1";
    sqlx::query(disable).bind(&document.url).execute(&mut *other).await.expect("done");

    let browser = app.browser();
    let (page, ()) = tokio::join!(begin(&browser, &document, &[]), async {
        app.blocked().await;
        sqlx::query("commit").execute(&mut *other).await.expect("committed");
    });

    assert_eq!(page.status, 403, "{}", page.body);
    assert_eq!(count(&app, "select count(*) from client_directory where status = 'disabled'").await, 1);
}

/// RFC 9700 §4.11.2: a link to us leads to no address that a stranger chose.
#[tokio::test]
async fn nobody_is_sent_to_a_stranger_before_an_organization_lets_it_in() {
    let (app, document) = app().await;
    let browser = app.browser();
    for (changes, why) in [
        (&[("response_type", "token")][..], "the request is none"),
        (&[("scope", "openid"), ("code_challenge_method", "plain")], "nor is this"),
        (&[("request", "x.y.z")], "nor its object"),
        (&[("organization", "nowhere"), ("prompt", "none")], "no organization"),
        (&[("organization", ""), ("prompt", "none")], "none is named"),
        (&[("id_token_hint", "x")], "nobody's hint"),
    ] {
        let page = begin(&browser, &document, changes).await;
        assert_eq!((page.status.as_u16(), page.location()), (403, None), "{why}: {}", page.body);
        assert!(page.body.contains("client_not_admitted"), "{why}: {}", page.body);
    }

    let page = begin(&browser, &document, &[("organization", "")]).await;
    assert_eq!(page.leads_to(), "/discover", "{}", page.body);
    let silent = begin(&browser, &document, &[("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "login_required", "an organization that admits it was named");
}

#[tokio::test]
async fn who_signs_out_is_sent_to_a_stranger_only_if_it_signed_them_in() {
    let (app, document) = app().await;
    let left = "http://localhost:9/left";
    let mut said = document.usual();
    said["post_logout_redirect_uris"] = json!([left]);
    document.say(&said);
    let signed_in = async || {
        let browser = app.browser();
        let page = begin(&browser, &document, &[]).await;
        let page = browser.sign_in(page, ADA, PASSWORD).await;
        let code = allow(&browser, page).await.answer("code");
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &*code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
            ("client_id", &*document.url),
        ];
        let hint = app.post("/token", &form).await.text("id_token");
        (browser, format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={left}"))
    };
    let stranger: String = url::form_urlencoded::byte_serialize(document.url.as_bytes()).collect();
    let by_id = format!("/logout?client_id={stranger}&post_logout_redirect_uri={left}");

    let (browser, by_hint) = signed_in().await;
    let page = app.browser().get(&by_id).await;
    assert_eq!((page.status.as_u16(), page.location()), (200, None), "nothing was to end: {}", page.body);
    assert!(!page.body.contains(left), "{}", page.body);
    let page = app.browser().get(&by_hint).await;
    assert_eq!(page.location(), None, "a link that somebody else follows: {}", page.body);
    let page = browser.get(&by_hint).await;
    assert_eq!(page.location().map(String::from), Some(left.to_owned()), "{}", page.body);
    let (browser, by_hint) = signed_in().await;
    policy(&app, "acme", "forbidden").await;
    let page = browser.get(&by_hint).await;
    assert_eq!(page.location(), None, "the organization admits it no more: {}", page.body);
    policy(&app, "acme", "allowed").await;
    let (browser, by_hint) = signed_in().await;
    change_client_status(&app.env, &document.url, ClientStatus::Disabled, Actor::Operator)
        .await
        .expect("disabled");
    let page = browser.get(&by_hint).await;
    assert_eq!(page.location(), None, "{}", page.body);
}
