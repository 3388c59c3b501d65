//! Everything a use case needs and a test replaces.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use orgate_domain::audit::Origin;
use orgate_domain::clients::{Client, ClientIssuer};
use orgate_domain::credentials::{Credential, SecretHash, SessionCookie};
use orgate_domain::ids::OrgId;
use orgate_domain::keys::KeySchedule;
use orgate_storage::{OrgScope, OrgTx, StorageError, Store};
use url::Url;

use crate::Configuration;
use crate::client_documents::ClientDocuments;
use crate::client_keys::RemoteClientKeys;
use crate::dns::Dns;
use crate::federation::providers::Providers;
use crate::federation::{Busy, Heavy};
use crate::invitations::NoSeat;
use crate::journal::{Journal, JournalError};
use crate::keys::{KeyError, KeyRings};
use crate::limits::{Limits, TooMany};
use crate::outgoing::Outgoing;
use crate::passwords::{PasswordError, Passwords};
use crate::random::{NoRandomness, Random};
use crate::refusals::Refusals;
use crate::vault::{Vault, VaultError};

/// The surroundings of a use case. Cheap to clone: every request does.
#[derive(Debug, Clone)]
pub struct Env(Arc<Surroundings>);

/// What an [`Env`] is made of.
#[derive(Debug)]
pub struct Surroundings {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Random,
    /// Secrets derived from the master key.
    pub vault: Vault,
    /// Signing keys.
    pub keys: KeyRings,
    /// When they are replaced.
    pub key_schedule: KeySchedule,
    /// How long an organization that was deleted can be restored.
    pub deleted_kept: chrono::Duration,
    /// The pool that hashes passwords.
    pub passwords: Passwords,
    /// The resolver of the records that prove domains.
    pub dns: Dns,
    /// The client for addresses that organizations name.
    pub outgoing: Outgoing,
    /// The pool for XML and RSA.
    pub heavy: Heavy,
    /// Cached documents and keys of OpenID providers.
    pub providers: Providers,
    /// Cached keys of clients.
    pub client_keys: RemoteClientKeys,
    /// Documents of clients that nobody registered.
    pub client_documents: ClientDocuments,
    /// Cached clients, policies and connections.
    pub configuration: Configuration,
    /// Limits by source address and by organization.
    pub limits: Limits,
    /// Writes events that change nothing else.
    pub journal: Journal,
    /// Aggregates floods of alike refusals.
    pub refusals: Refusals,
    /// The shared issuer.
    pub issuer: Issuer,
    /// Whether a proof of possession needs a nonce that we gave (RFC 9449 §8).
    pub demands_dpop_nonce: bool,
}

impl Env {
    /// Asks something of an organization, in a transaction of its own.
    pub(crate) async fn read<T>(
        &self,
        scope: &OrgScope,
        question: impl AsyncFnOnce(&mut OrgTx) -> Result<T, StorageError>,
    ) -> Result<T, Failure> {
        let mut tx = self.store.begin(scope).await?;
        let answer = question(&mut tx).await?;
        tx.commit().await?;
        Ok(answer)
    }
}

impl From<Surroundings> for Env {
    fn from(surroundings: Surroundings) -> Self {
        Self(Arc::new(surroundings))
    }
}

impl Deref for Env {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        &self.0
    }
}

/// Why a use case could not decide: nothing was changed, and trying again may help.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// See [`Busy`].
    #[error(transparent)]
    Busy(#[from] Busy),
    /// See [`JournalError`].
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// See [`KeyError`].
    #[error(transparent)]
    Key(#[from] KeyError),
    /// See [`NoSeat`].
    #[error(transparent)]
    NoSeat(#[from] NoSeat),
    /// See [`PasswordError`].
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// See [`NoRandomness`].
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// See [`TooMany`].
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Failure {
    /// Seconds after which the same request may succeed; `None` if waiting does not help.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Busy(_)
            | Self::Password(PasswordError::Busy)
            | Self::Storage(StorageError::Unavailable(_))
            | Self::Vault(VaultError::Storage(StorageError::Unavailable(_)))
            | Self::Key(KeyError::Storage(StorageError::Unavailable(_)))
            | Self::Journal(JournalError::Full | JournalError::Lost) => Some(1),
            Self::Journal(JournalError::Storage(error)) => {
                matches!(**error, StorageError::Unavailable(_)).then_some(1)
            }
            Self::TooMany(TooMany { retry_after }) => Some(retry_after.as_secs() + 1),
            _ => None,
        }
    }
}

/// The time. Whole microseconds, as the database keeps it.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        #[expect(clippy::disallowed_methods, reason = "this is the clock that everyone else asks")]
        Utc::now().trunc_subsecs(6)
    }
}

/// An issuer: one configured address, or one below it, never taken from a request, so that no `Host` header
/// reaches a token or a link.
#[derive(Debug, Clone)]
pub struct Issuer {
    url: Url,
    text: Arc<str>,
}

impl Issuer {
    /// The issuer at `url`; a slash at its end carries no meaning and is dropped from the text.
    pub fn new(url: Url) -> Self {
        let text = url.as_str().trim_end_matches('/').into();
        Self { url, text }
    }

    /// The issuer of an organization of its own: below the shared one, named by an id that is never another's.
    #[must_use]
    pub fn of(&self, org_id: OrgId) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("{}/o/{org_id}", self.url.path().trim_end_matches('/')));
        Self::new(url)
    }

    /// The one that was called.
    #[must_use]
    pub fn called(&self, called: Called) -> Self {
        called.0.map_or_else(|| self.clone(), |org_id| self.of(org_id))
    }

    /// Who issues to a client in an organization: whom it called, if that was the organization's issuer; else whom
    /// its owner chose.
    pub(crate) fn to_client(&self, client: &Client, org_id: OrgId, called: Called) -> Self {
        match (called, client.settings.issuer) {
            (Called(None), ClientIssuer::Shared) => self.clone(),
            (Called(Some(_)), _) | (_, ClientIssuer::Organization) => self.of(org_id),
        }
    }

    /// The `iss` of tokens.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The address of a page or endpoint; `path` begins with a slash.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The management API, as tokens for it name it (RFC 8707).
    pub fn api(&self) -> String {
        self.at("/api")
    }

    /// Whether cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// Which issuer a request called: the shared one, or an organization's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Called(pub Option<OrgId>);

impl Called {
    /// Whether it may have to do with this organization: an organization's issuer has nothing to do with
    /// others.
    pub fn serves(self, org_id: OrgId) -> bool {
        self.0.is_none_or(|called| called == org_id)
    }
}

/// What a browser proves by its cookies, and where its request came from.
#[derive(Debug)]
pub struct Browser {
    /// The hash of the cookie that ties pages and requests to this browser.
    pub binding: SecretHash,
    /// Its session cookies, well formed but not looked up.
    pub sessions: Vec<Credential<SessionCookie>>,
    /// Session cookies whose name says another organization than their value: they count for nothing.
    pub misplaced: Vec<Credential<SessionCookie>>,
    /// Where the request came from.
    pub origin: Origin,
}

impl Browser {
    /// The cookie that names this organization.
    pub fn session_of(&self, org_id: OrgId) -> Option<&Credential<SessionCookie>> {
        self.sessions.iter().find(|cookie| cookie.org_id() == org_id)
    }

    /// Every cookie as the store looks it up.
    pub fn session_hashes(&self) -> Vec<(OrgId, SecretHash)> {
        self.sessions.iter().map(|cookie| (cookie.org_id(), cookie.hash())).collect()
    }
}
