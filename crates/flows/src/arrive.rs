//! A session that begins without an application asking for it: of somebody who has just become a user.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::credentials::{Credential, SessionCookie};
use orgate_domain::ids::{OrgId, SessionId};
use orgate_domain::policies::Policy;
use orgate_domain::sessions::Session;
use orgate_storage::system::ProvenSession;
use orgate_storage::{NewSession, OrgScope, OrgTx};

use crate::complete::{Proven, displace, end_one, make_room};
use crate::{Browser, Env, Failure, events};

/// What a browser holds from now on.
#[derive(Debug)]
pub struct Arrived {
    /// The session cookie of the organization.
    pub cookie: Credential<SessionCookie>,
    /// When the session ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Organizations whose cookies this browser drops, to make room.
    pub dropped: Vec<OrgId>,
}

/// What an arrival takes, gathered before the deciding transaction is opened.
pub(crate) struct Arrival<'a> {
    env: &'a Env,
    browser: &'a Browser,
    pub(crate) policy: Policy,
    surplus: Vec<ProvenSession>,
    dropped: Vec<OrgId>,
}

impl<'a> Arrival<'a> {
    pub(crate) async fn prepare(
        env: &'a Env,
        scope: &OrgScope,
        browser: &'a Browser,
    ) -> Result<Self, Failure> {
        let policy = env.configuration.policy(&env.store, scope).await?;
        let (surplus, dropped) = make_room(env, scope.org_id(), browser).await?;
        Ok(Self { env, browser, policy, surplus, dropped })
    }

    /// Begins the session, with its event, and commits `tx`. Whoever was signed in to the organization in this browser is
    /// not any more.
    pub(crate) async fn finish(
        self,
        mut tx: OrgTx,
        proven: Proven,
        detail: Vec<(&'static str, String)>,
    ) -> Result<Arrived, Failure> {
        let now = self.env.clock.now();
        let before = match self.browser.session_of(tx.org_id()) {
            Some(cookie) => tx.sessions().find_by_cookie(&cookie.hash(), None).await?,
            None => None,
        };
        let cookie = self.env.random.credential::<SessionCookie>(tx.org_id())?;
        let expires_at = now + self.policy.session_absolute;
        let session = Session {
            id: SessionId::from_uuid(self.env.random.uuid(now)?),
            org_id: tx.org_id(),
            user_id: proven.user_id,
            auth_time: proven.auth_time.min(now),
            amr: proven.amr,
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
        tx.sessions().insert(&new, now).await?;
        let event = self.event(&session, detail)?;
        tx.audit().insert(&event).await?;
        if let Some(other) = before.map(|standing| standing.session).filter(|other| other.ended_at.is_none())
        {
            end_one(self.env, &mut tx, (&other, "replaced"), self.browser).await?;
        }
        tx.commit().await?;
        for surplus in &self.surplus {
            displace(self.env, surplus, self.browser).await?;
        }
        Ok(Arrived { cookie, expires_at: session.expires_at, dropped: self.dropped })
    }

    fn event(&self, session: &Session, more: Vec<(&'static str, String)>) -> Result<Event, Failure> {
        let mut detail = vec![("method", session.method.as_str().to_owned())];
        detail.extend(session.method.connection().map(|connection| ("connection", connection.to_string())));
        detail.extend(more);
        let event = events::done(self.env, Action::SignInSucceeded, &self.browser.origin)?;
        Ok(Event {
            actor: Actor::User(session.user_id),
            user_id: Some(session.user_id),
            session_id: Some(session.id),
            detail,
            ..event
        })
    }
}
