//! Organizations word their mails: what they may say, to whom it goes, and what they may not do with it.

use orgate_tests::app::{App, Reply};
use orgate_tests::mailbox::Mailbox;
use serde_json::{Value, json};

use super::changes::call_with;
use super::invitations::link_to;
use super::{app, call, token_of, token_of_user};

const MAILS: &str = "/organizations/acme/mail-templates";

/// Has an organization's invitations worded, by whoever may.
async fn word(app: &App, token: &str, locale: &str, (subject, text): (&str, &str)) -> Reply {
    let path = format!("{MAILS}/invitation/{locale}");
    call(app, Some(token), ("PUT", &path), Some(&json!({ "subject": subject, "text": text }))).await
}

/// Invites somebody, in a language; their mail.
async fn invite(app: &App, token: &str, mailbox: &Mailbox, (email, locale): (&str, Option<&str>)) -> Value {
    let wanted = json!({ "email": email, "name": "Nora <b>New</b> {{ email }}", "locale": locale });
    let made = call(app, Some(token), ("POST", "/organizations/acme/invitations"), Some(&wanted)).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    while mailbox.collect(app).await > 0 {}
    let mails = mailbox.mails().await;
    let to_them = |mail: &&Value| mail["to"].to_string().contains(email);
    mails.iter().find(to_them).expect("a mail to them").clone()
}

fn part<'a>(mail: &'a Value, part: &str) -> &'a str {
    mail[part].as_str().expect("text")
}

#[tokio::test]
async fn people_are_invited_in_their_language_and_the_words_of_whoever_invites_them() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let german = (
        "{{ organization }} wartet auf Sie",
        "Moin {{ name }},\n\n{{ inviter }} lädt Sie ein.\nBis {{ expires }}!",
    );
    let made = word(&app, &ada, "de", german).await;
    assert_eq!(
        (made.status, &made.body["mail"], &made.body["locale"]),
        (200, &json!("invitation"), &json!("de"))
    );
    assert_eq!(word(&app, &ada, "default", ("Join us", "Come in.")).await.status, 200);

    let austrian = invite(&app, &ada, &mailbox, ("a@new.test", Some("de-AT"))).await;
    let italian = invite(&app, &ada, &mailbox, ("b@new.test", Some("it"))).await;
    let unknown = invite(&app, &ada, &mailbox, ("c@new.test", None)).await;

    assert_eq!(part(&austrian, "subject"), "Acme Inc wartet auf Sie");
    let text = part(&austrian, "text");
    assert!(text.starts_with("Moin Nora <b>New</b> {{ email }},\n\nAda Adler lädt Sie ein.\nBis "), "{text}");
    assert!(text.contains("Öffnen Sie diesen Link, um anzunehmen:\n\nhttp://"), "{text}");
    let html = part(&austrian, "html");
    assert!(
        html.contains("Moin Nora &#60;b&#62;New&#60;/b&#62; {{ email }},") && !html.contains("<b>"),
        "{html}"
    );
    assert!(html.contains(">Einladung ansehen</a>") && html.contains("lang=\"de\""), "{html}");
    let link = link_to(&mailbox, "a@new.test").await;
    assert_eq!(html.matches(&format!("href=\"{link}\"")).count(), html.matches("href=").count(), "{html}");
    assert_eq!(app.browser().get(&link).await.status, 200);
    for mail in [&italian, &unknown] {
        assert_eq!((part(mail, "subject"), part(mail, "text").lines().next()), ("Join us", Some("Come in.")));
        assert!(part(mail, "html").contains("Look at the invitation"), "{mail}");
        assert!(part(mail, "text").contains("expect an invitation to Acme Inc"), "{mail}");
    }
}

