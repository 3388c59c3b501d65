//! Keys and certificates in the forms in which administrators have them.

use orgate_saml::certificate::{Certificate, CertificateError, KeyType};
use orgate_saml::key::{KeyError, KeyPair};

use crate::support::{certificate, key, text};

fn pair(key: &str, certificate: &str) -> Result<KeyPair, KeyError> {
    KeyPair::from_pem(&text(&format!("keys/{key}.key")), &text(&format!("keys/{certificate}.crt")))
}

#[test]
fn a_certificate_is_read_in_any_form() {
    let pem = text("keys/idp.crt");
    let bare: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let expected = certificate("idp");

    for form in [
        pem.clone(),
        pem.replace('\n', "\r\n"),
        format!("Bag Attributes\n    friendlyName: x\n{pem}trailing words"),
        bare.clone(),
        format!("\n\t {} \r\n {} ", &bare[..100], &bare[100..]),
    ] {
        assert_eq!(Certificate::parse(&form).as_ref(), Ok(&expected), "{form}");
    }
    assert_eq!(Certificate::from_der(expected.der()).as_ref(), Ok(&expected));
    assert_eq!(expected.key_type(), KeyType::Rsa(2048));
    assert_eq!(expected.subject(), "CN=idp.example.test");
    assert_eq!(expected.not_after().to_rfc3339(), "2046-01-01T00:00:00+00:00");
}

#[test]
fn only_keys_that_are_strong_enough_are_taken() {
    let read =
        |name: &str| Certificate::parse(&text(&format!("keys/{name}.crt"))).map(|read| read.key_type());

    assert_eq!(read("idp-ec"), Ok(KeyType::P256));
    assert_eq!(read("odd-secp384r1"), Ok(KeyType::P384));
    assert_eq!(read("odd-secp521r1"), Ok(KeyType::P521));
    assert_eq!(read("weak"), Err(CertificateError::RsaSize(1024)));
    assert_eq!(read("odd-secp256k1"), Err(CertificateError::UnsupportedKey));
    assert_eq!(read("odd-ed25519"), Err(CertificateError::UnsupportedKey));
}

#[test]
fn what_is_no_certificate_is_refused() {
    let der = certificate("idp").der().to_vec();
    let longer = [der.as_slice(), &[0]].concat();

    assert_eq!(Certificate::parse(""), Err(CertificateError::Malformed));
    assert_eq!(Certificate::parse("hello!"), Err(CertificateError::Encoding));
    assert_eq!(Certificate::parse("-----BEGIN CERTIFICATE-----\nAAAA"), Err(CertificateError::Encoding));
    assert_eq!(Certificate::parse(&text("keys/idp.key")), Err(CertificateError::Encoding));
    assert_eq!(Certificate::from_der(&der[..der.len() - 1]), Err(CertificateError::Malformed));
    assert_eq!(Certificate::from_der(longer), Err(CertificateError::Malformed));
    assert_eq!(Certificate::parse(&"A".repeat(1_000_000)), Err(CertificateError::TooLarge));
}

#[test]
fn a_private_key_is_read_in_any_form() {
    let expected = key("sp");

    let older = pair("sp.pkcs1", "sp").expect("PKCS #1");
    let elliptic = pair("idp-ec.sec1", "idp-ec").expect("SEC 1");
    let larger = pair("odd-secp384r1", "odd-secp384r1").expect("P-384");
    let largest = pair("odd-secp521r1", "odd-secp521r1").expect("P-521");

    assert_eq!(older.certificate(), expected.certificate());
    assert_eq!(KeyPair::from_der(older.pkcs8(), expected.certificate().der()).err(), None);
    assert_eq!(elliptic.certificate().key_type(), KeyType::P256);
    assert_eq!(larger.certificate().key_type(), KeyType::P384);
    assert_eq!(largest.certificate().key_type(), KeyType::P521);
}

#[test]
fn a_key_that_cannot_be_used_is_refused_with_the_reason() {
    assert_eq!(pair("sp.locked", "sp").err(), Some(KeyError::Encrypted));
    assert_eq!(pair("sp.locked-old", "sp").err(), Some(KeyError::Encrypted));
    assert_eq!(pair("sp", "sp-next").err(), Some(KeyError::Mismatch));
    assert_eq!(pair("idp-ec.sec1", "sp").err(), Some(KeyError::Mismatch));
    assert_eq!(pair("weak", "weak").err(), Some(CertificateError::RsaSize(1024).into()));
    assert_eq!(KeyPair::from_pem("", &text("keys/sp.crt")).err(), Some(KeyError::Malformed));
    assert_eq!(KeyPair::from_der(&[0; 40], certificate("sp").der()).err(), Some(KeyError::Malformed));
}
