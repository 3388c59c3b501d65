//! The page on which a signed-in user links an identity, from its button to the end, and everything that ends it
//! before: nothing but the whole way links.

use chrono::Duration;
use orgate_domain::ids::ConnectionId;
use orgate_tests::app::{Browser, PASSWORD, Page};
use orgate_tests::openid_provider::OpenIdProvider;
use orgate_tests::saml_provider::Answer;
use serde_json::json;
use url::Url;

use super::forms::{Form, attribute};
use super::link::{address, depart, is_linked, links, ready, signed_in};
use super::saml_world::SamlWorld;
use super::world::{JIT, World, acme};

/// Where a page goes on to by itself, which is where its button leads.
fn onward(page: &Page) -> Url {
    assert_eq!((page.status.as_u16(), page.location()), (200, None), "{}", page.body);
    let button = page.body.split("<a class=\"button\"").nth(1).expect("a button");
    let to = attribute(button, "href");
    let refresh = page.body.split("http-equiv=\"refresh\"").nth(1).expect("it goes on by itself");
    assert_eq!(attribute(refresh, "content"), format!("0; url={to}"));
    Url::parse(&to).expect("an address")
}

/// Who the identity's user is, if anybody is.
async fn owner(world: &World) -> Vec<String> {
    let owner = "select organization.slug || ' ' || users.email from identity_links link
                 join users on users.id = link.user_id and users.org_id = link.org_id
                 join organizations organization on organization.org_id = link.org_id";
    sqlx::query_scalar(owner).fetch_all(world.app.database.superuser()).await.expect("the links")
}

async fn is_signed_in(browser: &Browser, organization: &str) -> bool {
    let page = browser.authorize(&[("organization", organization), ("prompt", "none")]).await;
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
}

