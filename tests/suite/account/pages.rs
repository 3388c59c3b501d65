//! The pages beside that of the sessions: each shows one's own, in the organization whose session opened it.

use chrono::Duration;
use orgate_domain::ids::SessionId;
use orgate_tests::app::{App, Browser, Page, SAMPLES, client};
use reqwest::header;
use serde_json::Value;

use super::SignedIn;

/// Every page of the account.
pub(super) const PAGES: [&str; 7] = [
    "/account",
    "/account/sessions",
    "/account/sign-in",
    "/account/applications",
    "/account/activity",
    "/account/organizations",
    "/account/export",
];

/// Acme with groups, and a role that has a name.
fn named() -> String {
    SAMPLES
        .replacen(
            "      - { slug: viewer, permissions: [\"notes:read\"] }\n",
            "      - { slug: viewer, name: Looks at notes, permissions: [\"notes:read\"] }\n    groups:\n      \
             - { slug: sales, name: Sales people }\n      - { slug: board, name: The board }\n",
            1,
        )
        .replacen("roles: [viewer] }\n  - slug: globex", "roles: [viewer], groups: [sales] }\n  - slug: globex", 1)
}

async fn casey(app: &App) -> SignedIn {
    SignedIn::of(app, "acme", "casey@consult.test").await
}

