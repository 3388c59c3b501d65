//! Codes that are guessed, sent to others, presented by others, or answered from elsewhere.

use orgate_tests::app::{App, PASSWORD, Page};

use super::world::{CLIENTS, app, ask, decide, go_on, type_code, wait};

#[tokio::test]
async fn a_device_code_is_its_clients_alone() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    device.let_in(&app.browser(), "ada@acme.test").await;

    for client_id in ["box", "acme-tv"] {
        assert_eq!(device.poll_as(&app, client_id, &[]).await.outcome(), "400 invalid_grant", "{client_id}");
    }
    assert_eq!(device.poll_as(&app, "notes", &[]).await.outcome(), "400 unauthorized_client");
    let forgeries = ["ogdc_forged".to_owned(), device.code.replace("ogdc", "ogac"), device.user_code.clone()];
    for code in forgeries {
        let forged = super::world::Device { code, ..device.clone() };
        assert_eq!(forged.poll(&app).await.outcome(), "400 invalid_grant");
    }

    assert_eq!(device.poll(&app).await.status, 200, "nobody else's tries count");
    let refused = "token.refused refused unknown_device_code".to_owned();
    assert!(app.events("operator").await.contains(&refused) && app.events("acme").await.contains(&refused));
}

/// RFC 8628 §5.4: a link that somebody sent is not enough, nor is a page that somebody else's site posts to.
#[tokio::test]
async fn nothing_happens_without_a_button_pressed_in_this_browser() {
    let app = app().await;
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let (victim, attacker) = (app.browser(), app.browser());
    victim.sign_in_to("acme", "ada@acme.test").await;

    let opened = victim.get(&device.complete).await;
    assert_eq!((opened.status.as_u16(), opened.location()), (200, None));
    assert!(!opened.body.contains("Notes on TV"), "nothing is looked up yet: {}", opened.body);
    let csrf = attacker.get("/device").await.field("csrf");
    let found = type_code(&attacker, &device.user_code).await;
    let (seen, code) = (found.field("csrf"), device.user_code.as_str());
    for (path, token) in
        [("/device", ""), ("/device", &*csrf), ("/device/continue", ""), ("/device/continue", &*seen)]
    {
        let forged = victim.post(path, &[("csrf", token), ("user_code", code)]).await;
        assert_eq!(forged.status, 422, "{path}");
    }
    let mine = victim.get("/device").await.field("csrf");
    let unseen = victim.post("/device/continue", &[("csrf", &mine), ("user_code", code)]).await;
    assert_eq!(unseen.status, 422, "who goes on has seen what asks");

    let question = victim.follow(device.go_on(&victim).await).await;
    let handle = question.field("request");
    assert_eq!(attacker.get(format!("/device/approve?request={handle}")).await.status, 400);
    for (browser, token) in [(&attacker, question.field("csrf")), (&victim, csrf), (&victim, String::new())] {
        let form = [("request", &*handle), ("csrf", &*token), ("decision", "allow")];
        assert_eq!(browser.post("/device/approve", &form).await.status, 400);
    }
    let form = [("request", &*handle), ("csrf", &*question.field("csrf"))];
    assert_eq!(victim.post("/device/approve", &form).await.status, 400, "a button says which");

    assert_eq!(device.poll(&app).await.outcome(), "400 authorization_pending");
}

/// The session that was begun for the device, and no other, approves it.
#[tokio::test]
async fn nobody_approves_in_a_session_that_took_the_place_of_the_one_that_was_asked() {
    let app = app().await;
    let browser = app.browser();
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = device.sign_in(&browser, "ada@acme.test").await;

    let page = browser.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    browser.sign_in(page, "vic@acme.test", PASSWORD).await.answer("code");

    assert_eq!(decide(&browser, &question, "allow").await.status, 400);
    assert_eq!(device.poll(&app).await.outcome(), "400 authorization_pending");
    let unanswered = ask(&app, "tv", &[("organization", "acme"), ("max_age", "0")]).await;
    let form = browser.follow(unanswered.go_on(&browser).await).await;
    assert_eq!(form.leads_to(), "");
    let handle = form.field("request");
    assert_eq!(
        browser.get(format!("/device/approve?request={handle}")).await.status,
        400,
        "nobody has signed in for it yet"
    );
}

