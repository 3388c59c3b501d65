//! A client that is switched off, and on again, by an operator: whoever registered it, and if nobody did.

use orgate_domain::audit::{Action, Actor};
use orgate_domain::clients::ClientStatus;
use orgate_domain::ids::{ClientId, OrgId};
use orgate_storage::OrgTx;

use crate::configure::Author;
use crate::{Env, Failure, events};

/// How a change of status ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// It is as wanted now.
    Changed,
    /// It was so already.
    Unchanged,
    /// There is no such client.
    Unknown,
}

/// Makes the client with this `client_id` active or disabled, with the event that says so. A disabled client is answered
/// nothing from then on, wherever it is used; what it holds counts again if it is enabled in time.
///
/// # Errors
/// [`Failure`].
pub async fn change_client_status(
    env: &Env,
    client_id: &str,
    status: ClientStatus,
    actor: Actor,
) -> Result<StatusChange, Failure> {
    let Some(place) = env.store.resolve_client(client_id).await? else { return Ok(StatusChange::Unknown) };
    let mut tx = env.store.begin(&place.owner).await?;
    let (author, client) = (Author::of(actor), ((place.owner.org_id(), place.id), client_id));
    if !save_client_status(env, &mut tx, (&author, client), status).await? {
        return Ok(StatusChange::Unchanged);
    }
    tx.commit().await?;
    env.configuration.forget_client(place.id, client_id).await;
    env.client_documents.forget_client(client_id).await;
    Ok(StatusChange::Changed)
}

/// The same, in a transaction of its owner's. `false`: it is so already, or there is none.
pub(crate) async fn save_client_status(
    env: &Env,
    tx: &mut OrgTx,
    (author, (client, client_id)): (&Author, ((OrgId, ClientId), &str)),
    status: ClientStatus,
) -> Result<bool, Failure> {
    if !tx.clients().update_status(client.1, status).await? {
        return Ok(false);
    }
    let action = match status {
        ClientStatus::Active => Action::ClientEnabled,
        ClientStatus::Disabled => Action::ClientDisabled,
    };
    let event = author.of_client((client, client_id), events::done(env, action, &author.origin)?);
    tx.audit().insert(&event).await?;
    Ok(true)
}
