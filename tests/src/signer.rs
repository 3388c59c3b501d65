//! A client's own key: what it signs, and what proves that it has it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// A key for ES256.
#[derive(Debug)]
pub struct Signer {
    pair: EcdsaKeyPair,
    /// Its public part.
    pub jwk: Value,
}

impl Default for Signer {
    /// A new one.
    fn default() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let (x, y) = pair.public_key().as_ref().get(1..).expect("a point").split_at(32);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) });
        Self { pair, jwk }
    }
}

impl Signer {
    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        let member = |name: &str| self.jwk.get(name);
        let canonical = json!({ "crv": "P-256", "kty": "EC", "x": member("x"), "y": member("y") });
        encode(digest(&SHA256, canonical.to_string().as_bytes()).as_ref())
    }

    /// A compact JWS.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", encode(signature.as_ref()))
    }

    /// The header of a proof of possession (RFC 9449 §4.2).
    pub fn proof_header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk })
    }

    /// A proof of possession for a request at this time, which presents this access token or none.
    pub fn proof(&self, (method, to): (&str, &Url), at: i64, token: Option<&str>) -> String {
        let mut claims = proof_claims((method, to), at);
        if let (Some(token), Some(members)) = (token, claims.as_object_mut()) {
            members.insert("ath".to_owned(), encode(digest(&SHA256, token.as_bytes()).as_ref()).into());
        }
        self.sign(&self.proof_header(), &claims)
    }
}

/// The claims of a proof of possession that every one has.
pub fn proof_claims((method, to): (&str, &Url), at: i64) -> Value {
    json!({ "jti": Uuid::now_v7().to_string(), "htm": method, "htu": to, "iat": at })
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
