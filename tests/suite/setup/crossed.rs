//! A link of one organization, passed off as another's: whichever of the ids is exchanged, it opens nothing.

use orgate_domain::credentials::{SetupCookie, SetupLink as LinkSecret};
use orgate_domain::ids::OrgId;
use orgate_tests::app::{Browser, Page};
use reqwest::StatusCode;

use super::world::{Link, World, open_in};
use crate::attacks::relabelled;

/// Events about links that were not let in.
async fn refusals(world: &World, organization: &str) -> Vec<String> {
    let events = world.app.events(organization).await;
    events.into_iter().filter(|event| event.starts_with("setup_link.refused")).collect()
}

/// The page of a link that opens nothing, which says the same of everything.
fn opens_nothing(page: &Page, what: &str) {
    assert_eq!((page.status, page.location()), (StatusCode::NOT_FOUND, None), "{what}: {}", page.body);
    assert!(page.body.contains("opens nothing"), "{what}: {}", page.body);
    assert!(!page.body.contains("Acme") && !page.body.contains("Globex"), "{what}: {}", page.body);
    assert!(!goes_on(page), "{what}: {:?}", page.cookies());
}

/// Whether the browser is given what it goes on with.
fn goes_on(page: &Page) -> bool {
    let given = page
        .cookies()
        .into_iter()
        .filter_map(|cookie| cookie.strip_prefix("orgate_setup=").map(str::to_owned));
    given.into_iter().any(|value| !value.starts_with(';'))
}

fn without_request(page: &Page) -> String {
    let (before, after) = page.body.split_once("req_").expect("a request number");
    format!("{before}{}", &after[26..])
}

#[tokio::test]
async fn a_link_that_is_relabelled_opens_nothing_and_the_one_whose_label_it_has_learns_of_it() {
    let world = World::start().await;
    let link = world.link("acme", &["admin"]).await;
    let (address, secret) = link.url.split_once("link=").expect("a secret");
    let globex = world.app.org("globex").await.org_id();
    let nowhere = OrgId::from_uuid(orgate_tests::fixture::uuid());
    let at_globex = relabelled::<LinkSecret>(secret, globex);
    let at_nowhere = relabelled::<LinkSecret>(secret, nowhere);

    let looked = world.app.browser().get(format!("{address}link={at_globex}")).await;
    let unknown = world.app.browser().get(format!("{address}link={at_nowhere}")).await;
    let landing = world.app.browser();
    let csrf = landing.get(&link.url).await.field("csrf");
    let begun = landing.post("/setup/begin", &[("link", &at_globex), ("csrf", &csrf)]).await;

    opens_nothing(&looked, "looked at");
    opens_nothing(&unknown, "of nobody");
    assert_eq!(without_request(&looked), without_request(&unknown), "whether there is such an organization");
    assert_eq!((begun.status.as_u16(), begun.location()), (403, None), "{}", begun.body);
    assert!(!goes_on(&begun), "{:?}", begun.cookies());
    assert_eq!(landing.get("/setup/connections").await.status, StatusCode::NOT_FOUND);
    assert_eq!(refusals(&world, "globex").await, ["setup_link.refused refused unknown_link"]);
    assert_eq!(refusals(&world, "acme").await, [] as [&str; 0]);
    assert_eq!(open_in(&landing, &link).await.leads_to(), "/setup/connections", "and nothing happened to it");
}

/// The halves of the cookie with which a browser goes on: the link's id, and what proves it.
async fn cookie_of(browser: &Browser, link: &Link) -> (String, String) {
    let opened = open_in(browser, link).await;
    let cookies = opened.cookies();
    let cookie = cookies.iter().find_map(|cookie| cookie.strip_prefix("orgate_setup=")).expect("a cookie");
    let (id, proof) = cookie.split(';').next().expect("a value").split_once('.').expect("two halves");
    (id.to_owned(), proof.to_owned())
}

#[tokio::test]
async fn the_cookie_of_a_link_with_anything_of_another_links_opens_nothing() {
    let world = World::start().await;
    // One browser opens a link of each, so that the cookies differ in nothing else.
    let browser = world.app.browser();
    let first = world.link("acme", &[]).await;
    let landing = browser.get(&first.url).await;
    let binding = landing.cookies().into_iter().find(|cookie| cookie.starts_with("orgate_browser="));
    let binding = binding.expect("a browser's cookie").split(';').next().expect("a value").to_owned();
    let acme = cookie_of(&browser, &first).await;
    let second = cookie_of(&browser, &world.link("acme", &[]).await).await;
    let globex = cookie_of(&browser, &world.link("globex", &[]).await).await;
    let globex_id = world.app.org("globex").await.org_id();
    let with = async |id: &str, proof: &str| {
        let browser = world.app.browser_with(&format!("{binding}; orgate_setup={id}.{proof}"));
        browser.get("/setup/connections").await
    };

    for (what, id, proof) in [
        ("another's link", &globex.0, &acme.1),
        ("another's proof", &acme.0, &globex.1),
        ("another link of the same", &second.0, &acme.1),
        ("relabelled", &acme.0, &relabelled::<SetupCookie>(&acme.1, globex_id)),
        ("another's link, relabelled", &globex.0, &relabelled::<SetupCookie>(&acme.1, globex_id)),
    ] {
        opens_nothing(&with(id, proof).await, what);
    }
    let own = [with(&acme.0, &acme.1).await, with(&globex.0, &globex.1).await];

    assert!(own[0].body.contains("Acme Inc") && !own[0].body.contains("Globex"), "{}", own[0].body);
    assert!(own[1].body.contains("Globex Corporation") && !own[1].body.contains("Acme"), "{}", own[1].body);
    // What proves nothing is of nobody: there is no log that it could be in.
    assert_eq!((refusals(&world, "acme").await, refusals(&world, "globex").await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_link_asks_for_no_proof_of_a_domain_that_only_another_organization_claimed() {
    let world = World::start().await;
    let acme = world.open(&world.link("acme", &[]).await).await;
    let globex = world.open(&world.link("globex", &[]).await).await;
    globex.post("/setup/domains", &[("domain", "claimed.test")]).await;
    let before: Vec<String> = world.app.events("globex").await;

    let page = acme.post("/setup/domains/verify", &[("domain", "claimed.test")]).await;
    let page = acme.browser.follow(page).await;

    assert!(!page.body.contains("claimed.test"), "{}", page.body);
    assert!(globex.browser.get("/setup/domains").await.body.contains("claimed.test"));
    assert_eq!(world.app.events("globex").await, before);
}
