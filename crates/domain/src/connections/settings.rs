//! The document that describes a connection: what its versions keep, what files and the set-up
//! pages write.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::ConnectionProtocol;
use super::checks::{check_address, check_count, check_separator, check_slugs, check_text, problem};

/// Rules that one connection may have: each is looked at in every sign-in.
pub const MAX_RULES: usize = 200;

/// Names that one attribute may be looked for under.
const MAX_NAMES: usize = 10;

/// Attributes that one connection may keep.
const MAX_KEPT: usize = 20;

/// Tenants, or hosted domains, that one connection may name.
const MAX_NAMED: usize = 100;

/// Certificates that an identity provider may sign with at a time.
pub const MAX_CERTIFICATES: usize = 10;

/// Everything about a connection but its secrets, its state and its look.
///
/// The one domain type that is stored as it is: each version of a connection is such a document, and
/// old ones must stay readable, so a field is only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionSettings {
    /// Who vouches.
    pub provider: ProviderSettings,
    /// Which attribute is what.
    #[serde(default)]
    pub mapping: AttributeMapping,
    /// Which values give which roles and groups.
    #[serde(default)]
    pub rules: Vec<RoleRule>,
    /// Whether a first sign-in makes a user.
    #[serde(default)]
    pub jit: Jit,
    /// Takes the provider's word for addresses of the domains that the connection serves, where it
    /// does not say that it verified them. SAML has no way to say so.
    #[serde(default)]
    pub trusts_addresses: bool,
}

/// The identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderSettings {
    /// OpenID Connect.
    Oidc(OidcSettings),
    /// SAML 2.0.
    Saml(SamlSettings),
}

impl ProviderSettings {
    /// Whom subjects are unique at: the issuer, or the entity id.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Oidc(settings) => &settings.issuer,
            Self::Saml(settings) => &settings.entity_id,
        }
    }
}

/// An OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcSettings {
    /// Its issuer, exactly as its tokens say it. For Entra ID's multi-tenant endpoints `{tenantid}`
    /// stands for the tenant.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// How we prove ourselves to it.
    #[serde(default)]
    pub authentication: OidcAuthentication,
    /// What is asked for.
    #[serde(default = "OidcSettings::default_scopes")]
    pub scopes: Vec<String>,
    /// The algorithms that it may sign ID tokens with; nothing symmetric.
    #[serde(default = "OidcSettings::default_algorithms")]
    pub algorithms: Vec<String>,
    /// Entra ID: the tenants (`tid`) that may sign in through a multi-tenant issuer. Demanded there.
    #[serde(default)]
    pub tenants: Vec<String>,
    /// Google Workspace: the domains (`hd`) that accounts must be of. Demanded there.
    #[serde(default)]
    pub hosted_domains: Vec<String>,
}

/// How a client proves itself at the token endpoint (OIDC Core §9).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OidcAuthentication {
    /// A secret in the header.
    #[default]
    ClientSecretBasic,
    /// A secret in the body.
    ClientSecretPost,
    /// A signed assertion (RFC 7523); the key is the connection's own.
    PrivateKeyJwt,
}

/// A SAML identity provider.
#[expect(clippy::struct_excessive_bools, reason = "a document: each is a line of its own, with a default")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamlSettings {
    /// Its entity id.
    pub entity_id: String,
    /// Where requests go.
    pub sso_url: String,
    /// How they go there.
    #[serde(default)]
    pub sso_binding: SamlBinding,
    /// Where logouts go.
    #[serde(default)]
    pub slo_url: Option<String>,
    /// Where answers to its own logouts go, if that is elsewhere.
    #[serde(default)]
    pub slo_response_url: Option<String>,
    /// How they go there.
    #[serde(default)]
    pub slo_binding: SamlBinding,
    /// The certificates it signs with, base64 of DER; at least one.
    pub certificates: Vec<String>,
    /// Where its metadata is fetched from, on schedule.
    #[serde(default)]
    pub metadata_url: Option<String>,
    /// Signs requests.
    #[serde(default = "yes")]
    pub sign_requests: bool,
    /// Has the provider ask its user again at each sign-in.
    #[serde(default)]
    pub force_authn: bool,
    /// The authentication context that is asked for and demanded.
    #[serde(default)]
    pub authn_context: Option<String>,
    /// The format of `NameID` that is asked for.
    #[serde(default)]
    pub name_id_format: Option<String>,
    /// Takes an answer that nobody asked for as the wish to sign in, and begins a sign-in.
    #[serde(default)]
    pub allow_unsolicited: bool,
    /// The `client_id` of the application that such a sign-in is for.
    #[serde(default)]
    pub unsolicited_client: Option<String>,
    /// Refuses assertions that are not encrypted.
    #[serde(default)]
    pub require_encryption: bool,
    /// Accepts CBC encryption inside a response that is not signed: open to padding oracles, for
    /// providers that can do no better.
    #[serde(default)]
    pub allow_unauthenticated_cbc: bool,
}

