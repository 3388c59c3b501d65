//! A user is changed: what they are called, how they are reached, and whether they may sign in.
//!
//! **Invariant:** a new address is proven by nobody, and gives whoever has it nothing that the caller could not give.

use orgate_domain::audit::Action;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_storage::{ListedUser, OrgTx, Role};

use super::{UserSettings, check_gift, hold, taken};
use crate::Env;
use crate::configure::{Author, Mark, UserState, save_user};
use crate::end_sessions::{CONNECTION_DISABLED, end_sessions};
use crate::invitations::make::event_of;
use crate::manage::change::{Change, ChangeOfRights};
use crate::manage::{Caller, ChangeError};
use crate::notices::{Notice, prepare_for};
use crate::sealed::Sealed;

/// What of a user a change names: nothing else than what it names becomes another.
#[derive(Debug, Clone, Copy)]
pub struct Touched {
    /// Their address.
    pub email: bool,
    /// Whether they may sign in.
    pub status: bool,
}

/// Changes a user: `edit` is shown what they are, and says what they are to be. Who may not sign in any more is signed out
/// everywhere. Who gets another address is told so at the former one, if it was proven.
///
/// # Errors
/// [`ChangeError`], also what `edit` says; [`ChangeError::Above`] for a user who holds what the caller does not, or may not give
/// to whoever has the new address.
pub async fn update_user(
    env: &Env,
    caller: &Caller,
    (id, touched): (UserId, Touched),
    edit: impl Fn(&ListedUser) -> Result<UserSettings, ChangeError>,
) -> Result<ListedUser, ChangeError> {
    caller.conclude(env, update(env, caller, (id, touched), edit)).await
}

async fn update(
    env: &Env,
    caller: &Caller,
    (id, touched): (UserId, Touched),
    edit: impl Fn(&ListedUser) -> Result<UserSettings, ChangeError>,
) -> Result<ListedUser, ChangeError> {
    let notice = if touched.email { prepare_notice(env, caller, id, &edit).await? } else { None };
    // Nobody who signs in waits for another name.
    let mut change = if touched.email || touched.status {
        ChangeOfRights::begin_shutting_out(env, caller).await?
    } else {
        ChangeOfRights::begin(env, caller).await?
    };
    let before = hold(&mut change, id).await?;
    let wanted = edit(&before)?;
    let Some(mark) = mark_of(&before, &wanted)? else { return Ok(before) };
    let Change { tx, caller, .. } = &mut *change;
    let author = caller.author();
    if let Some(email) = wanted.email.as_ref().filter(|_| mark.touches("email")) {
        readdress(env, tx, caller, (&before, email)).await?;
        if mark.touches("verified") {
            tell(tx, (&before, notice)).await?;
        }
    }
    if mark.touches("locale") {
        tx.users().update_locale(id, wanted.locale.as_deref(), env.clock.now()).await?;
    }
    if mark.touches("external_id") {
        let saved = tx.users().update_external_id(id, wanted.external_id.as_ref(), env.clock.now()).await;
        saved.map_err(|error| taken(error.into()))?;
    }
    let deactivated = wanted.status == UserStatus::Deactivated && before.profile.status == UserStatus::Active;
    let state = UserState {
        id,
        email: None,
        vouched: false,
        name: wanted.name,
        status: wanted.status,
        roles: None,
        groups: None,
        break_glass: before.break_glass,
        attributes: None,
        external_id: None,
        ends_sessions: deactivated.then_some("user_deactivated"),
    };
    save_user(env, tx, (&author, &mark), (&state, None)).await?;
    let after = tx.users().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(after)
}

/// What changes; `None`: nothing.
fn mark_of(before: &ListedUser, wanted: &UserSettings) -> Result<Option<Mark>, ChangeError> {
    let now = &before.profile;
    if wanted.email.is_none() && now.email.is_some() {
        let detail = "an address can be replaced by another one, and not be taken away";
        return Err(ChangeError::invalid("/email", detail));
    }
    let is_new = is_new(before, wanted);
    let is_written_anew = wanted.email.as_ref().map(Email::as_str) != now.email.as_deref();
    if let Some(email) = wanted.email.as_ref().filter(|_| is_written_anew) {
        // One that is kept from before may be what no new one may.
        Email::parse(email.as_str())
            .map_err(|error| ChangeError::invalid("/email", format!("{error}, like name@example.com")))?;
    }
    Ok(Mark::of([
        ("name", wanted.name.as_str() != now.name),
        ("email", is_written_anew),
        ("verified", is_new && now.email_verified),
        ("locale", wanted.locale != now.locale),
        ("external_id", wanted.external_id != before.external_id),
        ("status", wanted.status != now.status),
    ]))
}

