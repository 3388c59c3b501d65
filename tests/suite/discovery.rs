//! "Where do you work?", answered by mail: the same for everyone who asks, and useful only to who reads the mail.

use std::time::Duration;

use orgate_tests::app::{App, Browser, PASSWORD, Page};
use orgate_tests::mailbox::{Mailbox, send_what_is_due, smtp_url};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// In Acme and in Globex; no organization has the domain.
const CASEY: &str = "casey@consult.test";
/// In no organization.
const NOBODY: &str = "nobody@consult.test";
const WRONG: &str = "0000-0000";

fn text_of(mail: &Value) -> &str {
    mail["text"].as_str().expect("text")
}

fn code_in(mail: &Value) -> String {
    let indented = text_of(mail).lines().find_map(|line| line.strip_prefix("    "));
    indented.unwrap_or_else(|| panic!("no code in {mail}")).trim().to_owned()
}

fn links_in(mail: &Value) -> Vec<String> {
    text_of(mail).lines().filter(|line| line.starts_with("http")).map(str::to_owned).collect()
}

/// Begins a request that names nothing and answers the question.
async fn ask(browser: &Browser, answer: &str) -> Page {
    let question = browser.follow(browser.authorize(&[]).await).await;
    submit(browser, &question, ("/discover", "q", answer)).await
}

async fn type_code(browser: &Browser, sent: &Page, code: &str) -> Page {
    submit(browser, sent, ("/discover/code", "code", code)).await
}

async fn submit(browser: &Browser, page: &Page, (path, field, value): (&str, &str, &str)) -> Page {
    let (request, csrf) = (page.field("request"), page.field("csrf"));
    browser.post(path, &[("request", &request), ("csrf", &csrf), (field, value)]).await
}

/// How many rows asking has made: challenges, messages, events of the clients' owner.
async fn rows(app: &App) -> (i64, i64, usize) {
    let count = "select (select count(*) from discovery_challenges), (select count(*) from outbox)";
    let counted = sqlx::query_as::<_, (i64, i64)>(count).fetch_one(app.database.superuser()).await;
    let (challenges, messages) = counted.expect("counted");
    (challenges, messages, app.events("operator").await.len())
}

async fn payload(app: &App) -> Option<Vec<u8>> {
    let newest = "select payload from outbox order by created_at desc, id desc limit 1";
    sqlx::query_scalar(newest).fetch_one(app.database.superuser()).await.expect("a message")
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_known_address_gets_a_mail_with_its_organizations_and_a_code_that_leads_to_them() {
    let mailbox = Mailbox::open().await;
    let smtp = mailbox.smtp.clone();
    let app = App::start_with(|settings| settings.mail.smtp_url = smtp.into()).await;
    let browser = app.browser();

    let sent = ask(&browser, CASEY).await;

    assert!(sent.body.contains("Check your mail"), "{}", sent.body);
    let mut mails = mailbox.mails().await;
    while mails.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        mails = mailbox.mails().await;
    }
    let [mail] = mails.as_slice() else { panic!("one mail: {mails:?}") };
    assert_eq!(mail["to"], serde_json::json!([CASEY]));
    assert_eq!(mail["subject"], "Where to sign in for Notes");
    for part in [text_of(mail), mail["html"].as_str().expect("HTML")] {
        assert!(
            part.contains("Acme Inc") && part.contains("Globex Corporation") && !part.contains("Operator")
        );
        assert!(part.contains(&code_in(mail)));
    }
    assert_eq!(links_in(mail).len(), 2);
    let careless = code_in(mail).to_lowercase().replace('-', " ");
    let chooser = browser.follow(type_code(&browser, &sent, &careless).await).await;
    assert!(
        chooser.body.contains("Acme Inc") && chooser.body.contains("Globex Corporation"),
        "{}",
        chooser.body
    );
    assert_eq!(chooser.body.matches("Asks for your password").count(), 2, "{}", chooser.body);
    let org = app.org("globex").await.org_id().to_string();
    let page = submit(&browser, &chooser, ("/choose", "organization", &org)).await;
    let code = browser.sign_in(page, CASEY, PASSWORD).await.answer("code");
    assert_eq!(app.redeem(&code).await.claims("id_token")["org_name"], "globex");
}

