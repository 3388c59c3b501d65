//! A suspended organization and a disabled application, on every way back from a provider; and SAML linking.

use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_flows::federation::begin::{Departure, begin_test};
use orgate_tests::app::{App, Browser, Page, SAMPLES};
use url::Url;

use super::saml_world::{JIT, Place, SamlWorld, request_id};
use super::world::{World, member};

const COOKIE: &str = "the-cookie-of-whoever-sets-connections-up-x";

/// Switches the application off, or on again.
async fn set_application(app: &App, status: &str) {
    let file = SAMPLES.replace("client_id: notes\n", &format!("client_id: notes\n    status: {status}\n"));
    let clients = file.split_once("clients:").expect("the clients").1;
    app.apply(&format!("clients:{clients}")).await;
}

async fn set_organization(world: &World, status: &str) {
    let change = sqlx::query("update organizations set status = $1 where slug = 'acme'");
    change.bind(status).execute(world.app.database.superuser()).await.expect("changed");
    world.app.env.configuration.forget();
}

/// Refused, with nothing left in the browser.
fn is_refused(page: &Page) -> bool {
    (page.status == 400 || page.status == 403) && page.location().is_none() && page.cookies().is_empty()
}

#[tokio::test]
async fn an_openid_providers_answer_is_refused_while_organization_or_application_is_off() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));

    let browser = world.app.browser();
    let departure = world.depart(&browser).await;
    set_organization(&world, "suspended").await;
    let suspended = browser.get(world.provider.answer(&departure)).await;
    set_organization(&world, "active").await;
    let departure = world.depart(&browser).await;
    set_application(&world.app, "disabled").await;
    let disabled = browser.get(world.provider.answer(&departure)).await;
    let sessions = world.sessions().await;
    set_application(&world.app, "active").await;
    let right = world.arrive(&browser).await;

    assert!(is_refused(&suspended), "{} {}", suspended.status, suspended.body);
    assert!(is_refused(&disabled), "{} {}", disabled.status, disabled.body);
    assert_eq!(sessions, 0);
    assert!(!right.answer("code").is_empty());
}

#[tokio::test]
async fn a_saml_response_is_refused_while_the_organization_is_suspended() {
    let world = SamlWorld::start().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let respond = async |request: &str| {
        let answer = world.answer(&place, Some(request), "ada");
        world.post(&browser, &place, world.idp.respond(&answer)).await
    };

    let first = world.depart(&browser, "acme", &place).await;
    let second = world.depart(&browser, "acme", &place).await;
    let kept = respond(&first).await.location().expect("a way on");
    world.set_organization("suspended").await;
    let finish = browser.get(kept.as_str()).await;
    let acs = respond(&second).await;
    let sessions = world.sessions().await;
    world.set_organization("active").await;
    let request = world.depart(&browser, "acme", &place).await;
    let right = browser.follow(respond(&request).await).await;

    assert!(is_refused(&finish), "{} {}", finish.status, finish.body);
    assert!(is_refused(&acs), "{} {}", acs.status, acs.body);
    assert!(sessions.is_empty());
    assert!(!right.answer("code").is_empty());
}

#[tokio::test]
async fn a_saml_response_is_refused_while_the_application_is_disabled() {
    let world = SamlWorld::start().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let respond = async |request: &str| {
        let answer = world.answer(&place, Some(request), "ada");
        world.post(&browser, &place, world.idp.respond(&answer)).await
    };

    let first = world.depart(&browser, "acme", &place).await;
    let second = world.depart(&browser, "acme", &place).await;
    let kept = respond(&first).await.location().expect("a way on");
    set_application(&world.app, "disabled").await;
    let finish = browser.get(kept.as_str()).await;
    let both = browser.follow(respond(&second).await).await;
    let sessions = world.sessions().await;
    set_application(&world.app, "active").await;
    let request = world.depart(&browser, "acme", &place).await;
    let right = browser.follow(respond(&request).await).await;

    assert!(is_refused(&finish), "{} {}", finish.status, finish.body);
    assert!(is_refused(&both), "{} {}", both.status, both.body);
    assert!(sessions.is_empty());
    assert!(!right.answer("code").is_empty());
}

/// Presses the button of the page that links; the id of our request.
async fn depart_to_link(browser: &Browser, place: &Place) -> String {
    let page = browser.get(place.at("link")).await;
    let left = browser.post(place.at("link"), &[("csrf", &page.field("csrf"))]).await;
    let link = left.body.split("class=\"button\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = link.unwrap_or_else(|| panic!("no departure: {} {}", left.status, left.body));
    request_id(&Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).expect("an address"))
}

async fn links(world: &SamlWorld) -> i64 {
    let count = sqlx::query_scalar("select count(*) from identity_links");
    count.fetch_one(world.app.database.superuser()).await.expect("a count")
}

