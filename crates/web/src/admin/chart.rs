//! Sign-ins by day, as bars: drawn here, so that a page needs no script for them, and told in a table too.

use std::ops::Range;

use chrono::{Datelike as _, NaiveDate};
use orgate_flows::manage::statistics::Day;

/// Units of a day, and of the bar in it.
const DAY: u64 = 20;
const BAR: u64 = 14;
/// Units from the bottom to the top of the highest bar.
const HEIGHT: u64 = 120;

/// What is told apart: what is stored, what it is called, and the class of its colour.
const KINDS: [(&str, &str, &str); 3] = [
    ("connection", "Identity provider", "by-provider"),
    ("password", "Password", "by-password"),
    ("recovery", "Recovery code", "by-recovery"),
];

/// What could not be done.
const FAILED: (&str, &str) = ("Failed", "failed");

/// `templates/admin/chart.html`.
pub(super) struct Chart {
    /// The picture's size, in units.
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) bars: Vec<Bar>,
    /// Those kinds of which there are any: their name, and their class.
    pub(super) legend: Vec<(&'static str, &'static str)>,
    /// What can be seen in it, in a sentence.
    pub(super) summary: String,
    /// The number at the top.
    pub(super) most: u64,
    /// The first and the last day.
    pub(super) ends: (String, String),
    /// Days on which there was anything, the last one first.
    pub(super) rows: Vec<Row>,
    /// Whether there is anything.
    pub(super) is_empty: bool,
}

/// One day's part of one kind.
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    pub(super) class: &'static str,
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

/// How often something of each kind happened on a day: those of [`KINDS`], and what failed.
fn counts(day: &Day) -> [u64; KINDS.len() + 1] {
    let of = |index: usize| match KINDS.get(index) {
        Some((method, ..)) => day.succeeded.get(*method).copied().unwrap_or_default(),
        None => day.failed,
    };
    std::array::from_fn(of)
}

impl Chart {
    pub(super) fn of(days: &[Day]) -> Self {
        let counted: Vec<_> = days.iter().map(|day| (day.day, counts(day))).collect();
        let most = counted.iter().map(|(_, counts)| counts.iter().sum()).max().unwrap_or(0);
        let all = KINDS.map(|(_, name, class)| (name, class)).into_iter().chain([FAILED]).enumerate();
        let kinds: Vec<_> =
            all.filter(|(kind, _)| counted.iter().any(|(_, counts)| counts.get(*kind) > Some(&0))).collect();
        let total = |kinds: Range<usize>| -> u64 {
            counted.iter().flat_map(|(_, counts)| counts.iter().take(kinds.end).skip(kinds.start)).sum()
        };
        let (succeeded, failed) = (total(0..KINDS.len()), total(KINDS.len()..KINDS.len() + 1));
        let mut bars = Vec::new();
        for (nth, (day, counts)) in (0..).zip(&counted) {
            let mut below = 0;
            for (kind, (name, class)) in &kinds {
                let count = counts.get(*kind).copied().unwrap_or_default();
                if count == 0 {
                    continue;
                }
                // From sums, so that what is rounded does not add up.
                let up_to = |count: u64| count.saturating_mul(HEIGHT).checked_div(most).unwrap_or(0);
                let (from, to) = (up_to(below), up_to(below + count));
                below += count;
                bars.push(Bar {
                    x: nth * DAY + (DAY - BAR) / 2,
                    y: HEIGHT - to,
                    width: BAR,
                    height: (to - from).max(1),
                    class,
                    title: format!("{}: {count}, {}", said(*day), name.to_lowercase()),
                });
            }
        }
        let row = |(day, counts): &(NaiveDate, [u64; KINDS.len() + 1])| Row {
            day: said(*day),
            counts: kinds.iter().filter_map(|(kind, (name, _))| Some((*name, *counts.get(*kind)?))).collect(),
        };
        let rows = counted.iter().rev().filter(|(_, counts)| counts.iter().any(|count| *count > 0));
        let end = |day: Option<&Day>| day.map(|day| said(day.day)).unwrap_or_default();
        Self {
            width: u64::try_from(days.len()).unwrap_or(0) * DAY,
            height: HEIGHT,
            bars,
            legend: kinds.iter().map(|(_, kind)| *kind).collect(),
            summary: format!(
                "In the last {} days, people signed in {succeeded} time{}, and could not {failed} time{}.",
                days.len(),
                plural(succeeded),
                plural(failed),
            ),
            most,
            ends: (end(days.first()), end(days.last())),
            rows: rows.map(row).collect(),
            is_empty: most == 0,
        }
    }
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32, succeeded: &[(&str, u64)], failed: u64) -> Day {
        let succeeded = succeeded.iter().map(|(method, count)| ((*method).to_owned(), *count)).collect();
        Day { day: NaiveDate::from_ymd_opt(2026, 3, day).expect("a day"), succeeded, failed }
    }

    #[test]
    fn parts_of_a_day_stand_one_above_the_other_and_reach_the_top() {
        let chart = Chart::of(&[
            day(1, &[("connection", 1), ("password", 1)], 1),
            day(2, &[], 0),
            day(3, &[("password", 1)], 0),
        ]);

        let bars: Vec<_> = chart.bars.iter().map(|bar| (bar.x, bar.y, bar.height, bar.class)).collect();
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

        assert!(chart.is_empty && chart.bars.is_empty() && chart.legend.is_empty() && chart.rows.is_empty());
    }

    #[test]
    fn however_many_there_are_each_kind_that_there_is_can_be_seen() {
        let chart = Chart::of(&[day(1, &[("connection", u64::MAX / 1_000), ("password", 1)], 0)]);

        assert!(
            chart.bars.iter().all(|bar| bar.height >= 1 && bar.y + bar.height <= HEIGHT),
            "within the picture"
        );
    }
}
