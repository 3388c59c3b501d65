//! The device asks (RFC 8628 §3.1).

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::{Client, ClientStatus};
use orgate_domain::credentials::{Credential, DeviceCode};
use orgate_domain::devices::{DEVICE_INTERVAL, DEVICE_LIFETIME, UserCode};
use orgate_domain::ids::DeviceRequestId;
use orgate_protocol::oauth::authorize::{DEVICE_PARAMETERS, parse_device};
use orgate_protocol::oauth::token::GrantType;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_protocol::params::Params;
use orgate_storage::{NewDeviceRequest, OrgScope};

use crate::authorize::{RefusedBecause, refused_because};
use crate::client_credentials::{Place, place, refusal_of};
use crate::limits::Limited;
use crate::token::{TokenCall, record_refusal};
use crate::{Called, Env, Failure, events};

/// How often another user code is tried for, where one is taken.
const DRAWS: usize = 3;

/// How it ended.
#[derive(Debug)]
pub enum Requested {
    /// The device shows the one code and polls with the other.
    Kept(DeviceAuthorization),
    /// It is not a request that could be followed.
    Refused(RequestError),
}

/// What the device is told (RFC 8628 §3.2).
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// What it polls with.
    pub device_code: Credential<DeviceCode>,
    /// What it shows.
    pub user_code: UserCode,
    /// How long both are good for.
    pub expires_in: Duration,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// Keeps what a device asks for. Whether the client may use the organization that the call names is said now, in
/// one answer for all that it may not.
///
/// # Errors
/// [`Failure`].
pub async fn request(
    env: &Env,
    (called, client): (Called, &Client),
    params: &Params,
    (key, origin): (Option<&str>, &Origin),
) -> Result<Requested, Failure> {
    let organization = match check(client, params) {
        Ok(organization) => organization,
        Err(error) => {
            record_refusal(env, client, (error.code.as_str(), origin)).await?;
            return Ok(Requested::Refused(error));
        }
    };
    let call = TokenCall { called, client, resource: params.get("resource"), key, origin };
    if let Err(error) = check_organization(env, &call, organization.as_deref()).await? {
        return Ok(Requested::Refused(error)); // which is recorded where it was decided
    }
    keep(env, (called, client), params, (key, origin)).await
}

/// The organization that the request names, if nothing is wrong with the rest.
fn check(client: &Client, params: &Params) -> Result<Option<String>, RequestError> {
    client.settings.check_grant(GrantType::DeviceCode)?;
    let request = parse_device(params)?;
    client.audience_for(request.resource.as_deref())?;
    Ok(request.organization)
}

/// The inner error is the client's to hear.
async fn check_organization(
    env: &Env,
    call: &TokenCall<'_>,
    organization: Option<&str>,
) -> Result<Result<(), RequestError>, Failure> {
    let refused = || {
        let text = "the client may not be used in this organization";
        Err(RequestError::new(ErrorCode::UnauthorizedClient, text))
    };
    let scope = match place(env, call, organization).await? {
        Place::Missing => return Ok(Ok(())), // the person will be asked
        Place::Organization(scope) => scope,
        other => {
            let Some(error) = refusal_of(&other) else { return Ok(refused()) }; // there is none, as is recorded
            record_refusal(env, call.client, (error.code.as_str(), call.origin)).await?;
            return Ok(Err(error));
        }
    };
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let (organization, admission) = tx.organization().find_with(call.client.key()).await?;
    tx.commit().await?;
    let Some(why) = refused_because(
        (call.client, &policy),
        organization.as_ref().map(|organization| organization.status),
        admission,
    ) else {
        return Ok(Ok(()));
    };
    env.limits.take(Limited::Refusals, call.origin.address)?;
    record(env, &scope, (why, call)).await?;
    Ok(refused())
}

async fn record(
    env: &Env,
    scope: &OrgScope,
    (why, call): (RefusedBecause, &TokenCall<'_>),
) -> Result<(), Failure> {
    let event = events::refused(env, Action::DeviceRefused, why.as_str(), call.origin)?;
    let event = Event { actor: Actor::Application(call.client.id), client: Some(call.client.key()), ..event };
    env.refusals.record(env, scope, event).await?;
    Ok(())
}

async fn keep(
    env: &Env,
    (called, client): (Called, &Client),
    params: &Params,
    (key, origin): (Option<&str>, &Origin),
) -> Result<Requested, Failure> {
    let gone =
        || Requested::Refused(RequestError::new(ErrorCode::UnauthorizedClient, "the client is disabled"));
    let Some(owner) = env.configuration.organization(&env.store, &client.owner.to_string()).await? else {
        return Ok(gone());
    };
    let kept = params.iter().filter(|(name, _)| DEVICE_PARAMETERS.contains(name));
    let parameters = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
    let device_code = env.random.credential::<DeviceCode>(owner.org_id())?;
    let event = events::done(env, Action::DeviceRequested, origin)?;
    let event = Event { actor: Actor::Application(client.id), client: Some(client.key()), ..event };
    let now = env.clock.now();
    let mut tx = env.store.begin(&owner).await?;
    if tx.clients().find_admission(client.key()).await? != Some(ClientStatus::Active) {
        return Ok(gone());
    }
    for _ in 0..DRAWS {
        let id = DeviceRequestId::from_uuid(env.random.uuid(now)?);
        let user_code = env.vault.user_code(id);
        let new = NewDeviceRequest {
            id,
            code: device_code.hash(),
            user_code: env.vault.user_code_hash(user_code),
            client_id: client.id,
            parameters: &parameters,
            dpop_jkt: key,
            derived_by: &env.vault.id(),
            called: called.0,
            interval: DEVICE_INTERVAL,
            created_at: now,
            expires_at: now + DEVICE_LIFETIME,
        };
        if tx.device_requests().insert(&new).await? {
            tx.audit().insert(&event).await?;
            tx.commit().await?;
            let (expires_in, interval) = (DEVICE_LIFETIME, DEVICE_INTERVAL);
            return Ok(Requested::Kept(DeviceAuthorization { device_code, user_code, expires_in, interval }));
        }
    }
    let text = "no code is free: try again";
    Ok(Requested::Refused(RequestError::new(ErrorCode::TemporarilyUnavailable, text)))
}
