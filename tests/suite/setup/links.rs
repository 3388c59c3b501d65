//! The life of a link, and of the cookie that stands for it.

use chrono::Duration;
use orgate_domain::audit::Actor;
use orgate_flows::setup::links::revoke_link;
use orgate_tests::app::App;
use reqwest::StatusCode;

use super::world::{World, open_in};

#[tokio::test]
async fn looking_at_a_link_spends_nothing_and_opening_it_takes_the_secret_out_of_the_address() {
    let world = World::start().await;
    let link = world.link("acme", &[]).await;
    for _ in 0..3 {
        assert_eq!(world.app.browser().get(&link.url).await.status, 200);
    }
    assert!(!world.app.events("acme").await.iter().any(|event| event.starts_with("setup_link.opened")));

    let browser = world.app.browser();
    let opened = open_in(&browser, &link).await;
    let start = browser.follow(opened.clone()).await;

    assert_eq!(opened.location().expect("onward").query(), None);
    let cookies = opened.cookies().join("\n");
    assert!(cookies.contains("orgate_setup=") && cookies.contains("HttpOnly"), "{cookies}");
    assert!(cookies.contains("SameSite=Lax") && !cookies.contains("ogsl_"), "{cookies}");
    assert!(start.body.contains("Acme Inc") && !start.body.contains("ogsl_"), "{}", start.body);
    let events = world.app.events("acme").await;
    assert_eq!(events.iter().filter(|event| event.starts_with("setup_link.opened")).count(), 1);
    let again = open_in(&world.app.browser(), &link).await;
    assert_eq!(again.leads_to(), "/setup/connections", "a link is good until it is over");
}

#[tokio::test]
async fn a_link_that_is_over_or_taken_back_opens_nothing_any_more() {
    let world = World::start().await;
    let (first, second) = (world.link("acme", &[]).await, world.link("acme", &[]).await);
    let (of_first, of_second) = (world.open(&first).await, world.open(&second).await);
    let scope = world.app.org("acme").await;

    let done = revoke_link(&world.app.env, &scope, first.id, Actor::Operator).await.expect("revoked");
    assert!(done && !revoke_link(&world.app.env, &scope, first.id, Actor::Operator).await.expect("asked"));

    for page in [of_first.browser.get("/setup/connections").await, world.app.browser().get(&first.url).await]
    {
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.body.contains("taken back") && !page.body.contains("Acme"), "{}", page.body);
    }
    assert_eq!(of_second.browser.get("/setup/connections").await.status, 200);
    world.app.clock.advance(Duration::hours(73));
    for page in
        [of_second.browser.get("/setup/connections").await, world.app.browser().get(&second.url).await]
    {
        assert_eq!(page.status, StatusCode::GONE);
        assert!(page.body.contains("expired"), "{}", page.body);
    }
    let events = world.app.events("acme").await;
    for expected in [
        "setup_link.created success",
        "setup_link.revoked success",
        "setup_link.refused refused revoked_link",
        "setup_link.refused refused expired_link",
    ] {
        assert!(events.iter().any(|event| event == expected), "{expected}: {events:#?}");
    }
}

#[tokio::test]
async fn what_is_not_a_link_of_this_browser_reveals_nothing() {
    let world = World::start().await;
    let link = world.link("acme", &[]).await;
    let wizard = world.open(&link).await;
    let tampered = {
        let (text, last) = link.url.split_at(link.url.len() - 1);
        format!("{text}{}", if last == "0" { "1" } else { "0" })
    };
    // Acme's cookie, in a browser that did not open the link.
    let cookie = {
        let browser = world.app.browser();
        let opened = open_in(&browser, &link).await;
        let cookies = opened.cookies();
        let cookie = cookies.iter().find(|cookie| cookie.starts_with("orgate_setup=")).expect("a cookie");
        cookie.split(';').next().expect("a value").to_owned()
    };
    let stolen = orgate_tests::app::client()
        .get(world.app.at("/setup/connections"))
        .header("cookie", &cookie)
        .send()
        .await
        .expect("answered");

    let nothing = world.app.browser().get("/setup/connections").await;
    let mistyped = world.app.browser().get(&tampered).await;

    assert_eq!(stolen.status(), StatusCode::NOT_FOUND);
    for page in [nothing, mistyped] {
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.body.contains("opens nothing") && !page.body.contains("Acme"), "{}", page.body);
    }
    assert_eq!(wizard.browser.get("/setup/connections").await.status, 200);
}

