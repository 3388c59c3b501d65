//! What is derived from one master key, and from what is derived.

use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use orgate_domain::credentials::{AuthorizationCode, Credential, RefreshToken, SecretHash, SetupCookie};
use orgate_domain::devices::UserCode;
use orgate_domain::email::Email;
use orgate_domain::ids::{AuthorizationRequestId, DeviceRequestId, OrgId, SetupLinkId};
use zeroize::Zeroizing;

use super::{MasterKey, MasterKeyId, VaultError, aad, key, open, seal, sign};

/// What is derived from one master key.
pub(super) struct Derived {
    pub(super) id: MasterKeyId,
    pub(super) wrap: RandomizedNonceKey,
    pub(super) email_index: hmac::Key,
    pub(super) account: hmac::Key,
    pub(super) form: hmac::Key,
    pub(super) successor: hmac::Key,
    pub(super) typed_code: hmac::Key,
    pub(super) upstream: hmac::Key,
    pub(super) setup: hmac::Key,
    pub(super) device: hmac::Key,
    pub(super) dpop_nonce: hmac::Key,
}

impl Derived {
    pub(super) fn new(master: &MasterKey) -> Result<Self, VaultError> {
        let mac =
            |info| Ok::<_, VaultError>(hmac::Key::new(hmac::HMAC_SHA256, master.derive(info)?.as_slice()));
        let name = master.derive("name the master key")?;
        Ok(Self {
            id: name.first_chunk().copied().unwrap_or_default(),
            wrap: key(master.derive("wrap data keys")?.as_slice())?,
            email_index: mac("index e-mail addresses")?,
            account: mac("count tries by account")?,
            form: mac("bind forms to browsers")?,
            successor: mac("derive refresh token successors")?,
            typed_code: mac("hash typed codes")?,
            upstream: mac("derive upstream nonces and verifiers")?,
            setup: mac("derive set-up cookies")?,
            device: mac("derive codes of devices")?,
            dpop_nonce: mac("derive DPoP nonces")?,
        })
    }

    pub(super) fn email_hash(&self, email: &Email) -> SecretHash {
        sign(&self.email_index, &[email.normalized().as_bytes()])
    }

    pub(super) fn typed_code_hash(&self, bound_to: &[u8], code: &str) -> SecretHash {
        sign(&self.typed_code, &[bound_to, b"\0", code.as_bytes()])
    }

    pub(super) fn nonce_of(&self, slot: i64) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(sign(&self.dpop_nonce, &[&slot.to_be_bytes()]).as_bytes())
    }

    pub(super) fn form_tag(&self, browser: &SecretHash, subject: &str) -> SecretHash {
        sign(&self.form, &[browser.as_bytes(), subject.as_bytes()])
    }

    pub(super) fn successor(&self, presented: &Credential<RefreshToken>) -> Credential<RefreshToken> {
        let secret = sign(&self.successor, &[presented.reveal().as_bytes()]);
        Credential::new(presented.org_id(), secret.as_bytes())
    }

    pub(super) fn setup_cookie(
        &self,
        org_id: OrgId,
        link: SetupLinkId,
        browser: &SecretHash,
    ) -> Credential<SetupCookie> {
        let (org, link) = (org_id.as_uuid(), link.as_uuid());
        let parts = [org.as_bytes().as_slice(), link.as_bytes().as_slice(), browser.as_bytes().as_slice()];
        Credential::new(org_id, sign(&self.setup, &parts).as_bytes())
    }

    pub(super) fn user_code(&self, device: DeviceRequestId) -> UserCode {
        UserCode::of(sign(&self.device, &[b"user code", device.as_uuid().as_bytes()]).as_bytes())
    }

    pub(super) fn user_code_hash(&self, code: UserCode) -> SecretHash {
        self.typed_code_hash(b"device", &code.to_string())
    }

    pub(super) fn device_grant(
        &self,
        within: OrgId,
        device: DeviceRequestId,
        approval: AuthorizationRequestId,
    ) -> Credential<AuthorizationCode> {
        let (org, device, approval) = (within.as_uuid(), device.as_uuid(), approval.as_uuid());
        let parts = [b"grant".as_slice(), org.as_bytes(), device.as_bytes(), approval.as_bytes()];
        Credential::new(within, sign(&self.device, &parts).as_bytes())
    }

    pub(super) fn open_data_key(
        &self,
        org_id: OrgId,
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&self.wrap, &aad(org_id, "data-key"), wrapped)
    }

    pub(super) fn wrap_data_key(&self, org_id: OrgId, data_key: &[u8]) -> Result<Vec<u8>, VaultError> {
        seal(&self.wrap, &aad(org_id, "data-key"), data_key)
    }
}
