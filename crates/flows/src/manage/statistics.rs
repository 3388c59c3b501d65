//! How often people sign in to an organization, and how many do.

use std::collections::BTreeMap;

use chrono::{Days, Duration, NaiveDate};
use orgate_domain::audit::Action;
use orgate_domain::sessions::SignInKind;
use orgate_storage::{Counting, SignInCount, Tallied};

use super::Caller;
use super::users::INACTIVE_DAYS;
use crate::{Env, Failure};

/// Days that one answer tells of, at most; they are kept a little longer.
pub const MAX_DAYS: u16 = 366;

/// Whoever signed in within this many days did so lately.
pub const RECENT_DAYS: u16 = 30;

/// Events that are counted in one transaction, at most.
pub const EVENTS: i32 = 5_000;

/// How often people sign in, and how many do. What happened in the last seconds may not be counted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Each day, today's last.
    pub days: Vec<Day>,
    /// Users who may sign in.
    pub users: u64,
    /// Open invitations.
    pub invitations: u64,
    /// Seats for both; `None`: there is no end of them.
    pub seats: Option<u32>,
    /// Users who may sign in, and did so within [`RECENT_DAYS`].
    pub recent: u64,
    /// Users who may sign in, and did not for [`INACTIVE_DAYS`], nor were made or let in again.
    pub inactive: u64,
}

/// One day, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// Which.
    pub day: NaiveDate,
    /// How often people signed in, by what.
    pub succeeded: BTreeMap<SignInKind, u64>,
    /// How often they tried to and could not. What the log tells of many at once counts once.
    pub failed: u64,
}

/// The organization's statistics of the last `days` days, of [`MAX_DAYS`] at most.
///
/// # Errors
/// [`Failure`].
pub async fn find_statistics(env: &Env, caller: &Caller, days: u16) -> Result<Statistics, Failure> {
    let now = env.clock.now();
    let today = now.date_naive();
    let before = |ago: u16| today.checked_sub_days(Days::new(ago.into())).unwrap_or(today);
    let days: Vec<_> = (0..days.clamp(1, MAX_DAYS)).rev().map(before).collect();
    let counting = Counting {
        now,
        recent_since: now - Duration::days(RECENT_DAYS.into()),
        inactive_since: now - Duration::days(INACTIVE_DAYS.into()),
        first_day: days.first().copied().unwrap_or(today),
    };
    let counted = caller.read(env, async |tx| tx.statistics().count(counting).await).await?;
    let of = |day| Day { day, succeeded: BTreeMap::default(), failed: 0 };
    let mut by_day: BTreeMap<_, _> = days.into_iter().map(|day| (day, of(day))).collect();
    for SignInCount { day, kind, number } in counted.sign_ins {
        let Some(day) = by_day.get_mut(&day) else { continue }; // it has just begun
        match kind {
            Some(kind) => *day.succeeded.entry(kind).or_default() += number,
            None => day.failed += number,
        }
    }
    Ok(Statistics {
        days: by_day.into_values().collect(),
        users: counted.users,
        invitations: counted.invitations,
        seats: counted.seats.and_then(|seats| u32::try_from(seats).ok()),
        recent: counted.recent,
        inactive: counted.inactive,
    })
}

/// Counts sign-ins of all organizations that came to their logs since, of `most` events at most; whether there may be more.
///
/// # Errors
/// [`Failure`] of the database, also where somebody who is changed meanwhile would have to be waited for: nothing was counted.
pub async fn tally(env: &Env, most: i32) -> Result<bool, Failure> {
    let tallied = Tallied {
        succeeded: &[Action::SignInSucceeded],
        refused: &[Action::SignInFailed],
        refused_of_providers: &[Action::UpstreamRefused],
    };
    Ok(env.store.tally_sign_ins(&tallied, most).await?)
}
