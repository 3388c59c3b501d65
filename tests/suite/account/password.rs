//! Another password: by the one before it, as often as at a sign-in, and for nobody who was signed in by that elsewhere.

use orgate_tests::app::{App, Browser, PASSWORD, Page};
use orgate_tests::mailbox::Mailbox;
use reqwest::StatusCode;
use serde_json::Value;

use super::{SignedIn, four_sessions};

/// What is chosen here.
const CHOSEN: &str = "a few words that nobody guesses";

/// Sends the form of the page: the current password, the new one, and that once more.
async fn change(browser: &Browser, typed: [&str; 3]) -> Page {
    let page = browser.get("/account/sign-in?organization=acme").await;
    send(browser, &page, typed).await
}

async fn send(browser: &Browser, page: &Page, [current, password, again]: [&str; 3]) -> Page {
    let (csrf, organization) = (page.field("csrf"), page.field("organization"));
    let form = [
        ("csrf", csrf.as_str()),
        ("organization", &organization),
        ("current", current),
        ("password", password),
        ("again", again),
    ];
    browser.post("/account/sign-in", &form).await
}

/// Whether a password opens the account, in a browser that nobody signed in with before.
async fn opens(app: &App, email: &str, password: &str) -> StatusCode {
    let browser = app.browser();
    let page = browser.authorize(&[("organization", "acme")]).await;
    browser.sign_in(page, email, password).await.status
}

#[tokio::test]
async fn a_password_is_changed_and_only_the_session_that_it_was_changed_in_goes_on() {
    let app = App::start().await;
    let mailbox = Mailbox::open().await;
    let [mine, other, vic, elsewhere] = four_sessions(&app).await;

    let page = mine.browser.get("/account/sign-in").await;
    let done = send(&mine.browser, &page, [PASSWORD, CHOSEN, CHOSEN]).await;
    let after = mine.browser.follow(done).await;

    for text in
        ["autocomplete=\"current-password\"", "autocomplete=\"new-password\"", "autocomplete=\"username\""]
    {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(after.body.contains("Your password is changed."), "{}", after.body);
    assert_eq!(mine.stands(&app, "acme").await, (true, false), "what was granted before is taken back");
    assert_eq!(other.stands(&app, "acme").await, (false, false));
    assert_eq!(vic.stands(&app, "acme").await, (true, true));
    assert_eq!(elsewhere.stands(&app, "globex").await, (true, true), "another account, of the same person");
    assert_eq!(opens(&app, "casey@consult.test", PASSWORD).await, 422);
    assert_eq!(opens(&app, "casey@consult.test", CHOSEN).await, 303);
    let events = app.events("acme").await;
    let times = |event: &str| events.iter().filter(|other| *other == event).count();
    assert_eq!(times("user.configured success changed_by_user"), 1, "{events:?}");
    assert_eq!(times("session.ended success password_changed"), 2, "{events:?}");
    let told: (Value, String) =
        sqlx::query_as("select detail, actor_kind from audit_events where reason = 'changed_by_user'")
            .fetch_one(app.database.superuser())
            .await
            .expect("an event");
    assert_eq!((&told.0["change"], told.1.as_str()), (&"password".into(), "user"));
    let activity = mine.browser.get("/account/activity?organization=acme").await;
    assert!(activity.body.contains("Changed about you: password"), "{}", activity.body);
    mailbox.collect(&app).await;
    let mails = mailbox.mails().await;
    let mails: Vec<_> =
        mails.iter().filter(|mail| mail.to_string().contains("Your password at Acme Inc")).collect();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].to_string().contains("casey@consult.test"), "{mails:?}");
}

