//! A moment, for people and machines.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use mail_parser::DateTime;
use serde::{Serialize, Serializer};

/// Whole seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(pub(crate) u64);

impl Timestamp {
    pub(crate) fn now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// As RFC 3339 writes it, in UTC.
    pub(crate) fn rfc3339(self) -> String {
        self.date_time().to_rfc3339()
    }

    fn date_time(self) -> DateTime {
        DateTime::from_timestamp(i64::try_from(self.0).unwrap_or(i64::MAX))
    }
}

/// As people write it: `2026-11-22 04:52:10 UTC`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DateTime { year, month, day, hour, minute, second, .. } = self.date_time();
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.rfc3339())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_utc() {
        let moment = Timestamp(1_795_323_130);

        assert_eq!(moment.to_string(), "2026-11-22 04:52:10 UTC");
        assert_eq!(moment.rfc3339(), "2026-11-22T04:52:10Z");
    }
}
