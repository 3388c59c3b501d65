//! Sign-in with an organization's own password.

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::ClientStatus;
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::policies::{LOCKOUT_WINDOW, Policy};
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::UserStatus;
use orgate_storage::{Account, Connection, OrgTx};

use crate::authorize::Answer;
use crate::complete::{Completed, Completion, Proven, SignedIn};
use crate::federation::methods::{Methods, find_methods};
use crate::joining::is_offered;
use crate::limits::{Limited, TooMany};
use crate::passwords::{PasswordError, Passwords, Place, Verdict};
use crate::tries::{Tried, Tries};
use crate::waiting::{Waiting, WaitingError, take_up};
use crate::{Browser, Env, Failure, events};

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
    /// The password is right, and the client asked for another user, or for a stronger proof: it is told, and
    /// nobody is signed in.
    NotAsAsked(Box<Answer>),
    /// They are signed in.
    SignedIn(Box<SignedIn>),
    /// Too many try to sign in to this organization: the password was not looked at.
    OrganizationBusy(TooMany),
    /// SSO is enforced for this address: no password is looked at, whether or not there is a user.
    /// They sign in through one of these.
    SsoRequired(Vec<Connection>),
    /// No try is left for this account for a while.
    TooManyTries,
    /// Back to the form: one text for an unknown address, a wrong password, a user without one and
    /// a user who may not sign in.
    WrongCredentials,
}

