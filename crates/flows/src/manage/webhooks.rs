//! Webhooks.
//!
//! **Invariant:** whoever has a webhook sent anything, or sent elsewhere, may read the audit log; and where it tells of all
//! organizations, act in all of them, in the operator's own.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::{EventId, WebhookId};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::quotas::{NoRoom, Quota};
use orgate_domain::webhooks::MAX_OVERLAP_HOURS;
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::{
    Attempt, DeliveryKey, DeliveryStatus, EventCursor, EventPlace, OrgTx, Page, PageOf, Webhook,
    WebhookDelivery, WebhookScope, WebhookSecrets, WebhookStatus, WebhookTerms,
};
use zeroize::Zeroizing;

use super::access::is_operator;
use super::change::Change;
use super::{Caller, ChangeError, Once, paged};
use crate::configure::{
    Beginning, Mark, TermsFault, WebhookState, check_webhook, insert_webhook, save_webhook,
    seal_webhook_secret,
};
use crate::{Env, Failure};

/// What of a webhook may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where it is, and what it tells of.
    pub terms: WebhookTerms,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
}

impl From<TermsFault> for ChangeError {
    fn from(TermsFault { field, detail }: TermsFault) -> Self {
        Self::invalid(format!("/{field}"), detail)
    }
}

/// A secret as it is shown: once. `None`: the same request was answered before.
pub type Shown = Option<Zeroizing<String>>;

/// Where a webhook is to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// After what was read up to this cursor.
    Cursor(EventCursor),
    /// With what happened from this moment on.
    Moment(DateTime<Utc>),
}

/// A page of the organization's webhooks, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_webhooks(
    env: &Env,
    caller: &Caller,
    page: PageOf<WebhookId>,
) -> Result<Page<Webhook, WebhookId>, Failure> {
    let all = caller.read(env, async |tx| tx.webhooks().list().await).await?;
    Ok(paged(all, page, |webhook| webhook.id))
}

/// One webhook; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_webhook(env: &Env, caller: &Caller, id: WebhookId) -> Result<Option<Webhook>, Failure> {
    caller.read(env, async |tx| tx.webhooks().find(id).await).await
}