#[tokio::test]
async fn an_unknown_address_gets_the_same_page_and_the_same_rows_and_no_mail() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let start = rows(&app).await;
    let added =
        |from: (i64, i64, usize), to: (i64, i64, usize)| (to.0 - from.0, to.1 - from.1, to.2 - from.2);

    let known = ask(&app.browser(), CASEY).await;
    let between = rows(&app).await;
    let unknown = ask(&app.browser(), NOBODY).await;
    let end = rows(&app).await;

    assert_eq!(known.status, unknown.status);
    let anonymous = |page: &Page, address: &str| {
        let (request, csrf) = (page.field("request"), page.field("csrf"));
        page.body.replace(address, "…").replace(&request, "…").replace(&csrf, "…")
    };
    assert_eq!(anonymous(&known, CASEY), anonymous(&unknown, NOBODY));
    let names = |page: &Page| page.headers.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&known), names(&unknown));
    assert_eq!(added(start, between), added(between, end));
    assert_eq!((added(start, between).0, added(start, between).1), (1, 1));
    assert_eq!(mailbox.collect(&app).await, 2, "both messages are worked off");
    let mails = mailbox.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!(mails[0]["to"], serde_json::json!([CASEY]));
    assert_eq!(mailbox.collect(&app).await, 0, "and neither is worked off again");
}

#[tokio::test]
async fn only_organizations_in_which_the_address_is_verified_are_listed_or_entered() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let globex = app.org("globex").await.org_id().as_uuid();
    for unverify in [
        "update users set email_verified = false where org_id = $1 and email = 'casey@consult.test'",
        "delete from email_index where org_id = $1",
    ] {
        sqlx::query(unverify).bind(globex).execute(app.database.superuser()).await.expect("unverified");
    }
    let browser = app.browser();

    let sent = ask(&browser, CASEY).await;
    mailbox.collect(&app).await;

    let mail = &mailbox.mails().await[0];
    assert!(text_of(mail).contains("Acme Inc") && !text_of(mail).contains("Globex"), "{mail}");
    let page = browser.follow(type_code(&browser, &sent, &code_in(mail)).await).await;
    assert!(page.body.contains("Sign in to <bdi>Acme Inc</bdi>"), "the only one is entered at once");
}

#[tokio::test]
async fn a_link_leads_to_its_organization_in_the_browser_that_asked_and_in_no_other() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let (mine, scanner) = (app.browser(), app.browser());
    ask(&mine, CASEY).await;
    mailbox.collect(&app).await;
    let links = links_in(&mailbox.mails().await[0]);
    let acme = app.org("acme").await.org_id().to_string();
    let link = links.iter().find(|link| link.contains(&acme)).expect("a link to Acme");

    let foreign = scanner.get(link).await;
    let own = mine.follow(mine.get(link).await).await;

    assert_eq!((foreign.status.as_u16(), foreign.location()), (400, None));
    assert!(!foreign.body.contains("Acme"), "{}", foreign.body);
    assert!(own.body.contains("Sign in to <bdi>Acme Inc</bdi>"), "a scanner spends nothing: {}", own.body);
    assert_eq!(mine.get(link).await.status, 400, "it works once");
}

#[tokio::test]
async fn a_code_can_be_typed_five_times_and_then_even_the_right_one_is_refused() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let browser = app.browser();
    let sent = ask(&browser, CASEY).await;
    mailbox.collect(&app).await;
    for _ in 0..5 {
        assert_eq!(type_code(&browser, &sent, WRONG).await.status, 422);
    }

    let right = type_code(&browser, &sent, &code_in(&mailbox.mails().await[0])).await;

    assert_eq!(right.status, 422, "{}", right.body);
    let again = submit(&browser, &sent, ("/discover", "q", CASEY)).await;
    mailbox.collect(&app).await;
    let fresh = type_code(&browser, &again, &code_in(&mailbox.mails().await[0])).await;
    assert_eq!(fresh.leads_to(), "/choose", "a new mail helps");
    assert!(app.events("operator").await.contains(&"discovery.refused refused wrong_code".to_owned()));
}

