//! What to enter at each identity provider, under the names that its own pages use.
//!
//! Told in our words; where the facts come from is said beside each. `*` stands around what is read on the
//! provider's pages.

mod oidc;
mod saml;

use orgate_domain::connections::{ConnectionProtocol, Vendor};

/// What to do at one provider.
#[derive(Debug)]
pub(crate) struct Guide {
    /// In order.
    pub(crate) steps: &'static [Step],
    /// What to have at hand for the next page.
    pub(crate) bring: &'static str,
}

/// One thing to do.
#[derive(Debug)]
pub(crate) struct Step {
    /// In a sentence or two.
    pub(crate) text: &'static str,
    /// What is entered on the way.
    pub(crate) fields: &'static [Field],
}

/// A field on the provider's page.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name there.
    pub(crate) label: &'static str,
    /// What to put in.
    pub(crate) value: Value,
}

/// What a field is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// The assertion consumer service.
    AcsUrl,
    /// What the provider calls us.
    EntityId,
    /// The address of our metadata.
    MetadataUrl,
    /// Where sign-outs are announced (OpenID Connect Back-Channel Logout).
    BackchannelUri,
    /// Where people go after signing out there.
    PostLogoutUri,
    /// Where OpenID answers go.
    RedirectUri,
    /// The single logout service.
    SloUrl,
    /// The same for everybody.
    Text(&'static str),
}

/// A step that enters nothing.
const fn step(text: &'static str) -> Step {
    Step { text, fields: &[] }
}

/// A step with fields.
const fn enter(text: &'static str, fields: &'static [Field]) -> Step {
    Step { text, fields }
}

/// A field.
const fn field(label: &'static str, value: Value) -> Field {
    Field { label, value }
}

/// What a vendor speaks, the better choice first.
pub(crate) const fn protocols(vendor: Vendor) -> &'static [ConnectionProtocol] {
    use ConnectionProtocol::{Oidc, Saml};
    match vendor {
        Vendor::Shibboleth | Vendor::SimpleSamlPhp => &[Saml],
        Vendor::Entra | Vendor::Keycloak | Vendor::Ping => &[Oidc, Saml],
        Vendor::Adfs
        | Vendor::Custom
        | Vendor::Google
        | Vendor::JumpCloud
        | Vendor::Okta
        | Vendor::OneLogin => &[Saml, Oidc],
    }
}

/// The guide for a vendor and a protocol.
pub(crate) const fn guide(vendor: Vendor, protocol: ConnectionProtocol) -> &'static Guide {
    match protocol {
        ConnectionProtocol::Oidc => oidc::guide(vendor),
        ConnectionProtocol::Saml => saml::guide(vendor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_tells_what_the_provider_cannot_do_without() {
        for vendor in Vendor::ALL {
            for protocol in protocols(vendor) {
                let guide = guide(vendor, *protocol);
                let values: Vec<Value> =
                    guide.steps.iter().flat_map(|step| step.fields).map(|field| field.value).collect();
                let needed = match protocol {
                    ConnectionProtocol::Oidc => values.contains(&Value::RedirectUri),
                    ConnectionProtocol::Saml => {
                        values.contains(&Value::MetadataUrl)
                            || (values.contains(&Value::AcsUrl) && values.contains(&Value::EntityId))
                    }
                };
                assert!(needed, "{vendor:?} {protocol:?}");
                let texts = guide.steps.iter().map(|step| step.text).chain([guide.bring]);
                assert!(
                    texts.clone().all(|text| text.matches('*').count() % 2 == 0),
                    "{vendor:?} {protocol:?}"
                );
            }
        }
    }
}
