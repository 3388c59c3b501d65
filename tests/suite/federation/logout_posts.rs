//! SAML single logout by the HTTP-POST binding (bindings §3.5), asked for by either side: pages that post themselves,
//! and can be pressed where there is no script.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use chrono::Duration;
use orgate_saml::key::KeyPair;
use orgate_saml::logout::{
    IncomingLogout, LogoutCheck, LogoutOutcome, LogoutResponse, LogoutStatus, receive_request,
    receive_response,
};
use orgate_tests::app::{CALLBACK, Page, SECRET, SIGNED_OUT};
use orgate_tests::saml_provider::{Logout, new_id};
use reqwest::header::CONTENT_SECURITY_POLICY;

use super::forms::Form;
use super::saml_world::{Held, JIT, Place, SamlWorld};

/// What would end a form's field, if it were written as it is.
const RELAY: &str = "relay \"><script>alert('&')</script>";

/// Where whoever attacks would like to have the browser.
const EVIL: &str = "https://evil.test/";

/// The provider takes logout messages by forms.
async fn start() -> SamlWorld {
    SamlWorld::with("              slo_binding: post\n", JIT).await
}

async fn ada(world: &SamlWorld, sid: &str) -> Held {
    world.sign_in(("acme", "directory"), ("ada", sid)).await
}

/// The page may post to the provider, and speaks of what it is for.
fn leads_to_the_provider(world: &SamlWorld, page: &Page) {
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    let directive = policy.split(';').find(|part| part.trim().starts_with("form-action")).expect("one");
    let slo_url = world.idp.slo_url();
    let origin = slo_url.trim_end_matches("/slo");
    assert!(directive.contains(origin) && !directive.contains('*'), "{policy}");
    assert!(page.body.contains("sign out") || page.body.contains("signing out"), "{}", page.body);
    assert!(!page.body.contains("to sign in"), "{}", page.body);
}

/// Posts a form at the single logout address, as the provider's page would: from another site, without cookies.
async fn post(world: &SamlWorld, place: &Place, fields: &[(&str, &str)]) -> Page {
    world.app.browser().post(place.at("slo"), fields).await
}

/// Signs out at the application; the form that takes the browser past the provider.
async fn sign_out(world: &SamlWorld, held: &Held) -> Form {
    let hint = held.tokens.text("id_token");
    let address = format!("/logout?id_token_hint={hint}&post_logout_redirect_uri={SIGNED_OUT}&state=s");
    let page = held.browser.get(address).await;
    leads_to_the_provider(world, &page);
    Form::of(&page)
}

/// Where the browser that went is led once it is back.
async fn led(held: &Held) -> Option<String> {
    held.browser.get("/sso/signed-out").await.location().map(String::from)
}

async fn refusals(world: &SamlWorld) -> Vec<String> {
    let events = world.app.events("acme").await;
    events.into_iter().filter(|event| event.starts_with("upstream.refused")).collect()
}

