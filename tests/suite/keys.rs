//! Signing keys and nodes: private keys stay private, and any number of nodes agree.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgate_flows::Env;
use orgate_flows::bootstrap::bootstrap;
use orgate_flows::keys::FROM_THE_START;
use orgate_flows::vault::MasterKey;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_server::{jobs, wiring};
use orgate_tests::app::{App, claims, settings};
use orgate_tests::clock::TestClock;
use orgate_tests::database::Database;
use serde_json::Value;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use url::Url;

mod commands;
mod master_key;
mod rotation;

/// A node on a database, beside others.
fn node(database: &Database, master_key: &MasterKey) -> Env {
    let issuer = Url::parse("http://localhost:9/").expect("an address");
    let mut settings = settings(&issuer, database);
    settings.secrets.master_key = master_key.to_text().to_string().into();
    let store = wiring::store(&settings).expect("a pool");
    wiring::env(&settings, store, Arc::new(TestClock::default())).expect("wired")
}

fn master_key(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; 32])
}

fn kids(jwks: &Value) -> BTreeSet<String> {
    let keys = jwks["keys"].as_array().expect("keys");
    keys.iter().map(|key| key["kid"].as_str().expect("text").to_owned()).collect()
}

fn published(env: &Env) -> BTreeSet<String> {
    kids(&serde_json::from_str(&env.keys.shared().published()).expect("JSON"))
}

async fn private_keys(database: &Database) -> Vec<(String, Vec<u8>)> {
    let rows =
        sqlx::query_as("select algorithm, private_key from signing_keys where retired_at is null order by 1");
    rows.fetch_all(database.superuser()).await.expect("the keys")
}

/// Polls until it holds; the caches' own time limit is half a minute.
async fn soon(what: &str, holds: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what} is still to come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn only_public_numbers_are_published() {
    let app = App::start().await;

    let jwks = app.get("/jwks.json").await.body;

    let keys = jwks["keys"].as_array().expect("keys");
    let members: Vec<_> = keys
        .iter()
        .map(|key| key.as_object().expect("an object").keys().cloned().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), FROM_THE_START.len(), "{members:?}");
    for members in members {
        assert!(["alg crv kid kty use x y", "alg e kid kty n use"].contains(&members.as_str()), "{members}");
    }
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let header = format!(".{}", token.split('.').next().expect("a header"));
    let kid = claims(&header)["kid"].as_str().expect("text").to_owned();
    assert!(kids(&jwks).contains(&kid));
}

