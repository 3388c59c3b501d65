//! Sign-ins by day, as bars: drawn here, so that a page needs no script for them, and told in a table too.

use chrono::{Datelike as _, NaiveDate};
use orgate_domain::sessions::SignInKind;
use orgate_flows::manage::statistics::Day;

/// Units of a day, and of the bar in it.
const DAY: u64 = 20;
const BAR: u64 = 14;
/// Units from the bottom to the top of the highest bar.
const HEIGHT: u64 = 120;

/// What is told apart, from the bottom to the top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    SignedIn(SignInKind),
    Failed,
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::SignedIn(SignInKind::Connection),
        Self::SignedIn(SignInKind::Password),
        Self::SignedIn(SignInKind::Recovery),
        Self::Failed,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::SignedIn(SignInKind::Connection) => "Identity provider",
            Self::SignedIn(SignInKind::Password) => "Password",
            Self::SignedIn(SignInKind::Recovery) => "Recovery code",
            Self::Failed => "Failed",
        }
    }

    /// Of its colour.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::SignedIn(SignInKind::Connection) => "by-provider",
            Self::SignedIn(SignInKind::Password) => "by-password",
            Self::SignedIn(SignInKind::Recovery) => "by-recovery",
            Self::Failed => "failed",
        }
    }

    fn count(self, day: &Day) -> u64 {
        match self {
            Self::SignedIn(kind) => day.succeeded.get(&kind).copied().unwrap_or_default(),
            Self::Failed => day.failed,
        }
    }
}

/// `templates/admin/chart.html`.
pub(super) struct Chart {
    /// The picture's size, in units.
    pub(super) width: u64,
    pub(super) height: u64,
    /// Of each bar.
    pub(super) bar: u64,
    pub(super) bars: Vec<Bar>,
    /// Those kinds of which there are any.
    pub(super) legend: Vec<Kind>,
    /// What can be seen in it, in a sentence.
    pub(super) summary: String,
    /// The number at the top.
    pub(super) most: u64,
    /// The first and the last day.
    pub(super) ends: (String, String),
    /// Days on which there was anything, the last one first.
    pub(super) rows: Vec<Row>,
}

/// One day's part of one kind.
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
    pub(super) kind: Kind,
    /// What it is of, in words.
    pub(super) title: String,
}

/// One day of the table.
pub(super) struct Row {
    pub(super) day: String,
    /// How often what of the legend happened, in its order.
    pub(super) counts: Vec<(&'static str, u64)>,
}

/// A day, as people say it.
fn said(day: NaiveDate) -> String {
    format!("{} {}", day.day(), day.format("%B"))
}

/// How often anything happened on a day.
fn sum(day: &Day) -> u64 {
    Kind::ALL.iter().map(|kind| kind.count(day)).sum()
}

impl Chart {
    pub(super) fn of(days: &[Day]) -> Self {
        let most = days.iter().map(sum).max().unwrap_or(0);
        let legend: Vec<_> =
            Kind::ALL.into_iter().filter(|kind| days.iter().any(|day| kind.count(day) > 0)).collect();
        let rows = days.iter().rev().filter(|day| sum(day) > 0).map(|day| Row {
            day: said(day.day),
            counts: legend.iter().map(|kind| (kind.name(), kind.count(day))).collect(),
        });
        let end = |day: Option<&Day>| day.map(|day| said(day.day)).unwrap_or_default();
        Self {
            width: u64::try_from(days.len()).unwrap_or(0) * DAY,
            height: HEIGHT,
            bar: BAR,
            bars: (0..)
                .zip(days)
                .flat_map(|(nth, day)| bars(nth * DAY + (DAY - BAR) / 2, day, most))
                .collect(),
            rows: rows.collect(),
            legend,
            summary: summary(days),
            most,
            ends: (end(days.first()), end(days.last())),
        }
    }
}

/// One day's bars at `x`, one above the other, of which `most` would reach the top.
fn bars(x: u64, day: &Day, most: u64) -> Vec<Bar> {
    let mut below = 0;
    let mut bars = Vec::new();
    for kind in Kind::ALL {
        let count = kind.count(day);
        if count == 0 {
            continue;
        }
        // From sums, so that what is rounded does not add up; and however little it is, it is seen.
        let up_to = |count: u64| count.saturating_mul(HEIGHT).checked_div(most).unwrap_or(0);
        let (from, to) = (up_to(below), up_to(below + count));
        below += count;
        let height = (to - from).max(1);
        let title = format!("{}: {count}, {}", said(day.day), kind.name().to_lowercase());
        bars.push(Bar { x, y: HEIGHT.saturating_sub(from + height), height, kind, title });
    }
    bars
}

fn summary(days: &[Day]) -> String {
    let succeeded: u64 = days.iter().flat_map(|day| day.succeeded.values()).sum();
    let failed: u64 = days.iter().map(|day| day.failed).sum();
    let last = format!("In the last {} days,", days.len());
    match (succeeded, failed) {
        (0, 0) => format!("{last} nobody signed in, or tried to."),
        (_, 0) => format!("{last} people signed in {succeeded} time{}.", plural(succeeded)),
        (0, _) => {
            format!("{last} nobody signed in; {failed} tr{} failed.", if failed == 1 { "y" } else { "ies" })
        }
        _ => format!(
            "{last} people signed in {succeeded} time{}, and could not {failed} time{}.",
            plural(succeeded),
            plural(failed)
        ),
    }
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    use SignInKind::{Connection, Password};

    fn day(day: u32, succeeded: &[(SignInKind, u64)], failed: u64) -> Day {
        let day = NaiveDate::from_ymd_opt(2026, 3, day).expect("a day");
        Day { day, succeeded: succeeded.iter().copied().collect(), failed }
    }

    #[test]
    fn parts_of_a_day_stand_one_above_the_other_and_reach_the_top() {
        let chart = Chart::of(&[
            day(1, &[(Connection, 1), (Password, 1)], 1),
            day(2, &[], 0),
            day(3, &[(Password, 1)], 0),
        ]);

        let bars: Vec<_> =
            chart.bars.iter().map(|bar| (bar.x, bar.y, bar.height, bar.kind.class())).collect();
        let expected = [
            (3, 80, 40, "by-provider"),
            (3, 40, 40, "by-password"),
            (3, 0, 40, "failed"),
            (43, 80, 40, "by-password"),
        ];
        assert_eq!(bars, expected);
        let rows: Vec<Vec<_>> =
            chart.rows.iter().map(|row| row.counts.iter().map(|(_, count)| *count).collect()).collect();
        assert_eq!(rows, [[0, 1, 0], [1, 1, 1]]);
        assert_eq!(chart.summary, "In the last 3 days, people signed in 3 times, and could not 1 time.");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let chart = Chart::of(&[day(1, &[], 0)]);

        assert_eq!(chart.summary, "In the last 1 days, nobody signed in, or tried to.");
        assert!(chart.bars.is_empty() && chart.legend.is_empty() && chart.rows.is_empty());
    }

    #[test]
    fn however_many_there_are_each_kind_that_there_is_can_be_seen() {
        let much = u64::MAX / 1_000;
        let chart =
            Chart::of(&[day(1, &[(Connection, much), (Password, 1)], 0), day(2, &[(Connection, 1)], much)]);

        assert_eq!(chart.bars.len(), 4);

        assert!(
            chart.bars.iter().all(|bar| bar.height >= 1 && bar.y + bar.height <= HEIGHT),
            "within the picture"
        );
    }
}
