//! A person types what a device shows (RFC 8628 §3.3).

use std::sync::Arc;

use orgate_domain::audit::Action;
use orgate_domain::clients::{Client, ClientStatus};
use orgate_domain::devices::{DeviceRequest, UserCode};
use orgate_domain::ids::OrgId;
use orgate_domain::names::DisplayName;
use orgate_protocol::oauth::authorize::{AuthorizationRequest, parse_device};
use orgate_protocol::params::Params;
use orgate_storage::system::OrgHint;

use crate::authorize::{
    Destination, Next, Refused, RefusedBecause, decide, gather, owner_only, pending, refused_because,
};
use crate::limits::Limited;
use crate::{Browser, Called, Env, Failure, events};

/// A device that waits for someone.
#[derive(Debug)]
pub struct FoundDevice {
    /// What it is.
    pub client: Arc<Client>,
    /// What it shows.
    pub user_code: UserCode,
    /// The organization it is to come into, where it has said so.
    pub organization: Option<DisplayName>,
    device: DeviceRequest,
    request: AuthorizationRequest,
}

/// The device that shows what was typed; `None` if none does, or it is too late. Who guesses is slowed down by
/// browser and by address (RFC 8628 §5.1): a guess is one in 25 billion. The browser's budget comes first, so that none
/// uses up its whole network's, and before anything is looked up, so that a right guess beyond it is none.
///
/// # Errors
/// [`Failure`].
pub async fn find(env: &Env, typed: &str, browser: &Browser) -> Result<Option<FoundDevice>, Failure> {
    env.limits.take_typed_code(&browser.binding)?;
    env.limits.take(Limited::Credentials, browser.origin.address)?;
    let found = match UserCode::parse(typed) {
        Some(user_code) => look_up(env, user_code).await?,
        None => None,
    };
    if found.is_none() {
        record(env, browser).await?;
    }
    Ok(found)
}

async fn look_up(env: &Env, user_code: UserCode) -> Result<Option<FoundDevice>, Failure> {
    let mut resolved = None;
    for hash in env.vault.user_code_hashes(user_code) {
        resolved = env.store.resolve_user_code(&hash).await?;
        if resolved.is_some() {
            break;
        }
    }
    let Some((owner, id)) = resolved else { return Ok(None) };
    let mut tx = env.store.begin(&owner).await?;
    let device = tx.device_requests().find(id).await?;
    tx.commit().await?;
    let Some(device) = device.filter(|device| device.is_open(env.clock.now())) else { return Ok(None) };
    let key = (owner.org_id(), device.client_id);
    let Some(client) = env.configuration.client_by_id(&env.store, key).await? else { return Ok(None) };
    // It was read when it was made, so it reads.
    let params = Params::parse(&device.parameters).ok();
    let Some(request) = params.and_then(|params| parse_device(&params).ok()) else { return Ok(None) };
    let organization = named(env, &client, (device.called, request.organization.as_deref())).await?;
    Ok(Some(FoundDevice { client, user_code, organization, device, request }))
}

/// What the organization is called that the client belongs to, or that the request names; where it cannot be
/// entered, the next step says so.
async fn named(
    env: &Env,
    client: &Client,
    (called, asked): (Option<OrgId>, Option<&str>),
) -> Result<Option<DisplayName>, Failure> {
    let owner = owner_only(client).or(called).map(|owner| owner.to_string());
    let Some(text) = owner.as_deref().or(asked) else { return Ok(None) };
    let Some(scope) = env.configuration.organization(&env.store, text).await? else { return Ok(None) };
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let (organization, admission) = tx.organization().find_with(client.key()).await?;
    tx.commit().await?;
    let open = refused_because(
        (client, &policy),
        organization.as_ref().map(|organization| organization.status),
        admission,
    )
    .is_none();
    Ok(organization.filter(|_| open).map(|organization| organization.name))
}

/// Goes on to the organization, and then to the sign-in.
///
/// # Errors
/// [`Failure`].
pub async fn begin(env: &Env, found: FoundDevice, browser: &Browser) -> Result<Next, Failure> {
    let FoundDevice { client, device, request, .. } = found;
    if client.status == ClientStatus::Disabled {
        return Ok(Next::Refused(Refused {
            why: RefusedBecause::ClientDisabled,
            client,
            organization: None,
        }));
    }
    let mut pending = pending(env, browser, (client, Destination::Device(device.id)), &request)?;
    pending.asked.dpop_jkt = device.dpop_jkt;
    pending.issuer = env.issuer.called(Called(device.called));
    match gather(env, &request, (&pending.client, device.called), browser).await? {
        Ok(known) => decide(env, pending, &known, browser).await,
        Err(error) => Ok(Next::Answer(pending.refuse(error))),
    }
}

/// A code that leads nowhere is nobody's: the operator's to know, folded.
async fn record(env: &Env, browser: &Browser) -> Result<(), Failure> {
    let Some(operator) = env.store.resolve(OrgHint::Operator).await? else { return Ok(()) };
    let event = events::refused(env, Action::DeviceRefused, "unknown_user_code", &browser.origin)?;
    env.refusals.record(env, &operator.scope, event).await?;
    Ok(())
}
