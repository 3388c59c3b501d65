//! The keys of a client (RFC 7517): what it signs with, when it authenticates and when it asks.
//!
//! **Invariant:** public keys only, each used with the algorithms of its own type and, where it names one, with
//! that one alone.

use aws_lc_rs::signature::ParsedPublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::foreign_jwk::{ForeignJwk, KeyFault};
use super::{JoseError, SigningAlgorithm, Unverified, json};

/// The keys of one client.
#[derive(Debug, Clone)]
pub struct ClientKeys(Vec<ClientKey>);

#[derive(Debug, Clone)]
struct ClientKey {
    kid: Option<String>,
    algorithm: SigningAlgorithm,
    key: ParsedPublicKey,
}

/// Why a set of keys was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientKeysError {
    /// One key is wrong.
    #[error("key {position} of the set {fault}")]
    Key {
        /// Which, counted from one.
        position: usize,
        /// How.
        fault: KeyFault,
    },
    /// Not a JSON object with a list of keys, or a member is named twice.
    #[error("the keys are not a JWK Set")]
    Malformed,
    /// No key in it verifies a signature.
    #[error("no key of the set can verify an ES256, EdDSA, PS256 or RS256 signature")]
    NoneUsable,
    /// Over [`ClientKeys::MAX_BYTES`].
    #[error("the JWK Set is longer than {} bytes", ClientKeys::MAX_BYTES)]
    TooLong,
    /// Over [`ClientKeys::MAX_KEYS`].
    #[error("the JWK Set has more than {} keys", ClientKeys::MAX_KEYS)]
    TooMany,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl ClientKeys {
    /// Longest JWK Set.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// Most keys in it.
    pub const MAX_KEYS: usize = 32;

    /// Reads a JWK Set that is written down here. Keys of unknown kinds, or not for signatures, are passed over (RFC 7517
    /// §5); a key that is wrong fails the whole set, so that its owner hears of it.
    ///
    /// # Errors
    /// [`ClientKeysError`].
    pub fn parse(json: &[u8]) -> Result<Self, ClientKeysError> {
        Self::read(json, Err)
    }

    /// Reads a JWK Set that its owner publishes. A key that is wrong is passed over too: nobody is there to hear of it,
    /// and its neighbours are none the worse.
    ///
    /// # Errors
    /// [`ClientKeysError`].
    pub fn parse_published(json: &[u8]) -> Result<Self, ClientKeysError> {
        Self::read(json, |_| Ok(()))
    }

    fn read(
        json: &[u8],
        wrong: impl Fn(ClientKeysError) -> Result<(), ClientKeysError>,
    ) -> Result<Self, ClientKeysError> {
        if json.len() > Self::MAX_BYTES {
            return Err(ClientKeysError::TooLong);
        }
        let document: Document = json::from_slice(json).map_err(|_| ClientKeysError::Malformed)?;
        if document.keys.len() > Self::MAX_KEYS {
            return Err(ClientKeysError::TooMany);
        }
        let mut keys = Vec::new();
        for (position, jwk) in (1..).zip(&document.keys) {
            let ForeignJwk { kid, keys: usable, .. } = match ForeignJwk::parse(jwk) {
                Ok(Some(sound)) => sound,
                Ok(None) => continue,
                Err(fault) => {
                    wrong(ClientKeysError::Key { position, fault })?;
                    continue;
                }
            };
            let named = |(algorithm, key)| ClientKey { kid: kid.clone(), algorithm, key };
            keys.extend(usable.into_iter().map(named));
        }
        if keys.is_empty() { Err(ClientKeysError::NoneUsable) } else { Ok(Self(keys)) }
    }

    /// Verifies a token by the key that it names or, if it names none, by every key that fits. Its type, its times and
    /// whom it is for, the caller checks.
    ///
    /// # Errors
    /// [`JoseError::UnknownKey`], also of an algorithm that is none of `algorithms`; [`JoseError::Signature`].
    pub fn verify(&self, token: &Unverified<'_>, algorithms: &[SigningAlgorithm]) -> Result<(), JoseError> {
        let algorithm = SigningAlgorithm::from_text(&token.algorithm).filter(|one| algorithms.contains(one));
        let fits = |key: &&ClientKey| {
            Some(key.algorithm) == algorithm && (token.kid.is_none() || key.kid == token.kid)
        };
        let mut fitting = self.0.iter().filter(fits).peekable();
        fitting.peek().ok_or(JoseError::UnknownKey)?;
        let verifies =
            |key: &ClientKey| key.key.verify_sig(token.message.as_bytes(), &token.signature).is_ok();
        if fitting.any(verifies) { Ok(()) } else { Err(JoseError::Signature) }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;
    use std::sync::LazyLock;

    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::jose::SigningKey;

    const ALL: [SigningAlgorithm; 4] = SigningAlgorithm::ALL;

    static KEYS: LazyLock<[SigningKey; 4]> =
        LazyLock::new(|| ALL.map(|algorithm| SigningKey::generate(algorithm).unwrap()));

    fn jwks() -> [Value; 4] {
        KEYS.each_ref().map(|key| serde_json::to_value(key.public_jwk()).unwrap())
    }

    fn set(keys: &[Value]) -> Result<ClientKeys, ClientKeysError> {
        ClientKeys::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    /// A key with members changed; null takes one away.
    fn with(jwk: &Value, changes: &Value) -> Value {
        let mut jwk = jwk.clone();
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => jwk.as_object_mut().unwrap().remove(name),
                value => jwk.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        jwk
    }

    /// A token of `key` with a header of one's choice, properly signed.
    fn token(key: &SigningKey, header: &Value) -> String {
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let message = format!("{}.{}", encode(header.to_string().as_bytes()), encode(b"{}"));
        format!("{message}.{}", encode(&key.sign_message(message.as_bytes()).unwrap()))
    }

    fn verify(keys: &ClientKeys, token: &str, algorithms: &[SigningAlgorithm]) -> Result<(), JoseError> {
        keys.verify(&Unverified::parse(token).unwrap(), algorithms)
    }

    #[test]
    fn a_token_is_verified_by_the_key_that_it_names_or_by_any_that_fits() {
        let nameless = jwks().map(|jwk| with(&jwk, &json!({ "kid": null, "alg": null, "use": null })));
        let (named, nameless) = (set(&jwks()).unwrap(), set(&nameless).unwrap());
        for key in &*KEYS {
            let alg = key.algorithm();
            let (with_kid, without) =
                (token(key, &json!({ "alg": alg, "kid": key.kid() })), token(key, &json!({ "alg": alg })));

            assert_eq!(verify(&named, &with_kid, &ALL), Ok(()));
            assert_eq!(verify(&named, &without, &ALL), Ok(()));
            assert_eq!(verify(&nameless, &without, &ALL), Ok(()));
            assert_eq!(verify(&nameless, &with_kid, &ALL), Err(JoseError::UnknownKey));
            let other = token(key, &json!({ "alg": alg, "kid": "other" }));
            assert_eq!(verify(&named, &other, &ALL), Err(JoseError::UnknownKey));
        }
    }

    #[test]
    fn a_key_that_is_being_replaced_counts_beside_the_new_one() {
        let [old, ..] = &*KEYS;
        let new = SigningKey::generate(SigningAlgorithm::Es256).unwrap();
        let both = [old, &new].map(|key| serde_json::to_value(key.public_jwk()).unwrap());
        let one_name = both.each_ref().map(|jwk| with(jwk, &json!({ "kid": "k" })));
        for key in [old, &new] {
            assert_eq!(verify(&set(&both).unwrap(), &token(key, &json!({ "alg": "ES256" })), &ALL), Ok(()));
            let named = token(key, &json!({ "alg": "ES256", "kid": "k" }));
            assert_eq!(verify(&set(&one_name).unwrap(), &named, &ALL), Ok(()));
        }
    }

    #[test]
    fn an_algorithm_counts_if_it_is_accepted_and_the_keys_own() {
        let [es256, rs256, ps256, _] = &*KEYS;
        let [ec, _, rsa, _] = jwks();
        let open = with(&rsa, &json!({ "alg": null }));
        let under = |key: &SigningKey, alg: &str| token(key, &json!({ "alg": alg }));

        // An RSA key that leaves the padding open has both, one that does not has its own.
        assert_eq!(verify(&set(slice::from_ref(&open)).unwrap(), &under(ps256, "PS256"), &ALL), Ok(()));
        let bare = set(&[open]).unwrap();
        assert_eq!(verify(&bare, &under(ps256, "RS256"), &ALL), Err(JoseError::Signature));
        assert_eq!(verify(&set(&[rsa]).unwrap(), &under(ps256, "RS256"), &ALL), Err(JoseError::UnknownKey));
        let keys = set(&jwks()).unwrap();
        assert_eq!(
            verify(&keys, &under(rs256, "RS256"), &SigningAlgorithm::FAPI),
            Err(JoseError::UnknownKey)
        );
        for alg in ["none", "None", "HS256", "ES384", "es256", "EdDSA", ""] {
            let refused = verify(&set(slice::from_ref(&ec)).unwrap(), &under(es256, alg), &ALL);
            assert_eq!(refused, Err(JoseError::UnknownKey), "{alg}");
        }
    }

    #[test]
    fn a_header_that_brings_a_key_or_an_extension_is_refused() {
        let [es256, ..] = &*KEYS;
        for (name, value) in [
            ("jwk", serde_json::to_value(es256.public_jwk()).unwrap()),
            ("jku", json!("https://evil.test")),
            ("x5u", json!("https://evil.test")),
            ("x5c", json!(["x"])),
            ("crit", json!(["exp"])),
            ("b64", json!(false)),
        ] {
            let token = token(es256, &json!({ "alg": "ES256", name: value }));
            assert_eq!(Unverified::parse(&token).unwrap_err(), JoseError::Header, "{name}");
        }
    }

    #[test]
    fn what_cannot_verify_is_passed_over() {
        let [ec, rsa, _, okp] = jwks();
        let foreign = [
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "x" }),
            json!({ "kty": "EC", "crv": "P-384", "x": "a", "y": "b" }),
            json!({ "kty": "OKP", "crv": "X25519", "x": "a" }),
            with(&ec, &json!({ "use": "enc" })),
            with(&okp, &json!({ "key_ops": ["encrypt"] })),
            with(&rsa, &json!({ "alg": "RSA-OAEP-256" })),
            with(&rsa, &json!({ "alg": "ES256" })),
        ];

        assert_eq!(set(&foreign).unwrap_err(), ClientKeysError::NoneUsable);
        let keys = set(&[&foreign[..], &[ec]].concat()).unwrap();
        assert_eq!(verify(&keys, &token(&KEYS[0], &json!({ "alg": "ES256" })), &ALL), Ok(()));
    }

    #[test]
    fn a_key_that_is_wrong_fails_the_set_and_is_named() {
        let [ec, rsa, _, okp] = jwks();
        let bytes = |length: usize| BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; length]);
        for (jwk, fault) in [
            (json!({ "kty": "oct", "k": "c2VjcmV0" }), KeyFault::Symmetric),
            (with(&ec, &json!({ "d": "x" })), KeyFault::Private),
            (with(&ec, &json!({ "d": 1, "use": "enc" })), KeyFault::Private),
            (json!({ "kty": "EC", "crv": "P-521", "d": "x" }), KeyFault::Private),
            (with(&rsa, &json!({ "p": "x" })), KeyFault::Private),
            (with(&okp, &json!({ "d": "x" })), KeyFault::Private),
            (with(&rsa, &json!({ "n": bytes(128) })), KeyFault::Unsound),
            (with(&rsa, &json!({ "n": bytes(255) })), KeyFault::Unsound),
            (with(&rsa, &json!({ "n": bytes(513) })), KeyFault::Unsound),
            (with(&rsa, &json!({ "n": format!("f{}", &bytes(256)[1..]) })), KeyFault::Unsound),
            (with(&rsa, &json!({ "e": "AQ" })), KeyFault::Unsound),
            (with(&rsa, &json!({ "e": "AQAA" })), KeyFault::Unsound),
            (with(&rsa, &json!({ "e": "AAEAAQ" })), KeyFault::Unsound),
            (with(&rsa, &json!({ "e": null })), KeyFault::Unsound),
            (with(&ec, &json!({ "x": ec["y"], "y": ec["x"] })), KeyFault::Unsound),
            (with(&ec, &json!({ "x": format!("{}=", ec["x"].as_str().unwrap()) })), KeyFault::Unsound),
            (with(&ec, &json!({ "kid": 1 })), KeyFault::Unsound),
            (with(&ec, &json!({ "kty": null })), KeyFault::Unsound),
            (with(&okp, &json!({ "x": "AA" })), KeyFault::Unsound),
            (json!("key"), KeyFault::Unsound),
        ] {
            let refused = set(&[ec.clone(), jwk.clone()]).unwrap_err();
            assert_eq!(refused, ClientKeysError::Key { position: 2, fault }, "{jwk}");
        }
        let told = set(&[with(&ec, &json!({ "d": "x" }))]).unwrap_err().to_string();
        assert_eq!(told, "key 1 of the set is a private key, which must never leave its owner");
    }

    /// RFC 7517 §5: an implementation ignores the keys that it cannot use.
    #[test]
    fn what_a_key_is_for_is_looked_at_before_what_it_is() {
        let [ec, rsa, ..] = jwks();
        let short = BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; 128]);
        for other in [
            with(&rsa, &json!({ "n": short, "use": "enc" })),
            with(&rsa, &json!({ "n": short, "key_ops": ["wrapKey"] })),
            with(&rsa, &json!({ "n": short, "alg": "RSA-OAEP" })),
            with(&ec, &json!({ "y": ec["x"], "alg": "ECDH-ES" })),
        ] {
            assert!(set(&[other.clone(), ec.clone()]).is_ok(), "{other}");
        }
    }

    #[test]
    fn a_wrong_key_among_published_ones_is_passed_over_and_verifies_nothing() {
        let [ec, rsa, _, okp] = jwks();
        let short = BASE64_URL_SAFE_NO_PAD.encode(vec![0xff; 128]);
        let published =
            |keys: &[Value]| ClientKeys::parse_published(json!({ "keys": keys }).to_string().as_bytes());
        for wrong in [
            with(&rsa, &json!({ "n": short })),
            with(&okp, &json!({ "d": "x" })),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            with(&ec, &json!({ "kid": 1 })),
            json!("key"),
        ] {
            let keys = published(&[wrong.clone(), ec.clone()]).unwrap();
            assert_eq!(verify(&keys, &token(&KEYS[0], &json!({ "alg": "ES256" })), &ALL), Ok(()), "{wrong}");
            for key in &KEYS[1..] {
                let refused = verify(&keys, &token(key, &json!({ "alg": key.algorithm() })), &ALL);
                assert_eq!(refused, Err(JoseError::UnknownKey), "{wrong}");
            }
            assert_eq!(published(&[wrong]).unwrap_err(), ClientKeysError::NoneUsable);
        }
    }

    #[test]
    fn a_set_has_its_limits() {
        let [ec, ..] = jwks();
        let text = json!({ "keys": [ec] }).to_string();
        let padded = |length: usize| format!("{text}{}", " ".repeat(length - text.len()));

        assert!(set(&vec![ec.clone(); ClientKeys::MAX_KEYS]).is_ok());
        assert_eq!(set(&vec![ec; ClientKeys::MAX_KEYS + 1]).unwrap_err(), ClientKeysError::TooMany);
        assert!(ClientKeys::parse(padded(ClientKeys::MAX_BYTES).as_bytes()).is_ok());
        assert_eq!(
            ClientKeys::parse(padded(ClientKeys::MAX_BYTES + 1).as_bytes()).unwrap_err(),
            ClientKeysError::TooLong
        );
        for malformed in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(ClientKeys::parse(malformed.as_bytes()).unwrap_err(), ClientKeysError::Malformed);
        }
        assert_eq!(set(&[]).unwrap_err(), ClientKeysError::NoneUsable);
    }

    proptest! {
        #[test]
        fn one_flipped_bit_fails(
            signer in any::<proptest::sample::Selector>(),
            position in any::<proptest::sample::Index>(),
            bit in 0..7,
        ) {
            let key = signer.select(&*KEYS);
            let mut flipped = token(key, &json!({ "alg": key.algorithm() })).into_bytes();
            let position = position.index(flipped.len());
            flipped[position] ^= 1u8 << bit;

            let keys = set(&jwks()).unwrap();
            let text = String::from_utf8(flipped).unwrap();
            prop_assert!(!Unverified::parse(&text).is_ok_and(|token| keys.verify(&token, &ALL).is_ok()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), key in "[\\[\\]{}\":,a-z0-9 ]{0,60}") {
            let _ = ClientKeys::parse(text.as_bytes());
            let _ = ClientKeys::parse(format!(r#"{{"keys":[{key}]}}"#).as_bytes());
        }
    }
}
