//! Which clients an organization may use: its own, everybody's, and those that the operator lets it use.

use std::collections::{BTreeMap, BTreeSet};

use orgate_domain::clients::Audience;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::names::DisplayName;
use orgate_storage::{ListedClient, Page, PageOf};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{Mark, save_access};
use crate::{Env, Failure};

/// A page of the clients that the organization may use, by their ids.
///
/// # Errors
/// [`Failure`].
pub async fn list_applications(
    env: &Env,
    caller: &Caller,
    page: PageOf<ClientId>,
) -> Result<Page<ListedClient, ClientId>, Failure> {
    caller.read(env, async |tx| tx.clients().list_admitted(page).await).await
}

/// Applications whose declared permissions are read at most.
const MAX_DECLARING: i64 = 200;

/// What an application declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name for people.
    pub name: DisplayName,
    /// The permissions that its resource knows.
    pub permissions: BTreeSet<String>,
}

/// What the applications declare that the organization may use and that are switched on. Those that declare nothing are left
/// out.
///
/// # Errors
/// [`Failure`].
pub async fn list_declared(env: &Env, caller: &Caller) -> Result<Vec<Declared>, Failure> {
    let mut clients = caller.read(env, async |tx| tx.clients().list_declaring(MAX_DECLARING).await).await?;
    // What a client declares, its owner's data says: there are two owners at most, the organization and the operator's.
    let mut others: BTreeMap<OrgId, Vec<ClientId>> = BTreeMap::new();
    for client in clients.iter().filter(|client| client.owner != caller.org_id()) {
        others.entry(client.owner).or_default().push(client.id);
    }
    for (owner, ids) in others {
        let Some(scope) = env.configuration.organization(&env.store, &owner.to_string()).await? else {
            continue;
        };
        let mut tx = env.store.begin(&scope).await?;
        let mut declared = tx.clients().list_permissions(&ids).await?;
        tx.commit().await?;
        for client in clients.iter_mut().filter(|client| client.owner == owner) {
            client.permissions = declared.remove(&client.id).unwrap_or_default();
        }
    }
    let declaring = clients.into_iter().filter(|client| !client.permissions.is_empty());
    Ok(declaring.map(|client| Declared { name: client.name, permissions: client.permissions }).collect())
}

/// Lets the organization use a client of the operator's, of audience `granted`; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for a client of another audience.
pub async fn grant_application(env: &Env, operator: &Caller, id: ClientId) -> Result<(), ChangeError> {
    operator.conclude(env, change(env, operator, id, Mark::Created)).await
}

/// Takes that back: nobody of the organization is signed in to it any more, and nothing is issued. To do it again changes
/// nothing.
///
/// # Errors
/// [`ChangeError`].
pub async fn revoke_application(env: &Env, operator: &Caller, id: ClientId) -> Result<(), ChangeError> {
    operator.conclude(env, change(env, operator, id, Mark::Removed)).await
}

async fn change(env: &Env, operator: &Caller, id: ClientId, mark: Mark) -> Result<(), ChangeError> {
    let mut home = env.store.begin(&operator.home).await?;
    let client = home.clients().find(id).await?.ok_or(ChangeError::Missing)?;
    home.commit().await?;
    if client.audience != Audience::Granted {
        let detail = format!(
            "the application is for {}: only one of audience granted is given to one organization and not to another",
            client.audience.as_str()
        );
        return Err(ChangeError::InUse(detail));
    }
    let mut change = Change::begin(env, operator, async |tx| tx.organization().lock().await).await?;
    let Change { tx, caller: operator, .. } = &mut change;
    save_access(env, tx, (&operator.author(), &mark), (client.key(), &client.client_id)).await?;
    change.commit().await
}
