//! Which clients an organization may use: its own, everybody's, and those that the operator lets it use.

use orgate_domain::clients::Audience;
use orgate_domain::ids::ClientId;
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
