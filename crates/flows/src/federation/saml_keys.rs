//! The keys of a SAML connection: made when they are first needed, published before they are used,
//! and kept for a while after.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{ConnectionId, ConnectionKeyId};
use orgate_saml::certificate::Certificate;
use orgate_saml::key::{KeyError, KeyPair, KeySize};
use orgate_storage::{KeyPurpose, KeyState, OrgScope, StorageError, StoredConnectionKey};

use super::identify::connection_of;
use crate::vault::Purpose;
use crate::{Env, Failure, events};

/// Certificates are pinned by identity providers; what ends a key is rotation.
const LIFETIME: Duration = Duration::days(5 * 365);

/// A retired key decrypts until this long after its certificate's end: metadata may lie about for years.
const RETIRED_KEPT: Duration = Duration::days(30);

/// The keys of one connection, opened.
#[derive(Debug)]
pub struct SamlKeys {
    /// Signs.
    pub signing: KeyPair,
    /// Decrypt: current, next and lately retired.
    pub decryption: Vec<KeyPair>,
    /// Published for signing: current, then next.
    pub signing_certificates: Vec<Certificate>,
    /// Published for encryption: current, then next.
    pub encryption_certificates: Vec<Certificate>,
}

/// The keys of a connection; made if there are none.
pub(crate) async fn keys_of(env: &Env, scope: &OrgScope, id: ConnectionId) -> Result<Arc<SamlKeys>, Failure> {
    let key = (scope.org_id(), id);
    if let Some(known) = env.configuration.saml_keys(key).await {
        return Ok(known);
    }
    let read_in = env.configuration.read_in();
    let stored = match read(env, scope, id).await? {
        stored if is_complete(&stored) => stored,
        stored => {
            complete(env, scope, id, &stored).await?;
            read(env, scope, id).await?
        }
    };
    let keys = Arc::new(open(env, scope, &stored).await?);
    env.configuration.keep_saml_keys(key, Arc::clone(&keys), read_in).await;
    Ok(keys)
}

/// Puts the next keys in the place of the current ones, and makes new next ones. Identity providers
/// that read our metadata have known them since the last rotation.
///
/// # Errors
/// [`Failure`].
pub async fn rotate(env: &Env, scope: &OrgScope, id: ConnectionId, actor: Actor) -> Result<(), Failure> {
    keys_of(env, scope, id).await?; // so that there is a next one
    let mut tx = env.store.begin(scope).await?;
    for purpose in KeyPurpose::ALL {
        tx.connection_keys().rotate(id, purpose).await?;
    }
    let event = events::done(env, Action::ConnectionConfigured, &Origin::default())?;
    let detail = [connection_of(id), vec![("change", "keys_rotated".to_owned())]].concat();
    tx.audit().insert(&Event { actor, detail, ..event }).await?;
    tx.commit().await?;
    complete(env, scope, id, &read(env, scope, id).await?).await
}

/// Why a key that somebody brings is not taken.
#[derive(Debug, thiserror::Error)]
pub enum BroughtKeyError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// It cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is not RSA.
    #[error("this is no RSA key: not every identity provider verifies others, or encrypts to them")]
    NotRsa,
    /// Its certificate is over.
    #[error("the certificate ended on {0}")]
    Ended(DateTime<Utc>),
}

/// Puts a key that an administrator brings, in PEM, in the place of the next one: it is published from now on, and
/// used after the next [`rotate`].
///
/// # Errors
/// [`BroughtKeyError`].
pub async fn bring(
    env: &Env,
    scope: &OrgScope,
    (id, purpose): (ConnectionId, KeyPurpose),
    (private_key, certificate): (String, String),
    actor: Actor,
) -> Result<(), BroughtKeyError> {
    let now = env.clock.now();
    let read = move || KeyPair::from_pem(&private_key, &certificate);
    let pair = env.heavy.run(read).await.map_err(Failure::from)??;
    if !pair.certificate().key_type().is_rsa() {
        return Err(BroughtKeyError::NotRsa);
    }
    let expires_at = pair.certificate().not_after();
    if expires_at <= now {
        return Err(BroughtKeyError::Ended(expires_at));
    }
    keys_of(env, scope, id).await?; // so that there are current ones
    let key = sealed(env, scope, (purpose, KeyState::Next), (&pair, expires_at)).await?;
    let event = events::done(env, Action::ConnectionConfigured, &Origin::default()).map_err(Failure::from)?;
    let detail = [connection_of(id), vec![("change", format!("{}_key_brought", purpose.as_str()))]].concat();
    let mut tx = env.store.begin(scope).await.map_err(Failure::from)?;
    tx.connection_keys().delete_next(id, purpose).await.map_err(Failure::from)?;
    tx.connection_keys().insert(id, &key).await.map_err(Failure::from)?;
    tx.audit().insert(&Event { actor, detail, ..event }).await.map_err(Failure::from)?;
    Ok(tx.commit().await.map_err(Failure::from)?)
}

