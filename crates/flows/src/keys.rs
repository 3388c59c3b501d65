//! Signing keys: the shared issuer's ring, which is always loaded, and the rings of organizations that are
//! their own issuers, of which those in use are ([ADR 21](../../../docs/adr/0021-issuers-of-organizations.md),
//! [ADR 22](../../../docs/adr/0022-rotation-of-signing-keys.md)).
//!
//! **Invariant:** a token is verified by the keys of the issuer that it names, and by no others.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::OrgId;
use orgate_protocol::jose::{JoseError, SigningAlgorithm, SigningKey, Unverified};
use orgate_storage::system::OrgHint;
use orgate_storage::{OrgScope, StorageError};
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, Semaphore};

use crate::Env;
use crate::random::NoRandomness;
use crate::vault::VaultError;

mod make;
mod operate;
mod ring;
mod rotation;

pub(crate) use operate::replace_as;
pub use operate::{ImportError, Replaced, Replacement, import, list, replace, revoke};
pub use ring::Ring;
pub use rotation::rotate_due;

/// Every installation has keys of these algorithms; of others once a client asks for them, since
/// making an RSA key takes its time and few installations need two.
pub const FROM_THE_START: [SigningAlgorithm; 2] = [SigningAlgorithm::Es256, SigningAlgorithm::Rs256];

/// Rings of organizations that are kept loaded.
const RINGS: u64 = 2_000;

/// A ring is read again after this long: the net under the notification of its changes.
const RING_LIMIT: Duration = Duration::from_mins(5);

/// For a token with an unknown key, the ring is read again if it was read this long ago.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// Tokens that are known to have been verified.
const VERIFIED: u64 = 4_096;

/// Every issuer's signing keys.
#[derive(Debug)]
pub struct KeyRings {
    shared: RwLock<Arc<Ring>>,
    own: Cache<OrgId, Arc<Ring>>,
    /// Whose ring is being read.
    reading: Cache<OrgId, Arc<Mutex<()>>>,
    /// Counts the times that a ring was forgotten: what was read before must not be kept after.
    forgotten: AtomicU64,
    /// Which ring has verified the token of which these are the bytes: backends ask about the same again and again.
    verified: Cache<SecretHash, Weak<Ring>>,
    slow: Semaphore,
}

