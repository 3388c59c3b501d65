//! How messages travel through the browser: the redirect and the POST binding (SAML bindings §3.4, §3.5).
//!
//! A signature in the redirect binding is over the query as it stands in the address, encoded by whoever made it.
//! It is therefore verified over the raw query, and a query that something on the way decoded and encoded anew is
//! refused.
//!
//! **Invariant:** nothing inflates beyond [`MAX_BYTES`], and a parameter that occurs twice is
//! an error, never a choice.

use std::io::{Read, Write};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::certificate::Certificate;
use crate::check::{Check, Rejection};
use crate::crypto::{self, SigningFailed};
use crate::key::KeyPair;
use crate::scan::MAX_BYTES;
use crate::signature;

/// The longest query that is looked at, in bytes.
pub const MAX_QUERY: usize = 256 * 1024;
/// The longest `RelayState`, in bytes. The standard says 80; identity providers return whole addresses.
pub const MAX_RELAY_STATE: usize = 2048;

/// Decodes the value of a `SAMLResponse` or `SAMLRequest` form field: base64, in lines or not.
pub fn decode_form_value(value: &str) -> Result<Vec<u8>, Rejection> {
    let refuse = |detail: &str| Rejection::new(Check::Decoded, detail);
    if value.len() > MAX_BYTES * 2 {
        return Err(Rejection::new(Check::Size, "the form value is too long"));
    }
    let compact: String = value.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = BASE64_STANDARD.decode(compact).map_err(|_| refuse("the form value is not base64"))?;
    if bytes.len() > MAX_BYTES {
        return Err(Rejection::new(Check::Size, format!("{} bytes, at most {MAX_BYTES}", bytes.len())));
    }
    Ok(bytes)
}

/// An id for a message: an `NCName` of 160 random bits (SAML core §1.3.4 demands 128).
pub fn message_id(random: [u8; 20]) -> String {
    use std::fmt::Write as _;
    random.iter().fold(String::from("_"), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Whether a message is a request or a response, which decides the name of its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

impl MessageKind {
    /// The name of the parameter or form field.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// A form that a browser is to submit by `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostForm {
    /// The address to submit to.
    pub action: String,
    /// The name of the field that carries the message: `SAMLRequest` or `SAMLResponse`.
    pub field: &'static str,
    /// The value of that field: base64.
    pub value: String,
}

impl PostForm {
    pub(crate) fn new(action: &str, kind: MessageKind, xml: &str) -> Self {
        Self { action: action.to_owned(), field: kind.parameter(), value: BASE64_STANDARD.encode(xml) }
    }
}

/// A message that arrived by the redirect binding.
#[derive(Debug, Clone)]
pub struct RedirectQuery {
    kind: MessageKind,
    message: Vec<u8>,
    relay_state: Option<String>,
    signature: Option<QuerySignature>,
}

#[derive(Debug, Clone)]
struct QuerySignature {
    method: String,
    value: Vec<u8>,
    /// What was signed: the raw parameters in the order that the standard fixes.
    signed: String,
}

impl RedirectQuery {
    /// Reads the query of an address, raw, without its question mark.
    pub fn parse(raw_query: &str) -> Result<Self, Rejection> {
        if raw_query.len() > MAX_QUERY {
            return Err(Rejection::new(Check::Size, format!("a query of {} bytes", raw_query.len())));
        }
        let raw = RawParameters::read(raw_query)?;
        let (kind, raw_message) = match (raw.request, raw.response) {
            (Some(message), None) => (MessageKind::Request, message),
            (None, Some(message)) => (MessageKind::Response, message),
            _ => return Err(refuse("there is not exactly one of SAMLRequest and SAMLResponse")),
        };
        if raw.encoding.is_some_and(|encoding| !decode(encoding).ends_with(":DEFLATE")) {
            return Err(refuse("SAMLEncoding is not DEFLATE"));
        }
        let relay_state = raw.relay_state.map(decode);
        if relay_state.as_ref().is_some_and(|text| text.len() > MAX_RELAY_STATE) {
            return Err(refuse("RelayState is too long"));
        }
        let signature = match (raw.algorithm, raw.signature) {
            (Some(algorithm), Some(value)) => {
                let mut signed = format!("{}={raw_message}", kind.parameter());
                if let Some(relay_state) = raw.relay_state {
                    signed.push_str("&RelayState=");
                    signed.push_str(relay_state);
                }
                signed.push_str("&SigAlg=");
                signed.push_str(algorithm);
                Some(QuerySignature { method: decode(algorithm), value: base64(value)?, signed })
            }
            (None, None) => None,
            _ => {
                let detail = "Signature and SigAlg come together or not at all";
                return Err(Rejection::new(Check::MessageSignature, detail));
            }
        };
        Ok(Self { kind, message: inflate(&base64(raw_message)?)?, relay_state, signature })
    }

    /// Whether it is a request or a response.
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The message, unverified.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// What the other side was asked to return, unverified. Not an address to go to.
    pub fn relay_state(&self) -> Option<&str> {
        self.relay_state.as_deref()
    }

    /// Verifies the signature in the query with one of `certificates`, and returns the message.
    pub fn verify(&self, certificates: &[Certificate]) -> Result<&[u8], Rejection> {
        let signature = self
            .signature
            .as_ref()
            .ok_or_else(|| Rejection::new(Check::MessageSignature, "the query is not signed"))?;
        let method = signature.method.as_str();
        signature::accepted_method(method)?;
        let usable = signature::usable(certificates, &[method])?;
        let signed = signature.signed.as_bytes();
        if usable
            .iter()
            .any(|certificate| crypto::verify_bytes(method, certificate, signed, &signature.value))
        {
            Ok(&self.message)
        } else {
            Err(Rejection::new(Check::MessageSignature, crypto::NotVerified.to_string()))
        }
    }
}

/// The parameters of the binding, still encoded.
#[derive(Default)]
struct RawParameters<'q> {
    request: Option<&'q str>,
    response: Option<&'q str>,
    relay_state: Option<&'q str>,
    algorithm: Option<&'q str>,
    signature: Option<&'q str>,
    encoding: Option<&'q str>,
}

impl<'q> RawParameters<'q> {
    fn read(raw_query: &'q str) -> Result<Self, Rejection> {
        let mut raw = Self::default();
        for pair in raw_query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let Some(slot) = raw.slot(name) else {
                if raw.slot(&decode(name)).is_some() {
                    return Err(refuse("a parameter whose name is encoded"));
                }
                continue;
            };
            if slot.replace(value).is_some() {
                return Err(refuse("a parameter that occurs twice"));
            }
        }
        Ok(raw)
    }

    fn slot(&mut self, name: &str) -> Option<&mut Option<&'q str>> {
        match name {
            "SAMLRequest" => Some(&mut self.request),
            "SAMLResponse" => Some(&mut self.response),
            "RelayState" => Some(&mut self.relay_state),
            "SigAlg" => Some(&mut self.algorithm),
            "Signature" => Some(&mut self.signature),
            "SAMLEncoding" => Some(&mut self.encoding),
            _ => None,
        }
    }
}

