//! What Keycloak writes, as far as it is read.

use std::collections::BTreeMap;

use orgate_domain::connections::Attributes;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RealmFile {
    pub(super) realm: Option<String>,
    #[serde(default)]
    pub(super) organizations: Vec<Organization>,
    #[serde(default)]
    pub(super) roles: Roles,
    #[serde(default)]
    pub(super) groups: Vec<Group>,
    #[serde(default)]
    pub(super) identity_providers: Vec<IdentityProvider>,
}

#[derive(Deserialize)]
pub(super) struct Organization {
    pub(super) name: String,
    pub(super) alias: Option<String>,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) domains: Vec<Domain>,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) members: Vec<Member>,
    #[serde(rename = "identityProviders", default)]
    pub(super) identity_providers: Vec<Alias>,
}

#[derive(Deserialize)]
pub(super) struct Domain {
    pub(super) name: String,
    #[serde(default)]
    pub(super) verified: bool,
}

#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) username: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Alias {
    pub(super) alias: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Roles {
    pub(super) realm: Vec<Role>,
    pub(super) client: BTreeMap<String, Vec<Role>>,
}

#[derive(Deserialize)]
pub(super) struct Role {
    pub(super) name: String,
    #[serde(default)]
    pub(super) composites: Composites,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Composites {
    pub(super) realm: Vec<String>,
    pub(super) client: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) name: String,
    #[serde(default)]
    pub(super) realm_roles: Vec<String>,
    #[serde(default)]
    pub(super) client_roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) sub_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdentityProvider {
    pub(super) alias: String,
    pub(super) display_name: Option<String>,
    pub(super) provider_id: String,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) config: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) email_verified: bool,
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    #[serde(default)]
    pub(super) attributes: Attributes,
    #[serde(default)]
    pub(super) credentials: Vec<Credential>,
    #[serde(default)]
    pub(super) realm_roles: Vec<String>,
    #[serde(default)]
    pub(super) client_roles: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    pub(super) service_account_client_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(rename = "secretData")]
    pub(super) secret: Option<String>,
    #[serde(rename = "credentialData")]
    pub(super) data: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct SecretData {
    pub(super) value: String,
    pub(super) salt: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialData {
    pub(super) hash_iterations: i64,
    pub(super) algorithm: String,
    #[serde(default)]
    pub(super) additional_parameters: BTreeMap<String, Vec<String>>,
}

const fn yes() -> bool {
    true
}
