//! What an organization allows, and for how long.

use chrono::Duration;
use orgate_domain::connections::ConnectionState;
use orgate_domain::permissions::EVERYTHING;
use orgate_domain::policies::{Policy, PolicySettings, SsoEnforcement};
use orgate_storage::OrgTx;

use super::{Caller, ChangeError};
use crate::configure::{Mark, OrganizationState, save_organization};
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
    let above = inherited(env, caller).await?;
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
    let above = inherited(env, caller).await?;
    let force =
        |own: PolicySettings| PolicyInForce { own, effective: Policy::effective(above.iter().chain([&own])) };
    let mut tx = env.store.begin(&caller.scope).await?;
    tx.users().seize(None).await?; // before anything that a sign-in may wait for
    let caller = caller.renewed(env, &mut tx).await?;
    tx.organization().lock().await?;
    let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
    let before = force(tx.organization().find_policy().await?.unwrap_or_default());
    let own = edit(&before)?;
    if own == before.own {
        return Ok(before);
    }
    let after = force(own);
    check_lifetimes(&own)?;
    check_way_in(&mut tx, (&before.effective, &after.effective)).await?;
    let state = OrganizationState { policy: Some(own), ..OrganizationState::of(&organization) };
    let mark = Mark::Changed(vec!["policy"]);
    save_organization(env, &mut tx, (&caller.author(), &mark), (&organization.slug, &state)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Whoever has everybody sign in through a connection has one that lets everybody in, and an owner whom it lets in, or nobody
/// could any more. An operator's
/// file is not asked: it may describe the connection as well, and who wrote it can write another one.
async fn check_way_in(tx: &mut OrgTx, (before, after): (&Policy, &Policy)) -> Result<(), ChangeError> {
    if after.sso_enforcement <= before.sso_enforcement || after.sso_enforcement == SsoEnforcement::Off {
        return Ok(());
    }
    let refused = |detail: &str| Err(ChangeError::invalid("/sso_enforcement", detail));
    let connections = tx.connections().list().await?;
    if connections.iter().all(|connection| connection.state != ConnectionState::Active) {
        return refused("no connection of the organization is active: nobody whom this is for could sign in");
    }
    let domains_only = after.sso_enforcement == SsoEnforcement::Domains;
    if tx.roles().is_held(EVERYTHING).await? && !tx.rights().is_owner_let_in(EVERYTHING, domains_only).await?
    {
        return refused("no owner could sign in any more: have one sign in through the connection first");
    }
    Ok(())
}

/// Nobody shortens sessions so far that none is long enough to undo it.
fn check_lifetimes(own: &PolicySettings) -> Result<(), ChangeError> {
    let limits = [
        ("/session_idle_secs", own.session_idle),
        ("/session_absolute_secs", own.session_absolute),
        ("/refresh_idle_secs", own.refresh_idle),
        ("/refresh_absolute_secs", own.refresh_absolute),
    ];
    match limits.into_iter().find(|(_, limit)| limit.is_some_and(|limit| limit < SHORTEST)) {
        Some((pointer, _)) => {
            Err(ChangeError::invalid(pointer, format!("at least {} seconds", SHORTEST.num_seconds())))
        }
        None => Ok(()),
    }
}

/// The settings of the organizations above, the highest first.
async fn inherited(env: &Env, caller: &Caller) -> Result<Vec<PolicySettings>, Failure> {
    let mut line = env.store.inherit(&caller.scope).await?;
    line.pop(); // its own
    Ok(line)
}
