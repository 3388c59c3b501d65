//! The jobs that empty the outbox.

use askama::Template;
use chrono::{DateTime, Duration, Utc};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport as _, Message, Tokio1Executor};
use orgate_domain::email::Email;
use orgate_domain::ids::MessageId;
use orgate_domain::joining::LINK_LIFETIME;
use orgate_domain::policies::DISCOVERY_LIFETIME;
use orgate_storage::{OrgScope, WaitingMessage};
use tokio::task::JoinSet;

use crate::discover::DiscoveryMessage;
use crate::invitations::mail::{INVITATION, InvitationMail};
use crate::joining::mail::{JOIN, JoinMail};
use crate::logout_notice::{LOGOUT_LIMIT, LOGOUT_NOTICE, LogoutNotice};
use crate::notices::{NOTICE, Notice};
use crate::vault::Purpose;
use crate::{Env, Failure};

/// Sends mail.
#[derive(Debug, Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Why mail cannot be sent: the configuration, not the moment.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// The sender does not parse.
    #[error("mail.from is not an address")]
    From(#[from] lettre::address::AddressError),
    /// The SMTP server's address does not parse.
    #[error("mail.smtp_url is not an smtp:// or smtps:// address")]
    Url(#[from] lettre::transport::smtp::Error),
}

/// The kind of discovery mails in the outbox.
const DISCOVERY: &str = "discovery_mail";

/// Mails claimed at a time: few enough that each is sent before its claim lapses.
const BATCH: usize = 10;

/// Clients told at a time.
const TELLING: usize = 64;

/// A claimed message is another node's again after this long.
const CLAIM: Duration = Duration::minutes(2);

/// A notice is given up after this long; a code when it has lapsed.
const NOTICE_LIMIT: Duration = Duration::days(3);

#[derive(Template)]
#[template(path = "mail/discovery.txt")]
struct DiscoveryText<'a> {
    client_name: &'a str,
    host: &'a str,
    organizations: &'a [MailLink],
    code: &'a str,
    expires_minutes: u32,
}

#[derive(Template)]
#[template(path = "mail/discovery.html")]
struct DiscoveryHtml<'a> {
    client_name: &'a str,
    host: &'a str,
    organizations: &'a [MailLink],
    code: &'a str,
    expires_minutes: u32,
}

struct MailLink {
    name: String,
    url: String,
}

impl Mailer {
    /// A mailer for `smtp_url` (`smtp://host:port`, `smtps://user:password@host`).
    ///
    /// # Errors
    /// [`MailerError`].
    pub fn new(smtp_url: &str, from: &str) -> Result<Self, MailerError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp_url)?
            .timeout(Some(std::time::Duration::from_secs(10)))
            .build();
        Ok(Self { transport, from: from.parse()? })
    }
}

/// Sends the mail that is due, once; how many messages were due.
///
/// # Errors
/// [`Failure`] of the database; what could not be sent is tried again later.
pub async fn deliver(env: &Env, mailer: &Mailer) -> Result<usize, Failure> {
    let due = claim(env, &[DISCOVERY, NOTICE, INVITATION, JOIN], BATCH).await?;
    let count = due.len();
    for (scope, id) in due {
        if let Err(error) = deliver_mail(env, mailer, (&scope, id)).await {
            left((&scope, id), &error);
        }
    }
    Ok(count)
}

/// Begins to tell clients of the sessions that ended; how many messages were due. Each is told by a task of its own, so that
/// a client that does not answer holds up nobody else.
///
/// # Errors
/// [`Failure`] of the database; who could not be told is tried again later.
pub async fn tell_clients(env: &Env, telling: &mut JoinSet<()>) -> Result<usize, Failure> {
    while telling.try_join_next().is_some() {}
    if telling.len() >= TELLING {
        telling.join_next().await;
    }
    let due = claim(env, &[LOGOUT_NOTICE], TELLING.saturating_sub(telling.len())).await?;
    let count = due.len();
    for (scope, id) in due {
        let env = env.clone();
        telling.spawn(async move {
            if let Err(error) = tell_client(&env, (&scope, id)).await {
                left((&scope, id), &error);
            }
        });
    }
    Ok(count)
}

async fn claim(env: &Env, kinds: &[&str], most: usize) -> Result<Vec<(OrgScope, MessageId)>, Failure> {
    let now = env.clock.now();
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    Ok(env.store.claim_messages(kinds, (now, now + CLAIM), most).await?)
}

/// The claim lapses, and the message is tried again.
fn left((scope, id): (&OrgScope, MessageId), error: &Failure) {
    tracing::warn!(org.id = %scope.org_id(), message.id = %id, %error, "a message was left");
}

async fn find(env: &Env, scope: &OrgScope, id: MessageId) -> Result<Option<WaitingMessage>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let waiting = tx.outbox().find(id).await?;
    tx.commit().await?;
    Ok(waiting)
}

async fn deliver_mail(
    env: &Env,
    mailer: &Mailer,
    (scope, id): (&OrgScope, MessageId),
) -> Result<(), Failure> {
    let Some(message) = find(env, scope, id).await? else { return Ok(()) };
    let sent = send(env, mailer, (scope, id), &message).await;
    settle(env, (scope, id), (&message, limit_of(&message)), sent).await
}

async fn tell_client(env: &Env, (scope, id): (&OrgScope, MessageId)) -> Result<(), Failure> {
    let Some(message) = find(env, scope, id).await? else { return Ok(()) };
    let notice = match LogoutNotice::parse(&message.payload) {
        Ok(notice) => notice,
        Err(error) => return settle(env, (scope, id), (&message, Duration::zero()), Err(error)).await,
    };
    let told = notice.send(env, scope).await;
    if told.is_err() && env.clock.now() - message.created_at > LOGOUT_LIMIT {
        notice.give_up(env, scope).await?;
    }
    settle(env, (scope, id), (&message, LOGOUT_LIMIT), told).await
}