/// Makes a webhook, which tells of what happens from now on; with its secret.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_webhook(
    env: &Env,
    caller: &Caller,
    (scope, terms): (WebhookScope, &WebhookTerms),
    once: Option<&Once>,
) -> Result<(Webhook, Shown), ChangeError> {
    caller.conclude(env, create(env, caller, (scope, terms), once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    (scope, terms): (WebhookScope, &WebhookTerms),
    once: Option<&Once>,
) -> Result<(Webhook, Shown), ChangeError> {
    check_webhook(env, terms)?;
    if scope == WebhookScope::All && !(caller.is_at_home() && is_operator(env, &caller.scope).await?) {
        return Err(ChangeError::above("/scope", "only the operator's own organization hears of all others"));
    }
    check_rights(caller, scope)?;
    if let Some(before) = caller.find_made(env, once).await? {
        let found = find_webhook(env, caller, WebhookId::from_uuid(before)).await?;
        return Ok((found.ok_or(ChangeError::Gone)?, None));
    }
    let now = env.clock.now();
    let id = WebhookId::from_uuid(env.random.uuid(now)?);
    let (secret, sealed) = make_secret(env, caller, id).await?;
    let place = if scope == WebhookScope::All { Some(find_place(env, None).await?) } else { None };
    let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
    let Change { tx, caller, .. } = &mut change;
    check_rights(caller, scope)?;
    if let Some(before) = caller.claim(env, tx, once, id.as_uuid()).await? {
        let found = tx.webhooks().find(WebhookId::from_uuid(before)).await?;
        return Ok((found.ok_or(ChangeError::Gone)?, None));
    }
    tx.organization().lock().await?; // whoever says how many there may be is waited for
    let limit = tx.quotas().find_limit(Quota::Webhooks).await?;
    let state = WebhookState { id, scope, terms: terms.clone(), status: WebhookStatus::Enabled };
    let beginning = Beginning { secret: &sealed, place, most: limit };
    if !insert_webhook(env, tx, (&caller.author(), &state), beginning).await? {
        return Err(NoRoom { quota: Quota::Webhooks, limit }.into());
    }
    let made = tx.webhooks().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok((made, Some(secret.to_text())))
}

/// Changes a webhook: `edit` is shown what it is, and says what it is to be. One that is used again goes on where it was.
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn update_webhook(
    env: &Env,
    caller: &Caller,
    id: WebhookId,
    edit: impl FnOnce(&Webhook) -> Result<WebhookSettings, ChangeError>,
) -> Result<Webhook, ChangeError> {
    let change = async {
        let (mut change, before) = hold(env, caller, id).await?;
        let Change { tx, caller, .. } = &mut change;
        let WebhookSettings { terms, status } = edit(&before)?;
        // Whoever may not have it sent anything may have it be silent, also where its address is not good any more.
        if !(status == WebhookStatus::Disabled && terms == before.terms) {
            check_rights(caller, before.scope)?;
            check_webhook(env, &terms)?;
        }
        let mark = Mark::of([
            ("url", terms.url != before.terms.url),
            ("description", terms.description != before.terms.description),
            ("events", terms.events != before.terms.events),
            ("enabled", status != before.status),
        ]);
        let Some(mark) = mark else { return Ok(before) };
        let state = WebhookState { id, scope: before.scope, terms, status };
        save_webhook(env, tx, (&caller.author(), &mark), (&state, None)).await?;
        let after = tx.webhooks().find(id).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Deletes a webhook, with what it had still to tell.
///
/// # Errors
/// [`ChangeError`], also what `check` says of it.
pub async fn delete_webhook(
    env: &Env,
    caller: &Caller,
    id: WebhookId,
    check: impl FnOnce(&Webhook) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let change = async {
        let (mut change, webhook) = hold(env, caller, id).await?;
        check(&webhook)?;
        let Change { tx, caller, .. } = &mut change;
        tx.webhooks().delete(id).await?;
        let more = [("change", "deleted".to_owned())];
        tx.audit().insert(&event(env, caller, (Action::WebhookConfigured, id), more)?).await?;
        change.commit().await
    };
    caller.conclude(env, change).await
}

/// Replaces a webhook's secret. The one before signs as well for some hours.
///
/// # Errors
/// [`ChangeError`].
pub async fn rotate_secret(
    env: &Env,
    caller: &Caller,
    (id, overlap_hours): (WebhookId, u32),
    once: Option<&Once>,
) -> Result<(Webhook, Shown), ChangeError> {
    let change = async {
        if overlap_hours > MAX_OVERLAP_HOURS {
            let detail = format!("hours that both secrets sign: 0 to {MAX_OVERLAP_HOURS}");
            return Err(ChangeError::invalid("/overlap_hours", detail));
        }
        let (secret, sealed) = make_secret(env, caller, id).await?;
        let (mut change, before) = hold(env, caller, id).await?;
        let Change { tx, caller, .. } = &mut change;
        check_rights(caller, before.scope)?;
        if caller.claim(env, tx, once, id.as_uuid()).await?.is_some() {
            return Ok((before, None));
        }
        let now = env.clock.now();
        let until = now + Duration::hours(overlap_hours.into());
        let previous = (until > now).then_some((before.secrets.current, until));
        tx.webhooks().update_secrets(id, &WebhookSecrets { current: sealed, previous }, now).await?;
        let more = [("overlap_hours", overlap_hours.to_string())];
        tx.audit().insert(&event(env, caller, (Action::WebhookSecretRotated, id), more)?).await?;
        let after = tx.webhooks().find(id).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok((after, Some(secret.to_text())))
    };
    caller.conclude(env, change).await
}

/// Tries a webhook out: its receiver is sent the event that says so, whatever else it tells of.
///
/// # Errors
/// [`ChangeError`].
pub async fn test_webhook(
    env: &Env,
    caller: &Caller,
    id: WebhookId,
    once: Option<&Once>,
) -> Result<WebhookDelivery, ChangeError> {
    let change = async {
        let (mut change, webhook) = hold_enabled(env, caller, id).await?;
        let Change { tx, caller, .. } = &mut change;
        let tested = event(env, caller, (Action::WebhookTested, id), [])?;
        if let Some(before) = caller.claim(env, tx, once, tested.id.as_uuid()).await? {
            let found = tx.webhook_deliveries().find(id, EventId::from_uuid(before)).await?;
            return found.ok_or(ChangeError::Gone);
        }
        tx.audit().insert(&tested).await?;
        let place = EventPlace { at: tested.occurred_at, id: tested.id };
        let key = DeliveryKey { org_id: caller.org_id(), place };
        let delivery = set_aside(env, tx, (&webhook, key)).await?;
        change.commit().await?;
        Ok(delivery)
    };
    caller.conclude(env, change).await
}

/// Has a webhook go through what happened again from somewhere on, or pass some of it over.
///
/// # Errors
/// [`ChangeError`].
pub async fn replay(env: &Env, caller: &Caller, id: WebhookId, from: Since) -> Result<Webhook, ChangeError> {
    let change = async {
        // Before the organization's transaction: the log of all is read in another.
        let all = match find_webhook(env, caller, id).await?.ok_or(ChangeError::Missing)?.scope {
            WebhookScope::All => Some(find_all(env, from).await?),
            WebhookScope::Organization => None,
        };
        let (mut change, webhook) = hold(env, caller, id).await?;
        let Change { tx, caller, .. } = &mut change;
        check_rights(caller, webhook.scope)?;
        let (at, last) = match all {
            Some(found) => found,
            None => find_own(tx, from).await?,
        };
        if at > last {
            return Err(ChangeError::invalid("/after", "the cursor is ahead of the log"));
        }
        tx.webhooks().update_position(id, at, env.clock.now()).await?;
        let more = [("after", cursor_at(webhook.scope, at).to_string())];
        tx.audit().insert(&event(env, caller, (Action::WebhookReplayed, id), more)?).await?;
        let after = tx.webhooks().find(id).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Where a replay begins, and the end of what there is: in the organization's log.
async fn find_own(tx: &mut OrgTx, from: Since) -> Result<(i64, i64), ChangeError> {
    let last = tx.event_positions().find_last().await?;
    match from {
        Since::Cursor(EventCursor::Organization(position)) => Ok((position, last)),
        Since::Cursor(EventCursor::All(_)) => Err(foreign()),
        Since::Moment(moment) => Ok((tx.event_positions().find_before(moment).await?.unwrap_or(last), last)),
    }
}

/// The same in that of all.
async fn find_all(env: &Env, from: Since) -> Result<(i64, i64), ChangeError> {
    let last = find_place(env, None).await?;
    match from {
        Since::Cursor(EventCursor::All(place)) => Ok((place, last)),
        Since::Cursor(EventCursor::Organization(_)) => Err(foreign()),
        Since::Moment(moment) => Ok((find_place(env, Some(moment)).await?.min(last), last)),
    }
}

fn foreign() -> ChangeError {
    ChangeError::invalid("/after", "the cursor is of another log than the webhook tells of")
}

async fn find_place(env: &Env, since: Option<DateTime<Utc>>) -> Result<i64, ChangeError> {
    Ok(env.store.find_place(since).await?)
}

/// A webhook, and a page of what became of events at it, the latest first; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn list_deliveries(
    env: &Env,
    caller: &Caller,
    (id, status): (WebhookId, Option<DeliveryStatus>),
    page: PageOf<EventId>,
) -> Result<Option<(Webhook, Page<WebhookDelivery, EventId>)>, Failure> {
    let listed = caller.read(env, async |tx| {
        let Some(webhook) = tx.webhooks().find(id).await? else { return Ok(None) };
        Ok(Some((webhook, tx.webhook_deliveries().list(id, status, page).await?)))
    });
    listed.await
}

/// What became of one event; `None` if nothing is known of it.
///
/// # Errors
/// [`Failure`].
pub async fn find_delivery(
    env: &Env,
    caller: &Caller,
    (id, event): (WebhookId, EventId),
) -> Result<Option<WebhookDelivery>, Failure> {
    caller.read(env, async |tx| tx.webhook_deliveries().find(id, event).await).await
}

/// Has an event sent again, as if it had never been tried.
///
/// # Errors
/// [`ChangeError`].
pub async fn redeliver(
    env: &Env,
    caller: &Caller,
    (id, of): (WebhookId, EventId),
) -> Result<WebhookDelivery, ChangeError> {
    let change = async {
        let (mut change, webhook) = hold_enabled(env, caller, id).await?;
        let Change { tx, caller, .. } = &mut change;
        let before = tx.webhook_deliveries().find(id, of).await?.ok_or(ChangeError::Missing)?;
        let delivery = set_aside(env, tx, (&webhook, before.key)).await?;
        let more = [("event", of.to_string())];
        tx.audit().insert(&event(env, caller, (Action::WebhookRedelivered, id), more)?).await?;
        change.commit().await?;
        Ok(delivery)
    };
    caller.conclude(env, change).await
}

/// Where a webhook is, as a cursor of the log that it tells of.
pub fn cursor_of(webhook: &Webhook) -> EventCursor {
    cursor_at(webhook.scope, webhook.last_position)
}

const fn cursor_at(scope: WebhookScope, at: i64) -> EventCursor {
    match scope {
        WebhookScope::All => EventCursor::All(at),
        WebhookScope::Organization => EventCursor::Organization(at),
    }
}

/// Begins a change of a webhook, which waits for it.
async fn hold(env: &Env, caller: &Caller, id: WebhookId) -> Result<(Change, Webhook), ChangeError> {
    let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
    let webhook = change.tx.webhooks().hold(id).await?.ok_or(ChangeError::Missing)?;
    Ok((change, webhook))
}

/// The same of one that is sent something, by somebody who may have that.
async fn hold_enabled(env: &Env, caller: &Caller, id: WebhookId) -> Result<(Change, Webhook), ChangeError> {
    let (change, webhook) = hold(env, caller, id).await?;
    check_rights(&change.caller, webhook.scope)?;
    if webhook.status == WebhookStatus::Disabled {
        return Err(ChangeError::invalid("", "the webhook is disabled; enable it first"));
    }
    Ok((change, webhook))
}

/// Puts an event among what is tried again, and has it tried now.
async fn set_aside(
    env: &Env,
    tx: &mut OrgTx,
    (webhook, key): (&Webhook, DeliveryKey),
) -> Result<WebhookDelivery, ChangeError> {
    let (id, at, status) = (webhook.id, env.clock.now(), DeliveryStatus::Waiting);
    let next_try_at = Some(at);
    let attempt = Attempt { key, status, attempts: 0, http_status: None, failure: None, at, next_try_at };
    tx.webhook_deliveries().upsert(id, &attempt).await?;
    tx.webhooks().wake(id, at).await?;
    tx.webhook_deliveries().find(id, key.place.id).await?.ok_or(ChangeError::Missing)
}

/// What somebody lacks to have what happens sent somewhere: whoever may not read it could read it there.
pub fn missing_right(caller: &Caller, scope: WebhookScope) -> Option<OrgatePermission> {
    let needed: &[OrgatePermission] = match scope {
        WebhookScope::All => &[OrgatePermission::AuditRead, OrgatePermission::OrganizationsAct],
        WebhookScope::Organization => &[OrgatePermission::AuditRead],
    };
    needed.iter().copied().find(|needed| !caller.may(*needed))
}

fn check_rights(caller: &Caller, scope: WebhookScope) -> Result<(), ChangeError> {
    match missing_right(caller, scope) {
        Some(needed) => {
            let detail =
                format!("the permission {} is needed: the webhook tells what happens", needed.as_str());
            Err(ChangeError::above("", detail))
        }
        None => Ok(()),
    }
}

/// A secret, and how it is kept.
async fn make_secret(
    env: &Env,
    caller: &Caller,
    id: WebhookId,
) -> Result<(SigningSecret, Vec<u8>), ChangeError> {
    let secret = SigningSecret::from_bytes(env.random.bytes::<32>()?.to_vec());
    let sealed = seal_webhook_secret(env, &caller.scope, (id, &secret)).await?;
    Ok((secret, sealed))
}

fn event(
    env: &Env,
    caller: &Caller,
    (action, id): (Action, WebhookId),
    more: impl IntoIterator<Item = (&'static str, String)>,
) -> Result<Event, ChangeError> {
    let mut event = caller.done(env, action)?;
    event.detail.push(("webhook", id.to_string()));
    event.detail.extend(more);
    Ok(event)
}