#[tokio::test]
async fn what_nobody_words_is_said_in_the_languages_of_orgate() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let mut subjects = Vec::new();

    for (place, locale) in
        [Some("de-CH"), Some("fr"), Some("es-MX"), Some("it"), None].into_iter().enumerate()
    {
        let mail = invite(&app, &ada, &mailbox, (&format!("n{place}@new.test"), locale)).await;
        subjects.push(part(&mail, "subject").to_owned());
    }

    assert_eq!(
        subjects,
        [
            "Ihre Einladung zu Acme Inc",
            "Votre invitation à rejoindre Acme Inc",
            "Su invitación a Acme Inc",
            "Your invitation to Acme Inc",
            "Your invitation to Acme Inc",
        ]
    );
}

#[tokio::test]
async fn who_is_not_known_to_speak_any_language_is_invited_in_the_organization_s() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    assert_eq!(word(&app, &ada, "pt-BR", ("Venha", "Venha, {{ name }}.")).await.status, 200);
    let mut subjects = Vec::new();

    for (place, (of_organization, theirs)) in
        [("fr-CA", None), ("fr-CA", Some("es")), ("pt-br", None), ("it", None)].into_iter().enumerate()
    {
        let change = json!({ "locale": of_organization });
        let changed = call(&app, Some(&ada), ("PATCH", "/organizations/acme"), Some(&change)).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
        let mail = invite(&app, &ada, &mailbox, (&format!("n{place}@new.test"), theirs)).await;
        subjects.push(part(&mail, "subject").to_owned());
    }

    let expected = [
        "Votre invitation à rejoindre Acme Inc",
        "Su invitación a Acme Inc",
        "Venha",
        "Your invitation to Acme Inc",
    ];
    assert_eq!(subjects, expected);
}

#[tokio::test]
async fn a_former_address_is_told_in_the_words_of_the_organization_and_why_it_is() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    let path = format!("{MAILS}/address_changed/fr");
    let words = json!({ "subject": "Adieu", "text": "Au revoir, {{ name }}." });
    assert_eq!(call(&app, Some(&ada), ("PUT", &path), Some(&words)).await.status, 200);
    let users = call(&app, Some(&ada), ("GET", "/organizations/acme/users?email=vic@acme.test"), None).await;
    let vic = format!("/organizations/acme/users/{}", users.body["items"][0]["id"].as_str().expect("an id"));
    let change = json!({ "email": "victor@acme.test", "locale": "fr" });
    assert_eq!(call(&app, Some(&ada), ("PATCH", &vic), Some(&json!({ "locale": "fr" }))).await.status, 200);

    assert_eq!(call(&app, Some(&ada), ("PATCH", &vic), Some(&change)).await.status, 200);

    mailbox.collect(&app).await;
    let mails = mailbox.mails().await;
    assert_eq!((mails.len(), part(&mails[0], "subject")), (1, "Adieu"));
    let text = part(&mails[0], "text");
    assert!(
        text.starts_with("Au revoir, ") && text.contains("l’adresse de votre compte chez Acme Inc"),
        "{text}"
    );
    assert!(!text.contains("http") && !part(&mails[0], "html").contains("href="), "{text}");
}

