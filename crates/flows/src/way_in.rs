//! That enforced SSO leaves a way in: whoever has people sign in through a connection alone, or changes the connections
//! where they do, shuts out neither everybody nor every owner.
//!
//! Asked after a change, in its transaction, and after [`Users::seize`] of everybody: so a change of the policy and one of the
//! connections wait for one another, and the later one sees the earlier.
//!
//! [`Users::seize`]: orgate_storage::Users::seize

use orgate_domain::connections::ConnectionState;
use orgate_domain::permissions::EVERYTHING;
use orgate_domain::policies::{Policy, PolicySettings, SsoEnforcement};
use orgate_storage::{OrgScope, OrgTx, StorageError};

use crate::Env;

/// Who could not sign in any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoWayIn {
    /// Nobody whom SSO is enforced for.
    #[error("no connection of the organization is active: nobody whom SSO is enforced for could sign in")]
    Anybody,
    /// No owner.
    #[error("no owner could sign in any more: have one sign in through an active connection first")]
    Owner,
}

/// Whether enforced SSO leaves a way in.
pub(crate) async fn check_way_in(
    tx: &mut OrgTx,
    enforcement: SsoEnforcement,
) -> Result<Result<(), NoWayIn>, StorageError> {
    if enforcement == SsoEnforcement::Off {
        return Ok(Ok(()));
    }
    let connections = tx.connections().list().await?;
    if connections.iter().all(|connection| connection.state != ConnectionState::Active) {
        return Ok(Err(NoWayIn::Anybody));
    }
    let domains_only = enforcement == SsoEnforcement::Domains;
    // One that has none, because a file or an identity provider says who may do what, is not asked for one.
    let shut_out = tx.roles().is_held(EVERYTHING).await?
        && !tx.rights().is_owner_let_in(EVERYTHING, domains_only).await?;
    Ok(if shut_out { Err(NoWayIn::Owner) } else { Ok(()) })
}

/// The settings of the organizations above, the highest first.
pub(crate) async fn inherited(env: &Env, scope: &OrgScope) -> Result<Vec<PolicySettings>, StorageError> {
    let mut line = env.store.inherit(scope).await?;
    line.pop(); // its own
    Ok(line)
}

/// For whom SSO is enforced, as the transaction sees it.
pub(crate) async fn enforcement_in(
    tx: &mut OrgTx,
    above: &[PolicySettings],
) -> Result<SsoEnforcement, StorageError> {
    let own = tx.organization().find_policy().await?.unwrap_or_default();
    Ok(Policy::effective(above.iter().chain([&own])).sso_enforcement)
}
