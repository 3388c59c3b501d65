//! An invitation is accepted with a password.

use chrono::Duration;
use orgate_tests::app::PASSWORD;
use serde_json::json;

use super::{CHOSEN, World, all};

const USERS: &str = "select count(*) from users where email = 'new@partner.test'";

#[tokio::test]
async fn whoever_is_invited_chooses_a_password_and_is_a_user_with_what_they_were_given() {
    let world = World::start().await;
    let app = &world.app;
    app.apply("organizations: [{ slug: acme, name: Acme Inc, groups: [{ slug: staff, roles: [viewer] }] }]")
        .await;
    let wanted = json!({
        "email": "new@partner.test", "roles": ["viewer"], "groups": ["staff"], "locale": "pt-BR", "client_id": "landing",
    });
    let link = world.invite(wanted).await;
    let browser = app.browser();

    let page = browser.get(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Acme Inc") && page.body.contains("new@partner.test"), "{}", page.body);
    assert_eq!(world.count(USERS).await, 0, "to look uses nothing up");
    for header in ["referrer-policy", "cache-control"] {
        let expected = if header == "cache-control" { "no-store" } else { "no-referrer" };
        assert_eq!(page.headers[header], expected);
    }
    let accepted = world.send(&browser, &page, CHOSEN).await;

    assert_eq!(accepted.status, 200, "{}", accepted.body);
    assert!(accepted.body.contains("https://app.acme.test/login?iss="), "{}", accepted.body);
    let user = world.user("new@partner.test").await;
    assert_eq!(
        (&user["email_verified"], &user["name"], &user["roles"], &user["locale"]),
        (&json!(true), &json!("Nora New"), &json!(["viewer"]), &json!("pt-BR"))
    );
    let members = "select count(*) from group_members member join users on users.id = member.user_id
                   where users.email = 'new@partner.test'";
    assert_eq!(world.count(members).await, 1);
    // They are signed in, and have a password of their own.
    let code = browser.authorize(&[("organization", "acme")]).await.answer("code");
    assert_eq!(app.redeem(&code).await.status, 200);
    let other = app.browser();
    let page = other.authorize(&[("organization", "acme")]).await;
    let code = other.sign_in(page, "new@partner.test", CHOSEN).await.answer("code");
    assert_eq!(app.redeem(&code).await.claims("id_token")["email_verified"], true);
    // Once.
    let again = app.browser().get(&link).await;
    assert_eq!(again.status, 410);
    assert!(again.body.contains("invitation_used"));
    let about = |event: &String| event.starts_with("invitation") || event.starts_with("user.configured");
    let events: Vec<String> = app.events("acme").await.into_iter().filter(about).collect();
    let end = events.len() - 5;
    assert_eq!(
        events[end..],
        [
            "invitation.created success",
            "user.configured success",
            "user.configured success", // the group
            "invitation.accepted success",
            "invitation.refused refused used_invitation",
        ]
    );
}

#[tokio::test]
async fn an_invitation_that_eight_use_at_once_makes_one_user() {
    let world = World::start().await;
    let link = world.invite(json!({ "email": "new@partner.test" })).await;
    let mut ready = Vec::new();
    for _ in 0..8 {
        let browser = world.app.browser();
        let page = browser.get(&link).await;
        ready.push((browser, page));
    }

    let pages = all(ready.iter().map(|(browser, page)| world.send(browser, page, CHOSEN))).await;

    let won = pages.iter().filter(|page| page.status == 200).count();
    let lost = pages.iter().filter(|page| page.status == 410 || page.status == 409).count();
    assert_eq!((won, lost), (1, 7), "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
    assert_eq!(world.count(USERS).await, 1);
    assert_eq!(
        world.count("select count(*) from audit_events where action = 'invitation.accepted'").await,
        1
    );
    assert_eq!(world.count("select count(*) from sessions").await, 1);
}

/// One page each, with what to do; and a stranger learns nothing of what there is.
#[tokio::test]
async fn a_link_that_opens_nothing_says_why_to_its_holder_and_nothing_to_strangers() {
    let world = World::start().await;
    let app = &world.app;
    let link = world.invite(json!({ "email": "new@partner.test" })).await;
    let open = async |link: &str| {
        let page = app.browser().get(link).await;
        (page.status.as_u16(), page.body.contains("Acme"))
    };
    let forged = format!("{}{}", &link[..link.len() - 1], if link.ends_with('0') { "1" } else { "0" });
    let (base, secret) = link.split_once("ogin_").expect("a link");
    let globex =
        orgate_domain::credentials::base32::encode_u128(app.org("globex").await.org_id().as_uuid().as_u128());
    let crossed = format!("{base}ogin_{globex}{}", &secret[26..]);

    for unknown in [&forged, &crossed, &base.to_owned(), &format!("{base}ogin_")] {
        assert_eq!(open(unknown).await, (404, false), "{unknown}");
    }
    world.run("update organizations set status = 'suspended' where slug = 'acme'").await;
    assert_eq!(open(&link).await.0, 403);
    world.run("update organizations set status = 'deleted' where slug = 'acme'").await;
    assert_eq!(open(&link).await.0, 404);
    world.run("update organizations set status = 'active' where slug = 'acme'").await;
    assert_eq!(open(&link).await.0, 200);
    app.apply("organizations: [{ slug: acme, name: Acme Inc, users: [{ email: new@partner.test, name: New, password: \"${PASSWORD}\" }] }]").await;
    assert_eq!(open(&link).await.0, 409, "there is a user of that address by now");
    let other = world.invite(json!({ "email": "late@partner.test" })).await;
    app.clock.advance(Duration::days(7));
    assert_eq!(open(&other).await.0, 410);
}

/// What a link gives is asked again when it is used: it falls with whoever vouches for it.
#[tokio::test]
async fn an_invitation_falls_with_whoever_made_it() {
    let world = World::start().await;
    let app = &world.app;
    let link = world.invite(json!({ "email": "new@partner.test", "roles": ["admin"] })).await;
    let plain = world.invite(json!({ "email": "plain@partner.test" })).await;
    let browser = app.browser();
    let page = browser.get(&link).await;
    assert_eq!(page.status, 200);
    let inviter = |role: &str| {
        let api = app.env.issuer.api();
        format!(
            "organizations: [{{ slug: acme, name: Acme Inc, roles: [{{ slug: lesser, permissions: [\"orgate:invitations:*\", \"orgate:roles:*\"] }}] }}]\n\
             clients:\n  - {{ client_id: inviter, organization: acme, name: Inviter, type: machine, audience: owner, \
             resources: [\"{api}\"], scopes: [\"orgate:*\"], roles: [{role}] }}\n"
        )
    };

    app.apply(&inviter("lesser")).await;

    let late = world.send(&browser, &page, CHOSEN).await;
    assert_eq!(late.status, 410, "also where the page was open: {}", late.body);
    assert!(late.body.contains("invitation_maker_fallen"), "{}", late.body);
    assert_eq!(app.browser().get(&plain).await.status, 200, "they may still invite, with nothing");
    assert_eq!(world.count(USERS).await, 0);
    app.apply(&inviter("viewer")).await;
    assert_eq!(app.browser().get(&plain).await.status, 410);
    app.apply(&inviter("admin")).await;
    assert_eq!(world.accept(&app.browser(), &link).await.status, 200);
    assert!(app.events("acme").await.contains(&"invitation.refused refused maker_fallen".to_owned()));
}

/// A form of another browser, or of another site, uses nothing up.
#[tokio::test]
async fn only_the_form_of_the_page_in_this_browser_accepts() {
    let world = World::start().await;
    let link = world.invite(json!({ "email": "new@partner.test" })).await;
    let other = world.invite(json!({ "email": "other@partner.test" })).await;
    let (browser, stranger) = (world.app.browser(), world.app.browser());
    let page = browser.get(&link).await;
    stranger.get(&other).await;
    let invitation = page.field("invitation");

    let crossed = world.send(&stranger, &page, CHOSEN).await;
    let bare =
        browser.post("/invitations/accept", &[("invitation", &invitation), ("password", CHOSEN)]).await;
    let token = browser.get(&other).await.field("csrf");
    let fields = [
        ("invitation", invitation.as_str()),
        ("csrf", token.as_str()),
        ("name", "N"),
        ("password", CHOSEN),
        ("again", CHOSEN),
    ];
    let mixed = browser.post("/invitations/accept", &fields).await;

    assert_eq!((crossed.status.as_u16(), bare.status.as_u16(), mixed.status.as_u16()), (403, 403, 403));
    assert_eq!(world.count("select count(*) from invitations where accepted_at is not null").await, 0);
    assert_eq!(world.count("select count(*) from sessions").await, 0);
}

#[tokio::test]
async fn what_was_typed_wrong_is_said_beside_its_field_and_uses_nothing_up() {
    let world = World::start().await;
    let link = world.invite(json!({ "email": "new@partner.test", "name": "Nora" })).await;
    let browser = world.app.browser();
    let page = browser.get(&link).await;
    assert!(page.body.contains("value=\"Nora\""), "{}", page.body);
    let (invitation, csrf) = (page.field("invitation"), page.field("csrf"));
    let send = async |name: &str, password: &str, again: &str| {
        let fields = [
            ("invitation", invitation.as_str()),
            ("csrf", csrf.as_str()),
            ("name", name),
            ("password", password),
            ("again", again),
        ];
        let page = browser.post("/invitations/accept", &fields).await;
        let marked = ["name-error", "password-error", "again-error"];
        let marked: Vec<_> =
            marked.into_iter().filter(|id| page.body.contains(&format!("id=\"{id}\""))).collect();
        (page.status.as_u16(), marked)
    };

    assert_eq!(send("", CHOSEN, CHOSEN).await, (422, vec!["name-error"]));
    assert_eq!(send("N", "short", "short").await, (422, vec!["password-error"]));
    assert_eq!(send("N", CHOSEN, PASSWORD).await, (422, vec!["again-error"]));
    let long = "x".repeat(1_025);
    assert_eq!(send("\u{202e}", &long, &long).await, (422, vec!["name-error", "password-error"]));
    assert_eq!(send("N", CHOSEN, CHOSEN).await.0, 200);
}

/// Whoever was signed in to the organization in this browser is not any more, and their session is over.
#[tokio::test]
async fn whoever_was_signed_in_here_before_is_signed_out() {
    let world = World::start().await;
    let browser = world.app.browser();
    browser.sign_in_to("acme", "ada@acme.test").await;
    let link = world.invite(json!({ "email": "new@partner.test" })).await;

    assert_eq!(world.accept(&browser, &link).await.status, 200);

    let code = browser.authorize(&[("organization", "acme")]).await.answer("code");
    assert_eq!(world.app.redeem(&code).await.claims("id_token")["email"], "new@partner.test");
    assert_eq!(world.count("select count(*) from sessions where ended_at is null").await, 1);
}

#[tokio::test]
async fn an_invitation_is_in_the_language_that_it_was_made_with_and_so_is_what_comes_of_it() {
    let world = World::start().await;
    let link =
        world.invite(json!({ "email": "new@partner.test", "roles": ["viewer"], "locale": "de-CH" })).await;
    let browser = world.app.browser_saying("accept-language", "fr");

    let page = browser.get(&link).await;
    let short = world.send(&browser, &page, "short").await;
    let joined = world.send(&browser, &short, CHOSEN).await;
    let again = browser.get(&link).await;

    for page in [&page, &short, &joined] {
        assert!(page.body.contains("<html lang=\"de\""), "{}", page.body);
    }
    assert!(page.body.contains("<h1><bdi>Acme Inc</bdi> beitreten</h1>"), "{}", page.body);
    assert!(page.body.contains(" Uhr UTC, für jeden, der diesen Link hat"), "{}", page.body);
    assert!(short.body.contains("Wählen Sie ein Passwort mit mindestens 12 Zeichen"), "{}", short.body);
    assert!(joined.body.contains("<h1>Sie sind <bdi>Acme Inc</bdi> beigetreten</h1>"), "{}", joined.body);
    // Of a link that opens nothing it is not known whose it was.
    assert!(again.body.contains("Cette invitation a déjà servi"), "{}", again.body);
}
