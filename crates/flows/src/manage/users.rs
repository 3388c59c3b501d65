//! Users, and the roles that are assigned to them.

mod delete;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use chrono::Duration;
use orgate_domain::email::Email;
use orgate_domain::ids::{RoleId, UserId};
use orgate_domain::names::{DisplayName, ExternalId, Slug};
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::standing::UserStatus;
use orgate_storage::{EXTERNAL_ID_OF_USER, ListedUser, Page, PageOf, Role, StorageError, UserSearch};

use super::change::{Change, ChangeOfRights};
use super::{Caller, ChangeError, Once};
use crate::configure::{Assignment, Mark, UserState, save_assignment, save_user};
use crate::{Env, Failure};

pub use delete::delete_user;
pub use update::{Touched, update_user};

/// Which users are asked for.
#[derive(Debug, Clone)]
pub enum UserFilter {
    /// Whoever has all of this that is said: one, at most.
    One {
        /// Their address.
        email: Option<Email>,
        /// What they are called in a system of the organization's own.
        external_id: Option<ExternalId>,
    },
    /// Those that all of this fits.
    Those(UserQuery),
}

/// What fits users, of whom there may be many.
#[derive(Debug, Clone, Default)]
pub struct UserQuery {
    /// Those of whose name, or of whose address before its `@`, each of these words begins a part: up to [`MAX_SEARCH`] characters.
    pub search: String,
    /// Those who may sign in, or may not.
    pub status: Option<UserStatus>,
    /// Those who may sign in, and have not done so for this many days, nor were made or let in again.
    pub inactive_days: Option<u16>,
}

impl UserFilter {
    /// Whoever has this address.
    pub const fn address(email: Email) -> Self {
        Self::One { email: Some(email), external_id: None }
    }
}

/// Characters that are looked for at once.
pub const MAX_SEARCH: usize = 200;

/// Days for which one can ask whether somebody signed in.
pub const MAX_INACTIVE_DAYS: u16 = 3650;

/// Whoever has not signed in for this many days is called inactive where nobody says otherwise.
pub const INACTIVE_DAYS: u16 = 90;

/// A user as wanted.
#[derive(Debug)]
pub struct WantedUser {
    /// Their address, which nobody has proven yet.
    pub email: Email,
    /// Their name.
    pub name: DisplayName,
    /// Their language (BCP 47).
    pub locale: Option<String>,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// Slugs of the roles that they are given.
    pub roles: Vec<Slug>,
}

/// What of a user may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSettings {
    /// Their address, if they have one of their own. One that is new is proven by nobody.
    pub email: Option<Email>,
    /// Their name.
    pub name: DisplayName,
    /// Their language (BCP 47).
    pub locale: Option<String>,
    /// What they are called in a system of the organization's own.
    pub external_id: Option<ExternalId>,
    /// Whether they may sign in.
    pub status: UserStatus,
}

impl TryFrom<&ListedUser> for UserSettings {
    type Error = ChangeError;

    /// What they are, to be changed in part.
    fn try_from(user: &ListedUser) -> Result<Self, ChangeError> {
        let corrupt = |column| Failure::from(StorageError::Corrupt { table: "users", column });
        let email = user.profile.email.as_deref().map(Email::stored).transpose();
        Ok(Self {
            email: email.map_err(|_| corrupt("email"))?,
            name: DisplayName::parse(&user.profile.name).map_err(|_| corrupt("name"))?,
            locale: user.profile.locale.clone(),
            external_id: user.external_id.clone(),
            status: user.profile.status,
        })
    }
}

