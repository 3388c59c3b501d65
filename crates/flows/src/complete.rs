//! The end of every sign-in, however the user proved who they are: session, code, event and the end
//! of the request in one transaction.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::credentials::{Credential, SessionCookie};
use orgate_domain::ids::{OrgId, SessionId, UserId};
use orgate_domain::policies::Policy;
use orgate_domain::sessions::{MAX_PER_BROWSER, Session, SignInMethod, acr_of};
use orgate_protocol::oauth::{Acr, ErrorCode, RequestError};
use orgate_storage::system::ProvenSession;
use orgate_storage::{NewAuthorizationRequest, NewSession, OrgTx, UpstreamEnd};

use crate::authorize::{Answer, Next, conclude};
use crate::end_sessions::{Because, end_sessions};
use crate::waiting::Waiting;
use crate::{Browser, Env, Failure, events};

/// A completed sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// Where the browser goes next: to the client, unless somebody has something to approve, or to consent to.
    pub next: Next,
    /// The new session cookie of this organization.
    pub cookie: Credential<SessionCookie>,
    /// When the session ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Organizations whose cookies this browser drops, to make room.
    pub dropped: Vec<OrgId>,
}

/// How the request was answered.
#[derive(Debug)]
pub(crate) enum Completed {
    /// They are signed in.
    SignedIn(Box<SignedIn>),
    /// The client asked for another user, or for a stronger proof: it is told, and nobody is signed in.
    NotAsAsked(Box<Answer>),
    /// The request was answered or lapsed meanwhile.
    Over,
}

/// Who proved it, and how.
pub(crate) struct Proven {
    pub(crate) user_id: UserId,
    pub(crate) method: SignInMethod,
    /// RFC 8176.
    pub(crate) amr: Vec<String>,
    /// When they proved it; never in the future.
    pub(crate) auth_time: DateTime<Utc>,
    /// The session ends by then, whatever the policy says.
    pub(crate) ends_by: Option<DateTime<Utc>>,
    /// The other end of the session, where a connection is the method.
    pub(crate) upstream: Option<UpstreamEnd>,
}

/// A session that a request was answered with.
struct Begun {
    session: Session,
    cookie: Credential<SessionCookie>,
    /// How strongly its user had proven who they are, if it went on before.
    previous_acr: Option<Acr>,
}

/// What completing takes, gathered before the deciding transaction is opened.
pub(crate) struct Completion<'a> {
    env: &'a Env,
    waiting: &'a Waiting,
    browser: &'a Browser,
    policy: &'a Policy,
    /// Sessions that are ended to make room.
    surplus: Vec<ProvenSession>,
    /// Organizations whose cookies are dropped.
    dropped: Vec<OrgId>,
}

impl<'a> Completion<'a> {
    pub(crate) async fn prepare(
        env: &'a Env,
        waiting: &'a Waiting,
        policy: &'a Policy,
        browser: &'a Browser,
    ) -> Result<Self, Failure> {
        let (surplus, dropped) = make_room(env, waiting.scope.org_id(), browser).await?;
        Ok(Self { env, waiting, browser, policy, surplus, dropped })
    }

    /// Answers the request and commits `tx`. On [`Completed::Over`] nothing was done.
    pub(crate) async fn finish(self, mut tx: OrgTx, proven: Proven) -> Result<Completed, Failure> {
        let asked = &self.waiting.pending.asked;
        if let Some(unmet) = unmet(asked, &proven).or_else(|| self.forbidden()) {
            return self.refuse(tx, proven.user_id, unmet).await;
        }
        let Some(begun) = self.begin_session(&mut tx, &proven).await? else {
            return Ok(Completed::Over);
        };
        let event = self.event(&proven, &begun)?;
        let Begun { session, cookie, .. } = begun;
        let Some(next) = conclude(self.env, &mut tx, &self.waiting.pending, (&session, &event)).await? else {
            return Ok(Completed::Over);
        };
        tx.commit().await?;
        for surplus in &self.surplus {
            displace(self.env, surplus, self.browser).await?;
        }
        let (expires_at, dropped) = (session.expires_at, self.dropped);
        Ok(Completed::SignedIn(Box::new(SignedIn { next, cookie, expires_at, dropped })))
    }

    /// The organization forbade clients like this one meanwhile.
    fn forbidden(&self) -> Option<(&'static str, RequestError)> {
        let admitted = self.policy.admits(self.waiting.client().settings.party);
        let why = "the organization does not admit the application";
        (!admitted).then(|| ("third_party_forbidden", RequestError::new(ErrorCode::AccessDenied, why)))
    }

    fn event(&self, proven: &Proven, begun: &Begun) -> Result<Event, Failure> {
        let mut detail = vec![("method", proven.method.as_str().to_owned())];
        detail.extend(proven.method.connection().map(|connection| ("connection", connection.to_string())));
        let acr = begun.session.acr();
        if let Some(previous) = begun.previous_acr.filter(|previous| *previous != acr) {
            detail.extend([("acr", acr.as_str().to_owned()), ("previous_acr", previous.as_str().to_owned())]);
        }
        let event = events::done(self.env, Action::SignInSucceeded, &self.browser.origin)?;
        Ok(Event {
            actor: Actor::User(proven.user_id),
            user_id: Some(proven.user_id),
            session_id: Some(begun.session.id),
            client: Some(self.waiting.pending.client.key()),
            detail,
            ..event
        })
    }

