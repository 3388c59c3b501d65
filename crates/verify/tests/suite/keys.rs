//! How the issuer's keys are fetched, kept and given up.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use orgate_verify::{FetchError, Verifier, VerifyError};
use serde_json::json;

use crate::issuer::{Issuer, NOW, SigningKey};

/// A token that stays valid however far a test advances the clock.
fn lasting(issuer: &Issuer, key: &SigningKey) -> String {
    issuer.token_with(key, "exp", json!(NOW + 1_000_000))
}

async fn verify_64_at_once(verifier: &Arc<Verifier>, token: &str) -> Vec<Option<VerifyError>> {
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (verifier, token) = (Arc::clone(verifier), token.to_owned());
            tokio::spawn(async move { verifier.verify(&token).await.err() })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await.unwrap());
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tokens_with_an_unknown_key_cause_one_fetch() {
    let (known, unknown) = (SigningKey::es256("k1"), SigningKey::es256("k2"));
    let issuer = Issuer::start(&[&known]).await;
    issuer.set(|published| published.delay = Duration::from_millis(100));
    let verifier = issuer.verifier();

    assert_eq!(verify_64_at_once(&verifier, &lasting(&issuer, &known)).await, [None; 64]);
    assert_eq!(issuer.fetches(), 1);

    issuer.clock.advance(10);
    let strange = lasting(&issuer, &unknown);
    assert_eq!(verify_64_at_once(&verifier, &strange).await, [Some(VerifyError::UnknownKey); 64]);
    assert_eq!(issuer.fetches(), 2);

    issuer.clock.advance(9);
    assert_eq!(verify_64_at_once(&verifier, &strange).await, [Some(VerifyError::UnknownKey); 64]);
    assert_eq!(issuer.fetches(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_given_up() {
    let (old, new) = (SigningKey::es256("k1"), SigningKey::eddsa("k2"));
    let issuer = Issuer::start(&[&old]).await;
    let verifier = issuer.verifier();
    let (by_old, by_new) = (lasting(&issuer, &old), lasting(&issuer, &new));
    assert!(verifier.verify(&by_old).await.is_ok());

    issuer.publish(&[&old, &new]);
    issuer.clock.advance(10);
    assert!(verifier.verify(&by_new).await.is_ok());
    assert!(verifier.verify(&by_old).await.is_ok());
    assert_eq!(issuer.fetches(), 2);

    issuer.publish(&[&new]);
    issuer.clock.advance(301);
    assert!(verifier.verify(&by_old).await.is_ok(), "renewed in the background, without waiting");
    issuer.settled(3).await;
    assert_eq!(verifier.verify(&by_old).await.err(), Some(VerifyError::UnknownKey));
    assert!(verifier.verify(&by_new).await.is_ok());
    assert_eq!(issuer.fetches(), 3);
}

#[tokio::test]
async fn an_outage_is_outlived_for_a_while_and_then_everything_is_refused() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    let token = lasting(&issuer, &key);
    assert!(verifier.verify(&token).await.is_ok());

    issuer.set(|published| published.status = Some(StatusCode::BAD_GATEWAY));
    issuer.clock.advance(3600);
    assert!(verifier.verify(&token).await.is_ok());
    let unknown = lasting(&issuer, &SigningKey::es256("k2"));
    for _ in ["waiting for the fetch", "cooling down"] {
        assert_eq!(verifier.verify(&unknown).await.err(), Some(VerifyError::KeysUnavailable));
    }

    issuer.clock.advance(1);
    assert_eq!(verifier.verify(&token).await.err(), Some(VerifyError::KeysUnavailable));

    issuer.set(|published| published.status = None);
    assert_eq!(verifier.verify(&token).await.err(), Some(VerifyError::KeysUnavailable), "cooling down");
    issuer.clock.advance(10);
    assert!(verifier.verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_clock_set_back_makes_keys_too_old_not_forever_young() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    assert!(verifier.verify(&lasting(&issuer, &key)).await.is_ok());

    issuer.publish(&[]);
    issuer.clock.set(NOW - 1);
    let outcome = verifier.verify(&lasting(&issuer, &key)).await;
    assert_eq!(outcome.err(), Some(VerifyError::UnknownKey));
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_lets_nobody_in() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let verifier = Verifier::builder(format!("http://{closed}")).audience("notes").build().unwrap();

    assert!(matches!(verifier.refresh().await, Err(FetchError::Transport(_))));
    let outcome = verifier.verify(&lasting(&issuer, &key)).await;
    assert_eq!(outcome.err(), Some(VerifyError::KeysUnavailable));
}

#[tokio::test]
async fn a_request_dropped_half_way_does_not_cut_the_fetch_off() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    issuer.set(|published| published.delay = Duration::from_millis(100));
    let verifier = issuer.verifier();
    let token = lasting(&issuer, &key);

    let given_up = tokio::time::timeout(Duration::from_millis(20), verifier.verify(&token)).await;
    assert!(given_up.is_err());
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_slow_issuer_is_given_up_and_its_late_answer_not_waited_for() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    issuer.set(|published| published.delay = Duration::from_mins(1));
    let verifier = issuer.builder().timeout(Duration::from_millis(100)).build().unwrap();

    let in_time = tokio::time::timeout(Duration::from_secs(5), verifier.refresh()).await;
    assert!(matches!(in_time, Ok(Err(FetchError::Timeout))));
    let outcome = verifier.verify(&lasting(&issuer, &key)).await;
    assert_eq!(outcome.err(), Some(VerifyError::KeysUnavailable));
    assert_eq!(issuer.fetches(), 1);
}

#[tokio::test]
async fn a_refresh_that_was_asked_for_ignores_the_cool_down() {
    let issuer = Issuer::start(&[]).await;
    let verifier = issuer.verifier();
    for count in 1..=3 {
        verifier.refresh().await.unwrap();
        assert_eq!(issuer.fetches(), count);
    }
}

#[tokio::test]
async fn a_bad_key_set_is_refused_whole_and_the_last_good_one_kept() {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let verifier = issuer.verifier();
    verifier.refresh().await.unwrap();

    let padding = "a".repeat(256 * 1024);
    let jwk = key.jwk().to_string();
    for (body, expected) in [
        (format!(r#"{{"keys":[],"x":"{padding}"}}"#), "the issuer's answer is too large"),
        (format!(r#"{{"keys":[{}]}}"#, [jwk.as_str(); 65].join(",")), "the issuer's set has too many keys"),
        (format!(r#"{{"keys":[{jwk},{jwk}]}}"#), "two keys of the issuer's set have the same kid"),
        (format!(r#"{{"keys":[],"keys":[{jwk}]}}"#), "malformed JWK set"),
        (r#"{"keys":{}}"#.to_owned(), "malformed JWK set"),
        ("[]".to_owned(), "malformed JWK set"),
        (String::new(), "malformed JWK set"),
    ] {
        issuer.set(|published| published.raw_jwks = Some(body));
        assert_eq!(verifier.refresh().await.unwrap_err().to_string(), expected);
        assert!(verifier.verify(&lasting(&issuer, &key)).await.is_ok());
    }
}

#[tokio::test]
async fn keys_that_cannot_verify_tokens_are_passed_over() {
    let (good, other) = (SigningKey::es256("good"), SigningKey::es256("k1"));
    let issuer = Issuer::start(&[&good]).await;
    let without = |name: &str| {
        let mut jwk = other.jwk();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    let with = |name: &str, value: serde_json::Value| {
        let mut jwk = other.jwk();
        jwk[name] = value;
        jwk
    };
    let other_curve = SigningKey::eddsa("k1");
    let mut agreement = other_curve.jwk();
    agreement["crv"] = json!("X25519");
    let symmetric = json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0" });
    for unusable in [
        without("kid"),
        without("kty"),
        without("y"),
        with("use", json!("enc")),
        with("key_ops", json!(["sign"])),
        with("alg", json!("ES384")),
        with("alg", json!("HS256")),
        with("alg", json!("EdDSA")),
        with("crv", json!("P-384")),
        with("kty", json!("RSA")),
        with("kty", json!("OKP")),
        with("x", json!("AA")),
        with("x", other.jwk()["y"].clone()), // not on the curve
        with("d", json!("AA")),              // a private key that everyone has read
        symmetric,
        agreement,
        json!("k1"),
    ] {
        let said = unusable.to_string();
        issuer.set(|published| published.keys = vec![unusable, good.jwk()]);
        let verifier = issuer.verifier();
        assert!(verifier.verify(&lasting(&issuer, &good)).await.is_ok());
        for key in [&other, &other_curve] {
            let outcome = verifier.verify(&lasting(&issuer, key)).await;
            assert_eq!(outcome.err(), Some(VerifyError::UnknownKey), "{said}");
        }
    }
    issuer.set(|published| published.keys = vec![without("alg"), good.jwk()]);
    assert!(issuer.verifier().verify(&lasting(&issuer, &other)).await.is_ok(), "alg is optional");
}

#[tokio::test]
async fn discovery_must_be_the_issuers_own_and_stay_on_its_origin() {
    let key = SigningKey::es256("k1");
    let (issuer, elsewhere) = (Issuer::start(&[&key]).await, Issuer::start(&[&key]).await);
    let token = lasting(&issuer, &key);

    issuer.set(|published| published.discovery["issuer"] = json!(format!("{}/", issuer.url)));
    assert!(matches!(issuer.verifier().refresh().await, Err(FetchError::IssuerMismatch)));

    let foreign = format!("{}/jwks", elsewhere.url);
    issuer.set(|published| published.discovery = json!({ "issuer": issuer.url, "jwks_uri": foreign }));
    assert!(matches!(issuer.verifier().refresh().await, Err(FetchError::ForeignOrigin("jwks_uri"))));
    assert_eq!(elsewhere.fetches(), 0);

    let allowed = issuer.builder().allow_origin(&elsewhere.url).build().unwrap();
    assert!(allowed.verify(&token).await.is_ok());
    let given = issuer.builder().jwks_uri(&foreign).build().unwrap();
    assert!(given.verify(&token).await.is_ok());
    assert_eq!((issuer.fetches(), elsewhere.fetches()), (0, 2));

    for bad in [json!({ "issuer": issuer.url }), json!({ "issuer": issuer.url, "jwks_uri": "/jwks" })] {
        issuer.set(|published| published.discovery = bad);
        assert!(matches!(
            issuer.verifier().refresh().await,
            Err(FetchError::Malformed("discovery document"))
        ));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let issuer = Issuer::start(&[]).await;
    issuer.set(|published| published.status = Some(StatusCode::FOUND));
    let verifier = issuer.builder().jwks_uri(format!("{}/jwks", issuer.url)).build().unwrap();

    assert!(matches!(verifier.refresh().await, Err(FetchError::Status(302))));
    assert_eq!(issuer.fetches(), 1);
}
