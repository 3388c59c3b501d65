//! Progress of long work.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// How far it is, on a line that is written over: for whoever sits at a terminal.
pub(super) struct Progress {
    /// Of what, and what was done with it.
    what: (&'static str, &'static str),
    done: usize,
    /// How much there is, where that is known.
    all: Option<usize>,
    is_shown: bool,
    told_at: Option<Instant>,
}

impl Progress {
    /// Between two lines.
    const PAUSE: Duration = Duration::from_millis(200);

    pub(super) fn new((of, done): (&'static str, &'static str), all: Option<usize>) -> Self {
        Self { what: (of, done), done: 0, all, is_shown: std::io::stderr().is_terminal(), told_at: None }
    }

    /// That much more was done.
    pub(super) fn advance(&mut self, more: usize) {
        self.done += more;
        if self.is_shown && self.told_at.is_none_or(|at| at.elapsed() >= Self::PAUSE) {
            let (of, done) = self.what;
            let all = self.all.map(|all| format!(" of {all}")).unwrap_or_default();
            eprint!("\r{}{all} {of} {done}", self.done);
            self.told_at = Some(Instant::now());
        }
    }

    /// Makes room for other lines.
    pub(super) fn clear(&mut self) {
        if self.told_at.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