/// Marks the message by what became of it.
async fn settle<E: std::fmt::Display>(
    env: &Env,
    (scope, id): (&OrgScope, MessageId),
    (message, limit): (&WaitingMessage, Duration),
    sent: Result<(), E>,
) -> Result<(), Failure> {
    let now = env.clock.now();
    let mut tx = env.store.begin(scope).await?;
    match sent {
        Ok(()) => {
            tx.outbox().deliver(id, now).await?;
        }
        Err(error) if now - message.created_at > limit => {
            tracing::error!(org.id = %scope.org_id(), message.id = %id, %error, "giving up on a message");
            tx.outbox().fail(id, now).await?;
        }
        Err(error) => {
            tracing::warn!(org.id = %scope.org_id(), message.id = %id, %error, "a message could not be sent");
            tx.outbox().postpone(id, next_try(now, message)).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// 5 s, 10 s, 20 s … two minutes at most; somebody waits for a mail. A client that is down may be so for long: a
/// quarter of an hour.
fn next_try(now: DateTime<Utc>, message: &WaitingMessage) -> DateTime<Utc> {
    let most = if message.kind == LOGOUT_NOTICE { 15 * 60 } else { 2 * 60 };
    let seconds = 5_i64.saturating_mul(1 << message.attempts.saturating_sub(1).min(10));
    now + Duration::seconds(seconds.min(most))
}

#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error("the mail could not be composed")]
    Compose,
    #[error("the mail server did not take it: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
}

async fn send(
    env: &Env,
    mailer: &Mailer,
    (scope, id): (&OrgScope, MessageId),
    message: &WaitingMessage,
) -> Result<(), SendError> {
    let opened = env.vault.open(env, scope, (Purpose::Message, &id.to_string()), &message.payload).await;
    let plain = opened.map_err(Failure::from)?;
    if message.kind == NOTICE {
        let notice: Notice = serde_json::from_slice(&plain).map_err(|_| SendError::Compose)?;
        let mail = notice.compose(env, scope, &mailer.from).await?.ok_or(SendError::Compose)?;
        mailer.transport.send(mail).await?;
        return Ok(());
    }
    if message.kind == INVITATION {
        let invitation: InvitationMail = serde_json::from_slice(&plain).map_err(|_| SendError::Compose)?;
        if invitation.is_current(env, scope).await? {
            let mail = invitation.compose(env, scope, &mailer.from).await?.ok_or(SendError::Compose)?;
            mailer.transport.send(mail).await?;
        }
        return Ok(());
    }
    if message.kind == JOIN {
        let join: JoinMail = serde_json::from_slice(&plain).map_err(|_| SendError::Compose)?;
        // Nobody is told that nothing was sent.
        if join.is_due(env, scope).await? {
            let mail = join.compose(env, &mailer.from).ok_or(SendError::Compose)?;
            mailer.transport.send(mail).await?;
        }
        return Ok(());
    }
    let discovery: DiscoveryMessage = serde_json::from_slice(&plain).map_err(|_| SendError::Compose)?;
    match compose(env, mailer, &discovery).await? {
        Some(mail) => {
            mailer.transport.send(mail).await?;
            Ok(())
        }
        // The address belongs to no organization: nothing is sent, and nobody is told.
        None => Ok(()),
    }
}

fn limit_of(message: &WaitingMessage) -> Duration {
    match message.kind.as_str() {
        NOTICE | INVITATION => NOTICE_LIMIT,
        JOIN => LINK_LIFETIME,
        _ => DISCOVERY_LIFETIME,
    }
}

async fn compose(
    env: &Env,
    mailer: &Mailer,
    message: &DiscoveryMessage,
) -> Result<Option<Message>, SendError> {
    let email = Email::stored(&message.email).map_err(|_| SendError::Compose)?;
    let found = env.store.discover(&env.vault.email_hashes(&email)).await.map_err(Failure::from)?;
    if found.is_empty() {
        return Ok(None);
    }
    let organizations: Vec<MailLink> = found
        .into_iter()
        .map(|org| MailLink {
            name: org.name,
            url: env.issuer.at(&format!(
                "/discover/link?request={}&code={}&organization={}",
                message.handle,
                message.code,
                org.scope.org_id()
            )),
        })
        .collect();
    render(env, mailer, message, &organizations).map(Some)
}

fn render(
    env: &Env,
    mailer: &Mailer,
    message: &DiscoveryMessage,
    organizations: &[MailLink],
) -> Result<Message, SendError> {
    let host = env.issuer.url().host_str().unwrap_or_default();
    let expires_minutes = u32::try_from(DISCOVERY_LIFETIME.num_minutes()).unwrap_or_default();
    let (client_name, code) = (message.client_name.as_str(), message.code.as_str());
    let text = DiscoveryText { client_name, host, organizations, code, expires_minutes }.render();
    let html = DiscoveryHtml { client_name, host, organizations, code, expires_minutes }.render();
    let (Ok(text), Ok(html)) = (text, html) else { return Err(SendError::Compose) };
    Message::builder()
        .from(mailer.from.clone())
        .to(message.email.parse().map_err(|_| SendError::Compose)?)
        // Without the code: subjects show on locked screens.
        .subject(format!("Where to sign in for {client_name}"))
        .multipart(MultiPart::alternative_plain_html(text, html))
        .map_err(|_| SendError::Compose)
}