    /// Ends the request with an error: the client asked for something else than was proven.
    async fn refuse(
        &self,
        mut tx: OrgTx,
        user_id: UserId,
        (reason, error): (&'static str, RequestError),
    ) -> Result<Completed, Failure> {
        let request = self.waiting.pending.asked.id;
        if !tx.authorization_requests().consume(request, self.env.clock.now()).await? {
            return Ok(Completed::Over);
        }
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)?;
        let client = Some(self.waiting.pending.client.key());
        tx.audit().insert(&Event { user_id: Some(user_id), client, ..event }).await?;
        tx.commit().await?;
        Ok(Completed::NotAsAsked(Box::new(self.waiting.pending.refuse(error))))
    }

    /// Answers the request with a session, or with this browser's session of the same user, proven again. The
    /// cookie is new either way: one that was planted before is worth nothing after. `None` if the request was
    /// answered meanwhile, or the old session ended.
    async fn begin_session(&self, tx: &mut OrgTx, proven: &Proven) -> Result<Option<Begun>, Failure> {
        let now = self.env.clock.now();
        let asked = &self.waiting.pending.asked;
        let client = (asked.client_owner, asked.client_id);
        let before = match self.browser.session_of(tx.org_id()) {
            Some(cookie) => tx.sessions().find_by_cookie(&cookie.hash(), Some(client)).await?,
            None => None,
        };
        let before = before.map(|standing| standing.session);
        let same = before.as_ref().filter(|session| {
            session.user_id == proven.user_id && session.is_live(now, self.policy.session_idle)
        });
        let id = match same {
            Some(session) => session.id,
            None => SessionId::from_uuid(self.env.random.uuid(now)?),
        };
        let cookie = self.env.random.credential::<SessionCookie>(tx.org_id())?;
        let expires_at = now + self.policy.session_absolute;
        let session = Session {
            id,
            org_id: tx.org_id(),
            user_id: proven.user_id,
            auth_time: proven.auth_time.min(now),
            amr: proven.amr.clone(),
            method: proven.method,
            last_seen_at: now,
            expires_at: proven.ends_by.map_or(expires_at, |ends_by| ends_by.min(expires_at)),
            ended_at: None,
        };
        let new = NewSession {
            session: &session,
            ends_by: proven.ends_by,
            token: cookie.hash(),
            browser: self.browser.binding,
            origin: &self.browser.origin,
            upstream: proven.upstream.as_ref(),
        };
        // The request first: whoever races for it waits there, holding nothing.
        if !tx.sessions().begin(asked.id, &new, now).await? {
            return Ok(None);
        }
        if let Some(other) = before.as_ref().filter(|session| session.id != id && session.ended_at.is_none())
        {
            end_one(self.env, tx, (other, "replaced"), self.browser).await?;
        }
        Ok(Some(Begun { previous_acr: same.map(Session::acr), session, cookie }))
    }
}

/// Ends a session of this browser that had to make room for one of another organization.
pub(crate) async fn displace(env: &Env, surplus: &ProvenSession, browser: &Browser) -> Result<(), Failure> {
    let mut tx = env.store.begin(&surplus.scope).await?;
    end_one(env, &mut tx, (&surplus.session, "displaced"), browser).await?;
    Ok(tx.commit().await?)
}

/// Ends a session of this browser, by its user.
pub(crate) async fn end_one(
    env: &Env,
    tx: &mut OrgTx,
    (session, reason): (&Session, &'static str),
    browser: &Browser,
) -> Result<(), Failure> {
    let because =
        Because { actor: Actor::User(session.user_id), reason, origin: &browser.origin, detail: &[] };
    end_sessions(env, tx, [session.id], because).await?;
    Ok(())
}

/// What the client asked for that was not proven, and what it is told.
fn unmet(asked: &NewAuthorizationRequest, proven: &Proven) -> Option<(&'static str, RequestError)> {
    if asked.expected_user.is_some_and(|expected| expected != proven.user_id) {
        let why = "another user signed in than was asked for"; // OIDC Core §3.1.2.1 and §3.1.2.2
        return Some(("another_user", RequestError::new(ErrorCode::LoginRequired, why)));
    }
    if !asked.accepts(acr_of(&proven.amr)) {
        let why = "the user did not prove who they are as strongly as was demanded"; // OIDC Core §5.5.1.1
        return Some(("acr_unmet", RequestError::new(ErrorCode::UnmetAuthenticationRequirements, why)));
    }
    None
}

/// Cookies of organizations that this browser drops so that it stays within its bound: those that
/// prove nothing, then the session used least recently, which is ended.
pub(crate) async fn make_room(
    env: &Env,
    mine: OrgId,
    browser: &Browser,
) -> Result<(Vec<ProvenSession>, Vec<OrgId>), Failure> {
    let others = browser.sessions.iter().filter(|cookie| cookie.org_id() != mine).count();
    if others < MAX_PER_BROWSER {
        return Ok((Vec::new(), Vec::new()));
    }
    let proven = env.store.choose(&browser.session_hashes()).await?;
    let (kept, surplus): (Vec<_>, Vec<_>) = proven
        .into_iter()
        .filter(|session| session.session.org_id != mine)
        .enumerate()
        .partition(|(place, _)| *place < MAX_PER_BROWSER - 1);
    let kept: Vec<OrgId> = kept.iter().map(|(_, session)| session.session.org_id).collect();
    let cookies = browser.sessions.iter().map(Credential::org_id);
    let dropped = cookies.filter(|org_id| *org_id != mine && !kept.contains(org_id)).collect();
    Ok((surplus.into_iter().map(|(_, session)| session).collect(), dropped))
}
