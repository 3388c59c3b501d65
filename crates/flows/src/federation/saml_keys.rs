//! The keys of a SAML connection: made when they are first needed, published before they are used,
//! and kept for a while after.

use std::sync::Arc;

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{ConnectionId, ConnectionKeyId};
use orgate_saml::certificate::Certificate;
use orgate_saml::key::{KeyPair, KeySize};
use orgate_storage::{KeyPurpose, KeyState, OrgScope, StorageError, StoredConnectionKey};

use super::identify::connection_of;
use crate::vault::Purpose;
use crate::{Env, Failure, events};

/// Certificates are pinned by identity providers; what ends a key is rotation.
const LIFETIME: Duration = Duration::days(5 * 365);

/// A retired key decrypts for this long.
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
        let key_id = ConnectionKeyId::from_uuid(env.random.uuid(now)?);
        let row = (Purpose::ConnectionKey, key_id.to_string());
        let private_key = env.vault.seal(env, scope, (row.0, &row.1), pair.pkcs8()).await?;
        made.push(StoredConnectionKey {
            id: key_id,
            purpose,
            state,
            private_key,
            certificate: pair.certificate().der().to_vec(),
            created_at: now,
            expires_at: now + LIFETIME,
        });
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
