//! Events that change nothing but the log, written together: one commit for all that came while the
//! one before was under way.
//!
//! **Invariant:** `Journal::record` returns `Ok` only when the event is durable.

use std::sync::{Arc, Mutex, PoisonError};

use orgate_domain::audit::Event;
use orgate_domain::ids::OrgId;
use orgate_storage::StorageError;
use tokio::sync::oneshot;

use crate::{Env, Failure};

/// Events that may wait. Beyond it, whoever comes is told to try again.
const WAITING: usize = 10_000;

/// Events written by one statement, at most.
const BATCH: usize = 500;

/// Why an event is not known to be written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum JournalError {
    /// Too many wait already; try again in a second.
    #[error("too many events are waiting to be written")]
    Full,
    /// The task that wrote it is gone.
    #[error("the event's writer is gone")]
    Lost,
    /// The statement that held it failed.
    #[error("the event could not be written")]
    Storage(#[source] Arc<StorageError>),
}

type Waiting = ((OrgId, Event), oneshot::Sender<Result<(), JournalError>>);

/// What waits to be written.
#[derive(Debug, Default)]
pub struct Journal {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether a task is writing, and will come back for what waits.
    writing: bool,
}

impl Journal {
    /// Writes an event, with others that are written just now, and returns when it is durable.
    ///
    /// # Errors
    /// [`JournalError`]: whether the event was written is then unknown.
    pub(crate) async fn record(&self, env: &Env, org_id: OrgId, event: Event) -> Result<(), Failure> {
        let (written, answer) = oneshot::channel();
        if self.enqueue(((org_id, event), written))? {
            // A task of its own: a request that is dropped must not take others' events with it.
            tokio::spawn(write(env.clone()));
        }
        answer.await.unwrap_or(Err(JournalError::Lost)).map_err(Failure::from)
    }

    /// Whether the caller has to begin to write.
    fn enqueue(&self, waiting: Waiting) -> Result<bool, JournalError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() >= WAITING {
            return Err(JournalError::Full);
        }
        queue.waiting.push(waiting);
        Ok(!std::mem::replace(&mut queue.writing, true))
    }

    /// The next batch; `None`, and nobody writes any more, if nothing waits.
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.is_empty() {
            queue.writing = false;
            return None;
        }
        let many = queue.waiting.len().min(BATCH);
        Some(queue.waiting.drain(..many).collect())
    }
}

/// Should the writer panic, the next event begins another.
struct Writing<'a>(&'a Journal);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return; // it has said so itself
        }
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner).writing = false;
    }
}

async fn write(env: Env) {
    let _writing = Writing(&env.journal);
    while let Some(batch) = env.journal.take() {
        let (events, senders): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let together = env.store.journal(&events).await.map_err(Arc::new);
        let alone = matches!(&together, Err(error) if !matches!(**error, StorageError::Unavailable(_)));
        for (event, sender) in events.chunks(1).zip(senders) {
            // One event that cannot be written must not take the others with it.
            let outcome =
                if alone { env.store.journal(event).await.map_err(Arc::new) } else { together.clone() };
            if let Err(error) = &outcome {
                tracing::error!(error = &**error as &dyn std::error::Error, "an event could not be written");
            }
            drop(sender.send(outcome.map_err(JournalError::Storage))); // who asked may be gone
        }
    }
}
