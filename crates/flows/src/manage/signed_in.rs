//! Who calls, and the organization that they call about, as pages name both.

use orgate_domain::organizations::Organization;
use orgate_storage::ListedUser;

use super::Caller;
use crate::{Env, Failure};

/// Who is signed in where.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The organization.
    pub organization: Organization,
    /// The user.
    pub user: ListedUser,
}

/// Whoever calls and the organization; `None` if either is gone, or the caller is no user of it. It tells them nothing that they
/// were not told when they signed in, and so takes no permission.
///
/// # Errors
/// [`Failure`].
pub async fn find_signed_in(env: &Env, caller: &Caller) -> Result<Option<SignedIn>, Failure> {
    let Some(id) = caller.user_id().filter(|_| caller.is_at_home()) else { return Ok(None) };
    let mut tx = env.store.begin(&caller.scope).await?;
    let (organization, user) = (tx.organization().find().await?, tx.users().find(id).await?);
    tx.commit().await?;
    let (Some(organization), Some(user)) = (organization, user) else { return Ok(None) };
    Ok(Some(SignedIn { organization, user }))
}
