//! The metadata of an identity provider, vouched for and signed, and the settings that follow it.

use orgate_domain::connections::SamlSettings;
use orgate_flows::federation::saml_metadata::{changes_trust, diff, follow};
use orgate_saml::authn_request::AuthnRequest;
use orgate_saml::binding::RedirectQuery;
use orgate_saml::certificate::Certificate;
use orgate_saml::metadata::{Endpoint, IdpMetadata};
use orgate_saml::response::peek;

use crate::world::{ACS, REQUEST, SP, World};
use crate::{Finding, Verdict, Violation, demand};

/// Bytes of the settings that follow metadata, as they are stored: sixteen certificates and a few addresses.
const MAX_SETTINGS: usize = 512 * 1024;

/// Reads metadata; what can be read is followed, and an address in it is sent to.
pub fn run(input: &[u8]) -> Finding {
    let world = World::get()?;
    if let Ok(signed) = IdpMetadata::parse_signed(input, None, &world.certificates) {
        demand(world.issuers.contains(&signed.entity_id), || format!("nobody signed {}", signed.entity_id))?;
        let known = signed.signing_certificates.iter().all(|found| world.certificates.contains(found));
        demand(known, || "a certificate that nobody signed".to_owned())?;
    }
    let Ok(metadata) = IdpMetadata::parse(input, None) else { return Ok(Verdict::Refused) };
    demand_bounds(&metadata)?;
    let named = IdpMetadata::parse(input, Some(&metadata.entity_id));
    demand(named.as_ref() == Ok(&metadata), || "its own entity id leads elsewhere".to_owned())?;
    for certificate in &metadata.signing_certificates {
        let again = Certificate::parse(&certificate.pem());
        demand(again.as_ref() == Ok(certificate), || "a certificate does not read back".to_owned())?;
    }
    demand_followed(&metadata)?;
    metadata.sso.iter().try_for_each(|endpoint| demand_reached(world, endpoint))?;
    Ok(Verdict::Accepted)
}

fn demand_bounds(metadata: &IdpMetadata) -> Result<(), Violation> {
    let certificates = metadata.signing_certificates.len();
    let ok = (1..=1024).contains(&metadata.entity_id.len())
        && !metadata.sso.is_empty()
        && (1..=16).contains(&certificates)
        && metadata.ignored_certificates.len() <= 16
        && metadata.display_name.as_ref().is_none_or(|name| name.chars().count() <= 200);
    demand(ok, || format!("out of bounds: {metadata:?}"))?;
    let endpoints = metadata.sso.iter().chain(&metadata.slo);
    let mut addresses = endpoints.flat_map(|endpoint| {
        [Some(&endpoint.location), endpoint.response_location.as_ref()].into_iter().flatten()
    });
    let plain = |address: &String| {
        let web = address.starts_with("https://") || address.starts_with("http://");
        web && address.len() <= 2048 && address.chars().all(|c| c.is_ascii_graphic())
    };
    demand(addresses.all(plain), || format!("an address that must not be sent to: {metadata:?}"))
}

/// Following is idempotent, and what follows is stored and read back.
fn demand_followed(metadata: &IdpMetadata) -> Result<(), Violation> {
    let blank = serde_json::json!({ "entity_id": "", "sso_url": "", "certificates": [] });
    let blank: SamlSettings = serde_json::from_value(blank).map_err(|error| Violation(error.to_string()))?;
    let followed = follow(&blank, metadata).map_err(|error| Violation(error.to_string()))?;
    let again = follow(&followed, metadata);
    demand(again.as_ref() == Ok(&followed), || "following again changes the settings".to_owned())?;
    demand(diff(&followed, &followed).is_empty(), || "settings differ from themselves".to_owned())?;
    demand(changes_trust(&blank, &followed), || "trust in somebody is no change".to_owned())?;
    let stored = serde_json::to_string(&followed).map_err(|error| Violation(error.to_string()))?;
    demand(stored.len() <= MAX_SETTINGS, || format!("{} bytes of settings", stored.len()))?;
    let read = serde_json::from_str::<SamlSettings>(&stored);
    demand(read.is_ok_and(|read| read == followed), || "the settings do not read back".to_owned())
}

/// A request to the address says the address, whatever is in it.
fn demand_reached(world: &World, endpoint: &Endpoint) -> Result<(), Violation> {
    let request = AuthnRequest {
        id: REQUEST,
        issue_instant: world.now,
        destination: &endpoint.location,
        acs_url: ACS,
        issuer: SP,
        force_authn: false,
        is_passive: false,
        name_id_policy: None,
        authn_context: &[],
        subject: None,
    };
    let url = request.redirect_url(None, None).map_err(|error| Violation(error.to_string()))?;
    demand(url.starts_with(&endpoint.location), || format!("{url} is not at {}", endpoint.location))?;
    if endpoint.location.contains('?') {
        return Ok(()); // a query of its own may hold anything
    }
    let query = url.split_once('?').and_then(|(_, query)| RedirectQuery::parse(query).ok());
    let destination = query.and_then(|query| peek(query.message())).and_then(|hints| hints.destination);
    let expected: String = endpoint.location.chars().take(1024).collect();
    demand(destination == Some(expected), || format!("a request to {} does not say so", endpoint.location))
}
