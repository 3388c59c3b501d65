//! The person says whether the device may come in (RFC 8628 §3.3), signed in, in the organization.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::devices::{DeviceStatus, UserCode};
use orgate_domain::organizations::Organization;
use orgate_domain::policies::CODE_LIFETIME;
use orgate_domain::standing::Standing;
use orgate_storage::system::OrgHint;
use orgate_storage::{ForDevice, OrgScope, OrgTx};

use crate::authorize::{issue, proven_session, still_suffices};
use crate::consent::{Asks, Decision, asks, keep};
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

/// What waits for approval, in the browser and the session that it is for.
#[derive(Debug)]
pub struct Approval {
    /// The request.
    pub waiting: Waiting,
    /// The organization.
    pub organization: Organization,
    /// Who is asked.
    pub standing: Standing,
    /// What for.
    pub asks: Asks,
    /// What the device shows.
    pub user_code: UserCode,
    device: ForDevice,
    owner: OrgScope,
    lapses: DateTime<Utc>,
}

impl Approval {
    /// What the user is called.
    pub fn user(&self) -> &str {
        self.standing.user.label()
    }
}

/// Finds what waits behind `handle`: only in the browser that began it, while that is signed in to the very
/// session that was begun for it, and nobody has answered the device.
///
/// # Errors
/// [`WaitingError`].
pub async fn approval(env: &Env, handle: &str, browser: &Browser) -> Result<Approval, WaitingError> {
    let waiting = take_up(env, handle, browser).await?;
    let (Some(device), Some(organization)) = (waiting.asked().device, waiting.organization.clone()) else {
        return Err(WaitingError::Over);
    };
    let standing = find_standing(env, &waiting, device, browser).await?.ok_or(WaitingError::Over)?;
    let owner = env.store.resolve(OrgHint::Id(waiting.client().owner)).await.map_err(Failure::from)?;
    let owner = owner.ok_or(WaitingError::Over)?.scope;
    let mut tx = env.store.begin(&owner).await.map_err(Failure::from)?;
    let found = tx.device_requests().find(device.id).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    let now = env.clock.now();
    let found = found.filter(|found| found.is_open_to(waiting.asked().id, now)).ok_or(WaitingError::Over)?;
    let user_code = env.vault.shown_user_code(device.id, &found.derived_by).ok_or(WaitingError::Over)?;
    let lapses = found.expires_at;
    let asks = asks(env, &waiting, standing.session.user_id).await?;
    Ok(Approval { waiting, organization, standing, asks, user_code, device, owner, lapses })
}

async fn find_standing(
    env: &Env,
    waiting: &Waiting,
    device: ForDevice,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let policy = env.configuration.policy(&env.store, &waiting.scope).await?;
    let mut tx = env.store.begin(&waiting.scope).await?;
    let standing = proven_session(env, &mut tx, waiting.client(), browser).await?;
    tx.commit().await?;
    Ok(standing
        .filter(|standing| device.session == Some(standing.session.id))
        .filter(|standing| still_suffices(env, (waiting.client(), &policy), standing)))
}

/// Does what the person says, and what came of it: of two answers at once, the one that was first stands for both.
///
/// # Errors
/// [`WaitingError::Over`] if the device lapsed or was answered meanwhile, or the session ended.
pub async fn answer(
    env: &Env,
    approval: &Approval,
    decision: Decision,
    browser: &Browser,
) -> Result<Decision, WaitingError> {
    match decision {
        Decision::Allow => allow(env, approval, browser).await,
        Decision::Deny => deny(env, approval, browser).await,
    }
}

async fn allow(env: &Env, approval: &Approval, browser: &Browser) -> Result<Decision, WaitingError> {
    if !claim(env, approval, Decision::Allow, browser).await? {
        return Err(WaitingError::Over);
    }
    let mut tx = env.store.begin(&approval.waiting.scope).await.map_err(Failure::from)?;
    let id = approval.waiting.asked().id;
    if !tx.authorization_requests().consume(id, env.clock.now()).await.map_err(Failure::from)? {
        drop(tx);
        return outcome(env, approval).await;
    }
    if grant(env, &mut tx, approval, browser).await? {
        tx.commit().await.map_err(Failure::from)?;
        return Ok(Decision::Allow);
    }
    let refused = events::refused(env, Action::DeviceRefused, "session_ended", &browser.origin);
    let event = about(approval, refused.map_err(Failure::from)?);
    tx.audit().insert(&event).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    withdraw(env, approval, browser).await?; // or the device would wait for nothing
    Err(WaitingError::Over)
}

