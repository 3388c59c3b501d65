//! Users.

use orgate_domain::ids::UserId;
use orgate_storage::{ListedUser, Page, PageOf};

use super::Caller;
use crate::{Env, Failure};

/// A page of the organization's users, in the order in which they were made.
///
/// # Errors
/// [`Failure`].
pub async fn list_users(
    env: &Env,
    caller: &Caller,
    page: PageOf<UserId>,
) -> Result<Page<ListedUser, UserId>, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let users = tx.users().list(page).await?;
    tx.commit().await?;
    Ok(users)
}

/// One user; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_user(env: &Env, caller: &Caller, id: UserId) -> Result<Option<ListedUser>, Failure> {
    let mut tx = env.store.begin(&caller.scope).await?;
    let user = tx.users().find(id).await?;
    tx.commit().await?;
    Ok(user)
}
