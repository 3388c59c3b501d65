//! The master key and what is derived from it: keys that wrap, hash and bind.
//!
//! **Invariant:** the master key itself encrypts nothing. Each use has a key of its own, by
//! HKDF-SHA256 (RFC 5869) with the use as its info. What rests encrypted is AES-256-GCM under the
//! data key of one organization, with that organization, the purpose and the row's id as associated
//! data, so that no ciphertext can be moved to another row or another organization.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use moka::future::Cache;
use orgate_domain::credentials::{
    AuthorizationCode, Credential, RefreshToken, SecretHash, SetupCookie, UpstreamState,
};
use orgate_domain::devices::UserCode;
use orgate_domain::email::Email;
use orgate_domain::ids::{AuthorizationRequestId, DeviceRequestId, OrgId, SetupLinkId};
use orgate_storage::{OrgScope, ProvenAddress, StorageError};
use zeroize::Zeroizing;

use crate::random::NoRandomness;
use crate::{Env, events};

mod derived;

use derived::Derived;

/// 32 bytes from which every other secret of this installation is derived.
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// Text that is not a master key.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("a master key is 32 random bytes in base64 (make one with: openssl rand -base64 32)")]
pub struct InvalidMasterKey;

/// What something is encrypted for; part of the associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A message in the outbox.
    Message,
    /// A private signing key.
    SigningKey,
    /// What a connection keeps secret.
    ConnectionSecrets,
    /// A private key of a SAML connection.
    ConnectionKey,
    /// An accepted assertion that waits for its browser.
    UpstreamAnswer,
    /// What logging out at an identity provider takes.
    UpstreamLogout,
    /// What a receiver of security events wants to be shown.
    PushCredential,
    /// What a webhook signs by.
    WebhookSecret,
    /// By what an administrator's browser is signed in.
    AdministrationSession,
    /// What a browser keeps while somebody signs in to administer.
    AdministrationSignIn,
}

/// Why something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// Not encrypted by this installation, for this purpose, in this organization; or damaged.
    #[error("the ciphertext does not open: the master key may be another one")]
    Ciphertext,
    /// See [`NoRandomness`].
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// How long one nonce for proofs of possession is given out, in seconds; it is accepted for as long again.
const DPOP_NONCE_SECS: i64 = 120;

/// The keys derived from the master key, and the data keys that were unwrapped. Where there is a master key
/// before that one, or the next one already, what is derived from it is accepted as well.
pub struct Vault {
    current: Derived,
    other: Option<Derived>,
    data_keys: Cache<OrgId, Arc<RandomizedNonceKey>>,
}

/// Names a master key, and tells nothing of it.
pub type MasterKeyId = [u8; 8];

impl MasterKey {
    /// A key from its bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key as it is kept: base64, white space around it ignored.
    ///
    /// # Errors
    /// [`InvalidMasterKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidMasterKey)?);
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| InvalidMasterKey)?;
        Ok(Self::from_bytes(bytes))
    }

    /// The text that [`MasterKey::parse`] reads.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(self.0.as_slice()))
    }

    fn derive(&self, info: &str) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, b"orgate master key").extract(self.0.as_slice());
        let mut bytes = Zeroizing::new([0; 32]);
        extracted
            .expand(&[info.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|expanded| expanded.fill(bytes.as_mut_slice()))
            .map_err(|_| VaultError::Ciphertext)?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::SigningKey => "signing-key",
            Self::ConnectionSecrets => "connection-secrets",
            Self::ConnectionKey => "connection-key",
            Self::UpstreamAnswer => "upstream-answer",
            Self::UpstreamLogout => "upstream-logout",
            Self::PushCredential => "push-credential",
            Self::WebhookSecret => "webhook-secret",
            Self::AdministrationSession => "administration-session",
            Self::AdministrationSignIn => "administration-sign-in",
        }
    }
}

impl Vault {
    /// Derives every key. `other` is the master key before this one, or the one that comes after it: nothing new
    /// is made with it.
    ///
    /// # Errors
    /// [`VaultError::Ciphertext`] only if the cryptographic library fails.
    pub fn new(master: &MasterKey, other: Option<&MasterKey>) -> Result<Self, VaultError> {
        Ok(Self {
            current: Derived::new(master)?,
            other: other.map(Derived::new).transpose()?,
            data_keys: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(std::time::Duration::from_mins(5))
                .build(),
        })
    }

    /// What is accepted, the current one first.
    fn accepted(&self) -> impl Iterator<Item = &Derived> {
        std::iter::once(&self.current).chain(&self.other)
    }

