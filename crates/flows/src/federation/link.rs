//! A signed-in user links an identity of theirs at the organization's identity provider.
//!
//! **Invariant:** what links is a fresh sign-in of that user in that organization, in this browser, before
//! and after the way to the identity provider; an identity that is another user's stays theirs.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::connections::{ConnectionRefusal, EntryPath, Mapped};
use orgate_domain::email::Email;
use orgate_domain::ids::{ConnectionId, OrgId, UserId};
use orgate_domain::organizations::Organization;
use orgate_domain::policies::Policy;
use orgate_domain::standing::Standing;
use orgate_storage::system::OrgHint;
use orgate_storage::{Connection, IdentityKey, OrgScope, OrgTx, UpstreamPurpose};

use super::UpstreamIdentity;
use super::begin::{BeginError, Departure, Request, depart};
use super::callback::{Returned, Returning};
use super::identify::connection_of;
use super::trace::Trace;
use crate::account::own_standing;
use crate::waiting::WaitingError;
use crate::{Browser, Env, Failure, events};

/// How long ago the user may have proven who they are.
pub const FRESH: Duration = Duration::minutes(10);

/// What the page shows.
#[derive(Debug)]
pub struct LinkPage {
    /// The way in.
    pub scope: OrgScope,
    /// The organization.
    pub organization: Organization,
    /// The connection.
    pub connection: Connection,
    /// Who is signed in.
    pub user_name: String,
}

/// Why nothing can be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no such organization or connection, or it is not open: one answer for all.
    #[error("there is no such connection")]
    Unavailable,
    /// Nobody is signed in to the organization here, or not freshly.
    #[error("a fresh sign-in is needed")]
    SignInAgain,
}