/// What the sign-in page shows.
#[derive(Debug)]
pub struct SignInPage {
    /// The request.
    pub waiting: Waiting,
    /// The organization that it is in.
    pub organization: Organization,
    /// How one can sign in to it.
    pub methods: Methods,
    /// Whether whoever is no user of it can join, or ask to.
    pub joins: bool,
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
    let hinted = waiting.asked().login_hint.as_deref().and_then(|hint| Email::parse(hint).ok());
    let methods = find_methods(env, &waiting.scope, hinted.as_ref()).await?;
    let joins = is_offered(env, &waiting.scope).await?;
    Ok(SignInPage { waiting, organization, methods, joins })
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
        Begun::SsoRequired => {
            attempt.record_throttled("sso_required").await?;
            return Ok(SignIn::SsoRequired(attempt.connections().await?));
        }
        Begun::NoTryLeft => {
            attempt.record_throttled("throttled").await?;
            return Ok(SignIn::TooManyTries);
        }
    };
    let verdict = match env.passwords.verify(&place, typed.password, hashes_of(&account)).await {
        Ok(verdict) => verdict,
        Err(PasswordError::TooLong) => Verdict::Wrong,
        Err(error) => return Err(Failure::from(error).into()),
    };
    let fresh = match verdict {
        Verdict::Right => rehashed(env, &place, (&account, typed.password)).await,
        Verdict::Wrong => None,
    };
    drop(place); // nothing more is hashed
    match (verdict, account.user) {
        (Verdict::Right, Some((user_id, UserStatus::Active))) => {
            match attempt.succeed(user_id, (&account, fresh.as_deref()), &policy).await? {
                Some(done) => Ok(done),
                None => attempt.compare_again(user_id, typed.password, &policy).await,
            }
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

/// Our own hash of a password that was right, where the one that is kept is another system's, or an older one of ours.
async fn rehashed(env: &Env, place: &Place<'_>, (account, password): (&Account, &str)) -> Option<String> {
    let kept = account.phc.as_deref()?;
    if Passwords::is_current(kept) {
        return None;
    }
    env.passwords.hash_in(place, password).await.ok()
}

/// Whether the password is looked at.
enum Begun {
    Account(Account),
    OrganizationBusy(TooMany),
    NoTryLeft,
    SsoRequired,
}

/// One attempt, and where its parts are kept.
struct Attempt<'a> {
    env: &'a Env,
    waiting: &'a Waiting,
    email: &'a Email,
    browser: &'a Browser,
    tries: Tries,
}

impl<'a> Attempt<'a> {
    fn new(env: &'a Env, waiting: &'a Waiting, email: &'a Email, browser: &'a Browser) -> Self {
        let tries = Tries::of(env, (waiting.scope.org_id(), email), &browser.origin);
        Self { env, waiting, email, browser, tries }
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
        if !policy.sso_enforcement.allows(SignInMethod::Password, account.sso) {
            return Ok(Begun::SsoRequired);
        }
        let tried = self.tries.take(self.env, &mut tx, (&account, policy), now).await;
        match tried.map_err(Failure::from)? {
            Tried::NoneLeft => return Ok(Begun::NoTryLeft),
            Tried::OrganizationBusy(until) => return Ok(Begun::OrganizationBusy(until)),
            Tried::Taken => {}
        }
        tx.commit().await.map_err(Failure::from)?;
        Ok(Begun::Account(account))
    }

    async fn find_account(&self, tx: &mut OrgTx, now: DateTime<Utc>) -> Result<Account, Failure> {
        let asked = &self.waiting.pending.asked;
        let client = Some((asked.client_owner, asked.client_id));
        let since = now - LOCKOUT_WINDOW;
        Ok(tx
            .sign_ins()
            .find_account((self.email.normalized(), &self.tries.here), &self.browser.binding, client, since)
            .await?)
    }

    fn event(&self, event: Event) -> Event {
        Event { client: Some(self.waiting.pending.client.key()), ..event }
    }

    /// The connections that a person with this address would use.
    async fn connections(&self) -> Result<Vec<Connection>, Failure> {
        let methods = find_methods(self.env, &self.waiting.scope, Some(self.email)).await?;
        Ok(methods.connections)
    }

    async fn record_throttled(&self, reason: &'static str) -> Result<(), Failure> {
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)?;
        self.env.refusals.record(self.env, &self.waiting.scope, self.event(event)).await?;
        Ok(())
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
    /// again: the user may have been deactivated, or the password changed, meanwhile. A fresh hash takes the place of the
    /// one that was checked; `None`, if another has done so meanwhile.
    async fn succeed(
        &self,
        user_id: UserId,
        (checked, fresh): (&Account, Option<&str>),
        policy: &Policy,
    ) -> Result<Option<SignIn>, WaitingError> {
        let now = self.env.clock.now();
        let completion = Completion::prepare(self.env, self.waiting, policy, self.browser).await?;
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        tx.users().hold(user_id).await.map_err(Failure::from)?;
        let account = self.find_account(&mut tx, now).await?;
        let stands = account.user == Some((user_id, UserStatus::Active))
            && account.phc == checked.phc
            && policy.sso_enforcement.allows(SignInMethod::Password, account.sso)
            && account.org_status == OrgStatus::Active
            && account.client == Some(ClientStatus::Active);
        if !stands {
            drop(tx);
            if fresh.is_some() && account.phc != checked.phc {
                return Ok(None);
            }
            return self.fail(Some(user_id), "changed_meanwhile").await.map(Some);
        }
        self.tries.clear(&mut tx).await.map_err(Failure::from)?;
        if let Some(fresh) = fresh {
            self.replace_hash(&mut tx, user_id, fresh).await?;
        }
        let proven = Proven {
            user_id,
            method: SignInMethod::Password,
            amr: vec!["pwd".to_owned()],
            auth_time: now,
            ends_by: None,
            upstream: None,
        };
        match completion.finish(tx, proven).await? {
            Completed::SignedIn(done) => Ok(Some(SignIn::SignedIn(done))),
            Completed::NotAsAsked(answer) => Ok(Some(SignIn::NotAsAsked(answer))),
            Completed::Over => Err(WaitingError::Over),
        }
    }

    /// Compares a password that was right a moment ago with what took the place of its hash: the same password, if its user
    /// signed in twice at once.
    async fn compare_again(
        &self,
        user_id: UserId,
        password: &str,
        policy: &Policy,
    ) -> Result<SignIn, WaitingError> {
        let place = self.env.passwords.queue_up(self.waiting.scope.org_id()).map_err(Failure::from)?;
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        let account = self.find_account(&mut tx, self.env.clock.now()).await?;
        tx.commit().await.map_err(Failure::from)?;
        let verdict = self.env.passwords.verify(&place, password, hashes_of(&account)).await;
        drop(place);
        let is_right = verdict.map_err(Failure::from)? == Verdict::Right;
        if is_right
            && account.user == Some((user_id, UserStatus::Active))
            && let Some(done) = self.succeed(user_id, (&account, None), policy).await?
        {
            return Ok(done);
        }
        self.fail(Some(user_id), "changed_meanwhile").await
    }

    async fn replace_hash(&self, tx: &mut OrgTx, user_id: UserId, fresh: &str) -> Result<(), Failure> {
        tx.users().save_password(user_id, fresh, self.env.clock.now()).await?;
        let event = events::done(self.env, Action::PasswordRehashed, &self.browser.origin)?;
        let event = Event { user_id: Some(user_id), actor: Actor::User(user_id), ..self.event(event) };
        Ok(tx.audit().insert(&event).await?)
    }
}

/// What a password is compared with.
pub(crate) fn hashes_of(account: &Account) -> (Option<&str>, Option<&str>) {
    (account.phc.as_deref(), account.foreign_phc.as_deref())
}
