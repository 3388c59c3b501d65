//! Break-glass: for the day an organization's identity provider fails, users whom it named so get in
//! with a recovery code, past enforced SSO. Each use raises an alert.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::ClientStatus;
use orgate_domain::credentials::{Credential, RecoveryCode, SecretHash};
use orgate_domain::email::Email;
use orgate_domain::ids::UserId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::policies::{LOCKOUT_WINDOW, Policy};
use orgate_domain::sessions::SignInMethod;
use orgate_domain::standing::UserStatus;
use orgate_storage::{Account, OrgScope, OrgTx};

use crate::complete::{Completed, Completion, Proven, SignedIn};
use crate::limits::{Limited, source};
use crate::waiting::{Waiting, WaitingError};
use crate::{Browser, Env, Failure, events};

/// How many codes are made at a time.
pub const CODES: usize = 8;

/// How a recovery ended.
#[derive(Debug)]
pub enum Recovery {
    /// They are signed in.
    SignedIn(Box<SignedIn>),
    /// The client asked for another user, or for a stronger proof: it is told.
    NotAsAsked(Box<crate::authorize::Answer>),
    /// One text for an unknown address, a wrong or used code, and a user who is not named break-glass.
    Refused,
    /// No try is left for this account for a while.
    TooManyTries,
}

/// Why no codes were made.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryCodesError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// There is no user with this address.
    #[error("there is no user with this address in the organization")]
    UnknownUser,
    /// The user is not named break-glass.
    #[error("the user is not named break-glass; set `break_glass: true` for them first")]
    NotBreakGlass,
}

/// Makes [`CODES`] codes for a user who is named break-glass, in place of all that they had. This is the
/// one time that they are seen.
///
/// # Errors
/// [`RecoveryCodesError`].
pub async fn make_codes(
    env: &Env,
    scope: &OrgScope,
    email: &Email,
) -> Result<Vec<Credential<RecoveryCode>>, RecoveryCodesError> {
    let mut codes = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        codes.push(env.random.credential::<RecoveryCode>(scope.org_id()).map_err(Failure::from)?);
    }
    let hashes: Vec<SecretHash> = codes.iter().map(Credential::hash).collect();
    let event = events::done(env, Action::RecoveryCodesCreated, &Origin::default()).map_err(Failure::from)?;
    let mut tx = env.store.begin(scope).await.map_err(Failure::from)?;
    let user = tx.users().find_by_email(email).await.map_err(Failure::from)?;
    let user = user.ok_or(RecoveryCodesError::UnknownUser)?;
    if !user.break_glass {
        return Err(RecoveryCodesError::NotBreakGlass);
    }
    tx.recovery_codes().replace(user.id, &hashes, env.clock.now()).await.map_err(Failure::from)?;
    let event = Event { actor: Actor::Operator, user_id: Some(user.id), ..event };
    tx.audit().insert(&event).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    Ok(codes)
}

/// Signs in with a recovery code.
///
/// # Errors
/// [`WaitingError`].
pub async fn recover(
    env: &Env,
    waiting: &Waiting,
    (email, code): (&str, &str),
    browser: &Browser,
) -> Result<Recovery, WaitingError> {
    env.limits.take(Limited::Credentials, browser.origin.address).map_err(Failure::from)?;
    let Ok(email) = Email::parse(email) else { return Ok(Recovery::Refused) };
    let code = Credential::<RecoveryCode>::parse(code.trim()).ok();
    let code = code.filter(|code| code.org_id() == waiting.scope.org_id());
    let policy = env.configuration.policy(&env.store, &waiting.scope).await.map_err(Failure::from)?;
    let attempt = Attempt { env, waiting, email: &email, browser };
    if !attempt.take_try(&policy).await? {
        return Ok(Recovery::TooManyTries);
    }
    match code {
        Some(code) => attempt.succeed(&code, &policy).await,
        None => attempt.refuse(None, "malformed_code").await,
    }
}

struct Attempt<'a> {
    env: &'a Env,
    waiting: &'a Waiting,
    email: &'a Email,
    browser: &'a Browser,
}

