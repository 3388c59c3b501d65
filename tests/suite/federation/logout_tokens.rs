//! Logout tokens (OIDC Back-Channel Logout 1.0): a good one ends what it names, anything else ends nothing.

use chrono::Duration;
use orgate_tests::app::{Browser, Reply};
use orgate_tests::openid_provider::{CLIENT_ID, OpenIdProvider};
use serde_json::{Map, Value, json};

use super::world::{JIT, World, acme, all};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Somebody who signed in through the provider.
struct Held {
    browser: Browser,
    tokens: Reply,
}

/// Signs in somebody; `sid` is what the provider calls the session.
async fn sign_in(world: &World, sub: &str, sid: &str) -> Held {
    world.provider.user(json!({
        "sub": sub, "sid": sid, "email": format!("{sub}@acme.test"), "email_verified": true, "name": sub,
    }));
    let browser = world.app.browser();
    let code = world.arrive(&browser).await.answer("code");
    Held { browser, tokens: world.app.redeem(&code).await }
}

/// The claims of a good token that names a session.
fn claims_for(world: &World, sid: &str) -> Value {
    let now = world.app.env.clock.now().timestamp();
    let jti = format!("jti {}", uuid::Uuid::now_v7());
    json!({
        "iss": world.provider.issuer(), "aud": CLIENT_ID, "iat": now, "exp": now + 120, "jti": jti, "sid": sid,
        "events": { EVENT: {} },
    })
}

/// The address of a connection's endpoint.
async fn endpoint(world: &World, organization: &str, slug: &str) -> String {
    let (org, connection) = (world.app.org(organization).await.org_id(), world.connection(slug).await);
    format!("/sso/{org}/{connection}/backchannel-logout")
}

async fn post(world: &World, token: &str) -> Reply {
    world.app.post(&endpoint(world, "acme", "workforce").await, &[("logout_token", token)]).await
}

/// Whether browser and refresh token both still go on; what the refresh gives is kept.
async fn goes_on(world: &World, held: &mut Held) -> (bool, bool) {
    let silent = held.browser.authorize(&[("organization", "acme"), ("prompt", "none")]).await;
    let in_browser = silent.location().is_some_and(|to| to.as_str().contains("code=ogac_"));
    let reply = world.app.refresh(&held.tokens.text("refresh_token")).await;
    let refreshes = reply.status == 200;
    if refreshes {
        held.tokens = reply;
    }
    (in_browser, refreshes)
}

#[tokio::test]
async fn a_good_token_ends_the_session_that_it_names_and_no_other() {
    let world = World::start().await;
    let mut named = sign_in(&world, "ada", "first").await;
    let (mut second, mut other) =
        (sign_in(&world, "ada", "second").await, sign_in(&world, "vic", "third").await);

    let token = world.provider.token(&json!({ "typ": "logout+jwt" }), &claims_for(&world, "first"));
    let reply = post(&world, &token).await;

    assert_eq!((reply.status, reply.headers["cache-control"].to_str().ok()), (200, Some("no-store")));
    assert_eq!(goes_on(&world, &mut named).await, (false, false));
    assert_eq!(goes_on(&world, &mut second).await, (true, true));
    assert_eq!(goes_on(&world, &mut other).await, (true, true));
    let access = named.tokens.text("access_token");
    assert_eq!(world.app.userinfo(&access).await.status, 401, "its access tokens are dead as well");
    let events = world.app.events("acme").await;
    assert!(events.contains(&"session.ended success upstream_logout".to_owned()), "{events:?}");
}

#[tokio::test]
async fn a_token_that_names_a_subject_ends_all_sessions_of_theirs_at_that_provider() {
    let world = World::start().await;
    let (mut one, mut two) = (sign_in(&world, "ada", "first").await, sign_in(&world, "ada", "second").await);
    let mut other = sign_in(&world, "vic", "third").await;
    let browser = world.app.browser();
    let code = browser.sign_in_to("acme", "ada@acme.test").await;
    let mut by_password = Held { browser, tokens: world.app.redeem(&code).await };

    let mut claims = claims_for(&world, "");
    let named = claims.as_object_mut().expect("claims");
    named.remove("sid");
    named.insert("sub".to_owned(), "ada".into());
    let reply = post(&world, &world.provider.token(&json!({}), &claims)).await;

    assert_eq!(reply.status, 200);
    assert_eq!(goes_on(&world, &mut one).await, (false, false));
    assert_eq!(goes_on(&world, &mut two).await, (false, false));
    assert_eq!(goes_on(&world, &mut other).await, (true, true));
    assert_eq!(goes_on(&world, &mut by_password).await, (true, true), "that one began elsewhere");
}

