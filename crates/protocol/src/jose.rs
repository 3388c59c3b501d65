//! JSON object signing (RFC 7515, 7517, 7518, 7638), as far as a provider needs it.
//!
//! **Invariant:** asymmetric signatures only, and the key decides the algorithm: a token's `alg` can only be
//! refused for contradicting it (RFC 8725 §3.1).

pub mod claims;
mod client_keys;
pub mod dpop;
mod foreign_jwk;
pub(crate) mod json;
mod jwk;
mod numeric_date;
mod signing_key;
mod verify;

pub use client_keys::{ClientKeys, ClientKeysError};
pub use foreign_jwk::KeyFault;
pub use jwk::{Jwk, JwkSet, PublicKeyParameters, PublicKeyUse};
pub use numeric_date::numeric_date;
pub use signing_key::SigningKey;
pub use verify::{KeySet, Unverified, VerifyingKey, read_verified, verify};

use serde::{Deserialize, Serialize};

/// Longest compact JWS, made or read, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519; Ed448 goes by the same name and is not served.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSASSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl SigningAlgorithm {
    /// Every algorithm, the default first.
    pub const ALL: [Self; 4] = [Self::Es256, Self::Rs256, Self::Ps256, Self::EdDsa];

    /// Those of FAPI 2.0 §5.4.
    pub const FAPI: [Self; 3] = [Self::Es256, Self::Ps256, Self::EdDsa];

    /// As on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }

    /// Reads the wire's text; `None` for any other, `none` and `HS256` included.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text)
    }
}

/// Why a key or a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoseError {
    /// The payload is not what was asked for.
    #[error("the token's claims are malformed")]
    Claims,
    /// The library could not make a key or a signature.
    #[error("the cryptographic library failed")]
    Crypto,
    /// The header is not JSON, lacks `alg` or `kid`, or names an extension or a key.
    #[error("the token's header is malformed")]
    Header,
    /// The key material is malformed, weak, or of another algorithm.
    #[error("the key is malformed")]
    Key,
    /// Not three canonical base64url parts of at most [`MAX_TOKEN_BYTES`].
    #[error("the token is not a compact JWS")]
    Malformed,
    /// The signature is not the key's over this token.
    #[error("the token's signature does not verify")]
    Signature,
    /// Another `typ`.
    #[error("the token is of another type")]
    Type,
    /// No key of this `kid`, or it is of another algorithm.
    #[error("the token's key is unknown")]
    UnknownKey,
}
