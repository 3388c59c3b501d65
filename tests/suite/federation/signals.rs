//! What receivers of security events hear of sign-ins through a provider (CAEP 1.0).

use serde_json::{Value, json};

use super::link::{depart, signed_in};
use super::world::{World, member};
use crate::signals::{ASSURANCE, CLAIMS_CHANGE, CREDENTIAL_CHANGE, RECEIVERS, Receiver, Set};

async fn world(settings: &str) -> World {
    let world = World::with(settings).await;
    world.app.apply(RECEIVERS).await;
    world
}

/// A member whose provider says more.
fn saying(name: &str, value: Value) -> Value {
    let mut claims = member("1", "ada@acme.test");
    claims[name] = value;
    claims
}

fn of_kind(sets: &[Set], kind: &str) -> Vec<Set> {
    sets.iter().filter(|set| set.kind == kind).cloned().collect()
}

#[tokio::test]
async fn a_session_that_is_proven_more_or_less_strongly_than_before_is_told() {
    let world = world(super::world::JIT).await;
    let siem = Receiver::of(&world.app, "siem").await;
    let stream = siem.poll_stream().await;
    let browser = world.app.browser();
    let mut sids = Vec::new();
    for amr in [json!(["pwd"]), json!(["pwd", "otp"]), json!(["pwd", "otp"]), json!(["pwd"])] {
        world.provider.user(saying("amr", amr));
        let departure = world.depart_with(&browser, &[("prompt", "login")]).await;
        let code = browser.get(world.provider.answer(&departure)).await.answer("code");
        sids.push(world.app.redeem(&code).await.claims("id_token")["sid"].clone());
    }
    assert!(sids.iter().all(|sid| *sid == sids[0]), "one session");

    let mut told = of_kind(&siem.settled(&stream).await, ASSURANCE);

    told.sort_by_key(|set| set.event["change_direction"].to_string());
    let [down, up] = told.try_into().expect("two: what stays as it was is no news");
    for (set, direction, from, to) in
        [(&up, "increase", "single", "multi"), (&down, "decrease", "multi", "single")]
    {
        assert_eq!(set.subject("session")["id"], sids[0]);
        assert_eq!(set.event["namespace"], "urn:orgate:acr");
        assert_eq!(set.event["previous_level"], format!("urn:orgate:acr:{from}-factor"));
        assert_eq!(set.event["current_level"], format!("urn:orgate:acr:{to}-factor"));
        assert_eq!(set.event["change_direction"], direction);
        assert_eq!(set.event["initiating_entity"], "user");
    }
}

#[tokio::test]
async fn roles_that_a_provider_gives_or_takes_are_told_of_the_sessions_that_are_open() {
    let settings = "          jit: { enabled: true }\n          rules: [{ value: staff, roles: [viewer] }]\n";
    let world = world(settings).await;
    let siem = Receiver::of(&world.app, "siem").await;
    let stream = siem.poll_stream().await;
    let user = |groups: Value| {
        let mut claims = member("new", "new@acme.test");
        claims["groups"] = groups;
        claims
    };
    let sub = world.sign_in(user(json!([]))).await.claims("access_token")["sub"].clone();
    assert!(siem.settled(&stream).await.is_empty(), "of a new user nobody has heard anything else");

    world.sign_in(user(json!(["staff"]))).await;
    let [set] = siem.settled(&stream).await.try_into().expect("one");
    assert_eq!((set.kind.as_str(), &set.subject("user")["sub"]), (CLAIMS_CHANGE, &sub));
    assert_eq!(set.event["claims"], json!({ "roles": ["viewer"], "permissions": ["notes:read"] }));
    assert_eq!(set.event["initiating_entity"], "policy");
    world.sign_in(user(json!(["staff"]))).await;
    assert_eq!(siem.settled(&stream).await.len(), 1, "what stays as it was is no news");
    let events = world.app.events("acme").await;
    assert_eq!(
        events.iter().filter(|event| *event == "user.configured success mapped").count(),
        1,
        "{events:?}"
    );
}

#[tokio::test]
async fn an_identity_that_a_user_links_is_a_change_of_credentials_and_may_bring_roles() {
    let world = world("          rules: [{ value: staff, roles: [admin] }]\n").await;
    let siem = Receiver::of(&world.app, "siem").await;
    let stream = siem.poll_stream().await;
    let browser = signed_in(&world, "vic@acme.test").await;
    world.provider.user(json!({ "sub": "vic there", "groups": ["staff"] }));

    let departure = depart(&world, &browser).await;
    let linked = browser.get(world.provider.answer(&departure)).await;

    assert!(super::link::is_linked(&linked), "{} {}", linked.status, linked.body);
    let sets = siem.settled(&stream).await;
    let [credential] = of_kind(&sets, CREDENTIAL_CHANGE).try_into().expect("one");
    assert_eq!(credential.event["credential_type"], "federated-identity");
    assert_eq!(credential.event["change_type"], "create");
    let [claims] = of_kind(&sets, CLAIMS_CHANGE).try_into().expect("one");
    assert_eq!(claims.event["claims"]["roles"], json!(["admin", "viewer"]));
    assert_eq!(claims.claims["txn"], credential.claims["txn"], "of one event of the log");
}
