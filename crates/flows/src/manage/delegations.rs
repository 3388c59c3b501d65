//! Which organizations above one are let act in it; and, from there, in which one is let act.

use orgate_domain::ids::OrgId;
use orgate_domain::permissions::{PermissionProblem, is_reserved, parse_for_role};
use orgate_storage::system::DelegatedOrganization;
use orgate_storage::{Delegation, Page, PageOf};

use super::change::{Change, ChangeOfRights};
use super::{Caller, ChangeError};
use crate::configure::{Mark, save_delegation};
use crate::{Env, Failure};

/// Permissions of a delegation at most.
pub const MAX_DELEGATED: usize = 100;

/// The organization's delegations.
///
/// # Errors
/// [`Failure`].
pub async fn list_delegations(env: &Env, caller: &Caller) -> Result<Vec<Delegation>, Failure> {
    caller.read(env, async |tx| tx.delegations().list().await).await
}

/// Lets an organization above do this, and nothing else: no more than the caller could give.
///
/// # Errors
/// [`ChangeError`]; [`ChangeError::Missing`] if it is not above this one.
pub async fn set_delegation(
    env: &Env,
    caller: &Caller,
    (delegate, permissions): (OrgId, Vec<String>),
) -> Result<Delegation, ChangeError> {
    let change = async {
        let mut change = ChangeOfRights::begin(env, caller).await?;
        let Change { tx, caller, .. } = &mut *change;
        let before = tx.delegations().list().await?.into_iter().find(|one| one.delegate == delegate);
        check(caller, &permissions, before.as_ref())?;
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
        let before = tx.delegations().list().await?.into_iter().find(|one| one.delegate == delegate);
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

/// Whether the caller may give each of these: what is to be let, and what was.
fn check(caller: &Caller, wanted: &[String], before: Option<&Delegation>) -> Result<(), ChangeError> {
    for (place, text) in wanted.iter().enumerate() {
        let pointer = format!("/permissions/{place}");
        if !is_reserved(text) {
            let detail =
                format!("{text:?} is no permission of Orgate's own; applications' are not delegated");
            return Err(ChangeError::invalid(pointer, detail));
        }
        let unknown =
            |problem: PermissionProblem| ChangeError::invalid(&*pointer, format!("{text:?}: {problem}"));
        parse_for_role(text).map_err(unknown)?;
        if !caller.may_give_permission(text) {
            return Err(ChangeError::above(
                pointer,
                format!("you do not hold {text}, and so cannot let others do it"),
            ));
        }
    }
    let before = before.map(|before| before.permissions.as_slice()).unwrap_or_default();
    match before.iter().find(|text| !caller.may_give_permission(text)) {
        Some(held) => {
            let detail = format!("it is let do {held}, which you do not hold; who does can change it");
            Err(ChangeError::above("", detail))
        }
        None => Ok(()),
    }
}
