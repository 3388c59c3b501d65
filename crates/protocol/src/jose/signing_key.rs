//! Private keys.

use std::fmt;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, RsaSignatureEncoding,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{JoseError, Jwk, MAX_TOKEN_BYTES, PublicKeyParameters, PublicKeyUse, SigningAlgorithm};

/// A private key, parsed once and ready to sign: parsing would cost more than an ES256 signature.
pub struct SigningKey {
    pair: Pair,
    jwk: Jwk,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    RsaPkcs1(RsaKeyPair),
    RsaPss(RsaKeyPair),
}

#[derive(Serialize)]
struct Header<'a> {
    alg: SigningAlgorithm,
    typ: &'a str,
    kid: &'a str,
}

impl SigningKey {
    /// Makes a key; RSA of 2048 bits, which takes about a tenth of a second.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self, JoseError> {
        match algorithm {
            SigningAlgorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ec),
            SigningAlgorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed),
            SigningAlgorithm::Ps256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::RsaPss),
            SigningAlgorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::RsaPkcs1),
        }
        .map_err(|_| JoseError::Crypto)
        .and_then(Self::new)
    }

    /// Reads a key that [`SigningKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: SigningAlgorithm, der: &[u8]) -> Result<Self, JoseError> {
        match algorithm {
            SigningAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map(Pair::Ec)
            }
            SigningAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(der).map(Pair::Ed),
            SigningAlgorithm::Ps256 => RsaKeyPair::from_pkcs8(der).map(Pair::RsaPss),
            SigningAlgorithm::Rs256 => RsaKeyPair::from_pkcs8(der).map(Pair::RsaPkcs1),
        }
        .map_err(|_| JoseError::Key)
        .and_then(Self::new)
    }

    fn new(pair: Pair) -> Result<Self, JoseError> {
        let (alg, key) = match &pair {
            Pair::Ec(pair) => (SigningAlgorithm::Es256, ec_parameters(pair)?),
            Pair::Ed(pair) => (SigningAlgorithm::EdDsa, ed_parameters(pair)),
            Pair::RsaPkcs1(pair) => (SigningAlgorithm::Rs256, rsa_parameters(pair)),
            Pair::RsaPss(pair) => (SigningAlgorithm::Ps256, rsa_parameters(pair)),
        };
        let jwk = Jwk { kid: key.thumbprint(), key, alg, usage: PublicKeyUse::Signature };
        Ok(Self { pair, jwk })
    }

    /// The private key in PKCS#8, for storing under encryption.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, JoseError> {
        match &self.pair {
            Pair::Ec(pair) => pair.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Pair::Ed(pair) => pair.to_pkcs8v1().map(|der| Zeroizing::new(der.as_ref().to_vec())),
            Pair::RsaPkcs1(pair) | Pair::RsaPss(pair) => {
                pair.as_der().map(|der| Zeroizing::new(der.as_ref().to_vec()))
            }
        }
        .map_err(|_| JoseError::Crypto)
    }

    /// What it signs with.
    pub fn algorithm(&self) -> SigningAlgorithm {
        self.jwk.alg
    }

    /// Its id: the thumbprint of the public key (RFC 7638), so equal ids mean equal keys.
    pub fn kid(&self) -> &str {
        &self.jwk.kid
    }

    /// The public key.
    pub fn public_jwk(&self) -> Jwk {
        self.jwk.clone()
    }

    /// Signs a payload into a compact JWS of type `typ`.
    ///
    /// # Errors
    /// [`JoseError::Malformed`] if it grew over [`MAX_TOKEN_BYTES`]; [`JoseError::Crypto`].
    pub fn sign(&self, typ: &str, payload_json: &[u8]) -> Result<String, JoseError> {
        let header = Header { alg: self.jwk.alg, typ, kid: &self.jwk.kid };
        let header = serde_json::to_vec(&header).map_err(|_| JoseError::Header)?;
        let mut token = String::with_capacity(payload_json.len() * 4 / 3 + 640);
        BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut token);
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(payload_json, &mut token);
        let signature = self.sign_message(token.as_bytes())?;
        token.push('.');
        BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        if token.len() > MAX_TOKEN_BYTES { Err(JoseError::Malformed) } else { Ok(token) }
    }

    /// The bare signature over `message`.
    pub(super) fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        match &self.pair {
            Pair::Ec(pair) => {
                pair.sign(&SystemRandom::new(), message).map(|signature| signature.as_ref().to_vec())
            }
            Pair::Ed(pair) => pair.try_sign(message).map(|signature| signature.as_ref().to_vec()),
            Pair::RsaPkcs1(pair) => sign_rsa(pair, &RSA_PKCS1_SHA256, message),
            Pair::RsaPss(pair) => sign_rsa(pair, &RSA_PSS_SHA256, message),
        }
        .map_err(|_| JoseError::Crypto)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.jwk.kid).finish_non_exhaustive()
    }
}

