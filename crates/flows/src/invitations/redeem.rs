//! An invitation is used: a user comes of it, with what it gives.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{InvitationId, UserId};
use orgate_domain::invitations::{Invitation, InvitationRefusal};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::standing::UserStatus;
use orgate_storage::{OrgTx, StorageError};

use super::seats::hold_seats;
use super::{Closed, judge};
use crate::configure::{Assignment, Author, Mark, UserState, save_membership, save_user};
use crate::{Env, Failure, events};

/// Who becomes a user.
#[derive(Debug)]
pub(crate) struct Newcomer<'a> {
    /// Their name; else whoever invited them knows it, or their address says it.
    pub(crate) name: Option<DisplayName>,
    /// The hash of the password that they chose.
    pub(crate) phc: Option<&'a str>,
    /// From where.
    pub(crate) origin: &'a Origin,
}

/// Uses an invitation up, in the transaction that it is decided in; the one who came of it. Whoever asks has seen to it that
/// the address is proven. On a refusal the transaction is to be dropped.
pub(crate) async fn redeem(
    env: &Env,
    tx: &mut OrgTx,
    id: InvitationId,
    newcomer: &Newcomer<'_>,
) -> Result<Result<UserId, Closed>, Failure> {
    let now = env.clock.now();
    hold_seats(tx).await?;
    // Whoever races for it waits here, and then sees that it was used.
    let invitation = tx.invitations().take(id).await?;
    let Some((invitation, organization)) = invitation.zip(tx.organization().find().await?) else {
        return Ok(Err(Closed::Unknown));
    };
    if let Err(closed) = judge(env, tx, (&invitation, &organization)).await? {
        return Ok(Err(closed));
    }
    let user_id = UserId::from_uuid(env.random.uuid(now)?);
    let author = Author {
        origin: newcomer.origin.clone(),
        detail: vec![("invitation", id.to_string())],
        ..Author::of(Actor::User(user_id))
    };
    // First, and decided by the statement that does it.
    if !tx.invitations().consume(id, (user_id, now)).await? {
        return Ok(Err(Closed::Refused(InvitationRefusal::Accepted)));
    }
    match make_user(env, tx, (&author, &invitation), (user_id, newcomer)).await {
        Ok(()) => {}
        Err(Failure::NoSeat(_)) => return Ok(Err(Closed::NoSeat)), // there were more once
        // By somebody who was faster, in another way.
        Err(Failure::Storage(StorageError::Conflict { .. })) => return Ok(Err(Closed::Taken)),
        Err(failure) => return Err(failure),
    }
    let event = author.about(events::done(env, Action::InvitationAccepted, newcomer.origin)?);
    tx.audit().insert(&Event { user_id: Some(user_id), detail: author.detail, ..event }).await?;
    Ok(Ok(user_id))
}

async fn make_user(
    env: &Env,
    tx: &mut OrgTx,
    (author, invitation): (&Author, &Invitation),
    (id, newcomer): (UserId, &Newcomer<'_>),
) -> Result<(), Failure> {
    let roles = tx.roles().list().await?.into_iter();
    let roles = roles.filter(|role| invitation.roles.contains(role.slug.as_str()));
    let state = UserState {
        id,
        email: Some(invitation.email.clone()),
        vouched: true,
        name: name(invitation, (id, newcomer))?,
        status: UserStatus::Active,
        roles: Some(roles.map(|role| (role.slug, role.id)).collect()),
        groups: None,
        break_glass: false,
        attributes: None,
        external_id: None,
        ends_sessions: None,
    };
    save_user(env, tx, (author, &Mark::Created), (&state, newcomer.phc)).await?;
    if let Some(locale) = &invitation.locale {
        tx.users().update_locale(id, Some(locale), env.clock.now()).await?;
    }
    if invitation.groups.is_empty() {
        return Ok(());
    }
    let corrupt = StorageError::Corrupt { table: "users", column: "id" };
    let user = tx.users().find(id).await?.ok_or(corrupt)?;
    let groups = tx.groups().list().await?;
    for group in groups.iter().filter(|group| invitation.groups.contains(Slug::as_str(&group.slug))) {
        save_membership(env, tx, (author, Assignment::Given), (&user, group)).await?;
    }
    Ok(())
}

/// Their name, from whoever says it best.
fn name(
    invitation: &Invitation,
    (id, newcomer): (UserId, &Newcomer<'_>),
) -> Result<DisplayName, StorageError> {
    let local = invitation.email.as_str().split('@').next().unwrap_or_default();
    let known = newcomer.name.clone().or_else(|| invitation.name.clone());
    let name = known.or_else(|| DisplayName::parse(local).ok());
    let name = name.or_else(|| DisplayName::parse(&id.to_string()).ok());
    name.ok_or(StorageError::Corrupt { table: "users", column: "name" })
}