#[tokio::test]
async fn a_token_is_taken_once_however_often_it_comes() {
    let world = World::start().await;
    let mut held = sign_in(&world, "ada", "first").await;
    let token = world.provider.token(&json!({}), &claims_for(&world, "first"));

    let replies = all((0..8).map(|_| post(&world, &token))).await;
    let again = sign_in(&world, "ada", "first").await;
    let late = post(&world, &token).await;

    let accepted = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((accepted, replies.iter().filter(|reply| reply.status == 400).count()), (1, 7));
    assert_eq!(goes_on(&world, &mut held).await, (false, false));
    let mut again = again;
    assert_eq!(
        (late.status, goes_on(&world, &mut again).await),
        (400, (true, true)),
        "a replay ends nothing"
    );
    let events = world.app.events("acme").await;
    assert!(events.contains(&"upstream.refused refused replayed_logout".to_owned()), "{events:?}");
}

/// What is wrong with a token: the reason in the event, its header, and a change of its claims.
type Wrong = (&'static str, Value, Box<dyn Fn(&mut Map<String, Value>)>);

fn claim(reason: &'static str, name: &'static str, value: Value) -> Wrong {
    let change = move |claims: &mut Map<String, Value>| drop(claims.insert(name.to_owned(), value.clone()));
    (reason, json!({}), Box::new(change))
}

fn without(reason: &'static str, names: &'static [&'static str]) -> Wrong {
    let change = |claims: &mut Map<String, Value>| claims.retain(|name, _| !names.contains(&name.as_str()));
    (reason, json!({}), Box::new(change))
}

fn header(reason: &'static str, header: Value) -> Wrong {
    (reason, header, Box::new(|_| {}))
}

fn wrong(now: i64) -> Vec<Wrong> {
    vec![
        claim("iss", "iss", json!("https://evil.test")),
        without("iss", &["iss"]),
        claim("aud", "aud", json!("another")),
        claim("aud", "aud", json!([CLIENT_ID, "another"])),
        without("aud", &["aud"]),
        header("alg", json!({ "alg": "none" })),
        header("alg", json!({ "alg": "HS256" })),
        header("alg", json!({ "alg": "RS256" })),
        header("signature", json!({ "kid": "another" })),
        header("malformed_logout", json!({ "crit": ["exp"] })),
        header("malformed_logout", json!({ "jku": "https://evil.test/keys" })),
        header("logout_type", json!({ "typ": "at+jwt" })),
        claim("nonce", "nonce", json!("n")),
        claim("nonce", "nonce", Value::Null),
        without("logout_event", &["events"]),
        claim("logout_event", "events", json!({})),
        claim("logout_event", "events", json!({ "https://other.test/event": {} })),
        claim("logout_event", "events", json!({ EVENT: true })),
        claim("logout_event", "events", json!([EVENT])),
        without("jti", &["jti"]),
        claim("jti", "jti", json!("")),
        claim("jti", "jti", json!(7)),
        claim("jti", "jti", json!("x".repeat(513))),
        without("sub", &["sub", "sid"]),
        claim("sub", "sid", json!("")),
        claim("sub", "sid", json!(["first"])),
        claim("exp", "exp", json!(now - 600)),
        without("exp", &["exp"]),
        claim("iat", "iat", json!(now - 86_400)),
        claim("iat", "iat", json!(now + 86_400)),
        without("iat", &["iat"]),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_it_ends_nothing() {
    let world = World::start().await;
    let mut held = sign_in(&world, "ada", "first").await;
    let wrong = wrong(world.app.env.clock.now().timestamp());

    for (number, (reason, header, change)) in wrong.iter().enumerate() {
        world.app.clock.advance(Duration::seconds(61)); // so that it is an event of its own
        let mut claims = claims_for(&world, "first");
        change(claims.as_object_mut().expect("claims"));
        let reply = post(&world, &world.provider.token(header, &claims)).await;

        assert_eq!(reply.outcome(), "400 invalid_request", "{number} {reason}");
        assert_eq!(reply.text("error_description"), "the logout token is not valid", "{number} {reason}");
        assert_eq!(world.last_event().await, format!("upstream.refused refused {reason}"), "{number}");
    }
    world.provider.fault(|faults| faults.foreign_key = true);
    let forged = post(&world, &world.provider.token(&json!({}), &claims_for(&world, "first"))).await;
    world.provider.fault(|_| {});

    assert_eq!(forged.status, 400);
    assert_eq!(goes_on(&world, &mut held).await, (true, true));
    let events = world.app.events("acme").await;
    assert!(!events.iter().any(|event| event.starts_with("upstream.logout")), "{events:?}");
}

#[tokio::test]
async fn what_is_no_token_or_an_id_token_or_altered_ends_nothing() {
    let world = World::start().await;
    let mut held = sign_in(&world, "ada", "first").await;
    let good = world.provider.token(&json!({}), &claims_for(&world, "first"));
    let now = world.app.env.clock.now().timestamp();
    let id_token = world.provider.token(
        &json!({}),
        &json!({
            "iss": world.provider.issuer(), "aud": CLIENT_ID, "iat": now, "exp": now + 300, "sub": "ada", "sid": "first",
            "jti": "j",
        }),
    );
    let (message, _) = good.rsplit_once('.').expect("a signature");
    let mut altered = good.clone().into_bytes();
    let middle = altered.len() / 2;
    altered[middle] = if altered[middle] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).expect("text");
    let path = endpoint(&world, "acme", "workforce").await;

    for (what, token) in [
        ("nothing", ""),
        ("garbage", "a.b.c"),
        ("no signature", message),
        ("an empty signature", &format!("{message}.")),
        ("a fourth part", &format!("{good}.x")),
        ("an ID token", &id_token),
        ("altered", &altered),
        ("huge", &"x".repeat(60_000)),
    ] {
        assert_eq!(post(&world, token).await.status, 400, "{what}");
    }
    let none = world.app.post(&path, &[]).await;
    let twice = world.app.post(&path, &[("logout_token", &good), ("logout_token", &good)]).await;
    let by_get = world.app.get(&format!("{path}?logout_token={good}")).await;

    assert_eq!((none.status, twice.status, by_get.status), (400, 400, 405));
    assert_eq!(goes_on(&world, &mut held).await, (true, true));
}

/// Globex, with a connection to this provider.
async fn add_globex(world: &World, provider: &OpenIdProvider) {
    let connection =
        provider.connection("globex-workforce", "globex.test", "          jit: { enabled: true }\n");
    let file = format!(
        "organizations:\n  - slug: globex\n    name: Globex Corporation\n    connections:\n{connection}"
    );
    world.app.apply(&file).await;
}

/// Acme's second connection, to this provider.
async fn add_second(world: &World, provider: &OpenIdProvider) {
    let first = world.provider.connection("workforce", "acme.test", JIT);
    let second = provider.connection("second", "acme.test", JIT);
    let second = second.replace("slug: second\n", "slug: second\n        position: 1\n");
    world.app.apply(&acme("", &format!("{first}{second}"))).await;
}

#[tokio::test]
async fn another_connections_or_organizations_provider_has_no_say() {
    let world = World::start().await;
    let mut held = sign_in(&world, "ada", "first").await;
    let other = OpenIdProvider::start().await;
    add_second(&world, &other).await;
    add_globex(&world, &other).await;
    let token = |provider: &OpenIdProvider| {
        let mut claims = claims_for(&world, "first");
        claims["iss"] = provider.issuer().into();
        provider.token(&json!({}), &claims)
    };
    let org = world.app.org("globex").await.org_id();
    let mixed = format!("/sso/{org}/{}/backchannel-logout", world.connection("workforce").await);

    let mut replies = Vec::new();
    for (path, provider) in [
        (endpoint(&world, "acme", "second").await, &world.provider),
        (endpoint(&world, "acme", "workforce").await, &other),
        (endpoint(&world, "globex", "globex-workforce").await, &world.provider),
        (mixed, &world.provider),
    ] {
        replies.push(world.app.post(&path, &[("logout_token", &token(provider))]).await.outcome());
    }

    assert_eq!(replies, ["400 invalid_request"; 4]);
    assert_eq!(goes_on(&world, &mut held).await, (true, true));
}

#[tokio::test]
async fn where_two_trust_the_same_provider_a_token_ends_sessions_only_where_it_is_sent() {
    let world = World::start().await;
    add_second(&world, &world.provider).await;
    add_globex(&world, &world.provider).await;
    // The page has a button for each connection; the first one's is pressed.
    let mut held = sign_in(&world, "ada", "first").await;

    let mut replies = Vec::new();
    for (organization, slug) in [("acme", "second"), ("globex", "globex-workforce")] {
        let path = endpoint(&world, organization, slug).await;
        let token = world.provider.token(&json!({}), &claims_for(&world, "first"));
        replies.push(world.app.post(&path, &[("logout_token", &token)]).await.status);
    }
    let untouched = goes_on(&world, &mut held).await;
    let there = post(&world, &world.provider.token(&json!({}), &claims_for(&world, "first"))).await;

    assert_eq!((replies, untouched), (vec![200, 200], (true, true)));
    assert_eq!((there.status, goes_on(&world, &mut held).await), (200, (false, false)));
}
