//! From an identity provider's metadata to a connection's settings, and what differs.

use orgate_domain::connections::{SamlBinding, SamlSettings};
use orgate_saml::certificate::Certificate;
use orgate_saml::metadata::{Binding, IdpMetadata};
use serde::{Deserialize, Serialize};

/// One field that metadata changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataChange {
    /// The field of [`SamlSettings`].
    pub field: String,
    /// What it is now.
    pub before: String,
    /// What the metadata says.
    pub after: String,
}

/// Metadata that no connection can be made of: what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableMetadata {
    /// There is no address for sign-ins that we can speak to.
    #[error("the metadata names no single sign-on address for HTTP-Redirect or HTTP-POST")]
    NoSignOn,
    /// There is no certificate that a signature could be verified with.
    #[error("the metadata has no usable signing certificate: RSA of 2048 bits or more, or an elliptic curve")]
    NoCertificate,
}

/// Settings that follow `metadata`; everything that metadata does not speak of stays as it is.
///
/// # Errors
/// [`UnusableMetadata`].
pub fn follow(settings: &SamlSettings, metadata: &IdpMetadata) -> Result<SamlSettings, UnusableMetadata> {
    let sso = metadata.preferred_sso().ok_or(UnusableMetadata::NoSignOn)?;
    if metadata.signing_certificates.is_empty() {
        return Err(UnusableMetadata::NoCertificate);
    }
    let slo = metadata.preferred_slo();
    Ok(SamlSettings {
        entity_id: metadata.entity_id.clone(),
        sso_url: sso.location.clone(),
        sso_binding: binding(sso.binding),
        slo_url: slo.map(|slo| slo.location.clone()),
        slo_response_url: slo.and_then(|slo| slo.response_location.clone()),
        slo_binding: slo.map_or(SamlBinding::Redirect, |slo| binding(slo.binding)),
        certificates: metadata.signing_certificates.iter().map(Certificate::base64).collect(),
        sign_requests: settings.sign_requests || metadata.want_authn_requests_signed,
        ..settings.clone()
    })
}

/// `now`, with what metadata leads in `followed`: everything else was perhaps changed since.
pub fn lead(now: &SamlSettings, followed: &SamlSettings) -> SamlSettings {
    SamlSettings {
        entity_id: followed.entity_id.clone(),
        sso_url: followed.sso_url.clone(),
        sso_binding: followed.sso_binding,
        slo_url: followed.slo_url.clone(),
        slo_response_url: followed.slo_response_url.clone(),
        slo_binding: followed.slo_binding,
        certificates: followed.certificates.clone(),
        sign_requests: followed.sign_requests,
        ..now.clone()
    }
}

const fn binding(binding: Binding) -> SamlBinding {
    match binding {
        Binding::Post => SamlBinding::Post,
        Binding::Redirect => SamlBinding::Redirect,
    }
}

/// What differs, field by field; certificates by their fingerprints.
pub fn diff(before: &SamlSettings, after: &SamlSettings) -> Vec<MetadataChange> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let name = |binding: SamlBinding| match binding {
        SamlBinding::Redirect => "redirect".to_owned(),
        SamlBinding::Post => "post".to_owned(),
    };
    let fields = [
        ("entity_id", before.entity_id.clone(), after.entity_id.clone()),
        ("sso_url", before.sso_url.clone(), after.sso_url.clone()),
        ("sso_binding", name(before.sso_binding), name(after.sso_binding)),
        ("slo_url", text(&before.slo_url), text(&after.slo_url)),
        ("slo_response_url", text(&before.slo_response_url), text(&after.slo_response_url)),
        ("slo_binding", name(before.slo_binding), name(after.slo_binding)),
        ("sign_requests", before.sign_requests.to_string(), after.sign_requests.to_string()),
        ("certificates", fingerprints(before), fingerprints(after)),
    ];
    fields
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| MetadataChange { field: field.to_owned(), before, after })
        .collect()
}

/// Whether a change touches what an identity provider is known by: its keys, or its name.
pub fn changes_trust(before: &SamlSettings, after: &SamlSettings) -> bool {
    before.entity_id != after.entity_id || fingerprints(before) != fingerprints(after)
}

fn fingerprints(settings: &SamlSettings) -> String {
    let certificates = settings.certificates.iter().filter_map(|text| Certificate::parse(text).ok());
    let mut fingerprints: Vec<String> = certificates.map(|certificate| certificate.fingerprint()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    fingerprints.join(" ")
}
