//! Webhooks, and how far each has come.
//!
//! **Invariant:** whoever has a webhook's lease sends to it, and moves it on; whoever decides about it meanwhile is not
//! overruled: [`Webhooks::settle`] goes on only with what is so still.

use chrono::{DateTime, Utc};
use orgate_domain::ids::WebhookId;

use crate::StorageError;
use crate::row::parsed;
use crate::scope::repository;

repository! {
    /// The organization's webhooks.
    Webhooks,
    /// The organization's webhooks.
    webhooks
}

/// Of whom a webhook tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookScope {
    /// Of all organizations: the operator's alone.
    All,
    /// Of its own organization.
    Organization,
}

/// Whether a webhook is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookStatus {
    /// It is not.
    Disabled,
    /// It is.
    Enabled,
}

/// A webhook.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Of whom it tells.
    pub scope: WebhookScope,
    /// What may be changed.
    pub terms: WebhookTerms,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// Why, if it was not somebody who said so.
    pub status_reason: Option<String>,
    /// What it signs by.
    pub secrets: WebhookSecrets,
    /// The last event that was delivered or set aside: its position, or with all organizations its place.
    pub last_position: i64,
    /// How often the one after it was tried.
    pub tries: u32,
    /// That one is not sent before.
    pub retry_at: Option<DateTime<Utc>>,
    /// How often in a row sending failed.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When somebody last decided about it.
    pub updated_at: DateTime<Utc>,
}

/// What of a webhook may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTerms {
    /// Where it is.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// Actions, and nouns as `noun.*`; `None`: whatever happens.
    pub events: Option<Vec<String>>,
}

/// What a webhook signs by, encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The secret.
    pub current: Vec<u8>,
    /// The one before it, and until when that signs too.
    pub previous: Option<(Vec<u8>, DateTime<Utc>)>,
}

/// A webhook about to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook<'a> {
    /// Its id.
    pub id: WebhookId,
    /// Of whom it tells.
    pub scope: WebhookScope,
    /// What may be changed.
    pub terms: &'a WebhookTerms,
    /// The secret, encrypted.
    pub secret: &'a [u8],
    /// The last event that it does not tell of.
    pub last_position: i64,
}

/// How far a webhook has come, of whoever has the lease.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// When the lease ends, which tells it from every other.
    pub leased_until: DateTime<Utc>,
    /// [`Webhook::updated_at`], as it was looked at.
    pub as_of: DateTime<Utc>,
    /// See [`Webhook::last_position`].
    pub last_position: i64,
    /// See [`Webhook::tries`].
    pub tries: u32,
    /// See [`Webhook::retry_at`].
    pub retry_at: Option<DateTime<Utc>>,
    /// See [`Webhook::failures`].
    pub failures: u32,
    /// See [`Webhook::failing_since`].
    pub failing_since: Option<DateTime<Utc>>,
}

struct Row {
    id: uuid::Uuid,
    scope: String,
    url: String,
    description: Option<String>,
    events: Option<Vec<String>>,
    status: String,
    status_reason: Option<String>,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_until: Option<DateTime<Utc>>,
    last_position: i64,
    tries: i32,
    retry_at: Option<DateTime<Utc>>,
    failures: i32,
    failing_since: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Webhook {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: WebhookId::from_uuid(row.id),
            scope: parsed(WebhookScope::from_text(&row.scope), "webhooks", "scope")?,
            terms: WebhookTerms { url: row.url, description: row.description, events: row.events },
            status: parsed(WebhookStatus::from_text(&row.status), "webhooks", "status")?,
            status_reason: row.status_reason,
            secrets: WebhookSecrets {
                current: row.secret,
                previous: row.previous_secret.zip(row.previous_until),
            },
            last_position: row.last_position,
            tries: u32::try_from(row.tries).unwrap_or_default(),
            retry_at: row.retry_at,
            failures: u32::try_from(row.failures).unwrap_or_default(),
            failing_since: row.failing_since,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl WebhookScope {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Organization => "organization",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::All, Self::Organization].into_iter().find(|scope| scope.as_str() == text)
    }
}

