//! Public keys as JSON (RFC 7517).
//!
//! **Invariant:** there is no field for a private member, so none can be published.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::SigningAlgorithm;

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

/// A public key's numbers, in base64url (RFC 7518 §6).
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
    /// RFC 7638: SHA-256 over the required members in lexical order, in base64url.
    pub fn thumbprint(&self) -> String {
        let canonical = match self {
            Self::Ec { crv, x, y } => {
                serde_json::json!({ "crv": crv, "kty": "EC", "x": x, "y": y })
            }
            Self::Rsa { n, e } => serde_json::json!({ "e": e, "kty": "RSA", "n": n }),
        };
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.to_string().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