    /// Whether another master key is accepted.
    pub const fn accepts_another(&self) -> bool {
        self.other.is_some()
    }

    /// Names the master key that [`Vault::upstream_secret`] and [`Vault::user_code`] derive by.
    pub const fn id(&self) -> MasterKeyId {
        self.current.id
    }

    /// The keyed hash under which discovery finds an address.
    pub fn email_hash(&self, email: &Email) -> SecretHash {
        self.current.email_hash(email)
    }

    /// Every hash under which an address may be kept.
    pub fn email_hashes(&self, email: &Email) -> Vec<SecretHash> {
        self.accepted().map(|derived| derived.email_hash(email)).collect()
    }

    /// What is kept of an address that somebody proves.
    pub fn proven_address(&self, email: &Email) -> ProvenAddress {
        let other = self.other.as_ref().map(|derived| derived.email_hash(email));
        ProvenAddress { hash: self.current.email_hash(email), other }
    }

    /// The keyed hash under which tries for an account are counted, alike for known and unknown
    /// addresses.
    pub fn account_hash(&self, org_id: OrgId, account: &str, source: &str) -> SecretHash {
        sign(
            &self.current.account,
            &[org_id.as_uuid().as_bytes(), account.as_bytes(), b"\0", source.as_bytes()],
        )
    }

    /// The keyed hash of a code that a person types: short, so a plain hash could be searched.
    pub fn typed_code_hash(&self, bound_to: &[u8], code: &str) -> SecretHash {
        self.current.typed_code_hash(bound_to, code)
    }

    /// Whether `expected` is that of a typed code.
    pub fn check_typed_code(&self, bound_to: &[u8], code: &str, expected: &SecretHash) -> bool {
        self.accepted().any(|derived| expected.matches(&derived.typed_code_hash(bound_to, code)))
    }

    /// The nonce that proofs of possession carry at `now` (RFC 9449 §8): the same on every node, and kept by
    /// none.
    pub fn dpop_nonce(&self, now: DateTime<Utc>) -> String {
        self.current.nonce_of(now.timestamp() / DPOP_NONCE_SECS)
    }

    /// Whether a nonce is of now, or of just before.
    pub fn check_dpop_nonce(&self, nonce: &str, now: DateTime<Utc>) -> bool {
        let slot = now.timestamp() / DPOP_NONCE_SECS;
        self.accepted().any(|derived| [slot, slot - 1].iter().any(|slot| derived.nonce_of(*slot) == nonce))
    }

