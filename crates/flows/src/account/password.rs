//! A user changes the password that they have.
//!
//! **Invariant:** the one before it is proven in the same request, by the same tries as at a sign-in; and no
//! session and no grant that it opened goes on: the browser that it was changed in has another session, in which nothing was granted
//! yet. API keys and linked identities stay, as whoever changes it is told.

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::credentials::{Credential, SessionCookie};
use orgate_domain::email::Email;
use orgate_domain::ids::SessionId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::{LOCKOUT_WINDOW, Policy};
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::UserStatus;
use orgate_storage::{Account, OrgTx};

use super::{Own, own_standing};
use crate::end_sessions::{Because, end_sessions};
use crate::invitations::accept::check_password;
use crate::invitations::{Problem, Wrong};
use crate::limits::{Limited, TooMany};
use crate::notices::{Notice, prepare_for};
use crate::passwords::{PasswordError, Verdict};
use crate::sign_in::hashes_of;
use crate::tries::{Tried, Tries};
use crate::{Browser, Env, Failure, events};

/// What was typed.
#[derive(Clone, Copy)]
pub struct PasswordTyped<'a> {
    /// The password that they have.
    pub current: &'a str,
    /// The one that they choose.
    pub password: &'a str,
    /// The same, once more.
    pub again: &'a str,
}

/// What came of it.
#[derive(Debug)]
pub enum PasswordChange {
    /// They have the new one, and are signed in here alone, by this cookie for so many seconds: whoever has the one before it, has
    /// nothing.
    Changed(Credential<SessionCookie>, i64),
    /// Their account, or this session, was changed in this very moment: nothing else was.
    ChangedMeanwhile,
    /// A field cannot be: no password was looked at.
    Invalid(Problem),
    /// They have none, or may not sign in with one: no password was looked at.
    NoPassword,
    /// Too many try to sign in to this organization: no password was looked at.
    OrganizationBusy(TooMany),
    /// No try is left for this account for a while: no password was looked at.
    TooManyTries,
    /// The current one is not right.
    WrongPassword,
}

/// Changes a user's password, and ends every session of theirs, this one in favour of another. They are told by mail, at an address
/// that they have proven.
///
/// # Errors
/// [`Failure`].
pub async fn change_password(
    env: &Env,
    own: &Own,
    typed: PasswordTyped<'_>,
    browser: &Browser,
) -> Result<PasswordChange, Failure> {
    env.limits.take(Limited::Credentials, browser.origin.address)?;
    let parsed = own.user.email.as_deref().map(Email::stored);
    let Some(Ok(email)) = parsed else { return Ok(PasswordChange::NoPassword) };
    if let Some(problem) = check(typed) {
        return Ok(PasswordChange::Invalid(problem));
    }
    let org_id = own.scope.org_id();
    // For both hashes: nobody's try is used up by a password that is right, and cannot be replaced.
    let place = env.passwords.queue_up(org_id)?;
    let policy = env.configuration.policy(&env.store, &own.scope).await?;
    let tries = Tries::of_session(env, (org_id, &email), (own.session.id, &browser.origin));
    let trial = Trial { env, own, email: &email, policy: &policy, tries, browser };
    let account = match trial.begin().await? {
        Ok(account) => account,
        Err(instead) => return Ok(instead),
    };
    let verdict = match env.passwords.verify(&place, typed.current, hashes_of(&account)).await {
        Ok(verdict) => verdict,
        Err(PasswordError::TooLong) => Verdict::Wrong,
        Err(error) => return Err(error.into()),
    };
    if verdict != Verdict::Right {
        trial.record_wrong().await?;
        return Ok(PasswordChange::WrongPassword);
    }
    let fresh = env.passwords.hash_in(&place, typed.password).await?;
    trial.conclude(&account, &fresh).await
}

/// What is wrong with the one that they choose.
fn check(typed: PasswordTyped<'_>) -> Option<Problem> {
    let same = || Problem { field: "password", why: Wrong::PasswordSame };
    check_password(typed.password, typed.again).or_else(|| (typed.password == typed.current).then(same))
}

/// One try, and what it is about.
struct Trial<'a> {
    env: &'a Env,
    own: &'a Own,
    email: &'a Email,
    policy: &'a Policy,
    tries: Tries,
    browser: &'a Browser,
}