#[tokio::test]
async fn a_key_of_another_algorithm_is_made_once_and_published_before_it_signs() {
    let app = App::start().await;
    let (other, _stop) = second_node(&app).await;
    let algorithms = |env: &Env| {
        let jwks: Value = serde_json::from_str(&env.keys.shared().published()).expect("JSON");
        let keys = jwks["keys"].as_array().expect("keys").iter();
        keys.map(|key| key["alg"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };

    for (algorithm, expected) in [
        ("PS256", &["ES256", "RS256", "PS256"][..]),
        ("EdDSA", &["ES256", "RS256", "PS256", "EdDSA"]),
        ("PS256", &["ES256", "RS256", "PS256", "EdDSA"]),
    ] {
        let file = format!(
            "
clients:
  - client_id: notes
    organization: operator
    name: Notes
    type: web
    audience: all
    signing_algorithm: {algorithm}
    redirect_uris: [\"http://localhost:9/callback\"]
"
        );
        app.apply(&file).await;

        for env in [&app.env, &other] {
            soon("the key", async || algorithms(env).len() == expected.len()).await;
            assert_eq!(
                algorithms(env).iter().collect::<BTreeSet<_>>(),
                expected.iter().map(ToString::to_string).collect::<Vec<_>>().iter().collect()
            );
        }
        let tokens = app.sign_in("acme", "ada@acme.test").await;
        for token in ["access_token", "id_token"].map(|name| tokens.text(name)) {
            let header = claims(&format!(".{}", token.split('.').next().expect("a header")));
            assert_eq!(header["alg"], algorithm);
        }
        let read = other.keys.verify::<Value>(&other, &tokens.text("access_token"), "at+jwt").await;
        assert_eq!(read.expect("read").expect("the other node knows the key")["org_name"], "acme");
    }
}

#[tokio::test]
async fn a_private_key_rests_encrypted() {
    let app = App::start().await;

    let rows = private_keys(&app.database).await;

    assert_eq!(rows.len(), FROM_THE_START.len());
    for (algorithm, stored) in rows {
        let algorithm = SigningAlgorithm::from_text(&algorithm).expect("an algorithm");
        let plain = SigningKey::generate(algorithm).expect("a key").to_pkcs8().expect("PKCS#8");
        // Beyond the outer length, every PKCS#8 of an algorithm begins alike: version and algorithm.
        let begins = &plain[4..20];
        assert!(plain.windows(16).any(|window| window == begins));
        assert!(!stored.windows(16).any(|window| window == begins), "{algorithm:?}");
        assert!(SigningKey::from_pkcs8(algorithm, &stored).is_err());
    }
}

#[tokio::test]
async fn another_master_key_opens_nothing_makes_nothing_and_says_so() {
    let database = Database::fresh().await;
    bootstrap(&node(&database, &master_key(1))).await.expect("bootstrapped");
    let before = private_keys(&database).await;

    let stranger = node(&database, &master_key(2));
    let refused = bootstrap(&stranger).await.expect_err("refused");

    assert_eq!(refused.to_string(), "the ciphertext does not open: the master key may be another one");
    assert!(!stranger.keys.shared().is_ready());
    assert_eq!(private_keys(&database).await, before);
    assert!(bootstrap(&node(&database, &master_key(1))).await.is_ok());
}

#[tokio::test]
async fn nodes_that_start_at_once_on_an_empty_database_agree() {
    let database = Database::fresh().await;
    let key = master_key(1);
    let nodes = [(); 4].map(|()| node(&database, &key));

    let [a, b, c, d] = &nodes;
    let (a, b, c, d) = tokio::join!(bootstrap(a), bootstrap(b), bootstrap(c), bootstrap(d));

    let operators = [a, b, c, d].map(|operator| operator.expect("bootstrapped").org_id());
    assert_eq!(operators.iter().collect::<BTreeSet<_>>().len(), 1);
    let count = |query: &'static str| sqlx::query_scalar::<_, i64>(query).fetch_one(database.superuser());
    assert_eq!(count("select count(*) from organizations").await.expect("counted"), 1);
    assert_eq!(private_keys(&database).await.len(), FROM_THE_START.len());
    let events = "select count(*) from audit_events where action = 'key.created'";
    assert_eq!(count(events).await.expect("counted"), 2, "who came second has made nothing");
    let rings: BTreeSet<_> = nodes.iter().map(published).collect();
    assert_eq!(rings.len(), 1, "{rings:?}");
}

/// A second node of an app, with its jobs.
async fn second_node(app: &App) -> (Env, DropGuard) {
    let settings = settings(&app.base, &app.database);
    let store = wiring::store(&settings).expect("a pool");
    let env = wiring::env(&settings, store, Arc::clone(&app.clock) as _).expect("wired");
    bootstrap(&env).await.expect("bootstrapped");
    let stop = CancellationToken::new();
    jobs::spawn(&env, None, &TaskTracker::new(), &stop);
    soon("that both nodes listen", async || {
        let listeners = "select count(*) from pg_stat_activity where datname = current_database() and query ilike 'listen%'";
        sqlx::query_scalar::<_, i64>(listeners).fetch_one(app.database.superuser()).await.is_ok_and(|count| count >= 2)
    })
    .await;
    (env, stop.drop_guard())
}

#[tokio::test]
async fn a_change_at_one_node_is_seen_by_the_others_within_a_second() {
    let app = App::start().await;
    let (other, _stop) = second_node(&app).await;
    let acme = app.org("acme").await;
    let name = async || {
        let client = other.configuration.client(&other.store, "notes").await.expect("found");
        client.expect("the client").name.as_str().to_owned()
    };
    let lifetime = async || {
        let policy = other.configuration.policy(&other.store, &acme).await.expect("a policy");
        policy.access_token.num_seconds()
    };
    assert_eq!((name().await.as_str(), lifetime().await), ("Notes", 600));

    app.apply(
        "
organizations: [{ slug: acme, name: Acme Inc, policy: { access_token_secs: 60 } }]
clients:
  - client_id: notes
    organization: operator
    name: Jotter
    type: web
    audience: all
    redirect_uris: [\"http://localhost:9/callback\"]
",
    )
    .await;

    let changed = Instant::now();
    soon("the change", async || name().await == "Jotter" && lifetime().await == 60).await;
    assert!(changed.elapsed() < Duration::from_secs(1), "{:?}", changed.elapsed());
}

#[tokio::test]
async fn keys_that_are_rotated_under_two_nodes_are_the_same_at_both() {
    let app = App::start().await;
    let (other, _stop) = second_node(&app).await;
    let before = published(&app.env);
    assert_eq!(published(&other), before);

    let rotate = "update signing_keys set retired_at = now(), expires_at = now() + interval '1 hour'";
    sqlx::query(rotate).execute(app.database.superuser()).await.expect("retired");

    let both = FROM_THE_START.len() * 2;
    soon("one ring of old and new keys", async || {
        let rings = (published(&app.env), published(&other));
        rings.0.len() == both && rings.0 == rings.1
    })
    .await;
    assert!(published(&other).is_superset(&before), "what the old keys signed still counts");
    let token = app.sign_in("acme", "ada@acme.test").await.text("access_token");
    let claims = other.keys.verify::<Value>(&other, &token, "at+jwt").await.expect("read");
    assert_eq!(claims.expect("the other node knows the key")["org_name"], "acme");
}
