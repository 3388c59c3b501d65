//! Sample identity providers: what an organization would already have, and signs in with at Orgate. One speaks OIDC, one
//! SAML 2.0; each has a name and people of its own.
//!
//! They ask for no password, so that a newcomer can click through: whoever reaches them can be anybody they know. They
//! belong on loopback, beside a provider that trusts them for sample organizations only.
//!
//! **Invariant:** what they say about a person goes only to a client or service provider of the configuration, at an
//! address that it lists.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, extract::DefaultBodyLimit, http::HeaderValue, routing::get};
use moka::{future::Cache, policy::EvictionPolicy};
use tokio::net::TcpListener;
use url::Url;

use crate::http::{serve, with_asset, with_security_headers};

mod accounts;
mod error_page;
mod index;
mod oidc;
mod own_form;
mod saml;
mod sign_in_page;

use error_page::PageError;
use index::Index;
use oidc::OpenIdProvider;
use saml::{SamlProvider, signing_key::SigningKey};

/// Of everything that is remembered: the ones used longest ago go first.
const MAX_ENTRIES: u64 = 10_000;
const MAX_FORM_BYTES: usize = 128 * 1024;

/// Sign-in forms lead on to clients and from there wherever the sign-in began, and browsers hold `form-action` against
/// every one of those redirects: it cannot be given.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Both providers, under one address.
#[derive(Clone)]
pub struct IdentityProvidersConfig {
    /// Where browsers find them, without a path: `http://localhost:8092/`. The issuer is `oidc` below it, the SAML
    /// entity `saml/metadata`.
    pub base_url: Url,
    /// The `OpenID` provider.
    pub oidc: OpenIdProviderConfig,
    /// The SAML identity provider.
    pub saml: SamlProviderConfig,
}

/// Somebody who can sign in, by a click.
#[derive(Clone, Debug)]
pub struct SampleUser {
    /// Unique at one provider, and the `sub` there.
    pub username: String,
    /// Given name first.
    pub name: String,
    /// Taken as verified.
    pub email: String,
    /// What a directory would say about their place in the organization.
    pub groups: Vec<String>,
}

/// The sample `OpenID` provider.
#[derive(Clone)]
pub struct OpenIdProviderConfig {
    /// What its pages are headed: `Globex Workforce`.
    pub name: String,
    /// Who can sign in.
    pub users: Vec<SampleUser>,
    /// Who may ask who signed in.
    pub clients: Vec<OpenIdClient>,
}

/// A confidential client of the sample `OpenID` provider.
#[derive(Clone)]
pub struct OpenIdClient {
    /// Shown on the index page.
    pub client_id: String,
    /// For `client_secret_basic` or `client_secret_post`.
    pub client_secret: String,
    /// Compared as texts (RFC 9700 §2.1).
    pub redirect_uris: Vec<String>,
    /// Any address that is this URL or below it will do too, so that a connection that is made later needs no
    /// registration. Real providers should not offer that.
    pub redirect_uri_prefix: Option<Url>,
    /// Compared as texts.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where logout tokens are sent, if anywhere.
    pub backchannel_logout_uri: Option<Url>,
}

/// The sample SAML identity provider.
#[derive(Clone)]
pub struct SamlProviderConfig {
    /// What its pages are headed: `Initech Directory`.
    pub name: String,
    /// Who can sign in.
    pub users: Vec<SampleUser>,
    /// Who may ask who signed in.
    pub service_providers: Vec<ServiceProviders>,
    /// What its home page offers to sign in to without being asked.
    pub tiles: Vec<SamlTile>,
    /// Where the signing key and its certificate are kept (PEM, for the owner only), so that those who have pinned the
    /// certificate find the same one after a restart. Without it they are new each time.
    pub key_file: Option<PathBuf>,
}

/// Service providers that are known by where they are, so that a connection that is made later needs no registration.
#[derive(Clone, Debug)]
pub struct ServiceProviders {
    /// Their entity IDs are this URL or below it.
    pub entity_id_prefix: Url,
    /// Their assertion consumer services likewise.
    pub acs_url_prefix: Url,
    /// Where the answer to a logout request goes: a URL, or a reference that is resolved against the entity ID (`slo`
    /// beside `…/metadata`). Without it logout requests are refused.
    pub slo_url: Option<String>,
}

/// A service provider that can be signed in to from the identity provider's own page.
#[derive(Clone, Debug)]
pub struct SamlTile {
    /// What the button says.
    pub name: String,
    /// Of the service provider, which must be among [`SamlProviderConfig::service_providers`].
    pub entity_id: String,
    /// Its assertion consumer service.
    pub acs_url: String,
    /// Handed on with the response.
    pub relay_state: Option<String>,
}

/// Serves both on `listener` until `shutdown` is done.
///
/// # Errors
/// If there can be no keys, the key file cannot be used, or the HTTP server fails.
pub async fn serve_identity_providers(
    config: IdentityProvidersConfig,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = router(&config)?;
    serve(listener, with_security_headers(router, HeaderValue::from_static(POLICY)), shutdown).await
}

/// The SAML metadata that will be served, to register it before: for that the key is made and kept if it is missing.
///
/// # Errors
/// If there is no key file in the configuration, or it cannot be used.
pub fn saml_metadata(config: &IdentityProvidersConfig) -> io::Result<String> {
    if config.saml.key_file.is_none() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "without a key file the key is new each time",
        ));
    }
    let key = SigningKey::load_or_generate(&config.saml)?;
    saml::metadata::render(&config.base_url, &key).map_err(io::Error::other)
}

fn router(config: &IdentityProvidersConfig) -> io::Result<Router> {
    let oidc = OpenIdProvider::new(config)?;
    let saml = SamlProvider::new(config)?;
    let index = Index::new(config);
    let router = Router::new()
        .route("/", get(index::show))
        .with_state(Arc::new(index))
        .merge(oidc::router(Arc::new(oidc)))
        .merge(saml::router(Arc::new(saml)))
        .fallback(async || PageError::NotFound)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES));
    let style = include_str!("../assets/identity_providers.css");
    let router = with_asset(router, "/identity-providers.css", "text/css", style);
    let icon = include_str!("../assets/identity_providers.svg");
    Ok(with_asset(router, "/identity-providers.svg", "image/svg+xml", icon))
}

/// A URL below the base, without a slash at the end.
fn url_below(base_url: &Url, path: &str) -> String {
    format!("{}/{path}", base_url.as_str().trim_end_matches('/'))
}

fn cache<V: Clone + Send + Sync + 'static>(lifetime: Duration) -> Cache<String, V> {
    let builder = Cache::builder().max_capacity(MAX_ENTRIES).eviction_policy(EvictionPolicy::lru());
    builder.time_to_live(lifetime).build()
}
