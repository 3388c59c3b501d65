//! Clients: the applications that ask for tokens.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_protocol::jose::SigningAlgorithm;
use orgate_protocol::oauth::client_auth::{ClientAuthMethod, PresentedClient};
use orgate_protocol::oauth::redirect_uri::{ClientKind, RegisteredRedirectUri};
use orgate_protocol::oauth::{ErrorCode, RequestError};
use url::Url;

mod check;
pub mod claims;
mod settings;

pub use check::{
    ADMINISTRATION, ClientProblem, parse_audience, parse_client_id, parse_own_permission, parse_resource,
    parse_scope, parse_web_address,
};
pub use settings::{
    ClientAuthentication, ClientIssuer, ClientKeySource, ClientSettings, Lifetimes, Party, Profile,
    STANDARD_SCOPES,
};

use crate::credentials::SecretHash;
use crate::ids::{ClientId, OrgId};
use crate::names::DisplayName;

/// A client, as its owner configured it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id inside its owner.
    pub id: ClientId,
    /// The organization that owns it.
    pub owner: OrgId,
    /// Its public `client_id` (RFC 6749 §2.2).
    pub client_id: String,
    /// Its name for people.
    pub name: DisplayName,
    /// What it is, and so what it can keep secret.
    pub kind: ClientKind,
    /// Which organizations may use it.
    pub audience: Audience,
    /// Whether it may be used at all. Read again in every transaction that issues.
    pub status: ClientStatus,
    /// The addresses that answers may go to.
    pub redirect_uris: Vec<RegisteredRedirectUri>,
    /// The addresses that a sign-out may lead to, compared exactly.
    pub post_logout_redirect_uris: BTreeSet<String>,
    /// The page of the application itself: where a person goes when a sign-in cannot go on.
    pub home_url: Option<Url>,
    /// Where it begins a sign-in that somebody else thought of (OIDC Core §4).
    pub initiate_login_uri: Option<Url>,
    /// The `aud` of its access tokens (RFC 9068 §3, the default resource).
    pub resource: String,
    /// How its ID tokens are signed. Access tokens are signed alike.
    pub signing_algorithm: SigningAlgorithm,
    /// The permissions that its resource knows: only these reach its tokens. Empty: all of them.
    pub permissions: BTreeSet<String>,
    /// How it may ask for tokens, and what it must prove.
    pub settings: ClientSettings,
    /// Its secrets, as hashes; two may live side by side while one is being replaced.
    pub secrets: Vec<ClientSecret>,
}

/// A live or retired secret of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// When it stops being accepted, if that is planned.
    pub expires_at: Option<DateTime<Utc>>,
}

/// Which organizations may use a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every organization.
    All,
    /// Those it was granted to.
    Granted,
    /// Its owner only.
    Owner,
}

/// Whether a client may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientStatus {
    /// It may.
    Active,
    /// It may not, until someone enables it again.
    Disabled,
}

/// A redirect URI that the client registered. Only [`Client::redirect_uri`] makes one, so nothing
/// unchecked can be redirected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredUri(String);

/// A redirect URI that the client did not register, or none where there are several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the redirect URI is not registered for this client")]
pub struct UnregisteredRedirectUri;

/// Why a client could not prove who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("client authentication failed")]
pub struct UnprovenClient;

impl Client {
    /// One of this kind of which nothing else is said: its owner's alone, switched on, and without a secret yet.
    pub fn new(
        (owner, id): (OrgId, ClientId),
        kind: ClientKind,
        (client_id, name): (String, DisplayName),
    ) -> Self {
        Self {
            id,
            owner,
            name,
            kind,
            audience: Audience::Owner,
            status: ClientStatus::Active,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: BTreeSet::new(),
            home_url: None,
            initiate_login_uri: None,
            resource: client_id.clone(),
            client_id,
            signing_algorithm: SigningAlgorithm::Es256,
            permissions: BTreeSet::new(),
            settings: ClientSettings::of(kind),
            secrets: Vec::new(),
        }
    }

