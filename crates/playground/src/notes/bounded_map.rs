//! A map that forgets: what is too old, and the oldest of what is too much.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Values under random keys: the last `capacity` that were inserted, each for `lifetime`.
pub(super) struct BoundedMap<V> {
    entries: Mutex<Entries<V>>,
    capacity: usize,
    lifetime: Duration,
}

struct Entries<V> {
    values: HashMap<String, (Instant, V)>,
    /// Every key of `values`, and keys removed from it, in order of insertion.
    inserted: VecDeque<String>,
}

impl<V: Clone> BoundedMap<V> {
    pub(super) fn new(capacity: usize, lifetime: Duration) -> Self {
        let entries = Entries { values: HashMap::new(), inserted: VecDeque::new() };
        Self { entries: Mutex::new(entries), capacity, lifetime }
    }

    /// `key` is new: a random one.
    pub(super) fn insert(&self, key: String, value: V) {
        let mut entries = self.entries();
        while entries.inserted.len() >= self.capacity {
            let Some(oldest) = entries.inserted.pop_front() else { break };
            entries.values.remove(&oldest);
        }
        entries.inserted.push_back(key.clone());
        entries.values.insert(key, (Instant::now(), value));
    }

    pub(super) fn find(&self, key: &str) -> Option<V> {
        let entries = self.entries();
        let (since, value) = entries.values.get(key)?;
        (since.elapsed() < self.lifetime).then(|| value.clone())
    }

    /// `false` if it was not there: of two racing calls, one removes it.
    pub(super) fn remove(&self, key: &str) -> bool {
        self.entries().values.remove(key).is_some()
    }

    fn entries(&self) -> MutexGuard<'_, Entries<V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first() {
        let map = BoundedMap::new(2, Duration::MAX);

        for (key, value) in [("a", 1), ("b", 2), ("c", 3)] {
            map.insert(key.into(), value);
        }

        assert_eq!((map.find("a"), map.find("b"), map.find("c")), (None, Some(2), Some(3)));
    }

    #[test]
    fn what_is_removed_is_gone_and_what_is_old_is_not_found() {
        let (lasting, fleeting) = (BoundedMap::new(2, Duration::MAX), BoundedMap::new(2, Duration::ZERO));
        lasting.insert("a".into(), 1);
        fleeting.insert("a".into(), 1);

        assert_eq!((lasting.remove("a"), lasting.remove("a"), lasting.find("a")), (true, false, None));
        assert_eq!(fleeting.find("a"), None);
    }
}
