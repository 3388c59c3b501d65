//! The organization itself.

use orgate_domain::organizations::Organization;

use super::Caller;
use crate::{Env, Failure};

/// The organization; `None` if it is gone.
///
/// # Errors
/// [`Failure`].
pub async fn find_organization(env: &Env, caller: &Caller) -> Result<Option<Organization>, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let found = tx.organization().find().await?;
    tx.commit().await?;
    Ok(found)
}
