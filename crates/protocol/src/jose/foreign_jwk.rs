//! A public key that somebody else made (RFC 7517), read with suspicion.

use aws_lc_rs::signature::ParsedPublicKey;
use serde::Deserialize;
use serde_json::Value;

use super::{JoseError, PublicKeyParameters, SigningAlgorithm};

/// Members that only private keys have (RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2).
const PRIVATE: [&str; 7] = ["d", "dp", "dq", "oth", "p", "q", "qi"];

/// What is wrong with a key, as opposed to one that is merely of a kind that is not used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It can sign too: whoever sent it has given it away.
    #[error("is a private key, which must never leave its owner")]
    Private,
    /// It is a secret that both sides would share.
    #[error("is a symmetric key")]
    Symmetric,
    /// It is malformed, not on its curve, or RSA of less than 2048 or more than 4096 bits.
    #[error("is malformed, or an RSA key of less than 2048 or more than 4096 bits")]
    Unsound,
}

/// A sound public key.
#[derive(Debug)]
pub(super) struct ForeignJwk {
    pub(super) kid: Option<String>,
    pub(super) parameters: PublicKeyParameters,
    /// The key for each algorithm that it may be used with.
    pub(super) keys: Vec<(SigningAlgorithm, ParsedPublicKey)>,
}

/// Members about a key, apart from the key itself.
#[derive(Deserialize)]
struct About {
    alg: Option<String>,
    key_ops: Option<Vec<String>>,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
}

impl ForeignJwk {
    /// Reads a key. `None` for one that verifies no signature of ours: of an unknown type or curve, for another
    /// algorithm or not for signatures (RFC 7517 §5).
    ///
    /// # Errors
    /// [`KeyFault`].
    pub(super) fn parse(jwk: &Value) -> Result<Option<Self>, KeyFault> {
        let members = jwk.as_object().ok_or(KeyFault::Unsound)?;
        let kty = members.get("kty").and_then(Value::as_str).ok_or(KeyFault::Unsound)?;
        if kty == "oct" || members.contains_key("k") {
            return Err(KeyFault::Symmetric);
        }
        if PRIVATE.iter().any(|name| members.contains_key(*name)) {
            return Err(KeyFault::Private);
        }
        let crv = members.get("crv").and_then(Value::as_str);
        if !matches!((kty, crv), ("EC", Some("P-256")) | ("OKP", Some("Ed25519")) | ("RSA", _)) {
            return Ok(None);
        }
        let about = About::deserialize(jwk).map_err(|_| KeyFault::Unsound)?;
        if !about.admits_signatures() {
            return Ok(None); // what it is for is not ours to judge
        }
        let parameters = PublicKeyParameters::deserialize(jwk).map_err(|_| KeyFault::Unsound)?;
        let key = |algorithm: &SigningAlgorithm| Ok((*algorithm, parameters.for_algorithm(*algorithm)?));
        let keys: Result<Vec<_>, JoseError> = parameters.algorithms().iter().map(key).collect();
        let keys = keys.map_err(|_| KeyFault::Unsound)?;
        Ok(Some(Self {
            keys: keys.into_iter().filter(|(algorithm, _)| about.admits(*algorithm)).collect(),
            kid: about.kid,
            parameters,
        }))
    }

    /// The key, for `algorithm`.
    pub(super) fn key(&self, algorithm: SigningAlgorithm) -> Option<&ParsedPublicKey> {
        self.keys.iter().find(|(own, _)| *own == algorithm).map(|(_, key)| key)
    }
}

impl About {
    fn admits_signatures(&self) -> bool {
        self.usage.as_ref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|one| one == "verify"))
            && self.alg.as_ref().is_none_or(|alg| SigningAlgorithm::from_text(alg).is_some())
    }

    fn admits(&self, algorithm: SigningAlgorithm) -> bool {
        self.alg.as_ref().is_none_or(|alg| alg == algorithm.as_str())
    }
}
