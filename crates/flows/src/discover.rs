//! Discovery: "Where do you work?", answered by an organization's name, a verified domain, or a
//! mail to an address.
//!
//! **Invariant:** for an address, the answer, its time and what is stored are the same whether the
//! address is known or not. Which organizations it belongs to is looked up later, by the job that
//! sends the mail, and shown only to who reads it.

use orgate_domain::audit::{Action, Event};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{DiscoveryId, OrgId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::policies::DISCOVERY_LIFETIME;
use orgate_domain::resolution::Reason;
use orgate_storage::system::{OrgHint, ResolvedOrg};
use orgate_storage::{NewDiscoveryChallenge, ProvenAddress};
use serde::{Deserialize, Serialize};

use crate::authorize::{Next, Question, find_organization};
use crate::choose::{is_open, of_address, settle};
use crate::limits::{Limited, source};
use crate::sealed::Sealed;
use crate::waiting::{Waiting, WaitingError};
use crate::{Browser, Env, Failure, events};

/// Mails to one address within [`DISCOVERY_LIFETIME`], asked for from one place, and for one request. From
/// everywhere together it is four times as many: nobody can use them up for someone else from one place.
const MAILS: i64 = 3;

/// Organizations that share a domain and are shown.
const SHARED_SHOWN: usize = 20;

/// Times that a code may be typed.
const TRIES: i32 = 5;

/// Letters and digits that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What the answer to "Where do you work?" leads to.
#[derive(Debug)]
pub enum Discovered {
    /// A mail was sent to the address, if it is known: the page says so either way.
    MailSent(String),
    /// On to the organization.
    Next(Box<Next>),
    /// The address's domain is several organizations': the person says which.
    Several(Vec<Shared>),
    /// Neither an address nor an organization that can be entered.
    NotFound,
}

/// One of the organizations that share a domain.
#[derive(Debug)]
pub struct Shared {
    /// Its short name: the answer that leads to it.
    pub slug: Slug,
    /// Its name.
    pub name: DisplayName,
}

/// What a typed code leads to.
#[derive(Debug)]
pub enum Proven {
    /// On: to the one organization, or to the chooser.
    Next(Box<Next>),
    /// The code is not the one, or no try is left.
    WrongCode,
}

/// What waits in the outbox.
#[derive(Serialize, Deserialize)]
pub(crate) struct DiscoveryMessage {
    pub(crate) email: String,
    pub(crate) code: String,
    pub(crate) handle: String,
    pub(crate) client_name: String,
}

/// Follows the answer. `handle` is the request's, for the links of the mail; `address` is what was typed before,
/// where the answer says which of its organizations is meant.
///
/// # Errors
/// [`WaitingError`].
pub async fn discover(
    env: &Env,
    waiting: Waiting,
    (handle, answer, address): (&str, &str, Option<&str>),
    browser: &Browser,
) -> Result<Discovered, WaitingError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let answer = answer.trim();
    if let Ok(email) = Email::parse(answer) {
        let mut open = Vec::new();
        for resolved in env.store.resolve_domain(&email.domain()).await.map_err(Failure::from)? {
            if is_open(env, &waiting, &resolved).await? {
                open.push(resolved);
            }
        }
        if let [resolved] = open.as_slice() {
            let waiting = hinted(waiting, Some(&email));
            let next = settle(env, waiting, (resolved, Reason::Discovered), browser).await?;
            return Ok(Discovered::Next(Box::new(next)));
        }
        if !open.is_empty() {
            return Ok(Discovered::Several(named(env, &open).await?));
        }
        request_mail(env, &waiting, (handle, &email), browser).await?;
        return Ok(Discovered::MailSent(email.as_str().to_owned()));
    }
    match find_organization(env, &answer.to_lowercase()).await? {
        Some(resolved) if is_open(env, &waiting, &resolved).await? => {
            let typed = address.and_then(|address| Email::parse(address).ok());
            let waiting = hinted(waiting, typed.as_ref());
            let next = settle(env, waiting, (&resolved, Reason::Discovered), browser).await?;
            Ok(Discovered::Next(Box::new(next)))
        }
        _ => {
            let event =
                events::refused(env, Action::DiscoveryRefused, "unknown_organization", &browser.origin)
                    .map_err(Failure::from)?;
            let event = Event { client: Some(waiting.client().key()), ..event };
            env.refusals.record(env, &waiting.scope, event).await.map_err(Failure::from)?;
            Ok(Discovered::NotFound)
        }
    }
}

/// The request, for who has typed `email`.
fn hinted(mut waiting: Waiting, email: Option<&Email>) -> Waiting {
    if let Some(email) = email {
        waiting.pending.asked.login_hint = Some(email.as_str().to_owned());
    }
    waiting
}

/// What the organizations that share a domain are called. They chose to be found by it.
async fn named(env: &Env, open: &[ResolvedOrg]) -> Result<Vec<Shared>, Failure> {
    let mut several = Vec::new();
    for resolved in open.iter().take(SHARED_SHOWN) {
        let mut tx = env.store.begin(&resolved.scope).await?;
        let organization = tx.organization().find().await?;
        tx.commit().await?;
        several.extend(
            organization.map(|organization| Shared { slug: organization.slug, name: organization.name }),
        );
    }
    several.sort_by(|a, b| a.name.as_str().cmp(b.name.as_str()));
    Ok(several)
}

