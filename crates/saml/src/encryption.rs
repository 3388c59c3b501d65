//! Opening encrypted elements (SAML core §2.3.4, §2.2.4).
//!
//! What the message says about its encryption is read, judged and written anew: the library is given a document
//! of our own that holds nothing but algorithms from a list and bytes.
//!
//! **Invariant:** whatever goes wrong after decryption began, the rejection is the same, so that a sender who
//! varies ciphertexts learns nothing from the answers.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::check::{Check, Rejection};
use crate::crypto;
use crate::key::KeyPair;
use crate::names::{AES_CBC, AES_GCM, DS, OAEP_DIGESTS, OAEP_MGFS, RSA_OAEP, XENC, XENC_ELEMENT, XENC11};
use crate::scan;
use crate::tree::Element;
use crate::writer::Writer;

/// How many keys a message may try, and how many of ours are tried on each.
const MAX_KEYS: usize = 4;

/// Whether the ciphertext is known to be what the identity provider made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It stands inside a verified signature.
    Signed,
    /// Anyone may have written it: modes that do not authenticate are refused.
    Unsigned,
    /// The same, but the connection allows CBC even so.
    UnsignedCbcAllowed,
}

/// An encrypted element, ready to be opened.
pub(crate) struct Encrypted {
    algorithm: &'static str,
    data: String,
    keys: Vec<WrappedKey>,
    /// The namespace declarations that the plaintext may rely on.
    scope: String,
}

struct WrappedKey {
    algorithm: &'static str,
    digest: Option<&'static str>,
    mgf: Option<&'static str>,
    label: Option<String>,
    value: String,
}

/// The rejection for everything that goes wrong after decryption began.
fn failed() -> Rejection {
    Rejection::new(Check::Decryption, "the encrypted element could not be decrypted")
}

fn refuse(detail: &str) -> Rejection {
    Rejection::new(Check::EncryptionShape, detail)
}

impl Encrypted {
    /// Reads `EncryptedAssertion`, `EncryptedID` or `EncryptedAttribute`: one `EncryptedData`, with keys inside it
    /// or beside it.
    pub(crate) fn read(holder: Element<'_>, origin: Origin) -> Result<Self, Rejection> {
        let mut data = None;
        let mut keys = Vec::new();
        for child in holder.children() {
            if child.is(XENC, "EncryptedData") && data.is_none() {
                data = Some(child);
            } else if child.is(XENC, "EncryptedKey") {
                keys.push(child);
            } else {
                return Err(refuse("something that is neither one EncryptedData nor EncryptedKey"));
            }
        }
        let data = data.ok_or_else(|| refuse("there is no EncryptedData"))?;
        if data.attribute("Type").is_some_and(|found| found != XENC_ELEMENT) {
            return Err(Rejection::differs(Check::EncryptionShape, XENC_ELEMENT, data.attribute("Type")));
        }
        if let Some(info) = data.child(DS, "KeyInfo").map_err(|_| refuse("more than one KeyInfo"))? {
            keys.extend(info.children_named(XENC, "EncryptedKey"));
        }
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(refuse("there are no encrypted keys, or too many"));
        }
        let method = method(&data)?;
        let algorithm = data_algorithm(method.attribute("Algorithm"), origin)?;
        let keys = keys.into_iter().map(|key| WrappedKey::read(&key)).collect::<Result<_, _>>()?;
        Ok(Self { algorithm, data: cipher_value(&data)?, keys, scope: holder.scope() })
    }

    /// The algorithm, for the trace.
    pub(crate) fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// Decrypts with whichever key fits, and returns a document whose root holds the element that was encrypted.
    pub(crate) fn open(&self, keys: &[KeyPair]) -> Result<String, Rejection> {
        let ours = || keys.iter().filter(|key| key.certificate().key_type().is_rsa()).take(MAX_KEYS);
        let attempts = self.keys.iter().flat_map(|wrapped| ours().map(move |key| (wrapped, key)));
        for (wrapped, key) in attempts {
            let Some(plain) = crypto::decrypt(&self.document(wrapped), key) else { continue };
            let text = scan::scan(&plain).map_err(|_| failed())?;
            let (scope, text) = (&self.scope, scan::without_declaration(text));
            return Ok(format!("<decrypted{scope}>{text}</decrypted>"));
        }
        Err(failed())
    }

    /// An encrypted document with this data and one of the keys. Its type is none that the library knows, so that
    /// the plaintext comes back as it is.
    fn document(&self, key: &WrappedKey) -> String {
        let mut writer = Writer::default();
        writer.open("e:EncryptedData", &[("xmlns:e", XENC), ("xmlns:d", DS), ("Type", "urn:octets")]);
        writer.empty("e:EncryptionMethod", &[("Algorithm", self.algorithm)]);
        writer.open("d:KeyInfo", &[]).open("e:EncryptedKey", &[]);
        writer.open("e:EncryptionMethod", &[("Algorithm", key.algorithm)]);
        if let Some(digest) = key.digest {
            writer.empty("d:DigestMethod", &[("Algorithm", digest)]);
        }
        if let Some(mgf) = key.mgf {
            writer.empty("f:MGF", &[("xmlns:f", XENC11), ("Algorithm", mgf)]);
        }
        if let Some(label) = &key.label {
            writer.text("e:OAEPparams", &[], label);
        }
        writer.close().open("e:CipherData", &[]).text("e:CipherValue", &[], &key.value);
        writer.close().close().close();
        writer.open("e:CipherData", &[]).text("e:CipherValue", &[], &self.data);
        writer.finish()
    }
}