#[tokio::test]
async fn a_request_of_the_provider_by_post_is_answered_by_a_page_that_posts() {
    let world = start().await;
    let (named, other) = (ada(&world, "first").await, ada(&world, "second").await);
    let place = world.place("directory").await;
    let logout = world.logout(&place, "ada", &["first"]);
    let request = logout.form(world.idp.key());

    let page = post(&world, &place, &[("SAMLRequest", &request), ("RelayState", RELAY)]).await;

    let form = Form::of(&page);
    leads_to_the_provider(&world, &page);
    assert!(page.cookies().is_empty(), "a post of another site replaces no cookie");
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert_eq!(
        (form.action.as_str(), form.names()),
        (&*world.idp.slo_url(), vec!["SAMLResponse", "RelayState"])
    );
    assert_eq!(form.value("RelayState"), RELAY);
    let xml = form.message("SAMLResponse");
    let (certificates, slo_url) = ([world.certificate(&place).await], world.idp.slo_url());
    let entity_id = place.at("metadata");
    let check = as_the_provider(&world, &entity_id, &slo_url, &certificates);
    let read = receive_response(&check, Some(&logout.id), IncomingLogout::Post(&xml)).expect("a good answer");
    assert_eq!(read.outcome, LogoutOutcome::Success);
    assert_eq!(world.sessions().await, ["directory second"]);
    assert_eq!(world.app.refresh(&named.tokens.text("refresh_token")).await.outcome(), "400 invalid_grant");
    assert_eq!(world.app.refresh(&other.tokens.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn applications_hear_of_a_sign_out_before_the_browser_goes_to_the_provider() {
    let world = start().await;
    let held = ada(&world, "first").await;
    world
        .app
        .apply(&format!(
            "clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    client_secret: \"{SECRET}\"
    redirect_uris: [\"{CALLBACK}\"]
    post_logout_redirect_uris: [\"{SIGNED_OUT}\"]
    frontchannel_logout_uri: \"https://notes.example.test/signed-out\"
"
        ))
        .await;

    let hint = held.tokens.text("id_token");
    let page = held.browser.get(format!("/logout?id_token_hint={hint}")).await;

    leads_to_the_provider(&world, &page);
    assert_eq!(Form::of(&page).action, world.idp.slo_url());
    assert!(
        page.body.contains("<iframe hidden src=\"https://notes.example.test/signed-out?iss="),
        "{}",
        page.body
    );
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().expect("text");
    assert!(policy.contains("frame-src https://notes.example.test"), "{policy}");
}

#[tokio::test]
async fn an_answer_by_post_goes_where_the_provider_takes_answers() {
    let elsewhere = "https://idp.example.test/answers";
    let saml = format!("              slo_binding: post\n              slo_response_url: \"{elsewhere}\"\n");
    let world = SamlWorld::with(&saml, JIT).await;
    ada(&world, "first").await;
    let place = world.place("directory").await;
    let request = world.logout(&place, "ada", &["first"]).form(world.idp.key());

    let form = Form::of(&post(&world, &place, &[("SAMLRequest", &request)]).await);

    assert_eq!((form.action.as_str(), form.names()), (elsewhere, vec!["SAMLResponse"]));
    let xml = String::from_utf8(form.message("SAMLResponse")).expect("text");
    assert!(xml.contains(&format!("Destination=\"{elsewhere}\"")), "{xml}");
    assert!(world.sessions().await.is_empty());
}

#[tokio::test]
async fn a_request_of_the_provider_by_post_that_is_not_its_own_is_answered_by_nothing() {
    let world = start().await;
    ada(&world, "first").await;
    let (place, second) = (world.place("directory").await, world.place("second").await);
    let good = world.logout(&place, "ada", &["first"]);
    let elsewhere = Logout { destination: second.at("slo"), ..good.clone() };
    let others = Logout { issuer: EVIL.to_owned(), ..good.clone() };
    let own = good.form(world.idp.key());

    for (what, request) in [
        ("foreign key", good.form(world.idp.foreign())),
        ("unsigned", unsigned(&own)),
        ("for another connection", elsewhere.form(world.idp.key())),
        ("another issuer", others.form(world.idp.key())),
    ] {
        let page = post(&world, &place, &[("SAMLRequest", &request), ("RelayState", EVIL)]).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{what}");
        assert!(
            !page.body.contains("SAMLResponse") && !page.body.contains("evil.test"),
            "{what}: {}",
            page.body
        );
        assert_eq!(world.sessions().await, ["directory first"], "{what}");
    }
    let taken = post(&world, &place, &[("SAMLRequest", &own)]).await;
    let again = post(&world, &place, &[("SAMLRequest", &own)]).await;

    assert_eq!((taken.status.as_u16(), again.status.as_u16()), (200, 400));
    assert!(world.sessions().await.is_empty());
    let refusals = refusals(&world).await;
    assert_eq!(refusals.last().map(String::as_str), Some("upstream.refused refused replayed_logout"));
}

#[tokio::test]
async fn signing_out_goes_past_the_provider_by_post_and_comes_back_by_post() {
    let world = start().await;
    let held = ada(&world, "first").await;
    let place = world.place("directory").await;

    let form = sign_out(&world, &held).await;
    let over_here = world.sessions().await;
    let (certificates, slo_url) = ([world.certificate(&place).await], world.idp.slo_url());
    let entity_id = place.at("metadata");
    let check = as_the_provider(&world, &entity_id, &slo_url, &certificates);
    let xml = form.message("SAMLRequest");
    let asked = receive_request(&check, IncomingLogout::Post(&xml)).expect("a good request");
    let answer = answer(&world, &place.at("slo"), &asked.id, world.idp.key());
    let page = post(&world, &place, &[("SAMLResponse", &answer), ("RelayState", EVIL)]).await;
    let to = page.location().map(String::from);

    assert!(over_here.is_empty(), "here it is over whatever comes of it there: {over_here:?}");
    assert_eq!((form.action.as_str(), form.names()), (&*slo_url, vec!["SAMLRequest"]));
    assert_eq!((asked.name_id.value.as_str(), asked.session_indexes), ("ada", vec!["first".to_owned()]));
    assert_eq!(to.as_deref(), Some(world.app.at("/sso/signed-out").as_str()));
    assert!(page.cookies().is_empty(), "a post of another site replaces no cookie");
    assert_eq!(led(&held).await, Some(format!("{SIGNED_OUT}?state=s")));
    assert_eq!(led(&held).await, None, "that was once");
}

#[tokio::test]
async fn an_answer_by_post_that_is_not_the_providers_is_refused_and_takes_nothing_away() {
    let world = start().await;
    let held = ada(&world, "first").await;
    let (place, second) = (world.place("directory").await, world.place("second").await);
    let globex = world.place("globex-directory").await;
    let id = orgate_id(&world, &held).await;
    let (slo, key) = (place.at("slo"), world.idp.key());
    let good = answer(&world, &slo, &id, key);
    let altered = |from: &str, to: &str| {
        let xml = String::from_utf8(BASE64_STANDARD.decode(&good).expect("base64")).expect("text");
        BASE64_STANDARD.encode(xml.replace(from, to))
    };

    for (what, fields) in [
        ("unsigned", vec![("SAMLResponse", unsigned(&good))]),
        ("foreign key", vec![("SAMLResponse", answer(&world, &slo, &id, world.idp.foreign()))]),
        ("altered", vec![("SAMLResponse", altered(&id, &new_id()))]),
        ("another issuer", vec![("SAMLResponse", altered(&world.idp.entity_id(), EVIL))]),
        ("for another connection", vec![("SAMLResponse", answer(&world, &second.at("slo"), &id, key))]),
        ("for another organization", vec![("SAMLResponse", answer(&world, &globex.at("slo"), &id, key))]),
        ("for the acs", vec![("SAMLResponse", answer(&world, &place.at("acs"), &id, key))]),
        ("as a request", vec![("SAMLRequest", good.clone())]),
        ("twice", vec![("SAMLResponse", good.clone()), ("SAMLResponse", good.clone())]),
        ("garbage", vec![("SAMLResponse", "%%%".to_owned())]),
    ] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        // With the cookies even, which no browser sends along.
        let page = held.browser.post(&slo, &fields).await;

        assert_eq!((page.status.as_u16(), page.location()), (400, None), "{what}: {}", page.body);
        assert!(page.cookies().is_empty() && !page.body.contains("evil.test"), "{what}");
    }
    let known = refusals(&world).await;
    let right = held.browser.post(&slo, &[("SAMLResponse", &good)]).await;

    let reasons = ["message_signature", "destination", "root_element", "malformed_logout"];
    assert_eq!(
        known,
        reasons.map(|reason| format!("upstream.refused refused {reason}")),
        "each is told once"
    );
    assert_eq!(right.leads_to(), "/sso/signed-out");
    assert_eq!(led(&held).await, Some(format!("{SIGNED_OUT}?state=s")));
}

#[tokio::test]
async fn an_answer_by_post_leads_whoever_did_not_ask_nowhere() {
    let world = start().await;
    let (held, other) = (ada(&world, "first").await, ada(&world, "second").await);
    let place = world.place("directory").await;
    let id = orgate_id(&world, &held).await;

    let value = answer(&world, &place.at("slo"), &id, world.idp.key());
    let page = post(&world, &place, &[("SAMLResponse", &value)]).await;
    let back = other.browser.follow(page).await;

    assert_eq!((back.status.as_u16(), back.location()), (200, None));
    assert_eq!(world.sessions().await, ["directory second"], "nobody else is signed out");
}

/// What the provider checks our messages against.
fn as_the_provider<'a>(
    world: &SamlWorld,
    entity_id: &'a str,
    slo_url: &'a str,
    certificates: &'a [orgate_saml::certificate::Certificate],
) -> LogoutCheck<'a> {
    LogoutCheck {
        idp_entity_id: entity_id,
        slo_url,
        now: world.app.env.clock.now(),
        clock_skew: Duration::zero(),
        max_age: Duration::minutes(1),
        signing_certificates: certificates,
        decryption_keys: &[],
    }
}

/// Signs out at the application; the id of our request.
async fn orgate_id(world: &SamlWorld, held: &Held) -> String {
    let xml = String::from_utf8(sign_out(world, held).await.message("SAMLRequest")).expect("text");
    xml.split(" ID=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id").to_owned()
}

/// The provider's answer, as a form's field.
fn answer(world: &SamlWorld, destination: &str, in_response_to: &str, key: &KeyPair) -> String {
    let response = LogoutResponse {
        id: &new_id(),
        issue_instant: world.app.env.clock.now(),
        destination,
        issuer: &world.idp.entity_id(),
        in_response_to,
        status: LogoutStatus::Success,
    };
    response.post_form(key).expect("signed").value
}

/// The same message, without its signature.
fn unsigned(value: &str) -> String {
    let xml = String::from_utf8(BASE64_STANDARD.decode(value).expect("base64")).expect("text");
    let (start, rest) = xml.split_once("<ds:Signature").expect("signed");
    let (_, end) = rest.split_once("</ds:Signature>").expect("signed");
    BASE64_STANDARD.encode(format!("{start}{end}"))
}
