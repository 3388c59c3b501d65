//! What a connection keeps secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use orgate_domain::ids::ConnectionId;
use orgate_protocol::jose::{SigningAlgorithm, SigningKey};
use orgate_storage::OrgScope;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::Env;
use crate::vault::{Purpose, VaultError};

/// The secrets of one version of a connection. Prints as nothing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSecrets {
    /// The client secret at an OpenID provider.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// PKCS#8 of the key that signs client assertions, in base64.
    #[serde(default)]
    pub assertion_key: Option<String>,
}

impl ConnectionSecrets {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.client_secret.is_none() && self.assertion_key.is_none()
    }

    /// Makes the key that signs client assertions, unless there is one.
    ///
    /// # Errors
    /// [`VaultError::Ciphertext`] only if the cryptographic library fails.
    pub fn ensure_assertion_key(&mut self) -> Result<(), VaultError> {
        if self.assertion_key.is_none() {
            let key = SigningKey::generate(SigningAlgorithm::Es256).and_then(|key| key.to_pkcs8());
            self.assertion_key =
                Some(BASE64_STANDARD.encode(key.map_err(|_| VaultError::Ciphertext)?.as_slice()));
        }
        Ok(())
    }

    /// The key that signs client assertions.
    pub fn assertion_key(&self) -> Option<SigningKey> {
        let der = Zeroizing::new(BASE64_STANDARD.decode(self.assertion_key.as_ref()?).ok()?);
        SigningKey::from_pkcs8(SigningAlgorithm::Es256, &der).ok()
    }

    /// Encrypts them.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(
        &self,
        env: &Env,
        scope: &OrgScope,
        id: ConnectionId,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        if self.is_empty() {
            return Ok(None);
        }
        let plain = Zeroizing::new(serde_json::to_vec(self)?);
        let row = (Purpose::ConnectionSecrets, id.to_string());
        env.vault.seal(env, scope, (row.0, &row.1), &plain).await.map(Some)
    }

    pub(super) async fn open(
        env: &Env,
        scope: &OrgScope,
        id: ConnectionId,
        sealed: &[u8],
    ) -> Result<Self, VaultError> {
        let row = id.to_string();
        let plain = env.vault.open(env, scope, (Purpose::ConnectionSecrets, &row), sealed).await?;
        Ok(serde_json::from_slice(&plain)?)
    }
}

impl Drop for ConnectionSecrets {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl std::fmt::Debug for ConnectionSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConnectionSecrets(…)")
    }
}
