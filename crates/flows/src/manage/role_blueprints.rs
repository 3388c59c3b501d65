//! Roles that new organizations begin with: those that Orgate comes with, and those that operators put beside them, or in their
//! place. An organization's own are its own from then on: no blueprint changes a role.

use std::collections::BTreeSet;

use orgate_domain::names::Slug;
use orgate_domain::permissions::{OWNER, READY_ROLES};
use orgate_storage::RoleBlueprint;

use super::change::Change;
use super::roles::{RoleSettings, check_permissions};
use super::{Caller, ChangeError};
use crate::configure::{FirstRole, Mark, first_roles, save_blueprint};
use crate::{Env, Failure};

/// Blueprints at most.
pub const MAX_BLUEPRINTS: usize = 100;

/// All roles that a new organization begins with.
///
/// # Errors
/// [`Failure`].
pub async fn list_blueprints(env: &Env, operator: &Caller) -> Result<Vec<FirstRole>, Failure> {
    let kept = operator.read(env, async |tx| tx.role_blueprints().list().await).await?;
    Ok(first_roles(kept)?)
}

/// The role of this name that a new organization begins with.
///
/// # Errors
/// [`Failure`].
pub async fn find_blueprint(env: &Env, operator: &Caller, slug: &Slug) -> Result<Option<FirstRole>, Failure> {
    let all = list_blueprints(env, operator).await?;
    Ok(all.into_iter().find(|first| first.blueprint.slug == *slug))
}

/// Has new organizations begin with a role as `edit` makes it of the one of this name that they begin with so far, of nothing that
/// the caller may not give.
///
/// # Errors
/// [`ChangeError`]; what `edit` refuses; [`ChangeError::InUse`] for the owner's role, which is the same everywhere.
pub async fn set_blueprint(
    env: &Env,
    operator: &Caller,
    slug: Slug,
    edit: impl FnOnce(Option<&FirstRole>) -> Result<RoleSettings, ChangeError>,
) -> Result<FirstRole, ChangeError> {
    let change = async {
        if slug.as_str() == OWNER {
            return Err(ChangeError::InUse(format!(
                "whoever is {OWNER} may do everything, in each organization"
            )));
        }
        let mut change = Change::begin(env, operator, async |tx| tx.roles().seize().await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let kept = tx.role_blueprints().list().await?;
        let count = kept.len();
        let before = first_roles(kept)?.into_iter().find(|first| first.blueprint.slug == slug);
        let RoleSettings { name, permissions } = edit(before.as_ref())?;
        let nothing = BTreeSet::new();
        let replaced = before.as_ref().map_or(&nothing, |before| &before.blueprint.permissions);
        check_permissions(operator, &permissions, replaced)?;
        let after = RoleBlueprint { slug, name, permissions: permissions.into_iter().collect() };
        let mark = match before.filter(|before| !before.ready_made) {
            None if count >= MAX_BLUEPRINTS => {
                return Err(ChangeError::TooMany(format!("there are up to {MAX_BLUEPRINTS} blueprints")));
            }
            None => Some(Mark::Created),
            Some(FirstRole { blueprint: before, .. }) => Mark::of([
                ("name", before.name != after.name),
                ("permissions", before.permissions != after.permissions),
            ]),
        };
        if let Some(mark) = mark {
            save_blueprint(env, tx, (&operator.author(), &mark), &after).await?;
            change.commit().await?;
        }
        Ok(FirstRole { blueprint: after, ready_made: false })
    };
    operator.conclude(env, change).await
}

/// Has new organizations begin with this role no more, or with Orgate's own of that name again.
///
/// # Errors
/// [`ChangeError`]; what `check` refuses.
pub async fn delete_blueprint(
    env: &Env,
    operator: &Caller,
    slug: &Slug,
    check: impl FnOnce(&RoleBlueprint) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, operator, async |tx| tx.roles().seize().await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let kept = tx.role_blueprints().list().await?;
        let before =
            kept.into_iter().find(|blueprint| blueprint.slug == *slug).ok_or(ChangeError::Missing)?;
        check(&before)?;
        let given: Vec<_> = ready_made(slug).into_iter().collect(); // from then on
        check_permissions(operator, &given, &before.permissions)?;
        save_blueprint(env, tx, (&operator.author(), &Mark::Removed), &before).await?;
        change.commit().await
    };
    operator.conclude(env, change).await
}

/// What is in the role of this name that Orgate comes with.
fn ready_made(slug: &Slug) -> BTreeSet<String> {
    let ready = READY_ROLES.iter().filter(|ready| ready.slug == slug.as_str());
    ready.flat_map(|ready| ready.permissions).map(|&permission| permission.to_owned()).collect()
}
