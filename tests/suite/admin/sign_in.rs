//! The way in and out.

use std::collections::BTreeMap;

use chrono::Duration;
use orgate_tests::app::{App, PASSWORD, Page, SAMPLES};

use super::{BINDING, Kept, SESSION, administrator, csrf, open_as, page_of, send};

fn query(page: &Page) -> BTreeMap<String, String> {
    page.location().expect("a redirect").query_pairs().into_owned().collect()
}

#[tokio::test]
async fn an_administrator_comes_in_by_the_code_flow_and_to_the_page_that_they_wanted() {
    let app = App::start().await;
    let browser = app.browser();

    let asked = browser.get("/admin/acme/users?search=vic@acme.test").await;
    let sent = query(&asked);
    let page = open_as(&browser, "/admin/acme/users?search=vic@acme.test", "ada@acme.test").await;

    assert_eq!((asked.status.as_u16(), asked.leads_to().as_str()), (303, "/authorize"));
    assert_eq!(asked.headers["cache-control"], "no-store");
    assert_eq!(sent["client_id"], "orgate-admin");
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["code_challenge_method"], "S256");
    assert_eq!(sent["organization"], "acme");
    assert_eq!(sent["scope"], "openid offline_access orgate:*");
    assert!([&sent["state"], &sent["nonce"], &sent["code_challenge"]].iter().all(|text| text.len() == 43));
    let cookies = asked.cookies();
    let kept = cookies.iter().find(|line| line.starts_with("orgate_admin_sign_in_")).expect("kept");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/admin;"] {
        assert!(format!("{kept};").contains(part), "{kept}");
    }
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Vic Viewer") && !page.body.contains("Casey"), "{}", page.body);
    let events = app.events("operator").await;
    let made = events.iter().filter(|event| event.starts_with("client.configured")).count();
    let by: Vec<(String,)> = sqlx::query_as(
        "select actor_kind from audit_events where action = 'client.configured' and detail ->> 'client_id' = 'orgate-admin'",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("listed");
    assert_eq!(by, [("system".to_owned(),)], "made once, of {made}");
}

#[tokio::test]
async fn nobody_has_to_name_the_organization_that_they_are_signed_in_to() {
    let app = App::start().await;
    let browser = app.browser();
    app.redeem(&browser.sign_in_to("acme", "ada@acme.test").await).await;

    let page = browser.follow(browser.get("/admin").await).await;
    let suggested = browser.get("/admin?iss=x&client_id=orgate-admin&organization=globex").await;

    assert!(page.status == 200 && page.body.contains("Acme Inc"), "{} {}", page.status, page.body);
    assert_eq!(query(&suggested)["organization"], "globex");
}

#[tokio::test]
async fn several_tabs_sign_in_at_once_and_each_comes_to_its_page() {
    let app = App::start().await;
    let browser = app.browser();
    let (first, second) = (browser.get("/admin/acme").await, browser.get("/admin/acme/invitations").await);

    let second = browser.sign_in(second, "ada@acme.test", PASSWORD).await;
    let second = browser.follow(second).await;
    let first = browser.follow(first).await;

    assert!(second.body.contains("<h1>Invitations</h1>"), "{}", second.body);
    assert!(first.body.contains("<h1>Overview</h1>"), "{}", first.body);
}

