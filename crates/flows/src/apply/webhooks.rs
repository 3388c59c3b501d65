//! Comparing an organization's webhooks, which are found by their addresses.

use std::collections::BTreeSet;

use orgate_domain::ids::WebhookId;
use orgate_domain::names::Slug;
use orgate_protocol::webhooks::SigningSecret;
use orgate_storage::{OrgScope, StorageError, Webhook, WebhookStatus, WebhookTerms};

use super::plan::{SecretChange, Subject};
use super::planner::{Known, Planner};
use super::wanted::{Kind, Secret, WantedOrganization, WantedWebhook};
use crate::configure::{Mark, WebhookState, check_webhook};
use crate::vault::Purpose;
use crate::{Env, Failure};

impl Planner<'_> {
    /// Compares the webhooks that an entry describes, and notes which others go.
    pub(super) async fn webhooks(
        &mut self,
        wanted: &WantedOrganization,
        known: &Known,
    ) -> Result<(), Failure> {
        let here = (&wanted.slug.value, known.scope);
        let stored = list(self.env, known).await?;
        for webhook in &wanted.webhooks {
            let before = stored.iter().find(|before| before.terms.url == webhook.url.value);
            self.webhook(here, (webhook, before)).await?;
        }
        if self.prunes(wanted, Kind::Webhooks) {
            let named: BTreeSet<_> = wanted.webhooks.iter().map(|webhook| &webhook.url.value).collect();
            let unnamed = stored.into_iter().filter(|webhook| !named.contains(&webhook.terms.url));
            let gone = unnamed.filter(|webhook| webhook.status == WebhookStatus::Enabled).map(silenced);
            self.note_pruned(here, gone.collect());
        }
        Ok(())
    }

    async fn webhook(
        &mut self,
        here: (&Slug, OrgScope),
        (wanted, before): (&WantedWebhook, Option<&Webhook>),
    ) -> Result<(), Failure> {
        let WantedWebhook { url, scope, description, events, status, secret } = wanted;
        let (description, events) = (description.clone(), events.clone());
        let terms = WebhookTerms { url: url.value.clone(), description, events };
        if let Err(fault) = check_webhook(self.env, &terms) {
            self.problems.add(&url.place, format!("{}: {}", fault.field, fault.detail));
        }
        let Some(before) = before else {
            let id = WebhookId::from_uuid(self.env.random.uuid(self.env.clock.now())?);
            let status = status.unwrap_or(WebhookStatus::Enabled);
            let state = Box::new(WebhookState { id, scope: *scope, terms, status });
            let secret = secret.clone().map_or(SecretChange::Generate, SecretChange::Set);
            self.note(here, Some(Mark::Created), Subject::Webhook(state, secret));
            return Ok(());
        };
        if *scope != before.scope {
            self.problems.add(&url.place, "scope: a webhook keeps the one that it was made with");
        }
        let secret = match secret {
            Some(secret) if differs(self.env, &here.1, (secret, before)).await? => {
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
        self.note(here, mark, Subject::Webhook(state, secret));
        Ok(())
    }
}

/// One that is sent nothing any more.
fn silenced(webhook: Webhook) -> (Mark, Subject) {
    let Webhook { id, scope, terms, .. } = webhook;
    let state = Box::new(WebhookState { id, scope, terms, status: WebhookStatus::Disabled });
    (Mark::Changed(vec!["enabled"]), Subject::Webhook(state, SecretChange::Keep))
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
