//! Roles, and groups that give them.

use orgate_domain::audit::{Action, Event};
use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::READY_ROLES;
use orgate_storage::system::OrgHint;
use orgate_storage::{Delegation, Group, OrgScope, OrgTx, Role, RoleBlueprint, StorageError};

use super::{Author, Mark};
use crate::random::NoRandomness;
use crate::{Env, Failure};

/// A role that new organizations begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstRole {
    /// What it is.
    pub blueprint: RoleBlueprint,
    /// Whether it is one that Orgate comes with.
    pub ready_made: bool,
}

/// The roles that new organizations begin with: those that Orgate comes with, and the operator's, which come before those of
/// the same name.
pub(crate) fn first_roles(kept: Vec<RoleBlueprint>) -> Result<Vec<FirstRole>, StorageError> {
    let corrupt = || StorageError::Corrupt { table: "roles", column: "slug" };
    let mut roles = Vec::with_capacity(READY_ROLES.len() + kept.len());
    for ready in READY_ROLES.iter().filter(|ready| kept.iter().all(|kept| kept.slug.as_str() != ready.slug)) {
        let blueprint = RoleBlueprint {
            slug: Slug::parse(ready.slug).map_err(|_| corrupt())?,
            name: DisplayName::parse(ready.name).map_err(|_| corrupt())?,
            permissions: ready.permissions.iter().map(|&permission| permission.to_owned()).collect(),
        };
        roles.push(FirstRole { blueprint, ready_made: true });
    }
    roles.extend(kept.into_iter().map(|blueprint| FirstRole { blueprint, ready_made: false }));
    Ok(roles)
}

/// The blueprints that are kept in the operator's organization; none before there is one.
pub(crate) async fn find_blueprints(env: &Env) -> Result<Vec<RoleBlueprint>, Failure> {
    match env.store.resolve(OrgHint::Operator).await? {
        Some(operator) => blueprints_in(env, &operator.scope).await,
        None => Ok(Vec::new()),
    }
}

/// The blueprints that are kept in this organization, the operator's.
pub(crate) async fn blueprints_in(env: &Env, operator: &OrgScope) -> Result<Vec<RoleBlueprint>, Failure> {
    let mut tx = env.store.begin(operator).await?;
    let kept = tx.role_blueprints().list().await?;
    tx.commit().await?;
    Ok(kept)
}

/// These roles, for one organization.
pub(crate) fn new_roles(env: &Env, kept: Vec<RoleBlueprint>) -> Result<Vec<Role>, Failure> {
    let role = |FirstRole { blueprint: RoleBlueprint { slug, name, permissions }, .. }| {
        let id = RoleId::from_uuid(env.random.uuid(env.clock.now())?);
        Ok(Role { id, slug, name, permissions })
    };
    first_roles(kept)?.into_iter().map(role).collect()
}

/// Writes a blueprint, or takes it away.
pub(crate) async fn save_blueprint(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    blueprint: &RoleBlueprint,
) -> Result<(), Failure> {
    if *mark == Mark::Removed {
        tx.role_blueprints().delete(&blueprint.slug).await?;
    } else {
        tx.role_blueprints().save(blueprint, env.clock.now()).await?;
    }
    let mut event = author.done(env, Action::RoleBlueprintConfigured, mark)?;
    let permissions: Vec<_> = blueprint.permissions.iter().map(String::as_str).collect();
    event.detail.extend([("role", blueprint.slug.to_string()), ("permissions", permissions.join(" "))]);
    Ok(tx.audit().insert(&event).await?)
}

/// Writes a role, or takes it away.
pub(crate) async fn save_role(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    role: &Role,
) -> Result<(), Failure> {
    let before = tx.roles().find(role.id).await?;
    let had = before.map(|before| before.permissions).unwrap_or_default();
    if *mark == Mark::Removed {
        tx.roles().delete(role.id).await?;
    } else {
        tx.roles().save(role, env.clock.now()).await?;
    }
    let changed: Vec<_> = role.permissions.symmetric_difference(&had).map(String::as_str).collect();
    let permissions: Vec<_> = role.permissions.iter().map(String::as_str).collect();
    let mut event = author.done(env, Action::RoleConfigured, mark)?;
    event.detail.extend([("role", role.slug.to_string()), ("permissions", permissions.join(" "))]);
    if matches!(mark, Mark::Changed(_)) {
        event.detail.push(("changed_permissions", changed.join(" ")));
    }
    Ok(tx.audit().insert(&event).await?)
}

/// Writes what an organization above is let do, or that it is let in no more; `false`: it is not above.
pub(crate) async fn save_delegation(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    delegation: &Delegation,
) -> Result<bool, Failure> {
    let done = if *mark == Mark::Removed {
        tx.delegations().delete(delegation.delegate).await?
    } else {
        tx.delegations().save(delegation).await?
    };
    if done {
        tx.audit().insert(&delegation_event(env, (author, mark), delegation)?).await?;
    }
    Ok(done)
}

/// That an organization above is let do this, or is let in no more.
pub(crate) fn delegation_event(
    env: &Env,
    (author, mark): (&Author, &Mark),
    delegation: &Delegation,
) -> Result<Event, NoRandomness> {
    let mut event = author.done(env, Action::DelegationConfigured, mark)?;
    event.detail.extend([
        ("organization", delegation.delegate.to_string()),
        ("permissions", delegation.permissions.iter().map(String::as_str).collect::<Vec<_>>().join(" ")),
    ]);
    Ok(event)
}

/// Writes a group, or takes it away; `false`: it would be inside of itself, or somebody is in it, and nothing done so far in
/// the transaction may last.
pub(crate) async fn save_group(
    env: &Env,
    tx: &mut OrgTx,
    (author, mark): (&Author, &Mark),
    group: &Group,
) -> Result<bool, Failure> {
    let removed = if *mark == Mark::Removed {
        tx.groups().delete(group.id).await?.then(Vec::new)
    } else {
        tx.groups().save(group, env.clock.now()).await?
    };
    let Some(removed) = removed else { return Ok(false) };
    let words = |slugs: Vec<&str>| slugs.join(" ");
    let mut event = author.done(env, Action::GroupConfigured, mark)?;
    event.detail.extend([
        ("group", group.slug.to_string()),
        ("roles", words(group.roles.keys().map(Slug::as_str).collect())),
        ("parents", words(group.parents.keys().map(Slug::as_str).collect())),
    ]);
    tx.audit().insert(&event).await?;
    // Of those who are in it no more, nobody could say afterwards that they were.
    for user in removed {
        let event = author.done(env, Action::UserConfigured, &Mark::Changed(vec!["roles"]))?;
        let detail = [event.detail, vec![("group", group.slug.to_string())]].concat();
        let event = Event { user_id: Some(user), reason: Some("beyond_ceiling"), detail, ..event };
        tx.audit().insert(&event).await?;
    }
    Ok(true)
}
