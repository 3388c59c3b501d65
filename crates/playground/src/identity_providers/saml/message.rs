//! Reading what service providers send, which anybody can send (SAML Bindings §3.4 and §3.5, SAML Core §3).
//!
//! **Invariant:** whatever is sent, at most [`MAX_XML_BYTES`] of XML are read, in at most [`MAX_NODES`] nodes and
//! without a DOCTYPE.

use std::io::Read as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::DeflateDecoder;
use roxmltree::{Document, Node, ParsingOptions};

const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const HTTP_POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

const MAX_XML_BYTES: usize = 32 * 1024;
/// Also how deep elements can be nested.
const MAX_NODES: u32 = 512;
/// Ids are repeated in the answer.
const MAX_ID_BYTES: usize = 256;

/// Why a message was refused.
#[derive(Debug, thiserror::Error)]
pub(in crate::identity_providers) enum MessageError {
    #[error("{0} is missing")]
    Absent(&'static str),
    #[error("it is not in base64")]
    Base64,
    #[error("it is for another address (Destination)")]
    Destination,
    #[error("it cannot be decompressed")]
    Deflate,
    #[error("its ID is no name")]
    Id,
    #[error("it is too large")]
    TooLarge,
    #[error("it is no {0} of SAML 2.0")]
    Type(&'static str),
    #[error("it asks for an answer by another binding than HTTP-POST")]
    Binding,
    #[error("it is no XML that is read here: {0}")]
    Xml(#[from] roxmltree::Error),
    #[error("it is not in UTF-8")]
    Utf8,
}

/// What is used of an `AuthnRequest`.
#[derive(Debug)]
pub(super) struct AuthnRequest {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) acs_url: String,
    pub(super) name_id_format: Option<String>,
    /// Somebody who is signed in has to say so again.
    pub(super) force_authn: bool,
    /// Nobody is to be asked anything.
    pub(super) is_passive: bool,
}

/// What is used of a `LogoutRequest`.
#[derive(Debug)]
pub(super) struct LogoutRequest {
    pub(super) id: String,
    pub(super) issuer: String,
    pub(super) name_id: String,
}

/// From the redirect binding: base64 of DEFLATE.
pub(super) fn decode_redirect(parameter: &str) -> Result<String, MessageError> {
    let compressed = STANDARD.decode(parameter).map_err(|_| MessageError::Base64)?;
    let mut xml = Vec::new();
    let limit = MAX_XML_BYTES as u64 + 1;
    let read = DeflateDecoder::new(compressed.as_slice()).take(limit).read_to_end(&mut xml);
    read.map_err(|_| MessageError::Deflate)?;
    to_text(xml)
}

/// From the POST binding: base64, perhaps in lines.
pub(super) fn decode_post(parameter: &str) -> Result<String, MessageError> {
    let parameter: String = parameter.split_ascii_whitespace().collect();
    to_text(STANDARD.decode(parameter).map_err(|_| MessageError::Base64)?)
}

fn to_text(xml: Vec<u8>) -> Result<String, MessageError> {
    if xml.len() > MAX_XML_BYTES {
        return Err(MessageError::TooLarge);
    }
    String::from_utf8(xml).map_err(|_| MessageError::Utf8)
}

fn parse(xml: &str) -> Result<Document<'_>, MessageError> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Ok(Document::parse_with_options(xml, options)?)
}

impl AuthnRequest {
    /// `destination` is where it came.
    pub(super) fn parse(xml: &str, destination: &str) -> Result<Self, MessageError> {
        let document = parse(xml)?;
        let root = check_root(&document, "AuthnRequest", destination)?;
        if root.attribute("ProtocolBinding").is_some_and(|binding| binding != HTTP_POST) {
            return Err(MessageError::Binding);
        }
        let acs_url = root.attribute("AssertionConsumerServiceURL");
        let policy = child(root, PROTOCOL, "NameIDPolicy");
        Ok(Self {
            id: check_id(root)?,
            issuer: check_issuer(root)?,
            acs_url: acs_url.ok_or(MessageError::Absent("AssertionConsumerServiceURL"))?.to_owned(),
            name_id_format: policy.and_then(|policy| policy.attribute("Format")).map(str::to_owned),
            force_authn: is_true(root, "ForceAuthn"),
            is_passive: is_true(root, "IsPassive"),
        })
    }
}

impl LogoutRequest {
    /// `destination` is where it came.
    pub(super) fn parse(xml: &str, destination: &str) -> Result<Self, MessageError> {
        let document = parse(xml)?;
        let root = check_root(&document, "LogoutRequest", destination)?;
        let name_id = child(root, ASSERTION, "NameID").ok_or(MessageError::Absent("NameID"))?;
        Ok(Self { id: check_id(root)?, issuer: check_issuer(root)?, name_id: text(name_id) })
    }
}

fn check_root<'a>(
    document: &'a Document<'_>,
    name: &'static str,
    destination: &str,
) -> Result<Node<'a, 'a>, MessageError> {
    let root = document.root_element();
    if !root.has_tag_name((PROTOCOL, name)) || root.attribute("Version") != Some("2.0") {
        return Err(MessageError::Type(name));
    }
    if root.attribute("Destination").is_some_and(|given| given != destination) {
        return Err(MessageError::Destination);
    }
    Ok(root)
}

