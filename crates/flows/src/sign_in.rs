//! Sign-in with an organization's own password.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::ClientStatus;
use orgate_domain::credentials::{Credential, SecretHash, SessionCookie};
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, SessionId, UserId};
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::policies::{LOCKOUT_WINDOW, Policy};
use orgate_domain::sessions::{MAX_PER_BROWSER, Session};
use orgate_domain::standing::UserStatus;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::system::ProvenSession;
use orgate_storage::{Account, NewSession, OrgScope, OrgTx};

use crate::authorize::{Answer, issue_code};
use crate::limits::{Limited, TooMany, source};
use crate::passwords::{PasswordError, Verdict};
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

/// One account may fail this many times as often, from everywhere together, as from one address. It
/// keeps guessing from many addresses hopeless. A browser that the user signed in with before is
/// exempt, so that failing in someone's name does not keep them out.
const EVERYWHERE_FACTOR: u32 = 10;

/// What the person typed.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// Their address.
    pub email: &'a str,
    /// Their password.
    pub password: &'a str,
}

/// How a sign-in ended.
#[derive(Debug)]
pub enum SignIn {
    /// Back to the form: the address does not parse. Nothing was checked.
    NotAnAddress,
    /// The password is right, and the client asked for another user (`id_token_hint`): it is told
    /// `login_required` (OIDC Core §3.1.2.1), and nobody is signed in.
    AnotherUser(Box<Answer>),
    /// They are signed in.
    SignedIn(Box<SignedIn>),
    /// Too many try to sign in to this organization: the password was not looked at.
    OrganizationBusy(TooMany),
    /// No try is left for this account for a while.
    TooManyTries,
    /// Back to the form: one text for an unknown address, a wrong password, a user without one and
    /// a user who may not sign in.
    WrongCredentials,
}

/// A completed sign-in.
#[derive(Debug)]
pub struct SignedIn {
    /// What the client gets.
    pub answer: Answer,
    /// The new session cookie of this organization.
    pub cookie: Credential<SessionCookie>,
    /// When the session ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Organizations whose cookies this browser drops, to make room.
    pub dropped: Vec<OrgId>,
}

/// What the sign-in page shows.
#[derive(Debug)]
pub struct SignInPage {
    /// The request.
    pub waiting: Waiting,
    /// The organization that it is in.
    pub organization: Organization,
}

/// Loads what the page shows.
///
/// # Errors
/// [`WaitingError::Over`] also for a request that is not resolved.
pub async fn sign_in_page(env: &Env, handle: &str, browser: &Browser) -> Result<SignInPage, WaitingError> {
    let waiting = take_up(env, handle, browser).await?;
    if !waiting.is_resolved() {
        return Err(WaitingError::Over);
    }
    let organization = waiting.organization.clone();
    let organization =
        organization.filter(|found| found.status == OrgStatus::Active).ok_or(WaitingError::Over)?;
    Ok(SignInPage { waiting, organization })
}

/// Checks a password and, if it is right, answers the request: session, code, event and the end of
/// the request in one transaction.
///
/// # Errors
/// [`WaitingError`].
pub async fn sign_in(
    env: &Env,
    waiting: &Waiting,
    typed: Typed<'_>,
    browser: &Browser,
) -> Result<SignIn, WaitingError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let Ok(email) = Email::parse(typed.email) else { return Ok(SignIn::NotAnAddress) };
    let place = env.passwords.queue_up(waiting.scope.org_id()).map_err(Failure::from)?;
    let attempt = Attempt::new(env, waiting, &email, browser);
    let policy = env.configuration.policy(&env.store, &waiting.scope).await.map_err(Failure::from)?;
    let account = match attempt.begin(&policy).await? {
        Begun::Account(account) => account,
        Begun::OrganizationBusy(until) => {
            attempt.record_throttled("organization_throttled").await?;
            return Ok(SignIn::OrganizationBusy(until));
        }
        Begun::NoTryLeft => {
            attempt.record_throttled("throttled").await?;
            return Ok(SignIn::TooManyTries);
        }
    };
    let verdict = match env.passwords.verify(place, typed.password, account.phc.as_deref()).await {
        Ok(verdict) => verdict,
        Err(PasswordError::TooLong) => Verdict::Wrong,
        Err(error) => return Err(Failure::from(error).into()),
    };
    match (verdict, account.user) {
        (Verdict::Right, Some((user_id, UserStatus::Active))) => {
            attempt.succeed(user_id, &account, &policy).await
        }
        (Verdict::Right, Some((user_id, UserStatus::Deactivated))) => {
            attempt.fail(Some(user_id), "user_deactivated").await
        }
        (_, user) => {
            let reason = if user.is_some() { "wrong_password" } else { "unknown_user" };
            attempt.fail(user.map(|(user_id, _)| user_id), reason).await
        }
    }
}

