//! The provider's endpoints, as a client calls them.
//!
//! **Invariant:** every request is bounded in time and every answer in size; no redirect and no proxy is followed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::jwk::JwkSet;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
    redirect::Policy,
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};

use super::NotesConfig;

/// For one request and its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The provider, and Notes as its client.
pub(super) struct Provider {
    issuer: String,
    client_id: String,
    client_secret: String,
    redirect_uri: String,
    post_logout_redirect_uri: String,
    http: Client,
    metadata: OnceCell<Metadata>,
}

/// What is used of the provider's metadata (OIDC Discovery §3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    end_session_endpoint: Option<Url>,
}

/// What is particular to one authorization request.
pub(super) struct AuthorizationRequest<'a> {
    pub(super) state: &'a str,
    pub(super) nonce: &'a str,
    pub(super) code_verifier: &'a str,
    /// Which organization to sign in to, by slug or id; without one the provider finds out.
    pub(super) organization: Option<&'a str>,
    pub(super) prompt: Option<&'a str>,
}

/// A successful answer of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
#[derive(Deserialize)]
pub(super) struct TokenResponse {
    pub(super) access_token: String,
    token_type: String,
    pub(super) id_token: Option<String>,
    pub(super) refresh_token: Option<String>,
}

/// Any other (RFC 6749 §5.2).
#[derive(Deserialize)]
struct ErrorResponse {
    error: String,
    error_description: Option<String>,
}

/// Why the provider could not be asked, or what it answered instead.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProviderError {
    /// The metadata is another issuer's (OIDC Discovery §4.3).
    #[error("the discovery document names another issuer")]
    IssuerMismatch,
    #[error("the {0} is malformed")]
    Malformed(&'static str),
    /// By the token endpoint (RFC 6749 §5.2).
    #[error("{error}: {}", description.as_deref().unwrap_or("no description"))]
    Refused { error: String, description: Option<String> },
    #[error("instead of the {0} came status {1}")]
    Status(&'static str, StatusCode),
    #[error("the {0} is too large")]
    TooLarge(&'static str),
    #[error("the provider cannot be reached")]
    Unreachable(#[from] reqwest::Error),
}

impl Provider {
    pub(super) fn new(config: &NotesConfig) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self {
            issuer: config.issuer.as_str().trim_end_matches('/').to_owned(),
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            redirect_uri: config.base_url.join("callback")?.into(),
            post_logout_redirect_uri: config.base_url.clone().into(),
            http: Client::builder().redirect(Policy::none()).no_proxy().timeout(TIMEOUT).build()?,
            metadata: OnceCell::new(),
        })
    }

    /// The issuer identifier, which is compared as a text.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where to send the browser to sign in (OIDC Core §3.1.2.1), with PKCE (RFC 7636).
    pub(super) async fn authorization_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Url, ProviderError> {
        let challenge = digest(&SHA256, request.code_verifier.as_bytes());
        let mut url = self.metadata().await?.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("scope", "openid profile email offline_access")
            .append_pair("state", request.state)
            .append_pair("nonce", request.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(request.organization.map(|organization| ("organization", organization)))
            .extend_pairs(request.prompt.map(|prompt| ("prompt", prompt)));
        Ok(url)
    }

    /// RFC 6749 §4.1.3.
    pub(super) async fn redeem_code(
        &self,
        code: &str,
        verifier: &str,
    ) -> Result<TokenResponse, ProviderError> {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ])
        .await
    }

    /// RFC 6749 §6.
    pub(super) async fn refresh(&self, refresh_token: &str) -> Result<TokenResponse, ProviderError> {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    /// The keys that ID tokens are signed with, as they are now: sign-ins are rare, so nothing is cached and every
    /// rotation is seen.
    pub(super) async fn keys(&self) -> Result<JwkSet, ProviderError> {
        answer("key set", self.http.get(self.metadata().await?.jwks_uri.clone())).await
    }

    /// Where to send the browser to sign out (OIDC RP-Initiated Logout §2); `None` if the provider has no such
    /// endpoint.
    pub(super) async fn end_session_url(
        &self,
        hint: &str,
        state: &str,
    ) -> Result<Option<Url>, ProviderError> {
        let mut url = self.metadata().await?.end_session_endpoint.clone();
        if let Some(url) = &mut url {
            url.query_pairs_mut()
                .append_pair("id_token_hint", hint)
                .append_pair("client_id", &self.client_id)
                .append_pair("post_logout_redirect_uri", &self.post_logout_redirect_uri)
                .append_pair("state", state);
        }
        Ok(url)
    }

    /// Fetched when first needed, so that Notes may start before its provider.
    async fn metadata(&self) -> Result<&Metadata, ProviderError> {
        self.metadata.get_or_try_init(|| self.discover()).await
    }

    async fn discover(&self) -> Result<Metadata, ProviderError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer);
        let metadata: Metadata = answer("discovery document", self.http.get(url)).await?;
        if metadata.issuer == self.issuer { Ok(metadata) } else { Err(ProviderError::IssuerMismatch) }
    }

    /// Authenticates as the client, by `client_secret_basic`: both halves are form-encoded first (RFC 6749 §2.3.1).
    async fn token(&self, parameters: &[(&str, &str)]) -> Result<TokenResponse, ProviderError> {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let credentials = format!("{}:{}", encode(&self.client_id), encode(&self.client_secret));
        let authorization = format!("Basic {}", STANDARD.encode(credentials));
        let request = self.http.post(self.metadata().await?.token_endpoint.clone()).form(parameters);
        let response: TokenResponse =
            answer(TOKEN_RESPONSE, request.header(AUTHORIZATION, authorization)).await?;
        if response.token_type.eq_ignore_ascii_case("bearer") {
            Ok(response)
        } else {
            Err(ProviderError::Malformed(TOKEN_RESPONSE))
        }
    }
}

const TOKEN_RESPONSE: &str = "token response";

/// Sends a request for a JSON document, whose name goes into errors.
async fn answer<T: DeserializeOwned>(
    name: &'static str,
    request: RequestBuilder,
) -> Result<T, ProviderError> {
    let mut response = request.header(ACCEPT, "application/json").send().await?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(ProviderError::TooLarge(name));
        }
        body.extend_from_slice(&chunk);
    }
    if status == StatusCode::OK {
        return serde_json::from_slice(&body).map_err(|_| ProviderError::Malformed(name));
    }
    match serde_json::from_slice(&body) {
        Ok(ErrorResponse { error, error_description: description }) if status.is_client_error() => {
            Err(ProviderError::Refused { error, description })
        }
        _ => Err(ProviderError::Status(name, status)),
    }
}
