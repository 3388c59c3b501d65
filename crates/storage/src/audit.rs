//! Audit events. Inserted in the transaction of the change they tell of: if the event cannot be
//! written, the change does not happen.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use chrono::{DateTime, TimeZone as _, Utc};
use orgate_domain::audit::Event;
use orgate_domain::ids::{ClientId, EventId, SessionId, UserId};
use serde_json::{Map, Value};

use crate::event_positions::{FollowedEvent, FollowedRow};
use crate::scope::repository;
use crate::{Page, PageOf, StorageError};

repository! {
    /// The organization's audit log: insert and select, nothing else.
    AuditEvents,
    /// The organization's audit log.
    audit
}

/// An event, as it was written.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its place in the log.
    pub place: EventPlace,
    /// What happened: `noun.verb`.
    pub action: String,
    /// How it ended: `success` or `refused`.
    pub outcome: String,
    /// Why, from a closed list of the action's own.
    pub reason: Option<String>,
    /// Who did it: the kind of actor, and its id, where it has one.
    pub actor: (String, Option<String>),
    /// The user it was about.
    pub user_id: Option<UserId>,
    /// The session it was in.
    pub session_id: Option<SessionId>,
    /// The application it was for.
    pub client_id: Option<ClientId>,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// By which software.
    pub user_agent: Option<String>,
    /// In answer to which request.
    pub request_id: Option<String>,
    /// More about it.
    pub detail: Value,
}

/// A place in the log, which is in the order of time: written as the time in microseconds and the event's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The event.
    pub id: EventId,
}

/// Text that is no place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a log")]
pub struct InvalidPlace;

impl fmt::Display for EventPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.timestamp_micros(), self.id)
    }
}

impl FromStr for EventPlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let (micros, id) = text.split_once('-').ok_or(InvalidPlace)?;
        let micros = micros.parse().map_err(|_| InvalidPlace)?;
        let at = Utc.timestamp_micros(micros).single().ok_or(InvalidPlace)?;
        Ok(Self { at, id: id.parse().map_err(|_| InvalidPlace)? })
    }
}

/// A stretch of time: from its first moment on, and before its last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Option<DateTime<Utc>>,
    /// The last.
    pub until: Option<DateTime<Utc>>,
}

/// Which events are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventFilter<'a> {
    /// What happened is one of these; `None`: whatever it was.
    pub actions: Option<&'a [&'a str]>,
    /// This user did it, or it was about them.
    pub user: Option<UserId>,
}

/// A page of the events that are wanted, of those that were looked at.
#[derive(Debug, Clone)]
pub struct Sifted {
    /// The events, and from where on to look further, if there is more to look at.
    pub page: Page<StoredEvent, EventPlace>,
    /// Whether looking stopped because it had looked at as many as it does at once.
    pub is_cut: bool,
}

/// How many of the latest events are looked at for those that are asked for.
const LOOKED_BACK: i64 = 1_000;

/// And how many of a period: a few milliseconds' worth.
const SIFTED: i64 = 20_000;

/// Later than anything that happens: a time that both sides can write.
const END_OF_TIME: DateTime<Utc> = match DateTime::from_timestamp(253_402_300_799, 0) {
    Some(end) => end, // 31 December 9999
    None => DateTime::UNIX_EPOCH,
};

/// The columns of an event that have no type of their own in SQL.
pub(crate) fn detail(event: &Event) -> Value {
    let members = event.detail.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    Value::Object(members.collect::<Map<_, _>>())
}

