//! The tries at an account's password, wherever it is typed: from one address, and from everywhere together.

use chrono::{DateTime, Utc};
use orgate_domain::audit::Origin;
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::OrgId;
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
        Self { here: hash(&source(origin.address).to_string()), everywhere: hash("") }
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
        let limits = [(&self.here, limit), (&self.everywhere, limit.saturating_mul(EVERYWHERE_FACTOR))];
        let known = if account.known_browser { 1 } else { limits.len() };
        for (account, limit) in limits.into_iter().take(known) {
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
        for account in [&self.here, &self.everywhere] {
            tx.sign_ins().clear_tries(account).await?;
        }
        Ok(())
    }
}
