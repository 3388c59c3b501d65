//! The tries at an account's password, wherever it is typed: from one address, and from everywhere together.

use chrono::{DateTime, Utc};
use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, SessionId};
use orgate_domain::policies::{LOCKOUT_WINDOW, Policy};
use orgate_storage::{Account, OrgTx, StorageError};

use crate::Env;
use crate::limits::{TooMany, source};

/// One account may fail this many times as often, from everywhere together, as from one address. It
/// keeps guessing from many addresses hopeless. A browser that the user signed in with before is
/// exempt, so that failing in someone's name does not keep them out.
const EVERYWHERE_FACTOR: u32 = 10;

/// The tries of one account, as somebody at one address has them.
pub(crate) struct Tries {
    /// Those from this address.
    pub(crate) here: SecretHash,
    everywhere: SecretHash,
    /// Those in the session that they are made in, if they are made in one.
    session: Option<SecretHash>,
}

/// Whether there was one.
pub(crate) enum Tried {
    /// None is left for this account for a while.
    NoneLeft,
    /// Too many try to sign in to this organization.
    OrganizationBusy(TooMany),
    /// It was taken.
    Taken,
}

impl Tries {
    pub(crate) fn of(env: &Env, (org_id, email): (OrgId, &Email), origin: &Origin) -> Self {
        let hash = |place: &str| env.vault.account_hash(org_id, email.normalized(), place);
        Self { here: hash(&source(origin.address).to_string()), everywhere: hash(""), session: None }
    }

    /// The same in a session: whoever has taken somebody's browser over guesses from many addresses no more often than from one.
    pub(crate) fn of_session(
        env: &Env,
        (org_id, email): (OrgId, &Email),
        (session, origin): (SessionId, &Origin),
    ) -> Self {
        let session = env.vault.account_hash(org_id, email.normalized(), &session.to_string());
        Self { session: Some(session), ..Self::of(env, (org_id, email), origin) }
    }

    /// Takes one, before the password is looked at: no number of parallel guesses gets more of them. Unless it was
    /// [`Tried::Taken`], the transaction is to be dropped, which gives back what was taken.
    pub(crate) async fn take(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        (account, policy): (&Account, &Policy),
        now: DateTime<Utc>,
    ) -> Result<Tried, StorageError> {
        let limit = policy.lockout_attempts;
        let everywhere = (&self.everywhere, limit.saturating_mul(EVERYWHERE_FACTOR));
        let everywhere = Some(everywhere).filter(|_| !account.known_browser);
        let session = self.session.as_ref().map(|session| (session, limit));
        for (account, limit) in [(&self.here, limit)].into_iter().chain(session).chain(everywhere) {
            if !tx.sign_ins().take_try(account, limit, now, LOCKOUT_WINDOW).await? {
                return Ok(Tried::NoneLeft);
            }
        }
        // Last, so that whoever tries one locked account again and again uses nothing of it up.
        if !account.known_browser
            && let Err(until) = env.limits.take_sign_in(tx.org_id())
        {
            return Ok(Tried::OrganizationBusy(until));
        }
        Ok(Tried::Taken)
    }

    /// Forgets those that failed, of an account whose password was just proven.
    pub(crate) async fn clear(&self, tx: &mut OrgTx) -> Result<(), StorageError> {
        for account in [&self.here, &self.everywhere].into_iter().chain(&self.session) {
            tx.sign_ins().clear_tries(account).await?;
        }
        Ok(())
    }
}
