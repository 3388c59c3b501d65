//! The main job: an organization's user signs in and the token says which organization.

use orgate_tests::app::{App, CHALLENGE, PASSWORD, USER_AGENT};
use serde_json::json;

#[tokio::test]
async fn an_event_says_from_where_by_what_and_in_which_request() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;

    let signed_in = browser.sign_in(page, "ada@acme.test", PASSWORD).await;

    let event =
        "select host(address), user_agent, request_id from audit_events where action = 'sign_in.succeeded'";
    let (address, user_agent, request_id): (String, String, String) =
        sqlx::query_as(event).fetch_one(app.database.superuser()).await.expect("the event");
    assert_eq!((address.as_str(), user_agent.as_str()), ("127.0.0.1", USER_AGENT));
    assert_eq!(request_id, signed_in.headers["x-request-id"].to_str().expect("text"));
}

#[tokio::test]
async fn a_user_signs_in_and_the_tokens_carry_the_organization() {
    let app = App::start().await;
    let acme = app.org("acme").await;

    let tokens = app.sign_in("acme", "ada@acme.test").await;

    assert_eq!(tokens.status, 200, "{:?}", tokens.body);
    let id_token = tokens.claims("id_token");
    assert_eq!(id_token["org_id"], json!(acme.org_id().to_string()));
    assert_eq!(id_token["org_name"], json!("acme"));
    assert_eq!(id_token["nonce"], json!("the-nonce"));
    assert_eq!(id_token["email"], json!("ada@acme.test"));
    let access_token = tokens.claims("access_token");
    assert_eq!(access_token["org_id"], id_token["org_id"]);
    assert_eq!(access_token["aud"], json!("notes"));
    assert_eq!(access_token["roles"], json!(["admin"]));
    assert_eq!(access_token["permissions"], json!(["notes:read", "notes:write"]));
    assert_eq!(access_token["sub"], id_token["sub"]);
    assert_eq!(tokens.headers["cache-control"], "no-store");
}

#[tokio::test]
async fn the_same_human_in_two_organizations_is_two_users() {
    let app = App::start().await;

    let here = app.sign_in("acme", "casey@consult.test").await.claims("id_token");
    let there = app.sign_in("globex", "casey@consult.test").await.claims("id_token");

    assert_ne!(here["sub"], there["sub"]);
    assert_ne!(here["org_id"], there["org_id"]);
    assert_ne!(here["sid"], there["sid"]);
}

#[tokio::test]
async fn a_second_request_in_the_same_organization_asks_nobody() {
    let app = App::start().await;
    let browser = app.browser();
    let first = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;

    let page = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;

    let second = app.redeem(&page.answer("code")).await;
    assert_eq!(second.claims("id_token")["sub"], first.claims("id_token")["sub"]);
    assert_eq!(page.answer("iss"), app.base.as_str().trim_end_matches('/'));
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_password_get_the_same_page() {
    let app = App::start().await;
    let (one, other) = (app.browser(), app.browser());

    let page = one.authorize(&[("organization", "acme")]).await;
    let wrong = one.sign_in(page, "ada@acme.test", "wrong").await;
    let page = other.authorize(&[("organization", "acme")]).await;
    let unknown = other.sign_in(page, "eve@acme.test", "wrong").await;

    assert_eq!(wrong.status, 422);
    assert_eq!(unknown.status, 422);
    let says = |body: &str| body.contains("The e-mail address or the password is not right.");
    assert!(says(&wrong.body) && says(&unknown.body));
    let events = app.events("acme").await;
    assert!(events.contains(&"sign_in.failed refused wrong_password".to_owned()), "{events:?}");
    assert!(events.contains(&"sign_in.failed refused unknown_user".to_owned()), "{events:?}");
}

#[tokio::test]
async fn guessing_is_stopped_and_stops_nobody_else() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    for _ in 0..10 {
        let refused = browser.sign_in(page.clone(), "ada@acme.test", "guess").await;
        assert_eq!(refused.status, 422);
    }

    let stopped = browser.sign_in(page.clone(), "ada@acme.test", PASSWORD).await;

    assert_eq!(stopped.status, 429, "the right password does not help any more");
    assert_eq!(app.sign_in("acme", "vic@acme.test").await.status, 200);
    assert_eq!(app.sign_in("globex", "casey@consult.test").await.status, 200);
    app.clock.advance(chrono::Duration::minutes(16));
    let later = browser.sign_in(page, "ada@acme.test", PASSWORD).await;
    assert!(!later.answer("code").is_empty());
}

#[tokio::test]
async fn every_outcome_of_a_sign_in_is_in_the_organizations_log() {
    let app = App::start().await;
    app.sign_in("acme", "ada@acme.test").await;

    let events = app.events("acme").await;

    let expected = ["organization.resolved success", "sign_in.succeeded success", "code.redeemed success"];
    assert!(expected.iter().all(|event| events.iter().any(|seen| seen == event)), "{events:?}");
    let foreign = app.events("globex").await;
    assert!(foreign.iter().all(|event| event.contains("configured")), "{foreign:?}");
}

#[tokio::test]
async fn a_session_cookie_is_new_after_every_sign_in_and_the_old_one_is_worthless() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let first = browser.sign_in(page, "ada@acme.test", PASSWORD).await;
    let again = browser.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    assert_eq!(again.leads_to(), "/sign-in");

    let second = browser.sign_in(again, "ada@acme.test", PASSWORD).await;

    let session = |page: &orgate_tests::app::Page| {
        page.cookies().into_iter().find(|cookie| cookie.starts_with("orgate_session_")).expect("a session")
    };
    assert_ne!(session(&first), session(&second));
    assert!(session(&second).contains("HttpOnly; SameSite=Lax"), "{}", session(&second));
    let stolen = session(&first).split(';').next().unwrap_or_default().to_owned();
    let thief =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let url =
        orgate_tests::app::authorization_url(&app.base, &[("organization", "acme"), ("prompt", "none")]);
    let answer = thief.get(url).header("cookie", stolen).send().await.expect("answered");
    let location = answer.headers()["location"].to_str().expect("text").to_owned();
    assert!(location.contains("error=login_required"), "{location}");
}

#[tokio::test]
async fn a_sign_in_works_only_in_the_browser_that_began_it() {
    let app = App::start().await;
    let (mine, other) = (app.browser(), app.browser());
    let page = mine.authorize(&[("organization", "acme")]).await;
    let address = page.location().expect("the sign-in page");

    let seen = other.get(address.as_str()).await;

    assert_eq!(seen.status, 400);
    assert!(seen.body.contains("This sign-in is over"));
    assert!(mine.get(address.as_str()).await.body.contains("Sign in to"));
}

#[tokio::test]
async fn a_form_without_its_token_is_refused() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let form = browser.follow(page).await;
    let request = form.field("request");
    let fields = [
        ("request", request.as_str()),
        ("csrf", CHALLENGE),
        ("email", "ada@acme.test"),
        ("password", PASSWORD),
    ];

    let refused = browser.post("/sign-in", &fields).await;

    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("This page had grown old"));
}