#[tokio::test]
async fn a_wrong_password_changes_nothing_and_takes_one_of_the_tries_of_a_sign_in() {
    let app = App::start().await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { lockout_attempts: 3 } }]").await;
    let (mine, other) = (
        SignedIn::of(&app, "acme", "casey@consult.test").await,
        SignedIn::of(&app, "acme", "casey@consult.test").await,
    );

    let wrong = [
        change(&mine.browser, ["wrong", CHOSEN, CHOSEN]).await,
        change(&mine.browser, [&"x".repeat(2_000), CHOSEN, CHOSEN]).await,
    ];
    let signing_in = opens(&app, "casey@consult.test", "wrong").await;
    let stopped = change(&mine.browser, [PASSWORD, CHOSEN, CHOSEN]).await;
    let also = opens(&app, "casey@consult.test", PASSWORD).await;

    for page in &wrong {
        assert_eq!(page.status, 422, "{}", page.body);
        assert!(
            page.body.contains("id=\"current-error\"") && page.body.contains("was not changed"),
            "{}",
            page.body
        );
        assert!(!page.body.contains(CHOSEN), "nothing that was typed is shown: {}", page.body);
    }
    assert_eq!(signing_in, 422);
    assert_eq!(stopped.status, 429, "{}", stopped.body);
    assert!(stopped.body.contains("too many tries"), "{}", stopped.body);
    assert_eq!(also, 429, "they are the same tries");
    assert_eq!(other.stands(&app, "acme").await, (true, true), "nothing ended");
    let events = app.events("acme").await;
    assert_eq!(
        events.iter().filter(|event| *event == "sign_in.failed refused wrong_password").count(),
        3,
        "{events:?}"
    );
    app.clock.advance(chrono::Duration::hours(1));
    let done = change(&mine.browser, [PASSWORD, CHOSEN, CHOSEN]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(opens(&app, "casey@consult.test", CHOSEN).await, 303);
}

#[tokio::test]
async fn what_is_chosen_keeps_the_rules_and_takes_no_try_until_it_does() {
    let app = App::start().await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { lockout_attempts: 1 } }]").await;
    let mine = SignedIn::of(&app, "acme", "casey@consult.test").await;

    for (typed, field) in [
        (["wrong", "short", "short"], "password"),
        (["wrong", &"x".repeat(1_025), &"x".repeat(1_025)], "password"),
        (["wrong", CHOSEN, "another that is as long"], "again"),
        ([PASSWORD, PASSWORD, PASSWORD], "password"),
    ] {
        let page = change(&mine.browser, typed).await;
        assert_eq!(page.status, 422, "{}", page.body);
        assert!(page.body.contains(&format!("id=\"{field}-error\"")), "{field}: {}", page.body);
    }

    assert_eq!(opens(&app, "casey@consult.test", PASSWORD).await, 303, "the one try is left");
}

#[tokio::test]
async fn a_form_of_another_session_or_of_nobodys_changes_nothing() {
    let app = App::start().await;
    let (mine, vic) = (
        SignedIn::of(&app, "acme", "casey@consult.test").await,
        SignedIn::of(&app, "acme", "vic@acme.test").await,
    );
    let page = mine.browser.get("/account/sign-in").await;
    let typed = [PASSWORD, CHOSEN, CHOSEN];
    let (organization, none) = (page.field("organization"), app.browser());
    let forged = [
        ("csrf", "x"),
        ("organization", &organization),
        ("current", PASSWORD),
        ("password", CHOSEN),
        ("again", CHOSEN),
    ];

    assert_eq!(send(&vic.browser, &page, typed).await.status, 400);
    assert_eq!(send(&none, &page, typed).await.status, 403);
    assert_eq!(mine.browser.post("/account/sign-in", &forged).await.status, 400);

    for email in ["casey@consult.test", "vic@acme.test"] {
        assert_eq!(opens(&app, email, PASSWORD).await, 303, "{email}");
    }
}

/// The cookies of a browser that casey just signed in to Acme in, as whoever reads them off it has them.
async fn read_off(browser: &Browser) -> String {
    let page = browser.authorize(&[("organization", "acme")]).await;
    let kept = page.cookies();
    let done = browser.sign_in(page, "casey@consult.test", PASSWORD).await;
    let pairs = kept.into_iter().chain(done.cookies());
    let pairs: Vec<_> = pairs.filter_map(|line| line.split(';').next().map(str::to_owned)).collect();
    pairs.join("; ")
}

/// Whoever had the cookie before has nothing by it afterwards, though the browser stays signed in.
#[tokio::test]
async fn what_was_read_off_the_browser_before_is_worth_nothing_afterwards() {
    let app = App::start().await;
    let browser = app.browser();
    let thief = app.browser_with(&read_off(&browser).await);
    let before = thief.get("/account").await;
    let granted = async || {
        let silent = thief.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
        let location = silent.location().expect("an answer");
        location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned()
    };
    let tokens = app.redeem(&granted().await).await;
    let code = granted().await;
    assert_eq!(app.refresh(&tokens.text("refresh_token")).await.status, 200);

    let done = change(&browser, [PASSWORD, CHOSEN, CHOSEN]).await;
    let after = (thief.get("/account").await.status, browser.get("/account").await.status);

    assert_eq!((before.status.as_u16(), done.status.as_u16()), (200, 303), "{}", done.body);
    assert_eq!((after.0.as_u16(), after.1.as_u16()), (403, 200));
    assert_eq!(app.redeem(&code).await.status, 400, "a code that was not redeemed yet");
    let refreshed = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 400, "{:?}", refreshed.body);
    let given = done.cookies();
    assert!(
        given.iter().any(|line| line.starts_with("orgate_session_") && line.contains("HttpOnly")),
        "{given:?}"
    );
}

