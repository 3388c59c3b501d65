//! The issuer's public keys (RFC 7517), parsed once so that verifying a token does not parse them again.
//!
//! **Invariant:** a [`Key`] verifies with exactly one algorithm, taken from the key's own type, curve and `alg`. A
//! token's `alg` can select among keys, never decide how one is used (RFC 8725 §3.1).

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    fetch::FetchError,
    json::{Object, WrongShape},
};

/// Most keys that a set may hold. An issuer has a handful.
const MAX_KEYS: usize = 64;

/// The members of a key that are not public (RFC 7518 §6.2.2, §6.3.2 and §6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The signature algorithms Orgate signs with: the whole list. No HMAC, and no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    EdDsa,
    Es256,
    Ps256,
    Rs256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Ps256, Self::Rs256];

    /// Names are case-sensitive (RFC 7515 §4.1.1).
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }
}

/// A public key and the one algorithm it is used with.
#[derive(Debug)]
pub(crate) struct PublicKey {
    algorithm: Algorithm,
    parsed: ParsedPublicKey,
}

impl PublicKey {
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    /// The key that a proof of possession brings along, for `algorithm`, with its thumbprint (RFC 7638 §3).
    ///
    /// `None` if it is not a public key for that, or holds anything private (RFC 9449 §4.3).
    pub(crate) fn from_proof(mut jwk: Object, algorithm: Algorithm) -> Option<(Self, String)> {
        let alg = jwk.take_string("alg").ok()?;
        let private = PRIVATE.iter().any(|name| jwk.contains(name));
        if private || alg.is_some_and(|name| Algorithm::from_name(&name) != Some(algorithm)) {
            return None;
        }
        let kty = jwk.take_string("kty").ok()??;
        let candidate = algorithms(&kty).contains(&algorithm);
        let material = Material::take(&mut jwk);
        let parsed = material.public_key(algorithm).filter(|_| candidate)?;
        Some((Self { algorithm, parsed }, material.thumbprint(algorithm)?))
    }
}

/// One key of the issuer.
#[derive(Debug)]
pub(crate) struct Key {
    kid: String,
    pub(crate) public: PublicKey,
}

/// What a set says about a `kid` and an algorithm.
pub(crate) enum Found {
    Key(Arc<Key>),
    OtherAlgorithm,
    Unknown,
}

/// The signing keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Arc<Key>>);

impl KeySet {
    /// Parses a JWK set. Keys that cannot verify a token of ours are passed over (RFC 7517 §5); a set in which a
    /// `kid` is ambiguous or which holds more than 64 keys is refused whole.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, FetchError> {
        let mut set = Object::parse(bytes).map_err(|_| FetchError::Malformed("JWK set"))?;
        let Some(Value::Array(jwks)) = set.take("keys") else { return Err(FetchError::Malformed("JWK set")) };
        if jwks.len() > MAX_KEYS {
            return Err(FetchError::TooManyKeys);
        }
        let mut keys: Vec<Arc<Key>> = Vec::new();
        for key in jwks.into_iter().flat_map(usable_keys) {
            if keys.iter().any(|other| other.kid == key.kid && other.public.algorithm == key.public.algorithm)
            {
                return Err(FetchError::AmbiguousKeys);
            }
            keys.push(Arc::new(key));
        }
        Ok(Self(keys))
    }

    pub(crate) fn find(&self, kid: &str, algorithm: Algorithm) -> Found {
        let mut found = Found::Unknown;
        for key in self.0.iter().filter(|key| key.kid == kid) {
            if key.public.algorithm == algorithm {
                return Found::Key(Arc::clone(key));
            }
            found = Found::OtherAlgorithm;
        }
        found
    }
}

/// The keys that one JWK stands for: one, or two for an RSA key that leaves the padding open, or none.
fn usable_keys(jwk: Value) -> Vec<Key> {
    let Value::Object(members) = jwk else { return Vec::new() };
    let keys = parse_jwk(members.into());
    if keys.is_empty() {
        tracing::debug!("a key of the issuer's set cannot verify access tokens and is passed over");
    }
    keys
}

fn parse_jwk(mut jwk: Object) -> Vec<Key> {
    let Ok(Some((kid, kty))) = check_purpose(&mut jwk) else { return Vec::new() };
    let Ok(alg) = jwk.take_string("alg") else { return Vec::new() };
    let material = Material::take(&mut jwk);
    algorithms(&kty)
        .iter()
        .filter(|candidate| alg.as_deref().is_none_or(|name| Algorithm::from_name(name) == Some(**candidate)))
        .filter_map(|&algorithm| {
            let public = PublicKey { algorithm, parsed: material.public_key(algorithm)? };
            Some(Key { kid: kid.clone(), public })
        })
        .collect()
}

