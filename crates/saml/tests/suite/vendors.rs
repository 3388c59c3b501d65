//! Identity providers as they are: their metadata is read, and a response in their shape validates with what the
//! metadata said.

use std::collections::BTreeMap;

use orgate_saml::metadata::{Binding, Endpoint, IdpMetadata, MetadataError};
use orgate_saml::response::{ResponseCheck, validate};
use serde::Deserialize;

use crate::support::{Identity, Keys, certificate, read, time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    name: String,
    source: String,
    entity_id: String,
    sso: Vec<(String, String)>,
    #[serde(default)]
    slo: Vec<(String, String)>,
    certificates: Option<usize>,
    #[serde(default)]
    want_signed: bool,
    #[serde(default)]
    signed_metadata: bool,
    valid_until: Option<String>,
    cache_seconds: Option<i64>,
    display_name: Option<String>,
    identity: Identity,
}

fn vendors() -> Vec<Vendor> {
    serde_json::from_slice(&read("vendors/cases.json")).expect("a manifest")
}

fn named(endpoints: &[Endpoint]) -> Vec<(String, String)> {
    let name = |binding| match binding {
        Binding::Redirect => "redirect",
        Binding::Post => "post",
    };
    endpoints.iter().map(|endpoint| (name(endpoint.binding).to_owned(), endpoint.location.clone())).collect()
}

#[test]
fn metadata_and_responses_of_vendors_are_understood() {
    let keys = Keys::standard();
    for vendor in vendors() {
        let name = &vendor.name;
        assert!(vendor.source.contains("http"), "{name} names no source");

        let metadata = IdpMetadata::parse(&read(&format!("vendors/{name}.metadata.xml")), None);
        let metadata = metadata.unwrap_or_else(|error| panic!("{name}: {error}"));

        assert_eq!(metadata.entity_id, vendor.entity_id, "{name}");
        assert_eq!(named(&metadata.sso), vendor.sso, "{name}");
        assert_eq!(named(&metadata.slo), vendor.slo, "{name}");
        assert_eq!(metadata.signing_certificates.len(), vendor.certificates.unwrap_or(1), "{name}");
        assert_eq!(metadata.want_authn_requests_signed, vendor.want_signed, "{name}");
        assert_eq!(metadata.valid_until, vendor.valid_until.as_deref().map(time), "{name}");
        assert_eq!(metadata.cache_duration.map(|d| d.num_seconds()), vendor.cache_seconds, "{name}");
        assert_eq!(metadata.display_name, vendor.display_name, "{name}");

        let check = ResponseCheck {
            idp_entity_id: &metadata.entity_id,
            signing_certificates: &metadata.signing_certificates,
            ..keys.check()
        };
        let validation = validate(&check, &read(&format!("vendors/{name}.response.xml")));
        let found = validation.result.map(|found| Identity::from(&found));
        assert_eq!(found, Ok(vendor.identity), "{name}");
    }
}

#[test]
fn a_vendor_says_nothing_to_the_connection_of_another() {
    let keys = Keys::standard();
    let all = vendors();
    let entities: BTreeMap<_, _> = all.iter().map(|vendor| (&vendor.name, &vendor.entity_id)).collect();
    for vendor in &all {
        let xml = read(&format!("vendors/{}.response.xml", vendor.name));
        for entity_id in entities.values().filter(|entity_id| ***entity_id != vendor.entity_id) {
            let check = ResponseCheck { idp_entity_id: entity_id, ..keys.check() };

            let rejection = validate(&check, &xml).result.expect_err("another's");

            assert!(matches!(rejection.check.name(), "response_issuer" | "assertion_issuer"), "{rejection}");
        }
    }
}

#[test]
fn signed_metadata_is_believed_only_with_the_right_key() {
    for vendor in vendors() {
        let xml = read(&format!("vendors/{}.metadata.xml", vendor.name));

        let right = IdpMetadata::parse_signed(&xml, None, &[certificate("attacker"), certificate("idp")]);
        let wrong = IdpMetadata::parse_signed(&xml, None, &[certificate("attacker")]);

        assert_eq!(right.is_ok(), vendor.signed_metadata, "{}: {right:?}", vendor.name);
        assert!(matches!(wrong, Err(MetadataError::Untrusted(_))), "{}", vendor.name);
    }
}
