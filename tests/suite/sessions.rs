//! Several organizations in one browser; switching; signing out.

use chrono::Duration;
use orgate_tests::app::{App, PASSWORD, Page, SIGNED_OUT};

#[tokio::test]
async fn organizations_live_side_by_side_and_switching_is_a_new_authorization() {
    let app = App::start().await;
    let browser = app.browser();
    let acme = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let globex = app.redeem(&browser.sign_in_to("globex", "gus@globex.test").await).await;

    let chooser = browser.follow(browser.authorize(&[("prompt", "select_account")]).await).await;
    assert!(chooser.body.contains("Acme Inc") && chooser.body.contains("Globex Corporation"));
    let org = app.org("acme").await.org_id().to_string();
    let (request, csrf) = (chooser.field("request"), chooser.field("csrf"));
    let fields = [("request", request.as_str()), ("csrf", csrf.as_str()), ("organization", org.as_str())];
    let chosen = browser.post("/choose", &fields).await;

    let back = app.redeem(&chosen.answer("code")).await;
    assert_eq!(back.claims("id_token")["sid"], acme.claims("id_token")["sid"]);
    assert_ne!(back.claims("id_token")["sid"], globex.claims("id_token")["sid"]);
    let twice = browser.post("/choose", &fields).await;
    assert_eq!(twice.status, 400, "a choice is made once");
    for (slug, other) in [("acme", "globex"), ("globex", "acme")] {
        let (org, other_id) = (app.org(slug).await.org_id(), app.org(other).await.org_id());
        let log = "select event::text from audit_events event where org_id = $1";
        let log: Vec<String> = sqlx::query_scalar(log)
            .bind(org.as_uuid())
            .fetch_all(app.database.superuser())
            .await
            .expect("the log");
        let log = log.join("\n");
        let named =
            [other, &other_id.to_string(), &other_id.as_uuid().to_string()].map(|name| log.contains(name));
        assert_eq!(named, [false; 3], "{slug} does not learn of {other}: {log}");
    }
    let issued = "authorization.issued success".to_owned();
    assert!(app.events("acme").await.contains(&issued), "coming back is in the log");
}

#[tokio::test]
async fn only_an_organization_that_the_browser_proves_can_be_chosen() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "casey@consult.test").await;
    let chooser = browser.follow(browser.authorize(&[]).await).await;
    assert!(!chooser.body.contains("Globex"), "membership elsewhere is not shown without proof");
    let org = app.org("globex").await.org_id().to_string();
    let (request, csrf) = (chooser.field("request"), chooser.field("csrf"));

    let fields = [("request", request.as_str()), ("csrf", csrf.as_str()), ("organization", org.as_str())];
    let refused = browser.post("/choose", &fields).await;

    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn signing_out_of_one_organization_leaves_the_other_and_kills_the_refresh_tokens() {
    let app = App::start().await;
    let browser = app.browser();
    let acme = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let globex = app.redeem(&browser.sign_in_to("globex", "gus@globex.test").await).await;

    let id_token = acme.text("id_token");
    let url = format!("/logout?id_token_hint={id_token}&post_logout_redirect_uri={SIGNED_OUT}&state=s");
    let page = browser.get(url).await;

    assert_eq!(page.location().map(|to| to.to_string()), Some(format!("{SIGNED_OUT}?state=s")));
    let gone = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(gone.answer("error"), "login_required");
    let still = browser.authorize(&[("organization", "globex"), ("prompt", "none")]).await;
    assert!(!still.answer("code").is_empty());
    assert_eq!(app.refresh(&acme.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(app.userinfo(&acme.text("access_token")).await.status, 401);
    assert_eq!(app.refresh(&globex.text("refresh_token")).await.status, 200);
    assert!(app.events("acme").await.contains(&"session.ended success signed_out".to_owned()));
}

#[tokio::test]
async fn a_sign_out_without_proof_is_confirmed_by_the_person() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;

    let page = browser.get("/logout?client_id=notes").await;

    assert!(page.body.contains("Sign out of"), "{}", page.body);
    let still = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert!(!still.answer("code").is_empty(), "nothing ended yet");
    let forged = browser.post("/logout/confirm", &[("request", "client_id=notes"), ("csrf", "x")]).await;
    assert_eq!(forged.status, 400);
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    let done = browser.post("/logout/confirm", &[("request", &request), ("csrf", &csrf)]).await;
    assert_eq!(done.status, 200);
    let gone = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(gone.answer("error"), "login_required");
}

#[tokio::test]
async fn a_sign_out_leads_nowhere_that_is_not_registered() {
    let app = App::start().await;
    let browser = app.browser();
    let tokens = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let id_token = tokens.text("id_token");
    let forged = format!("{}x", &id_token[..id_token.len() - 1]);

    for url in [
        format!("/logout?id_token_hint={id_token}&post_logout_redirect_uri=http://localhost:9/evil"),
        format!("/logout?id_token_hint={id_token}&client_id=granted&post_logout_redirect_uri={SIGNED_OUT}"),
        format!("/logout?id_token_hint={forged}&post_logout_redirect_uri={SIGNED_OUT}"),
        format!("/logout?post_logout_redirect_uri={SIGNED_OUT}"),
    ] {
        let page = browser.get(&url).await;
        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{url}");
    }
    let still = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert!(!still.answer("code").is_empty(), "a refused sign-out ends nothing");
}

#[tokio::test]
async fn another_browsers_id_token_signs_nobody_out() {
    let app = App::start().await;
    let (mine, other) = (app.browser(), app.browser());
    let tokens = app.redeem(&mine.sign_in_to("acme", "ada@acme.test").await).await;
    other.sign_in_to("acme", "vic@acme.test").await;

    let id_token = tokens.text("id_token");
    other.get(format!("/logout?id_token_hint={id_token}&post_logout_redirect_uri={SIGNED_OUT}")).await;

    for browser in [mine, other] {
        let still = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
        assert!(!still.answer("code").is_empty());
    }
}

#[tokio::test]
async fn a_session_ends_when_idle_and_when_old() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;
    app.clock.advance(Duration::hours(11));
    let used = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert!(!used.answer("code").is_empty());

    app.clock.advance(Duration::hours(12));
    let idle = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;

    assert_eq!(idle.answer("error"), "login_required");
}

