//! The present, with tolerance for clocks that differ.
//!
//! **Invariant:** the tolerance is at most [`MAX_SKEW`].

use chrono::{DateTime, Duration, Utc};

use crate::check::{Check, Rejection};
use crate::instant;

/// The largest tolerance for clocks that differ.
pub const MAX_SKEW: Duration = Duration::minutes(5);

/// The present moment, and how far the other side's clock may be off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    now: DateTime<Utc>,
    skew: Duration,
}

impl Clock {
    pub(crate) fn new(now: DateTime<Utc>, skew: Duration) -> Self {
        Self { now, skew: skew.clamp(Duration::zero(), MAX_SKEW) }
    }

    /// Whether `end`, the first moment of no longer being valid, has come for certain.
    pub(crate) fn has_ended(&self, end: DateTime<Utc>) -> bool {
        end.checked_add_signed(self.skew).is_none_or(|end| self.now >= end)
    }

    /// Whether `start` is yet to come for certain.
    pub(crate) fn is_ahead(&self, start: DateTime<Utc>) -> bool {
        start.checked_sub_signed(self.skew).is_none_or(|start| self.now < start)
    }

    /// Reads an instant of issue that is neither ahead nor older than `max_age`.
    pub(crate) fn recent(
        &self,
        check: Check,
        text: Option<&str>,
        max_age: Duration,
    ) -> Result<DateTime<Utc>, Rejection> {
        let time = required(check, "IssueInstant", text)?;
        if self.is_ahead(time) || time.checked_add_signed(max_age).is_none_or(|end| self.has_ended(end)) {
            let (seconds, now) = (max_age.num_seconds(), instant::format(self.now));
            let detail = format!("issued {}, now {now}, at most {seconds} s old", instant::format(time));
            return Err(Rejection::new(check, detail));
        }
        Ok(time)
    }

    /// The present, for details.
    pub(crate) fn text(&self) -> String {
        instant::format(self.now)
    }
}

/// A time that must be there.
pub(crate) fn required(check: Check, name: &str, text: Option<&str>) -> Result<DateTime<Utc>, Rejection> {
    optional(check, name, text)?.ok_or_else(|| Rejection::new(check, format!("there is no {name}")))
}

/// A time that may be absent but not wrong.
pub(crate) fn optional(
    check: Check,
    name: &str,
    text: Option<&str>,
) -> Result<Option<DateTime<Utc>>, Rejection> {
    let Some(text) = text else { return Ok(None) };
    let time = instant::parse(text);
    time.map(Some).ok_or_else(|| Rejection::new(check, format!("{name}={text:?} is no time")))
}
