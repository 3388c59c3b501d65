//! Invitations, made and taken back by an organization's own administrators.

use orgate_domain::audit::Action;
use orgate_domain::credentials::InvitationLink;
use orgate_domain::email::Email;
use orgate_domain::ids::InvitationId;
use orgate_domain::invitations::{
    A_DAY, Invitation, InvitationState, MAX_MAILS, MAX_SENDS, MAX_TO_ONE, RESEND_AFTER,
};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::setup::LinkMaker;
use orgate_storage::{Group, NewInvitationLink, OrgTx, Page, PageOf, Role};

use super::change::Change;
use super::{Caller, ChangeError, Once};
use crate::invitations::mail::InvitationMail;
use crate::invitations::make::{
    Fault, FaultKind, Known, Maker, SATED, WantedInvitation, event_of, invite, prepare,
};
use crate::invitations::name_of;
use crate::invitations::seats::check_seats;
use crate::{Env, Failure};

/// Which invitations are asked for.
#[derive(Debug, Clone, Default)]
pub struct InvitationFilter {
    /// Those to this address.
    pub email: Option<Email>,
}

impl From<Fault> for ChangeError {
    fn from(Fault { field, kind, detail }: Fault) -> Self {
        let pointer = format!("/{field}");
        match kind {
            FaultKind::Above => Self::Above { pointer, detail },
            FaultKind::Invalid => Self::Invalid { pointer, detail },
            FaultKind::Known => Self::Taken { pointer, detail },
            FaultKind::Limit => Self::TooMany(detail),
        }
    }
}

impl Caller {
    /// As somebody who invites, by what they hold now.
    pub(super) fn invites(&self) -> Maker {
        let (caller, author) = (self.clone(), self.author());
        Maker {
            id: author.actor.id().unwrap_or_else(|| author.actor.kind().to_owned()),
            author,
            gives: (self.may(OrgatePermission::RolesAssign), self.may(OrgatePermission::GroupsManage)),
            may_give: Box::new(move |role| caller.may_give(role)),
        }
    }
}

/// The name of whoever invites, as mails say it.
pub(super) async fn inviter(env: &Env, caller: &Caller) -> Result<Option<String>, Failure> {
    let maker = LinkMaker::from_text(&caller.invites().id);
    caller.read(env, async |tx| name_of(tx, maker).await).await
}

/// A page of the organization's invitations, latest first.
///
/// # Errors
/// [`Failure`].
pub async fn list_invitations(
    env: &Env,
    caller: &Caller,
    (filter, page): (&InvitationFilter, PageOf<InvitationId>),
) -> Result<Page<Invitation, InvitationId>, Failure> {
    let asked = async |tx: &mut OrgTx| match &filter.email {
        Some(email) => tx.invitations().list_by_email((email, page)).await,
        None => tx.invitations().list(page).await,
    };
    caller.read(env, asked).await
}

/// One invitation, whatever became of it; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_invitation(
    env: &Env,
    caller: &Caller,
    id: InvitationId,
) -> Result<Option<Invitation>, Failure> {
    caller.read(env, async |tx| tx.invitations().find(id).await).await
}

