//! The client configuration endpoint (RFC 7592 §2).

use orgate_domain::audit::{Action, Event, Origin};
use orgate_domain::clients::{Audience, Client, ClientStatus, Party};
use orgate_domain::credentials::{Credential, RegistrationAccessToken, SecretHash};
use orgate_protocol::oauth::RequestError;
use orgate_protocol::oauth::registration::{self, Update, invalid};
use orgate_storage::{ClientChange, OrgScope, OrgTx};

use super::metadata::overlaid;
use super::{Registered, about, as_client, give_secret, open, refuse, secret_needed};
use crate::limits::Limited;
use crate::{Called, Env, Failure, events};

/// How a change ended.
#[derive(Debug)]
pub enum Change {
    /// It is as it was asked to be.
    Changed(Box<Registered>),
    /// It stays as it was.
    Refused(RequestError),
    /// The token is not this client's.
    Unauthorized,
}

/// A registration, found by its own token, and held: until the transaction ends, nobody else changes the client.
struct Found {
    tx: OrgTx,
    scope: OrgScope,
    registered: Registered,
}

/// Finds the client that the token manages, if it is the one of the address: whatever is wrong, one answer.
async fn find(
    env: &Env,
    called: Called,
    (token, client_id): (&str, &str),
    origin: &Origin,
) -> Result<Option<Found>, Failure> {
    env.limits.take(Limited::Credentials, origin.address)?;
    let token = Credential::<RegistrationAccessToken>::parse(token).ok();
    let Some(token) = token.filter(|token| called.serves(token.org_id())) else {
        env.limits.take(Limited::Refusals, origin.address)?;
        return Ok(None);
    };
    let scope = OrgScope::of_credential(&token);
    let Some(mut tx) = open(env, &scope).await? else {
        return refuse(env, &scope, ("registration_forbidden", None), origin).await;
    };
    let client = match tx.registrations().find(&token.hash()).await? {
        Some((id, since)) => tx.clients().find(id).await?.map(|client| (client, since)),
        None => None,
    };
    let is_it = |client: &Client| client.client_id == client_id && client.status == ClientStatus::Active;
    let Some((client, registered_at)) = client.filter(|(client, _)| is_it(client)) else {
        drop(tx);
        return refuse(env, &scope, ("unknown_registration", None), origin).await;
    };
    Ok(Some(Found { tx, scope, registered: Registered { client, registered_at, secret: None, token } }))
}

/// What is registered (§2.1). A secret is not told again: only its hash is kept.
///
/// # Errors
/// [`Failure`].
pub async fn read(
    env: &Env,
    called: Called,
    presented: (&str, &str),
    origin: &Origin,
) -> Result<Option<Registered>, Failure> {
    let Some(found) = find(env, called, presented, origin).await? else { return Ok(None) };
    found.tx.commit().await?;
    Ok(Some(found.registered))
}

/// Replaces what is registered (§2.2): what is left out is gone.
///
/// # Errors
/// [`Failure`].
pub async fn change(
    env: &Env,
    called: Called,
    (presented, metadata): ((&str, &str), &[u8]),
    origin: &Origin,
) -> Result<Change, Failure> {
    let Some(mut found) = find(env, called, presented, origin).await? else {
        return Ok(Change::Unauthorized);
    };
    let now = env.clock.now();
    let before = &found.registered.client;
    let client = match changed(before, &found.scope, metadata) {
        Ok(client) => client,
        Err(error) => {
            drop(found.tx);
            let reason = error.code.as_str();
            return refuse(env, &found.scope, (reason, Change::Refused(error)), origin).await;
        }
    };
    if client == *before {
        return Ok(Change::Changed(Box::new(found.registered))); // nothing is written, told or logged
    }
    // Each change is heard of on every node.
    env.limits.take_registration(client.key())?;
    let tx = &mut found.tx;
    tx.clients().save(&ClientChange { client: &client, with_status: false, at: now }).await?;
    if is_another(before, &client) {
        tx.consents().delete_of_client(client.key(), now).await?;
    }
    let secret = match (secret_needed(before), secret_needed(&client)) {
        (false, true) => Some(give_secret(env, tx, client.id, now).await?),
        (true, false) => {
            tx.clients().delete_secrets(client.id).await?;
            None
        }
        (true, true) | (false, false) => None,
    };
    let event = events::done(env, Action::ClientConfigured, origin)?;
    tx.audit().insert(&about(&client, event)).await?;
    found.tx.commit().await?;
    Ok(Change::Changed(Box::new(Registered { client, secret, ..found.registered })))
}

/// The client as it asks to be, as far as it may.
fn changed(before: &Client, scope: &OrgScope, metadata: &[u8]) -> Result<Client, RequestError> {
    check_update(before, metadata)?;
    let asked = registration::parse(metadata)?;
    let wanted = as_client(before.id, scope, (&before.client_id, &asked))?;
    let client = overlaid(before, (wanted, asked.scope.as_ref()))?;
    let fixed = before.audience != Audience::Owner || before.settings.party == Party::First;
    let leads_elsewhere = !client.post_logout_redirect_uris.is_subset(&before.post_logout_redirect_uris);
    if fixed && (is_another(before, &client) || leads_elsewhere) {
        return Err(invalid(
            "others trust this client: its name and further redirect_uris and post_logout_redirect_uris are its owner's \
             administrator's to set",
        ));
    }
    Ok(client)
}

/// Whether people would not have let it have what they let the one before have: they read its name, and where they
/// went on to.
fn is_another(before: &Client, after: &Client) -> bool {
    let known = |uri| before.redirect_uris.contains(uri);
    before.name != after.name || !after.redirect_uris.iter().all(known)
}

/// What §2.2 demands of the request beside the metadata.
fn check_update(client: &Client, metadata: &[u8]) -> Result<(), RequestError> {
    let update = Update::parse(metadata)?;
    if update.client_id.as_deref() != Some(&client.client_id) {
        return Err(invalid("client_id is that of the client"));
    }
    let Some(secret) = &update.client_secret else { return Ok(()) };
    let hash = SecretHash::of(secret.as_bytes());
    let known = client.secrets.iter().fold(false, |known, one| one.hash.matches(&hash) | known);
    known.then_some(()).ok_or_else(|| invalid("client_secret is the one that the client has"))
}

/// Removes the client (§2.3): nobody signs in with it any more, what was granted to it is revoked, and what people
/// consented to is forgotten. Its `client_id` is never another one's. `false` if the token is not this client's.
///
/// # Errors
/// [`Failure`].
pub async fn remove(
    env: &Env,
    called: Called,
    presented: (&str, &str),
    origin: &Origin,
) -> Result<bool, Failure> {
    let Some(Found { mut tx, registered, .. }) = find(env, called, presented, origin).await? else {
        return Ok(false);
    };
    let now = env.clock.now();
    let client = Client { status: ClientStatus::Disabled, ..registered.client };
    if !tx.registrations().remove(client.id, now).await? {
        return Ok(false); // another call was first
    }
    tx.clients().save(&ClientChange { client: &client, with_status: true, at: now }).await?;
    tx.clients().delete_secrets(client.id).await?;
    tx.consents().delete_of_client(client.key(), now).await?;
    let event: Event = events::done(env, Action::ClientRemoved, origin)?;
    tx.audit().insert(&about(&client, event)).await?;
    tx.commit().await?;
    Ok(true)
}