    /// The token that a form carries: it binds the form to this browser and this subject.
    pub fn form_token(&self, browser: &SecretHash, subject: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.current.form_tag(browser, subject).as_bytes())
    }

    /// Whether `token` is the one of [`Vault::form_token`], in constant time.
    pub fn check_form_token(&self, browser: &SecretHash, subject: &str, token: &str) -> bool {
        let given = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
        let Some(given) = given.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else { return false };
        let given = SecretHash::from_bytes(given);
        self.accepted().any(|derived| derived.form_tag(browser, subject).matches(&given))
    }

    /// The refresh token that takes the place of `presented`: always the same one, so that a lost
    /// answer can be given again, and underivable without the master key.
    pub fn successor(&self, presented: &Credential<RefreshToken>) -> Credential<RefreshToken> {
        self.current.successor(presented)
    }

    /// The refresh token that took the place of `presented`, by its hash; `None` if it was derived from a master
    /// key that is not accepted.
    pub fn given_successor(
        &self,
        presented: &Credential<RefreshToken>,
        hash: &SecretHash,
    ) -> Option<Credential<RefreshToken>> {
        self.accepted().map(|derived| derived.successor(presented)).find(|given| given.hash() == *hash)
    }

    /// What a browser that opened a set-up link shows instead of it: worth nothing in another browser.
    pub fn setup_cookie(
        &self,
        org_id: OrgId,
        link: SetupLinkId,
        browser: &SecretHash,
    ) -> Credential<SetupCookie> {
        self.current.setup_cookie(org_id, link, browser)
    }

    /// Whether `cookie` is that of a browser that opened a set-up link.
    pub fn check_setup_cookie(
        &self,
        cookie: &Credential<SetupCookie>,
        link: SetupLinkId,
        browser: &SecretHash,
    ) -> bool {
        let mut expected =
            self.accepted().map(|derived| derived.setup_cookie(cookie.org_id(), link, browser));
        expected.any(|expected| expected.hash().matches(&cookie.hash()))
    }

    /// What a device shows: nobody else can derive it, so only its keyed hash needs to be stored.
    pub fn user_code(&self, device: DeviceRequestId) -> UserCode {
        self.current.user_code(device)
    }

    /// What a device shows that asked when the master key with this name was current; `None` if that key is not
    /// accepted. Where none was named, there was one.
    pub fn shown_user_code(&self, device: DeviceRequestId, derived_by: &[u8]) -> Option<UserCode> {
        if derived_by.is_empty() {
            return Some(self.current.user_code(device));
        }
        let derived = self.accepted().find(|derived| derived.id == derived_by)?;
        Some(derived.user_code(device))
    }

    /// The keyed hash under which a device is found by what it shows.
    pub fn user_code_hash(&self, code: UserCode) -> SecretHash {
        self.current.user_code_hash(code)
    }

    /// Every hash under which what a device shows may be kept.
    pub fn user_code_hashes(&self, code: UserCode) -> impl Iterator<Item = SecretHash> {
        self.accepted().map(move |derived| derived.user_code_hash(code))
    }

    /// The code that `approval` gives a device, in the organization `within`. It is never shown to anyone: it
    /// is derived where it is issued, and again where the device asks for it.
    pub fn device_grant(
        &self,
        within: OrgId,
        device: DeviceRequestId,
        approval: AuthorizationRequestId,
    ) -> Credential<AuthorizationCode> {
        self.current.device_grant(within, device, approval)
    }

    /// What [`Vault::device_grant`] was when an approval was given, by each master key that is accepted.
    pub fn device_grants(
        &self,
        within: OrgId,
        device: DeviceRequestId,
        approval: AuthorizationRequestId,
    ) -> impl Iterator<Item = Credential<AuthorizationCode>> {
        self.accepted().map(move |derived| derived.device_grant(within, device, approval))
    }

    /// A secret of one request to an identity provider, derived from its state by the master key that was
    /// current then: the nonce or the PKCE verifier, 43 characters of base64url. Whoever sees the state
    /// cannot derive it, and nothing of it needs to be stored.
    pub fn upstream_secret(
        &self,
        (state, derived_by): (&Credential<UpstreamState>, &[u8]),
        what: &str,
    ) -> String {
        let derived = self.accepted().find(|derived| derived.id == derived_by).unwrap_or(&self.current);
        let tag = sign(&derived.upstream, &[what.as_bytes(), b"\0", state.reveal().as_bytes()]);
        BASE64_URL_SAFE_NO_PAD.encode(tag.as_bytes())
    }

    /// Encrypts `plain` for one purpose and row in one organization: nonce, ciphertext, tag.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(
        &self,
        env: &Env,
        scope: &OrgScope,
        (purpose, row): (Purpose, &str),
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let data_key = match self.find_data_key(env, scope).await? {
            Some(known) => known,
            None => self.make_data_key(env, scope).await?,
        };
        seal(&data_key, &aad(scope.org_id(), &format!("{}/{row}", purpose.as_str())), plain)
    }

    /// Decrypts what [`Vault::seal`] made.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn open(
        &self,
        env: &Env,
        scope: &OrgScope,
        (purpose, row): (Purpose, &str),
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let data_key = self.find_data_key(env, scope).await?.ok_or(VaultError::Ciphertext)?;
        open(&data_key, &aad(scope.org_id(), &format!("{}/{row}", purpose.as_str())), sealed)
    }

    /// The organization's data key, once something was sealed in it.
    async fn find_data_key(
        &self,
        env: &Env,
        scope: &OrgScope,
    ) -> Result<Option<Arc<RandomizedNonceKey>>, VaultError> {
        if let Some(known) = self.data_keys.get(&scope.org_id()).await {
            return Ok(Some(known));
        }
        let mut tx = env.store.begin(scope).await?;
        let kept = tx.keys().find_data_key().await?;
        tx.commit().await?;
        let Some(kept) = kept else { return Ok(None) };
        let mut opened = self.accepted().map(|derived| derived.open_data_key(scope.org_id(), &kept));
        let data_key = opened.find_map(Result::ok).ok_or(VaultError::Ciphertext)?;
        let data_key = Arc::new(key(&data_key)?);
        self.data_keys.insert(scope.org_id(), Arc::clone(&data_key)).await;
        Ok(Some(data_key))
    }

    /// A data key that was wrapped under the other master key, wrapped under the current one; `None` if it is.
    ///
    /// # Errors
    /// [`VaultError::Ciphertext`] if it was wrapped under neither.
    pub(crate) fn rewrap(&self, org_id: OrgId, wrapped: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        if self.current.open_data_key(org_id, wrapped).is_ok() {
            return Ok(None);
        }
        let other = self.other.as_ref().ok_or(VaultError::Ciphertext)?;
        let data_key = other.open_data_key(org_id, wrapped)?;
        self.current.wrap_data_key(org_id, &data_key).map(Some)
    }

    /// Makes the organization's data key. Of two calls that race one's is kept, and both get that.
    async fn make_data_key(
        &self,
        env: &Env,
        scope: &OrgScope,
    ) -> Result<Arc<RandomizedNonceKey>, VaultError> {
        let fresh = Zeroizing::new(env.random.bytes::<32>()?);
        let wrapped = self.current.wrap_data_key(scope.org_id(), fresh.as_slice())?;
        let mut tx = env.store.begin(scope).await?;
        if tx.keys().insert_data_key(&wrapped, env.clock.now()).await? {
            tx.audit().insert(&events::data_key_created(env)?).await?;
        }
        tx.commit().await?;
        self.find_data_key(env, scope).await?.ok_or(VaultError::Ciphertext)
    }
}