/// Invites somebody, with nothing that the caller may not give. The link is in the mail, and nowhere else.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Taken`] if they are a user, or invited, already.
pub async fn create_invitation(
    env: &Env,
    caller: &Caller,
    wanted: WantedInvitation,
    once: Option<&Once>,
) -> Result<Invitation, ChangeError> {
    caller.conclude(env, create(env, caller, wanted, once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    wanted: WantedInvitation,
    once: Option<&Once>,
) -> Result<Invitation, ChangeError> {
    let inviter = inviter(env, caller).await?;
    let drafts = prepare(env, &caller.scope, inviter.as_deref(), vec![wanted]).await?;
    let mut change = begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut change;
    for draft in &drafts {
        if let Some(before) = caller.claim(env, tx, once, draft.id.as_uuid()).await? {
            let before = InvitationId::from_uuid(before);
            return tx.invitations().find(before).await?.ok_or(ChangeError::Gone);
        }
    }
    let made = invite(env, tx, &caller.invites(), &drafts).await?.pop();
    let id = made.ok_or(ChangeError::Missing)??;
    let made = tx.invitations().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(made)
}

/// A change of invitations: others who invite, or take a seat, wait.
pub(super) async fn begin(env: &Env, caller: &Caller) -> Result<Change, ChangeError> {
    let lock = async |tx: &mut OrgTx| tx.invitations().seize().await;
    Change::begin(env, caller, lock).await
}

/// Gives an open invitation, lapsed or not, another link and the time that it had from its making, and has the mail sent
/// again. The former link opens nothing any more, and it is the caller who vouches for it from now on.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for one that is open no more, [`ChangeError::TooMany`] if it was sent too often.
pub async fn resend_invitation(
    env: &Env,
    caller: &Caller,
    id: InvitationId,
) -> Result<Invitation, ChangeError> {
    caller.conclude(env, resend(env, caller, id)).await
}

async fn resend(env: &Env, caller: &Caller, id: InvitationId) -> Result<Invitation, ChangeError> {
    let before = find_invitation(env, caller, id).await?.ok_or(ChangeError::Missing)?;
    let (inviter, secret) =
        (inviter(env, caller).await?, env.random.credential::<InvitationLink>(caller.org_id())?);
    let (at, name) = (env.clock.now(), organization_name(env, caller).await?);
    let expires_at = at + (before.expires_at - before.sent_at);
    let mail = InvitationMail {
        to: before.email.as_str().to_owned(),
        organization: name,
        inviter,
        name: before.name.as_ref().map(|name| name.as_str().to_owned()),
        locale: before.locale.clone(),
        secret: secret.reveal().to_owned(),
        expires_at,
    };
    let mail = mail.seal(env, &caller.scope).await?;
    let mut change = begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut change;
    let invitation = tx.invitations().take(id).await?.ok_or(ChangeError::Missing)?;
    let maker = caller.invites();
    check_resend(env, tx, (&invitation, &maker)).await?;
    let link = NewInvitationLink { token: secret.hash(), by: &maker.id, at, expires_at };
    if !tx.invitations().update_link(id, &link).await? {
        return Err(over(&invitation));
    }
    check_seats(env, tx).await?;
    tx.outbox().insert(&mail.message()).await?;
    let event = event_of(env, &maker.author, (Action::InvitationResent, id))?;
    tx.audit().insert(&event).await?;
    let after = tx.invitations().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(after)
}

async fn organization_name(env: &Env, caller: &Caller) -> Result<String, Failure> {
    let organization = caller.read(env, async |tx| tx.organization().find().await).await?;
    Ok(organization.map(|found| found.name.as_str().to_owned()).unwrap_or_default())
}

/// Whether one may be sent again, by them.
async fn check_resend(
    env: &Env,
    tx: &mut OrgTx,
    (invitation, maker): (&Invitation, &Maker),
) -> Result<(), ChangeError> {
    if invitation.state != InvitationState::Open {
        return Err(over(invitation));
    }
    if invitation.sends >= MAX_SENDS {
        let detail = format!("it was sent {MAX_SENDS} times; take it back, and invite them anew");
        return Err(ChangeError::TooMany(detail));
    }
    if env.clock.now() < invitation.sent_at + RESEND_AFTER {
        return Err(ChangeError::TooMany("it was sent just now; wait a minute".to_owned()));
    }
    let address = [invitation.email.normalized().to_owned()];
    let (sent, sated) = tx.invitations().count_sent(env.clock.now() - A_DAY, (&address, MAX_TO_ONE)).await?;
    if !sated.is_empty() {
        return Err(ChangeError::TooMany(SATED.to_owned()));
    }
    if sent >= MAX_MAILS {
        let detail = format!("an organization sends up to {MAX_MAILS} invitations a day");
        return Err(ChangeError::TooMany(detail));
    }
    if tx.users().find_by_email(&invitation.email).await?.is_some() {
        let detail = "a user of the organization has this address already".to_owned();
        return Err(ChangeError::Taken { pointer: String::new(), detail });
    }
    let known = Known::read(tx).await?;
    let roles = known.roles.values().filter(|role| invitation.roles.contains(role.slug.as_str()));
    let groups = known.groups.values().filter(|group| invitation.groups.contains(group.slug.as_str()));
    let (roles, groups): (Vec<&Role>, Vec<&Group>) = (roles.collect(), groups.collect());
    maker.check_gift(&known, (&roles, &groups)).map_err(|fault| ChangeError::above("", fault.detail))
}

/// It is open no more.
fn over(invitation: &Invitation) -> ChangeError {
    let what = match invitation.state {
        InvitationState::Accepted(..) => "it was used: whoever came of it is a user",
        InvitationState::Open | InvitationState::Revoked(_) => "it was taken back; invite them anew",
    };
    ChangeError::InUse(what.to_owned())
}

/// Takes an invitation back: its link opens nothing from now on. To do it again changes nothing.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id, [`ChangeError::InUse`] if it was used.
pub async fn revoke_invitation(env: &Env, caller: &Caller, id: InvitationId) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, caller, async |_| Ok(())).await?;
        let Change { tx, caller, .. } = &mut change;
        let invitation = tx.invitations().take(id).await?.ok_or(ChangeError::Missing)?;
        match invitation.state {
            InvitationState::Accepted(..) => return Err(over(&invitation)),
            InvitationState::Revoked(_) => return Ok(()),
            InvitationState::Open => {}
        }
        tx.invitations().revoke(id, env.clock.now()).await?;
        let event = event_of(env, &caller.author(), (Action::InvitationRevoked, id))?;
        tx.audit().insert(&event).await?;
        change.commit().await
    };
    caller.conclude(env, change).await
}
