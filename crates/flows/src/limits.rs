//! Limits by source address, and for the sign-ins of an organization, on this node.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::{ClientId, OrgId};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Requests a minute from one address (one /64 of IPv6), each kind with a budget of its own; sign-ins a minute to one
/// organization; and requests a minute of one program: at the management API, and of one receiver of its security events.
#[derive(Debug, Clone, Copy)]
pub struct LimitSettings {
    /// Requests to the management API of one user or machine through one client in one organization.
    pub api: u32,
    /// Attempts to prove a credential: passwords, typed codes.
    pub credentials: u32,
    /// Requests that make a page or a mail.
    pub pages: u32,
    /// Failed client authentications and forged codes and tokens.
    pub refusals: u32,
    /// Requests of one receiver of security events about its streams in one organization.
    pub receivers: u32,
    /// Attempts to prove a password in one organization, from browsers that it does not know.
    pub sign_ins: u32,
}

/// A kind of limited request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// See [`LimitSettings::credentials`].
    Credentials,
    /// API keys that are none: as many as refusals, and apart from them, so that nothing else keeps a good one out.
    Keys,
    /// See [`LimitSettings::pages`].
    Pages,
    /// See [`LimitSettings::refusals`].
    Refusals,
}

/// Codes of devices that one browser sends within a minute; a right one is sent twice, typed and with the button of the
/// page that says what asks.
const TYPED_CODES: u32 = 10;

/// Client documents that are new, or say something new, within a minute: for one address that asks, and of one host.
const NEW_DOCUMENTS: u32 = 5;

/// Changes of itself that a registered client makes within a minute: every node hears of each.
const REGISTRATION_CHANGES: u32 = 10;

/// Too many requests; try again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooMany {
    /// Until then.
    pub retry_after: Duration,
}

/// What is left of a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Requests a minute.
    pub a_minute: u32,
    /// Requests that could be made at once, without waiting.
    pub left: u32,
}

/// Changes of one organization by programs that this node works at at once, and of one caller's one: the others wait here, and
/// not with a connection to the database, of which there are few for all.
const TURNS: usize = 4;

/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(5);

/// Of each organization, and of each of its callers.
type Turns = HashMap<(OrgId, Option<String>), Arc<Semaphore>>;

/// Whose turn it is to change an organization; over when dropped.
#[derive(Debug)]
pub struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// The limiters.
pub struct Limits {
    turns: Mutex<Turns>,
    api: RateLimiter<SecretHash, DashMapStateStore<SecretHash>, DefaultClock, StateInformationMiddleware>,
    credentials: DefaultKeyedRateLimiter<IpAddr>,
    pages: DefaultKeyedRateLimiter<IpAddr>,
    refusals: DefaultKeyedRateLimiter<IpAddr>,
    keys: DefaultKeyedRateLimiter<IpAddr>,
    /// Whose budget of keys that are none is used up, and until when.
    refused: Mutex<HashMap<IpAddr, Instant>>,
    receivers: DefaultKeyedRateLimiter<(OrgId, ClientId)>,
    registrations: DefaultKeyedRateLimiter<(OrgId, ClientId)>,
    sign_ins: DefaultKeyedRateLimiter<OrgId>,
    typed_codes: DefaultKeyedRateLimiter<SecretHash>,
    document_askers: DefaultKeyedRateLimiter<IpAddr>,
    document_hosts: DefaultKeyedRateLimiter<SecretHash>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

impl Limits {
    /// Limiters with these budgets; a budget of 0 counts as 1.
    pub fn new(settings: &LimitSettings) -> Self {
        Self {
            turns: Mutex::default(),
            api: RateLimiter::dashmap(a_minute(settings.api)).with_middleware(),
            credentials: RateLimiter::dashmap(a_minute(settings.credentials)),
            pages: RateLimiter::dashmap(a_minute(settings.pages)),
            refusals: RateLimiter::dashmap(a_minute(settings.refusals)),
            keys: RateLimiter::dashmap(a_minute(settings.refusals)),
            refused: Mutex::default(),
            receivers: RateLimiter::dashmap(a_minute(settings.receivers)),
            registrations: RateLimiter::dashmap(a_minute(REGISTRATION_CHANGES)),
            sign_ins: RateLimiter::dashmap(a_minute(settings.sign_ins)),
            typed_codes: RateLimiter::dashmap(a_minute(TYPED_CODES)),
            document_askers: RateLimiter::dashmap(a_minute(NEW_DOCUMENTS)),
            document_hosts: RateLimiter::dashmap(a_minute(NEW_DOCUMENTS)),
        }
    }

