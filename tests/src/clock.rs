//! The time that a test says it is.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Duration, Utc};
use orgate_flows::{Clock, SystemClock};

/// A clock that a test can move forward.
#[derive(Debug, Default)]
pub struct TestClock {
    ahead_secs: AtomicI64,
}

impl TestClock {
    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.ahead_secs.fetch_add(by.num_seconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + Duration::seconds(self.ahead_secs.load(Ordering::SeqCst))
    }
}
