//! A client registers itself (RFC 7591), and reads, changes and removes its registration (RFC 7592).
//!
//! **Invariant:** whoever registers chooses neither the organization nor what the client may be: it belongs to the
//! organization whose token was shown, is used there alone, and is a third party, so that nobody's data reaches it
//! without their consent.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::credentials::{Credential, RegistrationAccessToken, RegistrationToken, SecretHash};
use orgate_domain::ids::ClientId;
use orgate_domain::organizations::OrgStatus;
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::registration;
use orgate_storage::{ClientChange, NewRegistration, OrgScope, OrgTx};

use crate::apply::Secret;
use crate::limits::Limited;
use crate::{Called, Env, Failure, events};

mod manage;
mod metadata;

pub use manage::{Change, change, read, remove};
pub(crate) use metadata::as_client;
use metadata::secret_needed;

/// Active clients that may be registered in one organization: what a token that leaked can fill it with.
pub const MAX_REGISTERED: u32 = 200;

/// A registered client, as it is told of itself.
#[derive(Debug)]
pub struct Registered {
    /// What was registered.
    pub client: Client,
    /// When.
    pub registered_at: DateTime<Utc>,
    /// Its secret, where it got a new one: shown once.
    pub secret: Option<Secret>,
    /// With what it manages its registration.
    pub token: Credential<RegistrationAccessToken>,
}

/// How a registration ended.
#[derive(Debug)]
pub enum Registration {
    /// It is one of ours now.
    Registered(Box<Registered>),
    /// What it says of itself cannot be registered.
    Refused(RequestError),
    /// As many registered themselves as may.
    TooMany,
    /// The token is not one that lets anybody register: whatever the reason, one answer.
    Unauthorized,
}

/// Registers a client with an initial access token.
///
/// # Errors
/// [`Failure`].
pub async fn register_client(
    env: &Env,
    called: Called,
    (token, metadata): (&str, &[u8]),
    origin: &Origin,
) -> Result<Registration, Failure> {
    env.limits.take(Limited::Credentials, origin.address)?;
    let presented = Credential::<RegistrationToken>::parse(token).ok();
    let Some(presented) = presented.filter(|token| called.serves(token.org_id())) else {
        env.limits.take(Limited::Refusals, origin.address)?;
        return Ok(Registration::Unauthorized);
    };
    let scope = OrgScope::of_credential(&presented);
    let now = env.clock.now();
    let Some(mut tx) = open(env, &scope).await? else {
        return refuse(env, &scope, ("registration_forbidden", Registration::Unauthorized), origin).await;
    };
    let Some(by) = tx.registrations().spend_token(&presented.hash(), now).await? else {
        drop(tx);
        return refuse(env, &scope, ("unknown_token", Registration::Unauthorized), origin).await;
    };
    let id = ClientId::from_uuid(env.random.uuid(now)?);
    let client = match registration::parse(metadata)
        .and_then(|asked| as_client(id, &scope, (&id.to_string(), &asked)))
    {
        Ok(client) => client,
        Err(error) => {
            drop(tx); // the token keeps its use
            let reason = error.code.as_str();
            return refuse(env, &scope, (reason, Registration::Refused(error)), origin).await;
        }
    };
    let token = env.random.credential::<RegistrationAccessToken>(scope.org_id())?;
    tx.clients().save(&ClientChange { client: &client, with_status: true, at: now }).await?;
    let new = NewRegistration { client_id: id, token: token.hash(), by, at: now };
    if !tx.registrations().insert(&new, MAX_REGISTERED).await? {
        drop(tx);
        return refuse(env, &scope, ("too_many_clients", Registration::TooMany), origin).await;
    }
    let secret = if secret_needed(&client) { Some(give_secret(env, &mut tx, id, now).await?) } else { None };
    let event = events::done(env, Action::ClientRegistered, origin)?;
    let detail = vec![("registration_token", by.to_string())];
    tx.audit().insert(&Event { detail, ..about(&client, event) }).await?;
    tx.commit().await?;
    let registered = Registered { client, registered_at: now, secret, token };
    Ok(Registration::Registered(Box::new(registered)))
}

/// A transaction in the organization, if it lets clients register themselves.
async fn open(env: &Env, scope: &OrgScope) -> Result<Option<OrgTx>, Failure> {
    let policy = env.configuration.find_policy(&env.store, scope).await?;
    if !policy.is_some_and(|policy| policy.lets_register()) {
        return Ok(None);
    }
    let mut tx = env.store.begin(scope).await?;
    let organization = tx.organization().find().await?;
    let stands = organization.is_some_and(|organization| organization.status == OrgStatus::Active);
    Ok(stands.then_some(tx))
}

async fn give_secret(env: &Env, tx: &mut OrgTx, id: ClientId, now: DateTime<Utc>) -> Result<Secret, Failure> {
    let secret = env.random.client_secret()?;
    tx.clients().replace_secrets(id, &SecretHash::of(secret.reveal().as_bytes()), now).await?;
    Ok(secret)
}

fn about(client: &Client, event: Event) -> Event {
    let mut detail = event.detail;
    detail.push(("client_id", client.client_id.clone()));
    Event { actor: Actor::Application(client.id), client: Some(client.key()), detail, ..event }
}

/// A refusal that anyone can provoke as often as they like: folded.
async fn refuse<T>(
    env: &Env,
    scope: &OrgScope,
    (reason, outcome): (&'static str, T),
    origin: &Origin,
) -> Result<T, Failure> {
    env.limits.take(Limited::Refusals, origin.address)?;
    let event = events::refused(env, Action::RegistrationRefused, reason, origin)?;
    env.refusals.record(env, scope, event).await?;
    Ok(outcome)
}
