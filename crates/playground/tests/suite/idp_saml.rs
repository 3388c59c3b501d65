//! The sample SAML identity provider, seen by a service provider.

use std::io::Write as _;

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bergshamra::{DsigContext, KeysManager, keys::loader::load_x509_cert_der, verify};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use orgate_playground::saml_metadata;
use reqwest::StatusCode;
use roxmltree::{Document, Node};
use url::Url;

use crate::idp::{ACS, Browser, ENTITY_ID, Page, config, directory, start, start_with};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

fn authn_request(browser: &Browser, attributes: &str, name_id_format: &str) -> String {
    format!(
        r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="2026-11-22T04:52:10Z" Destination="{}saml/sso" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="{ACS}" {attributes}><saml:Issuer>{ENTITY_ID}</saml:Issuer><samlp:NameIDPolicy Format="{name_id_format}" AllowCreate="true"/></samlp:AuthnRequest>"#,
        browser.base
    )
}

fn logout_request(browser: &Browser, name_id: &str) -> String {
    format!(
        r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_l1" Version="2.0" IssueInstant="2026-11-22T04:52:10Z" Destination="{}saml/slo"><saml:Issuer>{ENTITY_ID}</saml:Issuer><saml:NameID>{name_id}</saml:NameID></samlp:LogoutRequest>"#,
        browser.base
    )
}

