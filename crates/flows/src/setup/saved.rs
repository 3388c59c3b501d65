//! What is saved of the provider's side, for people: nothing secret.

use chrono::{DateTime, Utc};
use orgate_domain::connections::{ConnectionSettings, OidcAuthentication, OidcSettings, ProviderSettings};

use super::certificates::{self, as_text, fingerprint};
use super::connections::Detail;
use super::provider::ClientProof;
use crate::Env;
use crate::federation::Version;
use crate::federation::saml::settings_of;

/// What the form begins with where the provider's side was not taken from an address: it can be changed by hand.
pub fn typed_before(detail: &Detail) -> Option<[String; 3]> {
    let latest = detail.latest.as_ref()?;
    let saml = settings_of(&latest.settings.provider).filter(|saml| saml.metadata_url.is_none())?;
    Some([saml.entity_id.clone(), saml.sso_url.clone(), as_text(saml)])
}

/// A certificate that is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedCertificate {
    /// SHA-256 of it, as [`fingerprint`] writes it.
    pub fingerprint: String,
    /// Until when.
    pub not_after: DateTime<Utc>,
    /// Whether that is past.
    pub is_over: bool,
}

/// The certificates that are saved, the one that lasts longest first.
pub fn saved_certificates(env: &Env, settings: &ConnectionSettings) -> Vec<SavedCertificate> {
    let now = env.clock.now();
    let known = settings_of(&settings.provider).map(certificates::of).unwrap_or_default();
    let saved = known.iter().map(|certificate| SavedCertificate {
        fingerprint: fingerprint(certificate),
        not_after: certificate.not_after(),
        is_over: certificate.not_after() <= now,
    });
    saved.collect()
}

/// What is saved of the provider's side, for people: nothing secret, and certificates apart.
pub fn summary(settings: &ConnectionSettings) -> Vec<(&'static str, String)> {
    match &settings.provider {
        ProviderSettings::Oidc(oidc) => {
            let proof = match oidc.authentication {
                OidcAuthentication::PrivateKeyJwt => "A private key",
                OidcAuthentication::ClientSecretBasic | OidcAuthentication::ClientSecretPost => {
                    "A client secret"
                }
            };
            vec![
                ("Issuer", oidc.issuer.clone()),
                ("Client ID", oidc.client_id.clone()),
                ("How we prove ourselves", proof.to_owned()),
                ("Signs with", oidc.algorithms.join(", ")),
            ]
        }
        ProviderSettings::Saml(saml) => {
            let mut lines =
                vec![("Entity ID", saml.entity_id.clone()), ("Sign-in address", saml.sso_url.clone())];
            lines.extend(saml.metadata_url.iter().map(|url| ("Followed metadata", url.clone())));
            lines
        }
    }
}

/// How a connection's latest version proves that it is us; `None` before there is one.
pub fn proof_of(detail: &Detail) -> Option<ClientProof> {
    oidc_of(detail).map(|oidc| match oidc.authentication {
        OidcAuthentication::PrivateKeyJwt => ClientProof::Key,
        OidcAuthentication::ClientSecretBasic | OidcAuthentication::ClientSecretPost => ClientProof::Secret,
    })
}

/// The key that the provider has to be told, as a JWK set; `None` where it is a secret.
pub fn public_keys(detail: &Detail) -> Option<String> {
    let key = detail.latest.as_ref()?.secrets.assertion_key()?;
    let keys = serde_json::json!({ "keys": [key.public_jwk()] });
    proof_of(detail).filter(|proof| *proof == ClientProof::Key)?;
    serde_json::to_string_pretty(&keys).ok()
}

/// Its latest version, where it speaks OpenID Connect.
fn oidc_of(detail: &Detail) -> Option<&OidcSettings> {
    oidc_in(detail.latest.as_deref()?)
}

/// A version's provider, where it speaks OpenID Connect.
pub(super) const fn oidc_in(version: &Version) -> Option<&OidcSettings> {
    match &version.settings.provider {
        ProviderSettings::Oidc(oidc) => Some(oidc),
        ProviderSettings::Saml(_) => None,
    }
}