    /// Takes one request of `address` from its budget.
    ///
    /// # Errors
    /// [`TooMany`]; nothing further is done then.
    pub fn take(&self, kind: Limited, address: Option<IpAddr>) -> Result<(), TooMany> {
        let key = source(address);
        let limiter = match kind {
            Limited::Credentials => &self.credentials,
            Limited::Pages => &self.pages,
            Limited::Refusals => &self.refusals,
            Limited::Keys => &self.keys,
        };
        let taken = limiter.check_key(&key).map_err(|until| too_many(&until));
        if let (Limited::Keys, Err(refused)) = (kind, &taken) {
            self.refused().insert(key, Instant::now() + refused.retry_after);
        }
        taken
    }

    /// Refuses whose budget of keys that are none is used up, before another is looked up for them.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn check_refused(&self, address: Option<IpAddr>) -> Result<(), TooMany> {
        let until = self.refused().get(&source(address)).copied();
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(retry_after) if !retry_after.is_zero() => Err(TooMany { retry_after }),
            _ => Ok(()),
        }
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<IpAddr, Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one request to the management API from the budget of a subject through a client in an organization, as a
    /// verified token names the three.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take_api(&self, (org_id, client_id, subject): (&str, &str, &str)) -> Result<Budget, TooMany> {
        let caller = SecretHash::of([org_id, client_id, subject].join(" ").as_bytes()); // of one length
        let taken = self.api.check_key(&caller).map_err(|until| too_many(&until))?;
        let quota = taken.quota();
        Ok(Budget { a_minute: quota.burst_size().get(), left: taken.remaining_burst_capacity() })
    }

    /// Waits for a turn to change an organization: behind what the same caller began, and then behind others.
    ///
    /// # Errors
    /// [`TooMany`] after a while.
    pub async fn take_turn(&self, org_id: OrgId, caller: String) -> Result<Turn, TooMany> {
        both(self.turn((org_id, Some(caller)), 1), self.turn((org_id, None), TURNS)).await
    }

    /// Waits for a turn of somebody who would join an organization: apart from those of its administrators.
    ///
    /// # Errors
    /// As of [`Limits::take_turn`].
    pub async fn take_turn_to_join(&self, org_id: OrgId) -> Result<OwnedSemaphorePermit, TooMany> {
        let turn = self.turn((org_id, Some("join".to_owned())), TURNS);
        in_time(async { turn.acquire_owned().await }).await
    }

    /// Waits for a turn to look for users by words, which may take many of an organization's to be looked at: behind what the same
    /// caller looks for, and apart from those who change something.
    ///
    /// # Errors
    /// As of [`Limits::take_turn`].
    pub async fn take_turn_to_search(&self, org_id: OrgId, caller: &str) -> Result<Turn, TooMany> {
        self.take_turn_apart(org_id, ("search", caller)).await
    }

    /// Waits for a turn to take much of what an organization keeps along: behind what the same caller began, and apart from those who
    /// change something.
    ///
    /// # Errors
    /// As of [`Limits::take_turn`].
    pub async fn take_turn_to_export(&self, org_id: OrgId, caller: &str) -> Result<Turn, TooMany> {
        self.take_turn_apart(org_id, ("export", caller)).await
    }

    async fn take_turn_apart(&self, org_id: OrgId, (what, caller): (&str, &str)) -> Result<Turn, TooMany> {
        let own = self.turn((org_id, Some(format!("{what} {caller}"))), 1);
        let all = self.turn((org_id, Some(what.to_owned())), TURNS);
        both(own, all).await
    }

    fn turn(&self, key: (OrgId, Option<String>), at_once: usize) -> Arc<Semaphore> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| Arc::strong_count(turn) > 1); // those that somebody has or waits for
        Arc::clone(turns.entry(key).or_insert_with(|| Arc::new(Semaphore::new(at_once))))
    }

    /// Takes one request of a receiver about its streams in an organization from its budget.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take_receiver(&self, receiver: (OrgId, ClientId)) -> Result<(), TooMany> {
        self.receivers.check_key(&receiver).map_err(|until| too_many(&until))
    }

    /// Takes one change of a client that registered itself from its budget.
    ///
    /// # Errors
    /// [`TooMany`]; nothing is changed then.
    pub fn take_registration(&self, client: (OrgId, ClientId)) -> Result<(), TooMany> {
        self.registrations.check_key(&client).map_err(|until| too_many(&until))
    }

    /// Takes one attempt to prove a password from an organization's budget, whatever address it comes
    /// from: many accounts guessed at from many addresses stay below every other limit.
    ///
    /// # Errors
    /// [`TooMany`]; the password is not looked at then.
    pub fn take_sign_in(&self, org_id: OrgId) -> Result<(), TooMany> {
        self.sign_ins.check_key(&org_id).map_err(|until| too_many(&until))
    }

    /// Takes one user code from a browser's budget, right or wrong: nothing is looked up without.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn take_typed_code(&self, browser: &SecretHash) -> Result<(), TooMany> {
        self.typed_codes.check_key(browser).map_err(|until| too_many(&until))
    }

    /// Takes one client document that is about to be written from the budgets of `address`, which asked for it, and of
    /// the host that serves it.
    ///
    /// # Errors
    /// [`TooMany`]; nothing is written then.
    pub fn take_document(&self, address: Option<IpAddr>, host: &str) -> Result<(), TooMany> {
        self.document_askers.check_key(&source(address)).map_err(|until| too_many(&until))?;
        let host = SecretHash::of(host.as_bytes()); // of one length, whatever it is called
        self.document_hosts.check_key(&host).map_err(|until| too_many(&until))
    }

    /// Forgets the addresses, organizations, clients and browsers whose budget is full again. Called by a job.
    pub fn forget_idle(&self) {
        for limiter in [&self.credentials, &self.pages, &self.refusals, &self.keys, &self.document_askers] {
            limiter.retain_recent();
        }
        self.refused().retain(|_, until| *until > Instant::now());
        self.api.retain_recent();
        self.receivers.retain_recent();
        self.registrations.retain_recent();
        self.sign_ins.retain_recent();
        self.typed_codes.retain_recent();
        self.document_hosts.retain_recent();
    }
}