impl WebhookStatus {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
        }
    }

    fn from_text(text: &str) -> Option<Self> {
        [Self::Disabled, Self::Enabled].into_iter().find(|status| status.as_str() == text)
    }
}

fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

impl Webhooks<'_> {
    /// All of them, oldest first: they are few.
    pub async fn list(&mut self) -> Result<Vec<Webhook>, StorageError> {
        let rows = sqlx::query_as!(
            Row,
            "select id, scope, url, description, events, status, status_reason, secret, previous_secret, previous_until,
                    last_position, tries, retry_at, failures, failing_since, created_at, updated_at
             from webhooks where org_id = $1 order by id",
            self.org_id,
        )
        .fetch_all(&mut *self.conn)
        .await?;
        rows.into_iter().map(Webhook::try_from).collect()
    }

    /// One of them.
    pub async fn find(&mut self, id: WebhookId) -> Result<Option<Webhook>, StorageError> {
        let row = sqlx::query_as!(
            Row,
            "select id, scope, url, description, events, status, status_reason, secret, previous_secret, previous_until,
                    last_position, tries, retry_at, failures, failing_since, created_at, updated_at
             from webhooks where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        row.map(Webhook::try_from).transpose()
    }

    /// One of them, held until the transaction ends: whoever decides about it, and whoever sends to it, wait for each other.
    pub async fn hold(&mut self, id: WebhookId) -> Result<Option<Webhook>, StorageError> {
        sqlx::query!(
            "select id from webhooks where org_id = $1 and id = $2 for update",
            self.org_id,
            id.as_uuid()
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        self.find(id).await
    }

    /// Adds one, unless there are `most` already; whether it did.
    pub async fn insert(
        &mut self,
        new: &NewWebhook<'_>,
        (most, at): (i64, DateTime<Utc>),
    ) -> Result<bool, StorageError> {
        // One at a time, or two would both be the last that fits.
        sqlx::query!("select org_id from organizations where org_id = $1 for no key update", self.org_id)
            .fetch_optional(&mut *self.conn)
            .await?;
        let done = sqlx::query!(
            "insert into webhooks (org_id, id, scope, url, description, events, secret, last_position, created_at, updated_at)
             select $1, $2, $3, $4, $5, $6, $7, $8, $9, $9
             where (select count(*) from webhooks other where other.org_id = $1) < $10",
            self.org_id,
            new.id.as_uuid(),
            new.scope.as_str(),
            new.terms.url,
            new.terms.description,
            new.terms.events.as_deref(),
            new.secret,
            new.last_position,
            at,
            most,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Changes it; in use again, it goes on where it was, at once, as if it had never failed.
    pub async fn update(
        &mut self,
        id: WebhookId,
        (terms, status): (&WebhookTerms, WebhookStatus),
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks
             set url = $3, description = $4, events = $5, status = $6, updated_at = $7, status_reason = null,
                 tries = case when $6 = 'enabled' then 0 else tries end,
                 retry_at = case when $6 = 'enabled' then null else retry_at end,
                 failures = case when $6 = 'enabled' then 0 else failures end,
                 failing_since = case when $6 = 'enabled' then null else failing_since end,
                 due_at = case when $6 = 'enabled' then $7::timestamptz end
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            terms.url,
            terms.description,
            terms.events.as_deref(),
            status.as_str(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Disables it, for what its receiver did.
    pub async fn disable(
        &mut self,
        id: WebhookId,
        reason: &str,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks
             set status = 'disabled', status_reason = $3, updated_at = $4, due_at = null, leased_until = null
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            reason,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Replaces its secrets.
    pub async fn update_secrets(
        &mut self,
        id: WebhookId,
        secrets: &WebhookSecrets,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let (previous, until) =
            secrets.previous.as_ref().map(|(secret, until)| (secret.as_slice(), *until)).unzip();
        sqlx::query!(
            "update webhooks set secret = $3, previous_secret = $4, previous_until = $5, updated_at = $6
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            secrets.current,
            previous,
            until,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Has it go on after another event.
    pub async fn update_position(
        &mut self,
        id: WebhookId,
        last_position: i64,
        at: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks
             set last_position = $3, tries = 0, retry_at = null, updated_at = $4,
                 due_at = case when status = 'enabled' then $4::timestamptz end
             where org_id = $1 and id = $2",
            self.org_id,
            id.as_uuid(),
            last_position,
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// There is something to send, of what was set aside.
    pub async fn wake(&mut self, id: WebhookId, at: DateTime<Utc>) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks set due_at = least(due_at, $3)
             where org_id = $1 and id = $2 and status = 'enabled'",
            self.org_id,
            id.as_uuid(),
            at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Deletes it, with what became of its events; whether there was one.
    pub async fn delete(&mut self, id: WebhookId) -> Result<bool, StorageError> {
        let done =
            sqlx::query!("delete from webhooks where org_id = $1 and id = $2", self.org_id, id.as_uuid())
                .execute(&mut *self.conn)
                .await?;
        Ok(done.rows_affected() == 1)
    }

    /// The one that is leased until then, held; `None` if it is another's, or gone.
    pub async fn find_leased(
        &mut self,
        id: WebhookId,
        leased_until: DateTime<Utc>,
    ) -> Result<Option<Webhook>, StorageError> {
        let leased = sqlx::query_scalar!(
            r#"select coalesce(leased_until = $3, false) as "leased!" from webhooks
               where org_id = $1 and id = $2 for update"#,
            self.org_id,
            id.as_uuid(),
            leased_until,
        )
        .fetch_optional(&mut *self.conn)
        .await?;
        if leased == Some(true) { self.find(id).await } else { Ok(None) }
    }

    /// Moves it on; `false` if whoever does has lost the lease, or somebody has decided about it since.
    pub async fn settle(&mut self, id: WebhookId, progress: &Progress) -> Result<bool, StorageError> {
        let done = sqlx::query!(
            "update webhooks
             set last_position = $5, tries = $6, retry_at = $7, failures = $8, failing_since = $9
             where org_id = $1 and id = $2 and leased_until = $3 and updated_at = $4 and status = 'enabled'",
            self.org_id,
            id.as_uuid(),
            progress.leased_until,
            progress.as_of,
            progress.last_position,
            small(progress.tries),
            progress.retry_at,
            small(progress.failures),
            progress.failing_since,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Nothing is to be sent any more that failed: what fails from now on begins anew.
    pub async fn forget_failures(&mut self, id: WebhookId) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks hook set failures = 0, failing_since = null
             where hook.org_id = $1 and hook.id = $2 and hook.failing_since is not null
               and not exists (select from webhook_deliveries waiting
                               where waiting.org_id = $1 and waiting.webhook_id = $2 and waiting.status = 'waiting')",
            self.org_id,
            id.as_uuid(),
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// Gives the lease back. It is due at `due_at`, or when the first of what was set aside is.
    pub async fn release(
        &mut self,
        id: WebhookId,
        leased_until: DateTime<Utc>,
        due_at: Option<DateTime<Utc>>,
    ) -> Result<(), StorageError> {
        sqlx::query!(
            "update webhooks hook
             set leased_until = null,
                 due_at = case when hook.status = 'enabled' then least($4::timestamptz, aside.next_try_at) end
             from (select min(waiting.next_try_at) as next_try_at from webhook_deliveries waiting
                   where waiting.org_id = $1 and waiting.webhook_id = $2 and waiting.status = 'waiting') aside
             where hook.org_id = $1 and hook.id = $2 and hook.leased_until = $3",
            self.org_id,
            id.as_uuid(),
            leased_until,
            due_at,
        )
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }
}
