//! What identity providers send, as it was recorded or documented, and what the preset of its vendor makes of it.
//!
//! `shapes/oidc.json` and `shapes/saml.json` name the source of each shape; what `shapes/corpus.json` expects is of
//! the responses in the corpus of `orgate-saml`. The people are ours.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use orgate_domain::connections::{
    Asserted, AttributeMapping, ConnectionProtocol, ConnectionSettings, OidcSettings, Vendor,
};
use orgate_saml::response::{Attribute, Authentication, NameId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::claims::{Expected, add, attributes, check, is_address_verified};
use super::saml::accepted;
use super::trace::Trace;

const NOW: i64 = 1_772_366_400;

/// A shape of OpenID Connect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokens {
    name: String,
    vendor: String,
    source: String,
    settings: OidcSettings,
    id_token: Map<String, Value>,
    userinfo: Option<Map<String, Value>>,
    expect: Made,
}

/// A shape of SAML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    name: String,
    vendor: String,
    source: String,
    name_id: String,
    format: Option<String>,
    attributes: BTreeMap<String, Vec<String>>,
    expect: Made,
}

/// A response of the corpus.
#[derive(Deserialize)]
struct Recorded {
    name: String,
    source: String,
    identity: Identity,
}

#[derive(Deserialize)]
struct Identity {
    name_id: String,
    format: Option<String>,
    attributes: BTreeMap<String, Vec<String>>,
}

/// What is expected of a response of the corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfCorpus {
    name: String,
    vendor: String,
    expect: Made,
}

/// What is made of it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Made {
    address: Option<String>,
    /// Whether the provider vouches for the address itself.
    verified: bool,
    name: Option<String>,
    groups: BTreeSet<String>,
}

fn read<T: DeserializeOwned>(text: &str) -> Vec<T> {
    serde_json::from_str(text).expect("shapes")
}

fn tokens() -> Vec<Tokens> {
    read(include_str!("shapes/oidc.json"))
}

/// The statements of both files.
fn statements() -> Vec<Statement> {
    let mut recorded: BTreeMap<String, Recorded> =
        read::<Recorded>(include_str!("../../../saml/tests/corpus/vendors/cases.json"))
            .into_iter()
            .map(|recorded| (recorded.name.clone(), recorded))
            .collect();
    let mut all: Vec<Statement> = read(include_str!("shapes/saml.json"));
    for OfCorpus { name, vendor, expect } in read(include_str!("shapes/corpus.json")) {
        let Recorded { source, identity, .. } =
            recorded.remove(&name).unwrap_or_else(|| panic!("{name} is not in the corpus"));
        let Identity { name_id, format, attributes } = identity;
        all.push(Statement { name, vendor, source, name_id, format, attributes, expect });
    }
    assert!(recorded.is_empty(), "nothing is expected of {:?}", recorded.keys());
    all
}

fn vendor(text: &str) -> Vendor {
    Vendor::from_text(text).unwrap_or_else(|| panic!("no vendor {text}"))
}

impl Tokens {
    fn preset(&self) -> AttributeMapping {
        AttributeMapping::preset(vendor(&self.vendor), ConnectionProtocol::Oidc)
    }

    fn asserted(&self, mapping: &AttributeMapping) -> Asserted {
        let mut claims = self.id_token.clone();
        if let Some(userinfo) = &self.userinfo {
            add(&mut claims, userinfo.clone());
        }
        let attributes = attributes(&claims);
        let address_verified = is_address_verified(&claims, &attributes, mapping);
        Asserted { subject: "subject".to_owned(), address_verified, attributes }
    }
}

impl Statement {
    fn preset(&self) -> AttributeMapping {
        AttributeMapping::preset(vendor(&self.vendor), ConnectionProtocol::Saml)
    }

    fn asserted(&self) -> Asserted {
        let now = DateTime::from_timestamp(NOW, 0).expect("a time");
        let attribute = |(name, values): (&String, &Vec<String>)| Attribute {
            name: name.clone(),
            friendly_name: None,
            name_format: None,
            values: values.clone(),
        };
        let name_id = NameId {
            value: self.name_id.clone(),
            format: self.format.clone(),
            name_qualifier: None,
            sp_name_qualifier: None,
        };
        let authentication = Authentication {
            issuer: "idp".to_owned(),
            assertion_id: "_1".to_owned(),
            name_id,
            session_index: None,
            session_not_on_or_after: None,
            authn_instant: now,
            authn_context: None,
            attributes: self.attributes.iter().map(attribute).collect(),
            valid_until: now,
        };
        accepted(authentication).identity.asserted
    }
}

