//! Attacks on the way to an identity provider and back.

use chrono::Duration;
use orgate_tests::openid_provider::OpenIdProvider;

use super::world::{World, member};

/// Acme as in [`World`], and Globex with a provider of its own.
async fn two() -> (World, OpenIdProvider) {
    let world = World::start().await;
    world.provider.user(member("ada", "ada@acme.test"));
    let other = OpenIdProvider::start().await;
    let connection =
        other.connection("globex-workforce", "globex.test", "          jit: { enabled: true }\n");
    let globex = format!(
        "organizations:
  - slug: globex
    name: Globex Corporation
    connections:
{connection}"
    );
    world.app.apply(&globex).await;
    (world, other)
}

#[tokio::test]
async fn an_answer_means_nothing_at_another_organizations_address() {
    let (world, _) = two().await;
    let (acme, globex) = (world.app.org("acme").await.org_id(), world.app.org("globex").await.org_id());
    let own = world.connection("workforce").await;
    let theirs = world.connection("globex-workforce").await;
    let browser = world.app.browser();
    let departure = world.depart(&browser).await;
    let answer = world.provider.answer(&departure);
    let query = answer.query().expect("a query");

    let mut refusals = Vec::new();
    for (org, connection) in [(globex, theirs), (globex, own), (acme, theirs)] {
        let page = browser.get(format!("/sso/{org}/{connection}/callback?{query}")).await;
        refusals.push((page.status.as_u16(), page.body.contains("This sign-in is over")));
        assert!(!page.body.contains("Acme") && !page.body.contains("Globex"), "{}", page.body);
    }
    let right = browser.get(answer).await;

    assert_eq!(refusals, [(400, true); 3]);
    assert!(!right.answer("code").is_empty(), "what was refused elsewhere is not used up");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"upstream.refused refused other_connection".to_owned()), "{events:?}");
    assert!(!world.app.events("globex").await.iter().any(|event| event.starts_with("sign_in.succeeded")));
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let (world, _) = two().await;
    let (attacker, victim) = (world.app.browser(), world.app.browser());
    let answer = world.provider.answer(&world.depart(&attacker).await);
    world.depart(&victim).await; // so that it has a cookie of its own

    let tricked = victim.get(answer.clone()).await;
    let own = attacker.get(answer.clone()).await;
    let again = attacker.get(answer).await;

    assert_eq!((tricked.status.as_u16(), tricked.cookies().len()), (400, 0));
    assert!(!own.answer("code").is_empty());
    assert_eq!(again.status, 400, "an answer is taken once");
    let events = world.app.events("acme").await;
    for reason in ["other_browser", "replayed_state"] {
        assert!(events.contains(&format!("upstream.refused refused {reason}")), "{events:?}");
    }
    assert_eq!(world.sessions().await, 1);
}

#[tokio::test]
async fn an_answer_that_is_late_unknown_or_said_twice_is_refused() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let answer = world.provider.answer(&world.depart(&browser).await);
    let mut twice = answer.clone();
    twice.query_pairs_mut().append_pair("code", "another");
    let mut unknown = answer.clone();
    let forged = orgate_domain::credentials::Credential::<orgate_domain::credentials::UpstreamState>::new(
        world.app.org("acme").await.org_id(),
        &[7; 32],
    );
    unknown.query_pairs_mut().clear().append_pair("code", "x").append_pair("state", forged.reveal());

    let twice = browser.get(twice).await;
    let unknown = browser.get(unknown).await;
    world.app.clock.advance(Duration::minutes(16));
    let late = browser.get(answer).await;

    assert_eq!([&twice, &unknown, &late].map(|page| page.status.as_u16()), [400; 3]);
    assert_eq!(world.provider.asked().tokens, 0, "nobody asked the provider");
    assert_eq!(world.sessions().await, 0);
}

#[tokio::test]
async fn another_organizations_connection_is_as_good_as_none() {
    let (world, _) = two().await;
    let browser = world.app.browser();
    let page = browser.follow(browser.authorize(&[("organization", "acme")]).await).await;
    let request = page.field("request");
    let theirs = world.connection("globex-workforce").await;
    let nobody = orgate_domain::ids::ConnectionId::from_uuid(uuid::Uuid::now_v7());

    let begin = async |connection| {
        let address = format!("/sign-in/connection?request={request}&connection={connection}");
        let page = browser.follow(browser.get(address).await).await;
        (page.status.as_u16(), page.body.contains("is not open to you"))
    };

    assert_eq!(begin(theirs).await, (403, true));
    assert_eq!(begin(theirs).await, begin(nobody).await);
}

#[tokio::test]
async fn nobody_is_sent_away_or_signed_in_where_no_one_may_be_asked() {
    let (world, _) = two().await;
    world.configure("    policy: { sso_enforcement: organization }\n", super::world::JIT).await;

    let silent = world.app.browser().authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    let asked = world.app.browser().authorize(&[("organization", "acme")]).await;
    let sign_in = world.app.browser();
    let direct = sign_in.follow(sign_in.authorize(&[("organization", "acme")]).await).await;

    assert_eq!(silent.answer("error"), "login_required");
    assert_eq!(asked.leads_to(), "/sign-in");
    let away = direct.location().expect("a redirect at once");
    assert!(away.as_str().starts_with(world.provider.issuer()), "{away}");
}

#[tokio::test]
async fn another_user_than_the_hinted_one_is_told_to_the_application() {
    let (world, _) = two().await;
    let vic = world.sign_in(member("vic", "vic@acme.test")).await.text("id_token");
    world.provider.user(member("ada", "ada@acme.test"));
    let browser = world.app.browser();

    let departure = world.depart_with(&browser, &[("id_token_hint", &vic)]).await;
    let page = browser.get(world.provider.answer(&departure)).await;

    assert_eq!(page.answer("error"), "login_required");
    assert!(page.cookies().is_empty());
}
