//! Times, as pages say them.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::language::Language;

/// A time, for machines and for people.
pub(crate) struct Moment {
    pub(crate) stamp: String,
    pub(crate) exact: String,
    pub(crate) ago: String,
}

impl Moment {
    /// In English.
    pub(crate) fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self::said(Language::En, at, now)
    }

    /// As people who read this language say it.
    pub(crate) fn said(language: Language, at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            stamp: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            exact: language.moment(at),
            ago: ago(language, (now - at).num_minutes()),
        }
    }
}

/// How long ago something was: people and servers live in different time zones.
fn ago(language: Language, minutes: i64) -> String {
    match minutes {
        ..1 => language.say("ago-now"),
        1..60 => language.count("ago-minutes", minutes),
        60..1440 => language.count("ago-hours", minutes / 60),
        _ => language.count("ago-days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_fits_is_said() {
        let said = [-5, 0, 1, 59, 60, 119, 1439, 1440, 4000].map(|minutes| ago(Language::En, minutes));

        let expected = [
            "just now",
            "just now",
            "1 minute ago",
            "59 minutes ago",
            "1 hour ago",
            "1 hour ago",
            "23 hours ago",
            "1 day ago",
            "2 days ago",
        ];
        assert_eq!(said, expected.map(str::to_owned));
        assert_eq!(ago(Language::Fr, 2880), "il y a 2 jours");
    }
}
