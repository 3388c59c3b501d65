//! Sessions as whoever runs an organization sees and ends them.

use orgate_domain::audit::{Actor, Origin};
use orgate_domain::email::Email;
use orgate_domain::ids::{SessionId, UserId};
pub use orgate_storage::OpenSession;
use orgate_storage::{OrgScope, OrgTx};

use crate::end_sessions::{Because, end_sessions};
use crate::{Env, Failure};

/// Which sessions whoever runs an organization looks at, or ends.
#[derive(Debug, Clone, Copy)]
pub enum Which {
    /// Everybody's.
    All,
    /// One.
    One(SessionId),
    /// A user's.
    Of(UserId),
}

/// The user that `text`, an id or an address, names in an organization.
///
/// # Errors
/// [`Failure`].
pub async fn find_user(env: &Env, scope: &OrgScope, text: &str) -> Result<Option<UserId>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let found = match (text.parse::<UserId>(), Email::parse(text)) {
        (Ok(id), _) => tx.users().exists(id).await?.then_some(id),
        (Err(_), Ok(email)) => tx.users().find_by_email(&email).await?.map(|user| user.id),
        (Err(_), Err(_)) => None,
    };
    tx.commit().await?;
    Ok(found)
}

/// The open sessions of an organization, or of one of its users.
///
/// # Errors
/// [`Failure`].
pub async fn list_sessions(
    env: &Env,
    scope: &OrgScope,
    user: Option<UserId>,
) -> Result<Vec<OpenSession>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let sessions = list(env, &mut tx, scope, user).await?;
    tx.commit().await?;
    Ok(sessions)
}

/// Ends sessions of an organization; how many there were.
///
/// # Errors
/// [`Failure`].
pub async fn end_sessions_of(
    env: &Env,
    scope: &OrgScope,
    which: Which,
    (actor, origin): (Actor, &Origin),
) -> Result<u64, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let open = match which {
        Which::All => tx.sessions().list_open(None).await?,
        Which::One(id) => vec![id],
        Which::Of(user) => tx.sessions().list_open(Some(user)).await?,
    };
    let ended =
        end_sessions(env, &mut tx, open, Because { actor, reason: "ended_by_admin", origin, detail: &[] })
            .await?;
    tx.commit().await?;
    Ok(ended)
}

/// The open sessions of an organization, or of one of its users, as they are in this transaction.
pub(crate) async fn list(
    env: &Env,
    tx: &mut OrgTx,
    scope: &OrgScope,
    user: Option<UserId>,
) -> Result<Vec<OpenSession>, Failure> {
    let idle = env.configuration.policy(&env.store, scope).await?.session_idle;
    let now = env.clock.now();
    Ok(tx.sessions().list(user, (now, now - idle)).await?)
}
