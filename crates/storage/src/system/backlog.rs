//! What waits to be done in the background, of all organizations: how much, and neither whose nor what.

use chrono::{DateTime, Utc};

use super::SystemReason;
use crate::{StorageError, Store};

/// What waits of one kind of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The kind: a text of the query's.
    pub work: String,
    /// How much of it is due, or, of messages, not sent yet; `most` at most.
    pub due: i64,
    /// Since when the first of that is, or was written.
    pub since: Option<DateTime<Utc>>,
}

impl Store {
    /// What is due, or not sent yet, by its kind, and no more than `most` of each counted.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn survey_backlog(&self, now: DateTime<Utc>, most: i64) -> Result<Vec<Waiting>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Observe).await?;
        // A message that is tried again later still waits, since it was written.
        let waiting = sqlx::query_as!(
            Waiting,
            r#"select 'mails' as "work!", count(*) as "due!", min(created_at) as since
               from (select created_at from outbox
                     where delivered_at is null and failed_at is null and kind <> 'backchannel_logout'
                     order by created_at limit $2) mail
               union all
               select 'logouts', count(*), min(created_at)
               from (select created_at from outbox
                     where delivered_at is null and failed_at is null and kind = 'backchannel_logout'
                     order by created_at limit $2) logout
               union all
               select 'webhooks', count(*), min(due_at)
               from (select due_at from webhooks where due_at <= $1 order by due_at limit $2) hook
               union all
               select 'event_streams', count(*), min(due_at)
               from (select due_at from event_streams where due_at <= $1 order by due_at limit $2) stream
               union all
               select 'connections', count(*), min(due_at)
               from (select due_at from connection_refreshes where due_at <= $1 order by due_at limit $2) connection
               union all
               select 'domains', count(*), min(due_at)
               from (select due_at from domains where due_at <= $1 order by due_at limit $2) domain
               union all
               select 'signing_keys', count(*), min(due_at)
               from (select due_at from key_rings where due_at <= $1 order by due_at limit $2) ring
               union all
               select 'erasures', count(*), min(erase_after)
               from (select erase_after from organizations
                     where status = 'deleted' and erase_after <= $1 and erased_at is null
                     order by erase_after limit $2) organization
               union all
               select 'sign_in_counts', count(*), min(occurred_at)
               from (select occurred_at from event_positions
                     where place > (select place from sign_in_tally) order by place limit $2) event"#,
            now,
            most,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(waiting)
    }
}