#[tokio::test]
async fn a_browser_without_script_comes_from_the_page_to_the_end() {
    let world = ready().await;
    let browser = signed_in(&world, "ada@acme.test").await;

    let page = browser.get(address(&world).await).await;
    let form = Form::of(&page);
    let left = form.press(&browser, None).await;
    let departure = onward(&left);
    let linked = browser.get(world.provider.answer(&departure)).await;

    assert_eq!((form.action.as_str(), form.names()), (&*address(&world).await, vec!["request", "csrf"]));
    for text in ["Acme Inc", "Ada", "Provider of workforce"] {
        assert!(page.body.contains(text), "{text}: {}", page.body);
    }
    assert!(left.body.contains("to prove who you are there"), "{}", left.body);
    assert!(departure.as_str().starts_with(world.provider.issuer()), "{departure}");
    assert!(
        is_linked(&linked) && linked.body.contains("Provider of workforce</bdi> is linked"),
        "{}",
        linked.body
    );
    for page in [&page, &left, &linked] {
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
    assert_eq!(owner(&world).await, ["acme ada@acme.test"]);
    assert!(is_signed_in(&browser, "acme").await, "the session is as it was");
}

#[tokio::test]
async fn the_account_leads_there_whoever_signed_in_just_now_and_says_what_is_linked() {
    let world = ready().await;
    let (ada, vic) = (signed_in(&world, "ada@acme.test").await, signed_in(&world, "vic@acme.test").await);
    let (place, ways_in) = (address(&world).await, "/account/sign-in?organization=acme");

    let before = ada.get(ways_in).await;
    let departure = depart(&world, &ada).await;
    ada.get(world.provider.answer(&departure)).await;
    let linked = ada.get(ways_in).await;
    let of_vic = vic.get(ways_in).await;
    world.app.clock.advance(Duration::minutes(11));
    let late = vic.get(ways_in).await;

    let pages = [&before, &linked, &of_vic, &late];
    assert!(pages.iter().all(|page| page.body.contains("Provider of workforce")), "{}", before.body);
    let offers = |page: &Page| page.body.contains(&format!("href=\"{place}\""));
    assert_eq!(pages.map(offers), [true, false, true, false]);
    let says = |page: &Page| page.body.contains(">Linked<");
    assert_eq!(pages.map(says), [false, true, false, false], "an identity is its user's alone");
    assert!(late.body.contains("within the last ten minutes"), "{}", late.body);
}

#[tokio::test]
async fn whoever_cancels_at_the_provider_links_nothing_and_may_begin_anew() {
    let world = ready().await;
    let browser = signed_in(&world, "ada@acme.test").await;

    let departure = depart(&world, &browser).await;
    let answer = world.provider.answer(&departure);
    let state = answer.query_pairs().find(|(name, _)| name == "state").expect("a state").1.into_owned();
    let mut cancelled = answer.clone();
    cancelled.query_pairs_mut().clear().append_pair("error", "access_denied").append_pair("state", &state);
    let told = browser.get(cancelled.clone()).await;
    let check = world.failed_check().await;
    let event = world.last_event().await;
    let after_all = [browser.get(cancelled).await, browser.get(answer).await];
    let nothing = links(&world).await;
    let departure = depart(&world, &browser).await;
    let anew = browser.get(world.provider.answer(&departure)).await;

    assert_eq!((told.status.as_u16(), told.cookies().len()), (403, 0), "{}", told.body);
    assert_eq!(
        (check.as_deref(), event.as_str()),
        (Some("provider_answer"), "upstream.refused refused provider_answer")
    );
    assert_eq!(after_all.map(|page| page.status.as_u16()), [400; 2], "the way is over");
    assert_eq!(nothing, 0);
    assert!(is_linked(&anew), "{} {}", anew.status, anew.body);
    assert!(is_signed_in(&browser, "acme").await);
}

#[tokio::test]
async fn a_page_of_another_browser_or_connection_or_that_is_old_sends_nobody_away() {
    let world = ready().await;
    let second = world.provider.connection("second", "acme.test", "");
    let first = world.provider.connection("workforce", "acme.test", "");
    world.app.apply(&acme("", &format!("{first}{second}"))).await;
    let (browser, other) =
        (signed_in(&world, "ada@acme.test").await, signed_in(&world, "ada@acme.test").await);
    let (org, second) = (world.app.org("acme").await.org_id(), world.connection("second").await);
    let token = |page: &Page| Form::of(page).value("csrf").to_owned();
    let own = browser.get(address(&world).await).await;
    let others = token(&other.get(address(&world).await).await);
    let of_second = token(&browser.get(format!("/sso/{org}/{second}/link")).await);
    let form = Form::of(&own);

    for csrf in [others.as_str(), &of_second, "", "x", &form.value("csrf").to_uppercase()] {
        let page = form.press(&browser, Some(("csrf", csrf))).await;

        assert_eq!((page.status.as_u16(), page.location()), (422, None), "{csrf}: {}", page.body);
        assert!(page.body.contains("This page had grown old"), "{}", page.body);
        assert!(!page.body.contains(world.provider.issuer()), "{csrf}: {}", page.body);
        assert_eq!(Form::of(&page).names(), form.names(), "it can be pressed again");
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from upstream_requests")
        .fetch_one(world.app.database.superuser())
        .await
        .expect("a count");
    assert_eq!(waiting, 0, "nothing began");
    let departure = onward(&form.press(&browser, None).await);
    assert!(is_linked(&browser.get(world.provider.answer(&departure)).await));
}

#[tokio::test]
async fn a_sign_in_that_is_over_or_was_too_long_ago_links_nothing_wherever_on_the_way() {
    let world = ready().await;
    // At the page, and on the way back.
    let (leaving, gone) =
        (signed_in(&world, "ada@acme.test").await, signed_in(&world, "ada@acme.test").await);
    let form = Form::of(&leaving.get(address(&world).await).await);
    let departure = depart(&world, &gone).await;

    world.run("update sessions set ended_at = now()").await;
    let signed_out = [
        leaving.get(address(&world).await).await,
        form.press(&leaving, None).await,
        gone.get(world.provider.answer(&departure)).await,
    ];
    let check = world.failed_check().await;
    let waiting = signed_in(&world, "ada@acme.test").await;
    let form = Form::of(&waiting.get(address(&world).await).await);
    world.app.clock.advance(Duration::minutes(11));
    let late = form.press(&waiting, None).await;
    let page = waiting.authorize(&[("organization", "acme"), ("prompt", "login")]).await;
    waiting.sign_in(page, "ada@acme.test", PASSWORD).await.answer("code");
    let again = form.press(&waiting, None).await;

    assert_eq!(signed_out.each_ref().map(|page| page.status.as_u16()), [403; 3]);
    assert_eq!(check.as_deref(), Some("link_session"));
    assert_eq!(late.status, 403);
    for page in [&signed_out[0], &signed_out[1], &late] {
        assert!(page.body.contains("fresh_sign_in_required"), "{}", page.body);
        assert!(!page.body.contains("workforce"), "{}", page.body);
    }
    assert!(onward(&again).as_str().starts_with(world.provider.issuer()), "whoever signs in anew goes on");
    assert_eq!(links(&world).await, 0);
}

#[tokio::test]
async fn being_signed_in_to_another_organization_is_nothing_here() {
    let world = ready().await;
    let theirs = OpenIdProvider::start().await;
    let connection = theirs.connection("theirs", "globex.test", JIT);
    let globex = acme("", &connection).replace("acme", "globex").replace("Acme Inc", "Globex Corporation");
    world.app.apply(&globex).await;
    let stranger = world.app.browser();
    stranger.sign_in_to("globex", "gus@globex.test").await;
    let (acme_id, globex_id) = (world.app.org("acme").await.org_id(), world.app.org("globex").await.org_id());
    let (workforce, theirs) = (world.connection("workforce").await, world.connection("theirs").await);

    let own = address(&world).await;
    let at_acme = stranger.get(&own).await;
    let posted = stranger.post(&own, &[("request", ""), ("csrf", "x")]).await;
    let no_such = stranger.get(format!("/sso/{acme_id}/{theirs}/link")).await;
    let crossed = stranger.get(format!("/sso/{globex_id}/{workforce}/link")).await;
    let nobody = ConnectionId::from_uuid(orgate_tests::fixture::uuid());
    let nobodys = stranger.get(format!("/sso/{globex_id}/{nobody}/link")).await;
    let token = Form::of(&stranger.get(format!("/sso/{globex_id}/{theirs}/link")).await);
    stranger.sign_in_to("acme", "ada@acme.test").await; // now they are in both
    let borrowed = stranger.post(&own, &[("request", ""), ("csrf", token.value("csrf"))]).await;
    let departure = depart(&world, &stranger).await;
    let elsewhere = world.provider.answer(&departure);
    let elsewhere = elsewhere.as_str().replace(&acme_id.to_string(), &globex_id.to_string());
    let at_globex = stranger.get(&elsewhere).await;
    let at_theirs = stranger.get(elsewhere.replace(&workforce.to_string(), &theirs.to_string())).await;
    let nothing = links(&world).await;
    let linked = stranger.get(world.provider.answer(&departure)).await;

    assert_eq!([&at_acme, &posted, &no_such].map(|page| page.status.as_u16()), [403; 3]);
    assert_eq!([&crossed, &nobodys].map(|page| page.status.as_u16()), [404; 2]);
    for page in [&at_acme, &posted, &crossed] {
        assert!(!page.body.contains("workforce") && !page.body.contains("Acme"), "{}", page.body);
    }
    assert_eq!(borrowed.status, 422, "a page of Globex is none of Acme");
    assert_eq!((at_globex.status.as_u16(), at_theirs.status.as_u16(), nothing), (400, 400, 0));
    assert!(is_linked(&linked), "{} {}", linked.status, linked.body);
    assert_eq!(owner(&world).await, ["acme ada@acme.test"]);
    let refused = async |organization: &str| {
        let events = world.app.events(organization).await.into_iter();
        events.filter(|event| event.starts_with("upstream.refused")).collect::<Vec<_>>()
    };
    assert_eq!(
        refused("acme").await,
        ["upstream.refused refused other_connection"],
        "whose it is learns of it"
    );
    assert_eq!(refused("globex").await, [] as [&str; 0], "and the other one nothing");
}

#[tokio::test]
async fn an_identity_of_a_saml_provider_is_linked_by_forms_alone_and_once() {
    let world = SamlWorld::with("              sso_binding: post\n", "").await;
    let place = world.place("directory").await;
    let (browser, thief) = (world.app.browser(), world.app.browser());
    for browser in [&browser, &thief] {
        browser.sign_in_to("acme", "ada@acme.test").await;
    }

    let page = browser.get(place.at("link")).await;
    let left = Form::of(&page).press(&browser, None).await;
    let form = Form::of(&left);
    let xml = String::from_utf8(form.message("SAMLRequest")).expect("text");
    let request = xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
    let answer = Answer { email: String::new(), ..world.answer(&place, Some(request), "nobody-yet") };
    let response = world.idp.respond(&answer);
    let posted = world.post(&world.app.browser(), &place, &response).await;
    let finish = posted.location().expect("a way on");
    let stolen = thief.get(finish.clone()).await;
    let linked = browser.get(finish.clone()).await;
    let again = [browser.get(finish).await, world.post(&browser, &place, &response).await];
    world.configure("", "").await; // from here on by redirect
    let signed_in = world.sign_in(("acme", "directory"), ("nobody-yet", "first")).await;

    assert_eq!(form.action, world.idp.sso_url());
    assert!(left.body.contains("to prove who you are there"), "{}", left.body);
    assert_eq!((stolen.status.as_u16(), stolen.cookies().len()), (400, 0));
    assert!(is_linked(&linked) && linked.body.contains("is linked"), "{} {}", linked.status, linked.body);
    assert_eq!(again.map(|page| page.status.as_u16()), [400; 2]);
    assert_eq!(signed_in.tokens.claims("id_token")["email"], json!("ada@acme.test"));
}