impl Trial<'_> {
    /// Reads the account and takes one of its tries; or says what comes instead.
    async fn begin(&self) -> Result<Result<Account, PasswordChange>, Failure> {
        let mut tx = self.env.store.begin(&self.own.scope).await?;
        let account = self.find_account(&mut tx).await?;
        if !self.stands(&account) {
            return Ok(Err(PasswordChange::NoPassword));
        }
        let tried = self.tries.take(self.env, &mut tx, (&account, self.policy), self.env.clock.now()).await?;
        let (instead, reason) = match tried {
            Tried::Taken => {
                tx.commit().await?;
                return Ok(Ok(account));
            }
            Tried::NoneLeft => (PasswordChange::TooManyTries, "throttled"),
            Tried::OrganizationBusy(until) => {
                (PasswordChange::OrganizationBusy(until), "organization_throttled")
            }
        };
        drop(tx);
        // Folded: nothing keeps them from trying again and again.
        self.env.refusals.record(self.env, &self.own.scope, self.refused(reason)?).await?;
        Ok(Err(instead))
    }

    async fn find_account(&self, tx: &mut OrgTx) -> Result<Account, Failure> {
        let since = self.env.clock.now() - LOCKOUT_WINDOW;
        let by = (self.email.normalized(), &self.tries.here);
        Ok(tx.sign_ins().find_account(by, &self.browser.binding, None, since).await?)
    }

    /// Whether it is theirs, has a password, and may be signed in to with that.
    fn stands(&self, account: &Account) -> bool {
        account.user == Some((self.own.session.user_id, UserStatus::Active))
            && account.phc.is_some()
            && account.org_status == OrgStatus::Active
            && self.policy.sso_enforcement.allows(SignInMethod::Password, account.sso)
    }

    /// The deciding transaction: what was read before the password was checked is read again. Whoever signs in by the old one
    /// meanwhile is waited for, and ended, or waits, and is refused.
    async fn conclude(&self, checked: &Account, fresh: &str) -> Result<PasswordChange, Failure> {
        let Self { env, own, browser, .. } = self;
        let user_id = own.session.user_id;
        let notice = if own.user.email_verified {
            Some(prepare_for(env, &own.scope, self.email.as_str(), Notice::password_changed).await?)
        } else {
            None
        };
        let mut tx = env.store.begin(&own.scope).await?;
        // It begins a session as well: what is about to end everybody's does not miss that one.
        tx.organization().hold().await?;
        tx.users().seize(Some(user_id)).await?;
        let account = self.find_account(&mut tx).await?;
        let here = own_standing(env, &mut tx, (browser, self.policy)).await?;
        let is_here = here.is_some_and(|standing| standing.session.id == own.session.id);
        let now = env.clock.now();
        let cookie = env.random.credential::<SessionCookie>(own.scope.org_id())?;
        let next = SessionId::from_uuid(env.random.uuid(now)?);
        if !is_here
            || !self.stands(&account)
            || account.phc != checked.phc
            || !tx.sessions().succeed(own.session.id, (next, &cookie.hash()), now).await?
        {
            return Ok(PasswordChange::ChangedMeanwhile);
        }
        tx.users().save_password(user_id, fresh, now).await?;
        self.tries.clear(&mut tx).await?;
        let event = self.event(events::done(env, Action::UserConfigured, &browser.origin)?);
        let detail = vec![("change", "password".to_owned()), ("session", next.to_string())];
        tx.audit().insert(&Event { reason: Some("changed_by_user"), detail, ..event }).await?;
        let mut open = tx.sessions().list_open(Some(user_id)).await?;
        open.retain(|id| *id != next);
        let actor = Actor::User(user_id);
        let because = Because { actor, reason: "password_changed", origin: &browser.origin, detail: &[] };
        end_sessions(env, &mut tx, open, because).await?;
        if let Some(notice) = notice {
            notice.send(&mut tx).await?;
        }
        tx.commit().await?;
        let lifetime = own.session.expires_at - now;
        Ok(PasswordChange::Changed(cookie, lifetime.num_seconds().max(0)))
    }

    async fn record_wrong(&self) -> Result<(), Failure> {
        let event = self.refused("wrong_password")?;
        self.env.journal.record(self.env, self.own.scope.org_id(), event).await
    }

    /// Whoever failed is in their session, and may be somebody else at their desk.
    fn refused(&self, reason: &'static str) -> Result<Event, Failure> {
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)?;
        Ok(Event { detail: vec![("purpose", "password_change".to_owned())], ..self.event(event) })
    }

    fn event(&self, event: Event) -> Event {
        let session = &self.own.session;
        let (actor, user_id) = (Actor::User(session.user_id), Some(session.user_id));
        Event { actor, user_id, session_id: Some(session.id), ..event }
    }
}
