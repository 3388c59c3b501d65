//! Password hashing: Argon2id (RFC 9106) on a bounded pool, so that a storm of sign-ins cannot
//! starve the server, nor one organization's storm the others. Hashes that other systems made are compared with as they are,
//! and replaced by one of our own when their user signs in.

mod foreign;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use orgate_domain::ids::OrgId;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use self::foreign::Known;
use crate::random::{NoRandomness, Random};

pub use foreign::{Digest, ForeignHash, InvalidHash};

/// Bytes of a password at most; longer ones are refused, never cut.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// The pool. Its threads are tokio's blocking ones; its permits bound how many hash at once.
#[derive(Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    queue: Mutex<HashMap<OrgId, usize>>,
    queue_limit: usize,
    memory: Arc<Memory>,
    random: Random,
    decoy: String,
}

/// What hashing fills, kept for the next: a fresh allocation of this size costs a fifth of the hash
/// in page faults, and stays with the allocator once for every thread.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

/// Why a password was not hashed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already; try again in a second.
    #[error("too many sign-ins at once")]
    Busy,
    /// The hash in the database does not parse, or the library failed.
    #[error("the password could not be hashed")]
    Hash,
    /// See [`NoRandomness`].
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// Longer than [`MAX_PASSWORD_BYTES`].
    #[error("a password has at most {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
}

/// Whether a password is the one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is, for a user who exists.
    Right,
    /// It is not, or there is nobody it could be right for.
    Wrong,
}

/// Memory of one hash, in blocks of 1 KiB.
const BLOCKS: u32 = 19 * 1024;

/// OWASP's second choice of parameters: 19 MiB, two passes, one lane.
fn params() -> Params {
    Params::new(BLOCKS, 2, 1, None).unwrap_or_default()
}

impl Passwords {
    /// A pool that hashes `threads` at once and lets `queue_limit` wait.
    ///
    /// # Errors
    /// [`PasswordError`] if the decoy for unknown users cannot be made.
    pub fn new(threads: usize, queue_limit: usize, random: Random) -> Result<Self, PasswordError> {
        // In memory that is given back: a server that nobody has signed in to yet holds none.
        let decoy = Memory::default().hash(&random.bytes::<32>()?, &random.bytes()?)?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(threads.max(1))),
            queue: Mutex::default(),
            queue_limit: queue_limit.max(1),
            memory: Arc::default(),
            random,
            decoy,
        })
    }

    /// Whether a hash is one of those that [`Passwords::hash`] makes today; others are to be replaced when their user signs
    /// in, which is when the password is known.
    pub fn is_current(phc: &str) -> bool {
        PasswordHash::new(phc).is_ok_and(|hash| {
            let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
            hash.algorithm == ARGON2ID_IDENT
                && hash.version == Some(Version::V0x13.into())
                && Params::try_from(&hash).is_ok_and(|used| costs(&used) == costs(&params()))
        })
    }

    /// Hashes a new password to a PHC string, in a place of its own.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn hash(&self, org_id: OrgId, password: &str) -> Result<String, PasswordError> {
        check_length(password)?;
        self.hash_in(&self.queue_up(org_id)?, password).await
    }

    /// The same in a place that was taken before.
    ///
    /// # Errors
    /// [`PasswordError`], but for [`PasswordError::Busy`].
    pub async fn hash_in(&self, place: &Place<'_>, password: &str) -> Result<String, PasswordError> {
        check_length(password)?;
        let salt = self.random.bytes()?;
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let memory = Arc::clone(&self.memory);
        self.run(place, move || memory.hash(&password, &salt)).await
    }

    /// Checks a password. With no hash to check against, a decoy is: an unknown user takes the same
    /// path and the same time. Where `foreign`, which another system made, is somebody's of the organization, everybody's
    /// password is compared with such a one and with one of our own, whichever of them is theirs.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub async fn verify(
        &self,
        place: &Place<'_>,
        password: &str,
        (phc, foreign): (Option<&str>, Option<&str>),
    ) -> Result<Verdict, PasswordError> {
        check_length(password)?;
        let known = phc.is_some();
        let phc = phc.unwrap_or(&self.decoy).to_owned();
        let beside =
            foreign.map(|foreign| if Self::is_current(&phc) { foreign } else { &self.decoy }.to_owned());
        let password = Zeroizing::new(password.as_bytes().to_vec());
        let memory = Arc::clone(&self.memory);
        let decoy = self.decoy.clone();
        let compare = move || {
            let matches = match memory.matches(&password, &phc) {
                Ok(matches) => Some(matches),
                // Takes its time like any other, so that nobody learns which account it is.
                Err(_) => memory.matches(&password, &decoy).map(|_| None)?,
            };
            if let Some(beside) = beside {
                std::hint::black_box(memory.matches(&password, &beside).ok());
            }
            Ok(matches)
        };
        let matches = self.run(place, compare).await?;
        if matches.is_none() {
            tracing::error!("a stored password hash cannot be read"); // here, where the span has the organization
        }
        Ok(if matches == Some(true) && known { Verdict::Right } else { Verdict::Wrong })
    }

    /// Runs `work` on a blocking thread when a permit is free. One organization may hold half of
    /// the queue at most, so that an attack on it leaves room for the others.
    async fn run<T: Send + 'static>(
        &self,
        _: &Place<'_>,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|_| PasswordError::Hash)?
    }

    /// Takes a place in the queue, before anything else is done for a sign-in: one that finds no
    /// room has cost nothing, a try included.
    ///
    /// # Errors
    /// [`PasswordError::Busy`].
    pub fn queue_up(&self, org_id: OrgId) -> Result<Place<'_>, PasswordError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = queue.values().sum();
        let mine = queue.entry(org_id).or_default();
        if total >= self.queue_limit || *mine >= self.queue_limit.div_ceil(2) {
            return Err(PasswordError::Busy);
        }
        *mine += 1;
        Ok(Place { queue: &self.queue, org_id })
    }
}

