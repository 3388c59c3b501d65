//! The core on bergshamra, which is written in Rust and computes with aws-lc.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::crypto::{digest, sign};
use bergshamra::keys::{KeyUsage, loader};
use bergshamra::xml::NodeSet;
use bergshamra::{DsigContext, EncContext, Key, KeyData, KeysManager, SoftwareKey, VerifyResult};
use zeroize::Zeroizing;

use super::{NotVerified, SignatureCore};
use crate::certificate::{Certificate, KeyType};
use crate::key::KeyPair;
use crate::names::{DS, EXC_C14N};
use crate::tree::{Element, Tree};

/// The default implementation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bergshamra;

impl SignatureCore for Bergshamra {
    fn name(&self) -> &'static str {
        "bergshamra"
    }

    fn verify(
        &self,
        document: &str,
        target: &str,
        certificates: &[&Certificate],
    ) -> Result<Vec<u8>, NotVerified> {
        let tree = Tree::parse(document).map_err(|_| NotVerified)?;
        let context = DsigContext::new(keys(certificates)?);
        let results = bergshamra::dsig::verify::verify_all_document_with_source(
            &context,
            tree.document(),
            Some(document),
        )
        .map_err(|_| NotVerified)?;
        let mut digested = None;
        for result in results {
            let VerifyResult::Valid { signature_node, references, .. } = result else {
                return Err(NotVerified);
            };
            let [reference] = references.as_slice() else { return Err(NotVerified) };
            let signature = find(&tree, |element| element.node() == signature_node)?;
            let signed = find(&tree, |element| Some(element.node()) == reference.resolved_node)?;
            let in_place = signature.parent().is_some_and(|parent| parent.same(&signed));
            if !in_place || !reference.digest_verified || reference.uri.strip_prefix('#') != signed.id() {
                return Err(NotVerified);
            }
            if signed.id() == Some(target) {
                digested = Some(digested_bytes(&tree, signed, signature)?);
            }
        }
        digested.ok_or(NotVerified)
    }
}

fn find<'t>(tree: &'t Tree<'_>, wanted: impl Fn(&Element<'t>) -> bool) -> Result<Element<'t>, NotVerified> {
    let root = tree.root().map_err(|_| NotVerified)?;
    root.descendants().find(wanted).ok_or(NotVerified)
}

fn keys(certificates: &[&Certificate]) -> Result<KeysManager, NotVerified> {
    let mut manager = KeysManager::new();
    for certificate in certificates {
        manager.add_key(loader::load_spki_der(certificate.public_key()).map_err(|_| NotVerified)?);
    }
    Ok(manager)
}

/// The canonical bytes of `signed` without `signature`, by the transforms that the signature names.
///
/// The library does not hand out what it digested, so this canonicalizes once more, and believes the result only
/// if it has the digest that was signed.
fn digested_bytes(
    tree: &Tree<'_>,
    signed: Element<'_>,
    signature: Element<'_>,
) -> Result<Vec<u8>, NotVerified> {
    let info = signature.first(DS, "SignedInfo").ok_or(NotVerified)?;
    let reference = info.first(DS, "Reference").ok_or(NotVerified)?;
    let transforms = reference.first(DS, "Transforms").ok_or(NotVerified)?;
    let mut mode = C14nMode::Inclusive;
    let mut prefixes: Vec<String> = Vec::new();
    for transform in transforms.children() {
        let Some(found) = transform.attribute("Algorithm").and_then(C14nMode::from_uri) else { continue };
        mode = found;
        if let Some(list) = transform.first(EXC_C14N, "InclusiveNamespaces") {
            let list = list.attribute("PrefixList").unwrap_or_default();
            prefixes = list.split_ascii_whitespace().map(str::to_owned).collect();
        }
    }
    let document = tree.document();
    let mut nodes = NodeSet::tree_without_comments(signed.node(), document);
    nodes.remove_id(signature.node());
    for below in document.descendants(signature.node()) {
        nodes.remove_id(below);
    }
    let bytes = canonicalize_doc(document, mode, Some(&nodes), &prefixes).map_err(|_| NotVerified)?;

    let method = reference.first(DS, "DigestMethod").and_then(|method| method.attribute("Algorithm"));
    let computed = digest::digest(method.ok_or(NotVerified)?, &bytes).map_err(|_| NotVerified)?;
    let stated = reference.first(DS, "DigestValue").and_then(|value| value.text()).ok_or(NotVerified)?;
    let stated: String = stated.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let stated = BASE64_STANDARD.decode(stated).map_err(|_| NotVerified)?;
    if computed != stated {
        return Err(NotVerified);
    }
    Ok(bytes)
}

/// Whether `signature` over `bytes` verifies with the key of a certificate, by the method that a URI names.
pub(crate) fn verify_bytes(method: &str, certificate: &Certificate, bytes: &[u8], signature: &[u8]) -> bool {
    let verify = || {
        let key = loader::load_spki_der(certificate.public_key()).ok()?.to_signing_key().ok()??;
        sign::from_uri(method).ok()?.verify(&key, bytes, signature).ok()
    };
    verify().unwrap_or(false)
}

/// A library error while signing with our own key: the key is damaged, or memory ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message could not be signed")]
pub struct SigningFailed;

/// Signs `bytes` by the method that a URI names.
pub(crate) fn sign_bytes(method: &str, key: &KeyPair, bytes: &[u8]) -> Result<Vec<u8>, SigningFailed> {
    let key = private_key(key).and_then(|key| key.to_signing_key().ok()?).ok_or(SigningFailed)?;
    let algorithm = sign::from_uri(method).map_err(|_| SigningFailed)?;
    algorithm.sign(&key, bytes).map_err(|_| SigningFailed)
}

/// Fills the empty signature template in `document`.
pub(crate) fn sign_document(document: String, key: &KeyPair) -> Result<String, SigningFailed> {
    let mut manager = KeysManager::new();
    manager.add_key(private_key(key).ok_or(SigningFailed)?);
    bergshamra::dsig::sign::sign_owned(&DsigContext::new(manager), document).map_err(|_| SigningFailed)
}

/// Opens one `EncryptedData` document whose `EncryptedKey` is inside, and returns the bytes in it.
///
/// `None` whatever the reason: telling reasons apart makes a padding oracle.
pub(crate) fn decrypt(document: &str, key: &KeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let mut manager = KeysManager::new();
    manager.add_key(private_key(key)?);
    let context = EncContext::new(manager).with_disable_cipher_reference(true).with_max_pbkdf2_iterations(0);
    bergshamra::decrypt_to_bytes(&context, document).ok().map(Zeroizing::new)
}

fn private_key(key: &KeyPair) -> Option<Key> {
    let algorithm = loader::load_spki_der(key.certificate().public_key()).ok()?.data.algorithm();
    let key = SoftwareKey::from_pkcs8_der(algorithm, key.pkcs8()).ok()?;
    Some(Key::new(KeyData::from_software_key(key), KeyUsage::Any))
}

/// The signature method for a key of ours.
pub(crate) fn method_for(key_type: KeyType) -> &'static str {
    use crate::names::{ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, RSA_SHA256};
    match key_type {
        KeyType::Rsa(_) => RSA_SHA256,
        KeyType::P256 => ECDSA_SHA256,
        KeyType::P384 => ECDSA_SHA384,
        KeyType::P521 => ECDSA_SHA512,
    }
}
