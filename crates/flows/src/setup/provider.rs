//! The identity provider's side of a connection: SAML metadata, pasted, uploaded, fetched or typed in; an
//! OpenID provider's issuer, looked up while its form waits.

use std::sync::Arc;

use orgate_domain::audit::Origin;
use orgate_domain::connections::{
    AttributeMapping, ConnectionProtocol, ConnectionSettings, Jit, OidcAuthentication, OidcSettings,
    ProviderSettings, SamlBinding, SamlSettings, Vendor,
};
use orgate_saml::metadata::{IdpMetadata, MetadataError};
use url::Url;

use super::connections::{Detail, NewSettings, save_settings};
use super::saved::{oidc_of, typed_before};
use super::{Setup, SetupError, certificates, unsolicited};
use crate::federation::ConnectionSecrets;
use crate::federation::providers::{Document, Provider};
use crate::federation::saml_metadata::follow;
use crate::limits::Limited;
use crate::{Env, Failure};

/// Bytes of pasted or uploaded metadata at most.
pub const MAX_METADATA: usize = 512 * 1024;

/// Asymmetric algorithms that an ID token may be signed with, best known first.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Where a SAML provider's side comes from.
#[derive(Debug)]
pub enum SamlSource {
    /// Metadata itself; the field of the form that it came in.
    Document(Vec<u8>, &'static str),
    /// The address of metadata, which is then followed.
    Address(String),
    /// Nowhere: what was saved stays.
    Kept,
    /// Typed in.
    Typed {
        /// Its entity id.
        entity_id: String,
        /// Where requests go.
        sso_url: String,
        /// Its certificates: PEM, or one as base64.
        certificates: String,
    },
}

/// Everything that the form has room for, of which one is to be used.
#[derive(Debug, Default)]
pub struct SamlGiven {
    /// A file.
    pub file: Option<Vec<u8>>,
    /// The address of metadata.
    pub address: Option<String>,
    /// Metadata itself.
    pub text: Option<String>,
    /// Entity id, address for sign-ins, and certificates.
    pub typed: [String; 3],
}

impl SamlGiven {
    /// The one that is used; what was typed counts only if it was changed.
    ///
    /// # Errors
    /// [`SetupError::Invalid`] if there are several.
    pub fn source(self, detail: &Detail) -> Result<SamlSource, SetupError> {
        let before = typed_before(detail).unwrap_or_default();
        let same = self.typed.iter().zip(&before).all(|(now, before)| certificates::is_same(now, before));
        let is_empty = self.typed.iter().all(|text| text.trim().is_empty());
        let [entity_id, sso_url, certificates] = self.typed;
        let typed = (!same && !is_empty).then_some(SamlSource::Typed { entity_id, sso_url, certificates });
        let ways = [
            self.file.map(|bytes| SamlSource::Document(bytes, "file")),
            self.address.map(SamlSource::Address),
            self.text.map(|text| SamlSource::Document(text.into_bytes(), "metadata")),
            typed,
        ];
        let mut given = ways.into_iter().flatten();
        match (given.next(), given.next()) {
            (None, _) => Ok(SamlSource::Kept),
            (Some(source), None) => Ok(source),
            (Some(_), Some(_)) => {
                let why = "Use one of the ways only: leave the others as they were.";
                Err(SetupError::invalid("metadata_url", why))
            }
        }
    }
}

/// A SAML provider as the form says it.
#[derive(Debug)]
pub struct SamlInput {
    /// From where.
    pub source: SamlSource,
    /// Which one, where the metadata has several.
    pub entity_id: Option<String>,
    /// Whether requests are signed.
    pub sign_requests: bool,
    /// Whether the provider asks its user again at each sign-in.
    pub force_authn: bool,
    /// The `client_id` of the application that sign-ins may begin at the provider for.
    pub unsolicited: Option<String>,
}

/// How we prove to an OpenID provider that it is us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProof {
    /// By a key of our own (`private_key_jwt`).
    Key,
    /// By a secret that both sides know.
    Secret,
}