/// Whether the password is looked at.
enum Begun {
    Account(Account),
    OrganizationBusy(TooMany),
    NoTryLeft,
}

/// One attempt, and where its parts are kept.
struct Attempt<'a> {
    env: &'a Env,
    waiting: &'a Waiting,
    email: &'a Email,
    browser: &'a Browser,
    /// Tries from this address.
    here: SecretHash,
    /// Tries from everywhere.
    everywhere: SecretHash,
}

impl<'a> Attempt<'a> {
    fn new(env: &'a Env, waiting: &'a Waiting, email: &'a Email, browser: &'a Browser) -> Self {
        let hash = |place: &str| env.vault.account_hash(waiting.scope.org_id(), email.normalized(), place);
        let here = hash(&source(browser.origin.address).to_string());
        Self { env, waiting, email, browser, here, everywhere: hash("") }
    }

    /// Reads the account and takes one of its tries, before the password is looked at: no number of
    /// parallel guesses gets more of them.
    async fn begin(&self, policy: &Policy) -> Result<Begun, WaitingError> {
        let now = self.env.clock.now();
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        let account = self.find_account(&mut tx, now).await?;
        if account.org_status != OrgStatus::Active || account.client != Some(ClientStatus::Active) {
            return Err(WaitingError::Over);
        }
        let (limit, window) = (policy.lockout_attempts, LOCKOUT_WINDOW);
        let limits = [(&self.here, limit), (&self.everywhere, limit.saturating_mul(EVERYWHERE_FACTOR))];
        let known = if account.known_browser { 1 } else { limits.len() };
        for (account, limit) in limits.into_iter().take(known) {
            if !tx.sign_ins().take_try(account, limit, now, window).await.map_err(Failure::from)? {
                return Ok(Begun::NoTryLeft);
            }
        }
        // Last, so that whoever tries one locked account again and again uses nothing of it up.
        if !account.known_browser
            && let Err(until) = self.env.limits.take_sign_in(tx.org_id())
        {
            return Ok(Begun::OrganizationBusy(until)); // which gives the tries back
        }
        tx.commit().await.map_err(Failure::from)?;
        Ok(Begun::Account(account))
    }

    async fn find_account(&self, tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Account, Failure> {
        let asked = &self.waiting.pending.asked;
        let client = (asked.client_owner, asked.client_id);
        let since = now - LOCKOUT_WINDOW;
        Ok(tx
            .sign_ins()
            .find_account((self.email.normalized(), &self.here), &self.browser.binding, client, since)
            .await?)
    }

    fn event(&self, event: Event) -> Event {
        Event { client: Some(self.waiting.pending.client.key()), ..event }
    }

    async fn record_throttled(&self, reason: &'static str) -> Result<(), Failure> {
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)?;
        Ok(self.env.refusals.record(self.env, &self.waiting.scope, self.event(event)).await?)
    }