/// Turns the device away. Where this very request has begun to let it in, that is used up first: either it has come
/// to a code, and stands, or it never will.
async fn deny(env: &Env, approval: &Approval, browser: &Browser) -> Result<Decision, WaitingError> {
    let first = claim(env, approval, Decision::Deny, browser).await?;
    if !first {
        let by_this =
            |status| matches!(status, DeviceStatus::Approved { by, .. } if by == approval.waiting.asked().id);
        match find_status(env, approval).await? {
            Some(DeviceStatus::Denied) => return Ok(Decision::Deny),
            status if status.is_some_and(by_this) => {}
            _ => return Err(WaitingError::Over),
        }
    }
    let mut tx = env.store.begin(&approval.waiting.scope).await.map_err(Failure::from)?;
    let id = approval.waiting.asked().id;
    if !tx.authorization_requests().consume(id, env.clock.now()).await.map_err(Failure::from)? {
        drop(tx);
        return outcome(env, approval).await;
    }
    let event =
        about(approval, events::done(env, Action::DeviceDenied, &browser.origin).map_err(Failure::from)?);
    tx.audit().insert(&event).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    if !first {
        withdraw(env, approval, browser).await?;
    }
    Ok(Decision::Deny)
}

/// What another answer came to, which used the request up.
async fn outcome(env: &Env, approval: &Approval) -> Result<Decision, WaitingError> {
    let (scope, id) = (&approval.waiting.scope, approval.waiting.asked().id);
    let mut tx = env.store.begin(scope).await.map_err(Failure::from)?;
    for code in env.vault.device_grants(scope.org_id(), approval.device.id, id) {
        if tx.codes().find(&code.hash()).await.map_err(Failure::from)?.is_some() {
            return Ok(Decision::Allow);
        }
    }
    drop(tx);
    match find_status(env, approval).await? {
        Some(DeviceStatus::Denied) => Ok(Decision::Deny),
        _ => Err(WaitingError::Over),
    }
}

async fn find_status(env: &Env, approval: &Approval) -> Result<Option<DeviceStatus>, Failure> {
    let mut tx = env.store.begin(&approval.owner).await?;
    let found = tx.device_requests().find(approval.device.id).await?;
    tx.commit().await?;
    Ok(found.map(|found| found.status))
}

/// The first transaction, in the owner's organization: of all that would answer the device, one wins.
async fn claim(
    env: &Env,
    approval: &Approval,
    decision: Decision,
    browser: &Browser,
) -> Result<bool, Failure> {
    let (within, outcome) = match decision {
        Decision::Allow => (Some(approval.waiting.scope.org_id()), "approved"),
        Decision::Deny => (None, "denied"),
    };
    let (device, by) = (approval.device.id, approval.waiting.asked().id);
    let mut tx = env.store.begin(&approval.owner).await?;
    let won = tx.device_requests().answer(device, by, within, env.clock.now()).await?;
    if won {
        tell_owner(env, &mut tx, (approval, outcome), browser).await?;
        tx.commit().await?;
    }
    Ok(won)
}

/// Takes back what this request began to approve, once it can come to no code any more.
async fn withdraw(env: &Env, approval: &Approval, browser: &Browser) -> Result<(), Failure> {
    let mut tx = env.store.begin(&approval.owner).await?;
    if tx.device_requests().withdraw(approval.device.id, approval.waiting.asked().id).await? {
        tell_owner(env, &mut tx, (approval, "denied"), browser).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The owner learns that someone answered, and not who or where.
async fn tell_owner(
    env: &Env,
    tx: &mut OrgTx,
    (approval, outcome): (&Approval, &'static str),
    browser: &Browser,
) -> Result<(), Failure> {
    let origin = Origin { request_id: browser.origin.request_id.clone(), ..Origin::default() };
    let event = events::done(env, Action::DeviceAnswered, &origin)?;
    let client = Some(approval.waiting.client().key());
    let event = Event { client, detail: vec![("outcome", outcome.to_owned())], ..event };
    Ok(tx.audit().insert(&event).await?)
}

/// The code, which lives as long as the device has time to ask for it. `false` if the session has ended. Who lets a
/// third party's device in consents to what it asks for.
async fn grant(env: &Env, tx: &mut OrgTx, approval: &Approval, browser: &Browser) -> Result<bool, Failure> {
    let pending = &approval.waiting.pending;
    let code = env.vault.device_grant(tx.org_id(), approval.device.id, pending.asked.id);
    let lapses = approval.lapses.max(env.clock.now() + CODE_LIFETIME);
    let event = about(approval, events::done(env, Action::DeviceApproved, &browser.origin)?);
    let issued = issue(env, tx, pending, (&code, lapses), (&approval.standing.session, &event)).await?;
    if issued {
        keep(env, tx, (&approval.waiting, &approval.standing), browser).await?;
    }
    Ok(issued)
}

fn about(approval: &Approval, event: Event) -> Event {
    let session = &approval.standing.session;
    Event {
        actor: Actor::User(session.user_id),
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        client: Some(approval.waiting.client().key()),
        ..event
    }
}