#[tokio::test]
async fn a_template_that_is_none_is_refused_with_what_is_wrong_and_where() {
    let app = app().await;
    let all = token_of(&app, "all").await;
    let grown = "{% set a = 'xxxxxxxxxx' %}".to_owned() + &"{% set a = a ~ a %}".repeat(60) + "{{ a }}";
    let listed = "{% set a = [1] %}".to_owned() + &"{% set a = [a, a] %}".repeat(60) + "{{ a }}";
    let deep = format!("{{{{ name{} }}}}", " or name".repeat(1_900));
    let sum = format!("{{{{ 1{} }}}}", "+1".repeat(8_000));
    let long = "x".repeat(16 * 1024 + 1);
    let lines = |count: usize| "x".repeat(count);

    for (subject, text, pointer, detail) in [
        ("Hi", "Hello\n{{ secret }}", "/text", "line 2: there is no secret here"),
        ("Hi", "{{ organization.__class__ }}", "/text", "line 1: `.`: a template has names"),
        ("Hi", "{{ organization", "/text", "line 1: unexpected end of input"),
        ("Hi", "{% for x in range(1000000000) %}{% endfor %}", "/text", "line 1: there is no for here"),
        ("Hi", "{{ 'x' * 1000000 }}", "/text", "line 1: string: a template has names"),
        ("Hi", "{% include '/etc/passwd' %}", "/text", "line 1: there is no include here"),
        ("Hi", "{{ url }}", "/text", "line 1: there is no url here"),
        ("Hi", &grown, "/text", "line 1: there is no set here"),
        ("Hi", &listed, "/text", "line 1: there is no set here"),
        ("Hi", &deep, "/text", "line 1: up to 16 words in one place"),
        ("Hi", &sum, "/text", "line 1: integer: a template has names"),
        ("Hi", &long, "/text", "1 to 16384 bytes"),
        ("Hi", "", "/text", "1 to 16384 bytes"),
        ("Hi", "Hello\u{0}", "/text", "1 to 16384 bytes"),
        ("Hi", "moc.\u{202e}live", "/text", "1 to 16384 bytes"),
        ("\u{2067}Hi", "Hello", "/subject", "one line of 1 to 200 characters"),
        ("Hi", &".\n".repeat(101), "/text", "up to 100 lines"),
        ("Hi", "{% if name %}Hello{% endif %}", "/text", "it says nothing, where a name is missing"),
        ("Hi\r\nBcc: eve@evil.test", "Hello", "/subject", "one line of 1 to 200 characters"),
        ("", "Hello", "/subject", "one line of 1 to 200 characters"),
        (&lines(201), "Hello", "/subject", "one line of 1 to 200 characters"),
        ("{{ '\\r\\nBcc: eve@evil.test' }}", "Hello", "/subject", "line 1: string"),
        ("{{ inviter }}", "Hello", "/subject", "it says nothing, where a name is missing"),
    ] {
        let refused = word(&app, &all, "en", (subject, text)).await;

        let error = &refused.body["errors"][0];
        assert_eq!(
            (refused.status, &error["pointer"]),
            (422, &json!(pointer)),
            "{:.80}: {:?}",
            text,
            refused.body
        );
        let said = error["detail"].as_str().unwrap_or_default();
        assert!(said.starts_with(detail), "{text:.80}: {said}");
        let preview = json!({ "wording": { "subject": subject, "text": text } });
        let path = format!("{MAILS}/invitation/en/preview");
        assert_eq!(call(&app, Some(&all), ("POST", &path), Some(&preview)).await.status, 422, "{text:.80}");
    }
    for unknown in ["invitation/de_AT", "invitation/x", "discovery/en", "notice/default"] {
        let path = format!("{MAILS}/{unknown}");
        let words = json!({ "subject": "Hi", "text": "Hi" });
        assert_eq!(call(&app, Some(&all), ("PUT", &path), Some(&words)).await.status, 404, "{unknown}");
    }
    assert_eq!(call(&app, Some(&all), ("GET", MAILS), None).await.body["items"], json!([]));
    let more = json!({ "subject": "Hi", "text": "Hi", "html": "<script>" });
    let path = format!("{MAILS}/invitation/en");
    assert_eq!(call(&app, Some(&all), ("PUT", &path), Some(&more)).await.status, 422);
}

