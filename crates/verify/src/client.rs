//! How the backend proves to the issuer who it is (RFC 6749 §2.3, RFC 7523 §2.2).

use aws_lc_rs::{
    rand::{SecureRandom, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use form_urlencoded::byte_serialize;
use reqwest::{RequestBuilder, header::AUTHORIZATION};
use serde_json::json;

/// For how long an assertion is good: it is made for one request, and sent at once.
const ASSERTION_SECONDS: u64 = 60;

/// The registration of the backend with the issuer, by which it may introspect tokens.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) authentication: Authentication,
}

pub(crate) enum Authentication {
    PrivateKey(AssertionKey),
    SecretInBody(String),
    SecretInHeader(String),
}

/// A key for `private_key_jwt`.
pub(crate) struct AssertionKey {
    kid: String,
    pair: EcdsaKeyPair,
}

/// The key cannot be used: not PKCS #8, or not of the curve P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a P-256 key in PKCS #8")]
pub struct InvalidKey;

impl AssertionKey {
    pub(crate) fn from_pkcs8(kid: String, der: &[u8]) -> Result<Self, InvalidKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| InvalidKey)?;
        Ok(Self { kid, pair })
    }

    /// `None` without a source of randomness.
    fn sign(&self, client_id: &str, issuer: &str, now: u64) -> Option<String> {
        let random = SystemRandom::new();
        let mut jti = [0; 16];
        random.fill(&mut jti).ok()?;
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": self.kid });
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": issuer, "jti": URL_SAFE_NO_PAD.encode(jti),
            "iat": now, "exp": now + ASSERTION_SECONDS,
        });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let input = format!("{header}.{claims}");
        let signature = self.pair.sign(&random, input.as_bytes()).ok()?;
        Some(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Client {
    /// The request with this form and the client's authentication; `None` without a source of randomness.
    pub(crate) fn authenticate(
        &self,
        request: RequestBuilder,
        mut form: Vec<(&'static str, String)>,
        at: (&str, u64),
    ) -> Option<RequestBuilder> {
        let (issuer, now) = at;
        let request = match &self.authentication {
            Authentication::SecretInHeader(secret) => request.header(AUTHORIZATION, basic(&self.id, secret)),
            Authentication::SecretInBody(secret) => {
                form.extend([("client_id", self.id.clone()), ("client_secret", secret.clone())]);
                request
            }
            Authentication::PrivateKey(key) => {
                const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.extend([
                    ("client_id", self.id.clone()),
                    ("client_assertion_type", JWT_BEARER.to_owned()),
                    ("client_assertion", key.sign(&self.id, issuer, now)?),
                ]);
                request
            }
        };
        Some(request.form(&form))
    }
}

/// RFC 6749 §2.3.1: both are form-encoded first.
fn basic(id: &str, secret: &str) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
}
