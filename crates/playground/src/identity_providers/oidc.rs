//! The sample `OpenID` provider: the authorization code flow, and signing out with and without the browser.

use std::{io, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::HeaderMap,
    routing::{get, post},
};
use moka::future::Cache;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};

use super::{
    IdentityProvidersConfig, OpenIdClient, PageError,
    accounts::{Accounts, SignedIn},
    cache,
    own_form::OwnForm,
    url_below,
};
use crate::browser::{CookieName, Cookies};

mod authorize;
mod back_channel;
mod claims;
mod end_session;
mod home;
mod signer;
mod token;
mod userinfo;

use claims::Grant;
use signer::Signer;

/// Short, because codes travel in URLs (RFC 6749 §4.1.2).
const CODE_LIFETIME: Duration = Duration::from_mins(1);
const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// For one client to take a logout token.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// What every handler can ask for.
pub(super) struct OpenIdProvider {
    name: String,
    issuer: String,
    clients: Vec<OpenIdClient>,
    accounts: Accounts,
    signer: Signer,
    http: Client,
    /// By code.
    codes: Cache<String, Arc<Grant>>,
    /// By access token.
    access_tokens: Cache<String, Arc<Grant>>,
}

impl OpenIdProvider {
    pub(super) fn new(config: &IdentityProvidersConfig) -> io::Result<Self> {
        let http = Client::builder().redirect(Policy::none()).no_proxy().timeout(LOGOUT_TIMEOUT).build();
        let cookies = Cookies::for_url(&config.base_url);
        Ok(Self {
            name: config.oidc.name.clone(),
            issuer: url_below(&config.base_url, "oidc"),
            clients: config.oidc.clients.clone(),
            accounts: Accounts::new(config.oidc.users.clone(), CookieName::OidcSession, cookies),
            signer: Signer::generate().map_err(io::Error::other)?,
            http: http.map_err(io::Error::other)?,
            codes: cache(CODE_LIFETIME),
            access_tokens: cache(ACCESS_TOKEN_LIFETIME),
        })
    }

    fn find_client(&self, client_id: &str) -> Option<&OpenIdClient> {
        self.clients.iter().find(|client| client.client_id == client_id)
    }

    /// Signs somebody in. Clients of whom the browser had before learn that they are gone.
    async fn sign_in(&self, headers: &HeaderMap, username: &str) -> Result<SignedIn, PageError> {
        let user = self.accounts.find_user(username);
        let user = user.ok_or_else(|| PageError::UnknownUser(username.to_owned()))?;
        let signed_in = self.accounts.sign_in(headers, user).await?;
        if let Some(ended) = &signed_in.ended {
            back_channel::notify(self, ended).await;
        }
        Ok(signed_in)
    }

    /// Signs out whoever is signed in; returns the `Set-Cookie` that says so.
    async fn sign_out(&self, headers: &HeaderMap) -> String {
        let (session, set_cookie) = self.accounts.sign_out(headers).await;
        if let Some(session) = session {
            back_channel::notify(self, &session).await;
        }
        set_cookie
    }
}

pub(super) fn router(provider: Arc<OpenIdProvider>) -> Router {
    Router::new()
        .route("/oidc", get(home::show))
        .route("/oidc/.well-known/openid-configuration", get(metadata))
        .route("/oidc/jwks", get(jwks))
        .route("/oidc/authorize", get(authorize::get).post(authorize::post))
        .route("/oidc/sign-in", post(authorize::sign_in))
        .route("/oidc/token", post(token::post))
        .route("/oidc/userinfo", get(userinfo::show).post(userinfo::show))
        .route("/oidc/end-session", get(end_session::get).post(end_session::post))
        .route("/oidc/sign-out", post(end_session::confirm))
        .with_state(provider)
}

async fn jwks(State(provider): State<Arc<OpenIdProvider>>) -> Json<Value> {
    Json(provider.signer.jwks())
}

/// OIDC Discovery §3; the logout parts are of RP-Initiated Logout §2.1 and Back-Channel Logout §2.1, and the last is of
/// RFC 9207 §3.
async fn metadata(State(provider): State<Arc<OpenIdProvider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end-session"),
        "scopes_supported": ["openid", "profile", "email"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "select_account"],
        "claims_supported": [
            "sub", "name", "given_name", "family_name", "email", "email_verified", "groups", "auth_time", "sid",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "authorization_response_iss_parameter_supported": true,
    }))
}
