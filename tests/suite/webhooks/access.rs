//! Who may have what happens sent where.

use orgate_tests::app::App;
use orgate_tests::webhook_receiver::WebhookReceiver;
use serde_json::json;

use super::{Program, app, machines, pass};

#[tokio::test]
async fn whoever_may_not_read_the_log_has_nothing_of_it_sent_anywhere() {
    let app = app().await;
    let (all, blind) =
        (Program::of(&app, "acme-all", "acme").await, Program::of(&app, "blind", "acme").await);
    let (theirs, mine) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    let (webhook, _) = all.webhook(&theirs, json!({})).await;

    let denied = [
        blind.post("webhooks", json!({ "url": mine.url })).await,
        blind.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "url": mine.url }))).await,
        blind.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "events": ["user.*"] }))).await,
        blind.post(&format!("webhooks/{webhook}/rotate-secret"), json!({})).await,
        blind.post(&format!("webhooks/{webhook}/replay"), json!({ "after": "pos_0" })).await,
        blind.post(&format!("webhooks/{webhook}/test"), json!({})).await,
    ];
    for reply in denied {
        assert_eq!((reply.status, reply.text("type")), (403, "urn:orgate:problem:forbidden".to_owned()));
        assert!(reply.text("detail").contains("orgate:audit:read"), "{:?}", reply.body);
    }
    assert_eq!(blind.get("events").await.status, 403);

    let silent =
        blind.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "enabled": false }))).await;
    assert_eq!((silent.status, &silent.body["enabled"]), (200, &json!(false)), "anybody may silence it");
    let loud = blind.call("PATCH", &format!("webhooks/{webhook}"), Some(&json!({ "enabled": true }))).await;
    assert_eq!(loud.status, 403);
    assert_eq!(blind.call("DELETE", &format!("webhooks/{webhook}"), None).await.status, 204);
}

#[tokio::test]
async fn a_webhook_is_its_organizations_alone() {
    let app = app().await;
    let (acme, globex) =
        (Program::of(&app, "acme-all", "acme").await, Program::of(&app, "globex-all", "globex").await);
    let receiver = WebhookReceiver::start().await;
    let (webhook, _) = acme.webhook(&receiver, json!({})).await;
    pass(&app).await;
    receiver.take();

    globex.group("secret").await;
    pass(&app).await;

    assert!(receiver.take().is_empty(), "what happens elsewhere is not told");
    for (method, below, body) in [
        ("GET", String::new(), None),
        ("PATCH", String::new(), Some(json!({ "enabled": false }))),
        ("DELETE", String::new(), None),
        ("GET", "/deliveries".to_owned(), None),
        ("POST", "/test".to_owned(), Some(json!({}))),
        ("POST", "/rotate-secret".to_owned(), Some(json!({}))),
        ("POST", "/replay".to_owned(), Some(json!({ "after": "pos_0" }))),
    ] {
        let path = format!("webhooks/{webhook}{below}");
        assert_eq!(globex.call(method, &path, body.as_ref()).await.status, 404, "{method} {path}");
    }
    assert_eq!(globex.get("webhooks").await.body["items"], json!([]));
    assert_eq!(acme.get(&format!("webhooks/{webhook}")).await.status, 200);
}

