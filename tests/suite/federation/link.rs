//! A signed-in user links an identity: by a sign-in of theirs just now, in this browser, and nobody else's identity.

use std::sync::Arc;

use chrono::Duration;
use orgate_tests::app::{Browser, PASSWORD, Page};
use serde_json::{Map, Value, json};
use url::Url;

use super::world::{World, member};

/// Whoever signs in at the provider is unknown to Acme; nobody is made.
pub(super) async fn ready() -> World {
    let world = World::with("").await;
    world.provider.user(json!({ "sub": "nobody yet" }));
    world
}

pub(super) async fn address(world: &World) -> String {
    let org = world.app.org("acme").await.org_id();
    format!("/sso/{org}/{}/link", world.connection("workforce").await)
}

/// A browser in which somebody has just signed in with their password.
pub(super) async fn signed_in(world: &World, email: &str) -> Browser {
    let browser = world.app.browser();
    browser.sign_in_to("acme", email).await;
    browser
}

/// Presses the page's button; where the browser is sent to.
pub(super) async fn depart(world: &World, browser: &Browser) -> Url {
    let page = browser.get(address(world).await).await;
    let left = browser.post(address(world).await, &[("csrf", &page.field("csrf"))]).await;
    let link = left.body.split("class=\"button\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let link = link.unwrap_or_else(|| panic!("no departure: {} {}", left.status, left.body));
    Url::parse(&link.replace("&#38;", "&").replace("&amp;", "&")).expect("an address")
}

/// The provider's clock, as Orgate's was put.
fn eleven_minutes_on(claims: &mut Map<String, Value>) {
    for name in ["iat", "exp"] {
        let at = claims[name].as_i64().expect("a time");
        claims.insert(name.to_owned(), json!(at + 660));
    }
}

pub(super) fn is_linked(page: &Page) -> bool {
    page.status == 200 && page.cookies().is_empty()
}

pub(super) async fn links(world: &World) -> i64 {
    let count = sqlx::query_scalar("select count(*) from identity_links");
    count.fetch_one(world.app.database.superuser()).await.expect("a count")
}

#[tokio::test]
async fn a_user_signs_in_by_the_identity_that_they_linked() {
    let world = ready().await;
    let browser = signed_in(&world, "ada@acme.test").await;

    let before = world.arrive(&world.app.browser()).await;
    let departure = depart(&world, &browser).await;
    let linked = browser.get(world.provider.answer(&departure)).await;
    let again = browser.get(world.provider.answer(&departure)).await;
    let tokens = world.sign_in(json!({ "sub": "nobody yet" })).await;

    assert_eq!(before.status, 403);
    assert!(is_linked(&linked), "{} {}", linked.status, linked.body);
    assert_eq!(again.status, 400, "an answer is taken once");
    assert_eq!(tokens.claims("id_token")["email"], "ada@acme.test");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"identity.linked success by_user".to_owned()), "{events:?}");
}

/// What is said of one identity is told in no session of another, whoever signed in last.
#[tokio::test]
async fn a_session_tells_what_is_said_of_the_identity_that_began_it() {
    let world = ready().await;
    world.configure("", "          mapping: { keep: [department] }\n").await;
    world.app.apply("clients: [{ client_id: notes, organization: operator, name: Notes, type: web, audience: all, redirect_uris: [\"http://localhost:9/callback\"], claims: [{ name: department, from: connection.attributes.department }] }]").await;
    for subject in ["at home", "at work"] {
        world.provider.user(json!({ "sub": subject }));
        let browser = signed_in(&world, "ada@acme.test").await;
        let departure = depart(&world, &browser).await;
        assert!(is_linked(&browser.get(world.provider.answer(&departure)).await), "{subject}");
    }

    let home = world.sign_in(json!({ "sub": "at home", "department": "Garden" })).await;
    let work = world.sign_in(json!({ "sub": "at work", "department": "R&D" })).await;
    let later = world.app.userinfo(&home.text("access_token")).await;
    let unlinked = sqlx::query("delete from identity_links where subject = 'at work'");
    unlinked.execute(world.app.database.superuser()).await.expect("unlinked");
    let gone = world.app.userinfo(&work.text("access_token")).await;

    assert_eq!(home.claims("id_token")["sub"], work.claims("id_token")["sub"], "one user");
    assert_eq!(
        [&home, &work].map(|tokens| tokens.claims("id_token")["department"].clone()),
        ["Garden", "R&D"]
    );
    assert_eq!((&later.body["department"], gone.body.get("department")), (&json!("Garden"), None));
}

#[tokio::test]
async fn whoever_has_not_just_signed_in_here_links_nothing() {
    let world = ready().await;
    let address = address(&world).await;
    let (stale, late) = (signed_in(&world, "ada@acme.test").await, signed_in(&world, "ada@acme.test").await);

    let nobody = world.app.browser().get(&address).await;
    let unproven = stale.post(&address, &[("csrf", "x")]).await;
    let departure = depart(&world, &late).await;
    world.app.clock.advance(Duration::minutes(11));
    world.provider.fault(|faults| faults.claims = Some(Arc::new(eleven_minutes_on)));
    let stale = stale.get(&address).await;
    let late = late.get(world.provider.answer(&departure)).await;

    assert_eq!([nobody.status, stale.status, late.status].map(|status| status.as_u16()), [403; 3]);
    assert_eq!(unproven.status, 422);
    assert_eq!(world.failed_check().await.as_deref(), Some("link_session"));
    assert_eq!(links(&world).await, 0);
}

#[tokio::test]
async fn what_one_browser_or_user_began_links_nothing_to_another() {
    let world = ready().await;
    let (attacker, victim) =
        (signed_in(&world, "vic@acme.test").await, signed_in(&world, "ada@acme.test").await);

    let departure = depart(&world, &attacker).await;
    let tricked = victim.get(world.provider.answer(&departure)).await;
    let page = attacker.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    attacker.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let switched = attacker.get(world.provider.answer(&departure)).await;

    assert_eq!((tricked.status.as_u16(), switched.status.as_u16()), (400, 403));
    assert_eq!(world.failed_check().await.as_deref(), Some("link_session"));
    assert_eq!(links(&world).await, 0);
}

#[tokio::test]
async fn an_identity_that_is_another_users_stays_theirs() {
    let world = ready().await;
    let vic = world.sign_in(member("vic", "vic@acme.test")).await.claims("id_token");
    let browser = signed_in(&world, "ada@acme.test").await;

    let departure = depart(&world, &browser).await;
    let taken = browser.get(world.provider.answer(&departure)).await;
    let check = world.failed_check().await;
    let again = world.sign_in(member("vic", "vic@acme.test")).await.claims("id_token");

    assert_eq!((taken.status.as_u16(), check.as_deref()), (403, Some("identity_taken")), "{}", taken.body);
    assert_eq!(again["sub"], vic["sub"]);
    assert_eq!(links(&world).await, 1);
}

#[tokio::test]
async fn a_connection_that_is_closed_links_nothing() {
    let world = ready().await;
    let browser = signed_in(&world, "ada@acme.test").await;

    for state in ["disabled", "draft", "tested", "pilot"] {
        world.set_state("active").await;
        let departure = depart(&world, &browser).await;
        world.set_state(state).await;
        let page = browser.get(address(&world).await).await;
        let late = browser.get(world.provider.answer(&departure)).await;

        assert_eq!((page.status.as_u16(), late.status.as_u16()), (404, 403), "{state}");
    }

    assert_eq!(links(&world).await, 0);
}
