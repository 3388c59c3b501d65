//! The mail with the link that proves an address.

use askama::Template;
use chrono::{DateTime, Utc};
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use orgate_domain::credentials::{Credential, JoinLink};
use orgate_domain::joining::Entry;
use orgate_domain::organizations::OrgStatus;
use orgate_storage::{OrgScope, Settled};
use serde::{Deserialize, Serialize};

use super::entry_of;
use super::prove::find_settled;
use crate::sealed::Sealed;
use crate::{Env, Failure};

/// What the outbox calls it.
pub(crate) const JOIN: &str = "join";

/// What it says: nothing that whoever asked for it has typed but the address. It rests encrypted: the link is a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JoinMail {
    /// The address.
    pub(crate) to: String,
    /// The organization's name.
    pub(crate) organization: String,
    /// The link's secret.
    pub(crate) secret: String,
    /// The authorization request that waits in the browser that asked.
    pub(crate) handle: String,
    /// From when on it is worth nothing.
    pub(crate) expires_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "mail/join.txt")]
struct JoinText<'a> {
    mail: &'a JoinMail,
    url: &'a str,
    expires: &'a str,
    host: &'a str,
}

#[derive(Template)]
#[template(path = "mail/join.html")]
struct JoinHtml<'a> {
    mail: &'a JoinMail,
    url: &'a str,
    expires: &'a str,
    host: &'a str,
}

impl JoinMail {
    /// Encrypts it, before the transaction that it waits in is opened.
    pub(crate) async fn seal(&self, env: &Env, scope: &OrgScope) -> Result<Sealed, Failure> {
        Sealed::of(env, scope, JOIN, self).await
    }

    /// Whether whoever has the address can join with it, or ask to: nobody else gets a mail. Looked at here, and not where the
    /// address was typed, so that nothing there tells one address from another.
    pub(crate) async fn is_due(&self, env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
        let Ok(secret) = Credential::<JoinLink>::parse(&self.secret) else { return Ok(false) };
        let now = env.clock.now();
        let mut tx = env.store.begin(scope).await?;
        let request = tx.join_requests().find_by_token(&secret.hash()).await?;
        let request = request.filter(|request| request.proven_at.is_none() && now < request.expires_at);
        let organization = tx.organization().find().await?;
        let stands = organization.is_some_and(|found| found.status == OrgStatus::Active);
        let Some(request) = request.filter(|_| stands) else { return Ok(false) };
        let entry = entry_of(&mut tx, &request.email).await?.map_or(Entry::Closed, |(entry, _)| entry);
        let is_open = match find_settled(env, &mut tx, &request.email).await? {
            None => entry != Entry::Closed,
            Some(Settled::Open) => entry == Entry::Automatic,
            Some(Settled::Denied) => false,
        };
        let due = is_open && tx.users().find_by_email(&request.email).await?.is_none();
        tx.commit().await?;
        Ok(due)
    }

    pub(crate) fn compose(&self, env: &Env, from: &Mailbox) -> Option<Message> {
        let host = env.issuer.url().host_str().unwrap_or_default();
        let url = &env.issuer.at(&format!("/join/confirm?join={}&request={}", self.secret, self.handle));
        let expires = &self.expires_at.format("%-d %B %Y, %H:%M UTC").to_string();
        let text = JoinText { mail: self, url, expires, host }.render().ok()?;
        let html = JoinHtml { mail: self, url, expires, host }.render().ok()?;
        Message::builder()
            .from(from.clone())
            .to(self.to.parse().ok()?)
            .subject(format!("Confirm your address to join {}", self.organization))
            .multipart(MultiPart::alternative_plain_html(text, html))
            .ok()
    }
}
