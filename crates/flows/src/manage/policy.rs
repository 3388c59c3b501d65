//! What an organization allows, and for how long.

use orgate_domain::connections::ConnectionState;
use orgate_domain::policies::{Policy, PolicySettings, SsoEnforcement};
use orgate_storage::OrgTx;

use super::{Caller, ChangeError};
use crate::configure::{Mark, OrganizationState, save_organization};
use crate::{Env, Failure};

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
    tx.organization().lock().await?;
    let organization = tx.organization().find().await?.ok_or(ChangeError::Missing)?;
    let before = force(tx.organization().find_policy().await?.unwrap_or_default());
    let own = edit(&before)?;
    if own == before.own {
        return Ok(before);
    }
    let after = force(own);
    check_way_in(&mut tx, (&before.effective, &after.effective)).await?;
    let state = OrganizationState {
        ancestors: Vec::new(),
        name: organization.name,
        branding: organization.branding,
        status: organization.status,
        contact: organization.contact,
        attributes: None,
        policy: Some(own),
    };
    let mark = Mark::Changed(vec!["policy"]);
    save_organization(env, &mut tx, (&caller.author(), &mark), (&organization.slug, &state)).await?;
    tx.commit().await?;
    Ok(after)
}

/// Whoever has everybody sign in through a connection has one that lets everybody in, or nobody could any more.
async fn check_way_in(tx: &mut OrgTx, (before, after): (&Policy, &Policy)) -> Result<(), ChangeError> {
    if after.sso_enforcement <= before.sso_enforcement || after.sso_enforcement == SsoEnforcement::Off {
        return Ok(());
    }
    let connections = tx.connections().list().await?;
    if connections.iter().any(|connection| connection.state == ConnectionState::Active) {
        return Ok(());
    }
    let detail = "no connection of the organization is active: nobody whom this is for could sign in";
    Err(ChangeError::invalid("/sso_enforcement", detail))
}

/// The settings of the organizations above, the highest first.
async fn inherited(env: &Env, caller: &Caller) -> Result<Vec<PolicySettings>, Failure> {
    let mut line = env.store.inherit(&caller.scope).await?;
    line.pop(); // its own
    Ok(line)
}