impl WrappedKey {
    fn read(key: &Element<'_>) -> Result<Self, Rejection> {
        let method = method(key)?;
        let algorithm = listed(method.attribute("Algorithm"), &[RSA_OAEP])?;
        let parameter = |namespace: &str, name: &str| {
            method.child(namespace, name).map_err(|_| refuse("a parameter that is given twice"))
        };
        let digest = parameter(DS, "DigestMethod")?
            .map(|digest| listed(digest.attribute("Algorithm"), &[OAEP_DIGESTS]))
            .transpose()?;
        let mgf = parameter(XENC11, "MGF")?
            .map(|mgf| listed(mgf.attribute("Algorithm"), &[OAEP_MGFS]))
            .transpose()?;
        one_hash(algorithm, digest, mgf)?;
        let label = parameter(XENC, "OAEPparams")?.map(|label| base64_text(&label)).transpose()?;
        Ok(Self { algorithm, digest, mgf, label, value: cipher_value(key)? })
    }
}

/// aws-lc computes RSA-OAEP with one hash for digest and mask. A mix is refused here, where it can be named.
fn one_hash(algorithm: &str, digest: Option<&str>, mgf: Option<&str>) -> Result<(), Rejection> {
    let place = |list: &[&str], found: &str| list.iter().position(|&known| known == found);
    let digest = digest.map_or(Some(0), |digest| place(OAEP_DIGESTS, digest));
    let mask = match mgf {
        Some(mgf) => place(OAEP_MGFS, mgf),
        // The older algorithm always masks with SHA-1 unless it says otherwise.
        None if RSA_OAEP.first() == Some(&algorithm) => Some(0),
        None => digest,
    };
    if digest != mask {
        let detail = format!("{algorithm} with one hash as its digest and another in its mask");
        return Err(Rejection::new(Check::EncryptionAlgorithm, detail));
    }
    Ok(())
}

fn method<'t>(element: &Element<'t>) -> Result<Element<'t>, Rejection> {
    let method = element.child(XENC, "EncryptionMethod").ok().flatten();
    method.ok_or_else(|| refuse("there is not exactly one EncryptionMethod"))
}

fn data_algorithm(found: Option<&str>, origin: Origin) -> Result<&'static str, Rejection> {
    let algorithm = listed(found, &[AES_GCM, AES_CBC])?;
    if origin == Origin::Unsigned && AES_CBC.contains(&algorithm) {
        let detail = format!("{algorithm} in a response that is not signed as a whole");
        return Err(Rejection::new(Check::EncryptionAlgorithm, detail));
    }
    Ok(algorithm)
}

fn listed(found: Option<&str>, lists: &[&[&'static str]]) -> Result<&'static str, Rejection> {
    let mut known = lists.iter().copied().flatten();
    known.find(|&&algorithm| Some(algorithm) == found).copied().ok_or_else(|| {
        Rejection::new(Check::EncryptionAlgorithm, format!("algorithm {:?}", found.unwrap_or_default()))
    })
}

/// The bytes of the only `CipherValue`, as base64 of our own making.
fn cipher_value(element: &Element<'_>) -> Result<String, Rejection> {
    let data = element.child(XENC, "CipherData").ok().flatten();
    let data = data.ok_or_else(|| refuse("there is not exactly one CipherData"))?;
    match data.children().collect::<Vec<_>>().as_slice() {
        [value] if value.is(XENC, "CipherValue") => base64_text(value),
        _ => Err(refuse("CipherData does not hold exactly one CipherValue")),
    }
}

fn base64_text(element: &Element<'_>) -> Result<String, Rejection> {
    let text = element.text().ok_or_else(|| refuse("an element where base64 is expected"))?;
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = BASE64_STANDARD.decode(compact).map_err(|_| refuse("what should be base64 is not"))?;
    Ok(BASE64_STANDARD.encode(bytes))
}

/// The only element in a document that [`Encrypted::open`] returned.
pub(crate) fn opened<'t>(root: Element<'t>, namespace: &str, local: &str) -> Result<Element<'t>, Rejection> {
    let mut children = root.children();
    match (children.next(), children.next()) {
        (Some(only), None) if only.is(namespace, local) => Ok(only),
        _ => Err(failed()),
    }
}

/// Parses a document that [`Encrypted::open`] returned, saying no more than that it failed.
pub(crate) fn parse(document: &str) -> Result<crate::tree::Tree<'_>, Rejection> {
    crate::tree::Tree::parse(document).map_err(|_| failed())
}