/// Applies a mapping as a sign-in does, with a rule for each group.
fn made(asserted: &Asserted, mapping: &AttributeMapping) -> Made {
    let groups: BTreeSet<String> =
        mapping.groups_in(&asserted.attributes).into_iter().map(str::to_owned).collect();
    let rules: Vec<Value> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| json!({ "value": group, "roles": [format!("role-{at}")] }))
        .collect();
    let settings = json!({
        "provider": { "oidc": { "issuer": "https://idp.test", "client_id": "orgate" } },
        "mapping": mapping, "rules": rules, "trusts_addresses": true,
    });
    let settings: ConnectionSettings = serde_json::from_value(settings).expect("settings");
    // A transient name is no subject: whoever sends one is asked for another, or for an attribute.
    let named = Asserted { subject: "subject".to_owned(), ..asserted.clone() };
    let mapped = settings.map(&named, |_| true).expect("a subject");
    assert_eq!(mapped.roles.len(), groups.len(), "a group is found and no rule sees it: {groups:?}");
    Made {
        address: mapped.address.own().map(|email| email.as_str().to_owned()),
        verified: asserted.address_verified,
        name: mapped.name.map(|name| name.as_str().to_owned()),
        groups,
    }
}

#[test]
fn the_claims_of_vendors_are_understood_by_their_presets() {
    for shape in tokens() {
        let preset = shape.preset();

        let made = made(&shape.asserted(&preset), &preset);

        assert_eq!(made, shape.expect, "{}", shape.name);
    }
}

#[test]
fn the_attributes_of_vendors_are_understood_by_their_presets() {
    for shape in statements() {
        let made = made(&shape.asserted(), &shape.preset());

        assert_eq!(made, shape.expect, "{}", shape.name);
    }
}

#[test]
fn a_transient_name_is_nobodys_and_every_other_is_somebodys() {
    let mut transient = 0;
    for shape in statements() {
        let is_transient = shape.format.as_deref().is_some_and(|format| format.ends_with(":transient"));
        transient += usize::from(is_transient);

        assert_eq!(shape.asserted().subject.is_empty(), is_transient, "{}", shape.name);
    }
    assert!(transient > 0, "some vendor sends one");
}

#[test]
fn the_claims_of_vendors_pass_every_check() {
    for shape in tokens() {
        let now = DateTime::from_timestamp(NOW, 0).expect("a time");
        let settings = &shape.settings;
        let expected = Expected { settings, nonce: "n-0S6_WzA2Mj", max_age: None, now };

        let checked = check(&shape.id_token, &expected, &mut Trace::default());

        assert!(checked.is_ok(), "{}: {checked:?}", shape.name);
    }
}

#[test]
fn every_vendor_has_a_shape_with_an_address_a_name_and_its_groups() {
    let whole = |made: &Made, vendor: Vendor| {
        let groups = vendor == Vendor::Google || !made.groups.is_empty();
        made.address.is_some() && made.name.is_some() && groups
    };
    let of_claims: BTreeSet<Vendor> = tokens()
        .iter()
        .filter(|shape| whole(&shape.expect, vendor(&shape.vendor)))
        .map(|shape| vendor(&shape.vendor))
        .collect();
    let of_attributes: BTreeSet<Vendor> = statements()
        .iter()
        .filter(|shape| whole(&shape.expect, vendor(&shape.vendor)))
        .map(|shape| vendor(&shape.vendor))
        .collect();

    for known in Vendor::ALL {
        let speaks_oidc = !matches!(known, Vendor::Shibboleth | Vendor::SimpleSamlPhp);
        assert_eq!(of_claims.contains(&known), speaks_oidc, "{known:?}");
        assert_eq!(of_attributes.contains(&known), known != Vendor::Custom, "{known:?}");
    }
}

#[test]
fn every_shape_names_its_source() {
    let sources = tokens().into_iter().map(|shape| (shape.name, shape.source));
    let all = sources.chain(statements().into_iter().map(|shape| (shape.name, shape.source)));

    for (name, source) in all {
        assert!(source.contains("https://"), "{name}");
    }
}

/// Were they enough for everybody, presets would be of no use.
#[test]
fn the_usual_names_miss_what_most_vendors_send() {
    let usual = AttributeMapping::default();
    let claims = tokens()
        .into_iter()
        .filter(|shape| made(&shape.asserted(&usual), &usual) != shape.expect)
        .map(|shape| vendor(&shape.vendor));
    let attributes = statements()
        .into_iter()
        .filter(|shape| made(&shape.asserted(), &usual) != shape.expect)
        .map(|shape| vendor(&shape.vendor));

    let missed: BTreeSet<Vendor> = claims.chain(attributes).collect();

    let enough = Vendor::ALL.into_iter().filter(|vendor| !missed.contains(vendor)).collect::<Vec<_>>();
    assert_eq!(enough, [Vendor::Okta, Vendor::Google]);
}