impl AuditEvents<'_> {
    /// Writes one event.
    pub async fn insert(&mut self, event: &Event) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into audit_events
                 (org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id,
                  client_org_id, client_id, address, user_agent, request_id, detail)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
            self.org_id,
            event.occurred_at,
            event.id.as_uuid(),
            event.action.as_str(),
            event.outcome.as_str(),
            event.reason,
            event.actor.kind(),
            event.actor.id(),
            event.user_id.map(orgate_domain::ids::UserId::as_uuid),
            event.session_id.map(orgate_domain::ids::SessionId::as_uuid),
            event.client.map(|(owner, _)| owner.as_uuid()),
            event.client.map(|(_, client)| client.as_uuid()),
            event.origin.address.map(ipnet::IpNet::from),
            event.origin.user_agent,
            event.origin.request_id,
            detail(event),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// The latest events whose action is none of these, up to `most`, of the `LOOKED_BACK` latest: a question of the same
    /// cost however long the log is.
    pub async fn list_latest(
        &mut self,
        except: &[&str],
        most: i64,
    ) -> Result<Vec<StoredEvent>, StorageError> {
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id,
                      address, user_agent, request_id, detail
               from (select * from audit_events where org_id = $1
                     order by occurred_at desc, id desc limit $2) latest
               where action <> all($3)
               order by occurred_at desc, id desc
               limit $4"#,
            self.org_id,
            LOOKED_BACK,
            except as &[&str],
            most,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        Ok(rows.into_iter().map(|row| FollowedEvent::from(row).event).collect())
    }

    /// A page of the events of a period, latest first.
    pub async fn list(
        &mut self,
        period: Period,
        page: PageOf<EventPlace>,
    ) -> Result<Page<StoredEvent, EventPlace>, StorageError> {
        let before = page.after;
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id,
                      address, user_agent, request_id, detail
               from audit_events
               where org_id = $1 and occurred_at >= $2 and occurred_at < $3 and (occurred_at, id) < ($4, $5)
               order by occurred_at desc, id desc
               limit $6"#,
            self.org_id,
            period.from.unwrap_or(DateTime::UNIX_EPOCH),
            period.until.unwrap_or(END_OF_TIME),
            before.map_or(END_OF_TIME, |place| place.at),
            before.map_or(uuid::Uuid::max(), |place| place.id.as_uuid()),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let events = rows.into_iter().map(|row| FollowedEvent::from(row).event);
        Ok(page.cut(events.collect(), |event| event.place))
    }
    /// A page of those events of a period that are wanted, latest first: of `SIFTED` events from where the page begins, so that
    /// a question for what never happens costs no more than others.
    pub async fn sift(
        &mut self,
        filter: EventFilter<'_>,
        period: Period,
        page: PageOf<EventPlace>,
    ) -> Result<Sifted, StorageError> {
        let (from, until) =
            (period.from.unwrap_or(DateTime::UNIX_EPOCH), period.until.unwrap_or(END_OF_TIME));
        let (at, id) =
            page.after.map_or((END_OF_TIME, uuid::Uuid::max()), |place| (place.at, place.id.as_uuid()));
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id,
                      address, user_agent, request_id, detail
               from (select * from audit_events
                     where org_id = $1 and occurred_at >= $2 and occurred_at < $3 and (occurred_at, id) < ($4, $5)
                     order by occurred_at desc, id desc limit $6) looked_at
               where ($7::text[] is null or action = any($7))
                 and ($8::uuid is null or user_id = $8 or (actor_kind = 'user' and actor_id = $9))
               order by occurred_at desc, id desc
               limit $10"#,
            self.org_id,
            from,
            until,
            at,
            id,
            SIFTED,
            filter.actions as Option<&[&str]>,
            filter.user.map(UserId::as_uuid),
            filter.user.map(|user| user.to_string()),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let events = rows.into_iter().map(|row| FollowedEvent::from(row).event);
        let found = page.cut(events.collect(), |event| event.place);
        if found.next.is_some() {
            return Ok(Sifted { page: found, is_cut: false });
        }
        let last = sqlx::query!(
            "select occurred_at, id from audit_events
             where org_id = $1 and occurred_at >= $2 and occurred_at < $3 and (occurred_at, id) < ($4, $5)
             order by occurred_at desc, id desc
             offset $6 limit 1",
            self.org_id,
            from,
            until,
            at,
            id,
            SIFTED - 1,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        let next = last.map(|row| EventPlace { at: row.occurred_at, id: EventId::from_uuid(row.id) });
        Ok(Sifted { is_cut: next.is_some(), page: Page { next, ..found } })
    }

    /// A page of the events about a user, latest first, without what happens by itself all day: the same actions are left out of
    /// the index `audit_events_by_user`, which has to read so to be used.
    pub async fn list_of_user(
        &mut self,
        user: UserId,
        page: PageOf<EventPlace>,
    ) -> Result<Page<StoredEvent, EventPlace>, StorageError> {
        let before = page.after;
        let rows = sqlx::query_as!(
            FollowedRow,
            r#"select 0::bigint as "at!", org_id, occurred_at, id, action, outcome, reason, actor_kind, actor_id, user_id, session_id, client_id,
                      address, user_agent, request_id, detail
               from audit_events
               where org_id = $1 and user_id = $2 and (occurred_at, id) < ($3, $4)
                 and action not in ('authorization.issued', 'client.told_of_logout', 'code.redeemed', 'organization.resolved',
                                    'refresh_token.rotated', 'token.exchanged', 'token.issued')
               order by occurred_at desc, id desc
               limit $5"#,
            self.org_id,
            user.as_uuid(),
            before.map_or(END_OF_TIME, |place| place.at),
            before.map_or(uuid::Uuid::max(), |place| place.id.as_uuid()),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let events = rows.into_iter().map(|row| FollowedEvent::from(row).event);
        Ok(page.cut(events.collect(), |event| event.place))
    }
}