/// An OpenID provider as the form says it.
#[derive(Debug)]
pub struct OidcInput {
    /// Its issuer, or the address of its discovery document.
    pub issuer: String,
    /// What it calls us.
    pub client_id: String,
    /// How we prove that it is us; `None` leaves it as it is.
    pub proof: Option<ClientProof>,
    /// The secret; `None` keeps the one there is.
    pub client_secret: Option<String>,
    /// Entra ID: tenants that may sign in through a multi-tenant issuer.
    pub tenants: Vec<String>,
    /// Google Workspace: domains that accounts must be of.
    pub hosted_domains: Vec<String>,
}

/// Takes over a SAML provider's side.
///
/// # Errors
/// [`SetupError`].
pub async fn save_saml(
    env: &Env,
    setup: &Setup,
    (detail, seen): (&Detail, i32),
    input: SamlInput,
    origin: &Origin,
) -> Result<bool, SetupError> {
    let base = match detail.latest.as_ref().map(|version| &version.settings.provider) {
        Some(ProviderSettings::Saml(saml)) => saml.clone(),
        _ => blank(),
    };
    let base = SamlSettings { sign_requests: input.sign_requests, force_authn: input.force_authn, ..base };
    let saml = match input.source {
        SamlSource::Document(bytes, field) => {
            let metadata = read_metadata(env, bytes, (input.entity_id, field)).await?;
            SamlSettings { metadata_url: None, ..followed(&base, &metadata, field)? }
        }
        SamlSource::Address(address) => {
            env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
            let bytes = fetch(env, &address).await?;
            let metadata = read_metadata(env, bytes, (input.entity_id, "metadata_url")).await?;
            SamlSettings { metadata_url: Some(address), ..followed(&base, &metadata, "metadata_url")? }
        }
        SamlSource::Kept if detail.latest.is_some() => base,
        SamlSource::Kept => {
            let why = "Give the provider's metadata in one of these ways.";
            return Err(SetupError::invalid("metadata", why));
        }
        SamlSource::Typed { entity_id, sso_url, certificates } => {
            let certificates = certificates::read(env, certificates).await?;
            let sso_binding = if sso_url == base.sso_url { base.sso_binding } else { SamlBinding::Redirect };
            // Another provider has its own way out: nobody's name is sent to the one before.
            let base = if entity_id == base.entity_id { base } else { without_logout(base) };
            SamlSettings { entity_id, sso_url, sso_binding, certificates, metadata_url: None, ..base }
        }
    };
    let saml = unsolicited::allowed(env, setup, saml, input.unsolicited.as_deref()).await?;
    let new = NewSettings {
        id: detail.connection.id,
        seen,
        settings: settings_with(detail, ProviderSettings::Saml(saml)),
        secrets: secrets_of(detail),
        changed: "provider",
    };
    save_settings(env, setup, &new, origin).await
}

fn without_logout(settings: SamlSettings) -> SamlSettings {
    SamlSettings { slo_url: None, slo_response_url: None, ..settings }
}

/// Takes over an OpenID provider's side, once its discovery document says the same. `true` if a key was made that
/// the provider has to be told.
///
/// # Errors
/// [`SetupError`].
pub async fn save_oidc(
    env: &Env,
    setup: &Setup,
    (detail, seen): (&Detail, i32),
    input: OidcInput,
    origin: &Origin,
) -> Result<bool, SetupError> {
    let before = oidc_of(detail);
    let issuer = issuer_of(&input.issuer);
    let is_same = |before: &&OidcSettings| before.issuer == issuer && before.client_id == input.client_id;
    let same = before.filter(is_same);
    let known = if same.is_some() { secrets_of(detail) } else { ConnectionSecrets::default() };
    let is_keyed = |before: &OidcSettings| before.authentication == OidcAuthentication::PrivateKeyJwt;
    let was_keyed = before.is_some_and(is_keyed);
    let proof = input.proof.unwrap_or(if was_keyed { ClientProof::Key } else { ClientProof::Secret });
    let secrets = proven_by(proof, input.client_secret, &known)?;
    env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    let provider = discover(env, &issuer).await?;
    let authentication = match proof {
        ClientProof::Key if same.is_some_and(is_keyed) => OidcAuthentication::PrivateKeyJwt,
        ClientProof::Key => by_key(&provider.document)?,
        ClientProof::Secret => authentication_of(&provider.document),
    };
    let is_new_key = secrets.assertion_key.is_some() && secrets.assertion_key != known.assertion_key;
    let oidc = OidcSettings {
        authentication,
        scopes: before.map_or_else(|| scopes_of(&provider.document), |before| before.scopes.clone()),
        algorithms: algorithms_of(&provider.document)?,
        tenants: input.tenants,
        hosted_domains: input.hosted_domains,
        client_id: input.client_id,
        issuer,
    };
    let new = NewSettings {
        id: detail.connection.id,
        seen,
        settings: settings_with(detail, ProviderSettings::Oidc(oidc)),
        secrets,
        changed: "provider",
    };
    save_settings(env, setup, &new, origin).await?;
    Ok(is_new_key)
}

