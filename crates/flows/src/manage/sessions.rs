//! Sessions of an organization's users.

use orgate_domain::ids::{SessionId, UserId};
use orgate_storage::{ListedUser, OpenSession, OrgTx, Page, PageOf};

use super::change::Change;
use super::{Caller, ChangeError};
use crate::end_sessions::end_sessions;
use crate::{Env, Failure};

/// The reason of sessions that somebody ended who may.
const ENDED_BY_ADMIN: &str = "ended_by_admin";

/// A page of the sessions by which users are signed in, those that began last first.
///
/// # Errors
/// [`Failure`].
pub async fn list_sessions(
    env: &Env,
    caller: &Caller,
    page: PageOf<SessionId>,
) -> Result<Page<OpenSession, SessionId>, Failure> {
    let (now, idle) = times(env, caller).await?;
    caller.read(env, async |tx| tx.sessions().list_page(page, (now, idle)).await).await
}

/// A page of the sessions of one user, of the 500 that were used last, those that began last first.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id.
pub async fn list_sessions_of(
    env: &Env,
    caller: &Caller,
    (user, page): (UserId, PageOf<SessionId>),
) -> Result<Page<OpenSession, SessionId>, ChangeError> {
    let times = times(env, caller).await?;
    let mut tx = env.store.begin(&caller.scope).await?;
    let mut sessions = tx.sessions().list(Some(user), times).await?;
    // Whoever has one is there.
    if sessions.is_empty() && !tx.users().exists(user).await? {
        return Err(ChangeError::Missing);
    }
    tx.commit().await?;
    sessions.retain(|session| page.after.is_none_or(|after| session.id < after));
    sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
    Ok(page.cut(sessions, |session| session.id))
}

/// The open sessions of a user who was found just now, those that began last first.
///
/// # Errors
/// [`Failure`].
pub async fn list_sessions_of_found(
    env: &Env,
    caller: &Caller,
    user: &ListedUser,
) -> Result<Vec<OpenSession>, Failure> {
    let times = times(env, caller).await?;
    let mut sessions = caller.read(env, async |tx| tx.sessions().list(Some(user.id), times).await).await?;
    sessions.sort_by_key(|session| std::cmp::Reverse(session.id));
    Ok(sessions)
}

/// Ends a session: its refresh tokens are revoked, and applications are told. To do it again changes nothing.
///
/// # Errors
/// [`ChangeError::Missing`] if the organization has none of this id; [`ChangeError::Above`] for one of a user who holds what
/// the caller does not.
pub async fn end_session(env: &Env, caller: &Caller, id: SessionId) -> Result<(), ChangeError> {
    caller.conclude(env, end(env, caller, Which::One(id))).await
}

/// Ends every session of a user. To do it again changes nothing.
///
/// # Errors
/// As of [`end_session`].
pub async fn end_sessions_of(env: &Env, caller: &Caller, user: UserId) -> Result<(), ChangeError> {
    caller.conclude(env, end(env, caller, Which::Of(user))).await
}

#[derive(Debug, Clone, Copy)]
enum Which {
    One(SessionId),
    Of(UserId),
}

async fn end(env: &Env, caller: &Caller, which: Which) -> Result<(), ChangeError> {
    let mut of = match which {
        Which::One(_) => None,
        Which::Of(user) => Some(user),
    };
    let lock = async |tx: &mut OrgTx| {
        if let Which::One(id) = which {
            of = tx.sessions().find_user(id).await?;
        }
        match of {
            Some(user) => tx.users().seize(Some(user)).await,
            None => Ok(()),
        }
    };
    let mut change = Change::begin(env, caller, lock).await?;
    let Change { tx, caller, .. } = &mut change;
    let user = of.ok_or(ChangeError::Missing)?;
    if !tx.users().exists(user).await? {
        return Err(ChangeError::Missing);
    }
    if !caller.reaches(&tx.users().list_permissions(user).await?) {
        return Err(ChangeError::above("", "they administer more of the organization than you do"));
    }
    let ending = match which {
        Which::One(id) => vec![id],
        Which::Of(user) => tx.sessions().list_open(Some(user)).await?,
    };
    end_sessions(env, tx, ending, caller.author().because(ENDED_BY_ADMIN)).await?;
    change.commit().await
}

/// Now, and since when somebody who was not there is signed in no more.
async fn times(
    env: &Env,
    caller: &Caller,
) -> Result<(chrono::DateTime<chrono::Utc>, chrono::DateTime<chrono::Utc>), Failure> {
    let idle = env.configuration.policy(&env.store, &caller.scope).await?.session_idle;
    let now = env.clock.now();
    Ok((now, now - idle))
}
