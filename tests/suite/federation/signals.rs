//! What receivers of security events hear of sign-ins through a provider (CAEP 1.0).

use orgate_tests::app::Reply;
use serde_json::{Value, json};

use super::link::{depart, signed_in};
use super::world::{JIT, World, member};
use crate::signals::{
    ASSURANCE, CLAIMS_CHANGE, CREDENTIAL_CHANGE, RECEIVERS, Receiver, SESSION_REVOKED, Set,
};

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

/// The sessions that were told to have ended, and why.
fn ended(sets: &[Set]) -> Vec<(Value, Value)> {
    let of = |set: &Set| (set.subject("session")["id"].clone(), set.event["reason_admin"]["en"].clone());
    of_kind(sets, SESSION_REVOKED).iter().map(of).collect()
}

fn ids<'t>(tokens: impl IntoIterator<Item = &'t Reply>) -> Vec<Value> {
    tokens.into_iter().map(|tokens| tokens.claims("id_token")["sid"].clone()).collect()
}

#[tokio::test]
async fn what_a_connection_gave_is_told_to_be_gone_when_it_is_switched_off() {
    let world = world(JIT).await;
    let siem = Receiver::of(&world.app, "siem").await;
    let mut staff = member("vic", "vic@acme.test");
    staff["groups"] = json!(["staff"]);
    let federated = world.sign_in(staff).await;
    let own = world.app.sign_in("acme", "vic@acme.test").await;
    assert_eq!(own.claims("access_token")["roles"], json!(["admin", "viewer"]));
    let stream = siem.poll_stream().await;

    world.configure("", &format!("{JIT}        state: disabled\n")).await;

    let sets = siem.settled(&stream).await;
    let why = "The connection that the session began through does not let its user in any more";
    assert_eq!(ended(&sets), [(ids([&federated])[0].clone(), json!(why))], "and no other session");
    let [claims] = of_kind(&sets, CLAIMS_CHANGE).try_into().expect("of the session that is left");
    assert_eq!(claims.event["claims"], json!({ "roles": ["viewer"], "permissions": ["notes:read"] }));
    let events = world.app.events("acme").await;
    assert!(events.contains(&"session.ended success connection_disabled".to_owned()), "{events:?}");
    assert_eq!(world.app.refresh(&own.text("refresh_token")).await.status, 200);
    world.configure("", JIT).await;
    let back = world.app.refresh(&federated.text("refresh_token")).await;
    assert_eq!(back.outcome(), "400 invalid_grant", "what ended has ended");
}

#[tokio::test]
async fn a_pilot_ends_the_sessions_of_those_whom_it_does_not_list() {
    let world = world(JIT).await;
    let siem = Receiver::of(&world.app, "siem").await;
    let stream = siem.poll_stream().await;
    let (vic, ada) = (
        world.sign_in(member("v", "vic@acme.test")).await,
        world.sign_in(member("a", "ada@acme.test")).await,
    );
    let pilots = |pilots: &str| format!("{JIT}        state: pilot\n        pilots: [{pilots}]\n");

    world.configure("", &pilots("vic@acme.test, ada@acme.test")).await;
    assert!(ended(&siem.settled(&stream).await).is_empty());
    world.configure("", &pilots("ada@acme.test")).await;

    let told: Vec<_> = ended(&siem.settled(&stream).await).into_iter().map(|(session, _)| session).collect();
    assert_eq!(told, ids([&vic]));
    assert_eq!(world.app.refresh(&ada.text("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn the_sessions_that_enforced_sso_does_not_admit_end_and_are_told() {
    let world = world(JIT).await;
    let siem = Receiver::of(&world.app, "siem").await;
    let stream = siem.poll_stream().await;
    let of_domain = world.app.sign_in("acme", "ada@acme.test").await;
    let of_another = world.app.sign_in("acme", "casey@consult.test").await;
    let federated = world.sign_in(member("vic", "vic@acme.test")).await;

    world.configure("    policy: { sso_enforcement: domains }\n", JIT).await;

    let why = json!("The organization demands sign-in through its identity provider");
    assert_eq!(ended(&siem.settled(&stream).await), [(ids([&of_domain])[0].clone(), why)]);
    for tokens in [&of_another, &federated] {
        assert_eq!(world.app.refresh(&tokens.text("refresh_token")).await.status, 200);
    }
    let events = world.app.events("acme").await;
    assert!(events.contains(&"session.ended success sso_enforced".to_owned()), "{events:?}");
}

#[tokio::test]
async fn whoever_a_group_with_more_roles_puts_out_is_told_of() {
    let groups = |roles: &str| format!("    groups: [{{ slug: staff, roles: [{roles}] }}]\n");
    let rules = "          jit: { enabled: true }\n          rules: [{ value: staff, groups: [staff] }]\n";
    let world = world("").await;
    world.configure(&groups("viewer"), rules).await;
    world.run("update connection_versions set role_ceiling = '{viewer}'").await;
    let siem = Receiver::of(&world.app, "siem").await;
    let mut user = member("new", "new@acme.test");
    user["groups"] = json!(["staff"]);
    let tokens = world.sign_in(user).await.claims("access_token");
    assert_eq!(tokens["roles"], json!(["viewer"]));
    let stream = siem.poll_stream().await;

    world.configure(&groups("viewer, admin"), rules).await;

    let [set] = siem.settled(&stream).await.try_into().expect("one");
    assert_eq!((set.kind.as_str(), &set.subject("user")["sub"]), (CLAIMS_CHANGE, &tokens["sub"]));
    assert_eq!(set.event["claims"], json!({ "roles": [], "permissions": [] }));
    let events = world.app.events("acme").await;
    assert!(events.contains(&"user.configured success beyond_ceiling".to_owned()), "{events:?}");
}