/// What is kept secret for this proof; `known` is of the same application at the same provider, since one
/// provider's secret is never sent to another, nor its key used for one.
fn proven_by(
    proof: ClientProof,
    typed: Option<String>,
    known: &ConnectionSecrets,
) -> Result<ConnectionSecrets, SetupError> {
    let mut secrets = ConnectionSecrets::default();
    match proof {
        ClientProof::Key => {
            secrets.assertion_key.clone_from(&known.assertion_key);
            secrets.ensure_assertion_key().map_err(Failure::from)?;
        }
        ClientProof::Secret => {
            secrets.client_secret = typed.or_else(|| known.client_secret.clone());
            if secrets.client_secret.is_none() {
                let why = "Paste the client secret of this application: an earlier one is kept for its own provider alone.";
                return Err(SetupError::invalid("client_secret", why));
            }
        }
    }
    Ok(secrets)
}

/// Whether a vendor's applications can be told our public key, as far as is known: Google takes secrets alone, and
/// Entra ID certificates that it was given, named by their thumbprints.
pub const fn takes_keys(vendor: Vendor) -> bool {
    !matches!(vendor, Vendor::Entra | Vendor::Google)
}

/// People paste the address of the document as often as the issuer.
fn issuer_of(text: &str) -> String {
    let text = text.trim();
    text.strip_suffix("/.well-known/openid-configuration").unwrap_or(text).to_owned()
}

async fn discover(env: &Env, issuer: &str) -> Result<Arc<Provider>, SetupError> {
    if !issuer.contains("://") {
        return Err(SetupError::invalid("issuer", "Paste the whole address, beginning with https://."));
    }
    let found = env.providers.find(&env.outgoing, issuer).await;
    found.map_err(|error| {
        let why = format!(
            "Its discovery document cannot be used ({error}). Compare the issuer with the provider's own page, to the letter."
        );
        SetupError::invalid("issuer", why)
    })
}

/// A provider that says what it takes has to say that it takes this; our keys sign ES256.
fn by_key(document: &Document) -> Result<OidcAuthentication, SetupError> {
    use openidconnect::core::{CoreClientAuthMethod, CoreJwsSigningAlgorithm};

    let refused = |why: &str| Err(SetupError::invalid("authentication", why));
    let methods = document.token_endpoint_auth_methods_supported();
    if methods.is_some_and(|methods| !methods.contains(&CoreClientAuthMethod::PrivateKeyJwt)) {
        return refused("Your provider does not say that it takes private_key_jwt. Use a client secret.");
    }
    let algorithms = document.token_endpoint_auth_signing_alg_values_supported();
    let ours = CoreJwsSigningAlgorithm::EcdsaP256Sha256;
    if algorithms.is_some_and(|known| !known.is_empty() && !known.contains(&ours)) {
        return refused(
            "Your provider takes no keys for ES256, which is what ours sign. Use a client secret.",
        );
    }
    Ok(OidcAuthentication::PrivateKeyJwt)
}

fn authentication_of(document: &Document) -> OidcAuthentication {
    use openidconnect::core::CoreClientAuthMethod as Method;

    let Some(methods) = document.token_endpoint_auth_methods_supported() else {
        return OidcAuthentication::ClientSecretBasic;
    };
    if !methods.contains(&Method::ClientSecretBasic) && methods.contains(&Method::ClientSecretPost) {
        OidcAuthentication::ClientSecretPost
    } else {
        OidcAuthentication::ClientSecretBasic
    }
}

