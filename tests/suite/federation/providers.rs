//! An OpenID provider that is slow, out of order, somewhere it must not be, or has new keys.

use std::time::{Duration, Instant};

use orgate_protocol::jose::SigningAlgorithm;
use orgate_tests::app::{App, Page};
use orgate_tests::openid_provider::{Asked, Failing, OpenIdProvider};
use serde_json::json;
use tokio::net::TcpListener;

use super::world::{JIT, World, all, button, member};

/// Longer than keys are kept before an unknown one makes them be fetched again.
const PAUSE: Duration = Duration::from_secs(31);

/// Longer than a provider is waited for, and much less than twice as long.
const PATIENCE: Duration = Duration::from_secs(14);

/// Binds a subject to Ada, as a first sign-in would.
const ADA_IS_LINKED: &str = "insert into identity_links
        (org_id, connection_id, provider, subject, user_id, linked_at, last_used_at)
    select member.org_id, connection.id, version.settings #>> '{provider,oidc,issuer}', 'ada', member.id, now(), now()
    from users member join connections connection on connection.org_id = member.org_id
    join connection_versions version on version.org_id = connection.org_id
        and version.connection_id = connection.id and version.version = connection.live_version
    where member.email = 'ada@acme.test' and connection.slug = 'workforce'";

fn is_signed_in(page: &Page) -> bool {
    page.location().is_some_and(|to| to.as_str().contains("code=ogac_"))
}

/// Ada in a browser of her own.
async fn ada(world: &World) -> Page {
    world.arrive(&world.app.browser()).await
}

async fn ready() -> World {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    world
}

#[tokio::test]
async fn a_rotated_key_is_found_without_a_restart_and_forged_ones_do_not_flood_the_provider() {
    let world = ready().await;
    assert!(is_signed_in(&ada(&world).await));
    let forged = |faults: &mut orgate_tests::openid_provider::Faults| {
        faults.header = Some(json!({ "kid": "forged" }));
    };

    world.provider.fault(forged);
    for _ in 0..5 {
        assert_eq!(ada(&world).await.status, 403);
    }
    let at_once = world.provider.asked();
    world.provider.rotate();
    tokio::time::sleep(PAUSE).await;
    for _ in 0..5 {
        assert_eq!(ada(&world).await.status, 403);
    }
    let later = world.provider.asked();
    world.provider.fault(|_| {});
    let rotated = ada(&world).await;

    assert_eq!((at_once.keys, later.keys), (1, 2), "once in half a minute at most");
    assert!(is_signed_in(&rotated), "{}", rotated.body);
    assert_eq!((world.provider.asked().keys, world.provider.asked().discovery), (2, 1));
}

#[tokio::test]
async fn a_new_key_is_found_by_the_first_who_brings_it_once_keys_may_be_asked_for_again() {
    let world = ready().await;
    assert!(is_signed_in(&ada(&world).await));

    world.provider.rotate();
    let early = ada(&world).await;
    let check = world.failed_check().await;
    tokio::time::sleep(PAUSE).await;
    let rotated = ada(&world).await;

    assert_eq!((early.status.as_u16(), check.as_deref()), (403, Some("signature")));
    assert!(is_signed_in(&rotated), "{}", rotated.body);
    assert_eq!(world.provider.asked().keys, 2);
}

