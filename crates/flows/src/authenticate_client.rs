//! Client authentication at the back channel (RFC 6749 §2.3).

use std::sync::Arc;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Client, ClientStatus};
use orgate_protocol::oauth::client_auth::PresentedClient;
use orgate_storage::system::OrgHint;

use crate::limits::Limited;
use crate::{Env, Failure, events};

/// What a client's proof is worth.
#[derive(Debug)]
pub enum Authentication {
    /// It is the client.
    Proven(Arc<Client>),
    /// It is not, or there is no such client, or it is disabled: one answer.
    Refused,
}

/// Checks what a client presents. No round trip while its configuration is cached.
///
/// # Errors
/// [`Failure`].
pub async fn authenticate_client(
    env: &Env,
    presented: &PresentedClient,
    origin: &Origin,
) -> Result<Authentication, Failure> {
    let client = env.configuration.client(&env.store, &presented.client_id).await?;
    let Some(client) = client else {
        env.limits.take(Limited::Refusals, origin.address)?;
        if let Some(operator) = env.store.resolve(OrgHint::Operator).await? {
            let event = events::refused(env, Action::ClientRefused, "unknown_client", origin)?;
            env.refusals.record(env, &operator.scope, event).await?;
        }
        return Ok(Authentication::Refused);
    };
    let proven = client.authenticate(presented, env.clock.now()).is_ok();
    if proven && client.status == ClientStatus::Active {
        return Ok(Authentication::Proven(client));
    }
    env.limits.take(Limited::Refusals, origin.address)?;
    let reason = if proven { "client_disabled" } else { "wrong_credentials" };
    if let Some(owner) = env.store.resolve(OrgHint::Id(client.owner)).await? {
        let event = events::refused(env, Action::ClientRefused, reason, origin)?;
        let event = Event { actor: Actor::Application(client.id), client: Some(client.key()), ..event };
        env.refusals.record(env, &owner.scope, event).await?;
    }
    Ok(Authentication::Refused)
}