fn sign(key: &hmac::Key, parts: &[&[u8]]) -> SecretHash {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.sign().as_ref());
    SecretHash::from_bytes(hash)
}

fn key(bytes: &[u8]) -> Result<RandomizedNonceKey, VaultError> {
    RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| VaultError::Ciphertext)
}

fn aad(org_id: OrgId, purpose: &str) -> Vec<u8> {
    [org_id.as_uuid().as_bytes().as_slice(), purpose.as_bytes()].concat()
}

fn seal(key: &RandomizedNonceKey, context: &[u8], plain: &[u8]) -> Result<Vec<u8>, VaultError> {
    let mut sealed = plain.to_vec();
    let nonce =
        key.seal_in_place_append_tag(Aad::from(context), &mut sealed).map_err(|_| VaultError::Ciphertext)?;
    Ok([nonce.as_ref().as_slice(), &sealed].concat())
}

fn open(key: &RandomizedNonceKey, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN).ok_or(VaultError::Ciphertext)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| VaultError::Ciphertext)?;
    let mut plain = Zeroizing::new(ciphertext.to_vec());
    let length =
        key.open_in_place(nonce, Aad::from(context), &mut plain).map_err(|_| VaultError::Ciphertext)?.len();
    plain.truncate(length);
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use orgate_domain::ids::OrgId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_ciphertext_opens_only_where_it_was_sealed() {
        let key = key(&[7; 32]).expect("a key");
        let (acme, globex) = (OrgId::from_uuid(Uuid::from_u128(1)), OrgId::from_uuid(Uuid::from_u128(2)));
        let sealed = seal(&key, &aad(acme, "message"), b"secret").expect("sealed");

        assert_eq!(open(&key, &aad(acme, "message"), &sealed).expect("opened").as_slice(), b"secret");
        assert!(open(&key, &aad(globex, "message"), &sealed).is_err());
        assert!(open(&key, &aad(acme, "signing-key"), &sealed).is_err());
        assert!(open(&key, &aad(acme, "message"), &sealed[..5]).is_err());
    }

    #[test]
    fn a_successor_is_always_the_same_and_another_under_another_master_key() {
        let presented = Credential::<RefreshToken>::new(OrgId::from_uuid(Uuid::from_u128(1)), &[9; 32]);
        let vault = |byte| Vault::new(&MasterKey::from_bytes([byte; 32]), None).expect("a vault");

        let successor = vault(1).successor(&presented);

        assert_eq!(successor.reveal(), vault(1).successor(&presented).reveal());
        assert_ne!(successor.reveal(), vault(2).successor(&presented).reveal());
        assert_eq!(successor.org_id(), presented.org_id());
    }

    #[test]
    fn a_form_token_is_bound_to_browser_and_subject() {
        let vault = Vault::new(&MasterKey::from_bytes([1; 32]), None).expect("a vault");
        let (mine, other) = (SecretHash::of(b"mine"), SecretHash::of(b"other"));
        let token = vault.form_token(&mine, "request");

        assert!(vault.check_form_token(&mine, "request", &token));
        assert!(!vault.check_form_token(&other, "request", &token));
        assert!(!vault.check_form_token(&mine, "sign-out", &token));
        assert!(!vault.check_form_token(&mine, "request", ""));
    }
}
