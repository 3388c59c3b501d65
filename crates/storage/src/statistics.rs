//! How often people sign in, and how many do: counted from the log by one job, so that nobody who signs in waits for it.

use chrono::{DateTime, NaiveDate, Utc};
use orgate_domain::audit::Action;
use orgate_domain::sessions::SignInKind;
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
    /// By what they signed in; `None`: they could not.
    pub kind: Option<SignInKind>,
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

/// Which events are of sign-ins.
#[derive(Debug, Clone, Copy)]
pub struct Tallied<'a> {
    /// Somebody signed in.
    pub succeeded: &'a [Action],
    /// Somebody could not, unless `purpose` in the event's detail says that it was about something else.
    pub refused: &'a [Action],
    /// The same of what a provider sent, if `purpose` says that it was for a sign-in.
    pub refused_of_providers: &'a [Action],
}

impl Statistics<'_> {
    /// How many users there are, how many signed in lately, how many have not for long, and how often they did each day.
    pub async fn count(&mut self, counting: Counting) -> Result<Counted, StorageError> {
        let row = sqlx::query!(
            r#"select (select organization.seats from organizations organization where organization.org_id = $1) as seats,
                      (select count(*) from users seated
                       where seated.org_id = $1 and seated.status = 'active') as "users!",
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
        // By what a later release lets people sign in, this one does not know.
        let count = |(day, outcome, method, number): (NaiveDate, String, String, i64)| {
            let kind = if outcome == "success" { Some(SignInKind::from_text(&method)?) } else { None };
            Some(SignInCount { day, kind, number: number.unsigned_abs() })
        };
        Ok(Counted {
            seats: row.seats.map(i64::from),
            users: row.users.unsigned_abs(),
            invitations: row.invitations.unsigned_abs(),
            recent: row.recent.unsigned_abs(),
            inactive: row.inactive.unsigned_abs(),
            sign_ins: row.days.0.into_iter().filter_map(count).collect(),
        })
    }
}

impl Store {
    /// Counts what came to the logs of all organizations since, at most `most` events. Whether there may be more. Nothing, while
    /// another node does.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn tally_sign_ins(&self, tallied: &Tallied<'_>, most: i32) -> Result<bool, StorageError> {
        let mut tx = self.begin_system(SystemReason::Tally).await?;
        let names = |actions: &[Action]| -> Vec<String> {
            actions.iter().map(|action| action.as_str().to_owned()).collect()
        };
        let more = sqlx::query_scalar!(
            r#"select tally_sign_ins($1, $2, $3, $4) as "more!""#,
            &names(tallied.succeeded),
            &names(tallied.refused),
            &names(tallied.refused_of_providers),
            most
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(more)
    }
}
