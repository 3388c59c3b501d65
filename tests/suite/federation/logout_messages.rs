//! SAML single logout, received: what the provider signed for this connection ends what it names and is answered;
//! anything else ends nothing and leads nowhere.

use orgate_saml::binding::RedirectQuery;
use orgate_saml::logout::{IncomingLogout, LogoutCheck, LogoutOutcome, receive_response};
use orgate_tests::app::{Browser, Page, SIGNED_OUT};
use orgate_tests::saml_provider::{Logout, new_id};
use url::Url;

use super::saml_world::{Held, Place, SamlWorld, request_id};
use super::world::all;

/// Where whoever attacks would like to have the browser.
const EVIL: &str = "https://evil.test/";

async fn ada(world: &SamlWorld, sid: &str) -> Held {
    world.sign_in(("acme", "directory"), ("ada", sid)).await
}

/// Opens the single logout address with this query.
async fn by_redirect(browser: &Browser, place: &Place, query: &str) -> Page {
    browser.get(format!("{}?{query}", place.at("slo"))).await
}

async fn by_post(browser: &Browser, place: &Place, fields: &[(&str, &str)]) -> Page {
    browser.post(place.at("slo"), fields).await
}

fn query(url: &Url) -> &str {
    url.query().expect("a query")
}

/// Reads our answer as the provider would: the signature, what it answers, and the `RelayState`.
async fn read_answer(world: &SamlWorld, page: &Page, asked: &Logout) -> (LogoutOutcome, Option<String>) {
    let to = page.location().unwrap_or_else(|| panic!("no answer: {} {}", page.status, page.body));
    let slo_url = world.idp.slo_url();
    assert!(to.as_str().starts_with(&format!("{slo_url}?")), "{to}");
    let place = world.place("directory").await;
    let message = RedirectQuery::parse(query(&to)).expect("a message");
    let check = LogoutCheck {
        idp_entity_id: &place.at("metadata"),
        slo_url: &slo_url,
        now: world.app.env.clock.now(),
        clock_skew: chrono::Duration::zero(),
        max_age: chrono::Duration::minutes(1),
        signing_certificates: &[world.certificate(&place).await],
        decryption_keys: &[],
    };
    let read =
        receive_response(&check, Some(&asked.id), IncomingLogout::Redirect(&message)).expect("a good answer");
    (read.outcome, message.relay_state().map(str::to_owned))
}

