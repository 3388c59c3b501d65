//! Proofs that have been seen.
//!
//! **Invariant:** a proof that is still acceptable is never forgotten: rather than make room by forgetting one, the
//! memory takes no more.

use std::{
    collections::{BTreeSet, HashSet},
    error::Error,
    pin::Pin,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

/// Names one proof of one key: a digest of the key's thumbprint and the proof's `jti`.
pub type ProofId = [u8; 32];

/// Remembers the proofs that were seen, so that none is accepted twice (RFC 9449 §11.1).
///
/// [`ReplayMemory`] is one for a single process. Backends of several processes behind one address share one:
/// implement this over a store that sets a key if it is absent, with a time to live.
pub trait ReplayCache: Send + Sync {
    /// Remembers `proof` from `now` until `until`, in one step: of two calls at once, one is first. `false` if it was
    /// there already.
    fn remember(&self, proof: ProofId, now: SystemTime, until: SystemTime) -> Remembering<'_>;
}

/// What [`ReplayCache::remember`] gives.
pub type Remembering<'c> = Pin<Box<dyn Future<Output = Result<bool, ReplayCacheError>> + Send + 'c>>;

/// Proofs cannot be remembered at the moment, so none is accepted.
#[derive(Debug, thiserror::Error)]
#[error("proofs cannot be remembered")]
pub struct ReplayCacheError(#[source] pub Box<dyn Error + Send + Sync>);

/// Remembers the proofs that this process has seen, up to a number of them.
#[derive(Debug)]
pub struct ReplayMemory {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    proofs: HashSet<ProofId>,
    /// The same, by when they may be forgotten.
    by_end: BTreeSet<(SystemTime, ProofId)>,
}

impl ReplayMemory {
    /// Room for so many proofs at once. Each takes about 150 bytes for as long as it would be acceptable, two
    /// minutes unless told: a backend with 500 requests a second needs room for 60,000.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { capacity, seen: Mutex::default() }
    }

    fn remember_now(
        &self,
        proof: ProofId,
        now: SystemTime,
        until: SystemTime,
    ) -> Result<bool, ReplayCacheError> {
        // A panic elsewhere leaves at worst a proof that is not listed by its end.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.forget_before(now);
        if seen.proofs.contains(&proof) {
            return Ok(false);
        }
        if seen.proofs.len() >= self.capacity {
            return Err(ReplayCacheError("as many proofs as there is room for are remembered".into()));
        }
        seen.by_end.insert((until, proof));
        Ok(seen.proofs.insert(proof))
    }
}

impl Seen {
    fn forget_before(&mut self, now: SystemTime) {
        while let Some((until, proof)) = self.by_end.first().copied().filter(|(until, _)| *until < now) {
            self.by_end.remove(&(until, proof));
            self.proofs.remove(&proof);
        }
    }
}

impl ReplayCache for ReplayMemory {
    fn remember(&self, proof: ProofId, now: SystemTime, until: SystemTime) -> Remembering<'_> {
        let remembered = self.remember_now(proof, now, until);
        Box::pin(async move { remembered })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_proof_is_first_once_until_it_ends_and_a_full_memory_takes_no_more() {
        let memory = ReplayMemory::with_capacity(2);
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let remember = |byte, now, until| memory.remember_now([byte; 32], at(now), at(until)).ok();

        assert_eq!(remember(1, 0, 10), Some(true));
        assert_eq!(remember(1, 10, 20), Some(false), "to its very end");
        assert_eq!(remember(2, 0, 5), Some(true));
        assert_eq!(remember(3, 5, 15), None, "full");
        assert_eq!(remember(1, 5, 15), Some(false), "and still knows");
        assert_eq!(remember(3, 6, 16), Some(true), "the second is over");
        assert_eq!(remember(1, 11, 21), Some(true), "so is the first");
    }
}
