//! The person says whether the device may come in (RFC 8628 §3.3), signed in, in the organization.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::devices::UserCode;
use orgate_domain::organizations::Organization;
use orgate_domain::policies::CODE_LIFETIME;
use orgate_domain::standing::Standing;
use orgate_storage::system::OrgHint;
use orgate_storage::{ForDevice, OrgScope, OrgTx};

use crate::authorize::{issue, proven_session};
use crate::consent::keep;
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

/// What waits for approval, in the browser and the session that it is for.
#[derive(Debug)]
pub struct Approval {
    /// The request.
    pub waiting: Waiting,
    /// The organization.
    pub organization: Organization,
    /// Who is asked.
    pub standing: Standing,
    /// What the device shows.
    pub user_code: UserCode,
    device: ForDevice,
    owner: OrgScope,
    lapses: DateTime<Utc>,
}

impl Approval {
    /// What the user is called: their address, or their name.
    pub fn user(&self) -> &str {
        self.standing.user.email.as_deref().unwrap_or(&self.standing.user.name)
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
    let lapses =
        found.filter(|found| found.is_open_to(waiting.asked().id, now)).ok_or(WaitingError::Over)?.expires_at;
    let user_code = env.vault.user_code(device.id);
    Ok(Approval { waiting, organization, standing, user_code, device, owner, lapses })
}

async fn find_standing(
    env: &Env,
    waiting: &Waiting,
    device: ForDevice,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let policy = env.configuration.policy(&env.store, &waiting.scope).await?;
    let settings = &waiting.client().settings;
    // What the request asked for was proven when it came here; reading the page takes a while.
    let (policy, oldest) = (settings.tighten(&policy), settings.max_age(None));
    let mut tx = env.store.begin(&waiting.scope).await?;
    let standing = proven_session(env, &mut tx, waiting.client(), browser).await?;
    tx.commit().await?;
    Ok(standing
        .filter(|standing| device.session == Some(standing.session.id))
        .filter(|standing| standing.is_live(env.clock.now(), &policy))
        .filter(|standing| standing.session.satisfies_max_age(oldest, env.clock.now())))
}

/// Does what the person says.
///
/// # Errors
/// [`WaitingError::Over`] if the device lapsed or was answered meanwhile, or the session ended.
pub async fn answer(
    env: &Env,
    approval: &Approval,
    decision: Decision,
    browser: &Browser,
) -> Result<(), WaitingError> {
    if !claim(env, approval, decision, browser).await? {
        return Err(WaitingError::Over);
    }
    let mut tx = env.store.begin(&approval.waiting.scope).await.map_err(Failure::from)?;
    let id = approval.waiting.asked().id;
    if !tx.authorization_requests().consume(id, env.clock.now()).await.map_err(Failure::from)? {
        return Ok(()); // pressed twice: the other press has done it
    }
    match decision {
        Decision::Allow if grant(env, &mut tx, approval, browser).await? => {}
        Decision::Allow => {
            drop(tx);
            claim(env, approval, Decision::Deny, browser).await?; // or the device would wait for nothing
            return Err(WaitingError::Over);
        }
        Decision::Deny => {
            let event = event(env, approval, Action::DeviceDenied, browser)?;
            tx.audit().insert(&event).await.map_err(Failure::from)?;
        }
    }
    tx.commit().await.map_err(Failure::from)?;
    Ok(())
}

/// The first transaction, in the owner's organization: of all that would answer the device, one wins. The owner
/// learns that someone did, and not who or where.
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
    let origin = Origin { request_id: browser.origin.request_id.clone(), ..Origin::default() };
    let event = events::done(env, Action::DeviceAnswered, &origin)?;
    let client = Some(approval.waiting.client().key());
    let event = Event { client, detail: vec![("outcome", outcome.to_owned())], ..event };
    let (device, by) = (approval.device.id, approval.waiting.asked().id);
    let mut tx = env.store.begin(&approval.owner).await?;
    let won = tx.device_requests().answer(device, by, within, env.clock.now()).await?;
    if won {
        tx.audit().insert(&event).await?;
        tx.commit().await?;
    }
    Ok(won)
}

/// The code, which lives as long as the device has time to ask for it. `false` if the session has ended. Who lets a
/// third party's device in consents to what it asks for.
async fn grant(env: &Env, tx: &mut OrgTx, approval: &Approval, browser: &Browser) -> Result<bool, Failure> {
    let pending = &approval.waiting.pending;
    let code = env.vault.device_grant(tx.org_id(), approval.device.id, pending.asked.id);
    let lapses = approval.lapses.max(env.clock.now() + CODE_LIFETIME);
    keep(env, tx, (&approval.waiting, &approval.standing), browser).await?;
    let event = event(env, approval, Action::DeviceApproved, browser)?;
    issue(env, tx, pending, (&code, lapses), (&approval.standing.session, &event)).await
}

fn event(env: &Env, approval: &Approval, action: Action, browser: &Browser) -> Result<Event, Failure> {
    let session = &approval.standing.session;
    Ok(Event {
        actor: Actor::User(session.user_id),
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        client: Some(approval.waiting.client().key()),
        ..events::done(env, action, &browser.origin)?
    })
}
