//! What an organization allows, and for how long.

use chrono::Duration;
use orgate_domain::policies::{Policy, PolicySettings};
use orgate_storage::OrgTx;

use super::change::Change;
use super::{Caller, ChangeError};
use crate::configure::{Mark, OrganizationState, save_organization};
use crate::way_in::{NoWayIn, check_way_in, inherited};
use crate::{Env, Failure};

/// The shortest life of a session or of refresh tokens that programs may set.
pub const SHORTEST: Duration = Duration::minutes(5);

/// An organization's own settings, and what is in force with those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyInForce {
    /// Its own.
    pub own: PolicySettings,
    /// What is in force.
    pub effective: Policy,
}

/// The settings of the organization.
///
/// # Errors
/// [`Failure`].
pub async fn find_policy(env: &Env, caller: &Caller) -> Result<PolicyInForce, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let own = tx.organization().find_policy().await?.unwrap_or_default();
    tx.commit().await?;
    let above = inherited(env, &caller.scope).await?;
    Ok(PolicyInForce { own, effective: Policy::effective(above.iter().chain([&own])) })
}

/// Changes the organization's own settings: `edit` is shown what they are, and says what they are to be. What they admit no
/// more ends.
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn update_policy(
    env: &Env,
    caller: &Caller,
    edit: impl FnOnce(&PolicyInForce) -> Result<PolicySettings, ChangeError>,
) -> Result<PolicyInForce, ChangeError> {
    let change = async {
        let above = inherited(env, &caller.scope).await?;
        let force = |own: PolicySettings| PolicyInForce {
            own,
            effective: Policy::effective(above.iter().chain([&own])),
        };
        let lock = async |tx: &mut OrgTx| {
            tx.users().seize(None).await?; // before anything that a sign-in may wait for
            tx.organization().lock().await
        };
        let mut change = Change::begin(env, caller, lock).await?;
        let Change { tx, caller, .. } = &mut change;
        let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
        let before = force(tx.organization().find_policy().await?.unwrap_or_default());
        let own = edit(&before)?;
        if own == before.own {
            return Ok(before);
        }
        let after = force(own);
        check_lifetimes(&own, &before.own)?;
        check_enforcement(tx, (&before.effective, &after.effective)).await?;
        let state = OrganizationState { policy: Some(own), ..OrganizationState::of(&organization) };
        let mark = Mark::Changed(vec!["policy"]);
        save_organization(env, tx, (&caller.author(), &mark), (&organization.slug, &state)).await?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// Whether what gets tighter leaves a way in. An operator's file is not asked: it may describe the connection as well, and
/// who wrote it can write another one.
async fn check_enforcement(tx: &mut OrgTx, (before, after): (&Policy, &Policy)) -> Result<(), ChangeError> {
    if after.sso_enforcement <= before.sso_enforcement {
        return Ok(());
    }
    let refused = |why: NoWayIn| ChangeError::invalid("/sso_enforcement", why.to_string());
    check_way_in(tx, after.sso_enforcement).await?.map_err(refused)
}

/// Nobody shortens sessions so far that none is long enough to undo it. What an operator's file made shorter may stay.
fn check_lifetimes(own: &PolicySettings, before: &PolicySettings) -> Result<(), ChangeError> {
    let limits = [
        ("/session_idle_secs", own.session_idle, before.session_idle),
        ("/session_absolute_secs", own.session_absolute, before.session_absolute),
        ("/refresh_idle_secs", own.refresh_idle, before.refresh_idle),
        ("/refresh_absolute_secs", own.refresh_absolute, before.refresh_absolute),
    ];
    let too_short = |now: Option<Duration>, before| now != before && now.is_some_and(|now| now < SHORTEST);
    match limits.into_iter().find(|(_, now, before)| too_short(*now, *before)) {
        Some((pointer, ..)) => {
            Err(ChangeError::invalid(pointer, format!("at least {} seconds", SHORTEST.num_seconds())))
        }
        None => Ok(()),
    }
}
