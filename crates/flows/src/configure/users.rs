//! Users, and the roles that are theirs.

use std::collections::BTreeMap;

use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::ids::{RoleId, UserId};
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::standing::UserStatus;
use orgate_storage::{NewUser, OrgTx};

use super::{Author, Mark};
use crate::end_sessions::{Because, end_sessions};
use crate::{Env, Failure};

/// A user as wanted; `None` where nothing changes.
#[derive(Debug)]
pub(crate) struct UserState {
    pub(crate) id: UserId,
    /// The address of one who is made, or whose address is vouched for.
    pub(crate) email: Option<Email>,
    /// Whether the word of whoever makes the change is proof of the address.
    pub(crate) vouched: bool,
    pub(crate) name: DisplayName,
    pub(crate) status: UserStatus,
    /// The roles assigned to them, if these change.
    pub(crate) roles: Option<BTreeMap<Slug, RoleId>>,
    pub(crate) break_glass: bool,
    /// What is kept about them, if that changes.
    pub(crate) attributes: Option<Attributes>,
    /// Why their sessions end.
    pub(crate) ends_sessions: Option<&'static str>,
}

/// Writes a user; `phc` is their new password.
///
/// # Errors
/// [`Failure`]: a conflict if the address of one who is made is another user's.
pub(crate) async fn save_user(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (user, phc): (&UserState, Option<&str>),
) -> Result<(), Failure> {
    let UserState { id, name, status, .. } = user;
    let at = env.clock.now();
    if let Some(email) = &user.email {
        let verified = user.vouched.then(|| env.vault.email_hash(email));
        match verified {
            _ if *mark == Mark::Created => {
                tx.users().insert(&NewUser { id: *id, email, verified, name, at }).await?;
            }
            Some(hash) if mark.touches("verified") => {
                tx.users().update_email_verified(*id, &hash, at).await?;
            }
            _ => {}
        }
    }
    tx.users().update(*id, name, *status, at).await?;
    tx.users().update_break_glass(*id, user.break_glass, at).await?;
    if let Some(attributes) = &user.attributes {
        tx.attributes().save_of_user(*id, attributes).await?;
    }
    if let Some(phc) = phc {
        tx.users().save_password(*id, phc, at).await?;
    }
    let mut event = Event { user_id: Some(*id), ..author.done(env, Action::UserConfigured, mark)? };
    event.detail.push(("status", status.as_str().to_owned()));
    if let Some(roles) = &user.roles {
        let ids: Vec<_> = roles.values().copied().collect();
        tx.users().replace_roles(*id, &ids, at).await?;
        let slugs: Vec<_> = roles.keys().map(Slug::as_str).collect();
        event.detail.push(("roles", slugs.join(" ")));
    }
    tx.audit().insert(&event).await?;
    match user.ends_sessions {
        Some(reason) => end_all(env, tx, Some(*id), author.because(reason)).await,
        None => Ok(()),
    }
}

/// Ends the sessions of a user, or of everybody.
pub(crate) async fn end_all(
    env: &Env,
    tx: &mut OrgTx,
    user: Option<UserId>,
    because: Because<'_>,
) -> Result<(), Failure> {
    tx.users().seize(user).await?;
    let open = tx.sessions().list_open(user).await?;
    end_sessions(env, tx, open, because).await?;
    Ok(())
}
