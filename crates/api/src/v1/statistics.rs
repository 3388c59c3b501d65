//! `/organizations/{organization}/statistics`.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use chrono::NaiveDate;
use orgate_edge::{AppState, QueryParams};
use orgate_flows::Env;
use orgate_flows::manage::statistics::{self, MAX_DAYS, Statistics, find_statistics};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::Private;
use super::problem::Problem;

/// Days that are told of, if nobody says how many.
const DEFAULT_DAYS: u16 = 30;

/// How often people sign in to an organization, and how many do. What happened in the last seconds may not be counted yet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct View {
    /// Users who may sign in.
    users: u64,
    /// Open invitations.
    open_invitations: u64,
    /// Users who may sign in, and did so within the last 30 days.
    recent_users: u64,
    /// Users who may sign in, and did not for 90 days, nor were made or let in again.
    inactive_users: u64,
    /// Each day, today's last.
    days: Vec<Day>,
}

/// One day, in UTC.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayOfStatistics)]
struct Day {
    /// Which.
    #[serde(rename = "day")]
    date: NaiveDate,
    /// How often people signed in, by their method: `connection`, `password` or `recovery`.
    succeeded: BTreeMap<&'static str, u64>,
    /// How often they tried to and could not.
    failed: u64,
}

impl From<Statistics> for View {
    fn from(told: Statistics) -> Self {
        let of = |statistics::Day { day, succeeded, failed }| Day {
            date: day,
            succeeded: succeeded.into_iter().map(|(kind, number)| (kind.as_str(), number)).collect(),
            failed,
        };
        Self {
            users: told.users,
            open_invitations: told.invitations,
            recent_users: told.recent,
            inactive_users: told.inactive,
            days: told.days.into_iter().map(of).collect(),
        }
    }
}

/// What statistics can be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `get` reads")]
pub(crate) struct StatisticsQuery {
    /// Of how many days, today included.
    #[param(minimum = 1, maximum = 366, default = 30)]
    days: Option<u16>,
}

/// Of how many days.
pub(crate) struct AskedDays(u16);

impl FromRequestParts<AppState> for AskedDays {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let QueryParams(asked) = QueryParams::from_request_parts(parts, state).await?;
        let mut days = DEFAULT_DAYS;
        for (name, value) in asked.iter() {
            if name != "days" {
                return Err(Problem::parameter("the parameter here is days, and no other".to_owned()));
            }
            let number = value.parse().ok().filter(|number| (1..=MAX_DAYS).contains(number));
            let number = number.filter(|_| asked.duplicated().is_none());
            days =
                number.ok_or_else(|| Problem::parameter(format!("days is a number from 1 to {MAX_DAYS}")))?;
        }
        Ok(Self(days))
    }
}

/// Read how often people sign in to an organization, and how many do.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/statistics",
    tag = "Organizations",
    operation_id = "getStatistics",
    params(StatisticsQuery),
    responses((status = 200, description = "Its statistics", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    AskedDays(days): AskedDays,
) -> Result<Private<View>, Problem> {
    Ok(Private(find_statistics(&env, &caller, days).await?.into()))
}
