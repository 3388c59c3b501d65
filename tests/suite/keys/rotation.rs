//! Keys come and go: published, signing, retired, gone; on schedule or by hand, at any number of nodes.

use std::time::Duration as Real;

use chrono::Duration;
use orgate_flows::Env;
use orgate_flows::keys::{Replacement, replace, revoke, rotate_due};
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_storage::OrgScope;
use orgate_tests::app::{App, claims, client};
use serde_json::Value;

use super::{kids, published, second_node, soon};

/// What a token was signed with.
fn kid_of(token: &str) -> String {
    let header = claims(&format!(".{}", token.split('.').next().expect("a header")));
    header["kid"].as_str().expect("text").to_owned()
}

/// Lets time pass, and what is due be done.
async fn pass(app: &App, time: Duration) {
    app.clock.advance(time);
    let operator = app.org("operator").await;
    while rotate_due(&app.env).await.expect("looked after") > 0 {}
    app.env.keys.read(&app.env, &operator).await.expect("read");
}

async fn sign_in(app: &App) -> (String, String) {
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    (tokens.text("access_token"), tokens.text("id_token"))
}

/// How many private keys there are in the database of those with this id.
async fn rests(app: &App, kid: &str) -> bool {
    let found = "select private_key is not null from signing_keys where kid = $1";
    sqlx::query_scalar(found).bind(kid).fetch_one(app.database.superuser()).await.expect("a key")
}

/// What the operator's log says of keys.
async fn key_events(app: &App) -> Vec<String> {
    let events = app.events("operator").await;
    events.into_iter().filter(|event| event.starts_with("key.")).collect()
}

/// The key's id, as of a token that it signs now.
async fn signs(app: &App) -> String {
    kid_of(&sign_in(app).await.0)
}

#[tokio::test]
async fn a_key_is_published_a_day_before_it_signs_and_until_its_last_token_is_dead() {
    let app = App::start().await;
    let first = signs(&app).await;
    let at_first = kids(&app.get("/jwks.json").await.body);
    assert_eq!(at_first.len(), 2);

    pass(&app, Duration::days(88)).await;
    assert_eq!(kids(&app.get("/jwks.json").await.body), at_first);
    pass(&app, Duration::days(1)).await;
    let with_next = kids(&app.get("/jwks.json").await.body);
    assert!(with_next.is_superset(&at_first) && with_next.len() == 4, "{with_next:?}");
    assert_eq!(signs(&app).await, first, "everyone is still to hear of the next one");
    pass(&app, Duration::hours(23)).await;
    let (last, hint) = sign_in(&app).await;
    assert_eq!(kid_of(&last), first);

    pass(&app, Duration::hours(1)).await;
    let second = signs(&app).await;
    assert!(second != first && with_next.contains(&second));
    assert_eq!(kids(&app.get("/jwks.json").await.body), with_next, "the old one is retired, and published");
    assert!(rests(&app, &first).await);

    pass(&app, Duration::hours(2)).await;
    let after = kids(&app.get("/jwks.json").await.body);
    assert!(!after.contains(&first) && after.contains(&second) && after.len() == 2, "{after:?}");
    assert!(!rests(&app, &first).await, "the private key is gone");
    // A session outlives the ID token that names it, and its key.
    let logout = app.browser().get(format!("/logout?id_token_hint={hint}")).await;
    assert_eq!(logout.status, 200, "{}", logout.body);
    let events = key_events(&app).await;
    let of = |action: &str| events.iter().filter(|event| event.starts_with(action)).count();
    let counts = ["key.created", "key.promoted", "key.retired", "key.erased"].map(of);
    assert_eq!(counts, [4, 4, 2, 2], "{events:?}");
}

#[tokio::test]
async fn what_a_key_signed_just_before_it_was_retired_counts_until_it_expires() {
    let app = App::start().await;
    pass(&app, Duration::days(89)).await;
    pass(&app, Duration::hours(23)).await;
    let (token, _) = sign_in(&app).await;

    pass(&app, Duration::minutes(61)).await;
    assert_ne!(signs(&app).await, kid_of(&token));
    let expired = app.userinfo(&token).await.status;
    let (fresh, _) = sign_in(&app).await;
    let operator = app.org("operator").await;
    replace(&app.env, &operator, SigningAlgorithm::Es256, Replacement::Now).await.expect("replaced");
    app.env.keys.read(&app.env, &operator).await.expect("read");

    assert_eq!(expired, 401, "its ten minutes are over");
    assert_ne!(signs(&app).await, kid_of(&fresh));
    assert_eq!(app.userinfo(&fresh).await.status, 200);
}

#[tokio::test]
async fn of_nodes_that_rotate_at_once_one_does() {
    let app = App::start().await;
    let (other, _stop) = second_node(&app).await;
    app.clock.advance(Duration::days(89));

    let (one, two) = tokio::join!(rotate_due(&app.env), rotate_due(&other));
    let looked = one.expect("looked after") + two.expect("looked after");

    soon("both nodes agree on four keys", async || {
        let rings = (published(&app.env), published(&other));
        rings.0.len() == 4 && rings.0 == rings.1
    })
    .await;
    assert!(looked <= 1, "the ring was claimed by one of them, or by a job");
    let made = key_events(&app).await.into_iter().filter(|event| event.starts_with("key.created")).count();
    assert_eq!(made, 4, "two algorithms, two keys each");
}