#[tokio::test]
async fn of_two_browsers_the_first_answers_and_the_device_is_let_in_once() {
    let app = app().await;
    let (ada, gus) = (app.browser(), app.browser());
    let device = ask(&app, "tv", &[]).await;
    ada.sign_in_to("acme", "ada@acme.test").await;
    gus.sign_in_to("globex", "gus@globex.test").await;
    let in_acme = ada.follow(device.go_on(&ada).await).await;
    let in_globex = gus.follow(device.go_on(&gus).await).await;

    let answers = tokio::join!(decide(&ada, &in_acme, "allow"), decide(&gus, &in_globex, "allow"));

    let won = (answers.0.status == 200, answers.1.status == 200);
    assert!(won.0 != won.1, "{won:?}");
    let tokens = device.poll(&app).await;
    let (winner, loser) = if won.0 { ("acme", "globex") } else { ("globex", "acme") };
    assert_eq!(tokens.claims("access_token")["org_name"], winner);
    let count = "select count(*) from authorization_codes where redirect_uri = ''";
    let codes: i64 = sqlx::query_scalar(count).fetch_one(app.database.superuser()).await.expect("a count");
    assert_eq!(codes, 1);
    let approved = "device.approved success".to_owned();
    assert!(app.events(winner).await.contains(&approved) && !app.events(loser).await.contains(&approved));
}

/// The owner's row is written first. What stops there is finished by pressing the button again, and by nobody else.
#[tokio::test]
async fn an_approval_that_stopped_halfway_is_finished_by_the_same_one() {
    let app = app().await;
    let (browser, other) = (app.browser(), app.browser());
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let question = device.sign_in(&browser, "ada@acme.test").await;
    let elsewhere = device.sign_in(&other, "vic@acme.test").await;
    refuse_codes(&app, true).await;

    let stopped = decide(&browser, &question, "allow").await;
    let heard = device.poll(&app).await;
    refuse_codes(&app, false).await;
    let others = decide(&other, &elsewhere, "allow").await;
    let finished = decide(&browser, &question, "allow").await;
    wait(&app, 5);

    assert_eq!(stopped.status, 500);
    assert_eq!(heard.outcome(), "400 authorization_pending", "it is told to go on waiting");
    assert_eq!((others.status.as_u16(), finished.status.as_u16()), (400, 200));
    assert_eq!(device.poll(&app).await.claims("id_token")["email"], "ada@acme.test");
}

/// Has the database fail wherever a code is issued.
async fn refuse_codes(app: &App, refused: bool) {
    let statement = if refused {
        "create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no codes'; end $$;
         create trigger refuse before insert on authorization_codes for each row execute function refuse()"
    } else {
        "drop trigger refuse on authorization_codes; drop function refuse()"
    };
    sqlx::raw_sql(statement).execute(app.database.superuser()).await.expect("a superuser may");
}

#[tokio::test]
async fn who_guesses_codes_is_stopped_by_address_and_by_browser() {
    let app = App::start_with(|settings| settings.limits.credentials_per_minute = 25).await;
    app.apply(CLIENTS).await;
    let device = ask(&app, "tv", &[]).await;
    let browser = app.browser();

    let guesses = ["BBBB-BBBB", "nonsense", "BCDF-GHJK", "", "ZZZZ-ZZZZ", "1", "2", "3", "4", "5"];
    for guess in guesses {
        assert_eq!(type_code(&browser, guess).await.status, 422, "{guess}");
    }
    // Budgets fill up again while this runs.
    let of_one = guess_until_stopped(async || type_code(&browser, "BBBB-BBBC").await).await;
    assert!(of_one < 5, "this browser has guessed enough: {of_one}");
    assert_eq!(type_code(&browser, &device.user_code).await.status, 429, "a right guess is none any more");
    for _ in 0..30 {
        type_code(&browser, "BBBB-BBBD").await; // which uses up nobody else's budget
    }
    let found = type_code(&app.browser(), &device.user_code).await;
    assert_eq!(found.status, 200, "{}", found.body);
    let of_many = guess_until_stopped(async || type_code(&app.browser(), "BBBB-BBBC").await).await;
    assert!((10..20).contains(&of_many), "and so has this address, with however many browsers: {of_many}");
    let events = app.events("operator").await;
    let folded = events.iter().filter(|event| *event == "device.refused refused unknown_user_code").count();
    assert_eq!(folded, 1, "{events:?}");
}

/// How many guesses are looked at before one is told to wait.
async fn guess_until_stopped(guess: impl AsyncFn() -> Page) -> usize {
    for guesses in 0..30 {
        let page = guess().await;
        if page.status == 429 {
            assert!(page.headers.contains_key("retry-after"));
            return guesses;
        }
        assert_eq!(page.status, 422, "{}", page.body);
    }
    panic!("nobody is stopped")
}

#[tokio::test]
async fn a_code_on_the_way_is_forgotten_once_it_is_used() {
    let app = app().await;
    let browser = app.browser();
    let device = ask(&app, "tv", &[("organization", "acme")]).await;
    let found = type_code(&browser, &device.user_code).await;
    device.let_in(&app.browser(), "ada@acme.test").await;

    assert_eq!(go_on(&browser, &found).await.status, 422);
    assert_eq!(type_code(&browser, &device.user_code).await.status, 422);
    let rows: i64 = sqlx::query_scalar("select count(*) from device_user_codes")
        .fetch_one(app.database.superuser())
        .await
        .expect("a count");
    assert_eq!(rows, 0);
}