#[tokio::test]
async fn words_are_changed_only_as_they_were_read_and_taken_back() {
    let app = app().await;
    let all = token_of(&app, "all").await;
    let path = format!("{MAILS}/invitation/PT-br");
    let words = |text: &str| json!({ "subject": "Oi", "text": text });
    let put = async |tag: &str, text: &str| {
        call_with(&app, &all, ("PUT", &path), (&[("if-match", tag)], &words(text))).await
    };
    assert_eq!(put("*", "Olá").await.status, 412, "there is nothing that could be meant");
    let made = call(&app, Some(&all), ("PUT", &path), Some(&words("Olá"))).await;
    let tag = made.headers["etag"].to_str().expect("text").to_owned();
    assert_eq!((made.status, made.text("locale").as_str()), (200, "pt-BR"));
    let same = call(&app, Some(&all), ("PUT", &path), Some(&words("Olá"))).await;
    assert_eq!((&same.body, &same.headers["etag"]), (&made.body, &made.headers["etag"]), "nothing changed");

    let (one, other) = tokio::join!(put(&tag, "Bem-vindo"), put(&tag, "Tchau"));

    let (changed, stale) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!((changed.status, stale.status), (200, 412), "one of two");
    let read = call(&app, Some(&all), ("GET", &path), None).await;
    assert_eq!((&read.body, &read.headers["etag"]), (&changed.body, &changed.headers["etag"]));
    let list = call(&app, Some(&all), ("GET", MAILS), None).await;
    assert_eq!(list.body["items"], json!([read.body]));
    let delete = async |tag: &str| {
        call_with(&app, &all, ("DELETE", &path), (&[("if-match", tag)], &json!(null))).await.status
    };
    assert_eq!((delete(&tag).await, delete("*").await, delete("*").await), (412, 204, 404));
    let told: Vec<(String, Option<String>)> = sqlx::query_as(
        "select detail ->> 'change', detail ->> 'locale' from audit_events where action = 'mail_template.configured' order by id",
    )
    .fetch_all(app.database.superuser())
    .await
    .expect("the log");
    let told: Vec<_> = told.iter().map(|(change, locale)| (change.as_str(), locale.as_deref())).collect();
    assert_eq!(told, [("created", Some("pt-BR")), ("text", Some("pt-BR")), ("removed", Some("pt-BR"))]);
}

#[tokio::test]
async fn there_are_as_many_as_there_may_be() {
    let app = app().await;
    let all = token_of(&app, "all").await;
    let full = "insert into mail_templates (org_id, kind, locale, subject, body, created_at, updated_at)
                select org_id, 'invitation', 'en-x-a' || number, 'Hi', 'Hi', now(), now()
                from organizations cross join generate_series(1, 64) as number where slug = 'acme'";
    sqlx::raw_sql(full).execute(app.database.superuser()).await.expect("a superuser may");

    let one_more = word(&app, &all, "en", ("Hi", "Hi")).await;
    let another = word(&app, &all, "en-x-a1", ("Hi", "Hello")).await;

    assert_eq!((one_more.status, another.status), (409, 200), "{:?}", one_more.body);
}

#[tokio::test]
async fn a_mail_can_be_looked_at_before_anybody_gets_it() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let all = token_of(&app, "all").await;
    let preview = async |locale: &str, wanted: Value| {
        let path = format!("{MAILS}/invitation/{locale}/preview");
        let reply = call(&app, Some(&all), ("POST", &path), Some(&wanted)).await;
        assert_eq!(reply.status, 200, "{:?}", reply.body);
        reply.body
    };

    let ours = preview("de", json!({})).await;
    let tried = json!({ "wording": { "subject": "{{ inviter }} ruft", "text": "<i>Los</i>\n\nhttps://help.acme.test" } });
    let tried = preview("de", tried).await;
    let still = preview("de", json!({ "wording": null })).await;

    insta::assert_snapshot!(part(&ours, "text").replace(|c: char| c.is_ascii_digit(), "0"), @"
    Guten Tag,

    Ada Lovelace lädt Sie zu Acme Inc ein.

    Öffnen Sie diesen Link, um anzunehmen:

    http://localhost:00000/invitations?invitation=example

    Der Link gilt einmal, für Sie allein, bis 00.00.0000, 00:00 UTC. Geben Sie ihn nicht weiter.

    Falls Sie keine Einladung zu Acme Inc erwartet haben, müssen Sie nichts tun: Ohne Sie geschieht nichts.

    localhost, gesichert durch Orgate
    ");
    assert_eq!((part(&ours, "subject"), &ours), ("Ihre Einladung zu Acme Inc", &still));
    assert_eq!(part(&tried, "subject"), "Ada Lovelace ruft");
    assert!(
        part(&tried, "text").starts_with("<i>Los</i>\n\nhttps://help.acme.test\n\nÖffnen Sie"),
        "{tried}"
    );
    let html = part(&tried, "html");
    assert!(html.contains("&#60;i&#62;Los") && !html.contains("href=\"https://help"), "{html}");
    assert_eq!(
        (mailbox.collect(&app).await, call(&app, Some(&all), ("GET", MAILS), None).await.body),
        (0, json!({ "items": [] }))
    );
}

