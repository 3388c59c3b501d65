//! Proofs of possession: RFC 9449.
//!
//! **Invariant:** a proof is accepted once, for one request, and from the holder of the one key that the access
//! token names.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{Context, SHA256};
use http::Method;
use reqwest::Url;

use crate::{
    clock::seconds,
    json::Object,
    jwk::{PublicKey, sha256},
    jws::{CompactJws, Kind},
    nonce::Nonces,
    rejection::Reason,
    replay::{ProofId, ReplayCache, ReplayMemory},
    verifier::VerifyError,
};

/// Longest `jti` looked at, in bytes.
const MAX_JTI_BYTES: usize = 256;

/// How proofs are checked. Given to [`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop).
#[must_use]
pub struct Dpop {
    pub(crate) max_age: Duration,
    replays: Arc<dyn ReplayCache>,
    nonces: NonceKey,
    pub(crate) demand: Demand,
}

/// Whether tokens that are bound to no key are taken as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    Accepted,
    Required,
}

enum NonceKey {
    None,
    Random,
    Shared([u8; 32]),
}

impl Default for Dpop {
    fn default() -> Self {
        Self {
            max_age: Duration::from_mins(1),
            replays: Arc::new(ReplayMemory::with_capacity(100_000)),
            nonces: NonceKey::None,
            demand: Demand::Accepted,
        }
    }
}

impl Dpop {
    /// Proofs of the last minute, remembered in this process, without nonces.
    pub fn new() -> Self {
        Self::default()
    }

    /// How old a proof may be, in whole seconds, besides the leeway; a minute unless told.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Remembers proofs elsewhere: in a store that all processes of the backend share.
    pub fn replay_cache(mut self, cache: impl ReplayCache + 'static) -> Self {
        self.replays = Arc::new(cache);
        self
    }

    /// Demands a nonce of this process's making in each proof (RFC 9449 §9), so that none can be signed ahead.
    pub fn nonces(mut self) -> Self {
        self.nonces = NonceKey::Random;
        self
    }

    /// The same for a backend of several processes, which all have this secret key.
    pub fn shared_nonces(mut self, key: [u8; 32]) -> Self {
        self.nonces = NonceKey::Shared(key);
        self
    }

    /// Refuses tokens that are bound to no key.
    pub fn required(mut self) -> Self {
        self.demand = Demand::Required;
        self
    }

    /// `None` if a random key is wanted and there is no randomness.
    pub(crate) fn into_proofs(self, resource: Url, leeway: Duration) -> Option<Proofs> {
        let nonces = match self.nonces {
            NonceKey::None => None,
            NonceKey::Random => Some(Nonces::random()?),
            NonceKey::Shared(key) => Some(Nonces::shared(&key)),
        };
        Some(Proofs { resource, leeway, nonces, max_age: self.max_age, replays: self.replays })
    }
}

/// Checks proofs.
pub(crate) struct Proofs {
    /// Where clients reach the backend.
    resource: Url,
    leeway: Duration,
    max_age: Duration,
    nonces: Option<Nonces>,
    replays: Arc<dyn ReplayCache>,
}

/// What a proof must have been made for.
pub(crate) struct Presentation<'r> {
    pub(crate) method: &'r Method,
    pub(crate) path: &'r str,
    pub(crate) token: &'r str,
    /// The thumbprint that the token is bound to.
    pub(crate) jkt: &'r str,
    pub(crate) now: SystemTime,
}

impl Proofs {
    /// RFC 9449 §4.3, in its order, but that the key is compared before anything is verified with it.
    pub(crate) async fn check(&self, proof: &str, of: &Presentation<'_>) -> Result<(), Reason> {
        let (id, until) = self.check_claims(proof, of).map_err(Reason::InvalidProof)?;
        match self.replays.remember(id, of.now, until).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Reason::InvalidProof(ProofError::Replayed)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a proof cannot be remembered");
                Err(Reason::Unavailable)
            }
        }
    }

    pub(crate) fn nonce(&self, now: SystemTime) -> Option<String> {
        self.nonces.as_ref().map(|nonces| nonces.current(seconds(now)))
    }

    /// The proof's name, and until when it could come again.
    fn check_claims(&self, proof: &str, of: &Presentation<'_>) -> Result<(ProofId, SystemTime), ProofError> {
        let mut jws = CompactJws::parse(proof, Kind::Proof).map_err(ProofError::Malformed)?;
        let jwk = jws.jwk().map_err(ProofError::Malformed)?;
        let (key, thumbprint) = PublicKey::from_proof(jwk, jws.algorithm).ok_or(ProofError::Key)?;
        if thumbprint != of.jkt {
            return Err(ProofError::OtherKey);
        }
        let mut claims = jws.verify(&key).map_err(ProofError::Malformed)?;
        let jti = text(&mut claims, "jti")?;
        if jti.len() > MAX_JTI_BYTES {
            return Err(ProofError::Claim("jti"));
        }
        check(text(&mut claims, "htm")? == of.method.as_str(), ProofError::Claim("htm"))?;
        check(self.is_target(&text(&mut claims, "htu")?, of.path), ProofError::Claim("htu"))?;
        let until = self.check_iat(&mut claims, of.now)?;
        check(text(&mut claims, "ath")? == sha256(of.token.as_bytes()), ProofError::Claim("ath"))?;
        self.check_nonce(&mut claims, of.now)?;
        Ok((proof_id(of.jkt, &jti), until))
    }

    /// Query and fragment do not count, nor how the same URI is spelled (RFC 3986 §6.2.2 and §6.2.3).
    fn is_target(&self, htu: &str, path: &str) -> bool {
        let Ok(htu) = Url::parse(htu) else { return false };
        let expected = format!("{}{path}", self.resource.path().trim_end_matches('/'));
        let is_bare = htu.username().is_empty() && htu.password().is_none();
        is_bare && htu.origin() == self.resource.origin() && normalized(htu.path()) == normalized(&expected)
    }

    /// When the proof can no longer be accepted.
    fn check_iat(&self, claims: &mut Object, now: SystemTime) -> Result<SystemTime, ProofError> {
        let iat = claims.take_numeric_date("iat").ok().flatten().ok_or(ProofError::Claim("iat"))?;
        let iat = SystemTime::UNIX_EPOCH + Duration::from_secs(iat);
        let until = iat + self.max_age + self.leeway;
        check(iat <= now + self.leeway && now <= until, ProofError::Stale)?;
        Ok(until)
    }

    fn check_nonce(&self, claims: &mut Object, now: SystemTime) -> Result<(), ProofError> {
        let nonce = claims.take_string("nonce").map_err(|_| ProofError::Claim("nonce"))?;
        let accepts = |nonces: &Nonces| nonce.is_some_and(|nonce| nonces.accepts(&nonce, seconds(now)));
        check(self.nonces.as_ref().is_none_or(accepts), ProofError::Nonce)
    }
}

