//! The second core: libxmlsec1 on OpenSSL, through samael.
//!
//! Of samael only this is used: its validators accept what they should not (see ADR 9).

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};

use super::{NotVerified, SignatureCore};
use crate::certificate::Certificate;
use crate::scan;
use crate::tree::Tree;

/// The methods that both cores accept.
const ALLOWED: &[AllowedSignatureAlgorithm] = &[
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// The implementation on libxmlsec1.
#[derive(Debug, Clone, Copy, Default)]
pub struct XmlSec;

impl SignatureCore for XmlSec {
    fn name(&self) -> &'static str {
        "xmlsec"
    }

    fn verify(
        &self,
        document: &str,
        target: &str,
        certificates: &[&Certificate],
    ) -> Result<Vec<u8>, NotVerified> {
        let certificates: Vec<_> =
            certificates.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        let mode = ReduceMode::PreDigest;
        let digested = Crypto::reduce_xml_to_signed_with_allowed_algorithms(
            document,
            &certificates,
            mode,
            Some(ALLOWED),
        )
        .map_err(|_| NotVerified)?;
        let bytes = digested.into_bytes();
        let text = scan::scan(&bytes).map_err(|_| NotVerified)?;
        let tree = Tree::parse(text).map_err(|_| NotVerified)?;
        if tree.root().map_err(|_| NotVerified)?.id() != Some(target) {
            return Err(NotVerified);
        }
        drop(tree);
        Ok(bytes)
    }
}
