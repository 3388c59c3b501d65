//! A user is erased for good.
//!
//! **Invariant:** whoever is signed in as them is signed out, and applications are told, before anything of theirs goes; the
//! log goes on knowing them by their id, which is never another's.

use orgate_domain::audit::{Action, Event};
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_storage::ListedUser;

use super::hold;
use super::update::revoke_invitation;
use crate::configure::end_all;
use crate::manage::change::{Change, ChangeOfRights};
use crate::manage::{Caller, ChangeError};
use crate::{Env, events};

/// Erases a user, with all that is theirs: `check` is shown who they are. Invitations to their address are taken back.
///
/// # Errors
/// [`ChangeError`], also what `check` says; [`ChangeError::Above`] for a user who holds what the caller does not,
/// [`ChangeError::InUse`] for the caller, and where enforced SSO would leave no way in, [`ChangeError::LastOwner`].
pub async fn delete_user(
    env: &Env,
    caller: &Caller,
    id: UserId,
    check: impl FnOnce(&ListedUser) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    caller.conclude(env, delete(env, caller, id, check)).await
}

async fn delete(
    env: &Env,
    caller: &Caller,
    id: UserId,
    check: impl FnOnce(&ListedUser) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    // Whoever is about to begin a session finds nobody then, instead of somebody who is gone a moment later.
    let mut change = ChangeOfRights::begin_shutting_out(env, caller).await?;
    let user = hold(&mut change, id).await?;
    check(&user)?;
    let Change { tx, caller, .. } = &mut *change;
    if caller.by.maker().user() == Some(id) {
        let detail = "nobody deletes themselves; another administrator can";
        return Err(ChangeError::InUse(detail.to_owned()));
    }
    let author = caller.author();
    end_all(env, tx, Some(id), author.because("user_deleted")).await?;
    if let Some(email) = user.profile.email.as_deref().and_then(|text| Email::stored(text).ok()) {
        revoke_invitation(env, tx, &author, &email).await?;
        tx.join_requests().delete_of(&email).await?;
    }
    if !tx.users().erase(id).await? {
        return Err(ChangeError::Missing);
    }
    let event = author.about(events::done(env, Action::UserDeleted, &author.origin)?);
    tx.audit().insert(&Event { user_id: Some(id), detail: author.detail, ..event }).await?;
    change.commit().await
}
