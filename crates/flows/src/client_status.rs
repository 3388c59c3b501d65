//! A client that is switched off, and on again, by an operator: whoever registered it, and if nobody did.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::ClientStatus;

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
    if !tx.clients().update_status(place.id, status).await? {
        return Ok(StatusChange::Unchanged);
    }
    let action = match status {
        ClientStatus::Active => Action::ClientEnabled,
        ClientStatus::Disabled => Action::ClientDisabled,
    };
    let event = Event {
        actor,
        client: Some((place.owner.org_id(), place.id)),
        detail: vec![("client_id", client_id.to_owned())],
        ..events::done(env, action, &Origin::default())?
    };
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    env.configuration.forget_client(place.id, client_id).await;
    env.client_documents.forget_client(client_id).await;
    Ok(StatusChange::Changed)
}
