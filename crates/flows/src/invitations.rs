//! Invitations: made, mailed, looked at and used.
//!
//! **Invariant:** an invitation gives what whoever vouches for it could give when it was made, and still can when it is used;
//! it is used once, in the organization that its link names, and only by whoever proved the invited address: by the link
//! itself, which went to that address alone, and where SSO is enforced for it, at the organization's identity provider too.

pub mod accept;
pub(crate) mod mail;
pub mod make;
mod redeem;
pub mod rows;
pub(crate) mod seats;

use orgate_domain::audit::{Action, Event, Origin};
use orgate_domain::credentials::{Credential, InvitationLink};
use orgate_domain::email::Email;
use orgate_domain::ids::InvitationId;
use orgate_domain::invitations::{Invitation, InvitationBasis, InvitationRefusal};
use orgate_domain::joining::Entry;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::permissions::Held;
use orgate_domain::setup::LinkMaker;
use orgate_storage::{Group, OrgScope, OrgTx, Role, StorageError};

use crate::federation::methods::{Methods, find_methods};
use crate::joining::entry_of;
use crate::limits::Limited;
use crate::{Env, Failure, events};

pub(crate) use redeem::{Newcomer, redeem};
pub use seats::NoSeat;

/// An invitation that is good, as the page of its link shows it.
#[derive(Debug)]
pub struct Invited {
    /// The way in.
    pub scope: OrgScope,
    /// What is known of it.
    pub invitation: Invitation,
    /// Who invites.
    pub organization: Organization,
    /// The name of the user who does, where it is one.
    pub inviter: Option<String>,
    /// How whoever is invited proves who they are.
    pub methods: Methods,
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// See [`NoSeat`].
    NoSeat,
    /// See [`InvitationRefusal`].
    Refused(InvitationRefusal),
    /// Its organization is suspended.
    Suspended,
    /// A user of the organization has the address.
    Taken,
    /// There is none: one answer for whatever else is wrong.
    Unknown,
}

/// A field that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field of the form.
    pub field: &'static str,
    /// Why.
    pub why: Wrong,
}

/// Why a field cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The second password is another one than the first.
    Again,
    /// No address.
    Email,
    /// A message that is too long.
    Message,
    /// No name, or none that can be shown.
    Name,
    /// One that cannot be shown, where none is needed.
    NameIfAny,
    /// A password that is too long.
    PasswordLong,
    /// The one from before.
    PasswordSame,
    /// A password that is too short.
    PasswordShort,
}

/// Why an invitation is not used.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// See [`Closed`].
    #[error("the link opens nothing")]
    Closed(Closed),
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// See [`Problem`].
    #[error("what was typed cannot be")]
    Invalid(Vec<Problem>),
    /// SSO is enforced for the address: no password is taken.
    #[error("SSO is enforced for the address")]
    SsoRequired,
}

impl From<StorageError> for AcceptError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

impl Closed {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoSeat => "no_seat",
            Self::Refused(refusal) => refusal.as_str(),
            Self::Suspended => "organization_suspended",
            Self::Taken => "address_taken",
            Self::Unknown => "unknown_invitation",
        }
    }
}

/// Looks at what a link leads to, and nothing else: mail scanners look too, and use up nothing.
///
/// # Errors
/// [`AcceptError::Closed`].
pub async fn look(env: &Env, text: &str, origin: &Origin) -> Result<Invited, AcceptError> {
    env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    let Ok(secret) = Credential::<InvitationLink>::parse(text) else {
        env.limits.take(Limited::Refusals, origin.address).map_err(Failure::from)?;
        return Err(AcceptError::Closed(Closed::Unknown));
    };
    let scope = OrgScope::of_credential(&secret);
    let mut tx = env.store.begin(&scope).await?;
    let invitation = tx.invitations().find_by_token(&secret.hash()).await?;
    let organization = tx.organization().find().await?;
    let found = invitation.zip(organization);
    let judged = match &found {
        None => Err(Closed::Unknown),
        Some((invitation, organization)) => judge(env, &mut tx, (invitation, organization)).await?,
    };
    let inviter = match &found {
        // Nobody invites whoever joins.
        Some((invitation, _)) if invitation.by != InvitationBasis::Joining => {
            name_of(&mut tx, invitation.maker()).await?
        }
        Some(_) | None => None,
    };
    tx.commit().await?;
    match (found, judged) {
        (Some((invitation, organization)), Ok(())) => {
            let methods = find_methods(env, &scope, Some(&invitation.email)).await?;
            Ok(Invited { scope, invitation, organization, inviter, methods })
        }
        (found, judged) => {
            let closed = judged.err().unwrap_or(Closed::Unknown);
            let id = found.map(|(invitation, _)| invitation.id);
            Err(refuse(env, &scope, (closed, id), origin).await?)
        }
    }
}

