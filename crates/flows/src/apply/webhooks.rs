//! Comparing an organization's webhooks, which are found by their addresses.

use std::collections::BTreeSet;

use orgate_domain::ids::WebhookId;
use orgate_domain::quotas::Quota;
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::{OrgScope, OrgTx, StorageError, Webhook, WebhookStatus, WebhookTerms};
use url::Url;

use super::plan::{Change, SecretChange, Subject, Why};
use super::planner::{Known, Planner};
use super::wanted::{Kind, Secret, WantedOrganization, WantedWebhook};
use crate::configure::{Author, Beginning, Mark, WebhookState, check_webhook, insert_webhook, save_webhook};
use crate::vault::Purpose;
use crate::{Env, Failure};

impl Planner<'_> {
    /// Compares the webhooks that an entry describes, and notes which others go; in a step of their own: a secret can be
    /// encrypted only where the organization is already.
    pub(super) async fn webhooks(
        &mut self,
        wanted: &WantedOrganization,
        known: &Known,
    ) -> Result<(), Failure> {
        let here = (&wanted.slug.value, known.scope);
        let stored = list(self.env, known).await?;
        let mut noted = Vec::with_capacity(wanted.webhooks.len());
        for webhook in &wanted.webhooks {
            let before = stored.iter().find(|before| address(&before.terms.url) == webhook.url.value);
            noted.push(self.webhook(known, (webhook, before)).await?);
        }
        let new = noted.iter().filter(|(mark, _)| *mark == Some(Mark::Created)).count();
        let most = Quota::Webhooks.most();
        if let Some(first) = wanted.webhooks.first()
            && u32::try_from(stored.len() + new).is_ok_and(|all| all > most)
        {
            self.problems.add(&first.url.place, format!("webhooks: at most {most} of an organization"));
        }
        self.note_apart(here, noted);
        if self.prunes(wanted, Kind::Webhooks) {
            let named: BTreeSet<_> =
                wanted.webhooks.iter().map(|webhook| webhook.url.value.clone()).collect();
            let unnamed = stored.into_iter().filter(|webhook| !named.contains(&address(&webhook.terms.url)));
            let gone = unnamed.filter(|webhook| webhook.status == WebhookStatus::Enabled).map(silenced);
            self.note_pruned(here, gone.collect());
        }
        Ok(())
    }

    async fn webhook(
        &mut self,
        known: &Known,
        (wanted, before): (&WantedWebhook, Option<&Webhook>),
    ) -> Result<(Option<Mark>, Subject), Failure> {
        let WantedWebhook { url, scope, description, events, status, secret } = wanted;
        let (description, events) = (description.clone(), events.clone());
        let kept = before.map_or(&url.value, |before| &before.terms.url);
        let terms = WebhookTerms { url: kept.clone(), description, events };
        if let Err(fault) = check_webhook(self.env, &terms) {
            self.problems.add(&url.place, format!("{}: {}", fault.field, fault.detail));
        }
        let Some(before) = before else {
            let id = WebhookId::from_uuid(self.env.random.uuid(self.env.clock.now())?);
            let status = status.unwrap_or(WebhookStatus::Enabled);
            let state = Box::new(WebhookState { id, scope: *scope, terms, status });
            let secret = secret.clone().map_or(SecretChange::Generate, SecretChange::Set);
            return Ok((Some(Mark::Created), Subject::Webhook(state, secret)));
        };
        if *scope != before.scope {
            self.problems.add(&url.place, "scope: a webhook keeps the one that it was made with");
        }
        let secret = match secret {
            Some(secret) if differs(self.env, &known.scope, (secret, before)).await? => {
                SecretChange::Set(secret.clone())
            }
            Some(_) | None => SecretChange::Keep,
        };
        let status = status.unwrap_or(before.status);
        let mark = Mark::of([
            ("description", terms.description != before.terms.description),
            ("events", terms.events != before.terms.events),
            ("enabled", status != before.status),
            ("secret", matches!(secret, SecretChange::Set(_))),
        ]);
        let state = Box::new(WebhookState { id: before.id, scope: before.scope, terms, status });
        Ok((mark, Subject::Webhook(state, secret)))
    }
}

/// An address as it is compared: there are several spellings of one.
fn address(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), Url::into)
}

/// One that is sent nothing any more.
fn silenced(webhook: Webhook) -> (Mark, Subject) {
    let Webhook { id, scope, terms, .. } = webhook;
    let state = Box::new(WebhookState { id, scope, terms, status: WebhookStatus::Disabled });
    (Mark::Changed(vec!["enabled"]), Subject::Webhook(state, SecretChange::Keep))
}

/// Writes a webhook, as it is by now where the files do not say otherwise: since the plan somebody may have changed it.
pub(super) async fn save(
    env: &Env,
    tx: &mut OrgTx,
    (change, state): (&Change, &WebhookState),
    (sealed, place): (Option<&[u8]>, Option<i64>),
) -> Result<(), Failure> {
    let author = Author::operator();
    let meanwhile = |what: &str| StorageError::Conflict { constraint: what.to_owned() };
    if change.mark == Mark::Created {
        // Files are bounded by nothing but what there may be at all.
        let beginning = Beginning { secret: sealed.unwrap_or_default(), place, most: Quota::Webhooks.most() };
        let made = insert_webhook(env, tx, (&author, state), beginning).await?;
        return if made { Ok(()) } else { Err(meanwhile("room for no more webhooks").into()) };
    }
    let pruned = change.why == Why::Pruned;
    let held = tx.webhooks().hold(state.id).await?;
    let held = held.filter(|held| pruned || held.terms.url == state.terms.url);
    let Some(held) = held else {
        return if pruned { Ok(()) } else { Err(meanwhile("no such webhook any more").into()) };
    };
    let status = if change.mark.touches("enabled") { state.status } else { held.status };
    let terms = if pruned { held.terms } else { state.terms.clone() };
    let state = WebhookState { id: held.id, scope: held.scope, terms, status };
    save_webhook(env, tx, (&author, &change.mark), (&state, sealed)).await
}

/// Whether a webhook signs by another secret.
async fn differs(
    env: &Env,
    scope: &OrgScope,
    (wanted, stored): (&Secret, &Webhook),
) -> Result<bool, Failure> {
    let row = (Purpose::WebhookSecret, &*stored.id.to_string());
    let known = env.vault.open(env, scope, row, &stored.secrets.current).await?;
    let wanted = SigningSecret::parse(wanted.reveal()).ok();
    Ok(wanted.is_none_or(|wanted| *wanted.as_bytes() != **known))
}

async fn list(env: &Env, known: &Known) -> Result<Vec<Webhook>, StorageError> {
    if known.is_new {
        return Ok(Vec::new());
    }
    let mut tx = env.store.begin(&known.scope).await?;
    let stored = tx.webhooks().list().await?;
    tx.commit().await?;
    Ok(stored)
}
