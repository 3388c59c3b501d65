//! Roles that new organizations begin with: those that Orgate comes with, and those that operators put beside them, or in their
//! place. An organization's own are its own from then on: no blueprint changes a role.

use std::collections::BTreeSet;

use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::{OWNER, READY_ROLES};
use orgate_storage::RoleBlueprint;

use super::change::Change;
use super::roles::check_permissions;
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

/// Has new organizations begin with this role, of nothing that the caller may not give.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::InUse`] for the owner's role, which is the same everywhere.
pub async fn set_blueprint(
    env: &Env,
    operator: &Caller,
    (slug, name, permissions): (Slug, DisplayName, Vec<String>),
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
        let before = kept.iter().find(|blueprint| blueprint.slug == slug);
        let replaced = before.map_or_else(|| ready_made(&slug), |before| before.permissions.clone());
        check_permissions(operator, &permissions, &replaced)?;
        let after = RoleBlueprint { slug, name, permissions: permissions.into_iter().collect() };
        let mark = match before {
            None if kept.len() >= MAX_BLUEPRINTS => {
                return Err(ChangeError::TooMany(format!("there are up to {MAX_BLUEPRINTS} blueprints")));
            }
            None => Some(Mark::Created),
            Some(before) => Mark::of([
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
/// [`ChangeError`].
pub async fn delete_blueprint(env: &Env, operator: &Caller, slug: &Slug) -> Result<(), ChangeError> {
    let change = async {
        let mut change = Change::begin(env, operator, async |tx| tx.roles().seize().await).await?;
        let Change { tx, caller: operator, .. } = &mut change;
        let kept = tx.role_blueprints().list().await?;
        let before =
            kept.into_iter().find(|blueprint| blueprint.slug == *slug).ok_or(ChangeError::Missing)?;
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