/// A SAML binding for messages of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SamlBinding {
    /// HTTP-Redirect.
    #[default]
    Redirect,
    /// HTTP-POST.
    Post,
}

/// The names under which each of a user's attributes is looked for; the first that has a value wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeMapping {
    /// What identifies the user; empty: `sub`, or the `NameID`.
    pub subject: Vec<String>,
    /// The address.
    pub email: Vec<String>,
    /// The whole name.
    pub name: Vec<String>,
    /// The given name, where there is no whole one.
    pub first_name: Vec<String>,
    /// The family name, where there is no whole one.
    pub last_name: Vec<String>,
    /// The groups that rules look at: those under every one of these names.
    pub groups: Vec<String>,
    /// What stands between groups that come in one value, if they do. A group whose own name has it is then
    /// two: a provider that joins them cannot tell either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups_separator: Option<String>,
    /// Names of attributes that are kept at every sign-in, for claims of applications; nothing else is.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub keep: BTreeSet<String>,
}

/// Users whose attribute has a value get roles and groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRule {
    /// The attribute; `None`: the groups of [`AttributeMapping::groups`].
    #[serde(default)]
    pub attribute: Option<String>,
    /// The value, compared exactly.
    pub value: String,
    /// Slugs of the roles it gives.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// Slugs of the groups it gives.
    #[serde(default)]
    pub groups: BTreeSet<String>,
}

/// Whether a first sign-in makes a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jit {
    /// It does.
    pub enabled: bool,
    /// Slugs of the roles that everybody who signs in through the connection gets.
    #[serde(default)]
    pub default_roles: BTreeSet<String>,
}

/// Identity providers whose habits are known. The guides of the set-up and the defaults of a
/// connection follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "names of products")]
pub enum Vendor {
    Adfs,
    Custom,
    Entra,
    Google,
    JumpCloud,
    Keycloak,
    Okta,
    OneLogin,
    Ping,
    Shibboleth,
    SimpleSamlPhp,
}

/// A setting that cannot be: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct SettingsProblem {
    /// The field, dotted.
    pub field: &'static str,
    /// Why, for whoever wrote it.
    pub why: String,
}

const fn yes() -> bool {
    true
}

impl ConnectionSettings {
    /// The protocol of the provider.
    pub const fn protocol(&self) -> ConnectionProtocol {
        self.provider.protocol()
    }

    /// Whether the document can be used; whatever wrote it asks before it is kept.
    ///
    /// # Errors
    /// The first [`SettingsProblem`].
    pub fn check(&self) -> Result<(), SettingsProblem> {
        match &self.provider {
            ProviderSettings::Oidc(oidc) => oidc.check()?,
            ProviderSettings::Saml(saml) => saml.check()?,
        }
        self.mapping.check()?;
        check_count("rules", self.rules.len(), MAX_RULES)?;
        for rule in &self.rules {
            if let Some(attribute) = &rule.attribute {
                check_text("rules.attribute", attribute)?;
            }
            check_text("rules.value", &rule.value)?;
            check_slugs("rules.roles", &rule.roles)?;
            check_slugs("rules.groups", &rule.groups)?;
        }
        check_slugs("jit.default_roles", &self.jit.default_roles)
    }
}

impl ProviderSettings {
    /// What it speaks.
    pub const fn protocol(&self) -> ConnectionProtocol {
        match self {
            Self::Oidc(_) => ConnectionProtocol::Oidc,
            Self::Saml(_) => ConnectionProtocol::Saml,
        }
    }