/// A place in the queue, given back when dropped: also when the request is.
#[derive(Debug)]
pub struct Place<'a> {
    queue: &'a Mutex<HashMap<OrgId, usize>>,
    org_id: OrgId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = queue.get_mut(&self.org_id) {
            *mine = mine.saturating_sub(1);
            if *mine == 0 {
                queue.remove(&self.org_id);
            }
        }
    }
}

fn check_length(password: &str) -> Result<(), PasswordError> {
    if password.len() > MAX_PASSWORD_BYTES { Err(PasswordError::TooLong) } else { Ok(()) }
}

impl Memory {
    fn hash(&self, password: &[u8], salt: &[u8; 16]) -> Result<String, PasswordError> {
        let (params, salt) = (params(), Salt::new(salt).map_err(|_| PasswordError::Hash)?);
        let parameters = ParamsString::try_from(&params).map_err(|_| PasswordError::Hash)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: parameters,
            salt: Some(salt),
            hash: Some(self.run(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(hash.to_string())
    }

    /// Hashes as `phc` says, and compares in constant time.
    fn matches(&self, password: &[u8], phc: &str) -> Result<bool, PasswordError> {
        let known = Known::parse(phc).map_err(|_| PasswordError::Hash)?;
        let Known::Argon2(argon2, salt, expected) = &known else {
            return known.matches(password).ok_or(PasswordError::Hash);
        };
        Ok(self.run(argon2, password, salt, expected.len())? == *expected)
    }

    fn run(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &Salt,
        length: usize,
    ) -> Result<Output, PasswordError> {
        let mut blocks = self.lock().pop().unwrap_or_default();
        blocks.resize(argon2.params().block_count(), Block::default());
        let mut bytes = Zeroizing::new([0; Output::MAX_LENGTH]);
        let hash = bytes.get_mut(..length).ok_or(PasswordError::Hash)?;
        let hashed = argon2.hash_password_into_with_memory(password, salt.as_ref(), hash, &mut blocks);
        if blocks.len() <= params().block_count() {
            self.lock().push(blocks);
        }
        hashed.map_err(|_| PasswordError::Hash)?;
        Output::new(hash).map_err(|_| PasswordError::Hash)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
    use uuid::Uuid;

    use super::*;

    fn org(n: u128) -> OrgId {
        OrgId::from_uuid(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn a_password_is_right_only_for_its_own_hash() {
        let pool = Passwords::new(1, 4, Random::default()).expect("a pool");
        let phc = pool.hash(org(1), "correct horse").await.expect("hashed");

        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert_eq!(
            pool.verify(&pool.queue_up(org(1)).expect("room"), "correct horse", (Some(&phc), None))
                .await
                .expect("checked"),
            Verdict::Right
        );
        assert_eq!(
            pool.verify(&pool.queue_up(org(1)).expect("room"), "wrong", (Some(&phc), None))
                .await
                .expect("checked"),
            Verdict::Wrong
        );
        assert_eq!(
            pool.verify(&pool.queue_up(org(1)).expect("room"), "wrong", (None, None)).await.expect("checked"),
            Verdict::Wrong
        );
    }

    #[test]
    fn memory_that_was_used_before_hashes_as_the_library_does() {
        let memory = Memory::default();
        let other =
            Argon2::new(Algorithm::Argon2i, Version::V0x10, Params::new(64, 3, 2, None).expect("valid"));
        let imported = other.hash_password_with_salt(b"tr0ub4dor", &[3; 16]).expect("hashed").to_string();

        for _ in 0..2 {
            let phc = memory.hash(b"correct horse", &[7; 16]).expect("hashed");
            let parsed = PasswordHash::new(&phc).expect("a hash");
            assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_ok(), "{phc}");
            assert!(memory.matches(b"correct horse", &phc).expect("compared"));
            assert!(memory.matches(b"tr0ub4dor", &imported).expect("compared"));
            assert!(!memory.matches(b"correct horse", &imported).expect("compared"));
        }
        assert_eq!(memory.lock().len(), 1);
    }

    #[tokio::test]
    async fn a_stored_hash_that_cannot_be_read_is_refused_like_a_wrong_password() {
        let pool = Passwords::new(1, 4, Random::default()).expect("a pool");

        for stored in ["", "$2b$10$abc", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ"] {
            let place = pool.queue_up(OrgId::from_uuid(Uuid::from_u128(1))).expect("a place");
            assert_eq!(
                pool.verify(&place, "password", (Some(stored), None)).await.expect("compared"),
                Verdict::Wrong
            );
        }
    }

    /// Made by others; see `tests/fixtures/import/README.md`.
    #[tokio::test]
    async fn what_other_systems_hashed_is_compared_with_and_is_to_be_replaced() {
        let pool = Passwords::new(1, 4, Random::default()).expect("a pool");
        let own = pool.hash(org(1), "correct horse battery staple").await.expect("hashed");
        assert!(Passwords::is_current(&own));

        for foreign in [
            "$argon2id$v=19$m=7168,t=5,p=1$AAECAwQFBgcICQoLDA0ODw$8cZyfmGLYgTYc8avb2ZXWqFShr92bklhQdS/tplOl9k",
            "$argon2i$v=19$m=1024,t=3,p=2$AAECAwQFBgcICQoLDA0ODw$wu191Rh/9L1npkIYixLu+HN0PLuTQhVcjb7qG6gmK98",
            "$2a$05$DwgI88KXOWPUOaXlVtCKMuKRrc6uXG4VdvPO.1phqYtDtLDCQUG0u",
            "$pbkdf2$i=20002$AAECAwQFBgcICQoLDA0ODw$zz5dupPbuo8C0si5cdl0tI2OYNE",
        ] {
            for (password, verdict) in
                [("correct horse battery staple", Verdict::Right), ("correct horse", Verdict::Wrong)]
            {
                let place = pool.queue_up(org(1)).expect("room");
                assert_eq!(
                    pool.verify(&place, password, (Some(foreign), Some(foreign))).await.expect("checked"),
                    verdict
                );
            }
            assert!(!Passwords::is_current(foreign), "{foreign}");
        }
    }

    #[tokio::test]
    async fn whoever_signs_in_beside_imported_users_takes_the_time_of_both_kinds_of_hash() {
        let pool = Passwords::new(1, 4, Random::default()).expect("a pool");
        let own = pool.hash(org(1), "correct horse").await.expect("hashed");
        let slow = "$pbkdf2-sha256$i=1500000,l=32$AAECAwQFBgcICQoLDA0ODw$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let time = async |phc: Option<&str>, foreign: Option<&str>| {
            let place = pool.queue_up(org(1)).expect("room");
            let began = std::time::Instant::now();
            let verdict = pool.verify(&place, "wrong", (phc, foreign)).await.expect("checked");
            assert_eq!(verdict, Verdict::Wrong);
            began.elapsed()
        };

        let alone = time(Some(slow), None).await;

        // Whatever is somebody's, it is done too: a quarter of what it takes is more than one of ours, and less than a busy machine makes of it.
        for phc in [None, Some(&*own)] {
            assert!(time(phc, Some(slow)).await > alone / 4, "{phc:?}");
        }
        let place = pool.queue_up(org(1)).expect("room");
        let right = pool.verify(&place, "correct horse", (Some(&own), Some(slow))).await.expect("checked");
        assert_eq!(right, Verdict::Right, "what is done beside it decides nothing");
    }

    #[test]
    fn one_organization_cannot_fill_the_queue() {
        let pool = Passwords::new(1, 4, Random::default()).expect("a pool");

        let _a = pool.queue_up(org(1)).expect("room");
        let b = pool.queue_up(org(1)).expect("room");
        assert!(matches!(pool.queue_up(org(1)), Err(PasswordError::Busy)));
        let _c = pool.queue_up(org(2)).expect("room for others");

        drop(b);
        assert!(pool.queue_up(org(1)).is_ok());
    }
}