    /// Admits `requested`, by exact comparison (RFC 9700 §2.1). A request may leave the parameter
    /// out only in plain OAuth and where one is registered; `OpenID` Connect demands it, so it is
    /// always demanded.
    ///
    /// # Errors
    /// [`UnregisteredRedirectUri`].
    pub fn redirect_uri(&self, requested: &str) -> Result<RegisteredUri, UnregisteredRedirectUri> {
        self.redirect_uris
            .iter()
            .any(|registered| registered.matches(requested))
            .then(|| RegisteredUri(requested.to_owned()))
            .ok_or(UnregisteredRedirectUri)
    }

    /// The origins whose scripts are this client: of a single-page client, those of its redirect URIs. No other
    /// client's tokens are anything to a script.
    pub fn script_origins(&self) -> BTreeSet<String> {
        match self.kind {
            ClientKind::Spa => self.redirect_uris.iter().filter_map(RegisteredRedirectUri::origin).collect(),
            ClientKind::Machine | ClientKind::Native | ClientKind::Web => BTreeSet::new(),
        }
    }

    /// Whether it is Orgate's own: it is made, and kept as it is, by the release, and no file describes it.
    pub fn is_built_in(&self) -> bool {
        self.client_id == ADMINISTRATION
    }

    /// Its owner and its id: how rows of other organizations name it.
    pub const fn key(&self) -> (OrgId, ClientId) {
        (self.owner, self.id)
    }

    /// Whether it can keep a secret, and so must prove one.
    pub const fn is_confidential(&self) -> bool {
        self.settings.authentication.is_confidential()
    }

    /// The `aud` of a token that is asked for with this `resource` (RFC 8707 §2.2).
    ///
    /// # Errors
    /// `invalid_target` for a resource that is neither its own nor one that it may ask for.
    pub fn audience_for(&self, resource: Option<&str>) -> Result<String, RequestError> {
        match resource {
            None => Ok(self.resource.clone()),
            Some(asked) if asked == self.resource || self.settings.resources.contains(asked) => {
                Ok(asked.to_owned())
            }
            Some(_) => Err(RequestError::new(
                ErrorCode::InvalidTarget,
                "the client may not ask for tokens for this resource",
            )),
        }
    }

    /// Checks what a client presented at the token endpoint (RFC 6749 §2.3), assertions aside. Generated secrets have
    /// full entropy, so one SHA-256 is enough (FIPS 180-4); every hash is compared in constant time.
    ///
    /// # Errors
    /// [`UnprovenClient`], whatever was wrong.
    pub fn authenticate(
        &self,
        presented: &PresentedClient,
        now: DateTime<Utc>,
    ) -> Result<(), UnprovenClient> {
        let proven = match (&presented.proof, self.settings.authentication, presented.method) {
            (None, ClientAuthentication::None, _) => true,
            (None, _, _)
            | (Some(_), ClientAuthentication::None | ClientAuthentication::PrivateKeyJwt, _)
            | (Some(_), _, ClientAuthMethod::Assertion | ClientAuthMethod::None)
            | (Some(_), ClientAuthentication::SecretBasic, ClientAuthMethod::Post)
            | (Some(_), ClientAuthentication::SecretPost, ClientAuthMethod::Basic) => false,
            (Some(secret), _, _) => {
                let hash = SecretHash::of(secret.as_bytes());
                self.secrets
                    .iter()
                    .filter(|known| known.expires_at.is_none_or(|end| now < end))
                    .fold(false, |found, known| known.hash.matches(&hash) | found)
            }
        };
        proven.then_some(()).ok_or(UnprovenClient)
    }
}

impl RegisteredUri {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Audience {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Granted => "granted",
            Self::Owner => "owner",
        }
    }

    /// Reads [`Audience::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::All, Self::Granted, Self::Owner].into_iter().find(|audience| audience.as_str() == text)
    }
}

impl ClientStatus {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// Reads [`ClientStatus::as_str`] back.
    pub fn from_text(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}