#[tokio::test]
async fn of_eight_who_type_the_code_at_once_one_goes_on() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let browser = app.browser();
    let sent = ask(&browser, CASEY).await;
    mailbox.collect(&app).await;
    let code = code_in(&mailbox.mails().await[0]);

    let mut racers = JoinSet::new();
    for _ in 0..8 {
        let (browser, sent, code) = (browser.clone(), sent.clone(), code.clone());
        racers.spawn(async move { type_code(&browser, &sent, &code).await });
    }
    let pages = racers.join_all().await;

    assert_eq!(pages.iter().filter(|page| page.leads_to() == "/choose").count(), 1);
    assert!(pages.iter().all(|page| page.leads_to() == "/choose" || page.status.is_client_error()));
    let proven = app.events("operator").await;
    assert_eq!(proven.iter().filter(|event| event.as_str() == "discovery.proven success").count(), 1);
}

#[tokio::test]
async fn a_code_lapses_after_a_quarter_of_an_hour() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let (early, late) = (app.browser(), app.browser());
    let sent = ask(&early, CASEY).await;
    mailbox.collect(&app).await;
    let in_time = code_in(&mailbox.mails().await[0]);
    let too_late = ask(&late, CASEY).await;
    mailbox.collect(&app).await;
    let lapsed = code_in(&mailbox.mails().await[0]);

    app.clock.advance(chrono::Duration::minutes(14));
    let first = type_code(&early, &sent, &in_time).await;
    app.clock.advance(chrono::Duration::minutes(2));
    let second = type_code(&late, &too_late, &lapsed).await;

    assert_eq!(first.leads_to(), "/choose");
    assert_eq!(second.status, 422);
}

#[tokio::test]
async fn a_code_means_nothing_in_another_request_or_another_browser() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let (mine, other) = (app.browser(), app.browser());
    let sent = ask(&mine, CASEY).await;
    mailbox.collect(&app).await;
    let code = code_in(&mailbox.mails().await[0]);

    let second_request = ask(&mine, CASEY).await;
    let in_second_request = type_code(&mine, &second_request, &code).await;
    let other_browser = ask(&other, NOBODY).await;
    let in_other_browser = type_code(&other, &other_browser, &code).await;
    let taken = type_code(&other, &sent, &code).await;
    let request = sent.field("request");
    let forged = [("request", request.as_str()), ("csrf", ""), ("code", &code)];
    let without_form = mine.post("/discover/code", &forged).await;

    assert_eq!(in_second_request.status, 422);
    assert_eq!(in_other_browser.status, 422);
    assert_eq!(taken.status, 400);
    assert_eq!(without_form.status, 400);
    assert_eq!(type_code(&mine, &sent, &code).await.leads_to(), "/choose");
}

#[tokio::test]
async fn the_fourth_mail_to_an_address_is_not_sent_and_the_page_does_not_say_so() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    for _ in 0..3 {
        ask(&app.browser(), CASEY).await;
    }

    let fourth = ask(&app.browser(), &CASEY.to_uppercase()).await;

    assert!(fourth.status == 200 && fourth.body.contains("Check your mail"), "{}", fourth.body);
    assert_eq!(mailbox.collect(&app).await, 3);
    assert_eq!(mailbox.mails().await.len(), 3);
    assert!(app.events("operator").await.contains(&"discovery.refused refused too_many_mails".to_owned()));
    app.clock.advance(chrono::Duration::minutes(16));
    ask(&app.browser(), CASEY).await;
    assert_eq!(mailbox.collect(&app).await, 1, "the limit is of a quarter of an hour");
}