fn refuse(detail: &str) -> Rejection {
    Rejection::new(Check::Decoded, detail)
}

/// One value, decoded.
fn decode(raw: &str) -> String {
    let raw = raw.replace('&', "%26");
    form_urlencoded::parse(format!("v={raw}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// One base64 value, whose plus signs may have come unencoded.
fn base64(raw: &str) -> Result<Vec<u8>, Rejection> {
    let text = decode(raw).replace(' ', "+");
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(compact).map_err(|_| refuse("a parameter that is not base64"))
}

fn inflate(bytes: &[u8]) -> Result<Vec<u8>, Rejection> {
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut message = Vec::new();
    DeflateDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut message)
        .map_err(|_| refuse("the message is not compressed with DEFLATE"))?;
    if message.len() > MAX_BYTES {
        return Err(Rejection::new(Check::Size, format!("inflates beyond {MAX_BYTES} bytes")));
    }
    Ok(message)
}

/// The address that carries a message to `endpoint`, signed if there is a key.
pub(crate) fn redirect_url(
    endpoint: &str,
    kind: MessageKind,
    xml: &str,
    relay_state: Option<&str>,
    key: Option<&KeyPair>,
) -> Result<String, SigningFailed> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish());
    let compressed = compressed.map_err(|_| SigningFailed)?;
    let encode = |bytes: &[u8]| form_urlencoded::byte_serialize(bytes).collect::<String>();
    let mut query = format!("{}={}", kind.parameter(), encode(BASE64_STANDARD.encode(compressed).as_bytes()));
    if let Some(relay_state) = relay_state {
        query.push_str("&RelayState=");
        query.push_str(&encode(relay_state.as_bytes()));
    }
    if let Some(key) = key {
        let method = crypto::method_for(key.certificate().key_type());
        query.push_str("&SigAlg=");
        query.push_str(&encode(method.as_bytes()));
        let signature = BASE64_STANDARD.encode(crypto::sign_bytes(method, key, query.as_bytes())?);
        query.push_str("&Signature=");
        query.push_str(&encode(signature.as_bytes()));
    }
    let (address, fragment) = endpoint.split_once('#').unwrap_or((endpoint, ""));
    let joint = match address.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, existing)) if existing.ends_with('&') => "",
        Some(_) => "&",
    };
    let hash = if fragment.is_empty() { "" } else { "#" };
    Ok(format!("{address}{joint}{query}{hash}{fragment}"))
}
