//! A user's own account in one organization: who they are, where they are signed in, what happened.
//!
//! **Invariant:** there is an [`Own`] only for a browser that proves a live session in that organization, and whatever is read
//! or changed by it is that session's user's. Of other organizations only those are told that the browser proves likewise.

mod applications;
mod password;

use orgate_domain::audit::Actor;
use orgate_domain::clients::ClientStatus;
use orgate_domain::ids::SessionId;
use orgate_domain::organizations::Organization;
use orgate_domain::permissions::{Held, OrgatePermission};
use orgate_domain::policies::Policy;
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::{Standing, UserProfile};
pub use orgate_storage::system::ProvenSession;
pub use orgate_storage::{
    EventPlace, MAX_PAGE, OpenSession, OwnConnection, OwnIdentity, OwnRecord, Page, PageOf, StoredEvent,
};
use orgate_storage::{OrgScope, OrgTx};

pub use applications::{OpenApplication, list_applications};
pub use password::{PasswordChange, PasswordTyped, change_password};

use crate::authorize::live_sessions;
use crate::end_sessions::{Because, end_sessions};
use crate::federation::link::FRESH;
use crate::limits::Limited;
use crate::sign_out::{SignedOut, end_here};
use crate::{Browser, Env, Failure, sessions};

/// What a browser gets that asks for its user's account.
#[derive(Debug)]
pub enum Account {
    /// It is signed in to several organizations, and named none.
    Choose(Vec<ProvenSession>),
    /// It is not signed in to the organization, or to any. Whether there is one of that name is not said.
    NotSignedIn,
    /// Here it is.
    Own(Box<Own>),
}

/// A user, in the session of this browser.
#[derive(Debug)]
pub struct Own {
    /// The way in, which nobody else may take by it.
    pub(crate) scope: OrgScope,
    /// The organization.
    pub organization: Organization,
    /// The session.
    pub session: Session,
    /// The user.
    pub user: UserProfile,
    /// Whether they may open the administration's first page.
    pub administers: bool,
    /// Whether the organization lets them sign in with a password, if they have one.
    pub takes_password: bool,
}

/// Which of their sessions a user ends.
#[derive(Debug, Clone, Copy)]
pub enum OwnEnding {
    /// One.
    One(SessionId),
    /// Every one but that of this browser.
    Others,
}

/// The user who is signed in here to `organization`, an id or a slug; where none is named, to the only one.
///
/// # Errors
/// [`Failure`].
pub async fn open(env: &Env, organization: Option<&str>, browser: &Browser) -> Result<Account, Failure> {
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
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let Some(standing) = own_standing(env, &mut tx, (browser, &policy)).await? else {
        return Ok(Account::NotSignedIn);
    };
    let Standing { session, user, sso, .. } = standing;
    let found = tx.organization().find_with_rights(session.user_id).await?;
    tx.commit().await?;
    let Some((organization, permissions)) = found else { return Ok(Account::NotSignedIn) };
    let held = Held::of(permissions.iter().map(String::as_str));
    let administers = held.has(OrgatePermission::OrganizationRead);
    let takes_password = policy.sso_enforcement.allows(SignInMethod::Password, sso);
    Ok(Account::Own(Box::new(Own { scope, organization, session, user, administers, takes_password })))
}

/// The sessions of other organizations, and of this one, that the browser proves; the last used first.
///
/// # Errors
/// [`Failure`].
pub async fn list_organizations(env: &Env, browser: &Browser) -> Result<Vec<ProvenSession>, Failure> {
    live_sessions(env, browser).await
}

/// All sessions of a user, the last used first.
///
/// # Errors
/// [`Failure`].
pub async fn list_sessions(env: &Env, own: &Own) -> Result<Vec<OpenSession>, Failure> {
    sessions::list_sessions(env, &own.scope, Some(own.session.user_id)).await
}

/// Ends some of a user's sessions. `None`: they are still signed in here.
///
/// # Errors
/// [`Failure`].
pub async fn end_own(
    env: &Env,
    own: &Own,
    ending: OwnEnding,
    browser: &Browser,
) -> Result<Option<SignedOut>, Failure> {
    let policy = env.configuration.policy(&env.store, &own.scope).await?;
    let mut tx = env.store.begin(&own.scope).await?;
    let standing = own_standing(env, &mut tx, (browser, &policy)).await?;
    let Some(session) = standing.map(|standing| standing.session) else { return Ok(None) };
    if let OwnEnding::One(id) = ending
        && id == session.id
    {
        drop(tx);
        return Ok(Some(end_here(env, &[(own.scope, session)], (None, None), browser).await?));
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

/// This browser's session of the transaction's organization, whose policy that is, if nothing speaks against it. No application is
/// involved.
pub(crate) async fn own_standing(
    env: &Env,
    tx: &mut OrgTx,
    (browser, policy): (&Browser, &Policy),
) -> Result<Option<Standing>, Failure> {
    let Some(cookie) = browser.session_of(tx.org_id()) else { return Ok(None) };
    let found = tx.sessions().find_by_cookie(&cookie.hash(), None).await?;
    let Some(standing) = found else { return Ok(None) };
    let standing = Standing { client: Some(ClientStatus::Active), ..standing };
    Ok(Some(standing).filter(|standing| standing.is_live(env.clock.now(), policy)))
}

/// What is kept about a user besides; `None` if they went in this very moment.
///
/// # Errors
/// [`Failure`].
pub async fn find_record(env: &Env, own: &Own) -> Result<Option<OwnRecord>, Failure> {
    env.read(&own.scope, async |tx| tx.users().find_own(own.session.user_id).await).await
}

/// The identity providers by which a user signs in, and those that everybody of the organization can.
///
/// # Errors
/// [`Failure`].
pub async fn list_connections(env: &Env, own: &Own) -> Result<Vec<OwnConnection>, Failure> {
    env.read(&own.scope, async |tx| tx.identities().list_own(own.session.user_id).await).await
}

/// What happened with a user's account, latest first, without what happens by itself all day.
///
/// # Errors
/// [`Failure`].
pub async fn list_activity(
    env: &Env,
    own: &Own,
    page: PageOf<EventPlace>,
) -> Result<Page<StoredEvent, EventPlace>, Failure> {
    env.read(&own.scope, async |tx| tx.audit().list_of_user(own.session.user_id, page).await).await
}

impl Own {
    /// Whether they proved who they are so lately that they may link an identity.
    pub fn is_fresh(&self, env: &Env) -> bool {
        env.clock.now() - self.session.auth_time <= FRESH
    }
}