async fn request_mail(
    env: &Env,
    waiting: &Waiting,
    (handle, email): (&str, &Email),
    browser: &Browser,
) -> Result<(), Failure> {
    let now = env.clock.now();
    let code = typed_code(env.random.bytes::<8>()?);
    let message = DiscoveryMessage {
        email: email.as_str().to_owned(),
        code: code.clone(),
        handle: handle.to_owned(),
        client_name: waiting.client().name.as_str().to_owned(),
    };
    let mail = Sealed::of(env, &waiting.scope, "discovery_mail", &message).await?;
    let address = env.vault.proven_address(email);
    let challenge = NewDiscoveryChallenge {
        id: DiscoveryId::from_uuid(env.random.uuid(now)?),
        request_id: waiting.asked().id,
        email: address.hash,
        other_email: address.other,
        source: env.vault.account_hash(
            waiting.scope.org_id(),
            email.normalized(),
            &source(browser.origin.address).to_string(),
        ),
        code: env.vault.typed_code_hash(waiting.asked().id.as_uuid().as_bytes(), &code),
        tries: TRIES,
        created_at: now,
        expires_at: now + DISCOVERY_LIFETIME,
    };
    let mut tx = env.store.begin(&waiting.scope).await?;
    if !tx.discovery_challenges().insert(&challenge, MAILS, now - DISCOVERY_LIFETIME).await? {
        drop(tx);
        let event = events::refused(env, Action::DiscoveryRefused, "too_many_mails", &browser.origin)?;
        let event = Event { client: Some(waiting.client().key()), ..event };
        env.refusals.record(env, &waiting.scope, event).await?;
        return Ok(());
    }
    mail.send(&mut tx).await?;
    let event = events::done(env, Action::DiscoveryRequested, &browser.origin)?;
    tx.audit().insert(&Event { client: Some(waiting.client().key()), ..event }).await?;
    Ok(tx.commit().await?)
}

/// Checks a typed code. If it is right, the request goes on with the address proven: into
/// `organization` if that is one of the address's, else into the only one, else to the chooser.
///
/// # Errors
/// [`WaitingError`].
pub async fn prove(
    env: &Env,
    waiting: Waiting,
    (code, organization): (&str, Option<OrgId>),
    browser: &Browser,
) -> Result<Proven, WaitingError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let Some(address) = check_code(env, &waiting, code, browser).await? else {
        return Ok(Proven::WrongCode);
    };
    let mut waiting = waiting;
    waiting.pending.asked.proven_address = Some(address);
    let choices = of_address(env, &waiting, &address).await?;
    let chosen = match (organization, choices.as_slice()) {
        (Some(wanted), choices) => choices.iter().find(|choice| choice.scope.org_id() == wanted),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let next = match chosen {
        Some(choice) => {
            let resolved =
                env.store.resolve(OrgHint::Id(choice.scope.org_id())).await.map_err(Failure::from)?;
            let resolved = resolved.ok_or(WaitingError::Over)?;
            settle(env, waiting, (&resolved, Reason::Discovered), browser).await?
        }
        None => to_chooser(env, waiting).await?,
    };
    Ok(Proven::Next(Box::new(next)))
}

/// The address that the code proves. A try is spent whatever the answer.
async fn check_code(
    env: &Env,
    waiting: &Waiting,
    code: &str,
    browser: &Browser,
) -> Result<Option<ProvenAddress>, Failure> {
    let now = env.clock.now();
    let request_id = waiting.asked().id;
    let code = normalized(code);
    let is_right =
        |expected: &SecretHash| env.vault.check_typed_code(request_id.as_uuid().as_bytes(), &code, expected);
    let mut tx = env.store.begin(&waiting.scope).await?;
    let challenge = tx.discovery_challenges().take_try(request_id, now).await?;
    let right = challenge.filter(|challenge| is_right(&challenge.code));
    let proven = match right {
        Some(challenge) if tx.discovery_challenges().consume(challenge.id, now).await? => {
            let event = events::done(env, Action::DiscoveryProven, &browser.origin)?;
            tx.audit().insert(&Event { client: Some(waiting.client().key()), ..event }).await?;
            Some(challenge.address)
        }
        _ => {
            let event = events::refused(env, Action::DiscoveryRefused, "wrong_code", &browser.origin)?;
            tx.audit().insert(&Event { client: Some(waiting.client().key()), ..event }).await?;
            None
        }
    };
    tx.commit().await?;
    Ok(proven)
}

/// The request's successor, still with the client's owner, with the address proven.
async fn to_chooser(env: &Env, mut waiting: Waiting) -> Result<Next, WaitingError> {
    let now = env.clock.now();
    let mut tx = env.store.begin(&waiting.scope).await.map_err(Failure::from)?;
    if !tx.authorization_requests().consume(waiting.asked().id, now).await.map_err(Failure::from)? {
        return Err(WaitingError::Over);
    }
    let handle = crate::authorize::store(env, &mut tx, &mut waiting.pending.asked).await?;
    tx.commit().await.map_err(Failure::from)?;
    Ok(Next::Ask(Question::Choose, handle))
}

/// 40 random bits as `ABCD-EFGH`.
fn typed_code(random: [u8; 8]) -> String {
    let letters =
        random.iter().map(|byte| ALPHABET.get(usize::from(byte & 31)).map_or('0', |b| char::from(*b)));
    let mut code: String = letters.collect();
    code.insert(4, '-');
    code
}

/// What was typed, as it was mailed: case, spaces and hyphens carry no meaning, nor do the letters
/// that look like digits.
fn normalized(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).take(16).map(|letter| {
        match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        }
    });
    let mut code: String = letters.collect();
    if code.len() >= 4 {
        code.insert(4, '-');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_can_be_typed_carelessly() {
        let code = typed_code([0, 1, 31, 10, 17, 30, 2, 255]);

        assert_eq!(code, "01ZA-HY2Z");
        assert_eq!(normalized(" oiza hy2z"), code);
        assert_eq!(normalized("OLZAHY2Z"), code);
        assert_ne!(normalized("01ZA-HY2"), code);
    }
}
