//! Roles.

use std::collections::BTreeSet;

use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::parse_for_role;
use orgate_domain::quotas::Quota;
use orgate_storage::{Page, PageOf, Role, StorageError};

use super::change::{Change, ChangeOfRights};
use super::{Caller, ChangeError, Once};
use crate::configure::{Mark, save_role};
use crate::quotas::check_room;
use crate::{Env, Failure};

/// Permissions in a role at most.
pub const MAX_PERMISSIONS: usize = 200;

/// What of a role may be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSettings {
    /// Its name for people.
    pub name: DisplayName,
    /// What is in it, as it was asked for.
    pub permissions: Vec<String>,
}

/// A page of the organization's roles, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_roles(
    env: &Env,
    caller: &Caller,
    page: PageOf<RoleId>,
) -> Result<Page<Role, RoleId>, Failure> {
    caller.read(env, async |tx| tx.roles().list_page(page).await).await
}

/// Every role of the organization, by slug.
///
/// # Errors
/// [`Failure`].
pub async fn list_all_roles(env: &Env, caller: &Caller) -> Result<Vec<Role>, Failure> {
    caller.read(env, async |tx| tx.roles().list().await).await
}

/// One role; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_role(env: &Env, caller: &Caller, id: RoleId) -> Result<Option<Role>, Failure> {
    caller.read(env, async |tx| tx.roles().find(id).await).await
}

/// Makes a role, of nothing that the caller may not give.
///
/// # Errors
/// [`ChangeError`].
pub async fn create_role(
    env: &Env,
    caller: &Caller,
    (slug, settings): (Slug, RoleSettings),
    once: Option<&Once>,
) -> Result<Role, ChangeError> {
    caller.conclude(env, create(env, caller, (slug, settings), once)).await
}

async fn create(
    env: &Env,
    caller: &Caller,
    (slug, settings): (Slug, RoleSettings),
    once: Option<&Once>,
) -> Result<Role, ChangeError> {
    let RoleSettings { name, permissions } = settings;
    let id = RoleId::from_uuid(env.random.uuid(env.clock.now())?);
    let mut change = ChangeOfRights::begin(env, caller).await?;
    let Change { tx, caller, .. } = &mut *change;
    if let Some(before) = caller.claim(env, tx, once, id.as_uuid()).await? {
        return tx.roles().find(RoleId::from_uuid(before)).await?.ok_or(ChangeError::Gone);
    }
    check_permissions(caller, &permissions, &BTreeSet::new())?;
    let role = Role { id, slug, name, permissions: permissions.into_iter().collect() };
    let have = tx.roles().list().await?.len();
    check_room(tx, Quota::Roles, have).await??;
    let taken = ("/slug", "another role of the organization is called so");
    save_role(env, tx, (&caller.author(), &Mark::Created), &role)
        .await
        .map_err(|failure| ChangeError::taken(failure, taken))?;
    change.commit().await?;
    Ok(role)
}

/// What of a role a change names.
#[derive(Debug, Clone, Copy)]
pub struct Touched {
    /// What is in it.
    pub permissions: bool,
}

/// Changes a role: `edit` is shown what it is, and says what it is to be. Whoever has it has what is in it from now on. `touched`
/// says what of it may be something else than before.
///
/// # Errors
/// [`ChangeError`], also what `edit` says; [`ChangeError::Above`] if there was or would be in it what the caller may not
/// give.
pub async fn update_role(
    env: &Env,
    caller: &Caller,
    (id, touched): (RoleId, Touched),
    edit: impl FnOnce(&Role) -> Result<RoleSettings, ChangeError>,
) -> Result<Role, ChangeError> {
    caller.conclude(env, update(env, caller, (id, touched), edit)).await
}

async fn update(
    env: &Env,
    caller: &Caller,
    (id, touched): (RoleId, Touched),
    edit: impl FnOnce(&Role) -> Result<RoleSettings, ChangeError>,
) -> Result<Role, ChangeError> {
    let mut change = if touched.permissions {
        ChangeOfRights::begin_shutting_out(env, caller).await?
    } else {
        ChangeOfRights::begin(env, caller).await?
    };
    let before = change.tx.roles().find(id).await?.ok_or(ChangeError::Missing)?;
    let RoleSettings { name, permissions } = edit(&before)?;
    check_permissions(&change.caller, &permissions, &before.permissions)?;
    let after = Role { name, permissions: permissions.into_iter().collect(), ..before.clone() };
    let mark = Mark::of([
        ("name", after.name != before.name),
        ("permissions", after.permissions != before.permissions),
    ]);
    let Some(mark) = mark else { return Ok(before) };
    save_role(env, &mut change.tx, (&caller.author(), &mark), &after).await?;
    change.commit().await?;
    Ok(after)
}

/// Takes a role away that nobody has.
///
/// # Errors
/// [`ChangeError`], also what `check` says of it; [`ChangeError::InUse`] while somebody or something has it.
pub async fn delete_role(
    env: &Env,
    caller: &Caller,
    id: RoleId,
    check: impl FnOnce(&Role) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    caller.conclude(env, delete(env, caller, id, check)).await
}

async fn delete(
    env: &Env,
    caller: &Caller,
    id: RoleId,
    check: impl FnOnce(&Role) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let mut change = ChangeOfRights::begin(env, caller).await?;
    let role = change.tx.roles().find(id).await?.ok_or(ChangeError::Missing)?;
    check(&role)?;
    check_permissions(&change.caller, &[], &role.permissions)?;
    let in_use = || {
        let detail = "users, groups, machines or a connection give this role; take it from them first";
        ChangeError::InUse(detail.to_owned())
    };
    match save_role(env, &mut change.tx, (&caller.author(), &Mark::Removed), &role).await {
        Err(Failure::Storage(StorageError::Reference { .. })) => return Err(in_use()),
        done => done?,
    }
    if change.tx.roles().find(id).await?.is_some() {
        return Err(in_use());
    }
    change.commit().await
}

/// A permission in a role that the caller may not give: the role is not theirs to change.
pub fn not_theirs<'p>(caller: &Caller, permissions: &'p BTreeSet<String>) -> Option<&'p String> {
    permissions.iter().find(|text| !caller.may_give_permission(text))
}

/// Whether the caller may give each of these: what is to be in a role, and what was.
pub(super) fn check_permissions(
    caller: &Caller,
    wanted: &[String],
    before: &BTreeSet<String>,
) -> Result<(), ChangeError> {
    if wanted.len() > MAX_PERMISSIONS {
        return Err(ChangeError::invalid("/permissions", format!("at most {MAX_PERMISSIONS}")));
    }
    for (place, text) in wanted.iter().enumerate() {
        let pointer = format!("/permissions/{place}");
        if let Err(problem) = parse_for_role(text)
            && !before.contains(text)
        {
            return Err(ChangeError::invalid(pointer, format!("{text:?}: {problem}")));
        }
        if !caller.may_give_permission(text) {
            let detail = format!("you do not hold {text}, and so cannot put it into a role");
            return Err(ChangeError::above(pointer, detail));
        }
    }
    match not_theirs(caller, before) {
        Some(held) => {
            let detail = format!("the role gives {held}, which you do not hold; who does can change it");
            Err(ChangeError::above("", detail))
        }
        None => Ok(()),
    }
}
