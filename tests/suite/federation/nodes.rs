//! What an identity provider said is taken once, by however many nodes there are, and whatever they forget.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_tests::app::{Browser, NEXT_MASTER_KEY, Page};
use orgate_tests::node::Node;
use url::Url;

use super::saml_world::{JIT, Place, SamlWorld};
use super::unsolicited::{CLIENTS, allowing, begins};
use super::world::{World, all, member};

/// Posts a response at this address.
async fn post(browser: &Browser, acs: Url, xml: &str) -> Page {
    browser.post(acs, &[("SAMLResponse", &BASE64_STANDARD.encode(xml))]).await
}

/// The address at which a response is posted, at the first node and at the second.
fn addresses(place: &Place, other: &Node) -> [Url; 2] {
    let acs = place.at("acs");
    [Url::parse(&acs).expect("an address"), other.at(&acs)]
}

/// The same assertion in a response that is another.
fn wrapped_anew(xml: &str) -> String {
    let id = xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    xml.replacen(id, &orgate_tests::saml_provider::new_id(), 1)
}

async fn refusals(world: &SamlWorld) -> Vec<String> {
    let mut events = world.app.events("acme").await;
    events.retain(|event| event.starts_with("upstream.refused"));
    events.sort();
    events.dedup(); // each node writes the first that it sees
    events
}

#[tokio::test]
async fn a_response_is_taken_by_one_node_and_gone_on_with_at_another() {
    let world = SamlWorld::start().await;
    let other = Node::beside(&world.app).await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let addresses = addresses(&place, &other);
    let request = world.depart(&browser, "acme", &place).await;
    let xml = world.idp.respond(&world.answer(&place, Some(&request), "ada"));

    let browsers: Vec<_> = (0..8).map(|_| world.app.browser()).collect();
    let posts = browsers.iter().enumerate();
    let pages = all(posts.map(|(n, browser)| post(browser, addresses[n % 2].clone(), &xml))).await;
    let late = all(addresses.iter().map(|acs| post(&browser, acs.clone(), &xml))).await;
    let anew = wrapped_anew(&xml);
    let anew = all(addresses.iter().map(|acs| post(&browser, acs.clone(), &anew))).await;
    let taken: Vec<_> = pages.iter().filter_map(Page::location).collect();
    let finish = taken.first().expect("one is taken").as_str().to_owned();
    let arrived = browser.get(other.at(&finish)).await;
    let again = [browser.get(&finish).await, browser.get(other.at(&finish)).await];

    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(pages.iter().filter(|page| page.status == 400).count(), 7);
    for page in late.iter().chain(&anew).chain(&again) {
        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{}", page.body);
    }
    assert_eq!(world.app.redeem(&arrived.answer("code")).await.status, 200, "and a code is anybody's");
    assert_eq!(world.sessions().await, ["directory session of ada"]);
    let known = refusals(&world).await;
    assert!(known.contains(&"upstream.refused refused replayed_response".to_owned()), "{known:?}");
}

#[tokio::test]
async fn a_response_that_nobody_asked_for_is_taken_by_one_node() {
    let world = SamlWorld::start().await;
    world.app.apply(CLIENTS).await;
    world.configure(&allowing("portal"), JIT).await;
    let other = Node::beside(&world.app).await;
    let place = world.place("directory").await;
    let addresses = addresses(&place, &other);
    let xml = world.idp.respond(&world.answer(&place, None, "ada"));

    let browsers: Vec<_> = (0..8).map(|_| world.app.browser()).collect();
    let posts = browsers.iter().enumerate();
    let pages = all(posts.map(|(n, browser)| post(browser, addresses[n % 2].clone(), &xml))).await;
    let anew = wrapped_anew(&xml);
    let anew = all(addresses.iter().map(|acs| post(&browsers[0], acs.clone(), &anew))).await;

    assert_eq!(pages.iter().filter(|page| begins(page)).count(), 1);
    assert_eq!(pages.iter().chain(&anew).filter(|page| page.status == 400).count(), 9);
    assert!(world.sessions().await.is_empty());
}

#[tokio::test]
async fn a_node_that_was_started_anew_knows_what_was_taken_before() {
    let world = SamlWorld::start().await;
    let (place, browser) = (world.place("directory").await, world.app.browser());
    let acs = place.at("acs");
    let request = world.depart(&browser, "acme", &place).await;
    let xml = world.idp.respond(&world.answer(&place, Some(&request), "ada"));
    let logout = world.logout(&place, "ada", &["another"]).query(None, world.idp.key());
    let slo = format!("{}?{logout}", place.at("slo"));

    let before = Node::beside(&world.app).await;
    let posted = post(&browser, before.at(&acs), &xml).await;
    let answered = browser.get(before.at(&slo)).await;
    before.stop().await;
    let after = Node::beside(&world.app).await;
    let replayed = [
        post(&browser, after.at(&acs), &xml).await,
        post(&browser, after.at(&acs), &wrapped_anew(&xml)).await,
        browser.get(after.at(&slo)).await,
    ];
    let finish = posted.location().expect("a way on").as_str().to_owned();
    let arrived = browser.get(after.at(&finish)).await;

    assert!(answered.location().is_some(), "{} {}", answered.status, answered.body);
    assert_eq!(replayed.map(|page| page.status.as_u16()), [400; 3]);
    assert!(!arrived.answer("code").is_empty(), "who was on the way arrives all the same");
    let known = refusals(&world).await;
    assert!(known.contains(&"upstream.refused refused replayed_logout".to_owned()), "{known:?}");
}

#[tokio::test]
async fn an_answer_of_an_openid_provider_is_taken_by_one_node() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let other = Node::beside(&world.app).await;
    let browser = world.app.browser();
    let departure = world.depart(&browser).await;
    let answer = world.provider.answer(&departure);
    let addresses = [answer.clone(), other.at(answer.as_str())];

    let pages = all((0..8).map(|n| browser.get(addresses[n % 2].clone()))).await;

    let arrived = pages.iter().filter(|page| page.location().is_some()).count();
    assert_eq!((arrived, world.sessions().await), (1, 1));
    assert_eq!(pages.iter().filter(|page| page.status == 400).count(), 7);
}

/// What a browser was sent with is derived from the master key of then.
#[tokio::test]
async fn whoever_is_at_a_provider_while_the_master_key_changes_comes_back() {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let browser = world.app.browser();
    let departure = world.depart(&browser).await;
    let other = Node::beside_with(&world.app, |settings| {
        let former = std::mem::replace(&mut settings.secrets.master_key, NEXT_MASTER_KEY.to_owned().into());
        settings.secrets.previous_master_key = former;
    })
    .await;

    let arrived = browser.get(other.at(world.provider.answer(&departure).as_str())).await;

    assert_eq!(world.app.redeem(&arrived.answer("code")).await.status, 200);
}
