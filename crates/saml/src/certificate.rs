//! Certificates of identity providers and of ourselves: containers for public keys.
//!
//! SAML pins certificates: what counts is that this very key was given by the administrator or by metadata.
//! Chains, names and validity dates are therefore shown, and not judged (SAML metadata §2.4.1.1).
//!
//! **Invariant:** a [`Certificate`] holds an RSA key of 2048 to 8192 bits or an EC key on P-256, P-384 or P-521.

use std::fmt::{self, Write as _};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// The largest certificate that is read, in bytes of DER.
const MAX_DER: usize = 16 * 1024;
/// The smallest and the largest RSA modulus, in bits: below is weak, above is slow.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The kind of a public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA, with the size of its modulus in bits.
    Rsa(usize),
    /// Elliptic curve P-256.
    P256,
    /// Elliptic curve P-384.
    P384,
    /// Elliptic curve P-521.
    P521,
}

impl KeyType {
    /// Whether this is an RSA key.
    pub fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa(_))
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::P256 => f.write_str("EC P-256"),
            Self::P384 => f.write_str("EC P-384"),
            Self::P521 => f.write_str("EC P-521"),
        }
    }
}

/// Text or bytes that are no acceptable certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Neither PEM nor base64.
    #[error("the certificate is neither PEM nor base64")]
    Encoding,
    /// No X.509 certificate, or bytes after it.
    #[error("this is no X.509 certificate")]
    Malformed,
    /// An RSA key outside 2048 to 8192 bits.
    #[error("the certificate holds an RSA key of {0} bits: 2048 to 8192 are accepted")]
    RsaSize(usize),
    /// More than 16 KiB.
    #[error("the certificate is larger than {} KiB", MAX_DER / 1024)]
    TooLarge,
    /// A key that is neither RSA nor on an accepted curve.
    #[error("the certificate holds a key that is neither RSA nor EC on P-256, P-384 or P-521")]
    UnsupportedKey,
}

/// An X.509 certificate with a key that signatures may be checked with.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    key_type: KeyType,
    subject: String,
    not_before: DateTime<Utc>,
    not_after: DateTime<Utc>,
}

impl Certificate {
    /// Reads PEM, or bare base64 with any white space in it, as metadata has it.
    pub fn parse(text: &str) -> Result<Self, CertificateError> {
        let body = match text.split_once("-----BEGIN CERTIFICATE-----") {
            Some((_, rest)) => {
                rest.split_once("-----END CERTIFICATE-----").ok_or(CertificateError::Encoding)?.0
            }
            None => text,
        };
        if body.len() > MAX_DER * 2 {
            return Err(CertificateError::TooLarge);
        }
        let compact: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        let der = BASE64_STANDARD.decode(compact).map_err(|_| CertificateError::Encoding)?;
        Self::from_der(der)
    }

    /// Reads DER.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, CertificateError> {
        let der = der.into();
        if der.len() > MAX_DER {
            return Err(CertificateError::TooLarge);
        }
        let (rest, parsed) = X509Certificate::from_der(&der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let key_type = key_type(&parsed)?;
        let time = |time: x509_parser::time::ASN1Time| {
            DateTime::from_timestamp(time.timestamp(), 0).ok_or(CertificateError::Malformed)
        };
        let not_before = time(parsed.validity().not_before)?;
        let not_after = time(parsed.validity().not_after)?;
        let subject = parsed.subject().to_string();
        let public_key = parsed.public_key().raw.to_vec();
        Ok(Self { der, public_key, key_type, subject, not_before, not_after })
    }

    /// The certificate as DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM, lines of 64 characters.
    pub fn pem(&self) -> String {
        let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
        for (at, c) in self.base64().chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                pem.push('\n');
            }
            pem.push(c);
        }
        pem.push_str("\n-----END CERTIFICATE-----\n");
        pem
    }

    /// The certificate as base64 without line breaks, as XML has it.
    pub fn base64(&self) -> String {
        BASE64_STANDARD.encode(&self.der)
    }

    /// The public key as `SubjectPublicKeyInfo` in DER (RFC 5280 §4.1.2.7).
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// The kind of the key.
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The subject, for people.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// When the certificate says that it begins to be valid.
    pub fn not_before(&self) -> DateTime<Utc> {
        self.not_before
    }

    /// When the certificate says that it ends to be valid. Verification does not look at it.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    /// SHA-256 of the DER, as 64 lower-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        digest(&SHA256, &self.der).as_ref().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("key_type", &self.key_type)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn key_type(certificate: &X509Certificate<'_>) -> Result<KeyType, CertificateError> {
    let info = certificate.public_key();
    match info.parsed().map_err(|_| CertificateError::UnsupportedKey)? {
        PublicKey::RSA(key) => {
            let bits = bits(key.modulus);
            if RSA_BITS.contains(&bits) {
                Ok(KeyType::Rsa(bits))
            } else {
                Err(CertificateError::RsaSize(bits))
            }
        }
        PublicKey::EC(_) => {
            let curve = info.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
            match curve.map(|oid| oid.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => Ok(KeyType::P256),
                Some("1.3.132.0.34") => Ok(KeyType::P384),
                Some("1.3.132.0.35") => Ok(KeyType::P521),
                _ => Err(CertificateError::UnsupportedKey),
            }
        }
        _ => Err(CertificateError::UnsupportedKey),
    }
}

/// The length of a big-endian number, in bits.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|&&byte| byte == 0);
    let Some(first) = significant.clone().next() else { return 0 };
    significant.count() * 8 - first.leading_zeros() as usize
}