#[tokio::test]
async fn a_link_of_one_organization_sees_nothing_of_another() {
    let world = World::start().await;
    let (acme, base) = world.draft(&["viewer"]).await;
    world.test(&acme, &base, super::world::member("ada", &[])).await;
    let trace: uuid::Uuid = sqlx::query_scalar("select id from sign_in_traces")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("a trace");
    let trace = orgate_domain::ids::TraceId::from_uuid(trace);
    let globex = world.open(&world.link("globex", &["admin"]).await).await;

    for path in ["values", "provider", "mapping", "domains", "test", "pilot", "activate"] {
        let page = globex.browser.get(format!("{base}/{path}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(!page.body.contains("Workforce") && !page.body.contains("Acme"), "{path}: {}", page.body);
    }
    assert_eq!(globex.browser.get(format!("/setup/test/{trace}")).await.status, StatusCode::NOT_FOUND);
    let posts: [(&str, &[(&str, &str)]); 6] = [
        ("provider", &[("seen", "1"), ("issuer", "https://idp.test"), ("client_id", "mine")]),
        ("mapping", &[("seen", "1"), ("action", "save")]),
        ("domains", &[("seen", "")]),
        ("pilot", &[("action", "start"), ("version", "1")]),
        ("activate", &[("version", "1")]),
        ("switch", &[("version", "1"), ("to", "off"), ("sure", "1")]),
    ];
    for (path, fields) in posts {
        let page = globex.post(&format!("{base}/{path}"), fields).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}: {}", page.body);
    }
    assert_eq!(world.connection("state").await, "tested");
    assert!(!globex.browser.get("/setup/connections").await.body.contains("Workforce"));
}

#[tokio::test]
async fn a_form_of_another_page_or_browser_does_nothing() {
    let world = World::start().await;
    let link = world.link("acme", &["viewer"]).await;
    let (mine, others) = (world.open(&link).await, world.open(&link).await);
    let fields = |csrf: &str| {
        vec![
            ("csrf".to_owned(), csrf.to_owned()),
            ("vendor".to_owned(), "okta".to_owned()),
            ("protocol".to_owned(), "saml".to_owned()),
            ("name".to_owned(), "Forged".to_owned()),
        ]
    };

    for csrf in [String::new(), "forged".to_owned(), others.csrf().await] {
        let fields = fields(&csrf);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let page = mine.browser.post("/setup/new", &fields).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
    }

    assert!(!mine.browser.get("/setup/connections").await.body.contains("Forged"));
    let landing = mine.browser.get(&link.url).await;
    let opened = world.app.browser().post("/setup/begin", &[("link", &landing.field("link"))]).await;
    assert_eq!(opened.status, StatusCode::FORBIDDEN, "a link is opened by whoever saw its page");
}

#[tokio::test]
async fn links_are_tried_within_limits() {
    let app = App::start_with(|settings| settings.limits.refusals_per_minute = 3).await;
    let browser = app.browser();
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(browser.get("/setup?link=ogsl_guess").await.status.as_u16());
    }

    assert_eq!(statuses, [404, 404, 404, 429, 429]);
}

#[tokio::test]
async fn a_suspended_organization_sets_nothing_up() {
    let world = World::start().await;
    let link = world.link("acme", &[]).await;
    let wizard = world.open(&link).await;

    world.app.apply("organizations:\n  - { slug: acme, name: Acme Inc, status: suspended }\n").await;

    for page in [wizard.browser.get("/setup/connections").await, world.app.browser().get(&link.url).await] {
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("suspended"), "{}", page.body);
    }
}
