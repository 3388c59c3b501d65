//! What a connection is set to, as it is shown and as it is wanted: what is read can be sent back.

use std::collections::BTreeSet;

use orgate_domain::connections::{
    AttributeMapping, ConnectionSettings, Jit, OidcAuthentication, OidcSettings, ProviderSettings, RoleRule,
    SamlSettings,
};
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::connections::{WantedProvider, WantedSaml, WantedSettings};
use orgate_flows::setup::provider::{ClientProof, OidcInput, SamlInput, SamlSource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a connection is set to. What is left out is as suits its vendor.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectionSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    provider: Provider,
    mapping: Option<Mapping>,
    /// Which values of attributes give which roles and groups. Nothing that whoever writes them could not give.
    #[serde(default)]
    #[schema(max_items = 200)]
    rules: Vec<Rule>,
    jit: Option<JustInTime>,
    /// Whether to take the provider's word for addresses of the domains that the connection serves, where it does not say that
    /// it verified them. SAML has no way to say so.
    trusts_addresses: Option<bool>,
}

/// The identity provider.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = IdentityProvider)]
#[serde(rename_all = "snake_case")]
enum Provider {
    /// OpenID Connect.
    Oidc(Oidc),
    /// SAML 2.0.
    Saml(Box<Saml>),
}

/// An OpenID provider. It is asked for its discovery document when it changes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = OidcProvider)]
#[serde(deny_unknown_fields)]
struct Oidc {
    /// Its issuer, or the address of its discovery document.
    #[schema(max_length = 1024)]
    issuer: String,
    /// What it calls us.
    #[schema(max_length = 1024)]
    client_id: String,
    /// How we prove that it is us. Left out: by a secret, as the provider says that it takes it. `private_key_jwt` is by a key
    /// that is made for the connection.
    authentication: Option<Authentication>,
    /// What is asked for; `openid` is among them.
    #[schema(max_items = 20)]
    scopes: Option<Vec<String>>,
    /// What it may sign ID tokens with. Left out: all that it says, and that can be verified here.
    #[schema(max_items = 9)]
    algorithms: Option<Vec<String>>,
    /// Entra ID: tenants that may sign in through an issuer of many.
    #[serde(default)]
    #[schema(max_items = 100)]
    tenants: Vec<String>,
    /// Google Workspace: domains that accounts must be of.
    #[serde(default)]
    #[schema(max_items = 100)]
    hosted_domains: Vec<String>,
}

/// How we prove to an OpenID provider that it is us.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = ClientAuthentication)]
#[serde(rename_all = "snake_case")]
enum Authentication {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
}

/// A SAML provider, by one of three ways: the address of its metadata, which is then followed; its metadata; or its entity id,
/// where it signs in, and its certificates.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SamlProvider)]
#[serde(deny_unknown_fields)]
struct Saml {
    /// The address of its metadata.
    #[schema(max_length = 1024)]
    metadata_url: Option<String>,
    /// Its metadata, as XML. It is not shown: what it says is.
    #[serde(default, skip_serializing)]
    metadata: Option<String>,
    /// Its entity id; with metadata of several, which one.
    #[schema(max_length = 1024)]
    entity_id: Option<String>,
    /// Where it signs in.
    #[schema(max_length = 1024)]
    sso_url: Option<String>,
    /// The certificates that it signs with: PEM, or base64 of DER.
    #[serde(default)]
    #[schema(max_items = 10)]
    certificates: Vec<String>,
    /// Whether our requests are signed.
    #[serde(default = "yes")]
    #[schema(default = true)]
    sign_requests: bool,
    /// Whether it asks its user again at each sign-in.
    #[serde(default)]
    force_authn: bool,
    /// The authentication context that is asked for and demanded.
    #[schema(max_length = 1024)]
    authn_context: Option<String>,
    /// The format of `NameID` that is asked for.
    #[schema(max_length = 1024)]
    name_id_format: Option<String>,
    /// The `client_id` of the application that sign-ins may begin at the provider for.
    #[schema(max_length = 1024)]
    unsolicited_client: Option<String>,
    /// Whether assertions have to be encrypted.
    #[serde(default)]
    require_encryption: bool,
}