#[tokio::test]
async fn many_who_come_at_once_cost_the_provider_one_request_for_each_document() {
    let world = ready().await;
    world.run(ADA_IS_LINKED).await;

    let pages = all((0..12).map(|_| ada(&world))).await;

    assert!(pages.iter().all(is_signed_in), "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
    let asked = world.provider.asked();
    assert_eq!((asked.discovery, asked.keys, asked.tokens), (1, 1, 12));
}

#[tokio::test]
async fn many_who_wait_for_keys_that_do_not_come_wait_once() {
    let world = ready().await;
    world.run(ADA_IS_LINKED).await;
    world.provider.fault(|faults| faults.keys = Some(Failing::Hangs));
    let began = Instant::now();

    let pages = all((0..4).map(|_| ada(&world))).await;

    let took = began.elapsed();
    assert!(pages.iter().all(|page| page.status == 502 && page.body.contains("provider_unavailable")));
    assert!(took < PATIENCE, "they waited one after another: {took:?}");
    assert_eq!(world.provider.asked().keys, 1);
    assert_eq!(world.sessions().await, 0);
    world.provider.fault(|_| {});
    assert!(is_signed_in(&ada(&world).await), "what failed is not remembered");
}

#[tokio::test]
async fn a_token_endpoint_that_fails_signs_nobody_in() {
    let cases = [
        (Failing::Hangs, 502, "provider_unavailable"),
        (Failing::Huge, 502, "provider_unavailable"),
        (Failing::Redirects, 403, "token_endpoint"),
        (Failing::Says(500, json!({})), 502, "provider_unavailable"),
        (Failing::Says(200, json!("nothing")), 403, "token_endpoint"),
        (Failing::Says(200, json!({ "access_token": "a", "token_type": "Bearer" })), 403, "id_token"),
        (
            Failing::Says(200, json!({ "access_token": "a", "token_type": "Bearer", "id_token": "x.y.z" })),
            403,
            "id_token",
        ),
        (Failing::Repeats, 403, "token_endpoint"),
    ];
    let world = ready().await;

    for (failing, status, check) in cases {
        world.provider.fault(|faults| faults.token = Some(failing.clone()));
        let page = ada(&world).await;

        assert_eq!((page.status.as_u16(), page.cookies().len()), (status, 0), "{failing:?}: {}", page.body);
        assert!(page.body.contains("req_"), "{}", page.body);
        assert_eq!(world.failed_check().await.as_deref(), Some(check), "{failing:?}");
        assert_eq!(world.last_event().await, format!("sign_in.failed refused {check}"));
    }

    assert_eq!(world.sessions().await, 0);
    assert_eq!(world.provider.asked().elsewhere, 0, "no redirect is followed");
    let traces = world.traces().await;
    for secret in ["code for", orgate_tests::openid_provider::CLIENT_SECRET, "ogus_"] {
        assert!(!traces.contains(secret), "{secret}: {traces}");
    }
    // PKCE verifiers are 43 characters of base64url.
    let words = traces.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
    assert_eq!(words.filter(|word| word.len() == 43).count(), 0, "{traces}");
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_an_outage() {
    let mut world = ready().await;

    for failing in
        [Failing::Huge, Failing::Redirects, Failing::Says(500, json!({})), Failing::Says(200, json!([]))]
    {
        world.provider = OpenIdProvider::start().await; // of which nothing is known yet
        world.provider.user(member("ada", "ada@acme.test"));
        world.configure("", JIT).await;
        world.provider.fault(|faults| faults.keys = Some(failing.clone()));
        let page = ada(&world).await;

        let is_set = failing == Failing::Says(200, json!([]));
        assert_eq!(page.status, if is_set { 403 } else { 502 }, "{failing:?}: {}", page.body);
        assert_eq!(world.provider.asked().elsewhere, 0);
    }

    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn a_discovery_document_that_cannot_be_had_is_an_outage_and_other_ways_stay_open() {
    let world = ready().await;
    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let cases = [
        Failing::Hangs,
        Failing::Huge,
        Failing::Redirects,
        Failing::Says(500, json!({})),
        Failing::Says(200, json!({ "issuer": world.provider.issuer() })),
        Failing::Says(200, json!("nothing")),
    ];

    for failing in cases {
        world.provider.fault(|faults| faults.discovery = Some(failing.clone()));
        let out = browser.follow(browser.get(button(&page)).await).await;

        assert_eq!(out.status, 502, "{failing:?}: {}", out.body);
        assert!(out.body.contains("does not answer") && out.body.contains("type=\"password\""));
    }
    world.provider.fault(|faults| faults.issuer = Some("https://evil.test".to_owned()));
    let lying = browser.follow(browser.get(button(&page)).await).await;
    world.provider.fault(|_| {});
    let departure = browser.get(button(&page)).await.location().expect("a departure");
    let arrived = browser.get(world.provider.answer(&departure)).await;

    assert_eq!(lying.status, 502);
    assert!(!lying.body.contains("evil.test"));
    assert_eq!(world.provider.asked().elsewhere, 0);
    assert!(is_signed_in(&arrived), "the same request still waits: {}", arrived.body);
}

#[tokio::test]
async fn a_userinfo_endpoint_that_fails_is_done_without() {
    let world = ready().await;
    for failing in [Failing::Hangs, Failing::Huge, Failing::Redirects, Failing::Says(500, json!({}))] {
        world.provider.user(json!({ "sub": "thin" }));
        world.provider.fault(|faults| faults.userinfo = Some(failing.clone()));

        assert!(is_signed_in(&ada(&world).await), "{failing:?}");
    }
    assert_eq!(world.provider.asked().userinfo, 4);
    assert_eq!(world.provider.asked().elsewhere, 0);
}

#[tokio::test]
async fn a_provider_that_signs_with_rsa_is_as_good() {
    let mut world = ready().await;
    world.provider = OpenIdProvider::signing_with(SigningAlgorithm::Rs256).await;
    world.provider.user(member("ada", "ada@acme.test"));
    world.configure("", JIT).await;

    let right = ada(&world).await;
    world.provider.fault(|faults| faults.foreign_key = true);
    let foreign = ada(&world).await;
    world.provider.fault(|faults| faults.header = Some(json!({ "alg": "ES256" })));
    let confused = ada(&world).await;

    assert!(is_signed_in(&right), "{}", right.body);
    assert_eq!([foreign.status, confused.status].map(|status| status.as_u16()), [403; 2]);
}

#[tokio::test]
async fn no_private_address_is_asked_unless_the_operator_allows_it() {
    let app = App::start().await;
    let provider = OpenIdProvider::start().await;
    let world = World { app, provider };
    let trap = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = trap.local_addr().expect("an address").port();
    let issuers = [
        world.provider.issuer().to_owned(),
        format!("https://localhost:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        format!("https://[::1]:{port}"),
    ];

    for issuer in &issuers {
        let own = world.provider.connection("workforce", "acme.test", JIT);
        world.app.apply(&super::world::acme("", &own.replace(world.provider.issuer(), issuer))).await;
        let browser = world.app.browser();
        let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
        let refused = browser.follow(browser.get(button(&page)).await).await;

        assert_eq!(refused.status, 502, "{issuer}");
        assert!(!refused.body.contains(issuer.as_str()), "{}", refused.body);
    }

    assert_eq!(world.provider.asked(), Asked::default());
    let caught = tokio::time::timeout(Duration::from_millis(200), trap.accept()).await;
    assert!(caught.is_err(), "somebody connected: {caught:?}");
}