#[tokio::test]
async fn max_age_asks_again_and_says_when() {
    let app = App::start().await;
    let browser = app.browser();
    let first = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    app.clock.advance(Duration::minutes(5));

    let fresh = browser.authorize(&[("organization", "acme"), ("max_age", "600")]).await;
    let stale = browser.authorize(&[("organization", "acme"), ("max_age", "60")]).await;

    assert!(!fresh.answer("code").is_empty());
    assert_eq!(stale.leads_to(), "/sign-in");
    let code = browser.sign_in(stale, "ada@acme.test", PASSWORD).await.answer("code");
    let second = app.redeem(&code).await;
    assert_eq!(
        second.claims("id_token")["sid"],
        first.claims("id_token")["sid"],
        "one session, proven again"
    );
    assert!(second.claims("id_token")["auth_time"].as_i64() > first.claims("id_token")["auth_time"].as_i64());
}

#[tokio::test]
async fn a_cookie_of_one_organization_means_nothing_in_another() {
    let app = App::start().await;
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    let signed_in = browser.sign_in(page, "ada@acme.test", PASSWORD).await;
    let cookie = signed_in.cookies().into_iter().find(|line| line.starts_with("orgate_session_"));
    let value =
        cookie.as_deref().and_then(|line| line.split(['=', ';']).nth(1)).expect("a session").to_owned();
    let globex = app.org("globex").await.org_id().to_string().replace("org_", "");

    let thief =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let url =
        orgate_tests::app::authorization_url(&app.base, &[("organization", "globex"), ("prompt", "none")]);
    let request = thief.get(url).header("cookie", format!("orgate_session_{globex}={value}"));
    let answer = request.send().await.expect("answered");

    let location = answer.headers()["location"].to_str().expect("text").to_owned();
    assert!(location.contains("error=login_required"), "{location}");
    let refused = "session.refused refused other_organization".to_owned();
    assert!(app.events("acme").await.contains(&refused), "whose session it was learns of it");
    assert!(!app.events("globex").await.iter().any(|event| event.starts_with("session.")));
}

#[tokio::test]
async fn the_ninth_organization_of_a_browser_displaces_the_one_used_least_recently() {
    let app = App::start().await;
    let mut yaml = "organizations:\n".to_owned();
    for n in 0..9 {
        let user = "{ email: u@x.test, name: U, password: \"${PASSWORD}\" }";
        let line = format!("  - {{ slug: org{n}, name: Org {n}, users: [{user}] }}\n");
        yaml.push_str(&line);
    }
    app.apply(&yaml).await;
    let browser = app.browser();
    for n in 0..9 {
        app.clock.advance(Duration::seconds(1));
        browser.sign_in_to(&format!("org{n}"), "u@x.test").await;
    }

    let silent = |n: usize| {
        let (browser, slug) = (browser.clone(), format!("org{n}"));
        async move { browser.authorize(&[("organization", &slug), ("prompt", "none")]).await }
    };

    assert_eq!(silent(0).await.answer("error"), "login_required");
    for n in 1..9 {
        assert!(!silent(n).await.answer("code").is_empty(), "org{n}");
    }
    assert!(app.events("org0").await.contains(&"session.ended success displaced".to_owned()));
}

