//! What an organization allows, and for how long.

use chrono::Duration;
use orgate_domain::policies::{Policy, PolicySettings, SsoEnforcement};
use orgate_storage::{OrgTx, StorageError};

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
    /// What the organizations above it have in force, which it can only tighten; `None`: there is none above it.
    pub above: Option<Policy>,
}

/// What would come of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyPreview {
    /// How it is.
    pub before: PolicyInForce,
    /// How it would be.
    pub after: PolicyInForce,
    /// Sessions that would end with it, as whoever has them would have to sign in otherwise.
    pub ended: i64,
    /// Whether the caller's is one of them.
    pub ends_own: bool,
}

impl PolicyInForce {
    fn of(own: PolicySettings, above: &[PolicySettings]) -> Self {
        Self {
            own,
            effective: Policy::effective(above.iter().chain([&own])),
            above: (!above.is_empty()).then(|| Policy::effective(above)),
        }
    }
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
    Ok(PolicyInForce::of(own, &above))
}

/// What would come of a change, as it stands now: refused where the change would be, and nothing is changed. `edit` as of
/// [`update_policy`].
///
/// # Errors
/// [`ChangeError`], also what `edit` says.
pub async fn preview_policy(
    env: &Env,
    caller: &Caller,
    edit: impl FnOnce(&PolicyInForce) -> Result<PolicySettings, ChangeError>,
) -> Result<PolicyPreview, ChangeError> {
    let above = inherited(env, &caller.scope).await?;
    let mut tx = env.store.begin(&caller.scope).await?;
    let before = find_in(&mut tx, &above).await?;
    let after = PolicyInForce::of(edit(&before)?, &above);
    check(&mut tx, (&before, &after)).await?;
    let own = caller.session_id();
    let enforced = after.own.sso_enforcement.unwrap_or_default(); // as saving it asks
    let (mut ended, mut ends_own) = (0, false);
    if after.own != before.own && enforced != SsoEnforcement::Off {
        let open = tx.sessions().count_without_sso(env.clock.now(), own).await?;
        for shut_out in open.iter().filter(|open| !enforced.allows(open.method, open.subject)) {
            ended += shut_out.count;
            ends_own |= shut_out.has_own;
        }
    }
    tx.commit().await?;
    Ok(PolicyPreview { before, after, ended, ends_own })
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
        let lock = async |tx: &mut OrgTx| {
            tx.users().seize(None).await?; // before anything that a sign-in may wait for
            tx.organization().lock().await
        };
        let mut change = Change::begin(env, caller, lock).await?;
        let Change { tx, caller, .. } = &mut change;
        let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
        let before = find_in(tx, &above).await?;
        let own = edit(&before)?;
        if own == before.own {
            return Ok(before);
        }
        let after = PolicyInForce::of(own, &above);
        check(tx, (&before, &after)).await?;
        let state = OrganizationState { policy: Some(own), ..OrganizationState::of(&organization) };
        let mark = Mark::Changed(vec!["policy"]);
        save_organization(env, tx, (&caller.author(), &mark), (&organization.slug, &state)).await?;
        change.commit().await?;
        Ok(after)
    };
    caller.conclude(env, change).await
}

/// The settings of the transaction's organization, below these.
async fn find_in(tx: &mut OrgTx, above: &[PolicySettings]) -> Result<PolicyInForce, StorageError> {
    Ok(PolicyInForce::of(tx.organization().find_policy().await?.unwrap_or_default(), above))
}

/// Whether a change can be made.
async fn check(tx: &mut OrgTx, (before, after): (&PolicyInForce, &PolicyInForce)) -> Result<(), ChangeError> {
    check_lifetimes(&after.own, &before.own)?;
    check_enforcement(tx, (&before.effective, &after.effective)).await
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
            let (minutes, seconds) = (SHORTEST.num_minutes(), SHORTEST.num_seconds());
            Err(ChangeError::invalid(pointer, format!("at least {minutes} minutes ({seconds} seconds)")))
        }
        None => Ok(()),
    }
}
