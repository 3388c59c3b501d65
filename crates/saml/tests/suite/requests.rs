//! Requests for authentication, as an identity provider sees them.

use orgate_saml::authn_request::{AuthnRequest, NameIdPolicy, SubjectHint};
use orgate_saml::binding::{MessageKind, RedirectQuery, decode_form_value, message_id};
use orgate_saml::crypto::{Bergshamra, SignatureCore};
use orgate_saml::metadata::NAME_ID_EMAIL;

use crate::support::{ACS, SP, certificate, key, now};

fn request<'a>(destination: &'a str, context: &'a [String]) -> AuthnRequest<'a> {
    AuthnRequest {
        id: "_0123456789abcdef0123456789abcdef",
        issue_instant: now(),
        destination,
        acs_url: ACS,
        issuer: SP,
        force_authn: true,
        is_passive: false,
        name_id_policy: Some(NameIdPolicy { format: Some(NAME_ID_EMAIL), allow_create: true }),
        authn_context: context,
        subject: None,
    }
}

#[test]
fn a_request_reads_as_it_should() {
    let context = ["urn:a".to_owned(), "urn:b".to_owned()];
    let request = request("https://idp.example.test/sso", &context);

    let form = request.post_form(None).expect("a form");

    let xml = String::from_utf8(decode_form_value(&form.value).expect("base64")).expect("UTF-8");
    assert_eq!(
        xml,
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
         xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_0123456789abcdef0123456789abcdef\" \
         Version=\"2.0\" IssueInstant=\"2026-03-01T12:00:00Z\" Destination=\"https://idp.example.test/sso\" \
         AssertionConsumerServiceURL=\"https://sso.example.test/saml/acs/1\" \
         ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" ForceAuthn=\"true\">\
         <saml:Issuer>https://sso.example.test/saml/sp</saml:Issuer>\
         <samlp:NameIDPolicy Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\" \
         AllowCreate=\"true\"/><samlp:RequestedAuthnContext Comparison=\"exact\">\
         <saml:AuthnContextClassRef>urn:a</saml:AuthnContextClassRef>\
         <saml:AuthnContextClassRef>urn:b</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>\
         </samlp:AuthnRequest>"
    );
}

#[test]
fn a_subject_is_named_only_if_asked_for() {
    let silent = request("https://idp.example.test/sso", &[]);
    let mut telling = silent;
    telling.subject = Some(SubjectHint { value: "alice@example.test", format: None });

    let xml = |request: AuthnRequest<'_>| {
        let form = request.post_form(None).expect("a form");
        String::from_utf8(decode_form_value(&form.value).expect("base64")).expect("UTF-8")
    };

    assert!(!xml(silent).contains("Subject"));
    assert!(
        xml(telling).contains("<saml:Subject><saml:NameID>alice@example.test</saml:NameID></saml:Subject>")
    );
}

#[test]
fn a_redirect_is_signed_over_its_query() {
    for (destination, start) in [
        ("https://idp.example.test/sso", "https://idp.example.test/sso?SAMLRequest="),
        ("https://idp.example.test/sso?", "https://idp.example.test/sso?SAMLRequest="),
        (
            "https://idp.example.test/sso?idpid=C01&x=",
            "https://idp.example.test/sso?idpid=C01&x=&SAMLRequest=",
        ),
    ] {
        let url =
            request(destination, &[]).redirect_url(Some("r=1&s"), Some(&key("sp"))).expect("an address");

        assert!(url.starts_with(start), "{url}");
        let query = RedirectQuery::parse(url.split_once('?').expect("a query").1).expect("a message");
        assert_eq!((query.kind(), query.relay_state()), (MessageKind::Request, Some("r=1&s")));
        query.verify(&[certificate("sp")]).expect("a good signature");
        query.verify(&[certificate("sp-next")]).expect_err("another key");
    }
}

#[test]
fn an_unsigned_redirect_has_no_signature() {
    let url = request("https://idp.example.test/sso", &[]).redirect_url(None, None).expect("an address");

    assert!(!url.contains("Sig") && !url.contains("RelayState"), "{url}");
}

#[test]
fn a_posted_request_carries_a_signature_that_we_would_accept() {
    for name in ["sp", "idp-ec", "odd-secp384r1", "odd-secp521r1"] {
        let request = request("https://idp.example.test/sso", &[]);
        let form = request.post_form(Some(&key(name))).expect("a form");
        let xml = String::from_utf8(decode_form_value(&form.value).expect("base64")).expect("UTF-8");

        let bytes = Bergshamra.verify(&xml, request.id, &[&certificate(name)]).expect("a good signature");

        let signed = String::from_utf8(bytes).expect("UTF-8");
        assert!(signed.starts_with("<samlp:AuthnRequest") && !signed.contains("Signature"), "{signed}");
        Bergshamra.verify(&xml, request.id, &[&certificate("sp-next")]).expect_err("another key");
    }
}

#[test]
fn ids_are_names_of_their_random_bytes() {
    assert_eq!(message_id([0xAB; 20]), format!("_{}", "ab".repeat(20)));
}
