//! Sessions as people see and end them: a user their own, whoever runs an organization all of it.

use orgate_domain::audit::{Actor, Origin};
use orgate_domain::clients::ClientStatus;
use orgate_domain::email::Email;
use orgate_domain::ids::{SessionId, UserId};
use orgate_domain::organizations::Organization;
use orgate_domain::standing::Standing;
pub use orgate_storage::OpenSession;
pub use orgate_storage::system::ProvenSession;
use orgate_storage::{OrgScope, OrgTx};

use crate::authorize::live_sessions;
use crate::consents::{self, GivenConsent};
use crate::end_sessions::{Because, end_sessions};
use crate::limits::Limited;
use crate::sign_out::{SignedOut, end_here};
use crate::{Browser, Env, Failure};

/// What a browser gets that asks for its user's sessions.
#[derive(Debug)]
pub enum Account {
    /// It is signed in to several organizations, and named none.
    Choose(Vec<ProvenSession>),
    /// It is not signed in to the organization, or to any. Whether there is one of that name is not said.
    NotSignedIn,
    /// Here they are.
    Sessions(Box<OwnSessions>),
}

/// A user's sessions in one organization.
#[derive(Debug)]
pub struct OwnSessions {
    /// The way in.
    pub scope: OrgScope,
    /// The organization.
    pub organization: Organization,
    /// The session of this browser.
    pub here: SessionId,
    /// What the user is called.
    pub user: String,
    /// All of them, the last used first.
    pub sessions: Vec<OpenSession>,
    /// What the user lets third-party clients have.
    pub consents: Vec<GivenConsent>,
}

/// Which of their sessions a user ends.
#[derive(Debug, Clone, Copy)]
pub enum OwnEnding {
    /// One.
    One(SessionId),
    /// Every one but that of this browser.
    Others,
}

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

/// The sessions of the user who is signed in here to `organization`, an id or a slug; where none is named, to the only
/// one.
///
/// # Errors
/// [`Failure`].
pub async fn own_sessions(
    env: &Env,
    organization: Option<&str>,
    browser: &Browser,
) -> Result<Account, Failure> {
    env.limits.take(Limited::Pages, browser.origin.address)?;
    let scope = if let Some(text) = organization {
        env.configuration.organization(&env.store, text).await?
    } else {
        let mut live = live_sessions(env, browser).await?;
        if live.len() > 1 {
            return Ok(Account::Choose(live));
        }
        live.pop().map(|session| session.scope)
    };
    let Some(scope) = scope else { return Ok(Account::NotSignedIn) };
    let mut tx = env.store.begin(&scope).await?;
    let Some(standing) = own_standing(env, &mut tx, browser).await? else {
        return Ok(Account::NotSignedIn);
    };
    let sessions = list(env, &mut tx, &scope, Some(standing.session.user_id)).await?;
    let organization = tx.organization().find().await?;
    tx.commit().await?;
    let Some(organization) = organization else { return Ok(Account::NotSignedIn) };
    let consents = consents::list(env, &scope, standing.session.user_id).await?;
    let (here, user) = (standing.session.id, standing.user.label().to_owned());
    Ok(Account::Sessions(Box::new(OwnSessions { scope, organization, here, user, sessions, consents })))
}

/// Ends some of the sessions that a user was shown. `None`: they are still signed in here.
///
/// # Errors
/// [`Failure`].
pub async fn end_own(
    env: &Env,
    shown: &OwnSessions,
    ending: OwnEnding,
    browser: &Browser,
) -> Result<Option<SignedOut>, Failure> {
    let mut tx = env.store.begin(&shown.scope).await?;
    let standing = own_standing(env, &mut tx, browser).await?;
    let Some(session) = standing.map(|standing| standing.session) else { return Ok(None) };
    if let OwnEnding::One(id) = ending
        && id == session.id
    {
        drop(tx);
        return Ok(Some(end_here(env, &[(shown.scope, session)], (None, None), browser).await?));
    }
    let mut open = tx.sessions().list_open(Some(session.user_id)).await?;
    open.retain(|id| match ending {
        OwnEnding::One(one) => *id == one,
        OwnEnding::Others => *id != session.id,
    });
    let actor = Actor::User(session.user_id);
    let because = Because { actor, reason: "ended_by_user", origin: &browser.origin, detail: &[] };
    end_sessions(env, &mut tx, open, because).await?;
    tx.commit().await?;
    Ok(None)
}

/// This browser's session of the transaction's organization, if nothing speaks against it. No application is involved.
pub(crate) async fn own_standing(
    env: &Env,
    tx: &mut OrgTx,
    browser: &Browser,
) -> Result<Option<Standing>, Failure> {
    let Some(cookie) = browser.session_of(tx.org_id()) else { return Ok(None) };
    let found = tx.sessions().find_by_cookie(&cookie.hash(), None).await?;
    let Some(standing) = found else { return Ok(None) };
    let standing = Standing { client: Some(ClientStatus::Active), ..standing };
    let policy = env.configuration.policy(&env.store, &OrgScope::of_credential(cookie)).await?;
    Ok(Some(standing).filter(|standing| standing.is_live(env.clock.now(), &policy)))
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

async fn list(
    env: &Env,
    tx: &mut OrgTx,
    scope: &OrgScope,
    user: Option<UserId>,
) -> Result<Vec<OpenSession>, Failure> {
    let idle = env.configuration.policy(&env.store, scope).await?.session_idle;
    let now = env.clock.now();
    Ok(tx.sessions().list(user, (now, now - idle)).await?)
}