#[tokio::test]
async fn the_operator_alone_hears_of_all_organizations() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let clerk = Program::of(&app, "clerk", "operator").await;
    let operator = Program::of(&app, "operator-all", "operator").await;
    let acting = Program { token: operator.token.clone(), organization: "acme", ..operator };
    let operator = Program::of(&app, "operator-all", "operator").await;
    let receiver = WebhookReceiver::start().await;
    let everywhere = json!({ "scope": "all", "events": ["group.*"] });
    let with_url = |mut wanted: serde_json::Value| {
        wanted["url"] = json!(receiver.url);
        wanted
    };

    for denied in [&acme, &clerk, &acting] {
        assert_eq!(denied.post("webhooks", with_url(everywhere.clone())).await.status, 403);
    }
    let (webhook, _) = operator.webhook(&receiver, everywhere).await;
    let path = format!("webhooks/{webhook}");
    let mine = json!({ "url": "http://localhost:9/mine" });
    assert_eq!(clerk.call("PATCH", &path, Some(&mine)).await.status, 403, "nor has it told elsewhere");
    assert_eq!(clerk.post(&format!("{path}/rotate-secret"), json!({})).await.status, 403);
    pass(&app).await;
    acme.group("of-acme").await;
    Program::of(&app, "globex-all", "globex").await.group("of-globex").await;
    pass(&app).await;

    let told = receiver.take();
    let orgs: Vec<_> = told.iter().map(|sent| sent.event["data"]["org_id"].clone()).collect();
    let (of_acme, of_globex) = (app.org("acme").await.org_id(), app.org("globex").await.org_id());
    assert_eq!(orgs, [json!(of_acme.to_string()), json!(of_globex.to_string())]);

    receiver.answer_to("of-acme", 500);
    let log = json!({ "since": "2020-01-01T00:00:00Z" });
    assert_eq!(operator.post(&format!("{path}/replay"), log).await.status, 200);
    for minutes in [0, 1, 8, 40] {
        app.clock.advance(chrono::Duration::minutes(minutes));
        pass(&app).await;
    }
    let again: Vec<_> = receiver.take().iter().map(|sent| sent.id().to_owned()).collect();
    assert_eq!(again.iter().filter(|id| *id == told[0].id()).count(), 4, "set aside, and found there again");
    assert!(again.contains(&told[1].id().to_owned()));
}

/// Whatever a row says: that it tells of all counts in the operator's organization alone.
#[tokio::test]
async fn a_webhook_of_another_organization_that_claims_to_tell_of_all_tells_of_nothing() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let receiver = WebhookReceiver::start().await;
    acme.webhook(&receiver, json!({})).await;
    pass(&app).await;
    receiver.take();
    sqlx::query("update webhooks set scope = 'all', last_position = 0, due_at = now()")
        .execute(app.database.superuser())
        .await
        .expect("claimed");

    pass(&app).await;

    assert!(receiver.take().is_empty());
}

#[tokio::test]
async fn an_organization_that_is_suspended_is_told_nothing_until_it_is_active_again() {
    let app = app().await;
    let acme = Program::of(&app, "acme-all", "acme").await;
    let operator = Program::of(&app, "operator-all", "operator").await;
    let operator = Program { organization: "acme", ..operator };
    let receiver = WebhookReceiver::start().await;
    acme.webhook(&receiver, json!({ "events": ["group.*"] })).await;
    pass(&app).await;
    acme.group("before").await;
    let suspended = operator.call("PUT", "status", Some(&json!({ "status": "suspended" }))).await;
    assert_eq!(suspended.status, 200, "{:?}", suspended.body);

    pass(&app).await;
    assert!(receiver.take().is_empty());
    operator.call("PUT", "status", Some(&json!({ "status": "active" }))).await;
    app.clock.advance(chrono::Duration::minutes(2));
    pass(&app).await;

    assert_eq!(receiver.take().len(), 1, "nothing is lost");
}

#[tokio::test]
async fn an_address_that_may_not_be_reached_is_no_webhooks() {
    let app = App::start_without_jobs(|_| {}).await;
    app.apply(&machines(&app)).await;
    let acme = Program::of(&app, "acme-all", "acme").await;

    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@example.com/",
        "https://example.com/#here",
        "ftp://example.com/",
        "example.com",
        "",
    ] {
        let reply = acme.post("webhooks", json!({ "url": url })).await;
        assert_eq!((reply.status, &reply.body["errors"][0]["pointer"]), (422, &json!("/url")), "{url}");
    }
    for (more, pointer) in [
        (json!({ "events": [] }), "/events"),
        (json!({ "events": ["user.*", "user.flew"] }), "/events/1"),
        (json!({ "description": "x".repeat(201) }), "/description"),
        (json!({ "secret": "whsec_mine" }), "/secret"),
    ] {
        let mut wanted = more;
        wanted["url"] = json!("https://example.com/");
        let reply = acme.post("webhooks", wanted).await;
        assert_eq!(
            (reply.status, &reply.body["errors"][0]["pointer"]),
            (422, &json!(pointer)),
            "{:?}",
            reply.body
        );
    }
    for _ in 0..20 {
        assert_eq!(acme.post("webhooks", json!({ "url": "https://example.com/" })).await.status, 201);
    }
    let one_more = acme.post("webhooks", json!({ "url": "https://example.com/" })).await;
    assert_eq!(
        (one_more.status, one_more.text("type")),
        (409, "urn:orgate:problem:limit_reached".to_owned())
    );
}