fn check(holds: bool, otherwise: ProofError) -> Result<(), ProofError> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn text(claims: &mut Object, name: &'static str) -> Result<String, ProofError> {
    claims.take_string(name).ok().flatten().ok_or(ProofError::Claim(name))
}

/// Of one key and one `jti`, so that no client can use up another's. The thumbprint's length is fixed.
fn proof_id(jkt: &str, jti: &str) -> ProofId {
    let mut context = Context::new(&SHA256);
    context.update(jkt.as_bytes());
    context.update(jti.as_bytes());
    let mut id = ProofId::default();
    id.copy_from_slice(context.finish().as_ref());
    id
}

/// A path with each character that needs no escape unescaped, and the other escapes in upper case.
fn normalized(path: &str) -> String {
    let mut normalized = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        normalized.push_str(before);
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, digits) {
            (Some(byte), _) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                normalized.push(char::from(byte));
            }
            (_, digits) => normalized.extend(["%", &digits.unwrap_or_default().to_ascii_uppercase()]),
        }
        rest = after.get(digits.map_or(0, str::len)..).unwrap_or_default();
    }
    normalized + rest
}

/// Why a proof was refused. No variant holds anything of the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// A claim is missing, malformed, or says another request or token.
    #[error("its claim {0} is missing, malformed or not that of the request")]
    Claim(&'static str),
    /// The key in it is private, unknown, or none for its algorithm.
    #[error("its key cannot be used")]
    Key,
    /// Not a signed JWT of the type `dpop+jwt`.
    #[error("it is no proof: {0}")]
    Malformed(VerifyError),
    /// No header `DPoP`.
    #[error("it is missing")]
    Missing,
    /// It has to carry the nonce that the answer gives.
    #[error("it carries no recent nonce")]
    Nonce,
    /// Signed by another key than the token is bound to.
    #[error("it is signed by another key than the token is bound to")]
    OtherKey,
    /// Seen before.
    #[error("it was presented before")]
    Replayed,
    /// Several headers `DPoP`.
    #[error("there are several")]
    Several,
    /// Too old, or made in the future.
    #[error("it is not recent")]
    Stale,
    /// The token that it came with is bound to no key.
    #[error("the token with it is bound to no key")]
    Unbound,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proofs(resource: &str) -> Proofs {
        Dpop::new().into_proofs(Url::parse(resource).unwrap(), Duration::ZERO).unwrap()
    }

    #[test]
    fn a_target_is_compared_as_a_uri_is_and_no_looser() {
        let root = proofs("https://api.example.com");
        for (htu, path) in [
            ("https://api.example.com/orgs/acme/notes", "/orgs/acme/notes"),
            ("HTTPS://API.example.com:443/orgs/acme/notes?a=b#c", "/orgs/acme/notes"),
            ("https://api.example.com/%7euser/%2f%c3%a9", "/~user/%2F%C3%A9"),
            ("https://api.example.com/a/../b", "/b"),
            ("https://api.example.com", "/"),
        ] {
            assert!(root.is_target(htu, path), "{htu} {path}");
        }
        for (htu, path) in [
            ("http://api.example.com/notes", "/notes"),
            ("https://api.example.com:8443/notes", "/notes"),
            ("https://api.example.com.evil.test/notes", "/notes"),
            ("https://user@api.example.com/notes", "/notes"),
            ("https://api.example.com/notes/", "/notes"),
            ("https://api.example.com/Notes", "/notes"),
            ("https://api.example.com/a%2Fb", "/a/b"),
            ("https://api.example.com/b", "/a/../b"),
            ("//api.example.com/notes", "/notes"),
            ("/notes", "/notes"),
            ("", "/"),
        ] {
            assert!(!root.is_target(htu, path), "{htu} {path}");
        }
        let below = proofs("https://example.com/api/");
        assert!(below.is_target("https://example.com/api/notes", "/notes"));
        assert!(!below.is_target("https://example.com/notes", "/notes"));
    }

    proptest! {
        #[test]
        fn normalizing_a_path_makes_and_removes_no_segment(path in "(%[0-9a-fA-F]{0,2}|[a-z/%~é]){0,12}") {
            let slashes = |path: &str| path.matches('/').count();
            prop_assert_eq!(slashes(&normalized(&path)), slashes(&path));
        }

        #[test]
        fn any_text_is_a_target_or_not(htu in "\\PC{0,60}", path in "\\PC{0,60}") {
            let _ = proofs("https://api.example.com").is_target(&htu, &path);
        }
    }
}