#[tokio::test]
async fn a_signed_request_by_redirect_ends_the_session_that_it_names_and_is_answered() {
    let world = SamlWorld::start().await;
    let (named, other) = (ada(&world, "first").await, ada(&world, "second").await);
    let place = world.place("directory").await;

    let logout = world.logout(&place, "ada", &["first"]);
    let page = by_redirect(&named.browser, &place, &logout.query(Some("relay &=%"), world.idp.key())).await;

    let answer = read_answer(&world, &page, &logout).await;
    assert_eq!(answer, (LogoutOutcome::Success, Some("relay &=%".to_owned())));
    assert_eq!(world.sessions().await, ["directory second"]);
    assert_eq!(world.app.refresh(&named.tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.refresh(&other.tokens.text("refresh_token")).await.status, 200);
    let silent = [("organization", "acme"), ("prompt", "none")];
    assert_eq!(named.browser.authorize(&silent).await.answer("error"), "login_required");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"session.ended success upstream_logout".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_signed_request_by_post_does_so_too_without_the_browsers_cookies() {
    let world = SamlWorld::start().await;
    let named = ada(&world, "first").await;
    let place = world.place("directory").await;

    let logout = world.logout(&place, "ada", &["first"]);
    let form = logout.form(world.idp.key());
    let nobody = world.app.browser();
    let page = by_post(&nobody, &place, &[("SAMLRequest", &form), ("RelayState", "relay")]).await;

    assert_eq!(read_answer(&world, &page, &logout).await, (LogoutOutcome::Success, Some("relay".to_owned())));
    assert!(page.cookies().is_empty(), "a post of another site replaces no cookie");
    assert!(world.sessions().await.is_empty());
    assert_eq!(world.app.refresh(&named.tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
}

#[tokio::test]
async fn a_request_without_a_session_index_ends_all_of_the_user_at_that_connection() {
    let world = SamlWorld::start().await;
    ada(&world, "first").await;
    ada(&world, "second").await;
    world.sign_in(("acme", "directory"), ("vic", "third")).await;
    let place = world.place("directory").await;

    let logout = world.logout(&place, "ada", &[]);
    let page = by_redirect(&world.app.browser(), &place, &logout.query(None, world.idp.key())).await;

    assert_eq!(read_answer(&world, &page, &logout).await, (LogoutOutcome::Success, None));
    assert_eq!(world.sessions().await, ["directory third"]);
}

#[tokio::test]
async fn a_request_that_names_anothers_session_ends_nothing() {
    let world = SamlWorld::start().await;
    ada(&world, "first").await;
    let place = world.place("directory").await;

    let logout = world.logout(&place, "vic", &["first"]);
    let page = by_redirect(&world.app.browser(), &place, &logout.query(None, world.idp.key())).await;

    assert_eq!(read_answer(&world, &page, &logout).await.0, LogoutOutcome::Success, "that is as good");
    assert_eq!(world.sessions().await, ["directory first"]);
}

/// Queries that are refused, by what is wrong with them.
fn wrong_queries(world: &SamlWorld, place: &Place, second: &Place) -> Vec<(&'static str, String)> {
    let (key, foreign) = (world.idp.key(), world.idp.foreign());
    let good = || world.logout(place, "ada", &["first"]);
    let signed = || good().query(Some("relay"), key);
    let without = |name: &str| {
        let kept = signed();
        let kept: Vec<_> = kept.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    let message_of = |other: &Logout| {
        let other = other.query(None, key);
        let message = other.split('&').next().expect("a message").to_owned();
        let kept = signed();
        kept.split('&')
            .map(|pair| if pair.starts_with("SAMLRequest=") { &message } else { pair })
            .collect::<Vec<_>>()
            .join("&")
    };
    let changed = |change: &dyn Fn(&mut Logout)| {
        let mut logout = good();
        change(&mut logout);
        logout.query(Some("relay"), key)
    };
    vec![
        ("unsigned", good().query(None, key).split('&').next().expect("a message").to_owned()),
        ("no signature", without("Signature")),
        ("no algorithm", without("SigAlg")),
        ("foreign key", good().query(Some("relay"), foreign)),
        ("RelayState altered", signed().replace("RelayState=relay", "RelayState=other")),
        ("RelayState encoded anew", signed().replace("RelayState=relay", "RelayState=r%65lay")),
        ("RelayState gone", without("RelayState")),
        ("RelayState added", format!("{}&RelayState=x", good().query(None, key))),
        ("RelayState twice", format!("{}&RelayState=relay", signed())),
        ("another message", message_of(&world.logout(place, "ada", &[]))),
        ("two messages", format!("{}&SAMLResponse=x", signed())),
        ("as a response", signed().replace("SAMLRequest=", "SAMLResponse=")),
        ("algorithm replaced", signed().replace("rsa-sha256", "rsa-sha1")),
        ("destination of another connection", changed(&|logout| logout.destination = second.at("slo"))),
        ("destination of the acs", changed(&|logout| logout.destination = place.at("acs"))),
        ("no destination", changed(&|logout| logout.destination = String::new())),
        ("another issuer", changed(&|logout| logout.issuer = EVIL.to_owned())),
        ("old", changed(&|logout| logout.issued_at -= chrono::Duration::hours(1))),
        ("of the future", changed(&|logout| logout.issued_at += chrono::Duration::hours(1))),
        ("nothing", String::new()),
        ("garbage", "SAMLRequest=x&SigAlg=x&Signature=x".to_owned()),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_with_a_redirect_it_ends_nothing_and_leads_nowhere() {
    let world = SamlWorld::start().await;
    let held = ada(&world, "first").await;
    let (place, second) = (world.place("directory").await, world.place("second").await);

    for (what, query) in wrong_queries(&world, &place, &second) {
        let page = by_redirect(&held.browser, &place, &query).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{what}");
        assert!(page.body.contains("logout_refused"), "{what}: {}", page.body);
        assert_eq!(world.sessions().await, ["directory first"], "{what}");
    }
    assert_eq!(world.app.refresh(&held.tokens.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_post_it_ends_nothing_and_leads_nowhere() {
    use base64::Engine as _;
    let base64 = base64::prelude::BASE64_STANDARD;
    let world = SamlWorld::start().await;
    let held = ada(&world, "first").await;
    let place = world.place("directory").await;
    let good = world.logout(&place, "ada", &["first"]);
    let xml = String::from_utf8(base64.decode(good.form(world.idp.key())).expect("base64")).expect("text");
    let (start, rest) = xml.split_once("<ds:Signature").expect("signed");
    let (_, end) = rest.split_once("</ds:Signature>").expect("signed");
    let elsewhere = Logout { destination: world.place("second").await.at("slo"), ..good.clone() };
    let old = Logout { issued_at: good.issued_at - chrono::Duration::hours(1), ..good.clone() };
    let foreign = Logout { issuer: EVIL.to_owned(), ..good.clone() };
    let signed = good.form(world.idp.key());

    for (what, fields) in [
        ("unsigned", vec![("SAMLRequest", base64.encode(format!("{start}{end}")))]),
        ("foreign key", vec![("SAMLRequest", good.form(world.idp.foreign()))]),
        ("altered", vec![("SAMLRequest", base64.encode(xml.replace(">first<", ">second<")))]),
        ("another's destination", vec![("SAMLRequest", elsewhere.form(world.idp.key()))]),
        ("old", vec![("SAMLRequest", old.form(world.idp.key()))]),
        ("another issuer", vec![("SAMLRequest", foreign.form(world.idp.key()))]),
        ("as a response", vec![("SAMLResponse", signed.clone())]),
        ("twice", vec![("SAMLRequest", signed.clone()), ("SAMLRequest", signed.clone())]),
        ("both", vec![("SAMLRequest", signed.clone()), ("SAMLResponse", signed.clone())]),
        ("a huge RelayState", vec![("SAMLRequest", signed.clone()), ("RelayState", "x".repeat(5000))]),
        ("garbage", vec![("SAMLRequest", "%%%".to_owned())]),
        ("nothing", Vec::new()),
    ] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = by_post(&held.browser, &place, &fields).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{what}");
        assert_eq!(world.sessions().await, ["directory first"], "{what}");
    }
}

#[tokio::test]
async fn a_request_is_taken_once_however_often_it_comes() {
    let world = SamlWorld::start().await;
    ada(&world, "first").await;
    let place = world.place("directory").await;
    let logout = world.logout(&place, "ada", &["first"]);
    let query = logout.query(None, world.idp.key());

    let browsers: Vec<_> = (0..8).map(|_| world.app.browser()).collect();
    let pages = all(browsers.iter().map(|browser| by_redirect(browser, &place, &query))).await;
    ada(&world, "first").await;
    let late = by_redirect(&browsers[0], &place, &query).await;
    let form = logout.form(world.idp.key());
    let by_other_way = by_post(&browsers[0], &place, &[("SAMLRequest", &form)]).await;

    let answered = pages.iter().filter(|page| page.location().is_some()).count();
    assert_eq!((answered, pages.iter().filter(|page| page.status == 400).count()), (1, 7));
    assert_eq!((late.status.as_u16(), by_other_way.status.as_u16()), (400, 400));
    assert_eq!(world.sessions().await, ["directory first"]);
    let events = world.app.events("acme").await;
    assert!(events.contains(&"upstream.refused refused replayed_logout".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_request_ends_sessions_of_its_connection_and_organization_only() {
    let world = SamlWorld::start().await;
    // Three who trust the same provider, which says the same of the same person to each.
    let (directory, second) = (("acme", "directory"), ("acme", "second"));
    for place in [directory, second, ("globex", "globex-directory")] {
        world.sign_in(place, ("ada", "first")).await;
    }
    let (acme, globex) = (world.place("directory").await, world.place("globex-directory").await);
    let everybody = ["directory first", "globex-directory first", "second first"];

    let for_acme = world.logout(&acme, "ada", &["first"]);
    let crossed = for_acme.query(None, world.idp.key());
    let mixed = world.app.at(&format!("/sso/{}/{}/slo?{crossed}", globex.org, acme.id));
    let browser = world.app.browser();
    let at_globex = by_redirect(&browser, &globex, &crossed).await;
    let at_mixed = browser.get(mixed.as_str()).await;
    let untouched = world.sessions().await;
    let for_globex = world.logout(&globex, "ada", &["first"]);
    by_redirect(&browser, &globex, &for_globex.query(None, world.idp.key())).await;

    assert_eq!(
        [at_globex, at_mixed].map(|page| (page.status.as_u16(), page.location())),
        [(400, None), (400, None)]
    );
    assert_eq!(untouched, everybody);
    assert_eq!(world.sessions().await, ["directory first", "second first"]);
}

#[tokio::test]
async fn relay_state_leads_nobody_anywhere() {
    let world = SamlWorld::start().await;
    let held = ada(&world, "first").await;
    let place = world.place("directory").await;

    let logout = world.logout(&place, "ada", &["first"]);
    let page = by_redirect(&held.browser, &place, &logout.query(Some(EVIL), world.idp.key())).await;
    let answer = read_answer(&world, &page, &logout).await;
    let unasked = world.idp.logout_response(&place.at("slo"), &new_id(), Some(EVIL));
    let unasked = held.browser.get(unasked.as_str()).await;

    assert_eq!(answer, (LogoutOutcome::Success, Some(EVIL.to_owned())), "it is given back, not followed");
    assert_eq!((unasked.status.as_u16(), unasked.location()), (400, None));
    assert!(!unasked.body.contains("evil.test"), "{}", unasked.body);
}

/// Signs out at the application; the id of our request to the provider.
async fn sign_out(held: &Held) -> String {
    let hint = held.tokens.text("id_token");
    let page =
        held.browser.get(format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={SIGNED_OUT}")).await;
    let links = page.body.split("href=\"").map(|rest| rest.split('"').next().unwrap_or_default());
    let found = links.into_iter().find(|text| text.contains("/slo?SAMLRequest="));
    let found = found.unwrap_or_else(|| panic!("no departure: {} {}", page.status, page.body));
    request_id(&Url::parse(&found.replace("&#38;", "&").replace("&amp;", "&")).expect("an address"))
}

#[tokio::test]
async fn the_providers_answer_is_for_the_browser_that_asked() {
    let world = SamlWorld::start().await;
    let (held, other) = (ada(&world, "first").await, ada(&world, "second").await);
    let (place, second) = (world.place("directory").await, world.place("second").await);
    let (id, others) = (sign_out(&held).await, sign_out(&other).await);
    let answer = |at: &Place, to: &str| world.idp.logout_response(&at.at("slo"), to, Some(EVIL));

    let elsewhere = world.app.browser().get(answer(&place, &id).as_str()).await;
    let anothers = held.browser.get(answer(&place, &others).as_str()).await;
    let at_second = held.browser.get(format!("{}?{}", second.at("slo"), query(&answer(&place, &id)))).await;
    let own = held.browser.get(answer(&place, &id).as_str()).await;
    let back = held.browser.follow(own.clone()).await;

    for refused in [elsewhere, anothers, at_second] {
        assert_eq!((refused.status.as_u16(), refused.location()), (400, None), "{}", refused.body);
    }
    assert_eq!(own.leads_to(), "/sso/signed-out");
    assert_eq!(back.location().map(String::from).as_deref(), Some(SIGNED_OUT));
}
