//! A connection as it is shown.

use std::collections::BTreeSet;

use orgate_domain::connections::{ConnectionProtocol, ConnectionState, OidcAuthentication, ProviderSettings};
use orgate_flows::manage::Connection;
use orgate_flows::manage::connections::ShownConnection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::settings::Settings;

/// A connection, without its settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConnectionSummary)]
pub(crate) struct Summary {
    /// Its id.
    id: String,
    /// Its short name, by which files and commands name it. It stays as it is.
    slug: String,
    /// Its name on the sign-in page.
    name: String,
    /// Who is at the other end.
    vendor: &'static str,
    /// What it speaks.
    protocol: Protocol,
    /// Where it is in its life.
    state: State,
    /// The latest version of its settings; 0 before there is one.
    latest_version: i32,
    /// The last version that a test went through.
    tested_version: Option<i32>,
    /// The version that people sign in by.
    live_version: Option<i32>,
    /// The domains that it serves.
    domains: Vec<String>,
}

/// A connection: how users sign in through an identity provider of their organization's.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(crate) struct View {
    #[serde(flatten)]
    summary: Summary,
    /// The addresses that its pilot lists.
    pilots: Vec<String>,
    /// What its latest version is set to; null before there is one.
    settings: Option<Settings>,
    /// Whether its latest version has a client secret.
    has_client_secret: bool,
    /// Slugs of the roles that its latest version may give at most: what whoever wrote it could give. Null: any.
    role_ceiling: Option<BTreeSet<String>>,
    /// What its identity provider has to be told.
    service_provider: ServiceProvider,
}

/// What an identity provider has to be told: of an OpenID provider's, or of a SAML provider's, that does not apply is null.
#[derive(Debug, Default, Serialize, ToSchema)]
struct ServiceProvider {
    /// OpenID Connect: where answers go.
    redirect_uri: Option<String>,
    /// OpenID Connect: where it says that somebody signed out.
    backchannel_logout_uri: Option<String>,
    /// OpenID Connect, with `private_key_jwt`: where our keys are.
    jwks_uri: Option<String>,
    /// SAML: what we are called.
    entity_id: Option<String>,
    /// SAML: where answers go.
    acs_url: Option<String>,
    /// SAML: where our metadata is.
    metadata_url: Option<String>,
    /// SAML: where sign-outs go.
    slo_url: Option<String>,
}

/// What a connection speaks.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ConnectionProtocol)]
#[serde(rename_all = "snake_case")]
enum Protocol {
    /// OpenID Connect.
    Oidc,
    /// SAML 2.0.
    Saml,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = ConnectionState)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Being set up: nobody signs in through it.
    Draft,
    /// A test went through: still nobody signs in through it.
    Tested,
    /// The users that its pilot lists sign in through it.
    Pilot,
    /// Everybody may.
    Active,
    /// Switched off.
    Disabled,
}

impl From<ConnectionState> for State {
    fn from(state: ConnectionState) -> Self {
        match state {
            ConnectionState::Active => Self::Active,
            ConnectionState::Disabled => Self::Disabled,
            ConnectionState::Draft => Self::Draft,
            ConnectionState::Pilot => Self::Pilot,
            ConnectionState::Tested => Self::Tested,
        }
    }
}

impl From<State> for ConnectionState {
    fn from(state: State) -> Self {
        match state {
            State::Active => Self::Active,
            State::Disabled => Self::Disabled,
            State::Draft => Self::Draft,
            State::Pilot => Self::Pilot,
            State::Tested => Self::Tested,
        }
    }
}

impl From<&Connection> for Summary {
    fn from(connection: &Connection) -> Self {
        Self {
            id: connection.id.to_string(),
            slug: connection.slug.to_string(),
            name: connection.name.as_str().to_owned(),
            vendor: connection.vendor.as_str(),
            protocol: match connection.protocol {
                ConnectionProtocol::Oidc => Protocol::Oidc,
                ConnectionProtocol::Saml => Protocol::Saml,
            },
            state: connection.state.into(),
            latest_version: connection.latest_version,
            tested_version: connection.tested_version,
            live_version: connection.live_version,
            domains: connection.domains.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Connection> for Summary {
    fn from(connection: Connection) -> Self {
        (&connection).into()
    }
}

impl From<&ShownConnection> for View {
    fn from(shown: &ShownConnection) -> Self {
        let latest = shown.latest.as_deref();
        Self {
            summary: (&shown.connection).into(),
            pilots: shown.pilots.clone(),
            settings: latest.map(|version| (&version.settings).into()),
            has_client_secret: latest.is_some_and(|version| version.secrets.client_secret.is_some()),
            role_ceiling: latest.and_then(|version| version.role_ceiling.clone()),
            service_provider: shown.into(),
        }
    }
}

impl From<&ShownConnection> for ServiceProvider {
    fn from(shown: &ShownConnection) -> Self {
        let told = &shown.told;
        let text = |text: &String| Some(text.clone());
        match shown.connection.protocol {
            ConnectionProtocol::Oidc => Self {
                redirect_uri: text(&told.redirect_uri),
                backchannel_logout_uri: text(&told.backchannel_logout_uri),
                jwks_uri: text(&told.jwks_uri).filter(|_| is_keyed(shown)),
                ..Self::default()
            },
            ConnectionProtocol::Saml => Self {
                entity_id: text(&told.entity_id),
                acs_url: text(&told.acs_url),
                metadata_url: text(&told.entity_id),
                slo_url: text(&told.slo_url),
                ..Self::default()
            },
        }
    }
}

fn is_keyed(shown: &ShownConnection) -> bool {
    shown.latest.as_ref().is_some_and(|version| {
        matches!(&version.settings.provider, ProviderSettings::Oidc(oidc)
            if oidc.authentication == OidcAuthentication::PrivateKeyJwt)
    })
}
