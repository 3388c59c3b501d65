//! A client's key, and what proves that it has it (RFC 9449 §4.2).

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_flows::{Clock as _, SystemClock};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

pub(super) struct Prover {
    pair: EcdsaKeyPair,
    header: Value,
}

impl Prover {
    pub(super) fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
        let point = pair.public_key().as_ref();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        Self { pair, header }
    }

    /// For a post to this address, now.
    pub(super) fn proof(&self, to: &Url) -> String {
        let claims = json!({
            "jti": Uuid::now_v7().to_string(), "htm": "POST", "htu": to.as_str(), "iat": SystemClock.now().timestamp(),
        });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&self.header), encode(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
