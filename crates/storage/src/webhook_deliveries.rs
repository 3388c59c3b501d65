//! What became of events at webhooks.

use chrono::{DateTime, Utc};
use orgate_domain::ids::{EventId, OrgId, WebhookId};

use crate::row::parsed;
use crate::scope::repository;
use crate::{EventPlace, Page, PageOf, StorageError};

repository! {
    /// What became of events at the organization's webhooks.
    WebhookDeliveries,
    /// What became of events at the organization's webhooks.
    webhook_deliveries
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It was tried for days, and is tried no more.
    Dead,
    /// The receiver has it.
    Delivered,
    /// It is tried again.
    Waiting,
}

/// Which event: in whose log, and where in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryKey {
    /// The organization.
    pub org_id: OrgId,
    /// The place.
    pub place: EventPlace,
}

/// How a try went.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// Of which event.
    pub key: DeliveryKey,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// The status that was answered, if anything was.
    pub http_status: Option<u16>,
    /// Why it was not taken.
    pub failure: Option<&'a str>,
    /// When it was tried.
    pub at: DateTime<Utc>,
    /// When it is tried again.
    pub next_try_at: Option<DateTime<Utc>>,
}

/// An event at a webhook.
#[derive(Debug, Clone)]
pub struct WebhookDelivery {
    /// Which event.
    pub key: DeliveryKey,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// The status that was answered last.
    pub http_status: Option<u16>,
    /// Why it was not taken.
    pub failure: Option<String>,
    /// When it was last tried, or set aside.
    pub tried_at: DateTime<Utc>,
    /// When it is tried again.
    pub next_try_at: Option<DateTime<Utc>>,
}

struct Row {
    audit_event: uuid::Uuid,
    event_org: uuid::Uuid,
    occurred_at: DateTime<Utc>,
    status: String,
    attempts: i32,
    http_status: Option<i32>,
    failure: Option<String>,
    tried_at: DateTime<Utc>,
    next_try_at: Option<DateTime<Utc>>,
}

impl TryFrom<Row> for WebhookDelivery {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            key: DeliveryKey {
                org_id: OrgId::from_uuid(row.event_org),
                place: EventPlace { at: row.occurred_at, id: EventId::from_uuid(row.audit_event) },
            },
            status: parsed(DeliveryStatus::from_text(&row.status), "webhook_deliveries", "status")?,
            attempts: u32::try_from(row.attempts).unwrap_or_default(),
            http_status: row.http_status.and_then(|status| u16::try_from(status).ok()),
            failure: row.failure,
            tried_at: row.tried_at,
            next_try_at: row.next_try_at,
        })
    }
}

impl DeliveryStatus {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Dead, Self::Delivered, Self::Waiting];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Delivered => "delivered",
            Self::Waiting => "waiting",
        }
    }

    /// Reads it.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl WebhookDeliveries<'_> {
    /// A page of them, the latest events first; of one status, if one is named.
    pub async fn list(
        &mut self,
        webhook: WebhookId,
        status: Option<DeliveryStatus>,
        page: PageOf<EventId>,
    ) -> Result<Page<WebhookDelivery, EventId>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select audit_event, event_org, occurred_at, status, attempts, http_status, failure, tried_at, next_try_at
             from webhook_deliveries
             where org_id = $1 and webhook_id = $2 and ($3::uuid is null or audit_event < $3)
               and ($4::text is null or status = $4)
             order by audit_event desc limit $5",
            self.org_id,
            webhook.as_uuid(),
            page.after.map(EventId::as_uuid),
            status.map(DeliveryStatus::as_str),
            page.rows(),
        )
        .fetch_all(&mut *self.conn)
        .await?;
        let deliveries: Vec<_> = rows.into_iter().map(WebhookDelivery::try_from).collect::<Result<_, _>>()?;
        Ok(page.cut(deliveries, |delivery| delivery.key.place.id))
    }

    /// That of one event.
    pub async fn find(
        &mut self,
        webhook: WebhookId,
        event: EventId,
    ) -> Result<Option<WebhookDelivery>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select audit_event, event_org, occurred_at, status, attempts, http_status, failure, tried_at, next_try_at
             from webhook_deliveries where org_id = $1 and webhook_id = $2 and audit_event = $3",
            self.org_id,
            webhook.as_uuid(),
            event.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(WebhookDelivery::try_from).transpose()
    }

    /// Those that are to be tried again by now, whichever waits longest first.
    pub async fn list_due(
        &mut self,
        webhook: WebhookId,
        now: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<WebhookDelivery>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select audit_event, event_org, occurred_at, status, attempts, http_status, failure, tried_at, next_try_at
             from webhook_deliveries
             where org_id = $1 and webhook_id = $2 and status = 'waiting' and next_try_at <= $3
             order by next_try_at, audit_event limit $4",
            self.org_id,
            webhook.as_uuid(),
            now,
            limit,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(WebhookDelivery::try_from).collect()
    }

    /// Keeps how a try went, in the place of the one before.
    pub async fn upsert(&mut self, webhook: WebhookId, attempt: &Attempt<'_>) -> Result<(), StorageError> {
        sqlx::query!(
            "insert into webhook_deliveries
                 (org_id, webhook_id, audit_event, event_org, occurred_at, status, attempts, http_status, failure,
                  tried_at, next_try_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (org_id, webhook_id, audit_event) do update
             set status = excluded.status, attempts = excluded.attempts, http_status = excluded.http_status,
                 failure = excluded.failure, tried_at = excluded.tried_at, next_try_at = excluded.next_try_at",
            self.org_id,
            webhook.as_uuid(),
            attempt.key.place.id.as_uuid(),
            attempt.key.org_id.as_uuid(),
            attempt.key.place.at,
            attempt.status.as_str(),
            i32::try_from(attempt.attempts).unwrap_or(i32::MAX),
            attempt.http_status.map(i32::from),
            attempt.failure,
            attempt.at,
            attempt.next_try_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