/// Whether an invitation is good, with its organization and whoever has the address.
async fn judge(
    env: &Env,
    tx: &mut OrgTx,
    (invitation, organization): (&Invitation, &Organization),
) -> Result<Result<(), Closed>, StorageError> {
    match organization.status {
        OrgStatus::Active => {}
        OrgStatus::Suspended => return Ok(Err(Closed::Suspended)),
        OrgStatus::Deleted => return Ok(Err(Closed::Unknown)),
    }
    if let Err(refusal) = check(env, tx, invitation).await? {
        return Ok(Err(Closed::Refused(refusal)));
    }
    let taken = tx.users().find_by_email(&invitation.email).await?.is_some();
    Ok(if taken { Err(Closed::Taken) } else { Ok(()) })
}

/// Whether an invitation is good, by itself and by whoever vouches for it, who may have lost since what it gives.
async fn check(
    env: &Env,
    tx: &mut OrgTx,
    invitation: &Invitation,
) -> Result<Result<(), InvitationRefusal>, StorageError> {
    if let Err(refusal) = invitation.check(env.clock.now()) {
        return Ok(Err(refusal));
    }
    if invitation.by == InvitationBasis::Joining && !is_as_joined(tx, invitation).await? {
        return Ok(Err(InvitationRefusal::JoiningChanged));
    }
    let held = match invitation.maker() {
        Some(maker) => tx.rights().find_of_maker((maker, invitation.sent_at)).await?,
        None => return Ok(Err(InvitationRefusal::MakerFallen)),
    };
    let given = given_by(tx, invitation).await?;
    let given = given.iter().map(|role| (role.slug.as_str(), &role.permissions));
    let holds = Held::of(held.permissions.iter().map(String::as_str));
    Ok(invitation.check_maker((&held.roles, &holds), given))
}

/// Whether the organization still says of joining what it said when this invitation was made by it, and whoever has the address
/// may still join.
async fn is_as_joined(tx: &mut OrgTx, invitation: &Invitation) -> Result<bool, StorageError> {
    let allowed = entry_of(tx, &invitation.email).await?;
    Ok(allowed
        .is_some_and(|(entry, joining)| entry == Entry::Automatic && joining.set_at <= invitation.created_at))
}

/// The roles that an invitation gives, by itself and by groups.
async fn given_by(tx: &mut OrgTx, invitation: &Invitation) -> Result<Vec<Role>, StorageError> {
    if invitation.roles.is_empty() && invitation.groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut given = invitation.roles.clone();
    if !invitation.groups.is_empty() {
        let groups = tx.groups().list().await?;
        let joined = groups.iter().filter(|group| invitation.groups.contains(group.slug.as_str()));
        given.extend(joined.flat_map(Group::role_slugs));
    }
    let mut roles = tx.roles().list().await?;
    roles.retain(|role| given.contains(role.slug.as_str()));
    Ok(roles)
}

/// The invitation that is open for an address, and good.
pub(crate) async fn find_good(
    env: &Env,
    tx: &mut OrgTx,
    email: &Email,
) -> Result<Option<InvitationId>, StorageError> {
    let Some(invitation) = tx.invitations().find_open(email).await? else { return Ok(None) };
    let good = check(env, tx, &invitation).await?;
    Ok(good.is_ok().then_some(invitation.id))
}

/// The name of whoever vouches for an invitation, where it is a user.
pub(crate) async fn name_of(
    tx: &mut OrgTx,
    maker: Option<LinkMaker>,
) -> Result<Option<String>, StorageError> {
    match maker {
        Some(LinkMaker::User(id)) => Ok(tx.users().find(id).await?.map(|user| user.profile.name)),
        Some(LinkMaker::Client(_) | LinkMaker::Delegate(_) | LinkMaker::Operator) | None => Ok(None),
    }
}

/// The refusal, with its event.
async fn refuse(
    env: &Env,
    scope: &OrgScope,
    (closed, id): (Closed, Option<InvitationId>),
    origin: &Origin,
) -> Result<AcceptError, Failure> {
    env.limits.take(Limited::Refusals, origin.address)?;
    let event = events::refused(env, Action::InvitationRefused, closed.as_str(), origin)?;
    let detail = id.map(|id| ("invitation", id.to_string())).into_iter().collect();
    env.refusals.record(env, scope, Event { detail, ..event }).await?;
    Ok(AcceptError::Closed(closed))
}
