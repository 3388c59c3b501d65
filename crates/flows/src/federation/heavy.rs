//! The bounded pool for XML and RSA: neither belongs on the threads that answer requests.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// How long work waits for a thread.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pool. Its threads are tokio's blocking ones; its permits bound how many are at work.
#[derive(Debug)]
pub struct Heavy {
    permits: Arc<Semaphore>,
    /// Bounds who waits: a message of half a megabyte waits with them.
    places: Arc<Semaphore>,
}

/// Too much waits already; try again in a second.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("too many messages are being checked at once")]
pub struct Busy;

impl Heavy {
    /// A pool that does `threads` things at once and lets `places` wait.
    pub fn new(threads: usize, places: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(threads.max(1))),
            places: Arc::new(Semaphore::new(places.max(1))),
        }
    }

    /// Runs `work` on a blocking thread when one is free.
    ///
    /// # Errors
    /// [`Busy`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else { return Err(Busy) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(|_| Busy)
    }
}
