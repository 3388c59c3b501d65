//! The identity providers that organizations sign in through: the samples of `orgate dev`.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};
use orgate_playground::{
    IdentityProvidersConfig, OpenIdClient, OpenIdProviderConfig, SamlProviderConfig, SampleUser,
    ServiceProviders, saml_metadata, serve_identity_providers,
};
use orgate_saml::certificate::Certificate;
use orgate_saml::metadata::IdpMetadata;
use url::Url;

use crate::beside::{Beside, Reserved};

const CLIENT_ID: &str = "orgate";
const CLIENT_SECRET: &str = "not a secret, but as long as one would be";

/// Both providers, known but not served yet.
pub(crate) struct Prepared {
    reserved: Reserved,
    config: IdentityProvidersConfig,
    certificate: Certificate,
}

/// Both providers.
pub(crate) struct IdentityProviders {
    pub(crate) address: SocketAddr,
    /// What the SAML one is called.
    pub(crate) entity_id: String,
    /// Whose key signs there.
    pub(crate) certificate: Certificate,
    _serving: Beside,
}

impl Prepared {
    /// Takes an address and makes a key; `users` can sign in at both.
    pub(crate) fn new(directory: &Path, users: &[SampleUser]) -> Result<Self> {
        let reserved = Reserved::new()?;
        let base_url = Url::parse(&format!("http://{}/", reserved.address))?;
        let config = IdentityProvidersConfig {
            base_url,
            oidc: OpenIdProviderConfig {
                name: "Workforce".to_owned(),
                users: users.to_vec(),
                clients: Vec::new(),
            },
            saml: SamlProviderConfig {
                name: "Directory".to_owned(),
                users: users.to_vec(),
                service_providers: Vec::new(),
                tiles: Vec::new(),
                key_file: Some(directory.join("identity-provider.pem")),
            },
        };
        let metadata = IdpMetadata::parse(saml_metadata(&config)?.as_bytes(), None)?;
        let certificate = metadata.signing_certificates.into_iter().next();
        let certificate = certificate.context("the identity provider has no certificate")?;
        Ok(Self { reserved, config, certificate })
    }

    /// The providers of a connection's settings: lines of YAML, indented to stand below `provider:`.
    pub(crate) fn settings(&self) -> (String, String) {
        let base = &self.config.base_url;
        let oidc = format!("oidc: {{ issuer: \"{base}oidc\", client_id: {CLIENT_ID}, algorithms: [ES256] }}");
        let certificate = self.certificate.base64();
        let saml = format!(
            "saml: {{ entity_id: \"{base}saml/metadata\", sso_url: \"{base}saml/sso\", certificates: [\"{certificate}\"] }}"
        );
        (oidc, saml)
    }

    pub(crate) const fn client_secret() -> &'static str {
        CLIENT_SECRET
    }

    /// Serves them to whatever connections the Orgate of `issuer` has.
    pub(crate) fn serve(mut self, issuer: &str) -> Result<IdentityProviders> {
        let connections = Url::parse(&format!("{issuer}/sso"))?;
        self.config.oidc.clients.push(OpenIdClient {
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.to_owned(),
            redirect_uris: Vec::new(),
            redirect_uri_prefix: Some(connections.clone()),
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
        });
        self.config.saml.service_providers.push(ServiceProviders {
            entity_id_prefix: connections.clone(),
            acs_url_prefix: connections,
            slo_url: None,
        });
        let (address, config) = (self.reserved.address, self.config);
        let entity_id = format!("{}saml/metadata", config.base_url);
        let serving = self.reserved.serve(move |listener, stopped| async move {
            let stopped = async move {
                let _ = stopped.await; // dropped, it ends as well
            };
            serve_identity_providers(config, listener, stopped).await
        })?;
        Ok(IdentityProviders { address, entity_id, certificate: self.certificate, _serving: serving })
    }
}

/// What a SAML provider below `base_url` would publish. The key is the one of `key_file`.
pub(crate) fn metadata_at(base_url: Url, key_file: &Path) -> Result<String> {
    let nobody = OpenIdProviderConfig { name: String::new(), users: Vec::new(), clients: Vec::new() };
    let saml = SamlProviderConfig {
        name: "Directory".to_owned(),
        users: Vec::new(),
        service_providers: Vec::new(),
        tiles: Vec::new(),
        key_file: Some(key_file.to_owned()),
    };
    Ok(saml_metadata(&IdentityProvidersConfig { base_url, oidc: nobody, saml })?)
}