/// What the chooser says of each organization, in its order: badge or text.
fn said(chooser: &Page) -> Vec<String> {
    let known = ["Last used", "Signed in", "Continue with Globex Okta", "Asks for your password"];
    let lines = chooser.body.split("class=\"choice\"").skip(1);
    let name = |line: &str| if line.contains("Acme Inc") { "acme" } else { "globex" };
    lines
        .map(|line| {
            let here: Vec<_> = known.iter().filter(|text| line.contains(*text)).copied().collect();
            format!("{}: {}", name(line), here.join(", "))
        })
        .collect()
}

#[tokio::test]
async fn the_chooser_says_what_each_organization_will_ask_and_it_asks_that() {
    let app = App::start().await;
    let browser = app.browser();
    browser.sign_in_to("globex", "gus@globex.test").await;
    app.clock.advance(Duration::seconds(1));
    browser.sign_in_to("acme", "ada@acme.test").await;
    let strong = r#"{"id_token":{"acr":{"essential":true,"value":"urn:orgate:acr:multi-factor"}}}"#;
    let chooser = async |more: &[(&str, &str)]| {
        let asked = [&[("prompt", "select_account")], more].concat();
        browser.follow(browser.authorize(&asked).await).await
    };

    let both = chooser(&[]).await;
    let stronger = chooser(&[("claims", strong)]).await;
    let fresh = chooser(&[("prompt", "select_account login")]).await;
    app.apply(GLOBEX_OKTA).await;
    // As a parent organization would: the session is refused, and has not ended.
    sqlx::query(
        "update policies set sso_enforcement = 'organization'
         where org_id = (select org_id from organizations where slug = 'globex')",
    )
    .execute(app.database.superuser())
    .await
    .expect("enforced");
    app.env.configuration.forget();
    let enforced = chooser(&[]).await;

    assert_eq!(said(&both), ["acme: Last used", "globex: Signed in"]);
    assert_eq!(said(&stronger), ["acme: Asks for your password", "globex: Asks for your password"]);
    assert_eq!(said(&fresh), ["acme: Asks for your password", "globex: Asks for your password"]);
    assert_eq!(said(&enforced), ["acme: Last used", "globex: Continue with Globex Okta"]);
    let (request, csrf) = (enforced.field("request"), enforced.field("csrf"));
    let globex = app.org("globex").await.org_id().to_string();
    let fields = [("request", request.as_str()), ("csrf", csrf.as_str()), ("organization", globex.as_str())];
    assert_eq!(
        browser.post("/choose", &fields).await.leads_to(),
        "/sign-in",
        "the session alone will not do"
    );
}

const GLOBEX_OKTA: &str = "
organizations:
  - slug: globex
    name: Globex Corporation
    domains: [globex.test]
    policy: { sso_enforcement: \"off\" }
    connections:
      - slug: okta
        name: Globex Okta
        domains: [globex.test]
        client_secret: secret-of-globex-at-okta-0123456789
        settings:
          provider:
            oidc: { issuer: \"https://globex.okta.test\", client_id: orgate }
";

#[tokio::test]
async fn a_session_that_is_too_old_or_idle_for_one_application_answers_the_others() {
    let app = App::start().await;
    app.apply(STRICT).await;
    let browser = app.browser();
    let first = app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;
    let silent = async |client: &str| {
        let page =
            browser.authorize(&[("client_id", client), ("organization", "acme"), ("prompt", "none")]).await;
        let answer = page.location().expect("an answer").to_string();
        answer.contains("code=").to_string()
            + if answer.contains("login_required") { " login_required" } else { "" }
    };

    let young = silent("strict").await;
    app.clock.advance(Duration::minutes(11));
    let idle = silent("strict").await;
    let others = silent("notes").await;
    let used = silent("strict").await;
    for _ in 0..6 {
        app.clock.advance(Duration::minutes(9));
        silent("notes").await;
    }
    let old = silent("strict").await;
    let page =
        browser.authorize(&[("client_id", "strict"), ("organization", "acme"), ("max_age", "86400")]).await;
    assert_eq!(page.leads_to(), "/sign-in", "a request cannot loosen it");
    browser.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let renewed = silent("strict").await;

    let (answered, asked) = ("true", "false login_required");
    assert_eq!(
        [&*young, &*idle, &*others, &*used, &*old, &*renewed],
        [answered, asked, answered, answered, asked, answered]
    );
    let again = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await.answer("code");
    let again = app.redeem(&again).await;
    assert_eq!(again.claims("id_token")["sid"], first.claims("id_token")["sid"], "one session, proven again");
}

const STRICT: &str = "
clients:
  - client_id: strict
    organization: operator
    name: Strict
    type: spa
    audience: all
    redirect_uris: [\"http://localhost:9/callback\"]
    session_idle_secs: 600
    session_absolute_secs: 3600
";
