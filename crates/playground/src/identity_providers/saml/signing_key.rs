//! The key that assertions are signed with, and the certificate that service providers pin.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
};

use aws_lc_rs::{
    error::Unspecified,
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra::{DsigContext, Key, KeysManager, dsig::sign::sign_owned, keys::loader::load_rsa_private_pem};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize, date_time_ymd};

use super::PageError;
use crate::identity_providers::SamlProviderConfig;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";

pub(in crate::identity_providers) struct SigningKey {
    /// For XML, with its certificate.
    xml: Key,
    /// For queries.
    query: RsaKeyPair,
    /// DER in base64, as XML and PEM have it between their tags.
    certificate: String,
}

impl SigningKey {
    /// The key of the configuration's file, which is made if it is missing; without a file a new one.
    ///
    /// # Errors
    /// If the file holds something else. It is never replaced: service providers have pinned what was in it.
    pub(in crate::identity_providers) fn load_or_generate(config: &SamlProviderConfig) -> io::Result<Self> {
        let Some(path) = &config.key_file else { return Self::parse(&generate(&config.name)?) };
        let pem = match fs::read_to_string(path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pem = generate(&config.name)?;
                keep(path, &pem)?;
                pem
            }
            Err(error) => return Err(with_path(path, &error)),
        };
        Self::parse(&pem).map_err(|error| with_path(path, &error))
    }

    /// DER in base64.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Fills in the empty signature of a document that names the element it signs.
    pub(super) fn sign_xml(&self, template: String) -> Result<String, PageError> {
        let mut keys = KeysManager::new();
        keys.add_key(self.xml.clone());
        let signed = sign_owned(&DsigContext::new(keys), template);
        signed.map_err(|error| PageError::Signing(error.to_string()))
    }

    /// RSA with SHA-256 over a query (SAML Bindings §3.4.4.1), in base64.
    pub(super) fn sign_query(&self, query: &str) -> Result<String, Unspecified> {
        let mut signature = vec![0; self.query.public_modulus_len()];
        let random = SystemRandom::new();
        self.query.sign(&RSA_PKCS1_SHA256, &random, query.as_bytes(), &mut signature)?;
        Ok(STANDARD.encode(signature))
    }

    /// Two PEM blocks: the key, then the certificate.
    fn parse(pem: &str) -> io::Result<Self> {
        let malformed =
            || io::Error::new(io::ErrorKind::InvalidData, "there is no key and certificate in it");
        let (key, rest) = pem.split_once(CERTIFICATE).ok_or_else(malformed)?;
        let (certificate, _) = rest.split_once("-----END").ok_or_else(malformed)?;
        let certificate: String = certificate.split_ascii_whitespace().collect();
        let der = STANDARD.decode(&certificate).map_err(|_| malformed())?;
        let mut xml = load_rsa_private_pem(key.as_bytes()).map_err(io::Error::other)?;
        let key = KeyPair::from_pem(key).map_err(io::Error::other)?;
        let query = RsaKeyPair::from_pkcs8(key.serialized_der()).map_err(|_| malformed())?;
        xml.x509_chain = vec![der];
        Ok(Self { xml, query, certificate })
    }
}

/// Good for a decade and more: it is pinned, and nobody asks who issued it.
fn generate(name: &str) -> io::Result<String> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(io::Error::other)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2045, 1, 1);
    let certificate = params.self_signed(&key).map_err(io::Error::other)?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}

/// Written beside and moved into place, so that there is never half a file.
fn keep(path: &Path, pem: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let _ = fs::remove_file(&beside);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&beside).and_then(|mut file| {
        file.write_all(pem.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    written.map_err(|error| with_path(path, &error))
}

fn with_path(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
