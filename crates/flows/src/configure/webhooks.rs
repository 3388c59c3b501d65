//! Writing a webhook.

use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::WebhookId;
use orgate_domain::webhooks::{EventFilter, MAX_DESCRIPTION, MAX_FILTERS};
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::{
    NewWebhook, OrgScope, OrgTx, WebhookScope, WebhookSecrets, WebhookStatus, WebhookTerms,
};
use url::Url;

use super::{Author, Mark};
use crate::vault::Purpose;
use crate::{Env, Failure, events};

/// Characters of an address at most.
const MAX_URL: usize = 2_000;

/// A webhook as it is to be.
#[derive(Debug)]
pub(crate) struct WebhookState {
    pub(crate) id: WebhookId,
    pub(crate) scope: WebhookScope,
    pub(crate) terms: WebhookTerms,
    pub(crate) status: WebhookStatus,
}

/// What a webhook has that is new.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning<'a> {
    /// Its secret, encrypted.
    pub(crate) secret: &'a [u8],
    /// The last event of all organizations' log that it does not tell of; `None`: the last of its organization's own.
    pub(crate) place: Option<i64>,
    /// How many its organization may have.
    pub(crate) most: u32,
}

/// What cannot be in a webhook's terms, and why.
#[derive(Debug)]
pub(crate) struct TermsFault {
    pub(crate) field: String,
    pub(crate) detail: String,
}

impl TermsFault {
    fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }
}

/// Whether a webhook can be like this.
///
/// # Errors
/// [`TermsFault`]: the first.
pub(crate) fn check_webhook(env: &Env, terms: &WebhookTerms) -> Result<(), TermsFault> {
    // The parser passes blanks and line breaks over, which would be kept.
    let clean = |text: &str| text.trim() == text && !text.contains(char::is_control);
    let url = Url::parse(&terms.url).ok().filter(|_| terms.url.len() <= MAX_URL && clean(&terms.url));
    let url =
        url.ok_or_else(|| TermsFault::new("url", format!("an address of up to {MAX_URL} characters")))?;
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(TermsFault::new("url", "an address without credentials and fragment"));
    }
    env.outgoing.check(&url).map_err(|error| TermsFault::new("url", error.to_string()))?;
    let fits = |text: &String| text.chars().count() <= MAX_DESCRIPTION && !text.contains(char::is_control);
    if !terms.description.as_ref().is_none_or(fits) {
        let detail = format!("up to {MAX_DESCRIPTION} characters, none of them a control character");
        return Err(TermsFault::new("description", detail));
    }
    let Some(filters) = &terms.events else { return Ok(()) };
    if filters.is_empty() || filters.len() > MAX_FILTERS {
        return Err(TermsFault::new(
            "events",
            format!("1 to {MAX_FILTERS} events, unless it is to be told of all"),
        ));
    }
    for (place, filter) in filters.iter().enumerate() {
        EventFilter::parse(filter)
            .map_err(|error| TermsFault::new(format!("events/{place}"), error.to_string()))?;
    }
    Ok(())
}

/// How a webhook's secret is kept.
pub(crate) async fn seal_webhook_secret(
    env: &Env,
    scope: &OrgScope,
    (id, secret): (WebhookId, &SigningSecret),
) -> Result<Vec<u8>, Failure> {
    Ok(env.vault.seal(env, scope, (Purpose::WebhookSecret, &*id.to_string()), secret.as_bytes()).await?)
}

/// Makes a webhook. `false`: there are as many as there may be.
pub(crate) async fn insert_webhook(
    env: &Env,
    tx: &mut OrgTx,
    (author, state): (&Author, &WebhookState),
    beginning: Beginning<'_>,
) -> Result<bool, Failure> {
    let WebhookState { id, scope, terms, status } = state;
    let last_position = match beginning.place {
        Some(place) => place,
        None => tx.event_positions().find_last().await?,
    };
    let new = NewWebhook { id: *id, scope: *scope, terms, secret: beginning.secret, last_position };
    if !tx.webhooks().insert(&new, (beginning.most.into(), env.clock.now())).await? {
        return Ok(false);
    }
    if *status == WebhookStatus::Disabled {
        tx.webhooks().update(*id, (terms, *status), env.clock.now()).await?;
    }
    let host = Url::parse(&terms.url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let mut event = event_of(env, (author, &Mark::Created), *id)?;
    event.detail.extend([("scope", scope.as_str().to_owned()), ("host", host.unwrap_or_default())]);
    tx.audit().insert(&event).await?;
    Ok(true)
}

/// Changes a webhook, and has another secret sign alone from now on, if there is one.
pub(crate) async fn save_webhook(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (state, secret): (&WebhookState, Option<&[u8]>),
) -> Result<(), Failure> {
    let (WebhookState { id, terms, status, .. }, now) = (state, env.clock.now());
    if let Some(secret) = secret {
        let secrets = WebhookSecrets { current: secret.to_vec(), previous: None };
        tx.webhooks().update_secrets(*id, &secrets, now).await?;
        let mut event = author.about(events::done(env, Action::WebhookSecretRotated, &author.origin)?);
        event.detail = author.detail.clone();
        event.detail.extend([("webhook", id.to_string()), ("overlap_hours", "0".to_owned())]);
        tx.audit().insert(&event).await?;
    }
    if mark.is_only("secret") {
        return Ok(());
    }
    tx.webhooks().update(*id, (terms, *status), now).await?;
    Ok(tx.audit().insert(&event_of(env, (author, mark), *id)?).await?)
}

fn event_of(env: &Env, (author, mark): (&Author, &Mark), id: WebhookId) -> Result<Event, Failure> {
    let mut event = author.done(env, Action::WebhookConfigured, mark)?;
    event.detail.push(("webhook", id.to_string()));
    Ok(event)
}
