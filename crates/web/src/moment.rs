//! Times, as pages say them.

use chrono::{DateTime, SecondsFormat, Utc};

/// A time, for machines and for people.
pub(crate) struct Moment {
    pub(crate) stamp: String,
    pub(crate) exact: String,
    pub(crate) ago: String,
}

impl Moment {
    pub(crate) fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            stamp: at.to_rfc3339_opts(SecondsFormat::Secs, true),
            exact: at.format("%-d %B %Y, %H:%M UTC").to_string(),
            ago: ago((now - at).num_minutes()),
        }
    }
}

/// How long ago something was: people and servers live in different time zones.
fn ago(minutes: i64) -> String {
    let (count, unit) = match minutes {
        ..1 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_fits_is_said() {
        let said = [-5, 0, 1, 59, 60, 119, 1439, 1440, 4000].map(ago);

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
    }
}
