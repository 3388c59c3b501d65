//! Times and durations as XML Schema writes them.

use chrono::{DateTime, Duration, NaiveDateTime, SecondsFormat, Utc};

/// The longest text that is looked at.
const MAX_TEXT: usize = 40;
/// The longest duration, in seconds: 10 years.
const MAX_SECONDS: i64 = 3650 * 86_400;

/// Reads an `xs:dateTime`. One without a zone is UTC (SAML core §1.3.3).
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if text.len() > MAX_TEXT || !text.contains('T') {
        return None;
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc()))
        .ok()
}

/// Writes an `xs:dateTime` in UTC, to the second.
pub(crate) fn format(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads an `xs:duration` such as `P1DT12H`, a year as 365 days and a month as 30, at most ten years.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.len() > MAX_TEXT {
        return None;
    }
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = fields(date, &[('Y', 365 * 86_400), ('M', 30 * 86_400), ('D', 86_400)])?;
    let seconds = days.checked_add(fields(time, &[('H', 3600), ('M', 60), ('S', 1)])?)?;
    Duration::try_seconds(seconds.min(MAX_SECONDS))
}

fn fields(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total: i64 = 0;
    for &(unit, seconds) in units {
        let Some((number, rest)) = text.split_once(unit) else { continue };
        let whole = number.split_once('.').map_or(number, |(whole, _)| whole);
        total = total.checked_add(whole.parse::<u32>().ok().map(i64::from)?.checked_mul(seconds)?)?;
        text = rest;
    }
    text.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_utc() {
        let expected = parse("2026-01-02T03:04:05Z").expect("a time");

        for text in ["2026-01-02T03:04:05", "2026-01-02T04:04:05+01:00", " 2026-01-02T03:04:05.000Z\n"] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        for text in ["", "2026-01-02", "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z", "now", "0"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(format(expected), "2026-01-02T03:04:05Z");
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("PT15M", Some(900)),
            ("P1DT12H", Some(129_600)),
            ("PT604800S", Some(604_800)),
            ("P0Y0M1DT0H0M0.000S", Some(86_400)),
            ("P99999Y", Some(MAX_SECONDS)),
            ("P", None),
            ("-P1D", None),
            ("P1X", None),
            ("1D", None),
        ] {
            assert_eq!(parse_duration(text).map(|d| d.num_seconds()), seconds, "{text}");
        }
    }
}
