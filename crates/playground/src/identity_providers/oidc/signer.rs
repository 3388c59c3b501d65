//! The key that the provider signs with: P-256, new at every start.

use aws_lc_rs::{
    digest::{SHA256, digest},
    error::Unspecified,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

pub(super) struct Signer {
    private_key: EncodingKey,
    public_key: DecodingKey,
    kid: String,
    x: String,
    y: String,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignerError {
    #[error("no key could be generated")]
    Generate(#[from] Unspecified),
    #[error(transparent)]
    Jwt(#[from] jsonwebtoken::errors::Error),
    #[error("the key is malformed")]
    Malformed,
}

impl Signer {
    pub(super) fn generate() -> Result<Self, SignerError> {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new())?;
        let pair =
            EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref()).map_err(|_| SignerError::Malformed)?;
        // Uncompressed (SEC 1 §2.3.3): 4, x, y.
        let point = pair.public_key().as_ref();
        let coordinate = |range| point.get(range).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
        let (Some(x), Some(y)) = (coordinate(1..33), coordinate(33..65)) else {
            return Err(SignerError::Malformed);
        };
        Ok(Self {
            private_key: EncodingKey::from_ec_der(document.as_ref()),
            public_key: DecodingKey::from_ec_components(&x, &y)?,
            kid: thumbprint(&x, &y),
            x,
            y,
        })
    }

    pub(super) fn jwks(&self) -> Value {
        let (x, y, kid) = (&self.x, &self.y, &self.kid);
        let key = json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "alg": "ES256", "use": "sig",
        });
        json!({ "keys": [key] })
    }

    pub(super) fn sign(&self, typ: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.private_key)
    }

    /// The claims of something that was signed here, however old it is.
    pub(super) fn verify<T: DeserializeOwned + Clone>(&self, jwt: &str) -> Option<T> {
        let mut validation = Validation::new(Algorithm::ES256);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        decode(jwt, &self.public_key, &validation).ok().map(|token| token.claims)
    }
}

/// RFC 7638 §3.
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}
