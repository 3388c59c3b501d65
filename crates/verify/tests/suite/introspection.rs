//! Asking the issuer whether a token still stands (RFC 7662, RFC 9701).

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orgate_verify::{BuildError, Freshness, Introspection, Verifier, VerifyError};
use serde_json::{Value, json};

use crate::issuer::{GLOBEX, Issuer, NOW, SigningKey};

/// What the endpoint answers, and what it was asked.
#[derive(Default)]
struct Endpoint {
    body: String,
    content_type: &'static str,
    status: StatusCode,
    delay: Duration,
    asked: Vec<(HeaderMap, String)>,
}

struct World {
    issuer: Issuer,
    key: SigningKey,
    endpoint: Arc<Mutex<Endpoint>>,
    url: String,
    token: String,
}

async fn answer(State(endpoint): State<Arc<Mutex<Endpoint>>>, headers: HeaderMap, body: String) -> Response {
    let (delay, answer) = {
        let mut endpoint = endpoint.lock().unwrap();
        endpoint.asked.push((headers, body));
        (endpoint.delay, (endpoint.status, [("content-type", endpoint.content_type)], endpoint.body.clone()))
    };
    tokio::time::sleep(delay).await;
    answer.into_response()
}

async fn world() -> World {
    let key = SigningKey::es256("k1");
    let issuer = Issuer::start(&[&key]).await;
    let endpoint = Arc::new(Mutex::new(Endpoint { content_type: "application/json", ..Endpoint::default() }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/introspect", listener.local_addr().unwrap());
    let router = Router::new().route("/introspect", post(answer)).with_state(Arc::clone(&endpoint));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let token = key.sign(&issuer.claims());
    let world = World { issuer, key, endpoint, url, token };
    world.say(&world.active());
    world
}

impl World {
    fn verifier(&self, max_age: u64, introspection: Introspection) -> Verifier {
        let freshness = Freshness::Introspect { max_age: Duration::from_secs(max_age) };
        let builder = self.issuer.builder().freshness(freshness).timeout(Duration::from_secs(1));
        builder.introspection(introspection.endpoint(&self.url)).build().unwrap()
    }

    fn basic(&self, max_age: u64) -> Verifier {
        self.verifier(max_age, Introspection::with_secret("notes", "s3cret"))
    }

    /// The answer for a token that stands: its claims.
    fn active(&self) -> Value {
        let mut claims = self.issuer.claims();
        (claims["active"], claims["token_type"]) = (json!(true), json!("Bearer"));
        claims
    }

    fn set(&self, change: impl FnOnce(&mut Endpoint)) {
        change(&mut self.endpoint.lock().unwrap());
    }

    fn say(&self, answer: &Value) {
        self.set(|endpoint| endpoint.body = answer.to_string());
    }

    fn asked(&self) -> usize {
        self.endpoint.lock().unwrap().asked.len()
    }

    /// The last request: its `Authorization`, and its form.
    fn last(&self) -> (Option<String>, String) {
        let endpoint = self.endpoint.lock().unwrap();
        let (headers, body) = endpoint.asked.last().unwrap();
        (headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()), body.clone())
    }

    async fn refusal(&self, verifier: &Verifier) -> Option<VerifyError> {
        verifier.verify(&self.token).await.err()
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_as_soon_as_the_last_answer_is_too_old() {
    let world = world().await;
    let verifier = world.basic(10);
    assert_eq!(world.refusal(&verifier).await, None);

    world.say(&json!({ "active": false }));

    world.issuer.clock.advance(9);
    assert_eq!(world.refusal(&verifier).await, None, "the answer is 9 seconds old");
    world.issuer.clock.advance(1);
    assert_eq!(world.refusal(&verifier).await, Some(VerifyError::Inactive));
    assert_eq!(world.asked(), 2);
    world.say(&world.active());
    assert_eq!(world.refusal(&verifier).await, Some(VerifyError::Inactive), "that answer is kept as well");
}

#[tokio::test]
async fn with_no_age_each_request_asks_and_offline_none_does() {
    let world = world().await;
    let (always, never) = (world.basic(0), world.issuer.verifier());

    for _ in 0..3 {
        assert!(always.verify(&world.token).await.is_ok() && never.verify(&world.token).await.is_ok());
    }

    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn however_many_requests_bring_one_token_the_issuer_is_asked_once() {
    let world = world().await;
    world.set(|endpoint| endpoint.delay = Duration::from_millis(100));
    let verifier = world.basic(10);
    let verify = || verifier.verify(&world.token);

    let (a, b, c, d) = tokio::join!(verify(), verify(), verify(), verify());

    assert!([a, b, c, d].iter().all(Result::is_ok));
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn what_the_issuer_has_not_signed_for_this_backend_is_not_asked_about() {
    let world = world().await;
    let verifier = world.basic(0);
    let forged = SigningKey::es256("k1").sign(&world.issuer.claims());
    let elsewhere = world.issuer.token_with(&world.key, "aud", json!("billing"));
    let expired = world.issuer.token_with(&world.key, "exp", json!(NOW - 60));

    for token in [forged, elsewhere, expired, "opaque".to_owned()] {
        assert!(verifier.verify(&token).await.is_err());
    }

    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn the_answer_counts_from_rights_to_organization_as_a_token_does() {
    let world = world().await;
    let verifier = world.basic(0);
    let mut fewer = world.active();
    fewer["permissions"] = json!(["notes:read"]);
    world.say(&fewer);

    let token = verifier.verify(&world.token).await.unwrap();

    assert!(!token.has_permission("notes:write"), "taken away since the token was issued");
    for (member, value, expected) in [
        ("org_id", json!(null), VerifyError::InvalidClaim("org_id")),
        ("org_id", json!(GLOBEX), VerifyError::IntrospectionMismatch),
        ("sub", json!("usr_2"), VerifyError::IntrospectionMismatch),
        ("jti", json!("jti-2"), VerifyError::IntrospectionMismatch),
        ("client_id", json!("other"), VerifyError::IntrospectionMismatch),
        ("cnf", json!({ "jkt": "abc" }), VerifyError::IntrospectionMismatch),
        ("iss", json!("https://evil.example"), VerifyError::Issuer),
        ("aud", json!("billing"), VerifyError::Audience),
        ("exp", json!(NOW - 60), VerifyError::Expired),
    ] {
        let mut answer = world.active();
        answer[member] = value.clone();
        world.say(&answer);
        assert_eq!(world.refusal(&verifier).await, Some(expected), "{member}: {value}");
    }
    for claim in ["org_id", "org_name", "sub", "jti", "iss", "aud", "exp"] {
        let mut answer = world.active();
        answer.as_object_mut().unwrap().remove(claim);
        world.say(&answer);
        assert_eq!(world.refusal(&verifier).await, Some(VerifyError::MissingClaim(claim)));
    }
}

#[tokio::test]
async fn a_binding_that_the_answer_leaves_out_does_not_come_off() {
    let world = world().await;
    let freshness = Freshness::Introspect { max_age: Duration::ZERO };
    let introspection = Introspection::with_secret("notes", "s3cret").endpoint(&world.url);
    let builder = world.issuer.builder().allow_sender_constrained().freshness(freshness);
    let verifier = builder.introspection(introspection).build().unwrap();
    let bound = world.issuer.token_with(&world.key, "cnf", json!({ "jkt": "abc" }));

    assert_eq!(verifier.verify(&bound).await.err(), Some(VerifyError::IntrospectionMismatch));
}

#[tokio::test]
async fn without_an_answer_to_go_by_the_token_is_refused_and_the_next_request_asks_again() {
    let world = world().await;
    let verifier = world.basic(60);
    let unavailable = Some(VerifyError::IntrospectionUnavailable);

    for body in [
        "",
        "{}",
        "[]",
        "true",
        r#"{"active":"true"}"#,
        r#"{"active":null}"#,
        r#"{"active":true,"active":true}"#,
    ] {
        world.set(|endpoint| endpoint.body = body.to_owned());
        assert_eq!(world.refusal(&verifier).await, unavailable, "{body}");
    }
    for status in [StatusCode::UNAUTHORIZED, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND] {
        world.set(|endpoint| endpoint.status = status);
        assert_eq!(world.refusal(&verifier).await, unavailable, "{status}");
    }
    world.set(|endpoint| endpoint.status = StatusCode::OK);
    world.set(|endpoint| endpoint.body = "x".repeat(300 * 1024));
    assert_eq!(world.refusal(&verifier).await, unavailable, "too large");
    world.say(&world.active());
    world.set(|endpoint| endpoint.delay = Duration::from_secs(3));
    assert_eq!(world.refusal(&verifier).await, unavailable, "too slow");
    world.set(|endpoint| endpoint.delay = Duration::ZERO);
    assert_eq!(world.refusal(&verifier).await, None);
}

#[tokio::test]
async fn the_backend_proves_who_it_is_in_each_of_the_ways() {
    let world = world().await;
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let pkcs8 = pair.to_pkcs8v1().unwrap();
    let token = format!("token={}&token_type_hint=access_token", world.token);

    world.verifier(0, Introspection::with_secret("a:b", "c d%")).verify(&world.token).await.unwrap();
    // `a%3Ab:c+d%25`, RFC 6749 §2.3.1.
    assert_eq!(world.last(), (Some("Basic YSUzQWI6YytkJTI1".to_owned()), token.clone()));

    let in_body = Introspection::with_secret_in_body("notes", "c d");
    world.verifier(0, in_body).verify(&world.token).await.unwrap();
    assert_eq!(world.last(), (None, format!("{token}&client_id=notes&client_secret=c+d")));

    let by_key = Introspection::with_private_key("notes", "n1", pkcs8.as_ref()).unwrap();
    world.verifier(0, by_key).verify(&world.token).await.unwrap();
    let (_, form) = world.last();
    assert!(form.contains(
        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
    ));
    let (_, assertion) = form.split_once("&client_assertion=").unwrap();
    let parts: Vec<_> = assertion.split('.').collect();
    let read =
        |part: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!(read(parts[0]), json!({ "typ": "JWT", "alg": "ES256", "kid": "n1" }));
    let claims = read(parts[1]);
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["aud"]),
        (&json!("notes"), &json!("notes"), &json!(world.issuer.url))
    );
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW), &json!(NOW + 60)));
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref());
    assert!(key.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).is_ok());
    assert!(Introspection::with_private_key("notes", "n1", b"nonsense").is_err());
}