/// What a key of this type could be used with.
fn algorithms(kty: &str) -> &'static [Algorithm] {
    match kty {
        "EC" => &[Algorithm::Es256],
        "OKP" => &[Algorithm::EdDsa],
        "RSA" => &[Algorithm::Ps256, Algorithm::Rs256],
        _ => &[],
    }
}

/// `kid` and `kty` of a key that is meant for verifying signatures, and whose private part is not published.
fn check_purpose(jwk: &mut Object) -> Result<Option<(String, String)>, WrongShape> {
    let signs = jwk.take_string("use")?.is_none_or(|purpose| purpose == "sig");
    let verifies = jwk.take_strings("key_ops")?.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let public = !PRIVATE.iter().any(|name| jwk.contains(name));
    let named = jwk.take_string("kid")?.zip(jwk.take_string("kty")?);
    Ok(named.filter(|_| signs && verifies && public))
}

/// The members that hold the key itself (RFC 7518 §6, RFC 8037 §2).
struct Material {
    crv: Option<String>,
    x: Option<Vec<u8>>,
    y: Option<Vec<u8>>,
    n: Option<Vec<u8>>,
    e: Option<Vec<u8>>,
}

impl Material {
    fn take(jwk: &mut Object) -> Self {
        let crv = jwk.take_string("crv").ok().flatten();
        let mut bytes = |name| URL_SAFE_NO_PAD.decode(jwk.take_string(name).ok().flatten()?).ok();
        Self { crv, x: bytes("x"), y: bytes("y"), n: bytes("n"), e: bytes("e") }
    }

    fn public_key(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        match algorithm {
            Algorithm::EdDsa => self.ed25519(),
            Algorithm::Es256 => self.p256(),
            Algorithm::Ps256 => self.rsa(&RSA_PSS_2048_8192_SHA256),
            Algorithm::Rs256 => self.rsa(&RSA_PKCS1_2048_8192_SHA256),
        }
    }

    /// Over the required members alone, in the order of their names. Base64url is decoded strictly, so encoding
    /// it again gives what was there.
    fn thumbprint(&self, algorithm: Algorithm) -> Option<String> {
        let encode = |bytes: &Option<Vec<u8>>| Some(URL_SAFE_NO_PAD.encode(bytes.as_ref()?));
        let members = match algorithm {
            Algorithm::EdDsa => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, encode(&self.x)?),
            Algorithm::Es256 => {
                format!(
                    r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
                    encode(&self.x)?,
                    encode(&self.y)?
                )
            }
            Algorithm::Ps256 | Algorithm::Rs256 => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, encode(&self.e)?, encode(&self.n)?)
            }
        };
        Some(sha256(members.as_bytes()))
    }

    fn ed25519(&self) -> Option<ParsedPublicKey> {
        let x = self.x.as_ref().filter(|_| self.crv.as_deref() == Some("Ed25519"))?;
        ParsedPublicKey::new(&ED25519, x).ok()
    }

    fn p256(&self) -> Option<ParsedPublicKey> {
        let (x, y) = self.x.as_ref().zip(self.y.as_ref()).filter(|_| self.crv.as_deref() == Some("P-256"))?;
        // RFC 7518 §6.2.1.2: both coordinates in full length; SEC 1 §2.3.3: uncompressed point.
        let point = (x.len() == 32 && y.len() == 32).then(|| [&[4], x.as_slice(), y].concat())?;
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
    }

    fn rsa(&self, parameters: &'static RsaParameters) -> Option<ParsedPublicKey> {
        let (n, e) = self.n.as_ref().zip(self.e.as_ref())?;
        RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok()
    }
}

/// SHA-256, as base64url.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7638 §3.1, RFC 8037 Appendix A.3 and RFC 9449 §6.1.
    #[test]
    fn thumbprints_are_those_of_the_specifications() {
        for (algorithm, jwk, thumbprint) in [
            (
                Algorithm::Rs256,
                r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            (
                Algorithm::EdDsa,
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
            (
                Algorithm::Es256,
                r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
                "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
            ),
        ] {
            let (_, seen) = PublicKey::from_proof(Object::parse(jwk.as_bytes()).unwrap(), algorithm).unwrap();
            assert_eq!(seen, thumbprint);
        }
    }
}