/// A page of the organization's users, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_users(
    env: &Env,
    caller: &Caller,
    (filter, page): (&UserFilter, PageOf<UserId>),
) -> Result<Page<ListedUser, UserId>, Failure> {
    // Before a connection is taken, of which others need some.
    let _turn = match filter {
        UserFilter::Those(those) if !those.search.trim().is_empty() => {
            Some(env.limits.take_turn_to_search(caller.org_id(), &caller.turn()).await?)
        }
        _ => None,
    };
    let mut tx = env.store.begin(&caller.scope).await?;
    let users = match filter {
        UserFilter::Those(UserQuery { search, status, inactive_days }) => {
            let inactive_since = inactive_days.map(|days| env.clock.now() - Duration::days(days.into()));
            let search = UserSearch { text: search, status: *status, inactive_since };
            tx.users().search(search, page).await?
        }
        UserFilter::One { email, external_id } => {
            let found = match (email, external_id) {
                (Some(email), _) => tx.users().find_listed_by_email(email).await?,
                (None, Some(external_id)) => tx.users().find_by_external_id(external_id).await?,
                (None, None) => None,
            };
            let found = found.filter(|user| external_id.is_none() || user.external_id == *external_id);
            let found = found.filter(|user| page.after.is_none_or(|after| user.id > after));
            Page { items: found.into_iter().collect(), next: None }
        }
    };
    tx.commit().await?;
    Ok(users)
}

/// One user; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_user(env: &Env, caller: &Caller, id: UserId) -> Result<Option<ListedUser>, Failure> {
    caller.read(env, async |tx| tx.users().find(id).await).await
}