/// The usual ones, and that of groups where the provider has one: Okta and OneLogin give no groups without.
fn scopes_of(document: &Document) -> Vec<String> {
    let groups = document.scopes_supported().into_iter().flatten().find(|scope| scope.as_str() == "groups");
    OidcSettings::default_scopes().into_iter().chain(groups.map(|scope| scope.to_string())).collect()
}

fn algorithms_of(document: &Document) -> Result<Vec<String>, SetupError> {
    let offered = document.id_token_signing_alg_values_supported();
    let named = |name: &&&str| {
        offered.iter().any(|offered| serde_json::to_value(offered).is_ok_and(|value| value == **name))
    };
    let usable: Vec<String> = ALGORITHMS.iter().filter(named).map(|name| (*name).to_owned()).collect();
    if usable.is_empty() {
        let why = "The provider signs its ID tokens with nothing that can be verified here. Choose RS256 or ES256 there.";
        return Err(SetupError::invalid("issuer", why));
    }
    Ok(usable)
}

async fn fetch(env: &Env, address: &str) -> Result<Vec<u8>, SetupError> {
    let refused = |why: String| SetupError::invalid("metadata_url", why);
    let url = Url::parse(address)
        .map_err(|_| refused("Paste the whole address, beginning with https://.".to_owned()))?;
    let accept = "application/samlmetadata+xml, application/xml;q=0.9, */*;q=0.1";
    let reply = env
        .outgoing
        .get(&url, accept)
        .await
        .map_err(|error| refused(format!("The address gave no metadata: {error}.")))?;
    if !reply.status.is_success() {
        return Err(refused(format!("The address answers {} instead of metadata.", reply.status.as_u16())));
    }
    Ok(reply.body)
}

async fn read_metadata(
    env: &Env,
    bytes: Vec<u8>,
    (entity_id, field): (Option<String>, &'static str),
) -> Result<IdpMetadata, SetupError> {
    if bytes.len() > MAX_METADATA {
        return Err(SetupError::invalid(field, "The metadata is longer than 512 KiB."));
    }
    let now = env.clock.now();
    let read = env.heavy.run(move || IdpMetadata::parse(&bytes, entity_id.as_deref())).await;
    let metadata = read.map_err(Failure::from)?.map_err(|error| {
        let place = if matches!(error, MetadataError::Ambiguous(_)) { "entity" } else { field };
        SetupError::invalid(place, capitalized(&error.to_string()))
    })?;
    if metadata.has_expired(now) {
        return Err(SetupError::invalid(
            field,
            "This metadata says itself that it has expired. Export it anew.",
        ));
    }
    Ok(metadata)
}

fn followed(
    base: &SamlSettings,
    metadata: &IdpMetadata,
    field: &'static str,
) -> Result<SamlSettings, SetupError> {
    follow(base, metadata).map_err(|error| SetupError::invalid(field, capitalized(&error.to_string())))
}

/// A sentence of an error's text.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

const fn blank() -> SamlSettings {
    SamlSettings {
        entity_id: String::new(),
        sso_url: String::new(),
        sso_binding: SamlBinding::Redirect,
        slo_url: None,
        slo_response_url: None,
        slo_binding: SamlBinding::Redirect,
        certificates: Vec::new(),
        metadata_url: None,
        sign_requests: true,
        force_authn: false,
        authn_context: None,
        name_id_format: None,
        allow_unsolicited: false,
        unsolicited_client: None,
        require_encryption: false,
        allow_unauthenticated_cbc: false,
    }
}

/// The rest of the document stays; a first one takes what suits the vendor.
fn settings_with(detail: &Detail, provider: ProviderSettings) -> ConnectionSettings {
    match &detail.latest {
        Some(version) => ConnectionSettings { provider, ..version.settings.clone() },
        None => first_settings(detail.connection.vendor, provider),
    }
}

fn first_settings(vendor: Vendor, provider: ProviderSettings) -> ConnectionSettings {
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

pub(super) fn secrets_of(detail: &Detail) -> ConnectionSecrets {
    detail.latest.as_ref().map_or_else(ConnectionSecrets::default, |version| version.secrets.clone())
}

#[cfg(test)]
mod tests {
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
