//! SAML responses that nobody asked for: at most the application begins a sign-in of its own.

use orgate_tests::app::Page;
use orgate_tests::saml_provider::Answer;

use super::saml_world::{JIT, Place, SamlWorld};
use super::world::all;

const STATES: [&str; 5] = ["draft", "tested", "pilot", "active", "disabled"];

/// Where the application begins a sign-in.
const LOGIN: &str = "http://localhost:9/login?from=directory";

/// Applications that are open to Acme, granted to others, switched off, and without such an address.
pub(super) const CLIENTS: &str = r#"clients:
  - { client_id: portal, organization: operator, name: Portal, type: web, audience: all, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login?from=directory" }
  - { client_id: theirs, organization: operator, name: Theirs, type: web, audience: granted, granted_to: [globex], client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login?from=directory" }
  - { client_id: switched-off, organization: operator, name: Off, type: web, audience: all, status: disabled, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login?from=directory" }
"#;

pub(super) fn allowing(client: &str) -> String {
    format!("              allow_unsolicited: true\n              unsolicited_client: {client}\n")
}

async fn ready() -> SamlWorld {
    let world = SamlWorld::start().await;
    world.app.apply(CLIENTS).await;
    world.configure(&allowing("portal"), JIT).await;
    world
}

pub(super) fn begins(page: &Page) -> bool {
    page.location().is_some_and(|to| to.as_str().starts_with(LOGIN))
}

/// What there would be more of if somebody had been signed in.
async fn traces_of_people(world: &SamlWorld) -> (i64, i64, i64) {
    let counts = "select (select count(*) from users), (select count(*) from identity_links), (select count(*) from sessions)";
    sqlx::query_as(counts).fetch_one(world.app.database.superuser()).await.expect("counts")
}

#[tokio::test]
async fn only_an_open_connection_that_allows_it_leads_to_an_application_that_is_open() {
    let world = ready().await;
    let place = world.place("directory").await;
    let before = traces_of_people(&world).await;
    let cases = [
        (allowing("portal"), true),
        (String::new(), false),
        ("              unsolicited_client: portal\n".to_owned(), false),
        (allowing("theirs"), false),
        (allowing("switched-off"), false),
        (allowing("notes"), false),
        (allowing("nobody"), false),
    ];

    for (settings, is_open) in &cases {
        world.configure(settings, JIT).await;
        for state in STATES {
            world.set_state(state).await;
            let browser = world.app.browser();
            let page =
                world.post(&browser, &place, world.idp.respond(&world.answer(&place, None, "ada"))).await;

            let expected = *is_open && matches!(state, "active" | "pilot");
            assert_eq!(begins(&page), expected, "{state} {settings}: {} {}", page.status, page.body);
            assert!(expected || page.status == 403 && page.location().is_none(), "{state} {settings}");
            assert!(page.cookies().is_empty(), "{state} {settings}");
        }
        world.set_state("active").await;
    }

    assert_eq!(traces_of_people(&world).await, before);
}

#[tokio::test]
async fn the_application_is_told_the_organization_and_nothing_of_the_user() {
    let world = ready().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());

    let page = world.post(&browser, &place, world.idp.respond(&world.answer(&place, None, "ada"))).await;

    let issuer = world.app.env.issuer.clone();
    assert_eq!(said(&page), told(issuer.as_str(), &place));
    let silent = browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    assert_eq!(silent.answer("error"), "login_required", "nobody is signed in");

    let own = r#"clients: [{ client_id: portal, organization: operator, name: Portal, type: web, audience: all, client_secret: "${SECRET}", redirect_uris: ["http://localhost:9/callback"], initiate_login_uri: "http://localhost:9/login?from=directory", issuer: organization }]"#;
    world.app.apply(own).await;
    let page = world.post(&browser, &place, world.idp.respond(&world.answer(&place, None, "ada"))).await;
    assert_eq!(
        said(&page),
        told(issuer.of(place.org).as_str(), &place),
        "the issuer that its tokens will name"
    );
}

fn said(page: &Page) -> Vec<(String, String)> {
    let to = page.location().expect("on the way to the application");
    to.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn told(issuer: &str, place: &Place) -> Vec<(String, String)> {
    let organization = place.org.to_string();
    [
        ("from", "directory"),
        ("iss", issuer),
        ("client_id", "portal"),
        ("organization", &organization),
        ("tenant", &organization),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[tokio::test]
async fn an_unsolicited_response_is_taken_once_and_answers_no_request() {
    let world = ready().await;
    let place = world.place("directory").await;
    let waiting = world.app.browser();
    let request = world.depart(&waiting, "acme", &place).await;
    let xml = world.idp.respond(&world.answer(&place, None, "ada"));

    let browsers: Vec<_> = (0..8).map(|_| world.app.browser()).collect();
    let pages = all(browsers.iter().map(|browser| world.post(browser, &place, &xml))).await;
    let late = world.post(&waiting, &place, &xml).await;
    // Only the assertion is signed: whoever has it may write whatever they like around it.
    let passed_off = xml.replacen(" Destination=", &format!(" InResponseTo=\"{request}\" Destination="), 1);
    let passed_off = waiting.follow(world.post(&waiting, &place, &passed_off).await).await;
    let asked = world.idp.respond(&world.answer(&place, Some(&request), "ada"));
    let stripped = asked.replacen(&format!(" InResponseTo=\"{request}\""), "", 1);
    let stripped = world.post(&world.app.browser(), &place, &stripped).await;
    let check = world.failed_check().await;

    assert_eq!(pages.iter().filter(|page| begins(page)).count(), 1);
    assert_eq!(pages.iter().filter(|page| page.status == 400).count(), 7);
    assert_eq!(late.status, 400);
    assert_eq!((passed_off.status.as_u16(), passed_off.cookies().len()), (403, 0), "{}", passed_off.body);
    assert_eq!((stripped.status.as_u16(), begins(&stripped)), (403, false));
    assert_eq!(check.as_deref(), Some("confirmation_in_response_to"));
    assert!(world.sessions().await.is_empty());
}

#[tokio::test]
async fn what_is_wrong_with_an_unsolicited_response_is_refused() {
    let world = ready().await;
    let (place, second) = (world.place("directory").await, world.place("second").await);
    let globex = world.place("globex-directory").await;
    let good = world.answer(&place, None, "ada");

    let mut wrong = vec![
        ("a foreign key", orgate_tests::saml_provider::sign(world.idp.response(&good), world.idp.foreign())),
        ("altered", world.idp.respond(&good).replace("ada@acme.test", "vic@acme.test")),
        ("for another connection", world.idp.respond(&world.answer(&second, None, "ada"))),
        ("for another organization", world.idp.respond(&world.answer(&globex, None, "ada"))),
        ("another audience", world.idp.respond(&Answer { audience: second.at("metadata"), ..good.clone() })),
    ];
    let late = Answer { issued_at: good.issued_at - chrono::Duration::hours(1), ..good.clone() };
    wrong.push(("late", world.idp.respond(&late)));
    for (what, xml) in wrong {
        let page = world.post(&world.app.browser(), &place, &xml).await;
        assert_eq!((page.status.as_u16(), page.location(), page.cookies().len()), (403, None, 0), "{what}");
    }
    world.set_organization("suspended").await;
    let suspended = world.post(&world.app.browser(), &place, world.idp.respond(&good)).await;
    world.set_organization("active").await;
    let right = world.post(&world.app.browser(), &place, world.idp.respond(&good)).await;

    assert_eq!((suspended.status.as_u16(), suspended.location()), (400, None));
    assert!(begins(&right), "{} {}", right.status, right.body);
    assert!(world.sessions().await.is_empty());
}
