//! What an installation begins with: the operator organization and the shared issuer's keys.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::OrgId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_storage::system::OrgHint;
use orgate_storage::{NewOrganization, OrgScope, StorageError};

use crate::configure::{Author, Mark, new_roles, save_role};
use crate::keys::FROM_THE_START;
use crate::{Env, Failure, events};

/// The operator organization's slug.
pub const OPERATOR_SLUG: &str = "operator";

/// Finds or makes the operator organization, and loads the shared issuer's keys. Safe to run on
/// several nodes at once.
///
/// # Errors
/// [`Failure`].
pub async fn bootstrap(env: &Env) -> Result<OrgScope, Failure> {
    let operator = match env.store.resolve(OrgHint::Operator).await? {
        Some(operator) => operator.scope,
        None => make_operator(env).await?,
    };
    env.keys.load(env, &operator).await?;
    Ok(operator)
}

/// Loads what [`bootstrap`] made, and makes nothing. `None` if it is still to run on this database,
/// or to finish.
///
/// # Errors
/// [`Failure`]; of a master key that is not this installation's, [`crate::vault::VaultError::Ciphertext`].
pub async fn open(env: &Env) -> Result<Option<OrgScope>, Failure> {
    let Some(operator) = env.store.resolve(OrgHint::Operator).await? else { return Ok(None) };
    env.keys.read(env, &operator.scope).await?;
    let complete = FROM_THE_START.iter().all(|algorithm| env.keys.shared().check(*algorithm).is_ok());
    Ok(complete.then_some(operator.scope))
}

async fn make_operator(env: &Env) -> Result<OrgScope, Failure> {
    let now = env.clock.now();
    let scope = env.store.found(OrgId::from_uuid(env.random.uuid(now)?)).await?;
    let corrupt = || StorageError::Corrupt { table: "organizations", column: "slug" };
    let slug = Slug::parse(OPERATOR_SLUG).map_err(|_| corrupt())?;
    let name = DisplayName::parse("Operator").map_err(|_| corrupt())?;
    let new = NewOrganization { slug: &slug, name: &name, parent: None, is_operator: true, at: now };
    let event = events::done(env, Action::OrganizationConfigured, &Origin::default())?;
    let event = Event { actor: Actor::System, detail: vec![("slug", slug.to_string())], ..event };
    let mut tx = env.store.begin(&scope).await?;
    match tx.organization().insert(&new).await {
        Ok(()) => {
            tx.audit().insert(&event).await?;
            let author = Author { actor: Actor::System, ..Author::operator() };
            for role in new_roles(env, Vec::new())? {
                save_role(env, &mut tx, (&author, &Mark::Created), &role).await?;
            }
            tx.commit().await?;
        }
        // Another node was first.
        Err(StorageError::Conflict { .. }) => drop(tx),
        Err(error) => return Err(error.into()),
    }
    let operator = env.store.resolve(OrgHint::Operator).await?;
    operator.map(|operator| operator.scope).ok_or_else(|| corrupt().into())
}
