//! Opaque credentials that route themselves (ADR 0003).
//!
//! The text form is `<prefix>_<organization:26><secret:52><checksum:7>`, all in lower-case Crockford
//! base32: the organization in clear, so that the first query about a credential is already scoped;
//! 256 random bits; and a CRC-32 over everything before it, which lets secret scanners and this
//! server tell a mistyped or made-up string from a credential without a query.
//!
//! **Invariant:** a [`Credential`] has no `Display`, no `Serialize` and an empty `Debug`; only its
//! [`SecretHash`] is stored.

pub mod base32;

use std::fmt;
use std::marker::PhantomData;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::ids::OrgId;

const ORG: usize = 26;
const SECRET: usize = 52;
const CHECKSUM: usize = 7;

/// A kind of credential: what it is for, and the prefix that says so.
pub trait CredentialKind {
    /// What the text form starts with, without the underscore.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}
        impl CredentialKind for $name { const PREFIX: &'static str = $prefix; }
    )+};
}

kinds! {
    /// An authorization code (RFC 6749 §4.1.2).
    AuthorizationCode = "ogac";
    /// An authorization request that was pushed (RFC 9126): what its `request_uri` ends with.
    PushedRequest = "ogpr";
    /// What a device polls with (RFC 8628 §3.2).
    DeviceCode = "ogdc";
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken = "ogrt";
    /// The value of an organization's session cookie.
    SessionCookie = "ogse";
    /// The handle of a stored authorization request, in the address of the hosted pages.
    RequestHandle = "ogrq";
    /// What a browser brings back from an identity provider: OAuth's `state`, or the id of a SAML
    /// request.
    UpstreamState = "ogus";
    /// What a client registers itself with (RFC 7591 §1.2, the initial access token).
    RegistrationToken = "ogri";
    /// What a client that registered itself manages that with (RFC 7592 §1.1).
    RegistrationAccessToken = "ogra";
    /// A single-use code for a break-glass user.
    RecoveryCode = "ogrc";
    /// What one organization gives another to hand it a domain.
    TransferCode = "ogtc";
    /// The link of an invitation.
    InvitationLink = "ogin";
    /// The link that proves an address of somebody who wants to join.
    JoinLink = "ogjn";
    /// A link for setting up an organization's sign-in.
    SetupLink = "ogsl";
    /// What a browser that opened such a link shows instead of it.
    SetupCookie = "ogsk";
    /// A key of the management API.
    ApiKeySecret = "ogak";
}

/// A bearer secret of one organization.
pub struct Credential<K> {
    org_id: OrgId,
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

/// Text that is not a credential of the expected kind: wrong prefix, length, alphabet or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential of this kind")]
pub struct MalformedCredential;

impl<K: CredentialKind> Credential<K> {
    /// Makes the credential of `org_id` from 32 fresh random (or derived) bytes.
    pub fn new(org_id: OrgId, secret: &[u8; 32]) -> Self {
        let mut text = Zeroizing::new(String::with_capacity(K::PREFIX.len() + 1 + ORG + SECRET + CHECKSUM));
        text.push_str(K::PREFIX);
        text.push('_');
        text.push_str(&base32::encode_u128(org_id.as_uuid().as_u128()));
        text.push_str(&base32::encode(secret));
        let checksum = crc32fast::hash(text.as_bytes());
        text.push_str(&base32::encode(&checksum.to_be_bytes()));
        Self { org_id, text, kind: PhantomData }
    }

    /// Reads a presented credential. Says nothing about whether it exists.
    ///
    /// # Errors
    /// [`MalformedCredential`], before any query.
    pub fn parse(text: &str) -> Result<Self, MalformedCredential> {
        let body = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .filter(|body| body.len() == ORG + SECRET + CHECKSUM && body.is_ascii())
            .ok_or(MalformedCredential)?;
        let (signed, checksum) = text.split_at(text.len() - CHECKSUM);
        if base32::encode(&crc32fast::hash(signed.as_bytes()).to_be_bytes()) != checksum {
            return Err(MalformedCredential);
        }
        let org = body.get(..ORG).and_then(base32::decode_u128).ok_or(MalformedCredential)?;
        Ok(Self {
            org_id: OrgId::from_uuid(Uuid::from_u128(org)),
            text: Zeroizing::new(text.to_owned()),
            kind: PhantomData,
        })
    }

    /// The organization that the credential names: a claim until its hash is found there.
    pub const fn org_id(&self) -> OrgId {
        self.org_id
    }

    /// What is stored.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(self.text.as_bytes())
    }

    /// The text, for the one answer that carries it to its bearer.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl<K: CredentialKind> fmt::Debug for Credential<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_…", K::PREFIX)
    }
}

/// SHA-256 of a secret: 32 bytes.
///
/// Unsalted, so that it can be looked up; sound only because the secrets hashed so carry at least
/// 128 bits of entropy (RFC 6749 §10.10). Passwords are never stored this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes `secret`.
    pub fn of(secret: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, secret);
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Self(hash)
    }

    /// A hash as stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store or look up.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Compares in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme() -> OrgId {
        OrgId::from_uuid(Uuid::from_u128(0x0192_f0c1_2345_7abc_8def_0123_4567_89ab))
    }

    #[test]
    fn a_credential_names_its_organization() {
        let code = Credential::<AuthorizationCode>::new(acme(), &[7; 32]);

        let read = Credential::<AuthorizationCode>::parse(code.reveal()).expect("well formed");

        assert_eq!(read.org_id(), acme());
        assert!(read.hash().matches(&code.hash()));
    }

    #[test]
    fn every_single_changed_character_is_noticed_before_any_query() {
        let code = Credential::<AuthorizationCode>::new(acme(), &[7; 32]);
        let text = code.reveal();

        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(bytes).expect("ascii");
            assert_eq!(
                Credential::<AuthorizationCode>::parse(&changed).err(),
                Some(MalformedCredential),
                "{at}"
            );
        }
    }

    #[test]
    fn one_kind_is_not_another() {
        let code = Credential::<AuthorizationCode>::new(acme(), &[7; 32]);

        assert!(Credential::<RefreshToken>::parse(code.reveal()).is_err());
    }

    #[test]
    fn nothing_that_prints_shows_the_secret() {
        let code = Credential::<AuthorizationCode>::new(acme(), &[7; 32]);

        assert_eq!(format!("{code:?}"), "ogac_…");
    }
}