    async fn fail(&self, user_id: Option<UserId>, reason: &'static str) -> Result<SignIn, WaitingError> {
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)
            .map_err(Failure::from)?;
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        tx.audit().insert(&Event { user_id, ..self.event(event) }).await.map_err(Failure::from)?;
        tx.commit().await.map_err(Failure::from)?;
        Ok(SignIn::WrongCredentials)
    }

    /// The deciding transaction. Everything that was read before the password was checked is read
    /// again: the user may have been deactivated, or the password changed, meanwhile.
    async fn succeed(
        &self,
        user_id: UserId,
        checked: &Account,
        policy: &Policy,
    ) -> Result<SignIn, WaitingError> {
        let now = self.env.clock.now();
        let (surplus, dropped) = self.make_room().await?;
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        let account = self.find_account(&mut tx, now).await?;
        let stands = account.user == Some((user_id, UserStatus::Active))
            && account.phc == checked.phc
            && account.org_status == OrgStatus::Active
            && account.client == Some(ClientStatus::Active);
        if !stands {
            drop(tx);
            return self.fail(Some(user_id), "changed_meanwhile").await;
        }
        let asked = &self.waiting.pending.asked;
        if !tx.authorization_requests().consume(asked.id, now).await.map_err(Failure::from)? {
            return Err(WaitingError::Over);
        }
        if asked.expected_user.is_some_and(|expected| expected != user_id) {
            return self.refuse_other(tx, user_id).await;
        }
        let (session_id, cookie) = self.start_session(&mut tx, user_id, policy).await?;
        let code = issue_code(self.env, &mut tx, asked, user_id, session_id).await?;
        for account in [&self.here, &self.everywhere] {
            tx.sign_ins().clear_tries(account).await.map_err(Failure::from)?;
        }
        let event =
            events::done(self.env, Action::SignInSucceeded, &self.browser.origin).map_err(Failure::from)?;
        let (actor, session) = (Actor::User(user_id), Some(session_id));
        let event = Event {
            actor,
            user_id: Some(user_id),
            session_id: session,
            detail: vec![("method", "password".to_owned())],
            ..self.event(event)
        };
        tx.audit().insert(&event).await.map_err(Failure::from)?;
        tx.commit().await.map_err(Failure::from)?;
        for session in &surplus {
            self.displace(&session.scope, &session.session).await?;
        }
        let answer = self.waiting.pending.answer(self.env, Ok(code.reveal().to_owned()));
        let expires_at = now + policy.session_absolute;
        Ok(SignIn::SignedIn(Box::new(SignedIn { answer, cookie, expires_at, dropped })))
    }

    async fn refuse_other(&self, mut tx: OrgTx, user_id: UserId) -> Result<SignIn, WaitingError> {
        let event = events::refused(self.env, Action::SignInFailed, "another_user", &self.browser.origin)
            .map_err(Failure::from)?;
        let event = Event { user_id: Some(user_id), ..self.event(event) };
        tx.audit().insert(&event).await.map_err(Failure::from)?;
        tx.commit().await.map_err(Failure::from)?;
        let error = RequestError::new(ErrorCode::LoginRequired, "another user signed in than was asked for");
        Ok(SignIn::AnotherUser(Box::new(self.waiting.pending.refuse(self.env, error))))
    }

    /// Starts a session, or proves this browser's session of the same user again. The cookie is new
    /// either way: one that was planted before is worth nothing after.
    async fn start_session(
        &self,
        tx: &mut OrgTx,
        user_id: UserId,
        policy: &Policy,
    ) -> Result<(SessionId, Credential<SessionCookie>), Failure> {
        let now = self.env.clock.now();
        let asked = &self.waiting.pending.asked;
        let client = (asked.client_owner, asked.client_id);
        let before = match self.browser.session_of(tx.org_id()) {
            Some(cookie) => tx.sessions().find_by_cookie(&cookie.hash(), client).await?,
            None => None,
        };
        let before = before.map(|standing| standing.session);
        let same = before
            .as_ref()
            .filter(|session| session.user_id == user_id && session.is_live(now, policy.session_idle));
        let id = match same {
            Some(session) => session.id,
            None => SessionId::from_uuid(self.env.random.uuid(now)?),
        };
        if let Some(other) = before.as_ref().filter(|session| session.id != id && session.ended_at.is_none())
        {
            crate::sign_out::end(self.env, tx, other, ("replaced", &self.browser.origin)).await?;
        }
        let cookie = self.env.random.credential::<SessionCookie>(tx.org_id())?;
        let session = Session {
            id,
            org_id: tx.org_id(),
            user_id,
            auth_time: now,
            amr: vec!["pwd".to_owned()],
            last_seen_at: now,
            expires_at: now + policy.session_absolute,
            ended_at: None,
        };
        let new = NewSession {
            session: &session,
            token: cookie.hash(),
            browser: self.browser.binding,
            origin: &self.browser.origin,
        };
        tx.sessions().save(&new).await?;
        Ok((id, cookie))
    }

    /// Cookies of organizations that this browser drops so that it stays within its bound: those
    /// that prove nothing, then the session used least recently, which is ended.
    async fn make_room(&self) -> Result<(Vec<ProvenSession>, Vec<OrgId>), Failure> {
        let mine = self.waiting.scope.org_id();
        let others = self.browser.sessions.iter().filter(|cookie| cookie.org_id() != mine).count();
        if others < MAX_PER_BROWSER {
            return Ok((Vec::new(), Vec::new()));
        }
        let proven = self.env.store.choose(&self.browser.session_hashes()).await?;
        let (kept, surplus): (Vec<_>, Vec<_>) = proven
            .into_iter()
            .filter(|session| session.session.org_id != mine)
            .enumerate()
            .partition(|(place, _)| *place < MAX_PER_BROWSER - 1);
        let kept: Vec<OrgId> = kept.iter().map(|(_, session)| session.session.org_id).collect();
        let cookies = self.browser.sessions.iter().map(Credential::org_id);
        let dropped = cookies.filter(|org_id| *org_id != mine && !kept.contains(org_id)).collect();
        Ok((surplus.into_iter().map(|(_, session)| session).collect(), dropped))
    }

    async fn displace(&self, scope: &OrgScope, session: &Session) -> Result<(), Failure> {
        let mut tx = self.env.store.begin(scope).await?;
        crate::sign_out::end(self.env, &mut tx, session, ("displaced", &self.browser.origin)).await?;
        Ok(tx.commit().await?)
    }
}