#[tokio::test]
async fn the_endpoint_is_the_discovered_one_on_an_origin_that_is_allowed() {
    let world = world().await;
    let build = |origin: Option<&str>| -> Result<Verifier, BuildError> {
        let builder = world.issuer.builder().freshness(Freshness::Introspect { max_age: Duration::ZERO });
        let builder = builder.introspection(Introspection::with_secret("notes", "s3cret"));
        match origin {
            Some(origin) => builder.allow_origin(origin).build(),
            None => builder.build(),
        }
    };
    assert_eq!(
        world.refusal(&build(None).unwrap()).await,
        Some(VerifyError::IntrospectionUnavailable),
        "none"
    );

    world.issuer.set(|published| published.discovery["introspection_endpoint"] = json!(world.url));

    let foreign = world.refusal(&build(None).unwrap()).await;
    assert_eq!(foreign, Some(VerifyError::IntrospectionUnavailable), "another origin than the issuer's");
    assert_eq!(world.asked(), 0);
    let allowed = build(Some(world.url.trim_end_matches("/introspect"))).unwrap();
    assert_eq!(world.refusal(&allowed).await, None);
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_signed_answer_is_the_issuers_for_this_client_and_made_after_it_was_asked() {
    let world = world().await;
    let verifier = world.verifier(0, Introspection::with_secret("notes-api", "s3cret").signed());
    let unavailable = Some(VerifyError::IntrospectionUnavailable);
    let claims = || json!({ "iss": world.issuer.url, "aud": "notes-api", "iat": NOW, "token_introspection": world.active() });
    let say = |key: &SigningKey, typ: &str, claims: &Value| {
        let mut header = key.header();
        header["typ"] = json!(typ);
        let body = key.sign_raw(&header.to_string(), claims.to_string().as_bytes());
        world.set(|endpoint| endpoint.body = body);
    };
    assert_eq!(world.refusal(&verifier).await, unavailable, "plain JSON");
    world.set(|endpoint| endpoint.content_type = "application/token-introspection+jwt");
    say(&world.key, "token-introspection+jwt", &claims());
    assert_eq!(world.refusal(&verifier).await, None);
    let accepts = world.endpoint.lock().unwrap().asked[0].0["accept"].clone();
    assert_eq!(accepts, "application/token-introspection+jwt");
    say(&SigningKey::es256("k1"), "token-introspection+jwt", &claims());
    assert_eq!(world.refusal(&verifier).await, unavailable, "another's key");
    for typ in ["JWT", "at+jwt"] {
        say(&world.key, typ, &claims());
        assert_eq!(world.refusal(&verifier).await, unavailable, "{typ}");
    }
    for (claim, value) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("billing-api")),
        ("aud", json!(null)),
        ("iat", json!(NOW - 31)),
        ("iat", json!(NOW + 31)),
        ("iat", json!(null)),
        ("token_introspection", json!(null)),
        ("token_introspection", json!({})),
    ] {
        let mut changed = claims();
        changed[claim] = value.clone();
        say(&world.key, "token-introspection+jwt", &changed);
        assert_eq!(world.refusal(&verifier).await, unavailable, "{claim}: {value}");
    }
    let mut revoked = claims();
    revoked["token_introspection"] = json!({ "active": false });
    say(&world.key, "token-introspection+jwt", &revoked);
    assert_eq!(world.refusal(&verifier).await, Some(VerifyError::Inactive));
}