/// Whether the wanted address is another one, and not the same in another spelling.
fn is_new(before: &ListedUser, wanted: &UserSettings) -> bool {
    let former = before.profile.email.as_deref().and_then(|text| Email::stored(text).ok());
    wanted.email.as_ref().map(Email::normalized) != former.as_ref().map(Email::normalized)
}

/// The notice to the address that the user has now, if it is proven and will not be theirs: encrypted before the change's
/// transaction is opened.
async fn prepare_notice(
    env: &Env,
    caller: &Caller,
    id: UserId,
    edit: impl Fn(&ListedUser) -> Result<UserSettings, ChangeError>,
) -> Result<Option<(String, Sealed)>, ChangeError> {
    let before = super::find_user(env, caller, id).await?.ok_or(ChangeError::Missing)?;
    // What is wrong with it is said once it is decided.
    let is_new = edit(&before).is_ok_and(|wanted| is_new(&before, &wanted));
    let profile = &before.profile;
    let proven = profile.email.clone().filter(|_| is_new && profile.email_verified);
    let Some(to) = proven else { return Ok(None) };
    let reader = (profile.name.as_str(), profile.locale.as_deref());
    let about = |organization: &str| Notice::address_changed(organization, reader);
    let notice = prepare_for(env, &caller.scope, &to, about).await?;
    Ok(Some((to, notice)))
}

/// Has the former address told.
async fn tell(
    tx: &mut OrgTx,
    (before, notice): (&ListedUser, Option<(String, Sealed)>),
) -> Result<(), ChangeError> {
    match notice {
        Some((to, notice)) if before.profile.email.as_deref() == Some(to.as_str()) => {
            Ok(notice.send(tx).await?)
        }
        // It was proven, or became another, in this very moment.
        _ => Err(ChangeError::InUse(
            "their address changed in this very moment; look at it, and ask again".to_owned(),
        )),
    }
}

/// Gives a user another address. Whoever has it may become them, so that it gives all that is theirs; and what connections
/// give in their pilots depends on it: asked about before and after.
async fn readdress(
    env: &Env,
    tx: &mut OrgTx,
    caller: &Caller,
    (user, email): (&ListedUser, &Email),
) -> Result<(), ChangeError> {
    let roles = tx.roles().list().await?;
    check_gifts(tx, caller, (user.id, &roles)).await?;
    let at = env.clock.now();
    tx.users().update_email(user.id, email, at).await.map_err(|error| taken(error.into()))?;
    check_gifts(tx, caller, (user.id, &roles)).await?;
    let author = caller.author();
    let former = user.profile.email.as_deref().and_then(|text| Email::stored(text).ok());
    if let Some(former) = former.filter(|former| former.normalized() != email.normalized()) {
        revoke_invitation(env, tx, &author, &former).await?;
        tx.join_requests().delete_of(&former).await?; // of whoever they are, nothing is kept by it
    }
    let shut_out = tx.users().list_shut_out(user.id, at).await?;
    end_sessions(env, tx, shut_out, author.because(CONNECTION_DISABLED)).await?;
    Ok(())
}

/// Whether the caller could give all the roles that a user has.
async fn check_gifts(
    tx: &mut OrgTx,
    caller: &Caller,
    (id, roles): (UserId, &[Role]),
) -> Result<(), ChangeError> {
    let held = tx.users().list_roles_held(id).await?;
    if !held.is_empty() && !caller.may(OrgatePermission::RolesAssign) {
        let detail =
            format!("they have roles, and to give these takes {}", OrgatePermission::RolesAssign.as_str());
        return Err(ChangeError::above("/email", detail));
    }
    let held = roles.iter().filter(|role| held.iter().any(|slug| slug == role.slug.as_str()));
    for role in held {
        check_gift(caller, role, "/email")?;
    }
    Ok(())
}

/// Takes back what was sent to an address that is nobody's any more, so that no old link makes a user of whoever has it.
pub(super) async fn revoke_invitation(
    env: &Env,
    tx: &mut OrgTx,
    author: &Author,
    email: &Email,
) -> Result<(), ChangeError> {
    let Some(invitation) = tx.invitations().find_open(email).await? else { return Ok(()) };
    if tx.invitations().revoke(invitation.id, env.clock.now()).await? {
        let event = event_of(env, author, (Action::InvitationRevoked, invitation.id))?;
        tx.audit().insert(&event).await?;
    }
    Ok(())
}
