//! Which origins' scripts may read what the back channel answers: those of single-page clients.
//!
//! **Invariant:** an origin is admitted because somebody registered a redirect URI there, and by nothing that a request
//! says. Nothing that is answered depends on cookies, so an origin that is not admitted could not act for anybody.

use std::net::IpAddr;

use orgate_storage::StorageError;

use crate::Env;
use crate::limits::Limited;

/// Longer than any origin: a scheme, a host of 253 characters, a port.
const LONGEST: usize = 300;

/// Whether scripts of `origin` are a client of anybody's. No round trip while the origin is known, to be one or not;
/// else it is paid for by `address`, because anybody may ask: one that asked too often is a stranger's.
///
/// # Errors
/// [`StorageError`].
pub async fn admits_origin(env: &Env, origin: &str, address: Option<IpAddr>) -> Result<bool, StorageError> {
    if origin.len() > LONGEST || !(origin.starts_with("https://") || origin.starts_with("http://")) {
        return Ok(false); // `null`, an extension, a file: none of them can be registered
    }
    if let Some(known) = env.configuration.known_origin(origin).await {
        return Ok(known);
    }
    if env.limits.take(Limited::Pages, address).is_err() {
        return Ok(false);
    }
    env.configuration.origin(&env.store, origin).await
}
