//! The issuer's keys, kept.
//!
//! **Invariant:** at most one fetch runs at a time and, requests for it aside, none starts within the cool-down
//! after another, whatever tokens strangers send. A fetch runs in a task of its own, so that a request which is
//! dropped half-way cannot cut it off and leave the cool-down behind.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{runtime::Handle, sync::watch};

use crate::{
    clock::Clock,
    fetch::{FetchError, KeyEndpoint},
    jwk::{Algorithm, Found, Key, KeySet},
    verifier::VerifyError,
};

/// When keys are fetched again, and until when they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Keys older than this are fetched again, in the background, by the next token.
    pub(crate) refresh_after: Duration,
    /// Keys older than this are not used any more.
    pub(crate) max_staleness: Duration,
    /// Least time between the end of a fetch and the start of the next.
    pub(crate) cool_down: Duration,
}

pub(crate) struct KeyCache {
    endpoint: KeyEndpoint,
    clock: Arc<dyn Clock>,
    timing: Timing,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    fetched: Option<Fetched>,
    last_attempt: Option<Attempt>,
    running: Option<Refresh>,
}

struct Fetched {
    keys: KeySet,
    at: SystemTime,
}

#[derive(Clone, Copy)]
struct Attempt {
    ended_at: SystemTime,
    failed: bool,
}

/// A fetch: its outcome, once there is one. If the other end is gone without one, it was interrupted.
type Refresh = watch::Receiver<Option<Outcome>>;

type Outcome = Result<(), FetchError>;

impl KeyCache {
    pub(crate) fn new(endpoint: KeyEndpoint, clock: Arc<dyn Clock>, timing: Timing) -> Self {
        Self { endpoint, clock, timing, state: Mutex::default() }
    }

    /// The key named `kid`, if `algorithm` is its own; fetches the set, or waits for whoever already does, only
    /// if the cached one does not know the name.
    pub(crate) async fn find(
        self: &Arc<Self>,
        kid: &str,
        algorithm: Algorithm,
    ) -> Result<Arc<Key>, VerifyError> {
        match self.cached(kid, algorithm) {
            Some(Found::Key(key)) => return Ok(key),
            Some(Found::OtherAlgorithm) => return Err(VerifyError::AlgorithmMismatch),
            Some(Found::Unknown) | None => {}
        }
        let up_to_date = match self.refresh_if_due() {
            Some(refresh) => wait(refresh).await.is_ok(),
            None => !self.last_attempt_failed(),
        };
        match self.cached(kid, algorithm) {
            Some(Found::Key(key)) => Ok(key),
            Some(Found::OtherAlgorithm) => Err(VerifyError::AlgorithmMismatch),
            Some(Found::Unknown) if up_to_date => Err(VerifyError::UnknownKey),
            Some(Found::Unknown) | None => Err(VerifyError::KeysUnavailable),
        }
    }

    /// Fetches the set now, or waits for whoever already does.
    pub(crate) async fn refresh(self: &Arc<Self>) -> Outcome {
        let refresh = self.join_or_start(&mut self.state());
        wait(refresh).await
    }

    /// What the cached set says; `None` if there is none or it is too old. An ageing one is renewed on the way,
    /// without waiting.
    fn cached(self: &Arc<Self>, kid: &str, algorithm: Algorithm) -> Option<Found> {
        let (age, found) = {
            let state = self.state();
            let fetched = state.fetched.as_ref()?;
            // An age that cannot be told, because the clock was set back, is too old.
            let age = self.clock.now().duration_since(fetched.at).ok()?;
            (age, fetched.keys.find(kid, algorithm))
        };
        if age > self.timing.max_staleness {
            return None;
        }
        if age > self.timing.refresh_after {
            self.refresh_if_due();
        }
        Some(found)
    }

    /// The running fetch or a new one, unless the last one has only just ended.
    fn refresh_if_due(self: &Arc<Self>) -> Option<Refresh> {
        let mut state = self.state();
        let cooling = state.last_attempt.is_some_and(|attempt| {
            self.clock.now().duration_since(attempt.ended_at).is_ok_and(|since| since < self.timing.cool_down)
        });
        if cooling { None } else { Some(self.join_or_start(&mut state)) }
    }

    fn join_or_start(self: &Arc<Self>, state: &mut State) -> Refresh {
        if let Some(running) = state.running.as_ref().filter(|refresh| is_running(refresh)) {
            return running.clone();
        }
        let (sender, receiver) = watch::channel(None);
        let cache = Arc::clone(self);
        // Outside a runtime nothing can be fetched: the sender is dropped, and waiting for it fails.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { sender.send(Some(cache.fetch().await)) });
        }
        state.running = Some(receiver.clone());
        receiver
    }

    async fn fetch(&self) -> Outcome {
        let started_at = self.clock.now();
        let fetched = self.endpoint.fetch().await;
        if let Err(error) = &fetched {
            tracing::warn!(error = error as &dyn std::error::Error, "the issuer's keys could not be fetched");
        }
        let mut state = self.state();
        state.last_attempt = Some(Attempt { ended_at: self.clock.now(), failed: fetched.is_err() });
        state.fetched = Some(Fetched { keys: fetched?, at: started_at });
        Ok(())
    }

    fn last_attempt_failed(&self) -> bool {
        self.state().last_attempt.is_some_and(|attempt| attempt.failed)
    }

    /// A panic elsewhere leaves the state as consistent as any assignment does.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Neither finished nor dropped.
fn is_running(refresh: &Refresh) -> bool {
    refresh.borrow().is_none() && refresh.has_changed().is_ok()
}

async fn wait(mut refresh: Refresh) -> Outcome {
    match refresh.wait_for(Option::is_some).await.as_deref() {
        Ok(Some(outcome)) => outcome.clone(),
        Ok(None) | Err(_) => Err(FetchError::Interrupted),
    }
}