    /// Whether it is shown a secret.
    pub const fn takes_secret(&self) -> bool {
        match self {
            Self::Oidc(oidc) => !matches!(oidc.authentication, OidcAuthentication::PrivateKeyJwt),
            Self::Saml(_) => false,
        }
    }
}

impl OidcSettings {
    /// What is asked for unless the settings say otherwise.
    pub fn default_scopes() -> Vec<String> {
        ["openid", "profile", "email"].map(str::to_owned).to_vec()
    }

    /// The algorithms accepted unless the settings say otherwise.
    pub fn default_algorithms() -> Vec<String> {
        ["RS256", "ES256", "PS256"].map(str::to_owned).to_vec()
    }

    /// Whether the issuer stands for many tenants.
    pub fn is_multi_tenant(&self) -> bool {
        self.issuer.contains("{tenantid}")
    }

    fn check(&self) -> Result<(), SettingsProblem> {
        check_address("provider.oidc.issuer", &self.issuer.replace("{tenantid}", "tenant"))?;
        check_text("provider.oidc.client_id", &self.client_id)?;
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return problem("provider.oidc.scopes", "`openid` must be among them");
        }
        check_count("provider.oidc.scopes", self.scopes.len(), 20)?;
        for scope in &self.scopes {
            check_text("provider.oidc.scopes", scope)?;
        }
        let known = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];
        if self.algorithms.is_empty() || !self.algorithms.iter().all(|name| known.contains(&name.as_str())) {
            return problem("provider.oidc.algorithms", &format!("at least one, of {}", known.join(", ")));
        }
        for (field, named) in
            [("provider.oidc.tenants", &self.tenants), ("provider.oidc.hosted_domains", &self.hosted_domains)]
        {
            check_count(field, named.len(), MAX_NAMED)?;
            for text in named {
                check_text(field, text)?;
            }
        }
        if self.is_multi_tenant() && self.tenants.is_empty() {
            return problem(
                "provider.oidc.tenants",
                "an issuer of many tenants needs the list of those allowed",
            );
        }
        if self.issuer == "https://accounts.google.com" && self.hosted_domains.is_empty() {
            return problem(
                "provider.oidc.hosted_domains",
                "Google signs in anyone with a Google account; name the Workspace domains allowed",
            );
        }
        Ok(())
    }
}

impl SamlSettings {
    fn check(&self) -> Result<(), SettingsProblem> {
        check_text("provider.saml.entity_id", &self.entity_id)?;
        check_address("provider.saml.sso_url", &self.sso_url)?;
        if let Some(url) = &self.slo_url {
            check_address("provider.saml.slo_url", url)?;
        }
        if let Some(url) = &self.slo_response_url {
            check_address("provider.saml.slo_response_url", url)?;
        }
        if let Some(url) = &self.metadata_url {
            check_address("provider.saml.metadata_url", url)?;
        }
        for (field, text) in [
            ("provider.saml.authn_context", &self.authn_context),
            ("provider.saml.name_id_format", &self.name_id_format),
            ("provider.saml.unsolicited_client", &self.unsolicited_client),
        ] {
            if let Some(text) = text {
                check_text(field, text)?;
            }
        }
        if self.certificates.is_empty() {
            return problem("provider.saml.certificates", "at least one: without it nothing can be verified");
        }
        check_count("provider.saml.certificates", self.certificates.len(), MAX_CERTIFICATES)?;
        if self.allow_unsolicited && self.unsolicited_client.is_none() {
            return problem("provider.saml.unsolicited_client", "name the application that it signs in to");
        }
        Ok(())
    }
}

impl AttributeMapping {
    pub(super) fn check(&self) -> Result<(), SettingsProblem> {
        let lists = [&self.subject, &self.email, &self.name, &self.first_name, &self.last_name, &self.groups];
        for list in lists {
            check_count("mapping", list.len(), MAX_NAMES)?;
            for name in list {
                check_text("mapping", name)?;
            }
        }
        check_count("mapping.keep", self.keep.len(), MAX_KEPT)?;
        for name in &self.keep {
            check_text("mapping.keep", name)?;
        }
        self.groups_separator.as_deref().map_or(Ok(()), check_separator)
    }
}

