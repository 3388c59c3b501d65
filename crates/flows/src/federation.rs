//! Sign-in through an organization's own identity provider.
//!
//! **Invariant:** whatever an identity provider says is about one connection of one organization: its
//! answer is taken by the request that asked for it, in the browser that asked, once; and whether the
//! connection may be used is read in the transaction that signs in.

pub mod assertion;
pub mod begin;
pub mod callback;
pub(crate) mod ceiling;
pub mod claims;
mod heavy;
mod identify;
pub(crate) mod identity_assertion;
mod invited;
pub mod link;
pub mod logout;
pub mod logout_received;
pub mod methods;
mod oidc;
pub mod providers;
pub mod refresh;
mod refused;
pub mod saml;
pub mod saml_keys;
pub mod saml_metadata;
mod secrets;
#[cfg(test)]
mod shapes;
pub mod trace;

use orgate_domain::connections::{Asserted, ConnectionSettings};
use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_storage::system::OrgHint;
use orgate_storage::{OrgScope, StorageError};
use serde::{Deserialize, Serialize};

use crate::outgoing::OutgoingError;
use crate::vault::VaultError;
use crate::{Env, Failure};

pub use heavy::{Busy, Heavy};
pub use secrets::ConnectionSecrets;

/// A version of a connection, ready to be used: its settings and its opened secrets.
#[derive(Debug)]
pub struct Version {
    /// The document.
    pub settings: ConnectionSettings,
    /// What it keeps secret.
    pub secrets: ConnectionSecrets,
    /// Slugs of the roles that it may give; `None`: any.
    pub role_ceiling: Option<orgate_domain::connections::RoleSlugs>,
}

/// What was proven by an identity provider, whichever protocol it speaks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpstreamIdentity {
    pub(crate) asserted: Asserted,
    /// Who its logout messages name.
    pub(crate) named: String,
    /// What its session is called there.
    pub(crate) sid: Option<String>,
    /// What logging out there takes.
    pub(crate) logout: Option<Vec<u8>>,
    /// When the user proved who they are, if it says so.
    pub(crate) auth_time: Option<chrono::DateTime<chrono::Utc>>,
    /// How (RFC 8176), if it says so.
    pub(crate) amr: Vec<String>,
    /// Its session ends then, if it says so.
    pub(crate) ends_by: Option<chrono::DateTime<chrono::Utc>>,
}

/// Why an identity provider cannot be used at the moment, or as it is set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// See [`OutgoingError`].
    #[error("{what}: {error}")]
    Unreachable {
        /// What was asked for: `discovery`, `keys`, `token endpoint`, `userinfo`, `metadata`.
        what: &'static str,
        /// Why there is no answer.
        error: OutgoingError,
    },
    /// It answered something else than it should.
    #[error("{what}: {why}")]
    Unusable {
        /// What was asked for.
        what: &'static str,
        /// What is wrong with it, without anything secret.
        why: String,
    },
}

impl UpstreamError {
    /// What could not be had, as a check's name.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Unreachable { what, .. } | Self::Unusable { what, .. } => what,
        }
    }
}

/// The version of a connection. A version never changes, so it is read once.
pub(crate) async fn version_of(
    env: &Env,
    scope: &OrgScope,
    (id, version): (ConnectionId, i32),
) -> Result<std::sync::Arc<Version>, Failure> {
    let key = (scope.org_id(), id, version);
    if let Some(known) = env.configuration.version(key).await {
        return Ok(known);
    }
    let mut tx = env.store.begin(scope).await?;
    let found = tx.connections().find_version(id, version).await?;
    tx.commit().await?;
    let corrupt = StorageError::Corrupt { table: "connections", column: "live_version" };
    let found = found.ok_or(corrupt)?;
    let secrets = match &found.secrets {
        Some(sealed) => ConnectionSecrets::open(env, scope, id, sealed).await?,
        None => ConnectionSecrets::default(),
    };
    let (settings, role_ceiling) = (found.settings, found.role_ceiling);
    let version = std::sync::Arc::new(Version { settings, secrets, role_ceiling });
    env.configuration.keep_version(key, std::sync::Arc::clone(&version)).await;
    Ok(version)
}

/// The address of a connection's endpoint, or of the connection itself: what its identity provider
/// is told. Built on ids, which are never anything else's.
pub fn address(env: &Env, scope: &OrgScope, id: ConnectionId, endpoint: &str) -> String {
    env.issuer.at(&format!("/sso/{}/{id}{endpoint}", scope.org_id()))
}

/// The public keys that sign our client assertions to a connection's provider, as a JWK set: that of the live
/// version, which people sign in by, and that of the latest, which waits to be tested. `None` where there is no such
/// connection, or it needs none.
///
/// # Errors
/// [`Failure`].
pub async fn public_keys(
    env: &Env,
    org_id: OrgId,
    id: ConnectionId,
) -> Result<Option<serde_json::Value>, Failure> {
    let Some(organization) = env.store.resolve(OrgHint::Id(org_id)).await? else { return Ok(None) };
    let mut tx = env.store.begin(&organization.scope).await?;
    let connection = tx.connections().find(id).await?;
    tx.commit().await?;
    let Some(connection) = connection.filter(|found| found.latest_version > 0) else { return Ok(None) };
    let mut keys = Vec::new();
    for number in connection.live_version.into_iter().chain([connection.latest_version]) {
        let version = version_of(env, &organization.scope, (id, number)).await?;
        let key = version.secrets.assertion_key().map(|key| key.public_jwk());
        keys.extend(key.filter(|key| !keys.contains(key)));
    }
    Ok((!keys.is_empty()).then(|| serde_json::json!({ "keys": keys })))
}

impl From<serde_json::Error> for VaultError {
    fn from(_: serde_json::Error) -> Self {
        Self::Ciphertext
    }
}
