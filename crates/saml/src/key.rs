//! Our own keys: what we sign with, and what identity providers encrypt to.
//!
//! **Invariant:** the private key matches the certificate, is wiped from memory when dropped, and is never
//! printed. It leaves only through [`KeyPair::pkcs8`], to be sealed by the caller.

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING};
use aws_lc_rs::signature::{ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use rcgen::{CertificateParams, DnType, PKCS_RSA_SHA256, PublicKeyData};
use zeroize::Zeroizing;

use crate::certificate::{Certificate, CertificateError, KeyType};

/// The largest private key that is read, in bytes of PEM.
const MAX_PEM: usize = 64 * 1024;

/// The size of a new RSA key. RSA because identity providers encrypt to nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum KeySize {
    /// 2048 bits: what every identity provider accepts.
    #[default]
    Rsa2048,
    /// 3072 bits: 128-bit security, signatures at a third of the speed.
    Rsa3072,
}

/// Why a key pair could not be made or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The certificate is not acceptable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The private key is locked with a password.
    #[error("the private key is encrypted: remove its password first")]
    Encrypted,
    /// The cryptographic library failed.
    #[error("the key could not be generated")]
    Generation,
    /// The private key is no PEM or PKCS #8 key of an accepted kind.
    #[error("this is no RSA or EC private key in PEM")]
    Malformed,
    /// Private key and certificate belong to different pairs.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
}

/// A private key with its certificate.
#[derive(Clone)]
pub struct KeyPair {
    pkcs8: Zeroizing<Vec<u8>>,
    certificate: Certificate,
}

impl KeyPair {
    /// Generates an RSA key and a certificate for it, signed by itself.
    ///
    /// `name` becomes the common name. Partners pin the certificate and few look at its dates, so `not_after` may
    /// be many years away; what ends a key is rotation.
    pub fn generate(
        size: KeySize,
        name: &str,
        not_before: DateTime<Utc>,
        not_after: DateTime<Utc>,
    ) -> Result<Self, KeyError> {
        let size = match size {
            KeySize::Rsa2048 => rcgen::RsaKeySize::_2048,
            KeySize::Rsa3072 => rcgen::RsaKeySize::_3072,
        };
        let key =
            rcgen::KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size).map_err(|_| KeyError::Generation)?;
        let pkcs8 = Zeroizing::new(key.serialize_der());
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = system_time(not_before).into();
        params.not_after = system_time(not_after).into();
        let certificate = params.self_signed(&key).map_err(|_| KeyError::Generation)?;
        Ok(Self { pkcs8, certificate: Certificate::from_der(certificate.der().to_vec())? })
    }

    /// A pair that was stored: PKCS #8 and the certificate, both DER.
    pub fn from_der(pkcs8: &[u8], certificate: &[u8]) -> Result<Self, KeyError> {
        Self::matching(Zeroizing::new(pkcs8.to_vec()), Certificate::from_der(certificate)?)
    }

    /// A pair that an administrator brings: a private key (PKCS #8, PKCS #1 or SEC 1) and a certificate, in PEM.
    pub fn from_pem(private_key: &str, certificate: &str) -> Result<Self, KeyError> {
        let certificate = Certificate::parse(certificate)?;
        let pkcs8 = pkcs8_from_pem(private_key, certificate.key_type())?;
        Self::matching(pkcs8, certificate)
    }

    /// The private key, as PKCS #8 in DER.
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    fn matching(pkcs8: Zeroizing<Vec<u8>>, certificate: Certificate) -> Result<Self, KeyError> {
        let key = rcgen::KeyPair::try_from(pkcs8.as_slice()).map_err(|_| KeyError::Malformed)?;
        if key.subject_public_key_info() != certificate.public_key() {
            return Err(KeyError::Mismatch);
        }
        Ok(Self { pkcs8, certificate })
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn system_time(time: DateTime<Utc>) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The private key in `text`, as PKCS #8 whatever its form was.
fn pkcs8_from_pem(text: &str, key_type: KeyType) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if text.len() > MAX_PEM {
        return Err(KeyError::Malformed);
    }
    if text.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    if let Some(der) = pem_block(text, "PRIVATE KEY") {
        return Ok(der);
    }
    if let Some(der) = pem_block(text, "RSA PRIVATE KEY") {
        let key = aws_lc_rs::rsa::KeyPair::from_der(&der).map_err(|_| KeyError::Malformed)?;
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().map_err(|_| KeyError::Malformed)?;
        return Ok(Zeroizing::new(pkcs8.as_ref().to_vec()));
    }
    if let Some(der) = pem_block(text, "EC PRIVATE KEY") {
        let algorithm = match key_type {
            KeyType::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            KeyType::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            KeyType::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
            KeyType::Rsa(_) => return Err(KeyError::Mismatch),
        };
        let key = EcdsaKeyPair::from_private_key_der(algorithm, &der).map_err(|_| KeyError::Malformed)?;
        let pkcs8 = key.to_pkcs8v1().map_err(|_| KeyError::Malformed)?;
        return Ok(Zeroizing::new(pkcs8.as_ref().to_vec()));
    }
    Err(KeyError::Malformed)
}

fn pem_block(text: &str, label: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let compact: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_ascii_whitespace()).collect());
    BASE64_STANDARD.decode(compact.as_bytes()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str) -> KeyPair {
        let day = |text: &str| crate::instant::parse(text).expect("a time");
        let (from, to) = (day("2026-01-01T00:00:00Z"), day("2036-01-01T00:00:00Z"));
        KeyPair::generate(KeySize::Rsa2048, name, from, to).expect("a key pair")
    }

    #[test]
    fn a_generated_pair_can_be_stored_and_read_again() {
        let pair = pair("sso.example.test");

        let again = KeyPair::from_der(pair.pkcs8(), pair.certificate().der()).expect("the same pair");

        let certificate = again.certificate();
        assert_eq!(certificate.key_type(), KeyType::Rsa(2048));
        assert_eq!(certificate.subject(), "CN=sso.example.test");
        assert_eq!(crate::instant::format(certificate.not_after()), "2036-01-01T00:00:00Z");
        assert_eq!(Certificate::parse(&certificate.pem()).as_ref(), Ok(certificate));
        assert_eq!(certificate.fingerprint().len(), 64);
    }

    #[test]
    fn a_key_and_a_certificate_of_two_pairs_are_refused() {
        let (one, other) = (pair("one"), pair("other"));

        let mixed = KeyPair::from_der(one.pkcs8(), other.certificate().der());

        assert_eq!(mixed.err(), Some(KeyError::Mismatch));
    }

    #[test]
    fn debug_output_holds_no_key() {
        let pair = pair("quiet");

        let shown = format!("{pair:?}");

        assert!(!shown.contains("pkcs8") && shown.len() < 300, "{shown}");
    }
}
