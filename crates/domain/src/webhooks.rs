//! Webhooks: what they may be asked to tell of, and how patient they are.

use std::fmt;

use chrono::Duration;

use crate::audit::Action;

/// Events that one webhook may name.
pub const MAX_FILTERS: usize = 50;

/// Characters of a webhook's description at most.
pub const MAX_DESCRIPTION: usize = 200;

/// How often an event is tried before those after it go on without it: five minutes, about.
pub const TRIES_IN_ORDER: u32 = 3;

/// Until an event is tried again, after the first try, the second, and so on: as Standard Webhooks recommends. After the last
/// it is dead.
const WAITS: [Duration; 9] = [
    Duration::seconds(5),
    Duration::minutes(5),
    Duration::minutes(30),
    Duration::hours(2),
    Duration::hours(5),
    Duration::hours(10),
    Duration::hours(14),
    Duration::hours(20),
    Duration::hours(24),
];

/// The longest wait of a webhook that takes nothing, between two events in order.
const LONGEST_WAIT: Duration = Duration::minutes(30);

/// A webhook that takes nothing for this long is disabled.
pub const PATIENCE: Duration = Duration::days(5);

/// Hours that a replaced secret goes on signing at most.
pub const MAX_OVERLAP_HOURS: u32 = 168;

/// The reason of a webhook whose receiver answered that it is gone.
pub const GONE: &str = "gone";

/// The reason of a webhook that took nothing for [`PATIENCE`].
pub const FAILING: &str = "failing";

/// Until an event is tried again that was tried `attempts` times; `None` if it is dead.
pub fn next_try(attempts: u32) -> Option<Duration> {
    let place = usize::try_from(attempts).ok()?.checked_sub(1)?;
    WAITS.get(place).copied()
}

/// Until a webhook is tried again that failed so many times in a row.
pub fn back_off(failures: u32) -> Duration {
    next_try(failures.max(1)).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

/// Which events a webhook tells of: one action, or all of a noun's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventFilter(String);

/// Text that names no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no such event: name one of the documented list, such as user.configured, or all of a noun, such as user.*"
)]
pub struct UnknownEvent;

impl EventFilter {
    /// Reads one.
    ///
    /// # Errors
    /// [`UnknownEvent`].
    pub fn parse(text: &str) -> Result<Self, UnknownEvent> {
        let names = |action: &Action| {
            let noun = action.as_str().split('.').next();
            action.as_str() == text || (text.strip_suffix(".*").is_some() && text.strip_suffix(".*") == noun)
        };
        if Action::ALL.iter().any(names) { Ok(Self(text.to_owned())) } else { Err(UnknownEvent) }
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_an_action_or_all_of_a_noun() {
        for known in ["user.configured", "user.*", "sign_in.succeeded", "webhook.*"] {
            assert_eq!(EventFilter::parse(known).map(|filter| filter.to_string()), Ok(known.to_owned()));
        }
        for unknown in [
            "",
            "*",
            ".*",
            "user",
            "user.",
            "user.**",
            "us*",
            "user.flew",
            "users.*",
            "User.*",
            "*.configured",
        ] {
            assert_eq!(EventFilter::parse(unknown), Err(UnknownEvent), "{unknown}");
        }
    }

    #[test]
    fn an_event_is_tried_for_days_and_then_no_more() {
        let waits: Vec<_> = (1..).map_while(next_try).collect();

        assert_eq!(waits.len(), 9);
        assert!(waits.windows(2).all(|pair| pair[0] < pair[1]));
        let whole = waits.iter().fold(Duration::zero(), |sum, wait| sum + *wait);
        assert!(whole > Duration::days(3) && whole < PATIENCE, "{whole}");
        assert_eq!(next_try(0), None);
    }

    #[test]
    fn a_webhook_that_takes_nothing_is_tried_every_half_an_hour_in_the_end() {
        assert_eq!(back_off(1), Duration::seconds(5));
        assert_eq!(back_off(2), Duration::minutes(5));
        for failures in [3, 4, 9, 10, u32::MAX] {
            assert_eq!(back_off(failures), Duration::minutes(30));
        }
    }
}
