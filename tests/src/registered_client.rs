//! What the harness' OpenID provider knows of its client, and how it has the client prove itself at the
//! token endpoint (OIDC Core §9): as strictly as the specifications let a provider be.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use orgate_flows::{Clock as _, SystemClock};
use serde_json::{Map, Value, json};
use url::Url;

use crate::app::client;

/// The longest that a client assertion may be valid, in seconds.
const MAX_LIFETIME: i64 = 300;

/// How a client proves itself.
#[derive(Debug, Clone)]
pub enum Proof {
    /// `client_secret_basic`, with this secret.
    Basic(String),
    /// `client_secret_post`, with this secret.
    Post(String),
    /// `private_key_jwt` (RFC 7523 §3), for this audience, by the keys that are published at this address.
    PrivateKeyJwt {
        /// What `aud` must be.
        audience: String,
        /// Where the client publishes its keys.
        keys: Url,
    },
}

/// A client as it was registered, and what it has shown so far.
#[derive(Debug)]
pub struct RegisteredClient {
    /// What it is called.
    pub client_id: String,
    proof: Proof,
    /// Assertions that were taken: each is good once.
    seen: Mutex<BTreeSet<String>>,
    verdicts: Mutex<Vec<Result<(), String>>>,
}

impl RegisteredClient {
    /// A client that nobody has seen yet.
    pub fn new(client_id: &str, proof: Proof) -> Self {
        Self { client_id: client_id.to_owned(), proof, seen: Mutex::default(), verdicts: Mutex::default() }
    }

    /// What came of each request at the token endpoint, first to last: nothing, or what was wrong.
    pub fn verdicts(&self) -> Vec<Result<(), String>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ids of the assertions that were taken.
    pub fn assertions(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether a token request is this client's, and proven in the one way that was agreed.
    pub async fn authenticate(&self, headers: &HeaderMap, form: &Map<String, Value>) -> bool {
        let verdict = self.verdict(headers, form).await;
        let holds = verdict.is_ok();
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).push(verdict);
        holds
    }

    async fn verdict(&self, headers: &HeaderMap, form: &Map<String, Value>) -> Result<(), String> {
        let field = |name: &str| form.get(name).and_then(Value::as_str);
        let ways = [
            ("client_secret_basic", headers.contains_key(header::AUTHORIZATION)),
            ("client_secret_post", form.contains_key("client_secret")),
            ("private_key_jwt", form.contains_key("client_assertion")),
        ];
        let used: Vec<&str> = ways.iter().filter(|(_, used)| *used).map(|(way, _)| *way).collect();
        let agreed = match &self.proof {
            Proof::Basic(_) => "client_secret_basic",
            Proof::Post(_) => "client_secret_post",
            Proof::PrivateKeyJwt { .. } => "private_key_jwt",
        };
        // RFC 6749 §2.3: one method a request.
        if used != [agreed] {
            return Err(format!("{agreed} was agreed, and it came with {used:?}"));
        }
        if field("client_id").is_some_and(|client_id| client_id != self.client_id) {
            return Err("another client_id".to_owned());
        }
        match &self.proof {
            Proof::Basic(secret) => check_basic(headers, &self.client_id, secret),
            Proof::Post(_) if field("client_id").is_none() => Err("no client_id".to_owned()),
            Proof::Post(secret) if field("client_secret") != Some(secret) => Err("another secret".to_owned()),
            Proof::Post(_) => Ok(()),
            Proof::PrivateKeyJwt { audience, keys } => {
                let of_type = field("client_assertion_type")
                    == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
                if !of_type {
                    return Err("another client_assertion_type".to_owned());
                }
                let assertion = field("client_assertion").unwrap_or_default();
                let claims = verified(assertion, keys).await?;
                self.check_claims(&claims, audience)
            }
        }
    }

    /// RFC 7523 §3, points 1 to 7.
    fn check_claims(&self, claims: &Value, audience: &str) -> Result<(), String> {
        let now = SystemClock.now().timestamp();
        let time = |name: &str| claims[name].as_i64().ok_or_else(|| format!("no {name}"));
        for name in ["iss", "sub"] {
            if claims[name] != json!(self.client_id) {
                return Err(format!("{name} is {}", claims[name]));
            }
        }
        if claims["aud"] != json!(audience) {
            return Err(format!("aud is {}", claims["aud"]));
        }
        if !(now..=now + MAX_LIFETIME).contains(&time("exp")?) || time("iat")? > now {
            return Err("it is not valid now, or for too long".to_owned());
        }
        let jti = claims["jti"].as_str().filter(|jti| !jti.is_empty()).ok_or("no jti")?;
        let is_new = self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(jti.to_owned());
        if is_new { Ok(()) } else { Err("an assertion that was used before".to_owned()) }
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn check_basic(headers: &HeaderMap, client_id: &str, secret: &str) -> Result<(), String> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let encoded = value.strip_prefix("Basic ").ok_or("another scheme")?;
    let decoded = BASE64_STANDARD.decode(encoded).map_err(|error| error.to_string())?;
    let text = String::from_utf8(decoded).map_err(|error| error.to_string())?;
    let (user, password) = text.split_once(':').ok_or("no colon")?;
    let decode = |half: &str| -> String {
        let pairs = url::form_urlencoded::parse(half.as_bytes()).into_owned();
        pairs.map(|(name, _)| name).collect()
    };
    let plain =
        |half: &str| half.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._*+%~".contains(&byte));
    if !plain(user) || !plain(password) {
        return Err(format!("not form-encoded: {text}"));
    }
    if decode(user) != client_id || decode(password) != secret {
        return Err("another client, or another secret".to_owned());
    }
    Ok(())
}

/// The claims of an assertion whose signature is by the one published key that it names.
async fn verified(assertion: &str, keys: &Url) -> Result<Value, String> {
    let published = client().get(keys.clone()).send().await.map_err(|error| error.to_string())?;
    let published: Value = published.json().await.map_err(|error| error.to_string())?;
    let parts: Vec<&str> = assertion.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err("not a token".to_owned()) };
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|error| error.to_string());
    let json = |part: &str| -> Result<Value, String> {
        serde_json::from_slice(&decode(part)?).map_err(|error| error.to_string())
    };
    let (head, claims) = (json(header)?, json(payload)?);
    let member = |name: &str| head.get(name).and_then(Value::as_str).unwrap_or_default();
    if member("alg") != "ES256" {
        return Err(format!("alg is {}", member("alg")));
    }
    let kid = member("kid");
    let mut keys = published.get("keys").and_then(Value::as_array).into_iter().flatten();
    let named = keys.find(|key| !kid.is_empty() && key.get("kid") == Some(&json!(kid)));
    let key = named.ok_or("no such key is published")?;
    if ["d", "p", "q", "k"].iter().any(|secret| key.get(secret).is_some()) {
        return Err("the private key is published".to_owned());
    }
    let coordinate = |name: &str| decode(key[name].as_str().unwrap_or_default());
    let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let message = format!("{header}.{payload}");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &decode(signature)?)
        .map_err(|_| "not the signature of the key that is published".to_owned())?;
    Ok(claims)
}
