//! What a service provider has to know (SAML Metadata §2).

use askama::Template;
use url::Url;

use super::{EMAIL_ADDRESS, PERSISTENT, signing_key::SigningKey, url_below};

/// `templates/identity_providers/saml/metadata.xml`.
#[derive(Template)]
#[template(path = "identity_providers/saml/metadata.xml")]
struct Metadata<'a> {
    entity_id: &'a str,
    sso_url: &'a str,
    slo_url: &'a str,
    certificate: &'a str,
    name_id_formats: [&'a str; 2],
}

pub(in crate::identity_providers) fn render(base_url: &Url, key: &SigningKey) -> askama::Result<String> {
    let metadata = Metadata {
        entity_id: &url_below(base_url, "saml/metadata"),
        sso_url: &url_below(base_url, "saml/sso"),
        slo_url: &url_below(base_url, "saml/slo"),
        certificate: key.certificate(),
        name_id_formats: [PERSISTENT, EMAIL_ADDRESS],
    };
    metadata.render()
}
