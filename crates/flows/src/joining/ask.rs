//! Somebody on the way to an application types the address that they want to join with.

use orgate_domain::audit::{Action, Event};
use orgate_domain::credentials::JoinLink;
use orgate_domain::email::Email;
use orgate_domain::ids::JoinRequestId;
use orgate_domain::joining::{LINK_LIFETIME, message};
use orgate_domain::names::DisplayName;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_storage::NewJoinRequest;

use super::is_offered;
use super::mail::JoinMail;
use crate::invitations::{Problem, Wrong};
use crate::limits::{Limited, source};
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

/// What the page is about.
#[derive(Debug)]
pub struct JoinPage {
    /// The request that waits meanwhile.
    pub waiting: Waiting,
    /// The organization that it is in, and that one can join.
    pub organization: Organization,
}

/// What was typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Typed<'a> {
    /// The address.
    pub email: &'a str,
    /// What they call themselves; empty: nothing.
    pub name: &'a str,
    /// What they have to say to the administrators; empty: nothing.
    pub message: &'a str,
}

/// What became of it.
#[derive(Debug)]
pub enum Asked {
    /// Back to the form.
    Invalid(Vec<Problem>),
    /// A mail is sent, if whoever has the address can join with it: the page says so either way.
    MailSent(Email),
}

/// What is kept of what was typed.
struct Read {
    email: Email,
    name: Option<DisplayName>,
    message: Option<String>,
}

/// Loads what the page shows.
///
/// # Errors
/// [`WaitingError::Over`] also where nobody can join.
pub async fn join_page(env: &Env, handle: &str, browser: &Browser) -> Result<JoinPage, WaitingError> {
    let waiting = take_up(env, handle, browser).await?;
    let organization = waiting.organization.clone().filter(|found| found.status == OrgStatus::Active);
    let organization = organization.ok_or(WaitingError::Over)?;
    if !waiting.is_resolved() || !is_offered(env, &waiting.scope).await? {
        return Err(WaitingError::Over);
    }
    Ok(JoinPage { waiting, organization })
}

/// Has a link mailed to the address, unless too many were. `handle` is the request's, for the way back to it.
///
/// # Errors
/// [`WaitingError`].
pub async fn ask(
    env: &Env,
    page: &JoinPage,
    (handle, typed): (&str, Typed<'_>),
    browser: &Browser,
) -> Result<Asked, WaitingError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let read = match read(typed) {
        Ok(read) => read,
        Err(problems) => return Ok(Asked::Invalid(problems)),
    };
    // Before a connection to the database is held: those are for all organizations.
    let _turn = env.limits.take_turn_to_join(page.waiting.scope.org_id()).await.map_err(Failure::from)?;
    order(env, page, (handle, &read), browser).await?;
    Ok(Asked::MailSent(read.email))
}

fn read(typed: Typed<'_>) -> Result<Read, Vec<Problem>> {
    let mut problems = Vec::new();
    // As it is compared: what is mailed is what is proven.
    let email = Email::parse(typed.email).and_then(|email| Email::parse(email.normalized()));
    if email.is_err() {
        problems.push(Problem { field: "email", why: Wrong::Email });
    }
    let name = typed.name.trim();
    let name = if name.is_empty() { Ok(None) } else { DisplayName::parse(name).map(Some) };
    if name.is_err() {
        problems.push(Problem { field: "name", why: Wrong::NameIfAny });
    }
    let message = message(typed.message);
    if message.is_err() {
        problems.push(Problem { field: "message", why: Wrong::Message });
    }
    match (email, name, message) {
        (Ok(email), Ok(name), Ok(message)) => Ok(Read { email, name, message }),
        _ => Err(problems),
    }
}

/// Keeps the address, and has the mail wait: the same for whichever it is.
async fn order(
    env: &Env,
    page: &JoinPage,
    (handle, read): (&str, &Read),
    browser: &Browser,
) -> Result<(), Failure> {
    let (now, scope, client) = (env.clock.now(), &page.waiting.scope, page.waiting.client().key());
    let secret = env.random.credential::<JoinLink>(scope.org_id())?;
    let mail = JoinMail {
        to: read.email.as_str().to_owned(),
        organization: page.organization.name.as_str().to_owned(),
        secret: secret.reveal().to_owned(),
        handle: handle.to_owned(),
        expires_at: now + LINK_LIFETIME,
    };
    let mail = mail.seal(env, scope).await?;
    let id = JoinRequestId::from_uuid(env.random.uuid(now)?);
    let place = source(browser.origin.address).to_string();
    let new = NewJoinRequest {
        id,
        token: secret.hash(),
        email: &read.email,
        source: env.vault.account_hash(scope.org_id(), "join", &place),
        name: read.name.as_ref(),
        message: read.message.as_deref(),
        client,
        at: now,
        expires_at: now + LINK_LIFETIME,
    };
    let mut tx = env.store.begin(scope).await?;
    if !tx.join_requests().insert(&new, now - LINK_LIFETIME).await? {
        drop(tx);
        let event = events::refused(env, Action::JoinRefused, "too_many_mails", &browser.origin)?;
        env.refusals.record(env, scope, Event { client: Some(client), ..event }).await?;
        return Ok(());
    }
    mail.send(&mut tx).await?;
    let event = events::done(env, Action::JoinBegun, &browser.origin)?;
    let detail = vec![("join_request", id.to_string())];
    tx.audit().insert(&Event { client: Some(client), detail, ..event }).await?;
    Ok(tx.commit().await?)
}
