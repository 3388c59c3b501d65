//! The shared issuer's signing keys: made on first start, encrypted at rest, cached unwrapped.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use orgate_protocol::jose::{JoseError, Jwk, JwkSet, KeySet, SigningAlgorithm, SigningKey, VerifyingKey};
use orgate_storage::system::OrgHint;
use orgate_storage::{NewSigningKey, OrgScope, StorageError};
use tokio::sync::Semaphore;

use crate::Env;
use crate::vault::{Purpose, VaultError};

/// Every installation has keys of these algorithms; of others once a client asks for them, since
/// making an RSA key takes its time and few installations need two.
pub const FROM_THE_START: [SigningAlgorithm; 2] = [SigningAlgorithm::Es256, SigningAlgorithm::Rs256];

/// Signing keys, current and retired.
#[derive(Debug)]
pub struct KeyRing {
    loaded: RwLock<Arc<Loaded>>,
    slow: Arc<Semaphore>,
}

/// Why a token could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No current key of this algorithm is loaded.
    #[error("there is no current {} signing key", .0.as_str())]
    Missing(SigningAlgorithm),
    /// See [`JoseError`].
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
}

#[derive(Debug, Default)]
struct Loaded {
    current: Vec<Arc<SigningKey>>,
    verifying: KeySet,
    published: Arc<str>,
}

impl KeyRing {
    /// An empty ring that lets `slow_signatures` RSA signatures be made at once.
    pub fn new(slow_signatures: usize) -> Self {
        Self { loaded: RwLock::default(), slow: Arc::new(Semaphore::new(slow_signatures.max(1))) }
    }

    /// Reads the keys of the operator organization, which the shared issuer signs with, and makes
    /// what is missing: a current key of each algorithm that every installation has, or this one had.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load(&self, env: &Env, operator: &OrgScope) -> Result<(), KeyError> {
        let mut tx = env.store.begin(operator).await?;
        let known = tx.keys().list_signing_keys(env.clock.now()).await?;
        tx.commit().await?;
        let had = known.iter().map(|key| key.algorithm);
        for algorithm in had.chain(FROM_THE_START).collect::<BTreeSet<_>>() {
            if !known.iter().any(|key| key.algorithm == algorithm && key.retired_at.is_none()) {
                self.make(env, operator, algorithm).await?;
            }
        }
        self.read(env, operator).await
    }

    /// Sees to it that there is a current key of this algorithm. Comes before a client that asks for
    /// one, so that a key is published before anything is signed with it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn provide(&self, env: &Env, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        if self.check(algorithm).is_ok() {
            return Ok(());
        }
        let operator = env.store.resolve(OrgHint::Operator).await?;
        let operator = operator.ok_or(KeyError::Missing(algorithm))?.scope;
        self.make(env, &operator, algorithm).await?;
        self.read(env, &operator).await
    }

    /// Reads the keys of the operator organization. Makes nothing: what is missing stays missing.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn read(&self, env: &Env, operator: &OrgScope) -> Result<(), KeyError> {
        let mut tx = env.store.begin(operator).await?;
        let stored = tx.keys().list_signing_keys(env.clock.now()).await?;
        tx.commit().await?;
        let (mut current, mut public): (_, Vec<Jwk>) = (Vec::new(), Vec::new());
        for row in stored {
            let der =
                env.vault.open(env, operator, (Purpose::SigningKey, &row.kid), &row.private_key).await?;
            let key = SigningKey::from_pkcs8(row.algorithm, &der)?;
            public.push(key.public_jwk());
            if row.retired_at.is_none() {
                current.push(Arc::new(key));
            }
        }
        let verifying = public.iter().map(VerifyingKey::from_jwk).collect::<Result<KeySet, _>>()?;
        let published =
            serde_json::to_string(&JwkSet { keys: public }).map_err(|_| JoseError::Claims)?.into();
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Loaded { current, verifying, published });
        Ok(())
    }

    /// Makes a key. Of two nodes that do so at once, one makes it for both.
    async fn make(
        &self,
        env: &Env,
        operator: &OrgScope,
        algorithm: SigningAlgorithm,
    ) -> Result<(), KeyError> {
        let key = tokio::task::spawn_blocking(move || SigningKey::generate(algorithm))
            .await
            .map_err(|_| JoseError::Crypto)??;
        let private_key =
            env.vault.seal(env, operator, (Purpose::SigningKey, key.kid()), &key.to_pkcs8()?).await?;
        let new = NewSigningKey {
            kid: key.kid(),
            algorithm,
            private_key: &private_key,
            public_jwk: &key.public_jwk(),
            created_at: env.clock.now(),
        };
        let mut tx = env.store.begin(operator).await?;
        if tx.keys().insert_signing_key(&new).await? {
            let event = crate::events::key_created(env, key.kid()).map_err(VaultError::from)?;
            tx.audit().insert(&event).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Whether there is a current key of this algorithm.
    ///
    /// # Errors
    /// [`KeyError::Missing`].
    pub fn check(&self, algorithm: SigningAlgorithm) -> Result<(), KeyError> {
        let found = self.loaded().current.iter().any(|key| key.algorithm() == algorithm);
        found.then_some(()).ok_or(KeyError::Missing(algorithm))
    }

    /// Signs. ES256 and Ed25519 take less time than a change of threads would and are done at once; RSA
    /// goes to a bounded pool.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn sign(
        &self,
        algorithm: SigningAlgorithm,
        typ: &'static str,
        payload: Vec<u8>,
    ) -> Result<String, KeyError> {
        let key = self
            .loaded()
            .current
            .iter()
            .find(|key| key.algorithm() == algorithm)
            .cloned()
            .ok_or(KeyError::Missing(algorithm))?;
        match algorithm {
            SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => Ok(key.sign(typ, &payload)?),
            SigningAlgorithm::Ps256 | SigningAlgorithm::Rs256 => {
                let _permit = self.slow.acquire().await.map_err(|_| JoseError::Crypto)?;
                tokio::task::spawn_blocking(move || key.sign(typ, &payload))
                    .await
                    .map_err(|_| JoseError::Crypto)?
                    .map_err(Into::into)
            }
        }
    }

    /// Reads a token that this ring signed. Times and audience are the caller's to check.
    ///
    /// # Errors
    /// [`JoseError`].
    pub fn verify<T: serde::de::DeserializeOwned>(&self, token: &str, typ: &str) -> Result<T, JoseError> {
        orgate_protocol::jose::verify(token, &self.loaded().verifying, typ)
    }

    /// The JWK Set document (RFC 7517 §5).
    pub fn published(&self) -> Arc<str> {
        Arc::clone(&self.loaded().published)
    }

    /// Whether tokens can be signed.
    pub fn is_ready(&self) -> bool {
        !self.loaded().current.is_empty()
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }
}