const fn yes() -> bool {
    true
}

/// The names under which each of a user's attributes is looked for; the first that has a value wins.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = AttributeMapping)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Mapping {
    /// What identifies the user; empty: `sub`, or the `NameID`.
    #[schema(max_items = 10)]
    subject: Vec<String>,
    /// The address.
    #[schema(max_items = 10)]
    email: Vec<String>,
    /// The whole name.
    #[schema(max_items = 10)]
    name: Vec<String>,
    /// The given name, where there is no whole one.
    #[schema(max_items = 10)]
    first_name: Vec<String>,
    /// The family name, where there is no whole one.
    #[schema(max_items = 10)]
    last_name: Vec<String>,
    /// The groups that rules look at.
    #[schema(max_items = 10)]
    groups: Vec<String>,
    /// What stands between groups that come in one value.
    groups_separator: Option<String>,
    /// Names of attributes that are kept at every sign-in, for claims of applications.
    #[schema(max_items = 20)]
    keep: BTreeSet<String>,
}

/// Users whose attribute has a value get roles and groups.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RoleRule)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The attribute; null: the groups of the mapping.
    #[schema(max_length = 1024)]
    attribute: Option<String>,
    /// The value, compared exactly.
    #[schema(max_length = 1024)]
    value: String,
    /// Slugs of the roles it gives.
    #[serde(default)]
    roles: BTreeSet<String>,
    /// Slugs of the groups it gives.
    #[serde(default)]
    groups: BTreeSet<String>,
}

/// Whether a first sign-in makes a user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = JustInTime)]
#[serde(deny_unknown_fields)]
struct JustInTime {
    /// Whether it does.
    enabled: bool,
    /// Slugs of the roles that everybody gets who signs in through the connection.
    #[serde(default)]
    default_roles: BTreeSet<String>,
}

impl Settings {
    /// What is wanted, with its secret.
    ///
    /// # Errors
    /// [`ChangeError::Invalid`] for a secret that nothing would be proven by.
    pub(super) fn read(self, secret: Option<String>) -> Result<WantedSettings, ChangeError> {
        let takes_secret = match &self.provider {
            Provider::Oidc(oidc) => !matches!(oidc.authentication, Some(Authentication::PrivateKeyJwt)),
            Provider::Saml(_) => false,
        };
        if secret.is_some() && !takes_secret {
            return Err(ChangeError::invalid("/client_secret", "nothing here is proven by a secret"));
        }
        Ok(WantedSettings {
            provider: match self.provider {
                Provider::Oidc(oidc) => WantedProvider::Oidc(oidc.read(secret)),
                Provider::Saml(saml) => WantedProvider::Saml(Box::new(saml.read())),
            },
            mapping: self.mapping.map(Into::into),
            rules: self.rules.into_iter().map(Into::into).collect(),
            jit: self.jit.map(|jit| Jit { enabled: jit.enabled, default_roles: jit.default_roles }),
            trusts_addresses: self.trusts_addresses,
        })
    }
}

impl Oidc {
    fn read(self, client_secret: Option<String>) -> OidcInput {
        let proof = match self.authentication {
            None => ClientProof::Secret,
            Some(Authentication::ClientSecretBasic) => {
                ClientProof::SecretBy(OidcAuthentication::ClientSecretBasic)
            }
            Some(Authentication::ClientSecretPost) => {
                ClientProof::SecretBy(OidcAuthentication::ClientSecretPost)
            }
            Some(Authentication::PrivateKeyJwt) => ClientProof::Key,
        };
        OidcInput {
            issuer: self.issuer,
            client_id: self.client_id,
            proof: Some(proof),
            client_secret,
            tenants: self.tenants,
            hosted_domains: self.hosted_domains,
            scopes: self.scopes,
            algorithms: self.algorithms,
        }
    }
}

