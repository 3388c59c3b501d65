//! Which organizations above one are let act in it; and, from there, in which one is let act.

use std::collections::BTreeSet;

use orgate_domain::ids::OrgId;
use orgate_domain::permissions::parse_for_delegate;
pub use orgate_storage::system::{DelegatedOrganization, OrganizationAbove};
use orgate_storage::{Delegation, Page, PageOf};

use super::change::{Change, ChangeOfRights};
use super::{Caller, ChangeError};
use crate::configure::{Mark, save_delegation};
use crate::{Env, Failure};

/// Permissions of a delegation at most.
pub const MAX_DELEGATED: usize = 100;

/// An organization above.
#[derive(Debug, Clone)]
pub struct Above {
    /// Which one.
    pub organization: OrganizationAbove,
    /// What it is let do, if anything.
    pub delegation: Option<Delegation>,
}

/// The organization's delegations.
///
/// # Errors
/// [`Failure`].
pub async fn list_delegations(env: &Env, caller: &Caller) -> Result<Vec<Delegation>, Failure> {
    caller.read(env, async |tx| tx.delegations().list().await).await
}

/// Every organization above this one, the nearest first, and what each is let do. Whoever is not at home is told of those that are
/// let in alone: the others agreed to be known to this organization, and not to its guests.
///
/// # Errors
/// [`Failure`].
pub async fn list_above(env: &Env, caller: &Caller) -> Result<Vec<Above>, Failure> {
    let delegations = list_delegations(env, caller).await?;
    // One that is restored acts again: whoever let it in can end that meanwhile.
    let let_in: Vec<_> = delegations.iter().map(|one| one.delegate).collect();
    let above = env.store.list_above(&caller.scope, &let_in).await?;
    let found = above.into_iter().map(|organization| Above {
        delegation: delegations.iter().find(|one| one.delegate == organization.id).cloned(),
        organization,
    });
    Ok(found.filter(|above| caller.is_at_home() || above.delegation.is_some()).collect())
}

/// One of these; `None` if it is not above.
///
/// # Errors
/// [`Failure`].
pub async fn find_above(env: &Env, caller: &Caller, id: OrgId) -> Result<Option<Above>, Failure> {
    Ok(list_above(env, caller).await?.into_iter().find(|above| above.organization.id == id))
}

/// Lets an organization above do this, and nothing else: `edit` is shown what it was let do, and says what it is to be; no more
/// than the caller could give.
///
/// # Errors
/// [`ChangeError`], also what `edit` says; [`ChangeError::Missing`] if it is not above this one.
pub async fn set_delegation(
    env: &Env,
    caller: &Caller,
    delegate: OrgId,
    edit: impl FnOnce(Option<&Delegation>) -> Result<Vec<String>, ChangeError>,
) -> Result<Delegation, ChangeError> {
    let change = async {
        let mut change = ChangeOfRights::begin(env, caller).await?;
        let Change { tx, caller, .. } = &mut *change;
        let before = tx.delegations().find(delegate).await?;
        let permissions = edit(before.as_ref())?;
        if !(1..=MAX_DELEGATED).contains(&permissions.len()) {
            let detail = format!("1 to {MAX_DELEGATED} permissions; to let it do nothing, end its access");
            return Err(ChangeError::invalid("/permissions", detail));
        }
        let permissions = check(caller, &permissions, before.as_ref())?;
        let now = env.clock.now();
        let created_at = before.as_ref().map_or(now, |before| before.created_at);
        let after = Delegation { delegate, permissions, created_at, updated_at: now };
        let mark = match before {
            None => Mark::Created,
            Some(before) if before.permissions == after.permissions => return Ok(before),
            Some(_) => Mark::Changed(vec!["permissions"]),
        };
        if !save_delegation(env, tx, (&caller.author(), &mark), &after).await? {
            return Err(ChangeError::Missing);
        }
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Lets an organization above in no more. Invitations and set-up links of its people fall with it.
///
/// # Errors
/// [`ChangeError`].
pub async fn end_delegation(env: &Env, caller: &Caller, delegate: OrgId) -> Result<(), ChangeError> {
    let change = async {
        let mut change = ChangeOfRights::begin(env, caller).await?;
        let Change { tx, caller, .. } = &mut *change;
        let before = tx.delegations().find(delegate).await?;
        let before = before.ok_or(ChangeError::Missing)?;
        check(caller, &[], Some(&before))?;
        save_delegation(env, tx, (&caller.author(), &Mark::Removed), &before).await?;
        change.commit().await
    };
    caller.conclude(env, change).await
}

/// A page of the organizations that let the caller's own act in them.
///
/// # Errors
/// [`Failure`].
pub async fn list_delegated(
    env: &Env,
    caller: &Caller,
    page: PageOf<OrgId>,
) -> Result<Page<DelegatedOrganization, OrgId>, Failure> {
    Ok(env.store.list_delegated(&caller.scope, page).await?)
}

/// What is to be let, each of which the caller may give, and what was.
fn check(
    caller: &Caller,
    wanted: &[String],
    before: Option<&Delegation>,
) -> Result<BTreeSet<String>, ChangeError> {
    for (place, text) in wanted.iter().enumerate() {
        let pointer = format!("/permissions/{place}");
        if let Err(problem) = parse_for_delegate(text) {
            return Err(ChangeError::invalid(pointer, format!("{text:?}: {problem}")));
        }
        if !caller.may_give_permission(text) {
            let detail = format!("you do not hold {text}, and so cannot let others do it");
            return Err(ChangeError::above(pointer, detail));
        }
    }
    let held = before.map(|before| &before.permissions).into_iter().flatten();
    match held.into_iter().find(|text| !caller.may_give_permission(text)) {
        Some(held) => {
            let detail = format!("it is let do {held}, which you do not hold; who does can change it");
            Err(ChangeError::above("", detail))
        }
        None => Ok(wanted.iter().cloned().collect()),
    }
}
