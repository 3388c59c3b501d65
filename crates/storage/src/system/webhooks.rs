//! What happens in all organizations: its order, which webhooks are due, and what the operator's own webhooks tell of.

use chrono::{DateTime, Utc};
use orgate_domain::ids::WebhookId;

use super::SystemReason;
use crate::event_positions::{FollowedRow, SPAN};
use crate::{DeliveryKey, Followed, FollowedEvent, Following, OrgScope, StorageError, Store};

impl Store {
    /// Gives up to `most` events that have been committed their positions, and wakes the webhooks of their organizations;
    /// to how many it did. None, while another node does.
    pub async fn sequence_events(&self, most: i32, now: DateTime<Utc>) -> Result<i32, StorageError> {
        let mut tx = self.begin_system(SystemReason::Sequence).await?;
        let given = sqlx::query_scalar!(r#"select sequence_events($1, $2) as "given!""#, most, now)
            .fetch_one(&mut *tx.transaction)
            .await?;
        tx.transaction.commit().await?;
        Ok(given)
    }

    /// Leases up to `limit` webhooks that are due at `now` until `until`: no other node sends to one before. Each is then
    /// read and changed in its own organization. Of one host, and of one organization, at most `each` are leased at any time.
    pub async fn claim_webhooks(
        &self,
        (now, until): (DateTime<Utc>, DateTime<Utc>),
        (limit, each): (i64, i64),
    ) -> Result<Vec<(OrgScope, WebhookId)>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Deliver).await?;
        let rows = sqlx::query!(
            "update webhooks hook
             set leased_until = $2
             from (
                 select waiting.org_id, waiting.id
                 from (
                     -- One bound after the other, as for streams: what is leased comes first, and so counts.
                     select of_one.*,
                            row_number() over (partition by of_one.host
                                               order by of_one.leased desc, of_one.due_at, of_one.id) as of_host
                     from (
                         select turn.*,
                                row_number() over (partition by turn.org_id
                                                   order by turn.leased desc, turn.due_at, turn.id) as of_organization
                         from (
                             select each.org_id, each.id, each.due_at, coalesce(each.host, '') as host,
                                    coalesce(each.leased_until > $1, false) as leased
                             from webhooks each where each.leased_until > $1 or each.due_at <= $1
                         ) turn
                     ) of_one
                     where of_one.leased or of_one.of_organization <= $4
                 ) ranked
                 join webhooks waiting on waiting.org_id = ranked.org_id and waiting.id = ranked.id
                 where not ranked.leased and ranked.of_host <= $4
                   and waiting.due_at <= $1 and (waiting.leased_until is null or waiting.leased_until <= $1)
                   and waiting.status = 'enabled'
                 order by waiting.due_at
                 limit $3
                 for update of waiting skip locked
             ) due
             where hook.org_id = due.org_id and hook.id = due.id
             returning hook.org_id, hook.id",
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
            .map(|row| (OrgScope::resolved(row.org_id), WebhookId::from_uuid(row.id)))
            .collect())
    }

    /// What happened in all organizations after a place, in the order of commits, for a webhook of the operator's that tells of
    /// all. To any other it is as if nothing had.
    pub async fn watch(
        &self,
        (scope, webhook): (&OrgScope, WebhookId),
        asked: Following<'_>,
    ) -> Result<Followed, StorageError> {
        let mut tx = self.begin_system(SystemReason::Watch).await?;
        let looked = sqlx::query!(
            r#"select count(*) as "looked!", max(span.place) as last
               from (select place from event_positions where place > $1 order by place limit $2) span"#,
            asked.after,
            SPAN,
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select place.place as at, event.org_id, event.occurred_at, event.id, event.action, event.outcome,
                      event.reason, event.actor_kind, event.actor_id, event.user_id, event.session_id, event.client_id,
                      event.address, event.user_agent, event.request_id, event.detail
               from event_positions place
               join audit_events event
                   on event.org_id = place.org_id and event.occurred_at = place.occurred_at and event.id = place.audit_event
               where place.place > $1 and place.place <= $2
                 and ($3::text[] is null or event.action = any($3) or split_part(event.action, '.', 1) || '.*' = any($3))
                 and (event.action <> 'webhook.tested' or event.detail ->> 'webhook' is distinct from $4)
                 and exists (select from webhooks hook
                             join organizations own on own.org_id = hook.org_id and own.is_operator
                             where hook.org_id = $5 and hook.id = $6 and hook.scope = 'all')
               order by place.place limit $7"#,
            asked.after,
            looked.last.unwrap_or(asked.after),
            asked.filters,
            asked.tested(),
            scope.org_id().as_uuid(),
            webhook.as_uuid(),
            asked.limit + 1,
        )
        .fetch_all(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(Followed::of(rows, asked, (looked.looked, looked.last)))
    }

    /// One event of any organization, for a webhook of the operator's that tells of all.
    pub async fn watch_one(
        &self,
        (scope, webhook): (&OrgScope, WebhookId),
        event: DeliveryKey,
    ) -> Result<Option<FollowedEvent>, StorageError> {
        let mut tx = self.begin_system(SystemReason::Watch).await?;
        let row = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", event.org_id, event.occurred_at, event.id, event.action, event.outcome, event.reason,
                      event.actor_kind, event.actor_id, event.user_id, event.session_id, event.client_id, event.address,
                      event.user_agent, event.request_id, event.detail
               from audit_events event
               where event.org_id = $1 and event.occurred_at = $2 and event.id = $3
                 and exists (select from webhooks hook
                             join organizations own on own.org_id = hook.org_id and own.is_operator
                             where hook.org_id = $4 and hook.id = $5 and hook.scope = 'all')"#,
            event.org_id.as_uuid(),
            event.place.at,
            event.place.id.as_uuid(),
            scope.org_id().as_uuid(),
            webhook.as_uuid(),
        )
        .fetch_optional(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(row.map(FollowedEvent::from))
    }

    /// The place of the last event of all; or that after which everything is that happened from `since` on, if anything has.
    pub async fn find_place(&self, since: Option<DateTime<Utc>>) -> Result<i64, StorageError> {
        let mut tx = self.begin_system(SystemReason::Watch).await?;
        let place = sqlx::query_scalar!(
            r#"select coalesce(
                   (select min(place) - 1 from event_positions where occurred_at >= $1),
                   (select max(place) from event_positions), 0) as "place!""#,
            since,
        )
        .fetch_one(&mut *tx.transaction)
        .await?;
        tx.transaction.commit().await?;
        Ok(place)
    }
}
