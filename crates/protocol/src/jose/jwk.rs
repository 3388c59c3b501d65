//! Public keys as JSON (RFC 7517).
//!
//! **Invariant:** there is no field for a private member, so none can be published.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    RsaParameters, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{JoseError, SigningAlgorithm};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Its type and numbers.
    #[serde(flatten)]
    pub key: PublicKeyParameters,
    /// Its id.
    pub kid: String,
    /// The one algorithm that it is used with.
    pub alg: SigningAlgorithm,
    /// What it is used for.
    #[serde(rename = "use")]
    pub usage: PublicKeyUse,
}

/// A public key's numbers, in base64url (RFC 7518 §6, RFC 8037 §2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicKeyParameters {
    /// A point on an elliptic curve.
    #[serde(rename = "EC")]
    Ec {
        /// The curve.
        crv: String,
        /// Its first coordinate.
        x: String,
        /// Its second coordinate.
        y: String,
    },
    /// A point on an Edwards curve.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve.
        crv: String,
        /// The point.
        x: String,
    },
    /// An RSA key.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus.
        n: String,
        /// The exponent.
        e: String,
    },
}

/// The value of `use`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PublicKeyUse {
    /// Signatures.
    #[serde(rename = "sig")]
    Signature,
}

/// A set of public keys: `/jwks.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

impl PublicKeyParameters {
    /// The key, ready to verify signatures of `algorithm`: P-256, Ed25519, or RSA of 2048 to 4096 bits with an
    /// odd exponent of at most 4 bytes.
    ///
    /// # Errors
    /// [`JoseError::Key`], also if `algorithm` needs a key of another type.
    pub(super) fn for_algorithm(&self, algorithm: SigningAlgorithm) -> Result<ParsedPublicKey, JoseError> {
        match (algorithm, self) {
            (SigningAlgorithm::Es256, Self::Ec { crv, x, y }) if crv == "P-256" => p256_key(x, y),
            (SigningAlgorithm::EdDsa, Self::Okp { crv, x }) if crv == "Ed25519" => ed25519_key(x),
            (SigningAlgorithm::Ps256, Self::Rsa { n, e }) => rsa_key(n, e, &RSA_PSS_2048_8192_SHA256),
            (SigningAlgorithm::Rs256, Self::Rsa { n, e }) => rsa_key(n, e, &RSA_PKCS1_2048_8192_SHA256),
            _ => Err(JoseError::Key),
        }
    }

    /// What a key of its type signs with.
    pub(super) const fn algorithms(&self) -> &'static [SigningAlgorithm] {
        match self {
            Self::Ec { .. } => &[SigningAlgorithm::Es256],
            Self::Okp { .. } => &[SigningAlgorithm::EdDsa],
            Self::Rsa { .. } => &[SigningAlgorithm::Ps256, SigningAlgorithm::Rs256],
        }
    }

    /// RFC 7638: SHA-256 over the required members in lexical order, in base64url.
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Ec { crv, x, y } => {
                serde_json::json!({ "crv": crv, "kty": "EC", "x": x, "y": y })
            }
            Self::Okp { crv, x } => serde_json::json!({ "crv": crv, "kty": "OKP", "x": x }),
            Self::Rsa { n, e } => serde_json::json!({ "e": e, "kty": "RSA", "n": n }),
        };
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.to_string().as_bytes()))
    }
}

fn p256_key(x: &str, y: &str) -> Result<ParsedPublicKey, JoseError> {
    let (x, y) = (decode(x)?, decode(y)?);
    if x.len() != 32 || y.len() != 32 {
        return Err(JoseError::Key);
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| JoseError::Key)
}

fn ed25519_key(x: &str) -> Result<ParsedPublicKey, JoseError> {
    ParsedPublicKey::new(&ED25519, decode(x)?).map_err(|_| JoseError::Key)
}

fn rsa_key(n: &str, e: &str, parameters: &'static RsaParameters) -> Result<ParsedPublicKey, JoseError> {
    let (n, e) = (decode(n)?, decode(e)?);
    let is_long = match n.as_slice() {
        [first, ..] if n.len() == 256 => *first >= 0x80,
        _ => (257..=512).contains(&n.len()),
    };
    // RFC 8017 §3.1: odd, and not 1, with which a signature says what anybody could write.
    let is_sound = e.len() <= 4 && e.as_slice() != [1] && e.last().is_some_and(|last| last % 2 == 1);
    if !is_long || !is_sound {
        return Err(JoseError::Key);
    }
    // Leading zeros, with which one key would have several thumbprints, are refused here.
    RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).map_err(|_| JoseError::Key)
}

fn decode(text: &str) -> Result<Vec<u8>, JoseError> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| JoseError::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037 appendices A.2 and A.4.
    const A_2: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    #[test]
    fn the_example_of_rfc_8037_a_3_has_its_thumbprint() {
        let key: PublicKeyParameters = serde_json::from_str(A_2).unwrap();

        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_example_of_rfc_8037_a_5_verifies() {
        let key: PublicKeyParameters = serde_json::from_str(A_2).unwrap();
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let signature = decode(signature).unwrap();

        let key = key.for_algorithm(SigningAlgorithm::EdDsa).unwrap();

        assert!(key.verify_sig(message.as_bytes(), &signature).is_ok());
        assert!(key.verify_sig(b"another", &signature).is_err());
    }

    #[test]
    fn the_example_of_rfc_7638_section_3_1_has_its_thumbprint() {
        let key = PublicKeyParameters::Rsa {
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXj\
                BZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs\
                8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G\
                _xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
                .to_owned(),
            e: "AQAB".to_owned(),
        };

        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn private_members_do_not_survive_reading_and_writing() {
        let json =
            r#"{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"secret","kid":"k","alg":"ES256","use":"sig"}"#;

        let jwk: Jwk = serde_json::from_str(json).unwrap();

        insta::assert_json_snapshot!(JwkSet { keys: vec![jwk] }, @r#"
        {
          "keys": [
            {
              "kty": "EC",
              "crv": "P-256",
              "x": "a",
              "y": "b",
              "kid": "k",
              "alg": "ES256",
              "use": "sig"
            }
          ]
        }
        "#);
    }
}