impl Saml {
    fn read(self) -> WantedSaml {
        let source = self.metadata.map(|text| SamlSource::Document(text.into_bytes(), "metadata"));
        WantedSaml {
            input: SamlInput {
                source: source.unwrap_or(SamlSource::Kept),
                entity_id: None,
                sign_requests: self.sign_requests,
                force_authn: self.force_authn,
                unsolicited: self.unsolicited_client,
            },
            followed: self.metadata_url,
            typed: (self.entity_id, self.sso_url, self.certificates),
            authn_context: self.authn_context,
            name_id_format: self.name_id_format,
            require_encryption: self.require_encryption,
        }
    }
}

impl From<Mapping> for AttributeMapping {
    fn from(mapping: Mapping) -> Self {
        let Mapping { subject, email, name, first_name, last_name, groups, groups_separator, keep } = mapping;
        Self { subject, email, name, first_name, last_name, groups, groups_separator, keep }
    }
}

impl From<AttributeMapping> for Mapping {
    fn from(mapping: AttributeMapping) -> Self {
        let AttributeMapping { subject, email, name, first_name, last_name, groups, groups_separator, keep } =
            mapping;
        Self { subject, email, name, first_name, last_name, groups, groups_separator, keep }
    }
}

impl From<Rule> for RoleRule {
    fn from(Rule { attribute, value, roles, groups }: Rule) -> Self {
        Self { attribute, value, roles, groups }
    }
}

impl From<RoleRule> for Rule {
    fn from(RoleRule { attribute, value, roles, groups }: RoleRule) -> Self {
        Self { attribute, value, roles, groups }
    }
}

impl From<&ConnectionSettings> for Settings {
    fn from(settings: &ConnectionSettings) -> Self {
        let Jit { enabled, default_roles } = settings.jit.clone();
        Self {
            provider: match &settings.provider {
                ProviderSettings::Oidc(oidc) => Provider::Oidc(oidc.into()),
                ProviderSettings::Saml(saml) => Provider::Saml(Box::new(saml.into())),
            },
            mapping: Some(settings.mapping.clone().into()),
            rules: settings.rules.iter().cloned().map(Into::into).collect(),
            jit: Some(JustInTime { enabled, default_roles }),
            trusts_addresses: Some(settings.trusts_addresses),
        }
    }
}

impl From<&OidcSettings> for Oidc {
    fn from(oidc: &OidcSettings) -> Self {
        Self {
            issuer: oidc.issuer.clone(),
            client_id: oidc.client_id.clone(),
            authentication: Some(match oidc.authentication {
                OidcAuthentication::ClientSecretBasic => Authentication::ClientSecretBasic,
                OidcAuthentication::ClientSecretPost => Authentication::ClientSecretPost,
                OidcAuthentication::PrivateKeyJwt => Authentication::PrivateKeyJwt,
            }),
            scopes: Some(oidc.scopes.clone()),
            algorithms: Some(oidc.algorithms.clone()),
            tenants: oidc.tenants.clone(),
            hosted_domains: oidc.hosted_domains.clone(),
        }
    }
}

impl From<&SamlSettings> for Saml {
    fn from(saml: &SamlSettings) -> Self {
        Self {
            metadata_url: saml.metadata_url.clone(),
            metadata: None,
            entity_id: Some(saml.entity_id.clone()),
            sso_url: Some(saml.sso_url.clone()),
            certificates: saml.certificates.clone(),
            sign_requests: saml.sign_requests,
            force_authn: saml.force_authn,
            authn_context: saml.authn_context.clone(),
            name_id_format: saml.name_id_format.clone(),
            unsolicited_client: saml.unsolicited_client.clone().filter(|_| saml.allow_unsolicited),
            require_encryption: saml.require_encryption,
        }
    }
}
