//! Fetching the issuer's keys.
//!
//! **Invariant:** every fetch is bounded in time and size, goes to an origin the configuration names, through no
//! proxy, and follows no redirect.

use std::{error::Error, sync::Arc, time::Duration};

use reqwest::{Client, StatusCode, Url, header::ACCEPT, redirect::Policy};

use crate::{json::Object, jwk::KeySet};

/// Largest document read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Why the issuer's keys could not be fetched.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Two keys of the set have the same `kid` and algorithm.
    #[error("two keys of the issuer's set have the same kid")]
    AmbiguousKeys,
    /// The refresh was cut off by the end of the runtime it ran on.
    #[error("the refresh was interrupted")]
    Interrupted,
    /// The discovery document is another issuer's (`OpenID` Connect Discovery §4.3).
    #[error("the discovery document names another issuer")]
    IssuerMismatch,
    /// The discovery document's `jwks_uri` leads to an origin that was not allowed.
    #[error("jwks_uri leads to another origin than the issuer's")]
    JwksOrigin,
    /// The document is not what it should be.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Another status than 200.
    #[error("the issuer answered with status {0}")]
    Status(u16),
    /// No complete answer within the time limit.
    #[error("the issuer took too long to answer")]
    Timeout,
    /// A document of more than 256 KiB.
    #[error("the issuer's answer is too large")]
    TooLarge,
    /// More than 64 keys.
    #[error("the issuer's set has too many keys")]
    TooManyKeys,
    /// No connection, or it broke.
    #[error("the issuer cannot be reached")]
    Transport(#[source] Arc<dyn Error + Send + Sync>),
}

/// Where the keys are.
pub(crate) enum KeyLocation {
    /// At the `jwks_uri` of the issuer's discovery document, if it is on one of these origins.
    Discovered { issuer: String, document: Url, origins: Vec<Url> },
    /// Here.
    Given(Url),
}

/// The issuer's endpoint for its keys.
pub(crate) struct KeyEndpoint {
    client: Client,
    location: KeyLocation,
    timeout: Duration,
}

impl KeyEndpoint {
    /// `timeout` bounds a whole fetch, discovery included.
    pub(crate) fn new(location: KeyLocation, timeout: Duration) -> reqwest::Result<Self> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Self { client, location, timeout })
    }

    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let fetch = async { KeySet::parse(&self.get(self.jwks_uri().await?).await?) };
        tokio::time::timeout(self.timeout, fetch).await.map_err(|_| FetchError::Timeout)?
    }

    async fn jwks_uri(&self) -> Result<Url, FetchError> {
        let (issuer, document, origins) = match &self.location {
            KeyLocation::Given(url) => return Ok(url.clone()),
            KeyLocation::Discovered { issuer, document, origins } => (issuer, document, origins),
        };
        let body = self.get(document.clone()).await?;
        let malformed = || FetchError::Malformed("discovery document");
        let mut metadata = Object::parse(&body).map_err(|_| malformed())?;
        if metadata.take_string("issuer").ok().flatten().as_ref() != Some(issuer) {
            return Err(FetchError::IssuerMismatch);
        }
        let jwks_uri = metadata.take_string("jwks_uri").ok().flatten().ok_or_else(malformed)?;
        let jwks_uri = Url::parse(&jwks_uri).map_err(|_| malformed())?;
        let allowed = origins.iter().any(|origin| origin.origin() == jwks_uri.origin());
        if allowed { Ok(jwks_uri) } else { Err(FetchError::JwksOrigin) }
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(url).header(ACCEPT, "application/json, application/jwk-set+json");
        let mut response = request.send().await.map_err(transport)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > MAX_DOCUMENT_BYTES {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn transport(error: reqwest::Error) -> FetchError {
    FetchError::Transport(Arc::new(error))
}
