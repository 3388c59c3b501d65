//! How many tests passed, failed, were skipped; read from what test runners print.

use std::fmt;
use std::ops::AddAssign;

/// The counts of a run.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) const ONE_FAILED: Self = Self { passed: 0, failed: 1, skipped: 0 };
    pub(crate) const ONE_SKIPPED: Self = Self { passed: 0, failed: 0, skipped: 1 };

    /// Reads a line that is `N passed, N failed, N skipped` and nothing else.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [passed, "passed,", failed, "failed,", skipped, "skipped"] = words.as_slice() else {
            return None;
        };
        Some(Self {
            passed: passed.parse().ok()?,
            failed: failed.parse().ok()?,
            skipped: skipped.parse().ok()?,
        })
    }

    /// Reads libtest's `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn parse_libtest(line: &str) -> Option<Self> {
        let words: Vec<_> = line.strip_prefix("test result: ")?.split_whitespace().collect();
        let [_, passed, "passed;", failed, "failed;", ignored, "ignored;", ..] = words.as_slice() else {
            return None;
        };
        Some(Self {
            passed: passed.parse().ok()?,
            failed: failed.parse().ok()?,
            skipped: ignored.parse().ok()?,
        })
    }

    /// Where nothing may be skipped, it has failed.
    pub(crate) fn without_skipped(self) -> Self {
        Self { passed: self.passed, failed: self.failed + self.skipped, skipped: 0 }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_that_is_a_total_is_one() {
        assert_eq!(
            Tally::parse("12 passed, 1 failed, 2 skipped"),
            Some(Tally { passed: 12, failed: 1, skipped: 2 })
        );
        assert_eq!(Tally::parse("so far 12 passed, 1 failed, 2 skipped"), None);
        assert_eq!(Tally::parse("12 passed, 1 failed"), None);
    }

    #[test]
    fn what_libtest_ignores_is_skipped() {
        let line = "test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s";

        assert_eq!(Tally::parse_libtest(line), Some(Tally { passed: 3, failed: 1, skipped: 2 }));
        assert_eq!(Tally::parse_libtest("3 passed, 0 failed, 0 skipped"), None);
    }

    #[test]
    fn a_total_reads_back() {
        let total = Tally { passed: 7, failed: 0, skipped: 3 };

        assert_eq!(Tally::parse(&total.to_string()), Some(total));
        assert_eq!(total.without_skipped(), Tally { passed: 7, failed: 3, skipped: 0 });
    }
}
