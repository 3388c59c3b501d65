//! Streams of security events: which organizations have something to put into them, and which are due to be pushed.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{OrgId, StreamId};

use super::SystemReason;
use crate::{OrgScope, StorageError, Store};

impl Store {
    /// Organizations with events that their streams have not been given, whoever waits longest first; but for those that
    /// are to wait.
    pub async fn list_signalled(&self, but_for: &[OrgId], limit: i64) -> Result<Vec<OrgScope>, StorageError> {
        let but_for: Vec<_> = but_for.iter().map(|org_id| org_id.as_uuid()).collect();
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let orgs = sqlx::query_scalar!(
            // From one organization to the next: however many events wait in one, a row of it is read.
            r#"with recursive first as (
                   (select signal.org_id, signal.position from signals signal
                    order by signal.org_id, signal.position limit 1)
                   union all
                   select next.org_id, next.position from first
                   cross join lateral (
                       select signal.org_id, signal.position from signals signal
                       where signal.org_id > first.org_id
                       order by signal.org_id, signal.position limit 1) next
               )
               select org_id as "org_id!" from first where org_id <> all($2) order by position limit $1"#,
            limit,
            &but_for,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(orgs.into_iter().map(OrgScope::resolved).collect())
    }

    /// Leases up to `limit` streams that are due at `now` until `until`: no other node pushes into one before. Each is
    /// then read and changed in its own organization. Of one receiver, of one endpoint's host and of one organization, at
    /// most `each` are leased at any time; of one receiver in one organization, half of that.
    pub async fn claim_streams(
        &self,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        (limit, each): (i64, i64),
    ) -> Result<Vec<(OrgScope, StreamId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let rows = sqlx::query!(
            "update event_streams stream
             set leased_until = $2
             from (
                 select waiting.org_id, waiting.id
                 from (
                     -- One bound after the other: who may not run takes nobody's place at the next. What is leased comes
                     -- first, and so counts.
                     select of_both.org_id, of_both.id, of_both.leased,
                            row_number() over (partition by of_both.endpoint_host
                                               order by of_both.leased desc, of_both.due_at, of_both.id) as of_host
                     from (
                         select of_one.*,
                                row_number() over (partition by of_one.client_org_id, of_one.client_id
                                                   order by of_one.leased desc, of_one.due_at, of_one.id) as of_client
                         from (
                             select of_none.*,
                                    row_number() over (partition by of_none.org_id
                                                       order by of_none.leased desc, of_none.due_at, of_none.id) as of_organization
                             from (
                                 select turn.*,
                                        row_number() over (partition by turn.org_id, turn.client_org_id, turn.client_id
                                                           order by turn.leased desc, turn.due_at, turn.id) as of_receiver
                                 from (
                                     select each.org_id, each.id, each.due_at, each.client_org_id, each.client_id,
                                            coalesce(each.endpoint_host, '') as endpoint_host,
                                            coalesce(each.leased_until > $1, false) as leased
                                     from event_streams each where each.leased_until > $1 or each.due_at <= $1
                                 ) turn
                             ) of_none
                             where of_none.leased or of_none.of_receiver <= greatest($4::bigint / 2, 1)
                         ) of_one
                         where of_one.leased or of_one.of_organization <= $4
                     ) of_both
                     where of_both.leased or of_both.of_client <= $4
                 ) ranked
                 join event_streams waiting on waiting.org_id = ranked.org_id and waiting.id = ranked.id
                 where not ranked.leased and ranked.of_host <= $4
                   and waiting.due_at <= $1 and (waiting.leased_until is null or waiting.leased_until <= $1)
                 order by waiting.due_at
                 limit $3
                 for update of waiting skip locked
             ) due
             where stream.org_id = due.org_id and stream.id = due.id
             returning stream.org_id, stream.id",
            now,
            until,
            limit,
            each,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| (OrgScope::resolved(row.org_id), StreamId::from_uuid(row.id)))
            .collect())
    }
}