/// What is being granted in the very moment of the change, by the former cookie, is worth nothing either.
#[tokio::test]
async fn a_code_that_is_issued_while_the_password_is_changed_is_worth_nothing() {
    let app = App::start().await;
    let browser = app.browser();
    let thief = app.browser_with(&read_off(&browser).await);
    let silent = thief.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    let location = silent.location().expect("an answer");
    let code = location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
    let superuser = app.database.superuser();
    for statement in [
        "create table issued as select * from authorization_codes where redeemed_at is null",
        "delete from authorization_codes where redeemed_at is null",
    ] {
        assert_ne!(sqlx::query(statement).execute(superuser).await.expect("done").rows_affected(), 0);
    }
    let mut issuing = superuser.acquire().await.expect("a connection");
    let issue = sqlx::raw_sql("begin; insert into authorization_codes select * from issued");
    issue.execute(&mut *issuing).await.expect("issued, and not committed yet");

    let commits = async {
        app.blocked().await;
        sqlx::raw_sql("commit").execute(&mut *issuing).await.expect("committed");
    };
    let (done, ()) = tokio::join!(change(&browser, [PASSWORD, CHOSEN, CHOSEN]), commits);

    assert_eq!(done.status, 303, "{}", done.body);
    let kept =
        "select count(*) = (select count(*) from issued) from authorization_codes where redeemed_at is null";
    assert!(sqlx::query_scalar::<_, bool>(kept).fetch_one(superuser).await.expect("counted"), "it is there");
    let redeemed = app.redeem(&code).await;
    assert_eq!(redeemed.status, 400, "{:?}", redeemed.body);
}

/// A browser that the account knows is not kept out by others: but whoever has taken it over does not guess from everywhere either.
#[tokio::test]
async fn a_session_has_no_more_tries_from_many_addresses_than_from_one() {
    let app = App::start_with(|settings| {
        settings.server.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, policy: { lockout_attempts: 3 } }]").await;
    let browser = app.browser();
    let cookies = read_off(&browser).await;

    let mut statuses = Vec::new();
    for n in 1..=4 {
        let here = app.browser_with_behind(&cookies, &format!("203.0.113.{n}"));
        statuses.push(change(&here, ["guess", CHOSEN, CHOSEN]).await.status.as_u16());
    }

    assert_eq!(statuses, [422, 422, 422, 429]);
    assert_eq!(opens(&app, "casey@consult.test", PASSWORD).await, 303, "at a sign-in, it is another address");
}

/// A change begins a session as well: what ends everybody's at that moment misses none.
#[tokio::test]
async fn a_password_is_not_changed_past_what_is_about_to_end_everybodys_sessions() {
    let app = App::start().await;
    let mine = SignedIn::of(&app, "acme", "casey@consult.test").await;
    let superuser = app.database.superuser();
    let mut ending = superuser.acquire().await.expect("a connection");
    let acme = app.org("acme").await.org_id();
    let lock = "select pg_advisory_lock(hashtextextended('sessions ' || $1::uuid::text, 0))";
    sqlx::query(lock).bind(acme.as_uuid()).execute(&mut *ending).await.expect("locked");

    let ends = async {
        app.blocked().await;
        let suspended = "update organizations set status = 'suspended' where slug = 'acme'";
        sqlx::query(suspended).execute(superuser).await.expect("suspended");
        sqlx::query("select pg_advisory_unlock_all()").execute(&mut *ending).await.expect("let go");
    };
    let (done, ()) = tokio::join!(change(&mine.browser, [PASSWORD, CHOSEN, CHOSEN]), ends);

    assert_ne!(done.status, 303, "{}", done.body);
    let active = "update organizations set status = 'active' where slug = 'acme'";
    sqlx::query(active).execute(superuser).await.expect("active");
    let open: i64 = sqlx::query_scalar("select count(*) from sessions where ended_at is null")
        .fetch_one(superuser)
        .await
        .expect("counted");
    assert_eq!(open, 1, "there is the one that there was");
}
