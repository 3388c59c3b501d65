//! The log in the order of commits, for readers that go on from where they were.
//!
//! **Invariant:** an event has a position once its transaction has committed, and after that none is given a lower one: whoever
//! has read up to a position has missed nothing before it.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use orgate_domain::ids::{ClientId, EventId, OrgId, SessionId, UserId, WebhookId};
use serde_json::Value;
use uuid::Uuid;

use crate::scope::repository;
use crate::{EventPlace, StorageError, StoredEvent};

repository! {
    /// Where the organization's events are in the order of commits.
    EventPositions,
    /// Where the organization's events are in the order of commits.
    event_positions
}

/// Events that one look goes through at most, whether they are wanted or not.
pub(crate) const SPAN: i64 = 1_000;

/// Up to where a reader has read: in one organization's log, or in that of all. To readers it is text that means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventCursor {
    /// In the log of all organizations, which only the operator reads.
    All(i64),
    /// In one organization's.
    Organization(i64),
}

/// Text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of a log")]
pub struct InvalidCursor;

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(place) => write!(f, "all_{place}"),
            Self::Organization(position) => write!(f, "pos_{position}"),
        }
    }
}

impl FromStr for EventCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (kind, digits) = text.split_once('_').ok_or(InvalidCursor)?;
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidCursor);
        }
        let at = digits.parse().map_err(|_| InvalidCursor)?;
        match kind {
            "all" => Ok(Self::All(at)),
            "pos" => Ok(Self::Organization(at)),
            _ => Err(InvalidCursor),
        }
    }
}

/// What a reader asks for.
#[derive(Debug, Clone, Copy)]
pub struct Following<'a> {
    /// The position, or with all organizations the place, up to which it has read.
    pub after: i64,
    /// Actions, and nouns as `noun.*`; `None`: whatever happened.
    pub filters: Option<&'a [String]>,
    /// Of a webhook: that it is tried out is not told by this way.
    pub but_for_tests_of: Option<WebhookId>,
    /// Events at most.
    pub limit: i64,
}

/// What there is for it.
#[derive(Debug, Clone)]
pub struct Followed {
    /// The events that it wants, in the order of commits.
    pub events: Vec<FollowedEvent>,
    /// Up to where it has read then: the last event that was looked at.
    pub up_to: i64,
    /// Whether there may be more already.
    pub more: bool,
}

/// An event in the order of commits.
#[derive(Debug, Clone)]
pub struct FollowedEvent {
    /// Where: a position, or with all organizations a place; 0 if it was not asked for by that.
    pub at: i64,
    /// In whose log.
    pub org_id: OrgId,
    /// What happened.
    pub event: StoredEvent,
}

/// An event with where it is.
pub(crate) struct FollowedRow {
    pub(crate) at: i64,
    pub(crate) org_id: Uuid,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) id: Uuid,
    pub(crate) action: String,
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<String>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    pub(crate) client_id: Option<Uuid>,
    pub(crate) address: Option<ipnet::IpNet>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) detail: Value,
}

impl From<FollowedRow> for FollowedEvent {
    fn from(row: FollowedRow) -> Self {
        let event = StoredEvent {
            place: EventPlace { at: row.occurred_at, id: EventId::from_uuid(row.id) },
            action: row.action,
            outcome: row.outcome,
            reason: row.reason,
            actor: (row.actor_kind, row.actor_id),
            user_id: row.user_id.map(UserId::from_uuid),
            session_id: row.session_id.map(SessionId::from_uuid),
            client_id: row.client_id.map(ClientId::from_uuid),
            address: row.address.map(|address| address.addr()),
            user_agent: row.user_agent,
            request_id: row.request_id,
            detail: row.detail,
        };
        Self { at: row.at, org_id: OrgId::from_uuid(row.org_id), event }
    }
}

