//! How often people sign in, and how many do: counted from the log by one job, so that nobody who signs in waits for it.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;

use crate::scope::repository;
use crate::system::SystemReason;
use crate::{StorageError, Store};

repository! {
    /// How often the organization's users sign in.
    Statistics,
    /// How often the organization's users sign in.
    statistics
}

/// How often people signed in by one method, or could not, on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInCount {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// By what they signed in ([`orgate_domain::sessions::SignInMethod::as_str`]); `None`: they could not.
    pub method: Option<String>,
    /// How often.
    pub number: u64,
}

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Seats, if there is an end of them.
    pub seats: Option<i64>,
    /// Users who may sign in.
    pub users: u64,
    /// Open invitations.
    pub invitations: u64,
    /// Users who may sign in, and have done so lately.
    pub recent: u64,
    /// Users who may sign in, and have not done so for long, nor were made or let in again.
    pub inactive: u64,
    /// How often they did, in no order.
    pub sign_ins: Vec<SignInCount>,
}

/// What to count.
#[derive(Debug, Clone, Copy)]
pub struct Counting {
    /// Now.
    pub now: DateTime<Utc>,
    /// Since when somebody has signed in who did so lately.
    pub recent_since: DateTime<Utc>,
    /// Since when somebody has not who is inactive.
    pub inactive_since: DateTime<Utc>,
    /// Since which day sign-ins are told of.
    pub first_day: NaiveDate,
}

impl Statistics<'_> {
    /// How many users there are, how many signed in lately, how many have not for long, and how often they did each day.
    pub async fn count(&mut self, counting: Counting) -> Result<Counted, StorageError> {
        let row = sqlx::query!(
            r#"select (select organization.seats from organizations organization where organization.org_id = $1) as seats,
                      (select count(*) from user_activity seated
                       where seated.org_id = $1 and seated.active_at is not null) as "users!",
                      (select count(*) from invitations open
                       where open.org_id = $1 and open.accepted_at is null and open.revoked_at is null
                         and open.expires_at > $5) as "invitations!",
                      (select count(*) from user_activity recent
                       where recent.org_id = $1 and recent.active_at >= $2 and recent.signed_in_at >= $2) as "recent!",
                      (select count(*) from user_activity quiet
                       where quiet.org_id = $1 and quiet.active_at < $3) as "inactive!",
                      (select coalesce(jsonb_agg(jsonb_build_array(counted.day, counted.outcome, counted.method, counted.number)),
                                       '[]')
                       from sign_in_days counted where counted.org_id = $1 and counted.day >= $4)
                          as "days!: Json<Vec<(NaiveDate, String, String, i64)>>""#,
            self.org_id,
            counting.recent_since,
            counting.inactive_since,
            counting.first_day,
            counting.now,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let count = |(day, outcome, method, number): (NaiveDate, String, String, i64)| SignInCount {
            day,
            method: (outcome == "success").then_some(method),
            number: number.unsigned_abs(),
        };
        Ok(Counted {
            seats: row.seats.map(i64::from),
            users: row.users.unsigned_abs(),
            invitations: row.invitations.unsigned_abs(),
            recent: row.recent.unsigned_abs(),
            inactive: row.inactive.unsigned_abs(),
            sign_ins: row.days.0.into_iter().map(count).collect(),
        })
    }
}

impl Store {
    /// Counts what came to the logs of all organizations since, at most `most` events: `succeeded` and `refused` are actions of
    /// sign-ins. Whether there may be more. Nothing, while another node does.
    pub async fn tally_sign_ins(
        &self,
        (succeeded, refused): (&[&str], &[&str]),
        most: i32,
    ) -> Result<bool, StorageError> {
        let mut tx = self.begin_system(SystemReason::Tally).await?;
        let owned =
            |actions: &[&str]| -> Vec<String> { actions.iter().map(|&action| action.to_owned()).collect() };
        let more = sqlx::query_scalar!(
            r#"select tally_sign_ins($1, $2, $3) as "more!""#,
            &owned(succeeded),
            &owned(refused),
            most
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(more)
    }
}
