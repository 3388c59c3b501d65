//! Putting our signature into a message (SAML core §5).
//!
//! **Invariant:** a signature of ours has the form that this crate itself accepts: SHA-256, enveloped, exclusive
//! canonicalization, one reference to the root.

use crate::crypto::{self, SigningFailed};
use crate::key::KeyPair;
use crate::names::{DS, ENVELOPED, EXC_C14N, SHA256};
use crate::writer::Writer;

/// An empty signature over the element with the id `target`, to be filled by [`sign`].
pub(crate) fn template(target: &str, key: &KeyPair) -> String {
    let method = crypto::method_for(key.certificate().key_type());
    let mut writer = Writer::default();
    writer.open("ds:Signature", &[("xmlns:ds", DS)]).open("ds:SignedInfo", &[]);
    writer.empty("ds:CanonicalizationMethod", &[("Algorithm", EXC_C14N)]);
    writer.empty("ds:SignatureMethod", &[("Algorithm", method)]);
    writer.open("ds:Reference", &[("URI", &format!("#{target}"))]).open("ds:Transforms", &[]);
    writer.empty("ds:Transform", &[("Algorithm", ENVELOPED)]);
    writer.empty("ds:Transform", &[("Algorithm", EXC_C14N)]).close();
    writer.empty("ds:DigestMethod", &[("Algorithm", SHA256)]);
    writer.text("ds:DigestValue", &[], "").close().close();
    writer.text("ds:SignatureValue", &[], "");
    writer.raw(&key_info(key)).close();
    writer.finish()
}

/// `KeyInfo` with a certificate of ours.
pub(crate) fn key_info(key: &KeyPair) -> String {
    let mut writer = Writer::default();
    writer.open("ds:KeyInfo", &[("xmlns:ds", DS)]).open("ds:X509Data", &[]);
    writer.text("ds:X509Certificate", &[], &key.certificate().base64());
    writer.finish()
}

/// Fills the template in `xml`, if there is a key.
pub(crate) fn sign(xml: String, key: Option<&KeyPair>) -> Result<String, SigningFailed> {
    match key {
        Some(key) => crypto::sign_document(xml, key),
        None => Ok(xml),
    }
}