fn sign_rsa(
    pair: &RsaKeyPair,
    padding: &'static RsaSignatureEncoding,
    message: &[u8],
) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}

/// The public key is an uncompressed point: `0x04`, then both coordinates of 32 bytes.
fn ec_parameters(pair: &EcdsaKeyPair) -> Result<PublicKeyParameters, JoseError> {
    let [4, coordinates @ ..] = pair.public_key().as_ref() else { return Err(JoseError::Key) };
    let (x, y) = coordinates.split_at_checked(32).ok_or(JoseError::Key)?;
    let encode = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    Ok(PublicKeyParameters::Ec { crv: "P-256".to_owned(), x: encode(x), y: encode(y) })
}

fn ed_parameters(pair: &Ed25519KeyPair) -> PublicKeyParameters {
    let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key());
    PublicKeyParameters::Okp { crv: "Ed25519".to_owned(), x }
}

fn rsa_parameters(pair: &RsaKeyPair) -> PublicKeyParameters {
    let key = pair.public_key();
    let encode = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    PublicKeyParameters::Rsa {
        n: encode(key.modulus().big_endian_without_leading_zero()),
        e: encode(key.exponent().big_endian_without_leading_zero()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::JwkSet;

    #[test]
    fn a_key_survives_storing() {
        for algorithm in SigningAlgorithm::ALL {
            let key = SigningKey::generate(algorithm).unwrap();

            let read = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap()).unwrap();

            assert_eq!((read.algorithm(), read.public_jwk()), (algorithm, key.public_jwk()));
            assert_eq!(read.kid(), key.public_jwk().key.thumbprint());
        }
    }

    #[test]
    fn a_key_of_another_algorithm_or_a_damaged_one_is_refused() {
        let der = SigningKey::generate(SigningAlgorithm::Es256).unwrap().to_pkcs8().unwrap();
        let other_curve =
            EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();

        let read = |algorithm, der: &[u8]| SigningKey::from_pkcs8(algorithm, der).unwrap_err();

        for other in [SigningAlgorithm::Rs256, SigningAlgorithm::Ps256, SigningAlgorithm::EdDsa] {
            assert_eq!(read(other, &der), JoseError::Key);
        }
        assert_eq!(read(SigningAlgorithm::Es256, &der[1..]), JoseError::Key);
        assert_eq!(read(SigningAlgorithm::Es256, &[]), JoseError::Key);
        assert_eq!(read(SigningAlgorithm::Es256, other_curve.to_pkcs8v1().unwrap().as_ref()), JoseError::Key);
    }

    #[test]
    fn the_example_of_rfc_8037_a_4_is_signed() {
        let seed = BASE64_URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        // RFC 8410 §7: PKCS#8 around the seed.
        let prefix = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";
        let key = SigningKey::from_pkcs8(SigningAlgorithm::EdDsa, &[prefix, &seed[..]].concat()).unwrap();

        let signature =
            key.sign_message(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();

        assert_eq!(
            BASE64_URL_SAFE_NO_PAD.encode(signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn only_public_members_are_published() {
        let published = |algorithm| {
            let keys = vec![SigningKey::generate(algorithm).unwrap().public_jwk()];
            let set = serde_json::to_value(JwkSet { keys }).unwrap();
            set["keys"][0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
        };

        assert_eq!(published(SigningAlgorithm::Es256), "alg crv kid kty use x y");
        assert_eq!(published(SigningAlgorithm::EdDsa), "alg crv kid kty use x");
        for rsa in [SigningAlgorithm::Ps256, SigningAlgorithm::Rs256] {
            assert_eq!(published(rsa), "alg e kid kty n use");
        }
    }

    #[test]
    fn a_token_over_the_limit_is_not_made() {
        let key = SigningKey::generate(SigningAlgorithm::Es256).unwrap();

        assert_eq!(key.sign("JWT", &vec![b' '; MAX_TOKEN_BYTES]), Err(JoseError::Malformed));
    }

    #[test]
    fn debug_output_has_the_id_and_no_key() {
        let key = SigningKey::generate(SigningAlgorithm::Es256).unwrap();

        assert_eq!(format!("{key:?}"), format!("SigningKey {{ kid: {:?}, .. }}", key.kid()));
    }
}
