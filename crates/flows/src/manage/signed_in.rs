//! Who calls, and the organization that they call about, as pages name both.

use orgate_domain::ids::UserId;
use orgate_domain::organizations::Organization;

use super::Caller;
use crate::{Env, Failure};

/// Who is signed in where.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The organization that they call about.
    pub organization: Organization,
    /// Their own, if that is another one.
    pub from: Option<Organization>,
    /// The user.
    pub user_id: UserId,
    /// What they are called.
    pub name: String,
    /// Their address, if they have one of their own.
    pub email: Option<String>,
}

/// Whoever calls and the organization; `None` if either is gone, or the caller is no user. It tells them nothing that they were not
/// told when they signed in, or were let into another organization, and so takes no permission.
///
/// # Errors
/// [`Failure`].
pub async fn find_signed_in(env: &Env, caller: &Caller) -> Result<Option<SignedIn>, Failure> {
    let Some(user_id) = caller.user_id() else { return Ok(None) };
    let mut home = env.store.begin(&caller.home).await?;
    let found = home.organization().find_around(user_id).await?;
    home.commit().await?;
    let Some((own, name, email)) = found else { return Ok(None) };
    if caller.is_at_home() {
        return Ok(Some(SignedIn { organization: own, from: None, user_id, name, email }));
    }
    let other = caller.read(env, async |tx| tx.organization().find().await).await?;
    Ok(other.map(|organization| SignedIn { organization, from: Some(own), user_id, name, email }))
}
