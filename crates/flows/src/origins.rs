//! Which origins' scripts may read what the back channel answers: those of single-page clients.
//!
//! **Invariant:** an origin is admitted because somebody registered a redirect URI there, and by nothing that a request
//! says; at an organization's issuer, because that organization admits the client. Nothing that is answered depends on cookies, so an origin that is not admitted could not act for anybody.

use std::net::IpAddr;

use orgate_domain::clients::Party;
use orgate_domain::ids::OrgId;
use orgate_storage::StorageError;

use crate::limits::Limited;
use crate::{Called, Env};

/// Longer than any origin: a scheme, a host of 253 characters, a port.
const LONGEST: usize = 300;

/// Whether scripts of `origin` are a client of anybody's; at an organization's issuer, one that it admits. No round trip while the origin is known, to be one or not;
/// else it is paid for by `address`, because anybody may ask: one that asked too often is a stranger's.
///
/// # Errors
/// [`StorageError`].
pub async fn admits_origin(
    env: &Env,
    (called, origin): (Called, &str),
    address: Option<IpAddr>,
) -> Result<bool, StorageError> {
    if origin.len() > LONGEST || !(origin.starts_with("https://") || origin.starts_with("http://")) {
        return Ok(false); // `null`, an extension, a file: none of them can be registered
    }
    if let Some(known) = env.configuration.known_origin((called.0, origin)).await {
        return Ok(known);
    }
    if env.limits.take(Limited::Pages, address).is_err() {
        return Ok(false);
    }
    let read_in = env.configuration.read_in();
    let admitted = read_origin(env, (called.0, origin)).await?;
    env.configuration.keep_origin((called.0, origin), admitted, read_in).await;
    Ok(admitted)
}

/// Reads it.
async fn read_origin(env: &Env, (org_id, origin): (Option<OrgId>, &str)) -> Result<bool, StorageError> {
    let Some(org_id) = org_id else { return env.store.admits_origin(origin).await };
    let Some(scope) = env.configuration.organization(&env.store, &org_id.to_string()).await? else {
        return Ok(false);
    };
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let parties: Vec<Party> = Party::ALL.into_iter().filter(|party| policy.admits(*party)).collect();
    let mut tx = env.store.begin(&scope).await?;
    let admitted = tx.clients().admits_origin(origin, &parties).await?;
    tx.commit().await?;
    Ok(admitted)
}