/// Without the claim, too: the statement decides.
#[tokio::test]
async fn of_operators_who_rotate_at_once_one_does_and_the_other_hears_of_it() {
    let app = App::start().await;
    let operator = app.org("operator").await;
    let rotate = || replace(&app.env, &operator, SigningAlgorithm::Es256, Replacement::Scheduled);

    let results = tokio::join!(rotate(), rotate(), rotate(), rotate());

    let results = [results.0, results.1, results.2, results.3];
    let kids: std::collections::BTreeSet<_> =
        results.iter().filter_map(|result| result.as_ref().ok()).map(|replaced| &replaced.kid).collect();
    assert_eq!(kids.len(), 1, "{results:?}");
    let made = "select count(*) from signing_keys where promoted_at is null";
    let made: i64 = sqlx::query_scalar(made).fetch_one(app.database.superuser()).await.expect("counted");
    assert_eq!(made, 1);
}

/// A node that hears of nothing, as while its connection for notifications is lost.
async fn deaf_node(app: &App) -> Env {
    let settings = orgate_tests::app::settings(&app.base, &app.database);
    let store = orgate_server::wiring::store(&settings).expect("a pool");
    let env =
        orgate_server::wiring::env(&settings, store, std::sync::Arc::clone(&app.clock) as _).expect("wired");
    orgate_flows::bootstrap::bootstrap(&env).await.expect("bootstrapped");
    env
}

async fn rotate_now(env: &Env, operator: &OrgScope) {
    replace(env, operator, SigningAlgorithm::Es256, Replacement::Now).await.expect("replaced");
    env.keys.read(env, operator).await.expect("read");
}

#[tokio::test]
async fn a_node_that_has_not_heard_of_a_rotation_verifies_what_the_others_sign() {
    let app = App::start().await;
    let deaf = deaf_node(&app).await;
    let operator = app.org("operator").await;
    let before = signs(&app).await;

    rotate_now(&app.env, &operator).await;
    let (token, _) = sign_in(&app).await;
    tokio::time::sleep(Real::from_millis(1100)).await; // it read its keys a moment ago, and is not to read them for every forgery
    let read = deaf.keys.verify::<Value>(&deaf, &token, "at+jwt").await.expect("read");
    let read_before = deaf.keys.shared();
    let stranger = SigningKey::generate(SigningAlgorithm::Es256).expect("a key");
    let forged = stranger.sign("at+jwt", claims(&token).to_string().as_bytes()).expect("signed");
    for _ in 0..3 {
        let refused = deaf.keys.verify::<Value>(&deaf, &forged, "at+jwt").await.expect("read");
        assert!(refused.is_none());
    }

    assert_ne!(kid_of(&token), before);
    assert_eq!(read.expect("verified")["org_name"], "acme");
    assert!(std::sync::Arc::ptr_eq(&read_before, &deaf.keys.shared()), "nor are they read within a second");
}

#[tokio::test]
async fn a_withdrawn_key_counts_for_nothing_and_people_stay_signed_in() {
    let app = App::start().await;
    let operator = app.org("operator").await;
    let tokens = app.sign_in("acme", "ada@acme.test").await;
    let (token, hint) = (tokens.text("access_token"), tokens.text("id_token"));
    let stolen = kid_of(&token);
    replace(&app.env, &operator, SigningAlgorithm::Es256, Replacement::Scheduled).await.expect("published");

    let replaced = revoke(&app.env, &operator, SigningAlgorithm::Es256).await.expect("withdrawn");
    soon("the node heard of it", async || !published(&app.env).contains(&stolen)).await;

    assert_eq!(replaced.revoked.len(), 2, "also the one that waited: who has the one has the other");
    assert!(!rests(&app, &stolen).await);
    let jwks = kids(&app.get("/jwks.json").await.body);
    assert!(jwks.contains(&replaced.kid) && jwks.len() == 2, "{jwks:?}");
    assert_eq!(app.userinfo(&token).await.status, 401);
    let logout = app.browser().get(format!("/logout?id_token_hint={hint}")).await;
    assert_eq!(logout.status, 400);
    let refreshed = app.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(kid_of(&refreshed.text("access_token")), replaced.kid);
    assert_eq!(app.userinfo(&refreshed.text("access_token")).await.status, 200);
    let revoked = key_events(&app).await.into_iter().filter(|event| event.starts_with("key.revoked")).count();
    assert_eq!(revoked, 2);
}

/// A key that is over still reads hints; one that is withdrawn reads nothing, however long it has been over.
#[tokio::test]
async fn what_was_erased_before_is_withdrawn_too() {
    let app = App::start().await;
    let operator = app.org("operator").await;
    let (token, hint) = sign_in(&app).await;
    let stolen = kid_of(&token);
    pass(&app, Duration::days(89)).await;
    pass(&app, Duration::days(1)).await;
    pass(&app, Duration::hours(2)).await;
    assert!(!rests(&app, &stolen).await, "it is over");
    let still = app.browser().get(format!("/logout?id_token_hint={hint}")).await;

    let replaced = revoke(&app.env, &operator, SigningAlgorithm::Es256).await.expect("withdrawn");
    app.env.keys.read(&app.env, &operator).await.expect("read");

    let refused = app.browser().get(format!("/logout?id_token_hint={hint}")).await;
    assert_eq!((still.status.as_u16(), refused.status.as_u16()), (200, 400), "{}", refused.body);
    assert!(replaced.revoked.contains(&stolen), "{replaced:?}");
    let again = revoke(&app.env, &operator, SigningAlgorithm::Es256).await.expect("withdrawn");
    assert_eq!(again.revoked, [replaced.kid], "once");
}

#[tokio::test]
async fn without_a_schedule_nothing_is_rotated() {
    let app = App::start_with(|settings| settings.keys.rotate_every_days = 0).await;
    let first = signs(&app).await;

    pass(&app, Duration::days(1000)).await;

    assert_eq!(signs(&app).await, first);
    assert_eq!(client().get(app.at("/jwks.json")).send().await.expect("answered").status(), 200);
}
