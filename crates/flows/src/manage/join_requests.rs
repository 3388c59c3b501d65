//! Requests to join, decided by the organization's administrators.

use chrono::Duration;
use orgate_domain::audit::Action;
use orgate_domain::ids::{InvitationId, JoinRequestId};
use orgate_domain::invitations::DEFAULT_LIFETIME;
use orgate_domain::joining::{DECIDED_KEPT, DENIED_FOR, JoinRequest, JoinRequestState};
use orgate_domain::names::Slug;
use orgate_storage::{OrgTx, Page, PageOf};

use super::change::Change;
use super::invitations::{begin, inviter};
use super::{Caller, ChangeError, Once};
use crate::invitations::make::{Fault, WantedInvitation, invite, prepare};
use crate::joining::prove::landing_of;
use crate::{Env, Failure, events};

/// What whoever is let in is given.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Slugs of roles.
    pub roles: Vec<Slug>,
    /// Slugs of groups.
    pub groups: Vec<Slug>,
}

/// How long their invitation is good for.
const LIFETIME: Duration = DEFAULT_LIFETIME;

/// A page of the requests, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_join_requests(
    env: &Env,
    caller: &Caller,
    page: PageOf<JoinRequestId>,
) -> Result<Page<JoinRequest, JoinRequestId>, Failure> {
    caller.read(env, async |tx| tx.join_requests().list(page, env.clock.now()).await).await
}

/// A page of those that wait to be decided, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_open_join_requests(
    env: &Env,
    caller: &Caller,
    page: PageOf<JoinRequestId>,
) -> Result<Page<JoinRequest, JoinRequestId>, Failure> {
    caller.read(env, async |tx| tx.join_requests().list_open(page, env.clock.now()).await).await
}

/// One request, whatever became of it; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_join_request(
    env: &Env,
    caller: &Caller,
    id: JoinRequestId,
) -> Result<Option<JoinRequest>, Failure> {
    caller.read(env, async |tx| tx.join_requests().find(id, env.clock.now()).await).await
}

/// Lets somebody in who asked: invites them, with nothing that the caller may not give. The link is in the mail, and nowhere
/// else.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for one that is open no more, [`ChangeError::Taken`] if they are a user, or invited,
/// already.
pub async fn approve_join_request(
    env: &Env,
    caller: &Caller,
    (id, approval): (JoinRequestId, Approval),
    once: Option<&Once>,
) -> Result<JoinRequest, ChangeError> {
    caller.conclude(env, approve(env, caller, (id, approval), once)).await
}

async fn approve(
    env: &Env,
    caller: &Caller,
    (id, Approval { roles, groups }): (JoinRequestId, Approval),
    once: Option<&Once>,
) -> Result<JoinRequest, ChangeError> {
    let request = find_join_request(env, caller, id).await?.ok_or(ChangeError::Missing)?;
    let client_id = landing_of(env, &caller.scope, request.client).await?;
    let inviter = inviter(env, caller).await?;
    let (email, name) = (request.email.clone(), request.name.clone());
    let wanted = WantedInvitation { email, name, locale: None, client_id, roles, groups, lifetime: LIFETIME };
    let drafts = prepare(env, &caller.scope, inviter.as_deref(), vec![wanted]).await?;
    let mut change = begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut change;
    if caller.claim(env, tx, once, id.as_uuid()).await?.is_some() {
        return tx.join_requests().find(id, env.clock.now()).await?.ok_or(ChangeError::Gone);
    }
    tx.join_requests().seize().await?;
    let now = env.clock.now();
    let request = tx.join_requests().find(id, now).await?.ok_or(ChangeError::Missing)?;
    check_open(&request)?;
    let maker = caller.invites();
    let made = invite(env, tx, &maker, &drafts).await?.pop();
    let invitation = made.ok_or(ChangeError::Missing)?.map_err(as_decided)?;
    if !tx.join_requests().approve(id, (invitation, &maker.id), (now, now + DECIDED_KEPT)).await? {
        return Err(ChangeError::Stale);
    }
    record(env, tx, (caller, id), (Action::JoinApproved, Some(invitation))).await?;
    let after = tx.join_requests().find(id, now).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(after)
}

/// Turns somebody away who asked; they are not told. To do it again changes nothing.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id, [`ChangeError::InUse`] if it was approved, or has lapsed.
pub async fn deny_join_request(
    env: &Env,
    caller: &Caller,
    id: JoinRequestId,
) -> Result<JoinRequest, ChangeError> {
    let change = async {
        let lock = async |tx: &mut OrgTx| tx.join_requests().seize().await;
        let mut change = Change::begin(env, caller, lock).await?;
        let Change { tx, caller, .. } = &mut change;
        let now = env.clock.now();
        let request = tx.join_requests().find(id, now).await?.ok_or(ChangeError::Missing)?;
        if matches!(request.state, JoinRequestState::Denied(_)) {
            return Ok(request);
        }
        check_open(&request)?;
        let by = caller.invites().id;
        if !tx.join_requests().deny(id, &by, (now, now + DENIED_FOR)).await? {
            return Err(ChangeError::Stale);
        }
        record(env, tx, (caller, id), (Action::JoinDenied, None)).await?;
        let after = tx.join_requests().find(id, now).await?.ok_or(ChangeError::Missing)?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Whether a request can be decided.
fn check_open(request: &JoinRequest) -> Result<(), ChangeError> {
    let over = match request.state {
        JoinRequestState::Open => return Ok(()),
        JoinRequestState::Approved(..) => {
            "it was approved already; resend or take back the invitation that came of it"
        }
        JoinRequestState::Denied(_) => "it was denied already; invite them, if they are to come after all",
        JoinRequestState::Lapsed => "nobody decided it in time; invite them, or have them ask again",
    };
    Err(ChangeError::InUse(over.to_owned()))
}

/// What is wrong with the address is of the request, and not of what was sent.
fn as_decided(fault: Fault) -> ChangeError {
    match ChangeError::from(fault) {
        ChangeError::Taken { detail, .. } => ChangeError::Taken { pointer: String::new(), detail },
        other => other,
    }
}

async fn record(
    env: &Env,
    tx: &mut OrgTx,
    (caller, id): (&Caller, JoinRequestId),
    (action, invitation): (Action, Option<InvitationId>),
) -> Result<(), ChangeError> {
    let author = caller.author();
    let mut event = author.about(events::done(env, action, &author.origin)?);
    let mut detail = vec![("join_request", id.to_string())];
    detail.extend(invitation.map(|invitation| ("invitation", invitation.to_string())));
    event.detail = [detail, author.detail].concat();
    Ok(tx.audit().insert(&event).await?)
}