impl Attempt<'_> {
    fn account_hash(&self) -> SecretHash {
        let place = format!("recovery {}", source(self.browser.origin.address));
        self.env.vault.account_hash(self.waiting.scope.org_id(), self.email.normalized(), &place)
    }

    /// Codes cannot be guessed; tries are taken so that the log cannot be flooded either.
    async fn take_try(&self, policy: &Policy) -> Result<bool, Failure> {
        let now = self.env.clock.now();
        let mut tx = self.env.store.begin(&self.waiting.scope).await?;
        let account = self.account_hash();
        let limit = policy.lockout_attempts;
        let taken = tx.sign_ins().take_try(&account, limit, now, LOCKOUT_WINDOW).await?;
        tx.commit().await?;
        Ok(taken)
    }

    async fn succeed(
        &self,
        code: &Credential<RecoveryCode>,
        policy: &Policy,
    ) -> Result<Recovery, WaitingError> {
        let now = self.env.clock.now();
        let completion = Completion::prepare(self.env, self.waiting, policy, self.browser).await?;
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        tx.organization().hold().await.map_err(Failure::from)?; // before it is looked at who may
        let account = self.find_account(&mut tx).await?;
        let user_id = match allowed(&account, policy) {
            Ok(user_id) => user_id,
            Err((user_id, reason)) => {
                drop(tx);
                return self.refuse(user_id, reason).await;
            }
        };
        let used = tx.recovery_codes().consume(user_id, &code.hash(), now).await.map_err(Failure::from)?;
        let Some(left) = used else {
            drop(tx);
            return self.refuse(Some(user_id), "wrong_code").await;
        };
        self.alert(&mut tx, user_id, left).await?;
        let proven = Proven {
            user_id,
            method: SignInMethod::Recovery,
            amr: vec!["otp".to_owned()],
            auth_time: now,
            ends_by: None,
            upstream: None,
        };
        match completion.finish(tx, proven).await? {
            Completed::SignedIn(done) => Ok(Recovery::SignedIn(done)),
            Completed::NotAsAsked(answer) => Ok(Recovery::NotAsAsked(answer)),
            Completed::Over => Err(WaitingError::Over),
        }
    }

    async fn find_account(&self, tx: &mut OrgTx) -> Result<Account, Failure> {
        let asked = &self.waiting.pending.asked;
        let client = Some((asked.client_owner, asked.client_id));
        let since = self.env.clock.now() - LOCKOUT_WINDOW;
        let account = self.account_hash();
        let by = (self.email.normalized(), &account);
        Ok(tx.sign_ins().find_account(by, &self.browser.binding, client, since).await?)
    }

    async fn alert(&self, tx: &mut OrgTx, user_id: UserId, left: u64) -> Result<(), Failure> {
        let event = events::done(self.env, Action::BreakGlassUsed, &self.browser.origin)?;
        let event = Event {
            actor: Actor::User(user_id),
            user_id: Some(user_id),
            client: Some(self.waiting.pending.client.key()),
            detail: vec![("codes_left", left.to_string())],
            ..event
        };
        tx.audit().insert(&event).await?;
        metrics::counter!("orgate_break_glass_sign_ins_total").increment(1);
        tracing::warn!(codes_left = left, "a break-glass user signs in past enforced SSO");
        Ok(())
    }

    async fn refuse(&self, user_id: Option<UserId>, reason: &'static str) -> Result<Recovery, WaitingError> {
        let event = events::refused(self.env, Action::SignInFailed, reason, &self.browser.origin)
            .map_err(Failure::from)?;
        let event = Event {
            user_id,
            client: Some(self.waiting.pending.client.key()),
            detail: vec![("method", "recovery".to_owned())],
            ..event
        };
        let mut tx = self.env.store.begin(&self.waiting.scope).await.map_err(Failure::from)?;
        tx.audit().insert(&event).await.map_err(Failure::from)?;
        tx.commit().await.map_err(Failure::from)?;
        Ok(Recovery::Refused)
    }
}

/// The user, if they may sign in by a recovery code; else whom to name in the event, and why not.
fn allowed(account: &Account, policy: &Policy) -> Result<UserId, (Option<UserId>, &'static str)> {
    let Some((user_id, status)) = account.user else { return Err((None, "unknown_user")) };
    let open = account.org_status == OrgStatus::Active && account.client == Some(ClientStatus::Active);
    if status != UserStatus::Active {
        Err((Some(user_id), "user_deactivated"))
    } else if !open {
        Err((Some(user_id), "changed_meanwhile"))
    } else if !policy.sso_enforcement.allows(SignInMethod::Recovery, account.sso) {
        Err((Some(user_id), "not_break_glass"))
    } else {
        Ok(user_id)
    }
}