#[tokio::test]
async fn one_browser_administers_several_organizations_each_by_itself() {
    let app = App::start().await;
    let browser = administrator(&app, "acme", "ada@acme.test").await;

    let globex = open_as(&browser, "/admin/globex", "gus@globex.test").await;
    let acme = browser.get("/admin/acme").await;

    assert!(globex.body.contains("Globex Corporation") && !globex.body.contains("Acme"), "{}", globex.body);
    assert!(acme.body.contains("Acme Inc") && !acme.body.contains("Globex"), "{}", acme.body);
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_from_this_issuer() {
    let app = App::start().await;
    let (browser, other) = (app.browser(), app.browser());
    let asked = browser.get("/admin/acme").await;
    let answered = browser.sign_in(asked, "ada@acme.test", PASSWORD).await;
    let callback = answered.location().expect("an answer");
    let changed = |name: &str, value: &str| {
        let mut to = callback.clone();
        let pairs: Vec<(String, String)> = callback.query_pairs().into_owned().collect();
        to.query_pairs_mut().clear().extend_pairs(
            pairs.iter().map(|(key, old)| (key.as_str(), if key == name { value } else { old.as_str() })),
        );
        to
    };

    assert_eq!(callback.path(), "/admin/-/callback");
    assert_eq!(other.get(callback.as_str()).await.status, 400, "another browser");
    for (name, value) in [("iss", "https://evil.test"), ("state", "x")] {
        let page = browser.get(changed(name, value).as_str()).await;
        assert!(page.status == 400 && page.body.contains("You are not signed in"), "{name}");
        assert!(!page.cookies().iter().any(|line| line.starts_with(SESSION)), "{name}");
    }
    let late = browser.get(callback.as_str()).await;
    assert_eq!(late.status, 400, "an answer of another issuer used the sign-in up");
    let again = browser.get("/admin/acme").await;
    let callback =
        browser.get(again.location().expect("authorize").as_str()).await.location().expect("an answer");
    assert_eq!(browser.get(callback.as_str()).await.leads_to(), "/admin/acme");
    assert_eq!(browser.get(callback.as_str()).await.status, 400, "replayed");
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_or_was_refused_says_so() {
    let app = App::start().await;
    let browser = app.browser();
    let state = query(&browser.get("/admin/acme").await)["state"].clone();

    let issuer = app.env.issuer.as_str();
    let refused =
        browser.get(format!("/admin/-/callback?error=access_denied&state={state}&iss={issuer}")).await;
    let state = query(&browser.get("/admin/acme").await)["state"].clone();
    app.clock.advance(Duration::minutes(31));
    let late = browser.get(format!("/admin/-/callback?code=x&state={state}&iss={issuer}")).await;

    assert!(refused.status == 400 && refused.body.contains("access_denied"), "{}", refused.body);
    assert!(late.status == 400 && late.body.contains("sign_in_over"), "{}", late.body);
}

#[tokio::test]
async fn a_return_path_leads_nowhere_but_to_the_pages_of_the_organization() {
    let app = App::start().await;
    let browser = administrator(&app, "acme", "ada@acme.test").await;

    for path in [
        "/admin?organization=..%2F..%2Flogout",
        "/admin?organization=%2F%2Fevil.test",
        "/admin?organization=acme%2F..%2F..%2Fsign-in",
    ] {
        // There is no such organization.
        let asked = browser.get(path).await;
        let page = browser.follow(asked).await;
        assert_eq!(page.status, 403, "{path}: {}", page.body);
        assert!(page.body.contains("This organization cannot use Administration"), "{path}: {}", page.body);
    }
    let nowhere = app.browser().get("/admin/acme//evil.test").await;
    assert_eq!(nowhere.status, 404, "no page, and so no way to sign in and come back to it");
    let globex = browser.get("/admin?organization=acme&target_link_uri=https%3A%2F%2Fevil.test").await;
    let page = browser.follow(globex).await;
    assert!(page.status == 200 && page.body.contains("<h1>Overview</h1>"), "{}", page.body);
}

#[tokio::test]
async fn a_token_that_expired_is_refreshed_and_two_tabs_that_do_so_at_once_both_go_on() {
    let app = App::start().await;
    let mut kept = Kept::of(&app, "acme", "ada@acme.test").await;
    app.clock.advance(Duration::minutes(11));
    let browser = kept.browser(&app, &[]);

    let (one, other) = tokio::join!(browser.get("/admin/acme"), browser.get("/admin/acme/users"));
    let fresh = |page: &Page| page.cookies().iter().filter(|line| line.starts_with(SESSION)).count();
    kept.take(&other);
    let next = kept.browser(&app, &[]).get("/admin/acme").await;

    assert_eq!((one.status.as_u16(), fresh(&one)), (200, 1), "{}", one.body);
    assert_eq!((other.status.as_u16(), fresh(&other)), (200, 1), "{}", other.body);
    assert_eq!((next.status.as_u16(), fresh(&next)), (200, 0));
    app.clock.advance(Duration::minutes(11));
    assert_eq!(kept.browser(&app, &[]).get("/admin/acme").await.status, 200, "and once more");
}

#[tokio::test]
async fn who_had_more_rights_when_they_signed_in_last_is_in_again_with_fewer() {
    let app = App::start().await;
    let slug = |number| format!("a-role-with-quite-a-long-name-of-its-own-that-fills-cookies-{number}");
    let roles: Vec<_> =
        (0..60).map(|n| format!("      - {{ slug: {}, permissions: [\"orgate:*\"] }}\n", slug(n))).collect();
    let roles = roles.concat();
    let held: Vec<_> = (0..60).map(slug).collect();
    let viewer = "      - { slug: viewer, permissions: [\"notes:read\"] }\n";
    let large = SAMPLES.replacen(viewer, &format!("{viewer}{roles}"), 1).replacen(
        "roles: [admin] }",
        &format!("roles: [admin, {}] }}", held.join(", ")),
        1,
    );
    app.apply(&large).await;
    let browser = administrator(&app, "acme", "ada@acme.test").await;
    let sealed = async || {
        let rotated = browser.get("/admin/acme").await;
        rotated
            .cookies()
            .iter()
            .filter(|line| line.starts_with("orgate_admin_1="))
            .cloned()
            .collect::<Vec<_>>()
    };
    app.clock.advance(Duration::minutes(11));
    let parts = sealed().await;
    assert!(parts.len() == 1 && !parts[0].starts_with("orgate_admin_1=;"), "in two parts: {parts:?}");
    app.apply(SAMPLES).await;
    let own = page_of(&browser, "acme", "ada@acme.test").await;
    let page = browser.get(&own).await;
    send(&browser, &page, &format!("{own}/sessions"), &[]).await;

    let again = open_as(&browser, "/admin/acme", "ada@acme.test").await;

    assert!(
        again.status == 200 && again.body.contains("<h1>Overview</h1>"),
        "{} {}",
        again.status,
        again.body
    );
    assert_eq!(browser.get("/admin/acme").await.status, 200);
}

/// What was refreshed and not kept would be nobody's: the next request would come with a token that is used up.
#[tokio::test]
async fn what_was_refreshed_is_kept_whatever_the_request_comes_to() {
    let app = App::start_with(|settings| settings.limits.api_per_minute = 3).await;
    let mut kept = Kept::of(&app, "acme", "ada@acme.test").await;
    let browser = kept.browser(&app, &[]);
    for _ in 0..3 {
        browser.get("/admin/acme").await;
    }
    app.clock.advance(Duration::minutes(11));

    let late = browser.get("/admin/acme").await;

    assert_eq!(late.status, 429, "{}", late.body);
    assert!(late.headers.contains_key("retry-after"));
    let before = kept.value(SESSION).to_owned();
    kept.take(&late);
    assert_ne!(kept.value(SESSION), before);
    let next = kept.browser(&app, &[]).get("/admin/acme").await;
    assert_eq!(next.status, 429, "they are signed in, and nothing is refreshed again");
    assert!(!next.cookies().iter().any(|line| line.starts_with(SESSION)), "{:?}", next.cookies());
}

#[tokio::test]
async fn an_answer_is_not_even_opened_for_who_asks_too_often() {
    let app = App::start_with(|settings| settings.limits.pages_per_minute = 1).await;
    let browser = app.browser_with("orgate_admin_sign_in_x=y; orgate_admin_0=1.z");

    let first = browser.get("/admin/-/callback?state=x&code=y").await;
    let (second, page) =
        (browser.get("/admin/-/callback?state=x&code=y").await, browser.get("/admin/acme").await);

    assert_eq!([first, second, page].map(|page| page.status.as_u16()), [400, 429, 429]);
}

#[tokio::test]
async fn who_signs_out_gives_up_the_tokens_and_goes_on_to_where_sessions_end() {
    let app = App::start().await;
    let mut kept = Kept::of(&app, "acme", "ada@acme.test").await;
    let browser = kept.browser(&app, &[]);
    let page = browser.get("/admin/acme").await;
    let token = csrf(&page, "/admin/acme/sign-out");

    let forged = browser.post("/admin/acme/sign-out", &[("csrf", "x")]).await;
    let elsewhere = browser.post("/admin/globex/sign-out", &[("csrf", &token)]).await;
    let out = browser.post("/admin/acme/sign-out", &[("csrf", &token)]).await;

    assert_eq!((forged.status.as_u16(), elsewhere.status.as_u16()), (403, 403));
    assert_eq!((out.status.as_u16(), out.leads_to().as_str()), (303, "/logout"));
    assert_eq!(browser.get("/admin/acme").await.leads_to(), "/authorize", "the tokens are worth nothing");
    kept.take(&out);
    assert!(!kept.0.contains_key(SESSION) && kept.0.contains_key(BINDING));
    assert!(app.events("acme").await.contains(&"token.revoked success".to_owned()));
}

/// A browser that keeps no cookies of the pages, or is given others in their place, would go round for ever.
#[tokio::test]
async fn who_is_not_signed_in_by_a_sign_in_is_told_so_and_sent_to_no_other() {
    let app = App::start().await;
    let kept = Kept::of(&app, "acme", "ada@acme.test").await;
    let tossed = [(SESSION, "1.AAAA")];

    let again = kept.browser(&app, &tossed).get("/admin/acme").await;
    let arrived = kept.browser(&app, &[SESSION, "orgate_admin_arrived"].map(|name| (name, "1.AAAA")));
    let stopped = arrived.get("/admin/acme").await;

    assert_eq!(again.leads_to(), "/authorize");
    assert_eq!(stopped.status, 400);
    assert!(stopped.body.contains("Your browser did not keep your sign-in"), "{}", stopped.body);
    assert!(stopped.body.contains("href=\"/admin/acme\""), "{}", stopped.body);
    let dropped = |line: &String| line.starts_with("orgate_admin_arrived=;");
    assert!(stopped.cookies().iter().any(dropped), "{:?}", stopped.cookies());
    let browser = app.browser();
    let asked = browser.get("/admin/acme").await;
    let answered = browser.sign_in(asked, "ada@acme.test", PASSWORD).await;
    let callback = browser.get(answered.location().expect("an answer").as_str()).await;
    assert!(callback.cookies().iter().any(|line| line.starts_with("orgate_admin_arrived=1")));
    let page = browser.follow(callback).await;
    assert!(page.status == 200 && page.cookies().iter().any(dropped), "{:?}", page.cookies());
}
