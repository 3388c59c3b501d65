//! Metadata: what is refused, and ours.

use orgate_saml::certificate::CertificateError;
use orgate_saml::metadata::{IdpMetadata, MetadataError, NAME_ID_EMAIL, NAME_ID_PERSISTENT, SpMetadata};

use crate::support::{ACS, SLO, SP, certificate, key, now, text, time};

const MD: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

fn key_descriptor(body: &str) -> String {
    format!(
        r#"<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{body}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"#
    )
}

fn sso(location: &str) -> String {
    format!(r#"<SingleSignOnService Binding="{REDIRECT}" Location="{location}"/>"#)
}

fn entity(id: &str, inside: &str) -> String {
    format!(
        r#"<EntityDescriptor xmlns="{MD}" entityID="{id}"><IDPSSODescriptor protocolSupportEnumeration="{SAMLP}">{inside}</IDPSSODescriptor></EntityDescriptor>"#
    )
}

fn good(id: &str) -> String {
    entity(id, &(key_descriptor(&certificate("idp").base64()) + &sso("https://a.test/sso")))
}

fn parse(xml: &str) -> Result<IdpMetadata, MetadataError> {
    IdpMetadata::parse(xml.as_bytes(), None)
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let weak = certificate_text("weak");
    assert!(matches!(
        parse(&entity("a", &sso("https://a.test/"))),
        Err(MetadataError::NoSigningCertificate(None))
    ));
    assert_eq!(
        parse(&entity("a", &(key_descriptor(&weak) + &sso("https://a.test/")))),
        Err(MetadataError::NoSigningCertificate(Some(CertificateError::RsaSize(1024))))
    );
    let keys = key_descriptor(&certificate("idp").base64());
    for location in [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://a.test/",
        "//a.test/",
        "/sso",
        "https://",
        "https:///x",
        "https://user@a.test/",
        "https://a.test/#x",
        "https://a.test/&quot;",
        "https://a.test/ x",
        "HTTPS://a.test/",
        "https://\u{e4}.test/",
    ] {
        let found = parse(&entity("a", &(keys.clone() + &sso(location))));
        assert_eq!(found, Err(MetadataError::NoSingleSignOn), "{location}");
    }
    assert_eq!(parse(&entity("", &(keys.clone() + &sso("https://a.test/")))), Err(MetadataError::EntityId));
    let long = "a".repeat(1025);
    assert_eq!(parse(&entity(&long, &(keys + &sso("https://a.test/")))), Err(MetadataError::EntityId));
    assert_eq!(parse(&good("a").replace(SAMLP, "urn:x")), Err(MetadataError::NoIdentityProvider));
    assert_eq!(parse("<html/>"), Err(MetadataError::NoIdentityProvider));
    assert!(matches!(parse("<!DOCTYPE x><x/>"), Err(MetadataError::Unreadable(_))));
}

fn certificate_text(name: &str) -> String {
    text(&format!("keys/{name}.crt")).lines().filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn a_bad_certificate_beside_a_good_one_is_left_out() {
    let keys = key_descriptor(&certificate_text("weak")) + &key_descriptor("?");
    let inside = keys + &key_descriptor(&certificate("idp").base64()) + &sso("https://a.test/");

    let metadata = parse(&entity("a", &inside)).expect("metadata");

    assert_eq!(metadata.signing_certificates, [certificate("idp")]);
    assert_eq!(metadata.ignored_certificates, [CertificateError::RsaSize(1024), CertificateError::Encoding]);
}

#[test]
fn one_of_several_entities_is_chosen_by_its_id() {
    let several =
        format!(r#"<EntitiesDescriptor xmlns="{MD}">{}{}</EntitiesDescriptor>"#, good("a"), good("b"));
    let xml = several.as_bytes();

    let ambiguous = IdpMetadata::parse(xml, None);
    let chosen = IdpMetadata::parse(xml, Some("b"));
    let missing = IdpMetadata::parse(xml, Some("c"));

    assert_eq!(ambiguous, Err(MetadataError::Ambiguous(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(chosen.map(|metadata| metadata.entity_id).as_deref(), Ok("b"));
    assert_eq!(missing, Err(MetadataError::NoIdentityProvider));
}

#[test]
fn the_earliest_end_of_validity_counts() {
    let one =
        good("a").replace("entityID", r#"validUntil="2026-03-01T13:00:00Z" cacheDuration="PT2H" entityID"#);
    let xml = format!(
        r#"<EntitiesDescriptor xmlns="{MD}" validUntil="2026-03-01T11:00:00Z" cacheDuration="P1D">{one}</EntitiesDescriptor>"#
    );

    let metadata = parse(&xml).expect("metadata");

    assert_eq!(metadata.valid_until, Some(time("2026-03-01T11:00:00Z")));
    assert_eq!(metadata.cache_duration.map(|duration| duration.num_hours()), Some(2));
    assert!(metadata.has_expired(now()));
    assert!(!metadata.has_expired(time("2026-03-01T10:00:00Z")));
}

#[test]
fn our_metadata_says_what_there_is() {
    let (signing, encryption, elliptic) = (certificate("sp"), certificate("sp-next"), certificate("idp-ec"));
    let metadata = SpMetadata {
        entity_id: SP,
        acs_url: ACS,
        slo_url: Some(SLO),
        name_id_formats: &[NAME_ID_PERSISTENT, NAME_ID_EMAIL],
        signing_certificates: &[&signing, &elliptic],
        encryption_certificates: &[&encryption, &elliptic],
        authn_requests_signed: true,
        want_assertions_signed: true,
        valid_until: Some(now()),
    };

    let plain = metadata.to_xml();
    let signed = metadata.to_signed_xml("_m", &key("sp")).expect("signed metadata");

    let count = |needle: &str| plain.matches(needle).count();
    assert_eq!((count("use=\"signing\""), count("use=\"encryption\"")), (2, 1));
    assert_eq!(count("<md:SingleLogoutService"), 2);
    assert!(plain.contains(&format!("Location=\"{ACS}\" index=\"0\" isDefault=\"true\"")), "{plain}");
    assert!(plain.contains("AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\""), "{plain}");
    assert!(plain.contains("validUntil=\"2026-03-01T12:00:00Z\""), "{plain}");
    assert!(count("aes256-gcm") == 1 && count("rsa-1_5") == 0 && count("tripledes") == 0);
    assert!(signed.contains("<ds:SignatureValue>") && !signed.contains("<ds:SignatureValue></"), "{signed}");
}
