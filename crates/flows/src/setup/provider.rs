//! The identity provider's side of a connection: SAML metadata, pasted, uploaded, fetched or typed in; an
//! OpenID provider's issuer, looked up while its form waits.

mod oidc;
mod saml;

use orgate_domain::connections::{
    AttributeMapping, ConnectionProtocol, ConnectionSettings, Jit, ProviderSettings, Vendor,
};

use super::connections::Detail;
use crate::federation::{ConnectionSecrets, Version};

pub(crate) use oidc::provided as provided_oidc;
pub use oidc::{ClientProof, OidcInput, save_oidc, takes_keys};
pub(crate) use saml::provided as provided_saml;
pub use saml::{MAX_METADATA, SamlGiven, SamlInput, SamlSource, save_saml};

/// The rest of the document stays; a first one takes what suits the vendor.
fn settings_with(detail: &Detail, provider: ProviderSettings) -> ConnectionSettings {
    match &detail.latest {
        Some(version) => ConnectionSettings { provider, ..version.settings.clone() },
        None => first_settings(detail.connection.vendor, provider),
    }
}

/// What suits a vendor.
pub(crate) fn first_settings(vendor: Vendor, provider: ProviderSettings) -> ConnectionSettings {
    let protocol = provider.protocol();
    // SAML cannot say that an address was verified, and these do not: what counts is that the domain is.
    let silent = protocol == ConnectionProtocol::Saml
        || matches!(vendor, Vendor::Entra | Vendor::Adfs | Vendor::OneLogin | Vendor::Ping);
    ConnectionSettings {
        provider,
        mapping: AttributeMapping::preset(vendor, protocol),
        rules: Vec::new(),
        jit: Jit { enabled: true, ..Jit::default() },
        trusts_addresses: silent,
    }
}

pub(in crate::setup) fn secrets_of(latest: Option<&Version>) -> ConnectionSecrets {
    latest.map_or_else(ConnectionSecrets::default, |version| version.secrets.clone())
}

#[cfg(test)]
mod tests {
    use super::saml::blank;
    use super::*;

    #[test]
    fn a_connection_begins_with_the_names_of_its_vendor() {
        for vendor in Vendor::ALL {
            let first = first_settings(vendor, ProviderSettings::Saml(blank()));

            assert_eq!(
                first.mapping,
                AttributeMapping::preset(vendor, ConnectionProtocol::Saml),
                "{vendor:?}"
            );
        }
        let groups = |vendor| first_settings(vendor, ProviderSettings::Saml(blank())).mapping.groups;
        assert_ne!(groups(Vendor::OneLogin), groups(Vendor::Entra));
    }
}
