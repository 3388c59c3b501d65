//! An OpenID provider's side: its issuer, looked up while its form waits.

use std::fmt;
use std::sync::Arc;

use orgate_domain::audit::Origin;
use orgate_domain::connections::{OidcAuthentication, OidcSettings, ProviderSettings, Vendor};

use super::super::connections::{Detail, NewSettings, save_settings};
use super::super::saved::oidc_in;
use super::super::{Setup, SetupError};
use super::{secrets_of, settings_with};
use crate::federation::providers::{Document, Provider};
use crate::federation::{ConnectionSecrets, Version};
use crate::limits::Limited;
use crate::{Env, Failure};

/// Asymmetric algorithms that an ID token may be signed with, best known first.
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// How we prove to an OpenID provider that it is us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientProof {
    /// By a key of our own (`private_key_jwt`).
    Key,
    /// By a secret that both sides know, as the provider says that it takes it.
    Secret,
    /// By a secret, in this way.
    SecretBy(OidcAuthentication),
}

impl ClientProof {
    /// The way that it names, if it names one.
    pub(crate) const fn authentication(self) -> Option<OidcAuthentication> {
        match self {
            Self::Key => Some(OidcAuthentication::PrivateKeyJwt),
            Self::Secret => None,
            Self::SecretBy(authentication) => Some(authentication),
        }
    }
}

/// An OpenID provider as the form says it.
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
    /// What is asked for; `None` leaves it as it is.
    pub scopes: Option<Vec<String>>,
    /// What ID tokens may be signed with; `None`: whatever the provider says that can be verified here.
    pub algorithms: Option<Vec<String>>,
}

impl fmt::Debug for OidcInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { issuer, client_id, .. } = self; // and no secret
        f.debug_struct("OidcInput")
            .field("issuer", issuer)
            .field("client_id", client_id)
            .finish_non_exhaustive()
    }
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
    let latest = detail.latest.as_deref();
    let (oidc, secrets) = provided(env, latest, input, origin).await?;
    let known = latest.and_then(|version| version.secrets.assertion_key.as_ref());
    let is_new_key = secrets.assertion_key.is_some() && secrets.assertion_key.as_ref() != known;
    let new = NewSettings {
        id: detail.connection.id,
        seen,
        settings: settings_with(detail, ProviderSettings::Oidc(oidc)),
        secrets,
        changed: &["provider"],
    };
    save_settings(env, setup, &new, origin).await?;
    Ok(is_new_key)
}

/// The provider as its form and its discovery document say it, with what is kept secret; `latest` is the version
/// before.
pub(crate) async fn provided(
    env: &Env,
    latest: Option<&Version>,
    input: OidcInput,
    origin: &Origin,
) -> Result<(OidcSettings, ConnectionSecrets), SetupError> {
    let before = latest.and_then(oidc_in);
    let issuer = issuer_of(&input.issuer);
    let is_same = |before: &&OidcSettings| before.issuer == issuer && before.client_id == input.client_id;
    let same = before.filter(is_same);
    let known = secrets_of(latest.filter(|_| same.is_some()));
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
        ClientProof::SecretBy(authentication) => authentication,
    };
    let scopes = input.scopes.or_else(|| before.map(|before| before.scopes.clone()));
    let oidc = OidcSettings {
        authentication,
        scopes: scopes.unwrap_or_else(|| scopes_of(&provider.document)),
        algorithms: match input.algorithms {
            Some(algorithms) => algorithms,
            None => algorithms_of(&provider.document)?,
        },
        tenants: input.tenants,
        hosted_domains: input.hosted_domains,
        client_id: input.client_id,
        issuer,
    };
    Ok((oidc, secrets))
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
        ClientProof::Secret | ClientProof::SecretBy(_) => {
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
