//! Randomness: secrets and ids.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use chrono::{DateTime, Utc};
use orgate_domain::credentials::{Credential, CredentialKind, base32};
use orgate_domain::ids::OrgId;
use uuid::Uuid;

use crate::apply::Secret;

/// The operating system's generator.
#[derive(Debug, Clone, Default)]
pub struct Random {
    system: SystemRandom,
}

/// The operating system gave no randomness: nothing can be issued.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the operating system gave no randomness")]
pub struct NoRandomness;

impl Random {
    /// `N` random bytes.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoRandomness> {
        let mut bytes = [0; N];
        self.system.fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(bytes)
    }

    /// A fresh credential of `org_id`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn credential<K: CredentialKind>(&self, org_id: OrgId) -> Result<Credential<K>, NoRandomness> {
        Ok(Credential::new(org_id, &self.bytes()?))
    }

    /// A client secret, of 256 bits: its beginning says what it is wherever it turns up.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn client_secret(&self) -> Result<Secret, NoRandomness> {
        let text = base32::encode(&self.bytes::<32>()?);
        Ok(Secret::new(format!("ogcs_{text}")))
    }

    /// A `UUIDv7` of `now`.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn uuid(&self, now: DateTime<Utc>) -> Result<Uuid, NoRandomness> {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        Ok(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()?).into_uuid())
    }
}