impl Followed {
    /// Of the events that were found, at most `limit` and one, and the last of `looked` that were looked at.
    pub(crate) fn of(
        rows: Vec<FollowedRow>,
        asked: Following<'_>,
        (looked, last): (i64, Option<i64>),
    ) -> Self {
        let mut events: Vec<FollowedEvent> = rows.into_iter().map(FollowedEvent::from).collect();
        let limit = usize::try_from(asked.limit).unwrap_or_default();
        let cut = events.len() > limit;
        events.truncate(limit);
        let up_to = if cut { events.last().map(|event| event.at) } else { last };
        Self { events, up_to: up_to.unwrap_or(asked.after), more: cut || looked >= SPAN }
    }
}

impl EventPositions<'_> {
    /// The position of the last event that has one.
    pub async fn find_last(&mut self) -> Result<i64, StorageError> {
        let last = sqlx::query_scalar!(
            r#"select coalesce(max(position), 0) as "last!" from event_positions where org_id = $1"#,
            self.org_id,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(last)
    }

    /// The position after which everything is that happened from `moment` on; `None` if nothing has.
    pub async fn find_before(&mut self, moment: DateTime<Utc>) -> Result<Option<i64>, StorageError> {
        // Those that happened first are among the first; which of them was committed first is looked up.
        let first = sqlx::query_scalar!(
            r#"select min(early.position) - 1 as before
               from (select position from event_positions
                     where org_id = $1 and occurred_at >= $2 order by occurred_at limit 10000) early"#,
            self.org_id,
            moment,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        Ok(first)
    }

    /// What happened after a position, in the order of commits.
    pub async fn list(&mut self, asked: Following<'_>) -> Result<Followed, StorageError> {
        let looked = sqlx::query!(
            r#"select count(*) as "looked!", max(span.position) as last
               from (select position from event_positions
                     where org_id = $1 and position > $2 order by position limit $3) span"#,
            self.org_id,
            asked.after,
            SPAN,
        )
        .fetch_one(&mut *self.conn)
        .await?;
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select place.position as at, event.org_id, event.occurred_at, event.id, event.action, event.outcome,
                      event.reason, event.actor_kind, event.actor_id, event.user_id, event.session_id, event.client_id,
                      event.address, event.user_agent, event.request_id, event.detail
               from event_positions place
               join audit_events event
                   on event.org_id = place.org_id and event.occurred_at = place.occurred_at and event.id = place.audit_event
               where place.org_id = $1 and place.position > $2 and place.position <= $3
                 and ($4::text[] is null or event.action = any($4) or split_part(event.action, '.', 1) || '.*' = any($4))
                 and (event.action <> 'webhook.tested' or event.detail ->> 'webhook' is distinct from $5)
               order by place.position limit $6"#,
            self.org_id,
            asked.after,
            looked.last.unwrap_or(asked.after),
            asked.filters,
            asked.tested(),
            asked.limit + 1,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(Followed::of(rows, asked, (looked.looked, looked.last)))
    }

    /// The event at a place in the log, whether it has a position yet or not.
    pub async fn find(&mut self, place: EventPlace) -> Result<Option<FollowedEvent>, StorageError> {
        let row = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id,
                      session_id, client_id, address, user_agent, request_id, detail
               from audit_events where org_id = $1 and occurred_at = $2 and id = $3"#,
            self.org_id,
            place.at,
            place.id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        Ok(row.map(FollowedEvent::from))
    }
}

impl Following<'_> {
    /// The webhook whose tests are passed over, as its events name it.
    pub(crate) fn tested(&self) -> Option<String> {
        self.but_for_tests_of.map(|id| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        for cursor in [EventCursor::Organization(0), EventCursor::Organization(i64::MAX), EventCursor::All(7)]
        {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for other in
            ["", "7", "pos", "pos_", "pos_-1", "pos_+1", "pos_ 1", "pos_9223372036854775808", "seq_1"]
        {
            assert_eq!(other.parse::<EventCursor>(), Err(InvalidCursor), "{other}");
        }
    }
}