impl From<orgate_storage::StorageError> for LinkError {
    fn from(error: orgate_storage::StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Loads what the page shows.
///
/// # Errors
/// [`LinkError`].
pub async fn link_page(
    env: &Env,
    (org_id, id): (OrgId, ConnectionId),
    browser: &Browser,
) -> Result<LinkPage, LinkError> {
    let organization = env.store.resolve(OrgHint::Id(org_id)).await?.ok_or(LinkError::Unavailable)?;
    let scope = organization.scope;
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let standing = fresh_standing(env, &mut tx, (browser, &policy)).await?;
    let organization = tx.organization().find().await?;
    let connection = tx.connections().find(id).await?;
    // Whoever is not signed in learns nothing of what there is.
    let standing = standing.ok_or(LinkError::SignInAgain)?;
    let (Some(organization), Some(connection)) = (organization, connection) else {
        return Err(LinkError::Unavailable);
    };
    let piloted = is_piloted(&mut tx, &connection, &standing).await?;
    tx.commit().await?;
    connection.state.admits(EntryPath::Link, piloted.into()).map_err(|_| LinkError::Unavailable)?;
    Ok(LinkPage { scope, organization, connection, user_name: standing.user.name })
}

async fn is_piloted(tx: &mut OrgTx, connection: &Connection, standing: &Standing) -> Result<bool, Failure> {
    let own = standing.user.email.as_deref().and_then(|email| Email::stored(email).ok());
    match own {
        Some(email) => Ok(tx.connections().is_piloted(connection.id, &email).await?),
        None => Ok(false),
    }
}

/// This browser's session of the transaction's organization, if its user proved who they are just now
/// and nothing speaks against it.
async fn fresh_standing(
    env: &Env,
    tx: &mut OrgTx,
    of: (&Browser, &Policy),
) -> Result<Option<Standing>, Failure> {
    let now = env.clock.now();
    let standing = own_standing(env, tx, of).await?;
    Ok(standing.filter(|standing| now - standing.session.auth_time <= FRESH))
}

/// Sends the browser to the identity provider.
///
/// # Errors
/// [`BeginError`].
pub async fn begin_link(env: &Env, page: &LinkPage, browser: &Browser) -> Result<Departure, BeginError> {
    let policy = env.configuration.policy(&env.store, &page.scope).await.map_err(Failure::from)?;
    let mut tx = env.store.begin(&page.scope).await.map_err(Failure::from)?;
    let standing = fresh_standing(env, &mut tx, (browser, &policy)).await?;
    tx.commit().await.map_err(Failure::from)?;
    let standing = standing.ok_or(WaitingError::Over)?;
    let live = page.connection.live_version.ok_or(BeginError::Refused(ConnectionRefusal::Inactive))?;
    let request = Request {
        scope: &page.scope,
        connection: (page.connection.id, live),
        purpose: UpstreamPurpose::Link(standing.session.user_id),
    };
    depart(env, &request, (None, standing.user.email.as_deref()), browser).await
}

/// Links, if it is still the same user who is signed in here.
pub(super) async fn finish_link(
    returning: &Returning<'_>,
    user_id: UserId,
    identity: &UpstreamIdentity,
    mut trace: Trace,
) -> Result<Returned, WaitingError> {
    let (env, browser, now) = (returning.env, returning.browser, returning.env.clock.now());
    let policy = env.configuration.policy(&env.store, &returning.scope).await.map_err(Failure::from)?;
    let mut tx = returning.begin().await?;
    if !returning.consume(&mut tx).await? {
        return Err(WaitingError::Over);
    }
    let standing = fresh_standing(env, &mut tx, (browser, &policy)).await?;
    let standing = standing.filter(|standing| standing.session.user_id == user_id);
    let Some(standing) = standing else {
        let rejection =
            trace.fail("link_session", "the user is not signed in freshly in this browser any more");
        drop(tx);
        return returning.reject(rejection, trace).await;
    };
    let connection = returning.connection(&mut tx).await?;
    let piloted = is_piloted(&mut tx, &connection, &standing).await?;
    if let Err(refusal) = connection.state.admits(EntryPath::Link, piloted.into()) {
        let rejection = trace.fail(refusal.as_str(), "the connection is not open to this user");
        drop(tx);
        return returning.reject(rejection, trace).await;
    }
    if let Err(rejection) = returning.check_current(&connection, &mut trace) {
        drop(tx);
        return returning.reject(rejection, trace).await;
    }
    let mapped = match returning.map(&mut tx, &connection, identity, &mut trace).await? {
        Ok(mapped) => mapped,
        Err(rejection) => {
            drop(tx);
            return returning.reject(rejection, trace).await;
        }
    };
    let asserted = mapped.address.email().map(Email::as_str);
    let key = IdentityKey {
        connection: connection.id,
        provider: returning.version.settings.provider.identifier(),
        subject: &mapped.subject,
    };
    if !tx.identities().save_link(key, user_id, (asserted, &mapped.kept), now).await.map_err(Failure::from)? {
        let rejection = trace.fail("identity_taken", "the identity is linked to another user already");
        drop(tx);
        return returning.reject(rejection, trace).await;
    }
    let by = (connection.id, user_id);
    tx.identities().replace_mapped(by, &mapped.roles, &mapped.groups).await.map_err(Failure::from)?;
    let event = events::done(env, Action::IdentityLinked, &browser.origin).map_err(Failure::from)?;
    let event = Event {
        actor: Actor::User(user_id),
        user_id: Some(user_id),
        session_id: Some(standing.session.id),
        reason: Some("by_user"),
        detail: connection_of(connection.id).into_iter().chain(change_by(&mapped)).collect(),
        ..event
    };
    tx.audit().insert(&event).await.map_err(Failure::from)?;
    let organization = tx.organization().find().await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    Ok(Returned::Linked(organization.map(Box::new), connection.name.as_str().to_owned()))
}

/// What tokens say differently of whoever this comes to belong to.
fn change_by(mapped: &Mapped) -> Option<(&'static str, String)> {
    let gets = !mapped.roles.is_empty() || !mapped.groups.is_empty();
    gets.then(|| ("change", "roles".to_owned()))
}
