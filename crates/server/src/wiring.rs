//! From settings to the surroundings of use cases.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use orgate_edge::{AppState, HttpSettings};
use orgate_flows::client_documents::ClientDocuments;
use orgate_flows::client_keys::RemoteClientKeys;
use orgate_flows::deliver::{Mailer, MailerError};
use orgate_flows::dns::Dns;
use orgate_flows::federation::Heavy;
use orgate_flows::federation::providers::Providers;
use orgate_flows::journal::Journal;
use orgate_flows::keys::KeyRings;
use orgate_flows::limits::{LimitSettings, Limits};
use orgate_flows::outgoing::{Outgoing, OutgoingError, Reach};
use orgate_flows::passwords::{PasswordError, Passwords};
use orgate_flows::random::Random;
use orgate_flows::refusals::Refusals;
use orgate_flows::vault::{InvalidMasterKey, MasterKey, Vault, VaultError};
use orgate_flows::{Clock, Configuration, Env, Issuer, Surroundings};
use orgate_storage::{PoolSettings, StorageError, Store};

use crate::settings::{Secret, Settings, SettingsError};

/// SAML messages that may wait to be checked, of half a megabyte each at most.
const HEAVY_QUEUE: usize = 128;

/// What keeps the server from being put together.
#[derive(Debug, thiserror::Error)]
pub enum WiringError {
    /// See [`MailerError`].
    #[error(transparent)]
    Mailer(#[from] MailerError),
    /// See [`InvalidMasterKey`].
    #[error("secrets.master_key")]
    MasterKey(#[from] InvalidMasterKey),
    /// See [`InvalidMasterKey`].
    #[error("secrets.previous_master_key")]
    PreviousMasterKey(#[source] InvalidMasterKey),
    /// See [`OutgoingError`].
    #[error(transparent)]
    Outgoing(#[from] OutgoingError),
    /// See [`PasswordError`].
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// See [`SettingsError`].
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The database's address does not parse.
    #[error("database.url")]
    DatabaseUrl(#[source] StorageError),
    /// See [`VaultError`].
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// Opens the pool; connects to nothing yet. Needs a runtime.
///
/// # Errors
/// [`WiringError`].
pub fn store(settings: &Settings) -> Result<Store, WiringError> {
    let database = &settings.database;
    let pool = PoolSettings {
        url: settings.database_url()?.reveal().to_owned(),
        max_connections: database.max_connections,
        acquire_timeout: Duration::from_secs(database.acquire_timeout_secs),
        statement_timeout: Duration::from_secs(database.statement_timeout_secs),
    };
    Store::connect(&pool).map_err(WiringError::DatabaseUrl)
}

/// The master key.
///
/// # Errors
/// [`WiringError`].
pub fn master_key(settings: &Settings) -> Result<MasterKey, WiringError> {
    Ok(MasterKey::parse(settings.master_key()?.reveal())?)
}

/// The other master key that is accepted, if there is one.
///
/// # Errors
/// [`WiringError`].
pub fn previous_master_key(settings: &Settings) -> Result<Option<MasterKey>, WiringError> {
    let text = settings.previous_master_key()?;
    let parsed = text.map(|text| MasterKey::parse(text.reveal()).map_err(WiringError::PreviousMasterKey));
    parsed.transpose()
}

/// Puts the surroundings together.
///
/// # Errors
/// [`WiringError`].
pub fn env(settings: &Settings, store: Store, clock: Arc<dyn Clock>) -> Result<Env, WiringError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = if settings.passwords.threads == 0 { cores } else { settings.passwords.threads };
    let limits = LimitSettings {
        api: settings.limits.api_per_minute,
        credentials: settings.limits.credentials_per_minute,
        pages: settings.limits.pages_per_minute,
        refusals: settings.limits.refusals_per_minute,
        receivers: settings.limits.receivers_per_minute,
        sign_ins: settings.limits.sign_ins_per_minute,
    };
    let random = Random::default();
    let surroundings = Surroundings {
        store,
        clock,
        vault: Vault::new(&master_key(settings)?, previous_master_key(settings)?.as_ref())?,
        keys: KeyRings::new(cores),
        key_schedule: settings.keys.schedule(),
        deleted_kept: chrono::Duration::days(settings.organizations.erase_after_days.into()),
        passwords: Passwords::new(threads, settings.passwords.queue, random.clone())?,
        random,
        dns: Dns::new(&settings.dns.servers),
        outgoing: Outgoing::new(if settings.outgoing.allow_private_addresses {
            Reach::Anywhere
        } else {
            Reach::Public
        })?,
        heavy: Heavy::new(cores, HEAVY_QUEUE),
        providers: Providers::default(),
        client_keys: RemoteClientKeys::default(),
        client_documents: ClientDocuments::default(),
        configuration: Configuration::default(),
        limits: Limits::new(&limits),
        journal: Journal::default(),
        demands_dpop_nonce: settings.tokens.require_dpop_nonce,
        refusals: Refusals::default(),
        issuer: Issuer::new(settings.server.issuer.clone()),
    };
    Ok(surroundings.into())
}

/// The state of the listeners.
pub fn state(settings: &Settings, env: Env) -> AppState {
    let http = HttpSettings { trusted_proxies: settings.server.trusted_proxies.clone() };
    AppState { env, http: Arc::new(http) }
}

/// The mailer, if a mail server is configured. Needs a runtime, as the pool of the database does.
///
/// # Errors
/// [`WiringError`].
pub fn mailer(settings: &Settings) -> Result<Option<Mailer>, WiringError> {
    let url = settings.smtp_url()?;
    // The sender is checked also where nothing is sent.
    let mailer = Mailer::new(url.as_ref().map_or("smtp://localhost", Secret::reveal), &settings.mail.from)?;
    Ok(url.map(|_| mailer))
}