fn deflate(xml: &[u8]) -> String {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(xml).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

impl Browser {
    async fn send_by_redirect(&self, path: &str, xml: &str) -> Page {
        let mut url = self.base.join(path).unwrap();
        url.query_pairs_mut().append_pair("SAMLRequest", &deflate(xml.as_bytes()));
        url.query_pairs_mut().append_pair("RelayState", "relay \"1\"");
        self.get(url).await
    }

    async fn send_by_post(&self, xml: &str) -> Page {
        let fields = [("SAMLRequest", STANDARD.encode(xml)), ("RelayState", "relay \"1\"".into())];
        self.post("/saml/sso", &fields.map(|(name, value)| (name.to_owned(), value))).await
    }

    /// Those that the metadata name.
    async fn certificate(&self) -> Vec<u8> {
        let metadata = self.get("/saml/metadata").await;
        assert_eq!(metadata.headers["content-type"], "application/samlmetadata+xml");
        certificate_of(&metadata.body)
    }
}

fn certificate_of(metadata: &str) -> Vec<u8> {
    let document = Document::parse(metadata).unwrap();
    STANDARD.decode(find(document.root_element(), "X509Certificate").text().unwrap()).unwrap()
}

fn find<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Node<'a, 'd> {
    node.descendants().find(|node| node.tag_name().name() == name).unwrap_or_else(|| panic!("no {name}"))
}

/// The response in the form that a page sends on.
fn response(page: &Page) -> String {
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    let encoded = page.field("SAMLResponse").unwrap_or_else(|| panic!("no response: {}", page.body));
    String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
}

fn is_signed(xml: &str, certificate: &[u8]) -> bool {
    let mut keys = KeysManager::new();
    keys.add_key(load_x509_cert_der(certificate).unwrap());
    verify(&DsigContext::new(keys), xml).is_ok_and(|result| result.is_valid())
}

/// Verifies the response, and that it is the assertion that is signed.
async fn assert_signed(browser: &Browser, xml: &str, signed: &str) {
    let certificate = browser.certificate().await;
    assert!(is_signed(xml, &certificate), "{xml}");
    assert!(!is_signed(xml, &start().await.certificate().await), "another key is no good");
    let document = Document::parse(xml).unwrap();
    let signature = find(document.root_element(), "Signature");
    let parent = signature.parent().unwrap();
    assert_eq!(parent.tag_name().name(), signed);
    let reference = find(signature, "Reference").attribute("URI").unwrap();
    assert_eq!(Some(reference), parent.attribute("ID").map(|id| format!("#{id}")).as_deref());
    assert_eq!(find(signature, "SignatureMethod").attribute("Algorithm"), Some(RSA_SHA256));
    let pinned = STANDARD.encode(certificate);
    let sent: String = find(signature, "X509Certificate").text().unwrap().split_whitespace().collect();
    assert_eq!(sent, pinned);
}

fn attributes(document: &Document<'_>) -> Vec<(String, Vec<String>)> {
    let values = |node: Node<'_, '_>| {
        node.descendants()
            .filter(|node| node.tag_name().name() == "AttributeValue")
            .map(|value| value.text().unwrap().to_owned())
            .collect()
    };
    let attributes = document.descendants().filter(|node| node.tag_name().name() == "Attribute");
    attributes.map(|node| (node.attribute("Name").unwrap().to_owned(), values(node))).collect()
}

fn name_id(xml: &str) -> String {
    find(Document::parse(xml).unwrap().root_element(), "NameID").text().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_by_redirect_is_answered_with_a_signed_assertion() {
    let browser = start().await;
    let request = authn_request(&browser, "", PERSISTENT);

    let page = browser.send_by_redirect("saml/sso", &request).await;
    let page = browser.continue_as(&page, "ada").await;

    assert!(page.body.contains(&format!(r#"<form id="answer" method="post" action="{ACS}">"#)));
    assert!(page.body.contains("<button class=\"button\">Continue</button>"));
    assert_eq!(page.field("RelayState").as_deref(), Some("relay \"1\""));
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    let nonce = page.body.split_once("<script nonce=\"").unwrap().1.split('"').next().unwrap();
    assert!(policy.ends_with(&format!("; script-src 'nonce-{nonce}'")), "{policy}");
    let xml = response(&page);
    assert_signed(&browser, &xml, "Assertion").await;
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!((root.attribute("Destination"), root.attribute("InResponseTo")), (Some(ACS), Some("_r1")));
    assert_eq!(find(root, "Audience").text(), Some(ENTITY_ID));
    let data = find(root, "SubjectConfirmationData");
    assert_eq!((data.attribute("Recipient"), data.attribute("InResponseTo")), (Some(ACS), Some("_r1")));
    let issuer = format!("{}saml/metadata", browser.base);
    let issuers: Vec<_> = root.descendants().filter(|node| node.tag_name().name() == "Issuer").collect();
    assert!(issuers.len() == 2 && issuers.iter().all(|node| node.text() == Some(&issuer)));
    assert_eq!(find(root, "NameID").attribute("Format"), Some(PERSISTENT));
    let text = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
    assert_eq!(
        attributes(&document),
        [
            ("email".to_owned(), text(&["ada@globex.test"])),
            ("firstName".to_owned(), text(&["Ada"])),
            ("lastName".to_owned(), text(&["Lovelace"])),
            ("displayName".to_owned(), text(&["Ada Lovelace"])),
            ("groups".to_owned(), text(&["engineering", "R&D <lab>"])),
        ]
    );
}

#[tokio::test]
async fn a_request_by_post_is_answered_too() {
    let browser = start().await;
    let request = authn_request(&browser, "", EMAIL_ADDRESS);

    let page = browser.send_by_post(&request).await;
    let xml = response(&browser.continue_as(&page, "grace").await);

    assert_signed(&browser, &xml, "Assertion").await;
    assert_eq!(name_id(&xml), "grace@globex.test");
    assert!(!xml.contains("groups"));
}

#[tokio::test]
async fn a_changed_assertion_is_noticed() {
    let browser = start().await;
    let page = browser.send_by_post(&authn_request(&browser, "", PERSISTENT)).await;
    let xml = response(&browser.continue_as(&page, "ada").await);
    let certificate = browser.certificate().await;

    assert!(is_signed(&xml, &certificate));
    assert!(!is_signed(&xml.replace("ada@globex.test", "eve@globex.test"), &certificate));
}

#[tokio::test]
async fn who_is_signed_in_is_recognized() {
    let browser = start().await;
    let request = authn_request(&browser, "", PERSISTENT);
    let page = browser.send_by_redirect("saml/sso", &request).await;
    let first = response(&browser.continue_as(&page, "ada").await);

    let second = response(&browser.send_by_post(&request).await);
    let passive =
        response(&browser.send_by_post(&authn_request(&browser, "IsPassive='1'", PERSISTENT)).await);
    let forced = browser.send_by_post(&authn_request(&browser, "ForceAuthn='true'", PERSISTENT)).await;

    assert_eq!(name_id(&first), name_id(&second));
    assert_eq!(name_id(&first), name_id(&passive));
    assert!(forced.asks_who());
    assert!(browser.get("/saml").await.body.contains("signed in here as <strong>Ada Lovelace"));
    browser.post("/saml/sign-out", &[]).await;
    assert!(browser.send_by_post(&request).await.asks_who());
}

#[tokio::test]
async fn a_refusal_is_signed_and_names_nobody() {
    let browser = start().await;

    for (attributes, format, code) in [
        ("IsPassive='true'", PERSISTENT, "NoPassive"),
        ("", "urn:oasis:names:tc:SAML:2.0:nameid-format:transient", "InvalidNameIDPolicy"),
    ] {
        let xml = response(
            &browser.send_by_redirect("saml/sso", &authn_request(&browser, attributes, format)).await,
        );
        assert_signed(&browser, &xml, "Response").await;
        assert!(
            xml.contains(&format!("urn:oasis:names:tc:SAML:2.0:status:{code}")) && !xml.contains("Assertion")
        );
    }
}

#[tokio::test]
async fn nobody_else_is_told() {
    let browser = start().await;
    let request = authn_request(&browser, "", PERSISTENT);
    let (issuer, acs) = (format!("<saml:Issuer>{ENTITY_ID}"), format!("ServiceURL=\"{ACS}"));

    for (from, to, words) in [
        (&acs, "ServiceURL=\"http://evil.test/saml/acs", "assertion consumer service"),
        (&acs, "ServiceURL=\"http://orgate.test.evil.test/saml/acs", "assertion consumer service"),
        (&acs, "ServiceURL=\"http://orgate.test/saml/../acs", "assertion consumer service"),
        (&issuer, "<saml:Issuer>http://evil.test/saml", "service provider"),
    ] {
        let changed = request.replace(from, to);
        assert_ne!(changed, request);
        let (redirect, post) =
            (browser.send_by_redirect("saml/sso", &changed).await, browser.send_by_post(&changed).await);
        for page in [redirect, post] {
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{to}");
            assert!(page.body.contains(words) && !page.asks_who(), "{}", page.body);
        }
    }

    let mut fields = browser.send_by_post(&request).await.fields();
    fields.push(("username".into(), "ada".into()));
    for field in &mut fields {
        if field.0 == "acs_url" {
            field.1 = "http://evil.test/".into();
        }
    }
    let page = browser.post("/saml/sign-in", &fields).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(browser.send_by_post(&request).await.asks_who(), "nobody was signed in by that");
}

#[tokio::test]
async fn what_is_no_honest_message_is_refused() {
    let browser = start().await;
    let bomb = deflate(&vec![b' '; 16 * 1024 * 1024]);
    let request = authn_request(&browser, "", PERSISTENT);
    let doctype = format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{request}");
    let deep = request.replace("<samlp:NameIDPolicy", &format!("{}<samlp:NameIDPolicy", "<a>".repeat(5000)));

    for parameter in [bomb, deflate(doctype.as_bytes()), deflate(deep.as_bytes()), "AAAA".into(), "%".into()]
    {
        let mut url = browser.base.join("saml/sso").unwrap();
        url.query_pairs_mut().append_pair("SAMLRequest", &parameter);
        let page = browser.get(url).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.body.contains("the SAML message was refused"), "{}", page.body);
    }
    for xml in [doctype, deep, "x".repeat(200_000), String::new()] {
        assert_eq!(browser.send_by_post(&xml).await.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(browser.get("/saml/sso").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_sign_in_can_begin_here() {
    let browser = start().await;
    let home = browser.get("/saml").await;
    assert!(home.body.contains("<button class=\"button\">Orgate</button>"));
    let mut url = browser.base.join("saml/start").unwrap();
    url.query_pairs_mut().extend_pairs(home.fields());

    let page = browser.get(&url).await;
    let page = browser.continue_as(&page, "ada").await;

    assert_eq!(page.field("RelayState").as_deref(), Some("tile & co"));
    let xml = response(&page);
    assert_signed(&browser, &xml, "Assertion").await;
    assert!(!xml.contains("InResponseTo"));
    assert!(!response(&browser.get(&url).await).is_empty());
    let mut foreign = browser.base.join("saml/start").unwrap();
    foreign.query_pairs_mut().append_pair("entity_id", ENTITY_ID).append_pair("acs_url", "http://evil.test/");
    assert_eq!(browser.get(foreign).await.status, StatusCode::BAD_REQUEST);
}

/// Checks the signature over the query as it was sent, and returns the message.
fn verified_query(url: &Url, certificate: &[u8]) -> String {
    let (signed, signature) = url.query().unwrap().split_once("&Signature=").unwrap();
    let signature: String = url::form_urlencoded::parse(signature.as_bytes()).next().unwrap().0.into_owned();
    let key = load_x509_cert_der(certificate).unwrap().to_spki_der().unwrap();
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &key)
        .unwrap()
        .verify_sig(signed.as_bytes(), &STANDARD.decode(signature).unwrap())
        .unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(
        pairs[1..3],
        [("RelayState".into(), "relay \"1\"".into()), ("SigAlg".into(), RSA_SHA256.into())]
    );
    std::io::read_to_string(DeflateDecoder::new(STANDARD.decode(&pairs[0].1).unwrap().as_slice())).unwrap()
}

#[tokio::test]
async fn a_logout_request_ends_the_session_and_is_answered_signed() {
    let browser = start().await;
    let request = authn_request(&browser, "", PERSISTENT);
    let page = browser.send_by_redirect("saml/sso", &request).await;
    let name_id = name_id(&response(&browser.continue_as(&page, "ada").await));

    let other = browser.send_by_redirect("saml/slo", &logout_request(&browser, "grace@globex.test")).await;
    assert_eq!(other.status, StatusCode::SEE_OTHER);
    assert!(!browser.send_by_post(&request).await.asks_who(), "it names somebody else");
    let page = browser.send_by_redirect("saml/slo", &logout_request(&browser, &name_id)).await;

    let url = page.location.unwrap();
    assert!(url.as_str().starts_with("http://orgate.test/saml/con_1/slo?SAMLResponse="), "{url}");
    let xml = verified_query(&url, &browser.certificate().await);
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "LogoutResponse");
    assert_eq!(root.attribute("InResponseTo"), Some("_l1"));
    assert_eq!(root.attribute("Destination"), Some("http://orgate.test/saml/con_1/slo"));
    assert!(xml.contains("status:Success"));
    assert!(browser.send_by_post(&request).await.asks_who());
    let foreign = logout_request(&browser, &name_id).replace(ENTITY_ID, "http://evil.test/saml");
    assert_eq!(browser.send_by_redirect("saml/slo", &foreign).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_kept_key_is_the_same_after_a_restart() {
    let file = directory("kept_key").join("saml.pem");
    let mut known_before = config("http://localhost:8092/".parse().unwrap());
    known_before.saml.key_file = Some(file.clone());
    let metadata = saml_metadata(&known_before).unwrap();

    let first = start_with(|config| config.saml.key_file = Some(file.clone())).await.certificate().await;
    let second = start_with(|config| config.saml.key_file = Some(file.clone())).await.certificate().await;
    let other = start().await.certificate().await;

    assert_eq!((certificate_of(&metadata), &first), (first.clone(), &second));
    assert_ne!(first, other);
    assert!(metadata.contains("entityID=\"http://localhost:8092/saml/metadata\""));
    assert!(saml_metadata(&config("http://localhost:8092/".parse().unwrap())).is_err());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_key_file_that_cannot_be_used_is_left_alone() {
    let file = directory("bad_key").join("saml.pem");
    std::fs::write(&file, "precious").unwrap();
    let mut config = config("http://localhost:8092/".parse().unwrap());
    config.saml.key_file = Some(file.clone());

    let error = saml_metadata(&config).unwrap_err();

    assert!(error.to_string().contains("saml.pem"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
}

/// By another implementation, where there is one.
#[tokio::test]
async fn xmlsec_finds_the_signature_good() {
    let browser = start().await;
    let page = browser.send_by_post(&authn_request(&browser, "", PERSISTENT)).await;
    let xml = response(&browser.continue_as(&page, "ada").await);
    let directory = directory("xmlsec");
    std::fs::write(directory.join("response.xml"), &xml).unwrap();
    std::fs::write(directory.join("certificate.der"), browser.certificate().await).unwrap();

    let output = std::process::Command::new("xmlsec1")
        .args(["--verify", "--pubkey-cert-der", "certificate.der", "--id-attr:ID"])
        .args(["urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "response.xml"])
        .current_dir(&directory)
        .output();

    match output {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
}
