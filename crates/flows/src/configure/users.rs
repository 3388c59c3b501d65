//! Users, and the roles that are theirs.

use std::collections::BTreeMap;

use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::Attributes;
use orgate_domain::email::Email;
use orgate_domain::ids::{GroupId, RoleId, UserId};
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::standing::UserStatus;
use orgate_storage::{Group, ListedUser, NewUser, OrgTx, Role};

use super::{Author, Mark};
use crate::api_keys::about;
use crate::end_sessions::{Because, end_sessions};
use crate::invitations::seats::{check_seats, hold_seats};
use crate::{Env, Failure, events};

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
    /// The groups that they were put into, if these change.
    pub(crate) groups: Option<BTreeMap<Slug, GroupId>>,
    pub(crate) break_glass: bool,
    /// What is kept about them, if that changes.
    pub(crate) attributes: Option<Attributes>,
    /// What they are called in a system of the organization's own, if that changes.
    pub(crate) external_id: Option<ExternalId>,
    /// Why their sessions end.
    pub(crate) ends_sessions: Option<&'static str>,
}

/// Writes a user; `phc` is their new password.
///
/// # Errors
/// [`Failure`]: a conflict if the address of one who is made, or the external id, is another user's; [`Failure::NoSeat`].
pub(crate) async fn save_user(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    (user, phc): (&UserState, Option<&str>),
) -> Result<(), Failure> {
    let UserState { id, name, status, .. } = user;
    let at = env.clock.now();
    // Somebody else may have changed it since what is wanted was compared with what was there.
    let status_to_be = (*mark == Mark::Created || mark.touches("status")).then_some(*status);
    let takes_seat = status_to_be == Some(UserStatus::Active);
    if takes_seat {
        hold_seats(tx).await?;
    }
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
    tx.users().update(*id, name, status_to_be, at).await?;
    if takes_seat {
        check_seats(env, tx).await?;
    }
    tx.users().update_break_glass(*id, user.break_glass, at).await?;
    if let Some(attributes) = &user.attributes {
        tx.attributes().save_of_user(*id, attributes).await?;
    }
    if let Some(external_id) = &user.external_id {
        tx.users().update_external_id(*id, Some(external_id), at).await?;
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
    if let Some(groups) = &user.groups {
        let ids: Vec<_> = groups.values().copied().collect();
        tx.groups().replace_of_member(*id, &ids).await?;
        let slugs: Vec<_> = groups.keys().map(Slug::as_str).collect();
        event.detail.push(("groups", slugs.join(" ")));
    }
    tx.audit().insert(&event).await?;
    if let Some(reason) = user.ends_sessions {
        end_all(env, tx, Some(*id), author.because(reason)).await?;
    }
    if mark.touches("status") {
        revoke_keys(env, tx, author, *id).await?;
    }
    Ok(())
}

/// Takes a user's keys back when they are deactivated: whoever lets them in again does not let in whoever has these. And when they
/// are let in, as one may have been made in the moment in which they were not.
async fn revoke_keys(env: &Env, tx: &mut OrgTx, author: &Author, user: UserId) -> Result<(), Failure> {
    for key in tx.api_keys().revoke_of_user(user, env.clock.now()).await? {
        let event = author.about(events::done(env, Action::ApiKeyRevoked, &author.origin)?);
        let event = Event { reason: Some("user_deactivated"), detail: author.detail.clone(), ..event };
        tx.audit().insert(&about(&key, event)).await?;
    }
    Ok(())
}

/// Whether something is given or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignment {
    Given,
    Taken,
}

/// Assigns a role to a user, or takes it away; nothing, if it is so already. They have it, or not, from then on.
pub(crate) async fn save_assignment(
    env: &Env,
    tx: &mut OrgTx,
    (author, assignment): (&Author, Assignment),
    (user, role): (&mut ListedUser, &Role),
) -> Result<(), Failure> {
    let changed = match assignment {
        Assignment::Given => tx.users().insert_role(user.id, role.id, env.clock.now()).await?,
        Assignment::Taken => tx.users().delete_role(user.id, role.id).await?,
    };
    if !changed {
        return Ok(());
    }
    user.roles.retain(|slug| slug != role.slug.as_str());
    if assignment == Assignment::Given {
        user.roles.push(role.slug.to_string());
        user.roles.sort();
    }
    let mark = Mark::Changed(vec!["roles"]);
    let mut event = Event { user_id: Some(user.id), ..author.done(env, Action::UserConfigured, &mark)? };
    let status = user.profile.status.as_str().to_owned();
    event.detail.extend([("status", status), ("roles", user.roles.join(" "))]);
    Ok(tx.audit().insert(&event).await?)
}

/// Puts a user into a group, or takes out whom somebody put there; nothing, if it is so already.
pub(crate) async fn save_membership(
    env: &Env,
    tx: &mut OrgTx,
    (author, assignment): (&Author, Assignment),
    (user, group): (&ListedUser, &Group),
) -> Result<(), Failure> {
    let (changed, what) = match assignment {
        Assignment::Given => (tx.groups().insert_member(group.id, user.id).await?, "joined"),
        Assignment::Taken => (tx.groups().delete_member(group.id, user.id).await?, "left"),
    };
    if !changed {
        return Ok(());
    }
    let mark = Mark::Changed(vec!["groups"]);
    let mut event = Event { user_id: Some(user.id), ..author.done(env, Action::UserConfigured, &mark)? };
    let status = user.profile.status.as_str().to_owned();
    event.detail.extend([("status", status), (what, group.slug.to_string())]);
    Ok(tx.audit().insert(&event).await?)
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