fn a_minute(budget: u32) -> Quota {
    Quota::per_minute(NonZeroU32::new(budget).unwrap_or(NonZeroU32::MIN))
}

/// A turn of one's own, and then one of all.
async fn both(own: Arc<Semaphore>, all: Arc<Semaphore>) -> Result<Turn, TooMany> {
    in_time(async { Ok(Turn { _own: own.acquire_owned().await?, _all: all.acquire_owned().await? }) }).await
}

/// What is waited for, unless that takes longer than anybody should wait.
async fn in_time<T>(turn: impl Future<Output = Result<T, AcquireError>>) -> Result<T, TooMany> {
    let busy = TooMany { retry_after: Duration::from_secs(1) };
    tokio::time::timeout(PATIENCE, turn).await.map_err(|_| busy)?.map_err(|_| busy)
}

fn too_many(until: &NotUntil<<DefaultClock as Clock>::Instant>) -> TooMany {
    TooMany { retry_after: until.wait_time_from(DefaultClock::default().now()) }
}

/// One household or host: the address, or the /64 of an IPv6 address, which one host owns whole.
pub(crate) fn source(address: Option<IpAddr>) -> IpAddr {
    match address {
        Some(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
            Some(v4) => IpAddr::V4(v4),
            None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        },
        Some(v4) => v4,
        None => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_ipv6_network_shares_one_budget_and_others_have_their_own() {
        let limits = Limits::new(&LimitSettings {
            api: 1,
            credentials: 1,
            pages: 1,
            refusals: 1,
            receivers: 1,
            sign_ins: 1,
        });
        let address = |text: &str| Some(text.parse().expect("an address"));

        assert!(limits.take(Limited::Credentials, address("2001:db8::1")).is_ok());
        let refused = limits.take(Limited::Credentials, address("2001:db8::ffff"));

        assert!(refused.is_err_and(|too_many| too_many.retry_after <= Duration::from_mins(1)));
        assert!(limits.take(Limited::Pages, address("2001:db8::1")).is_ok());
        assert!(limits.take(Limited::Credentials, address("2001:db8:0:1::1")).is_ok());
        assert_eq!(source(address("::ffff:10.0.0.1")), source(address("10.0.0.1")));
    }
}
