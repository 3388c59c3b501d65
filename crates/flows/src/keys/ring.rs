//! The keys of one organization, unwrapped.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use orgate_domain::keys::{HINTS_KEPT, KeyState};
use orgate_protocol::jose::{JoseError, Jwk, JwkSet, KeySet, SigningAlgorithm, SigningKey, VerifyingKey};
use orgate_storage::OrgScope;
use serde::de::DeserializeOwned;

use super::KeyError;
use crate::Env;
use crate::vault::{Purpose, VaultError};

/// The keys of one organization, as they were when it was read.
#[derive(Default)]
pub struct Ring {
    /// Whose, and when they were read; `None`: nobody's, and never.
    origin: Option<(OrgScope, Instant)>,
    current: Vec<Arc<SigningKey>>,
    verifying: KeySet,
    dropped: KeySet,
    published: Arc<str>,
}

impl Ring {
    pub(super) async fn read(env: &Env, scope: &OrgScope) -> Result<Self, KeyError> {
        let (now, origin) = (env.clock.now(), Some((*scope, Instant::now())));
        let mut tx = env.store.begin(scope).await?;
        let stored = tx.keys().list_signing_keys(now - HINTS_KEPT).await?;
        tx.commit().await?;
        let (mut current, mut public, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        for row in stored {
            let state = row.life.state(now);
            match (state, row.private_key) {
                (KeyState::Next | KeyState::Current | KeyState::Retired, Some(sealed)) => {
                    let purpose = (Purpose::SigningKey, row.life.kid.as_str());
                    let der = env.vault.open(env, scope, purpose, &sealed).await?;
                    let key = SigningKey::from_pkcs8(row.life.algorithm, &der)?;
                    // The public key of the private one, which nobody could replace without the data key.
                    public.push(key.public_jwk());
                    if state == KeyState::Current {
                        current.push(Arc::new(key));
                    }
                }
                _ if row.life.vouches_for_hints(now) => dropped.push(row.public_jwk),
                _ => {}
            }
        }
        let (verifying, dropped) = (key_set(&public)?, key_set(&dropped)?);
        let published = serde_json::to_string(&JwkSet { keys: public }).map_err(|_| JoseError::Claims)?;
        Ok(Self { origin, current, verifying, dropped, published: published.into() })
    }

    /// Whether a key of this algorithm signs.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn check(&self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        self.signer(algorithm).map(|_| ())
    }

    pub(super) fn signer(&self, algorithm: SigningAlgorithm) -> Result<Arc<SigningKey>, KeyError> {
        let found = self.current.iter().find(|key| key.algorithm() == algorithm);
        found.cloned().ok_or(KeyError::Missing(algorithm))
    }

    pub(super) fn verify<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Result<T, JoseError> {
        orgate_protocol::jose::verify(token, &self.verifying, typ)
    }

    /// A token that this very ring has verified before.
    pub(super) fn read_verified<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Result<T, JoseError> {
        orgate_protocol::jose::read_verified(token, &self.verifying, typ)
    }

    pub(super) fn verify_hint<T: DeserializeOwned>(&self, token: &str, typ: &str) -> Result<T, JoseError> {
        match self.verify(token, typ) {
            Err(JoseError::UnknownKey) => orgate_protocol::jose::verify(token, &self.dropped, typ),
            other => other,
        }
    }

    /// The JWK Set document (RFC 7517 §5).
    pub fn published(&self) -> Arc<str> {
        Arc::clone(&self.published)
    }

    /// Whether a token can be signed.
    pub fn is_ready(&self) -> bool {
        !self.current.is_empty()
    }

    pub(super) fn scope(&self) -> Option<OrgScope> {
        self.origin.map(|(scope, _)| scope)
    }

    pub(super) fn is_read_since(&self, since: Instant) -> bool {
        self.origin.is_some_and(|(_, read)| read >= since)
    }

    /// Whether its reading began after the other's did.
    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        self.origin.map(|(_, read)| read) > other.origin.map(|(_, read)| read)
    }

    pub(super) fn age(&self) -> Duration {
        self.origin.map_or(Duration::MAX, |(_, read)| read.elapsed())
    }
}

#[cfg(test)]
impl Ring {
    pub(super) fn of(scope: OrgScope, read: Instant) -> Self {
        Self { origin: Some((scope, read)), ..Self::default() }
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("origin", &self.origin)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

fn key_set(keys: &[Jwk]) -> Result<KeySet, JoseError> {
    keys.iter().map(VerifyingKey::from_jwk).collect()
}

/// A private key, sealed for its row.
pub(super) async fn seal(env: &Env, scope: &OrgScope, key: &SigningKey) -> Result<Vec<u8>, KeyError> {
    let der = key.to_pkcs8()?;
    let sealed = env.vault.seal(env, scope, (Purpose::SigningKey, key.kid()), &der).await;
    sealed.map_err(VaultError::into)
}
