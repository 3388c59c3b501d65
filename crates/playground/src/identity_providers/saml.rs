//! The sample SAML 2.0 identity provider: web browser single sign-on by the redirect and POST bindings, begun by either
//! side, and single logout by the redirect binding.
//!
//! Signatures of requests are not looked at: a request says where the answer goes, and that is held against the
//! configuration.

use std::{io, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
    routing::{get, post},
};

use super::{
    IdentityProvidersConfig, PageError, SamlTile,
    accounts::{Accounts, Session},
    own_form::OwnForm,
    url_below,
};
use crate::browser::{CookieName, Cookies};

mod assertion;
mod home;
pub(super) mod message;
pub(super) mod metadata;
mod post_page;
pub(super) mod recipients;
pub(super) mod signing_key;
mod single_logout;
mod single_sign_on;

use recipients::{Recipient, Recipients};
use signing_key::SigningKey;

/// A name that only has to be the same for the same user and service provider (SAML Core §8.3.7).
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// What every handler can ask for.
pub(super) struct SamlProvider {
    name: String,
    /// Its entity ID and where its metadata are.
    entity_id: String,
    sso_url: String,
    slo_url: String,
    metadata: String,
    recipients: Recipients,
    tiles: Vec<SamlTile>,
    accounts: Accounts,
    key: SigningKey,
}

impl SamlProvider {
    pub(super) fn new(config: &IdentityProvidersConfig) -> io::Result<Self> {
        let key = SigningKey::load_or_generate(&config.saml)?;
        let cookies = Cookies::for_url(&config.base_url);
        Ok(Self {
            name: config.saml.name.clone(),
            entity_id: url_below(&config.base_url, "saml/metadata"),
            sso_url: url_below(&config.base_url, "saml/sso"),
            slo_url: url_below(&config.base_url, "saml/slo"),
            metadata: metadata::render(&config.base_url, &key).map_err(io::Error::other)?,
            recipients: Recipients::new(config.saml.service_providers.clone()),
            tiles: config.saml.tiles.clone(),
            accounts: Accounts::new(config.saml.users.clone(), CookieName::SamlSession, cookies),
            key,
        })
    }
}

pub(super) fn router(provider: Arc<SamlProvider>) -> Router {
    Router::new()
        .route("/saml", get(home::show))
        .route("/saml/metadata", get(show_metadata))
        .route("/saml/sso", get(single_sign_on::get).post(single_sign_on::post))
        .route("/saml/start", get(single_sign_on::start))
        .route("/saml/sign-in", post(single_sign_on::sign_in))
        .route("/saml/slo", get(single_logout::get))
        .route("/saml/sign-out", post(home::sign_out))
        .with_state(provider)
}

async fn show_metadata(State(provider): State<Arc<SamlProvider>>) -> Response {
    ([(CONTENT_TYPE, "application/samlmetadata+xml")], provider.metadata.clone()).into_response()
}