impl Vendor {
    /// Every vendor, the unknown one last.
    pub const ALL: [Self; 11] = [
        Self::Okta,
        Self::Entra,
        Self::Google,
        Self::Ping,
        Self::Adfs,
        Self::OneLogin,
        Self::JumpCloud,
        Self::Keycloak,
        Self::Shibboleth,
        Self::SimpleSamlPhp,
        Self::Custom,
    ];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adfs => "adfs",
            Self::Custom => "custom",
            Self::Entra => "entra",
            Self::Google => "google",
            Self::JumpCloud => "jumpcloud",
            Self::Keycloak => "keycloak",
            Self::Okta => "okta",
            Self::OneLogin => "onelogin",
            Self::Ping => "ping",
            Self::Shibboleth => "shibboleth",
            Self::SimpleSamlPhp => "simplesamlphp",
        }
    }

    /// The name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adfs => "AD FS",
            Self::Custom => "Another identity provider",
            Self::Entra => "Microsoft Entra ID",
            Self::Google => "Google Workspace",
            Self::JumpCloud => "JumpCloud",
            Self::Keycloak => "Keycloak",
            Self::Okta => "Okta",
            Self::OneLogin => "OneLogin",
            Self::Ping => "Ping Identity",
            Self::Shibboleth => "Shibboleth",
            Self::SimpleSamlPhp => "SimpleSAMLphp",
        }
    }

    /// Reads [`Vendor::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.as_str() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_the_first_release_stays_readable() {
        let text = r#"{"provider":{"oidc":{"issuer":"https://idp.test","client_id":"orgate"}}}"#;

        let read: ConnectionSettings = serde_json::from_str(text).expect("readable");

        assert_eq!(read.check(), Ok(()));
        let text = r#"{"provider":{"saml":{"entity_id":"urn:idp","sso_url":"https://idp.test/sso","certificates":["MII"]}},
                       "rules":[{"value":"staff","roles":["editor"]}],"jit":{"enabled":true}}"#;
        let read: ConnectionSettings = serde_json::from_str(text).expect("readable");
        assert_eq!(read.check(), Ok(()));
        assert_eq!(read.protocol(), ConnectionProtocol::Saml);
    }

    #[test]
    fn a_separator_is_something_and_leaves_no_trace_where_there_is_none() {
        let mapping = |separator: &str| {
            let text = format!(r#"{{"groups":["memberOf"],"groups_separator":{separator}}}"#);
            serde_json::from_str::<AttributeMapping>(&text).expect("readable")
        };

        assert_eq!(mapping(r#"";""#).check(), Ok(()));
        assert_eq!(mapping("null").check(), Ok(()));
        for wrong in [r#""""#, r#""\n""#, r#"";;;;;;;;;""#] {
            let problem = mapping(wrong).check().expect_err("refused");
            assert!(problem.why.starts_with("groups_separator"), "{wrong}: {problem}");
        }
        let written = serde_json::to_string(&mapping("null")).expect("JSON");
        assert!(!written.contains("separator"), "{written}");
    }

    #[test]
    fn what_would_let_strangers_in_is_refused() {
        let oidc = |change: &str| {
            let text = format!(r#"{{"provider":{{"oidc":{{"client_id":"orgate",{change}}}}}}}"#);
            serde_json::from_str::<ConnectionSettings>(&text).expect("readable").check()
        };

        let field = |checked: Result<(), SettingsProblem>| checked.expect_err("refused").field;
        assert_eq!(
            field(oidc(r#""issuer":"https://login.microsoftonline.com/{tenantid}/v2.0""#)),
            "provider.oidc.tenants"
        );
        assert_eq!(field(oidc(r#""issuer":"https://accounts.google.com""#)), "provider.oidc.hosted_domains");
        assert_eq!(
            field(oidc(r#""issuer":"https://idp.test","algorithms":["HS256"]"#)),
            "provider.oidc.algorithms"
        );
        assert_eq!(field(oidc(r#""issuer":"https://user@idp.test""#)), "provider.oidc.issuer");
        assert_eq!(field(oidc(r#""issuer":"file:///etc/passwd""#)), "provider.oidc.issuer");
    }
}