/// Why a token could not be signed, or not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// No key of this algorithm signs.
    #[error("there is no current {} signing key", .0.as_str())]
    Missing(SigningAlgorithm),
    /// Two replaced a key at once, and this was the second.
    #[error(
        "somebody else changed this issuer's keys at the same moment: look at `orgate keys list`, and run it again"
    )]
    Raced,
    /// An organization that is not there any more.
    #[error("the issuer's organization does not exist")]
    UnknownIssuer,
    /// See [`JoseError`].
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// See [`NoRandomness`].
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl KeyRings {
    /// No rings yet; lets `slow_operations` RSA signatures be made at once.
    pub fn new(slow_operations: usize) -> Self {
        Self {
            shared: RwLock::default(),
            reading: Cache::builder().max_capacity(RINGS).time_to_idle(RING_LIMIT).build(),
            own: Cache::builder().max_capacity(RINGS).time_to_live(RING_LIMIT).build(),
            forgotten: AtomicU64::new(0),
            verified: Cache::builder().max_capacity(VERIFIED).time_to_idle(RING_LIMIT).build(),
            slow: Semaphore::new(slow_operations.max(1)),
        }
    }

    /// Reads the keys of the operator organization, which the shared issuer signs with, and makes
    /// what is missing: a current key of each algorithm that every installation has, or this one had.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn load(&self, env: &Env, operator: &OrgScope) -> Result<(), KeyError> {
        let had = list(env, operator).await?.into_iter().map(|key| key.algorithm);
        for algorithm in had.chain(FROM_THE_START).collect::<BTreeSet<_>>() {
            make::first(env, operator, algorithm).await?;
        }
        self.read(env, operator).await
    }

    /// Reads the keys of the operator organization. Makes nothing: what is missing stays missing.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn read(&self, env: &Env, operator: &OrgScope) -> Result<(), KeyError> {
        self.keep_shared(Ring::read(env, operator).await?);
        Ok(())
    }

    /// Keeps what was read, unless another reader began later and was done before: it knows as much or more.
    fn keep_shared(&self, ring: Ring) {
        let mut kept = self.shared.write().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_later_than(&ring) {
            *kept = Arc::new(ring);
        }
    }

    /// The shared issuer's ring.
    pub fn shared(&self) -> Arc<Ring> {
        Arc::clone(&self.shared.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The ring of an organization, no older than `oldest`: of all that want it at once, one reads it.
    async fn reread(&self, env: &Env, scope: &OrgScope, oldest: Duration) -> Result<Arc<Ring>, KeyError> {
        let since = Instant::now().checked_sub(oldest);
        let turn = self.reading.get_with(scope.org_id(), Arc::default);
        let _held = turn.lock().await;
        let kept = self.own.get(&scope.org_id());
        if let Some(known) = kept.filter(|ring| since.is_none_or(|since| ring.is_read_since(since))) {
            return Ok(known);
        }
        let read_in = self.forgotten.load(Ordering::SeqCst);
        let ring = Arc::new(Ring::read(env, scope).await?);
        if self.forgotten.load(Ordering::SeqCst) == read_in {
            self.own.insert(scope.org_id(), Arc::clone(&ring));
        }
        Ok(ring)
    }

    /// Forgets what `change`, as [`orgate_storage::Store::listen`] tells of it, may be about. Whether the
    /// shared issuer's keys are to be read again.
    pub fn forget(&self, change: Option<&str>) -> bool {
        let Some(change) = change else {
            self.forgotten.fetch_add(1, Ordering::SeqCst);
            self.own.invalidate_all();
            return true;
        };
        let Some(id) = change.strip_prefix("signing_keys:").and_then(|id| id.parse().ok()) else {
            return false;
        };
        let org_id = OrgId::from_uuid(id);
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.own.invalidate(&org_id);
        self.shared().scope().is_none_or(|operator| operator.org_id() == org_id)
    }

    /// The ring that signs what `issuer` issues, if it is loaded and a key of `algorithm` signs.
    fn ready(&self, issuer: &str, algorithm: SigningAlgorithm) -> Option<Arc<Ring>> {
        let ring = match organization_in(issuer) {
            None => self.shared(),
            Some(org_id) => self.own.get(&org_id)?,
        };
        ring.check(algorithm).is_ok().then_some(ring)
    }

    /// Whether [`KeyRings::prepare`] has nothing to do.
    pub(crate) fn is_prepared(&self, issuer: &str, algorithm: SigningAlgorithm) -> bool {
        self.ready(issuer, algorithm).is_some()
    }

    /// The ring that signs what `issuer` issues, with a current key of `algorithm`: loaded, if it is not, and the
    /// key made, if it is the first. Comes before a client asks for a signature, or what it spends for it is
    /// spent; and never inside a transaction.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn prepare(
        &self,
        env: &Env,
        issuer: &str,
        algorithm: SigningAlgorithm,
    ) -> Result<Arc<Ring>, KeyError> {
        if let Some(ring) = self.ready(issuer, algorithm) {
            return Ok(ring);
        }
        let scope = match organization_in(issuer) {
            Some(org_id) => env.configuration.organization(&env.store, &org_id.to_string()).await?,
            None => env.store.resolve(OrgHint::Operator).await?.map(|place| place.scope),
        };
        let scope = scope.ok_or(KeyError::UnknownIssuer)?;
        let mut ring = self.look_again(env, (issuer, &scope), Duration::ZERO).await?;
        if ring.check(algorithm).is_err() {
            make::first(env, &scope, algorithm).await?;
            ring = self.look_again(env, (issuer, &scope), Duration::ZERO).await?;
        }
        ring.check(algorithm).map(|()| ring)
    }

    /// The ring of an issuer, an organization's no older than `oldest`.
    async fn look_again(
        &self,
        env: &Env,
        (issuer, scope): (&str, &OrgScope),
        oldest: Duration,
    ) -> Result<Arc<Ring>, KeyError> {
        if organization_in(issuer).is_some() {
            return self.reread(env, scope, oldest).await;
        }
        self.read(env, scope).await?;
        Ok(self.shared())
    }

    /// Signs as `issuer`. ES256 and EdDSA take less time than a change of threads would and are done at once;
    /// RSA goes to a bounded pool.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn sign(
        &self,
        env: &Env,
        issuer: &str,
        algorithm: SigningAlgorithm,
        (typ, payload): (&'static str, Vec<u8>),
    ) -> Result<String, KeyError> {
        let key = self.prepare(env, issuer, algorithm).await?.signer(algorithm)?;
        match algorithm {
            SigningAlgorithm::Es256 | SigningAlgorithm::EdDsa => Ok(key.sign(typ, &payload)?),
            SigningAlgorithm::Ps256 | SigningAlgorithm::Rs256 => {
                self.slowly(move || key.sign(typ, &payload)).await
            }
        }
    }

    /// Makes a private key.
    async fn generate(&self, algorithm: SigningAlgorithm) -> Result<SigningKey, KeyError> {
        self.slowly(move || SigningKey::generate(algorithm)).await
    }

    async fn slowly<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, JoseError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let _permit = self.slow.acquire().await.map_err(|_| JoseError::Crypto)?;
        Ok(tokio::task::spawn_blocking(work).await.map_err(|_| JoseError::Crypto)??)
    }

    /// Reads a token of type `typ` that one of this installation's issuers signed; `None` for any other. Times
    /// and audience are the caller's to check; whose `iss` it is, is checked.
    ///
    /// # Errors
    /// [`KeyError`], where the keys could not be had.
    pub async fn verify<T: DeserializeOwned>(
        &self,
        env: &Env,
        token: &str,
        typ: &str,
    ) -> Result<Option<T>, KeyError> {
        let hash = SecretHash::of(token.as_bytes());
        self.look(env, token, |ring| {
            let by = Arc::downgrade(ring);
            if self.verified.get(&hash).is_some_and(|known| known.ptr_eq(&by)) {
                return ring.read_verified(token, typ);
            }
            let read = ring.verify(token, typ)?;
            self.verified.insert(hash, by);
            Ok(read)
        })
        .await
    }

    /// Reads an ID token as a hint: keys count that were dropped since.
    ///
    /// # Errors
    /// [`KeyError`], where the keys could not be had.
    pub(crate) async fn verify_hint<T: DeserializeOwned>(
        &self,
        env: &Env,
        token: &str,
        typ: &str,
    ) -> Result<Option<T>, KeyError> {
        self.look(env, token, |ring| ring.verify_hint(token, typ)).await
    }

    async fn look<T>(
        &self,
        env: &Env,
        token: &str,
        verify: impl Fn(&Arc<Ring>) -> Result<T, JoseError>,
    ) -> Result<Option<T>, KeyError> {
        let Ok(unverified) = Unverified::parse(token) else { return Ok(None) };
        let issuer = unverified.claims.get("iss").and_then(|iss| iss.as_str()).unwrap_or_default();
        let said = unverified.claims.get("org_id").and_then(|org_id| org_id.as_str()).unwrap_or_default();
        if organization_in(issuer).is_some_and(|own| said.parse() != Ok(own)) {
            return Ok(None); // an organization's issuer speaks for no other
        }
        let Some(ring) = self.of(env, issuer).await? else { return Ok(None) };
        match verify(&ring) {
            Ok(read) => Ok(Some(read)),
            // A key that was made a moment ago, by a node that others still have to hear of.
            Err(JoseError::UnknownKey) if ring.age() > SECOND_LOOK => {
                let Some(scope) = ring.scope() else { return Ok(None) };
                let ring = self.look_again(env, (issuer, &scope), SECOND_LOOK).await?;
                Ok(verify(&ring).ok())
            }
            Err(_) => Ok(None),
        }
    }

    /// Whether [`KeyRings::of`] has this issuer's ring at hand.
    pub fn is_loaded(&self, issuer: &str) -> bool {
        organization_in(issuer).is_none_or(|org_id| self.own.contains_key(&org_id))
    }

    /// The ring of an issuer, if it is one of this installation's. An organization's may have no keys yet.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn of(&self, env: &Env, issuer: &str) -> Result<Option<Arc<Ring>>, KeyError> {
        if issuer == env.issuer.as_str() {
            return Ok(Some(self.shared()));
        }
        let Some(org_id) = organization_in(issuer) else { return Ok(None) };
        if env.issuer.of(org_id).as_str() != issuer {
            return Ok(None);
        }
        if let Some(known) = self.own.get(&org_id) {
            return Ok(Some(known));
        }
        match env.configuration.organization(&env.store, &org_id.to_string()).await? {
            Some(scope) => self.reread(env, &scope, RING_LIMIT).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The organization whose issuer this is; `None`: the shared one, also as it was called before its address
/// changed.
fn organization_in(issuer: &str) -> Option<OrgId> {
    issuer.rsplit_once("/o/")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use orgate_domain::credentials::{Credential, RefreshToken};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn who_reads_the_shared_ring_late_does_not_bring_back_what_another_replaced() {
        let operator = OrgScope::of_credential(&Credential::<RefreshToken>::new(
            OrgId::from_uuid(Uuid::from_u128(1)),
            &[1; 32],
        ));
        let (early, late) = (Instant::now(), Instant::now() + Duration::from_millis(1));
        let rings = KeyRings::new(1);

        rings.keep_shared(Ring::of(operator, late));
        rings.keep_shared(Ring::of(operator, early));

        assert!(rings.shared().is_read_since(late));
        rings.keep_shared(Ring::of(operator, late + Duration::from_millis(1)));
        assert!(rings.shared().is_read_since(late + Duration::from_millis(1)));
    }
}
