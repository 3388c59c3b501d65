//! Asking the issuer: for its keys, and where its endpoints are.
//!
//! **Invariant:** every fetch is bounded in time and size, goes to an origin the configuration names, through no
//! proxy, and follows no redirect.

use std::{error::Error, sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header::ACCEPT, redirect::Policy};

use crate::{json::Object, jwk::KeySet};

/// Largest document read, in bytes.
const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Why the issuer's keys, or an answer of its, could not be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Two keys of the set have the same `kid` and algorithm.
    #[error("two keys of the issuer's set have the same kid")]
    AmbiguousKeys,
    /// This member of the discovery document leads to an origin that was not allowed.
    #[error("{0} leads to another origin than the issuer's")]
    ForeignOrigin(&'static str),
    /// The refresh was cut off by the end of the runtime it ran on.
    #[error("the refresh was interrupted")]
    Interrupted,
    /// The discovery document is another issuer's (`OpenID` Connect Discovery §4.3).
    #[error("the discovery document names another issuer")]
    IssuerMismatch,
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

/// A client for the issuer's documents: bounded, without redirects or proxies.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    timeout: Duration,
}

impl Http {
    /// `timeout` bounds each use, discovery included.
    pub(crate) fn new(timeout: Duration) -> reqwest::Result<Self> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Self { client, timeout })
    }

    /// Gives up on `exchange` after the timeout.
    pub(crate) async fn within<T>(
        &self,
        exchange: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, FetchError> {
        tokio::time::timeout(self.timeout, exchange).await.map_err(|_| FetchError::Timeout)?
    }

    pub(crate) fn post(&self, url: Url) -> RequestBuilder {
        self.client.post(url)
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(url).header(ACCEPT, "application/json, application/jwk-set+json");
        body(request.send().await.map_err(transport)?).await
    }
}

/// The body of an answer with status 200.
pub(crate) async fn body(mut response: Response) -> Result<Vec<u8>, FetchError> {
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

/// The issuer's discovery document (`OpenID` Connect Discovery §4), and the origins that it may lead to.
#[derive(Clone)]
pub(crate) struct Discovery {
    pub(crate) issuer: String,
    pub(crate) document: Url,
    pub(crate) origins: Vec<Url>,
}

impl Discovery {
    async fn endpoint(&self, http: &Http, member: &'static str) -> Result<Url, FetchError> {
        let body = http.get(self.document.clone()).await?;
        let malformed = || FetchError::Malformed("discovery document");
        let mut metadata = Object::parse(&body).map_err(|_| malformed())?;
        if metadata.take_string("issuer").ok().flatten().as_ref() != Some(&self.issuer) {
            return Err(FetchError::IssuerMismatch);
        }
        let endpoint = metadata.take_string(member).ok().flatten().ok_or_else(malformed)?;
        let endpoint = Url::parse(&endpoint).map_err(|_| malformed())?;
        let allowed = self.origins.iter().any(|origin| origin.origin() == endpoint.origin());
        if allowed { Ok(endpoint) } else { Err(FetchError::ForeignOrigin(member)) }
    }
}

/// Where something of the issuer's is.
pub(crate) enum Location {
    /// Where the discovery document says, in this member.
    Discovered(Discovery, &'static str),
    /// Here.
    Given(Url),
}

impl Location {
    pub(crate) async fn url(&self, http: &Http) -> Result<Url, FetchError> {
        match self {
            Self::Discovered(discovery, member) => discovery.endpoint(http, member).await,
            Self::Given(url) => Ok(url.clone()),
        }
    }
}

/// The issuer's endpoint for its keys.
pub(crate) struct KeyEndpoint {
    pub(crate) http: Http,
    pub(crate) location: Location,
}

impl KeyEndpoint {
    pub(crate) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let url = || self.location.url(&self.http);
        self.http.within(async { KeySet::parse(&self.http.get(url().await?).await?) }).await
    }
}

pub(crate) fn transport(error: reqwest::Error) -> FetchError {
    FetchError::Transport(Arc::new(error))
}