/// Somebody changed the database, or a new release understands less than the one before.
#[tokio::test]
async fn words_that_cannot_be_used_hold_up_no_mail_and_are_told_of_once() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let ada = token_of_user(&app, ("acme", "ada@acme.test"), "orgate:*").await;
    assert_eq!(word(&app, &ada, "de", ("Hallo", "Hallo")).await.status, 200);
    let broken = "update mail_templates set body = repeat('{{ 1', 2) || repeat('+1', 8000) || '}}'";
    sqlx::raw_sql(broken).execute(app.database.superuser()).await.expect("a superuser may");

    let first = invite(&app, &ada, &mailbox, ("a@new.test", Some("de"))).await;
    let second = invite(&app, &ada, &mailbox, ("b@new.test", Some("de"))).await;

    for mail in [&first, &second] {
        assert_eq!(part(mail, "subject"), "Ihre Einladung zu Acme Inc");
        assert!(part(mail, "text").contains("http://"), "{mail}");
    }
    let failed = |events: Vec<String>| {
        events.into_iter().filter(|event| event.starts_with("mail_template.failed")).count()
    };
    assert_eq!(failed(app.events("acme").await), 1);
    let path = format!("{MAILS}/invitation/de");
    let shown = call(&app, Some(&ada), ("GET", &path), None).await;
    assert!(shown.body["failed_at"].is_string(), "{:?}", shown.body);
    let mended = word(&app, &ada, "de", ("Hallo", "Hallo")).await;
    assert_eq!((mended.status, &mended.body["failed_at"]), (200, &Value::Null));
    assert_eq!(part(&invite(&app, &ada, &mailbox, ("c@new.test", Some("de"))).await, "subject"), "Hallo");
}

#[tokio::test]
async fn an_organizations_words_are_in_its_mails_alone() {
    let app = app().await;
    let mailbox = Mailbox::open().await;
    let (acme, globex) = (token_of(&app, "all").await, token_of(&app, "globex-all").await);
    assert_eq!(word(&app, &acme, "default", ("Acme calls", "Acme calls")).await.status, 200);
    let wanted = json!({ "email": "new@globex.test" });

    let made = call(&app, Some(&globex), ("POST", "/organizations/globex/invitations"), Some(&wanted)).await;

    assert_eq!(made.status, 201, "{:?}", made.body);
    mailbox.collect(&app).await;
    assert_eq!(part(&mailbox.mails().await[0], "subject"), "Your invitation to Globex Corporation");
    let list = call(&app, Some(&globex), ("GET", "/organizations/globex/mail-templates"), None).await;
    assert_eq!(list.body["items"], json!([]));
    for method in ["PUT", "DELETE"] {
        let path = format!("{MAILS}/invitation/default");
        let body = json!({ "subject": "Hi", "text": "Hi" });
        assert_eq!(call(&app, Some(&globex), (method, &path), Some(&body)).await.status, 404);
    }
    assert_eq!(call(&app, Some(&acme), ("GET", MAILS), None).await.body["items"][0]["subject"], "Acme calls");
}
