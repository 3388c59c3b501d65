//! An issuer on loopback: signs tokens, publishes keys, and misbehaves when told.

use std::{
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaKeyPair,
    },
};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use orgate_verify::{Clock, Verifier, VerifierBuilder};
use serde_json::{Value, json};

/// When the tests begin.
pub(crate) const NOW: u64 = 1_800_000_000;

pub(crate) const ACME: &str = "org_01jd8zk6v8e5wsm3r1q2t4y6x7";
pub(crate) const GLOBEX: &str = "org_01jd8zk6v8e5wsm3r1q2t4y6x8";

/// One RSA key for all tests: making one takes long.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

/// A clock that goes when told.
#[derive(Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// What the issuer answers, and how often it was asked.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) discovery: Value,
    pub(crate) keys: Vec<Value>,
    /// Instead of the key set.
    pub(crate) raw_jwks: Option<String>,
    /// Instead of 200.
    pub(crate) status: Option<StatusCode>,
    pub(crate) delay: Duration,
    pub(crate) fetches: usize,
}

type Shared = Arc<Mutex<Published>>;

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) clock: TestClock,
    published: Shared,
}

impl Issuer {
    /// An issuer that publishes `keys`.
    pub(crate) async fn start(keys: &[&SigningKey]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let published = Shared::default();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .with_state(Arc::clone(&published));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { clock: TestClock(Arc::new(AtomicU64::new(NOW))), url, published };
        issuer.publish(keys);
        let discovery = json!({ "issuer": issuer.url, "jwks_uri": format!("{}/jwks", issuer.url) });
        issuer.set(|published| published.discovery = discovery);
        issuer
    }

    pub(crate) fn set<T>(&self, change: impl FnOnce(&mut Published) -> T) -> T {
        change(&mut self.published.lock().unwrap())
    }

    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.set(|published| published.keys = keys.iter().map(|key| key.jwk()).collect());
    }

    /// How often the key set was asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.set(|published| published.fetches)
    }

    /// Waits until the key set has been asked for `count` times, and the answer has been taken in.
    pub(crate) async fn settled(&self, count: usize) {
        for _ in 0..1000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            if self.fetches() >= count {
                return tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        panic!("no fetch number {count}");
    }

    pub(crate) fn builder(&self) -> VerifierBuilder {
        Verifier::builder(&self.url).audience("notes").clock(self.clock.clone())
    }

    pub(crate) fn verifier(&self) -> Arc<Verifier> {
        Arc::new(self.builder().build().unwrap())
    }

    /// The claims of a good token of Alice's in Acme.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.url,
            "sub": "usr_01jd8zk6v8e5wsm3r1q2t4y6x9",
            "aud": "notes",
            "client_id": "cli_01jd8zk6v8e5wsm3r1q2t4y6xa",
            "exp": NOW + 600,
            "iat": NOW,
            "jti": "jti-1",
            "org_id": ACME,
            "org_name": "acme",
            "sid": "ses_01jd8zk6v8e5wsm3r1q2t4y6xb",
            "scope": "openid notes",
            "roles": ["editor"],
            "permissions": ["notes:read", "notes:write"],
            "auth_time": NOW - 60,
            "acr": "urn:orgate:mfa",
            "amr": ["pwd", "otp"],
        })
    }

    /// The claims of a good token of a client of its own accord in Acme.
    pub(crate) fn machine_claims(&self) -> Value {
        let mut claims = self.claims();
        let members = claims.as_object_mut().unwrap();
        for of_users in ["sid", "auth_time", "acr", "amr"] {
            members.remove(of_users);
        }
        members.insert("sub".to_owned(), json!("cli_01jd8zk6v8e5wsm3r1q2t4y6xa"));
        claims
    }

    /// A token like [`Self::claims`], but for one claim.
    pub(crate) fn token_with(&self, key: &SigningKey, claim: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[claim] = value;
        key.sign(&claims)
    }
}

async fn discovery(State(published): State<Shared>) -> Response {
    let (status, body) = {
        let published = published.lock().unwrap();
        (published.status, published.discovery.to_string())
    };
    (status.unwrap_or_default(), body).into_response()
}

async fn jwks(State(published): State<Shared>) -> Response {
    let (status, body, delay) = {
        let mut published = published.lock().unwrap();
        published.fetches += 1;
        let body =
            published.raw_jwks.clone().unwrap_or_else(|| json!({ "keys": published.keys }).to_string());
        (published.status.unwrap_or_default(), body, published.delay)
    };
    tokio::time::sleep(delay).await;
    (status, [(LOCATION, "/jwks")], body).into_response()
}

/// A private key and its name.
pub(crate) struct SigningKey {
    pub(crate) kid: &'static str,
    pub(crate) alg: &'static str,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa,
}

impl SigningKey {
    pub(crate) fn es256(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid, alg: "ES256", pair: Pair::Ec(pair) }
    }

    pub(crate) fn eddsa(kid: &'static str) -> Self {
        Self { kid, alg: "EdDSA", pair: Pair::Ed(Ed25519KeyPair::generate().unwrap()) }
    }

    /// `alg` is `RS256` or `PS256`.
    pub(crate) fn rsa(kid: &'static str, alg: &'static str) -> Self {
        Self { kid, alg, pair: Pair::Rsa }
    }

    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = match &self.pair {
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) }),
            Pair::Rsa => {
                let modulus = RSA.public_key().modulus().big_endian_without_leading_zero();
                let exponent = RSA.public_key().exponent().big_endian_without_leading_zero();
                json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent) })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["alg"] = json!(self.alg);
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "typ": "at+jwt", "alg": self.alg, "kid": self.kid })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_raw(&self.header().to_string(), claims.to_string().as_bytes())
    }

    /// Signs these very bytes.
    pub(crate) fn sign_raw(&self, header: &str, payload: &[u8]) -> String {
        let input = format!("{}.{}", encode(header), encode(payload));
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Ed(pair) => pair.sign(input.as_bytes()).as_ref().to_vec(),
            Pair::Rsa => {
                let encoding = if self.alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; RSA.public_modulus_len()];
                RSA.sign(encoding, &SystemRandom::new(), input.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{input}.{}", encode(signature))
    }

    /// What an attacker has of an RSA key: the public key as DER.
    pub(crate) fn public_der() -> Vec<u8> {
        RSA.public_key().as_ref().to_vec()
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