#[tokio::test]
async fn a_user_links_by_saml_and_nobody_does_so_for_them() {
    let world = SamlWorld::with("", "").await;
    let place = world.place("directory").await;
    let (browser, victim) = (world.app.browser(), world.app.browser());
    browser.sign_in_to("acme", "ada@acme.test").await;
    victim.sign_in_to("acme", "vic@acme.test").await;
    let respond = async |browser: &Browser, request: &str| {
        let mut answer = world.answer(&place, Some(request), "nobody yet");
        answer.email = "private@elsewhere.test".to_owned();
        world.post(browser, &place, world.idp.respond(&answer)).await
    };

    let stranger = world.app.browser();
    let request = world.depart(&stranger, "acme", &place).await;
    let before = stranger.follow(respond(&stranger, &request).await).await;
    let request = depart_to_link(&browser, &place).await;
    let finish = respond(&browser, &request).await.location().expect("a way on");
    let tricked = victim.get(finish.as_str()).await;
    let not_yet = links(&world).await;
    let linked = browser.get(finish.as_str()).await;
    let again = browser.get(finish.as_str()).await;
    let request = world.depart(&stranger, "acme", &place).await;
    let after = stranger.follow(respond(&stranger, &request).await).await;

    assert_eq!(before.status, 403);
    assert_eq!((tricked.status.as_u16(), not_yet), (400, 0));
    assert_eq!((linked.status.as_u16(), again.status.as_u16()), (200, 400), "{}", linked.body);
    let tokens = world.app.redeem(&after.answer("code")).await;
    assert_eq!(tokens.claims("id_token")["email"], "ada@acme.test");
    assert_eq!(links(&world).await, 1);
}

#[tokio::test]
async fn nothing_is_linked_while_the_organization_is_suspended() {
    let world = SamlWorld::with("", "").await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    browser.sign_in_to("acme", "ada@acme.test").await;
    let request = depart_to_link(&browser, &place).await;
    let xml = world.idp.respond(&world.answer(&place, Some(&request), "nobody yet"));
    let finish = world.post(&browser, &place, xml).await.location().expect("a way on");

    world.set_organization("suspended").await;
    let page = browser.get(place.at("link")).await;
    let late = browser.get(finish.as_str()).await;

    assert!(is_refused(&page), "{} {}", page.status, page.body);
    assert!(is_refused(&late), "{} {}", late.status, late.body);
    assert_eq!(links(&world).await, 0);
}

/// Begins a dry run as whoever sets the connection up; the id of our request, and their browser.
async fn begin_dry_run(world: &SamlWorld, place: &Place) -> (String, Browser) {
    let administrator = orgate_flows::Browser {
        binding: SecretHash::of(COOKIE.as_bytes()),
        sessions: Vec::new(),
        misplaced: Vec::new(),
        origin: Origin::default(),
    };
    let scope = world.app.org("acme").await;
    let departure = begin_test(&world.app.env, &scope, place.id, &administrator).await.expect("a departure");
    let Departure::Redirect(to) = departure else { panic!("a form: {departure:?}") };
    let browser = world.app.browser_with(&format!("orgate_browser={COOKIE}"));
    (request_id(&Url::parse(&to).expect("an address")), browser)
}

/// What is known of the connection.
async fn state(world: &SamlWorld) -> String {
    let state = sqlx::query_scalar("select state from connections where slug = 'directory'");
    state.fetch_one(world.app.database.superuser()).await.expect("the connection")
}

#[tokio::test]
async fn a_dry_run_by_saml_signs_nobody_in_and_proves_nothing_for_a_suspended_organization() {
    let world = SamlWorld::with("", JIT).await;
    let place = world.place("directory").await;
    world.set_state("draft").await;
    let respond = async |browser: &Browser, request: &str| {
        let posted =
            world.post(browser, &place, world.idp.respond(&world.answer(&place, Some(request), "ada"))).await;
        posted.location().expect("a way on")
    };

    let (request, browser) = begin_dry_run(&world, &place).await;
    let finish = respond(&browser, &request).await;
    world.set_organization("suspended").await;
    let suspended = browser.get(finish.as_str()).await;
    let unproven = state(&world).await;
    world.set_organization("active").await;
    let (request, browser) = begin_dry_run(&world, &place).await;
    let finish = respond(&browser, &request).await;
    let elsewhere = world.app.browser().get(finish.as_str()).await;
    let right = browser.get(finish.as_str()).await;

    assert!(is_refused(&suspended), "{} {}", suspended.status, suspended.leads_to());
    assert_eq!(unproven, "draft");
    assert!(is_refused(&elsewhere));
    assert!(right.leads_to().starts_with("/setup/test/"), "{} {}", right.status, right.body);
    assert_eq!((state(&world).await.as_str(), right.cookies().len()), ("tested", 0));
    assert!(world.sessions().await.is_empty());
}