fn header_of(page: &Page, name: header::HeaderName) -> Vec<&str> {
    page.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

#[tokio::test]
async fn every_page_is_light_has_no_script_and_says_whose_account_it_is() {
    let app = App::start().await;
    let mine = casey(&app).await;

    for path in PAGES {
        let page = mine.browser.get(path).await;
        assert_eq!(
            (page.status.as_u16(), header_of(&page, header::CACHE_CONTROL)),
            (200, vec!["no-store"]),
            "{path}"
        );
        assert!(page.body.len() < 100_000, "{path}: {}", page.body.len());
        if path == "/account/export" {
            continue;
        }
        assert!(!page.body.contains("<script") && !page.body.contains(" style="), "{path}");
        for text in [
            "Acme Inc",
            "casey@consult.test",
            "Your account",
            "action=\"/account/sign-out\"",
            "aria-current=\"page\"",
        ] {
            assert!(page.body.contains(text), "{path}: {text}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn who_is_not_signed_in_to_the_organization_sees_nothing_of_it() {
    let app = App::start().await;
    let (stranger, gus) = (app.browser(), SignedIn::of(&app, "globex", "gus@globex.test").await);
    let acme = app.org("acme").await.org_id().to_string();

    for path in PAGES {
        for (browser, query) in [
            (&stranger, String::new()),
            (&stranger, "?organization=acme".to_owned()),
            (&gus.browser, format!("?organization={acme}")),
            (&gus.browser, "?organization=acme".to_owned()),
            (&gus.browser, "?organization=nowhere".to_owned()),
        ] {
            let page = browser.get(format!("{path}{query}")).await;
            assert_eq!(page.status, 403, "{path}{query}");
            assert!(
                page.body.contains("Sign in first") && !page.body.contains("Acme"),
                "{path}{query}: {}",
                page.body
            );
        }
    }
}

#[tokio::test]
async fn a_session_that_has_ended_opens_nothing_whatever_page_was_open() {
    let app = App::start().await;
    let (mine, other) = (casey(&app).await, casey(&app).await);
    let page = mine.page().await;
    mine.press(&page, ("session", &other.sid())).await;

    for path in PAGES {
        assert_eq!(other.browser.get(path).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn the_profile_says_roles_and_groups_by_name_and_leads_to_the_administration_who_may_open_it() {
    let app = App::start().await;
    app.apply(&named()).await;
    let (mine, ada) = (casey(&app).await, SignedIn::of(&app, "acme", "ada@acme.test").await);

    let page = mine.browser.get("/account").await;
    let of_ada = ada.browser.get("/account").await;

    for text in [
        "Looks at notes",
        "Sales people",
        "casey@consult.test",
        "Proven",
        "Acme Inc",
        "/account/export?organization=org_",
    ] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!page.body.contains("The board") && !page.body.contains("/admin/"), "{}", page.body);
    assert!(of_ada.body.contains("href=\"/admin/acme\""), "{}", of_ada.body);
    let administration = ada.browser.follow(ada.browser.get("/admin/acme").await).await;
    let acme = app.org("acme").await.org_id();
    assert!(
        administration.body.contains(&format!("href=\"/account?organization={acme}\"")),
        "and from there back: {}",
        administration.body
    );
}

#[tokio::test]
async fn of_several_organizations_each_page_asks_which_and_tells_of_no_other_that_is_not_proven() {
    let app = App::start().await;
    let mine = casey(&app).await; // who is of Globex too
    let alone = mine.browser.get("/account/organizations").await;
    let globex = app.org("globex").await.org_id();
    mine.browser.sign_in_to("globex", "gus@globex.test").await;

    for path in PAGES {
        let page = mine.browser.get(path).await;
        let row = format!("href=\"{path}?organization={globex}\"");
        assert!(page.body.contains(&row) && page.body.contains("Acme Inc"), "{path}: {}", page.body);
    }
    let both = mine.browser.get("/account/organizations?organization=acme").await;
    let there = mine.browser.get(format!("/account?organization={globex}")).await;

    assert!(!alone.body.contains("Globex"), "a membership that this browser does not prove: {}", alone.body);
    assert!(both.body.contains("You are here") && both.body.contains("gus@globex.test"), "{}", both.body);
    assert!(both.body.contains(&format!("href=\"/account?organization={globex}\"")), "{}", both.body);
    assert!(there.body.contains("Gus Globe") && !there.body.contains("Acme"), "{}", there.body);
}

#[tokio::test]
async fn signing_out_ends_the_session_here_and_takes_a_form_of_this_session() {
    let app = App::start().await;
    let (mine, other) = (casey(&app).await, casey(&app).await);
    let page = mine.browser.get("/account").await;
    let (csrf, acme) = (page.field("csrf"), page.field("organization"));
    let sign_out = async |browser: &Browser, csrf: &str| {
        browser.post("/account/sign-out", &[("csrf", csrf), ("organization", acme.as_str())]).await
    };

    let refused = [sign_out(&mine.browser, "").await, sign_out(&other.browser, &csrf).await];
    let stood = (mine.stands(&app, "acme").await, other.stands(&app, "acme").await);
    let done = sign_out(&mine.browser, &csrf).await;
    let again = sign_out(&mine.browser, &csrf).await;

    for page in refused {
        assert!(page.status == 400 && page.body.contains("grown old"), "{}", page.body);
    }
    assert_eq!(stood, ((true, true), (true, true)));
    assert!(done.status == 200 && done.body.contains("You are signed out"), "{}", done.body);
    assert_eq!(again.status, 403);
    assert_eq!(mine.stands(&app, "acme").await, (false, false));
    assert_eq!(other.stands(&app, "acme").await, (true, true));
}

#[tokio::test]
async fn a_form_of_the_session_before_counts_no_more() {
    let app = App::start().await;
    let mine = casey(&app).await;
    let before = mine.page().await;
    let done = mine.press(&before, ("session", &mine.sid())).await;
    assert_eq!(done.status, 200);
    mine.browser.sign_in_to("acme", "casey@consult.test").await;

    let late = mine.press(&before, ("others", "1")).await;

    assert_eq!(late.status, 400);
}

#[tokio::test]
async fn activity_is_ones_own_page_by_page_and_says_nothing_of_where_administrators_are() {
    let app = App::start().await;
    let mine = casey(&app).await;
    let vic = SignedIn::of(&app, "acme", "vic@acme.test").await;
    let wrong = app.browser();
    let asked = wrong.authorize(&[("organization", "acme")]).await;
    wrong.sign_in(asked, "casey@consult.test", "not their password").await;
    mine.press(&mine.page().await, ("others", "1")).await;
    app.apply(&named()).await;
    let by_hand = "insert into audit_events
                       (org_id, id, occurred_at, action, outcome, actor_kind, actor_id, user_id, address, user_agent, detail)
                   select member.org_id, gen_random_uuid(), now() - interval '1 day' * number, 'user.configured',
                          'success', 'user', 'usr_00000000000000000000000000', member.id, '203.0.113.9', 'AdminBrowser/1', '{\"change\": \"roles\"}'
                   from users member, generate_series(1, 60) number where member.email = $1 and member.org_id = $2";
    sqlx::query(by_hand)
        .bind("casey@consult.test")
        .bind(app.org("acme").await.org_id().as_uuid())
        .execute(app.database.superuser())
        .await
        .expect("written");

    let first = mine.browser.get("/account/activity").await;
    let next = first.body.split("href=\"").find(|rest| rest.contains("after=")).expect("another page");
    let next = next.split('"').next().unwrap_or_default().replace("&#38;", "&");
    let second = mine.browser.get(&next).await;
    let of_vic = vic.browser.get("/account/activity").await;

    for text in [
        "You signed in",
        "This session",
        "A sign-in failed",
        "Changed about you: roles",
        "Somebody of your organization",
        "127.0.0.1",
    ] {
        assert!(first.body.contains(text), "{text}: {}", first.body);
    }
    let events = |page: &Page| page.body.matches("class=\"who-did\"").count();
    assert_eq!(events(&first), 50);
    assert!(events(&second) > 10 && second.body.contains("First page") && !second.body.contains("Next page"));
    for page in [&first, &second] {
        assert!(!page.body.contains("203.0.113.9") && !page.body.contains("AdminBrowser"), "{}", page.body);
        assert!(!page.body.contains("Code redeemed"), "what happens by itself: {}", page.body);
    }
    assert!(
        of_vic.body.contains("You signed in") && !of_vic.body.contains("Changed about you"),
        "{}",
        of_vic.body
    );
    for odd in ["x", "0-evt_x", "999999999999999999-evt_00000000000000000000000000"] {
        assert_eq!(mine.browser.get(format!("/account/activity?after={odd}")).await.status, 200, "{odd}");
    }
}

#[tokio::test]
async fn activity_is_found_by_its_index_however_long_the_log_is() {
    let app = App::start().await;
    let plan: Vec<String> = {
        let mut conn = app.database.superuser().acquire().await.expect("a connection");
        let off = "set enable_seqscan = off; set enable_bitmapscan = off";
        sqlx::raw_sql(off).execute(&mut *conn).await.expect("set");
        let query = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/storage/.sqlx"))
            .expect("the queries")
            .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
            .filter_map(|text| {
                serde_json::from_str::<Value>(&text).ok()?["query"].as_str().map(str::to_owned)
            })
            .find(|query| query.contains("from audit_events") && query.contains("user_id = $2"))
            .expect("the query");
        let query = query
            .replace("$1", "'00000000-0000-0000-0000-000000000001'")
            .replace("$2", "'00000000-0000-0000-0000-000000000002'")
            .replace("$3", "'2026-12-01'")
            .replace("$4", "'00000000-0000-0000-0000-000000000003'")
            .replace("$5", "51");
        let explain = sqlx::AssertSqlSafe(format!("explain {query}"));
        sqlx::query_scalar(explain).fetch_all(&mut *conn).await.expect("a plan")
    };

    let plan = plan.join("\n");
    assert!(plan.contains("org_id_user_id_occurred_at_id"), "{plan}");
    for slow in ["->  Sort", "Filter", "Seq Scan"] {
        assert!(!plan.contains(slow), "{slow}: {plan}");
    }
}

#[tokio::test]
async fn applications_that_one_can_open_are_the_products_that_are_switched_on() {
    let app = App::start().await;
    let home = "home_url: \"http://localhost:9/\"";
    let third = "  - client_id: guest\n    organization: operator\n    name: Guest and Co\n    type: spa\n    audience: all\n    \
                 party: third\n    redirect_uris: [\"http://localhost:9/callback\"]\n    home_url: \"https://guest.example/\"\n";
    let off = "  - client_id: off\n    organization: operator\n    name: Switched off\n    type: spa\n    audience: all\n    \
               status: disabled\n    redirect_uris: [\"http://localhost:9/callback\"]\n    home_url: \"https://off.example/\"\n";
    app.apply(&format!("{SAMPLES}{third}{off}")).await;
    let mine = casey(&app).await;
    app.browser().get("/admin/acme").await; // whose first use makes an application of it

    let page = mine.browser.get("/account/applications").await;

    assert!(SAMPLES.contains(home));
    assert!(
        page.body.contains("href=\"http://localhost:9/\"") && page.body.contains("<bdi>Notes</bdi>"),
        "{}",
        page.body
    );
    for hidden in ["guest.example", "off.example", "Granted", "Acme Intranet", "/admin\"", "Administration"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
}

/// However many there are that are not the product's, or not switched on.
#[tokio::test]
async fn no_application_that_one_can_open_is_lost_among_others() {
    let app = App::start().await;
    let application = |id: &str, rest: &str| {
        format!(
            "  - {{ client_id: {id}, organization: operator, name: {id}, type: spa, audience: all, {rest}, \
             redirect_uris: [\"http://localhost:9/callback\"], home_url: \"https://{id}.example/\" }}\n"
        )
    };
    let others = |kind: &str, rest: &str| {
        (0..30).map(|number| application(&format!("{kind}-{number}"), rest)).collect::<String>()
    };
    let (guests, off) = (others("guest", "party: third"), others("off", "status: disabled"));
    app.apply(&format!("{SAMPLES}{guests}{off}")).await;
    app.apply(&format!("{SAMPLES}{guests}{off}{}", application("zebra", "party: first"))).await;
    let mine = casey(&app).await;

    let page = mine.browser.get("/account/applications").await;

    assert!(page.body.contains("href=\"https://zebra.example/\""), "{}", page.body);
    assert!(!page.body.contains("https://guest-") && !page.body.contains("https://off-"), "{}", page.body);
}

#[tokio::test]
async fn ways_to_sign_in_name_the_password_and_recovery_codes_of_a_break_glass_user() {
    let app = App::start().await;
    let broken = SAMPLES.replacen("name: Casey, password", "name: Casey, break_glass: true, password", 1);
    app.apply(&broken).await;
    let (mine, vic) = (casey(&app).await, SignedIn::of(&app, "acme", "vic@acme.test").await);
    let none = mine.browser.get("/account/sign-in").await;
    let email = orgate_domain::email::Email::parse("casey@consult.test").expect("an address");
    orgate_flows::recover::make_codes(&app.env, &app.org("acme").await, &email).await.expect("made");

    let page = mine.browser.get("/account/sign-in").await;
    let of_vic = vic.browser.get("/account/sign-in").await;

    assert!(none.body.contains("you have none left"), "{}", none.body);
    for text in ["You have a password here", "connected none", "You have 8 recovery codes left"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(!of_vic.body.contains("ecovery"), "{}", of_vic.body);
}

#[tokio::test]
async fn an_export_is_ones_own_a_file_and_not_kept() {
    let app = App::start().await;
    app.apply(&named()).await;
    let mine = casey(&app).await;
    SignedIn::of(&app, "acme", "vic@acme.test").await;
    app.clock.advance(Duration::minutes(1));

    let export = mine.browser.get("/account/export?organization=acme").await;

    let day = app.env.clock.now().format("%Y-%m-%d");
    let named = format!("attachment; filename=\"account-acme-{day}.json\"");
    assert_eq!(header_of(&export, header::CONTENT_DISPOSITION), [named]);
    assert_eq!(header_of(&export, header::CONTENT_TYPE), ["application/json"]);
    assert_eq!(header_of(&export, header::X_CONTENT_TYPE_OPTIONS), ["nosniff"]);
    let read: Value = serde_json::from_str(&export.body).expect("JSON");
    assert_eq!(read["organization"]["slug"], "acme");
    assert_eq!(read["profile"]["email"], "casey@consult.test");
    assert_eq!(read["profile"]["groups"], serde_json::json!(["Sales people"]));
    assert_eq!(read["sessions"][0]["id"], mine.sid());
    assert_eq!(read["sessions"][0]["applications"], serde_json::json!(["Notes"]));
    assert_eq!(read["activity"][0]["action"], "sign_in.succeeded");
    assert_eq!((&read["activity"][0]["by"], &read["activity_is_whole"]), (&"You".into(), &true.into()));
    assert!(!export.body.contains("vic@acme.test") && !export.body.contains("argon2"), "{}", export.body);
}

#[tokio::test]
async fn an_export_tells_nothing_of_where_anybody_else_is() {
    let app = App::start().await;
    let (mine, ada) = (casey(&app).await, SignedIn::of(&app, "acme", "ada@acme.test").await);
    let (session, user) = (ada.sid(), ada.tokens.claims("id_token")["sub"].clone());
    let session_id: SessionId = session.parse().expect("an id");
    let by_hand = "insert into audit_events
                       (org_id, id, occurred_at, action, outcome, actor_kind, actor_id, user_id, session_id, address, user_agent, detail)
                   select member.org_id, gen_random_uuid(), now(), 'user.configured', 'success', 'user', $3, member.id, $4,
                          '203.0.113.9', 'AdminBrowser/1', '{\"change\": \"roles\"}'
                   from users member where member.email = $1 and member.org_id = $2";
    sqlx::query(by_hand)
        .bind("casey@consult.test")
        .bind(app.org("acme").await.org_id().as_uuid())
        .bind(user.as_str().expect("an id"))
        .bind(session_id.as_uuid())
        .execute(app.database.superuser())
        .await
        .expect("written");

    let export = mine.browser.get("/account/export").await;

    let read: Value = serde_json::from_str(&export.body).expect("JSON");
    let activity = read["activity"].as_array().expect("events");
    let changed =
        activity.iter().find(|event| event["action"] == "user.configured" && event["by"] != "Orgate");
    let changed = changed.unwrap_or_else(|| panic!("{}", export.body));
    assert_eq!(changed["by"], "Somebody of your organization");
    assert_eq!(
        (&changed["session"], &changed["address"], &changed["user_agent"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let of_ada =
        [&session, user.as_str().expect("an id"), "203.0.113.9", "AdminBrowser", "ada@acme", "Adler"];
    for text in of_ada {
        assert!(!export.body.contains(text), "{text}: {}", export.body);
    }
    let own = activity.iter().find(|event| event["action"] == "sign_in.succeeded").expect("a sign-in");
    assert_eq!((&own["session"], &own["address"]), (&mine.sid().into(), &"127.0.0.1".into()));
}

#[tokio::test]
async fn names_are_shown_as_they_are_and_do_nothing() {
    let app = App::start().await;
    let payload = "<img src=x onerror=alert(1)>\\\"'";
    let hostile = SAMPLES
        .replace("name: Acme Inc", &format!("name: \"{payload}\""))
        .replace("name: Casey,", &format!("name: \"{payload}\","))
        .replace("slug: viewer,", &format!("slug: viewer, name: \"{payload}\","))
        .replace("name: Notes", &format!("name: \"{payload}\""));
    app.apply(&hostile).await;
    let mine = casey(&app).await;

    for path in PAGES.iter().filter(|path| **path != "/account/export") {
        let page = mine.browser.get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<img src=x") && !page.body.contains("(1)>\"'"), "{path}: {}", page.body);
        assert!(page.body.contains("&#60;img src=x"), "{path}: {}", page.body);
    }
    let agent = client().get(app.at("/account")).header(header::USER_AGENT, payload).send().await;
    assert_eq!(agent.expect("answered").status(), 403);
}

#[tokio::test]
async fn a_page_stays_light_with_more_sessions_than_anybody_has() {
    let app = App::start().await;
    let mine = casey(&app).await;
    let many = "insert into sessions
                select (jsonb_populate_record(session, jsonb_build_object(
                    'id', gen_random_uuid(), 'token_hash', '\\x' || encode(sha256(random()::text::bytea), 'hex'),
                    'user_agent', repeat('x', 256), 'last_seen_at', session.last_seen_at + interval '1 second'))).*
                from sessions session, generate_series(1, 200)";
    sqlx::query(many).execute(app.database.superuser()).await.expect("many");

    let page = mine.page().await;
    mine.press(&page, ("others", "1")).await;
    let after = mine.page().await;

    assert!(page.body.len() < 100_000, "{}", page.body.len());
    assert_eq!(super::listed(&page).len(), 80);
    assert!(
        super::listed(&page).contains(&mine.sid()) && page.body.contains("And 121 more"),
        "{}",
        page.body
    );
    assert_eq!(super::listed(&after), [mine.sid()]);
}