async fn sealed(
    env: &Env,
    scope: &OrgScope,
    (purpose, state): (KeyPurpose, KeyState),
    (pair, expires_at): (&KeyPair, DateTime<Utc>),
) -> Result<StoredConnectionKey, Failure> {
    let created_at = env.clock.now();
    let id = ConnectionKeyId::from_uuid(env.random.uuid(created_at)?);
    let row = (Purpose::ConnectionKey, id.to_string());
    let private_key = env.vault.seal(env, scope, (row.0, &row.1), pair.pkcs8()).await?;
    let certificate = pair.certificate().der().to_vec();
    Ok(StoredConnectionKey { id, purpose, state, private_key, certificate, created_at, expires_at })
}

async fn read(env: &Env, scope: &OrgScope, id: ConnectionId) -> Result<Vec<StoredConnectionKey>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let stored = tx.connection_keys().list(id).await?;
    tx.commit().await?;
    Ok(stored)
}

fn missing(stored: &[StoredConnectionKey]) -> Vec<(KeyPurpose, KeyState)> {
    let places = KeyPurpose::ALL.into_iter().flat_map(|purpose| {
        [KeyState::Current, KeyState::Next].into_iter().map(move |state| (purpose, state))
    });
    places.filter(|place| stored.iter().all(|key| (key.purpose, key.state) != *place)).collect()
}

fn is_complete(stored: &[StoredConnectionKey]) -> bool {
    missing(stored).is_empty()
}

/// Fills the places that are empty. Of two calls that race one's key is kept in each.
async fn complete(
    env: &Env,
    scope: &OrgScope,
    id: ConnectionId,
    stored: &[StoredConnectionKey],
) -> Result<(), Failure> {
    let now = env.clock.now();
    let name = format!("Orgate {id}");
    let mut made = Vec::new();
    for (purpose, state) in missing(stored) {
        let name = name.clone();
        let generate =
            move || KeyPair::generate(KeySize::Rsa2048, &name, now - Duration::hours(1), now + LIFETIME);
        let pair = env.heavy.run(generate).await?.map_err(|_| crate::vault::VaultError::Ciphertext)?;
        made.push(sealed(env, scope, (purpose, state), (&pair, now + LIFETIME)).await?);
    }
    let mut tx = env.store.begin(scope).await?;
    let mut kept = 0;
    for key in &made {
        kept += usize::from(tx.connection_keys().insert(id, key).await?);
    }
    if kept > 0 {
        let event = events::done(env, Action::ConnectionConfigured, &Origin::default())?;
        let detail = [connection_of(id), vec![("change", format!("{kept} keys made"))]].concat();
        tx.audit().insert(&Event { actor: Actor::System, detail, ..event }).await?;
    }
    Ok(tx.commit().await?)
}

async fn open(env: &Env, scope: &OrgScope, stored: &[StoredConnectionKey]) -> Result<SamlKeys, Failure> {
    let corrupt = || StorageError::Corrupt { table: "connection_keys", column: "private_key" };
    let now = env.clock.now();
    let (mut signing, mut decryption) = (None, Vec::new());
    let (mut signing_certificates, mut encryption_certificates) = (Vec::new(), Vec::new());
    let mut ordered: Vec<_> = stored.iter().collect();
    ordered.sort_by_key(|key| (key.state != KeyState::Current, key.state == KeyState::Retired));
    for key in ordered {
        let is_retired = key.state == KeyState::Retired;
        let used = match key.purpose {
            KeyPurpose::Signing => key.state == KeyState::Current,
            KeyPurpose::Encryption => !is_retired || now < key.created_at + LIFETIME + RETIRED_KEPT,
        };
        let certificate = Certificate::from_der(key.certificate.clone()).map_err(|_| corrupt())?;
        match key.purpose {
            KeyPurpose::Signing if !is_retired => signing_certificates.push(certificate),
            KeyPurpose::Encryption if !is_retired => encryption_certificates.push(certificate),
            KeyPurpose::Signing | KeyPurpose::Encryption => {}
        }
        if !used {
            continue;
        }
        let row = key.id.to_string();
        let pkcs8 = env.vault.open(env, scope, (Purpose::ConnectionKey, &row), &key.private_key).await?;
        let pair = KeyPair::from_der(&pkcs8, &key.certificate).map_err(|_| corrupt())?;
        match key.purpose {
            KeyPurpose::Signing => signing = Some(pair),
            KeyPurpose::Encryption => decryption.push(pair),
        }
    }
    let signing = signing.ok_or_else(corrupt)?;
    Ok(SamlKeys { signing, decryption, signing_certificates, encryption_certificates })
}
