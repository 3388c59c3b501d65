//! Who calls, and the organization that they call about, as pages name both.

use orgate_domain::ids::UserId;
use orgate_domain::organizations::Organization;

use super::Caller;
use crate::{Env, Failure};

/// Who is signed in where.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The organization.
    pub organization: Organization,
    /// The user.
    pub user_id: UserId,
    /// What they are called.
    pub name: String,
    /// Their address, if they have one of their own.
    pub email: Option<String>,
}

/// Whoever calls and the organization; `None` if either is gone, or the caller is no user of it. It tells them nothing that they
/// were not told when they signed in, and so takes no permission.
///
/// # Errors
/// [`Failure`].
pub async fn find_signed_in(env: &Env, caller: &Caller) -> Result<Option<SignedIn>, Failure> {
    let Some(user_id) = caller.user_id().filter(|_| caller.is_at_home()) else { return Ok(None) };
    let found = caller.read(env, async |tx| tx.organization().find_around(user_id).await).await?;
    Ok(found.map(|(organization, name, email)| SignedIn { organization, user_id, name, email }))
}