/// Makes a user: an address that nobody has proven, and no password. They sign in through a connection that vouches for the
/// address; whoever is to choose a password is invited instead.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_user(
    env: &Env,
    caller: &Caller,
    wanted: WantedUser,
    once: Option<&Once>,
) -> Result<ListedUser, ChangeError> {
    caller.conclude(env, create(env, caller, wanted, once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    wanted: WantedUser,
    once: Option<&Once>,
) -> Result<ListedUser, ChangeError> {
    let WantedUser { email, name, locale, external_id, roles } = wanted;
    let id = UserId::from_uuid(env.random.uuid(env.clock.now())?);
    let mut change = ChangeOfRights::begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut *change;
    if let Some(before) = caller.claim(env, tx, once, id.as_uuid()).await? {
        return tx.users().find(UserId::from_uuid(before)).await?.ok_or(ChangeError::Gone);
    }
    if !roles.is_empty() && !caller.may(OrgatePermission::RolesAssign) {
        let detail = format!("to give roles takes {}", OrgatePermission::RolesAssign.as_str());
        return Err(ChangeError::above("/roles", detail));
    }
    let roles = given_roles(caller, &tx.roles().list().await?, &roles)?;
    let state = UserState {
        id,
        email: Some(email),
        vouched: false,
        name,
        status: UserStatus::Active,
        roles: Some(roles),
        groups: None,
        break_glass: false,
        attributes: None,
        external_id,
        ends_sessions: None,
    };
    save_user(env, tx, (&caller.author(), &Mark::Created), (&state, None)).await.map_err(taken)?;
    if locale.is_some() {
        tx.users().update_locale(id, locale.as_deref(), env.clock.now()).await?;
    }
    let made = tx.users().find(id).await?.ok_or(ChangeError::Missing)?;
    change.commit().await?;
    Ok(made)
}

/// The roles of these names, if the caller may give each.
fn given_roles(
    caller: &Caller,
    known: &[Role],
    wanted: &[Slug],
) -> Result<BTreeMap<Slug, RoleId>, ChangeError> {
    let mut roles = BTreeMap::new();
    for (place, slug) in wanted.iter().enumerate() {
        let pointer = format!("/roles/{place}");
        let Some(role) = known.iter().find(|role| role.slug == *slug) else {
            return Err(ChangeError::invalid(pointer, format!("the organization has no role {slug}")));
        };
        check_gift(caller, role, &pointer)?;
        roles.insert(slug.clone(), role.id);
    }
    Ok(roles)
}

/// Whether the caller may give or take a role.
pub(super) fn check_gift(caller: &Caller, role: &Role, pointer: &str) -> Result<(), ChangeError> {
    if caller.may_give(role) {
        return Ok(());
    }
    let detail = format!("the role {} is not yours to give, or gives what you do not hold", role.slug);
    Err(ChangeError::above(pointer, detail))
}

/// A broken constraint of uniqueness, in words.
fn taken(failure: Failure) -> ChangeError {
    let is_external = matches!(
        &failure,
        Failure::Storage(StorageError::Conflict { constraint }) if constraint == EXTERNAL_ID_OF_USER
    );
    let whose = if is_external {
        ("/external_id", "another user of the organization has this external id")
    } else {
        ("/email", "another user of the organization has this address")
    };
    ChangeError::taken(failure, whose)
}

/// A user, for this transaction alone, if the caller reaches as high.
async fn hold(change: &mut ChangeOfRights, id: UserId) -> Result<ListedUser, ChangeError> {
    let Change { tx, caller, .. } = &mut **change;
    tx.users().seize(Some(id)).await?;
    let user = tx.users().find(id).await?.ok_or(ChangeError::Missing)?;
    let held = tx.users().list_permissions(id).await?;
    if !caller.reaches(&held) {
        return Err(ChangeError::above("", "they administer more of the organization than you do"));
    }
    Ok(user)
}

/// Assigns a role to a user; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`].
pub async fn assign_role(
    env: &Env,
    caller: &Caller,
    (user, role): (UserId, RoleId),
) -> Result<(), ChangeError> {
    change_roles(env, caller, user, &RoleChanges { given: [role].into(), ..RoleChanges::default() }).await
}

/// Takes a role that was assigned to a user away; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`].
pub async fn unassign_role(
    env: &Env,
    caller: &Caller,
    (user, role): (UserId, RoleId),
) -> Result<(), ChangeError> {
    change_roles(env, caller, user, &RoleChanges { taken: [role].into(), ..RoleChanges::default() }).await
}

/// Roles of one user that one change gives and takes at most.
pub const MAX_CHANGED: usize = 50;

/// Which roles a user is given, and which are taken from them.
#[derive(Debug, Clone, Default)]
pub struct RoleChanges {
    /// Those that are given.
    pub given: BTreeSet<RoleId>,
    /// Those that are taken away.
    pub taken: BTreeSet<RoleId>,
}

/// Assigns roles to a user and takes others away, all of it or nothing; to do it again changes nothing.
///
/// # Errors
/// [`ChangeError`].
pub async fn change_roles(
    env: &Env,
    caller: &Caller,
    user: UserId,
    changes: &RoleChanges,
) -> Result<(), ChangeError> {
    caller.conclude(env, save_roles(env, caller, user, changes)).await
}

async fn save_roles(
    env: &Env,
    caller: &Caller,
    user: UserId,
    changes: &RoleChanges,
) -> Result<(), ChangeError> {
    if changes.given.len() + changes.taken.len() > MAX_CHANGED {
        let detail = format!("change up to {MAX_CHANGED} roles at once; save some of them first");
        return Err(ChangeError::invalid("/roles", detail));
    }
    let mut change = if changes.taken.is_empty() {
        ChangeOfRights::begin(env, caller).await?
    } else {
        ChangeOfRights::begin_shutting_out(env, caller).await?
    };
    let Change { tx, caller, .. } = &mut *change;
    let mut user = tx.users().find(user).await?.ok_or(ChangeError::Missing)?;
    let given = changes.given.iter().map(|role| (*role, Assignment::Given));
    for (role, assignment) in changes.taken.iter().map(|role| (*role, Assignment::Taken)).chain(given) {
        let role = tx.roles().find(role).await?.ok_or(ChangeError::Missing)?;
        check_gift(caller, &role, "")?;
        save_assignment(env, tx, (&caller.author(), assignment), (&mut user, &role)).await?;
    }
    change.commit().await
}