#[tokio::test]
async fn many_who_ask_at_once_get_no_more_mails_than_one_after_another() {
    let app = App::start().await;
    let mut racers = JoinSet::new();
    for _ in 0..8 {
        let browser = app.browser();
        racers.spawn(async move { ask(&browser, CASEY).await });
    }
    let pages = racers.join_all().await;

    assert!(pages.iter().all(|page| page.body.contains("Check your mail")));
    let (challenges, messages, _) = rows(&app).await;
    assert_eq!((challenges, messages), (3, 3));
}

#[tokio::test]
async fn what_waits_is_encrypted_and_what_was_sent_is_erased() {
    let (app, mailbox) = (App::start().await, Mailbox::open().await);
    let sent = ask(&app.browser(), CASEY).await;
    let waiting = payload(&app).await.expect("a payload");

    mailbox.collect(&app).await;

    let code = code_in(&mailbox.mails().await[0]);
    let handle = sent.field("request");
    for secret in [CASEY, &code, &handle, "Notes"] {
        assert!(!holds(&waiting, secret), "{secret}");
    }
    assert_eq!(payload(&app).await, None);
    let rows = "select challenge::text || outbox::text from discovery_challenges challenge, outbox";
    let rows: String =
        sqlx::query_scalar(rows).fetch_one(app.database.superuser()).await.expect("one of each");
    assert!(!rows.contains(CASEY) && !rows.contains(&code), "{rows}");
}

#[tokio::test]
async fn a_mail_server_that_is_down_gets_the_mail_when_it_is_back() {
    let app = App::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let smtp = smtp_url(&listener);
    let (back, until_back) = oneshot::channel::<()>();
    let down = tokio::spawn(async move {
        let hang_up = async {
            while let Ok((stream, _)) = listener.accept().await {
                drop(stream);
            }
        };
        tokio::select! { () = hang_up => {}, _ = until_back => {} }
        listener
    });
    ask(&app.browser(), CASEY).await;
    assert_eq!(send_what_is_due(&app, &smtp).await, 1);
    assert!(payload(&app).await.is_some(), "it waits");
    assert_eq!(send_what_is_due(&app, &smtp).await, 0, "not at once again");

    back.send(()).expect("it is down");
    let mailbox = Mailbox::on(down.await.expect("it is down")).await;
    app.clock.advance(chrono::Duration::seconds(6));

    assert_eq!(mailbox.collect(&app).await, 1);
    assert_eq!(mailbox.mails().await.len(), 1);
    assert_eq!(payload(&app).await, None);
}

#[tokio::test]
async fn a_mail_that_could_not_be_sent_while_its_code_was_good_is_given_up_and_erased() {
    let app = App::start().await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        smtp_url(&listener)
    };
    ask(&app.browser(), CASEY).await;
    assert_eq!(send_what_is_due(&app, &closed).await, 1);

    app.clock.advance(chrono::Duration::minutes(16));

    assert_eq!(send_what_is_due(&app, &closed).await, 1);
    assert_eq!(payload(&app).await, None);
    app.clock.advance(chrono::Duration::minutes(16));
    assert_eq!(send_what_is_due(&app, &closed).await, 0);
}

#[tokio::test]
async fn a_name_or_a_verified_domain_goes_on_at_once_and_nothing_else_does() {
    let app = App::start().await;
    let answers = ["acme", " ACME ", "ada@acme.test", "stranger@acme.test"];
    for answer in answers {
        let browser = app.browser();
        let page = browser.follow(ask(&browser, answer).await).await;
        assert!(page.body.contains("Sign in to <bdi>Acme Inc</bdi>"), "{answer}: {}", page.body);
    }
    for answer in ["", "nowhere", "../acme", "<script>alert(1)</script>"] {
        let page = ask(&app.browser(), answer).await;
        assert_eq!(page.status, 422, "{answer}");
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
    assert_eq!(rows(&app).await.1, 0, "nobody was mailed");
}