fn check_id(root: Node<'_, '_>) -> Result<String, MessageError> {
    let id = root.attribute("ID").ok_or(MessageError::Absent("ID"))?;
    let is_name = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_name && !id.is_empty() && id.len() <= MAX_ID_BYTES {
        Ok(id.to_owned())
    } else {
        Err(MessageError::Id)
    }
}

fn check_issuer(root: Node<'_, '_>) -> Result<String, MessageError> {
    child(root, ASSERTION, "Issuer").map(text).ok_or(MessageError::Absent("Issuer"))
}

fn child<'a, 'd>(parent: Node<'a, 'd>, namespace: &str, name: &str) -> Option<Node<'a, 'd>> {
    parent.children().find(|node| node.has_tag_name((namespace, name)))
}

/// All of the element's text, whatever comments are in between.
fn text(node: Node<'_, '_>) -> String {
    let texts = node.children().filter(Node::is_text).filter_map(|text| text.text());
    texts.collect::<String>().trim().to_owned()
}

fn is_true(node: Node<'_, '_>, attribute: &str) -> bool {
    matches!(node.attribute(attribute), Some("true" | "1"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: &str = "http://localhost/saml/sso";

    fn request(attributes: &str, content: &str) -> String {
        format!(
            "<p:AuthnRequest xmlns:p='{PROTOCOL}' xmlns='{ASSERTION}' {attributes}>{content}</p:AuthnRequest>"
        )
    }

    const GOOD: &str = "ID='_1' Version='2.0' AssertionConsumerServiceURL='http://sp.test/acs'";
    const ISSUER: &str = "<Issuer>http://sp.<!-- -->test</Issuer>";

    #[test]
    fn a_request_is_read() {
        let policy = "<p:NameIDPolicy Format='f'/>";
        let xml =
            request(&format!("{GOOD} ForceAuthn='1' Destination='{HERE}'"), &format!("{ISSUER}{policy}"));

        let request = AuthnRequest::parse(&xml, HERE).unwrap();

        assert_eq!((request.id.as_str(), request.issuer.as_str()), ("_1", "http://sp.test"));
        assert_eq!((request.force_authn, request.is_passive), (true, false));
        assert_eq!(
            (request.acs_url.as_str(), request.name_id_format.as_deref()),
            ("http://sp.test/acs", Some("f"))
        );
    }

    #[test]
    fn anything_else_is_refused() {
        let nested = format!("{}{}", "<a>".repeat(600), "</a>".repeat(600));
        for xml in [
            String::new(),
            "<a/>".to_owned(),
            format!("<!DOCTYPE a [<!ENTITY e 'x'>]>{}", request(GOOD, ISSUER)),
            format!("<!DOCTYPE a>{}", request(GOOD, ISSUER)),
            request(GOOD, &nested),
            request(GOOD, ""),
            request(&GOOD.replace("2.0", "1.1"), ISSUER),
            request(&GOOD.replace("_1", "a b"), ISSUER),
            request(&GOOD.replace("ID='_1'", ""), ISSUER),
            request("ID='_1' Version='2.0'", ISSUER),
            request(&format!("{GOOD} Destination='http://other.test'"), ISSUER),
            request(
                &format!("{GOOD} ProtocolBinding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact'"),
                ISSUER,
            ),
            request(GOOD, ISSUER).replace("AuthnRequest", "LogoutRequest"),
        ] {
            assert!(AuthnRequest::parse(&xml, HERE).is_err(), "{xml}");
        }
    }

    proptest! {
        #[test]
        fn nothing_sent_makes_it_panic(parameter in "[A-Za-z0-9+/]{0,200}={0,2}", xml in "[<>/a-z:!&; '\"=-]{0,200}") {
            let _ = decode_redirect(&parameter);
            let _ = decode_post(&parameter);
            let _ = AuthnRequest::parse(&xml, HERE);
            let _ = LogoutRequest::parse(&request(&xml, &xml), HERE);
        }
    }
}
