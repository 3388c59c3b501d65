//! OpenID providers: their discovery documents and keys, fetched once for many sign-ins.
//!
//! **Invariant:** however many sign-ins need a provider at once, one request goes out for them; keys
//! are fetched again for a `kid` that is not known, and no more often than half a minute, so that
//! forged tokens cannot make us flood a provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::future::Cache;
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreGrantType, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
};
use openidconnect::{
    AdditionalProviderMetadata, JsonWebKey as _, JsonWebKeyAlgorithm, JwsSigningAlgorithm as _,
    ProviderMetadata,
};
use orgate_protocol::jose::Unverified;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::UpstreamError;
use crate::outgoing::{Outgoing, Reply};

/// A document is fetched again after this long.
const DOCUMENT_LIMIT: Duration = Duration::from_hours(1);

/// Keys are fetched again after this long, so that a withdrawn one stops counting.
const KEYS_LIMIT: Duration = Duration::from_mins(15);

/// An unknown `kid` makes keys be fetched again, but not before.
pub const KEYS_PAUSE: Duration = Duration::from_secs(30);

/// What is wrong with an answer that does not parse.
const NOT_JSON: &str = "is not the JSON it should be";

/// Keys of one provider at most.
const MAX_KEYS: usize = 100;

/// What discovery says beyond OpenID Connect Discovery itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Extensions {
    /// RFC 9207 §3: answers carry `iss`, and one without is not of this provider.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    /// RP-Initiated Logout §2.1.
    #[serde(default)]
    pub end_session_endpoint: Option<Url>,
}

impl AdditionalProviderMetadata for Extensions {}

/// A discovery document.
pub type Document = ProviderMetadata<
    Extensions,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// The providers.
#[derive(Debug)]
pub struct Providers {
    known: Cache<String, Arc<Provider>>,
}

/// One provider.
#[derive(Debug)]
pub struct Provider {
    /// What it says of itself.
    pub document: Document,
    keys: RemoteKeys<Vec<CoreJsonWebKey>>,
}

/// The keys at one address, fetched when they are needed.
#[derive(Debug)]
pub struct RemoteKeys<K> {
    kept: Mutex<Kept<K>>,
}

/// Where keys are, and how they are read; the inner error is why they cannot be.
#[derive(Debug)]
pub struct KeySource<'a, K> {
    /// What fetches them.
    pub outgoing: &'a Outgoing,
    /// Their address.
    pub url: &'a Url,
    /// Reads a JWK Set.
    pub read: fn(&[u8]) -> Result<K, String>,
    /// Nobody has them fetched again within this time of a failure.
    pub pause: Duration,
}

/// What came of asking for keys.
#[derive(Debug)]
struct Kept<K> {
    keys: Option<Keys<K>>,
    failed: Option<(Instant, Arc<UpstreamError>)>,
}

#[derive(Debug)]
struct Keys<K> {
    keys: Arc<K>,
    fetched: Instant,
}

impl<K> Default for RemoteKeys<K> {
    fn default() -> Self {
        Self { kept: Mutex::new(Kept { keys: None, failed: None }) }
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self { known: Cache::builder().max_capacity(5_000).time_to_live(DOCUMENT_LIMIT).build() }
    }
}

impl Providers {
    /// The provider of `issuer`, whose document must name it exactly (OIDC Discovery §4.3). A failure
    /// is not remembered.
    ///
    /// # Errors
    /// [`UpstreamError`].
    pub async fn find(&self, outgoing: &Outgoing, issuer: &str) -> Result<Arc<Provider>, Arc<UpstreamError>> {
        self.known
            .try_get_with(issuer.to_owned(), async {
                let document = discover(outgoing, issuer).await?;
                Ok(Arc::new(Provider { document, keys: RemoteKeys::default() }))
            })
            .await
    }
}

/// Fetches a document. Entra ID's multi-tenant endpoints name `{tenantid}` in theirs; the document of
/// all work accounts is asked for.
async fn discover(outgoing: &Outgoing, issuer: &str) -> Result<Document, UpstreamError> {
    const WHAT: &str = "discovery";
    let base = issuer.replace("{tenantid}", "organizations");
    let url = format!("{}/.well-known/openid-configuration", base.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| unusable(WHAT, "the issuer is not an address"))?;
    let document: Document = read_json(outgoing, &url, WHAT).await?;
    let sendable = |url: &Url| matches!(url.scheme(), "https" | "http");
    let logout = document.additional_metadata().end_session_endpoint.as_ref();
    if !sendable(document.authorization_endpoint().url()) || !logout.is_none_or(sendable) {
        return Err(unusable(WHAT, "an address in it is no web address"));
    }
    if document.issuer().as_str() != issuer {
        let found = super::trace::quote(document.issuer().as_str());
        return Err(unusable(WHAT, &format!("the document is of the issuer {found}, not of {issuer}")));
    }
    Ok(document)
}

async fn read_json<T: serde::de::DeserializeOwned>(
    outgoing: &Outgoing,
    url: &Url,
    what: &'static str,
) -> Result<T, UpstreamError> {
    let body = fetch(outgoing, url, what).await?;
    serde_json::from_slice(&body).map_err(|_| unusable(what, &format!("{} {NOT_JSON}", url.path())))
}

async fn fetch(outgoing: &Outgoing, url: &Url, what: &'static str) -> Result<Vec<u8>, UpstreamError> {
    let reply = outgoing
        .get(url, "application/json")
        .await
        .map_err(|error| UpstreamError::Unreachable { what, error })?;
    if !reply.status.is_success() {
        return Err(unusable(what, &format!("{} answers {}", url.path(), reply.status.as_u16())));
    }
    let Reply { body, .. } = reply;
    Ok(body)
}

fn unusable(what: &'static str, why: &str) -> UpstreamError {
    UpstreamError::Unusable { what, why: why.to_owned() }
}

impl Provider {
    /// Verifies a token's signature with the provider's keys, fetched again if the token names one
    /// that is not known.
    ///
    /// # Errors
    /// [`UpstreamError`] if the keys cannot be had.
    pub async fn verify(
        &self,
        outgoing: &Outgoing,
        token: &Unverified<'_>,
        algorithm: &CoreJwsSigningAlgorithm,
    ) -> Result<Signature, Arc<UpstreamError>> {
        let read: fn(&[u8]) -> _ =
            |body| serde_json::from_slice(body).map(|set| usable_keys(&set)).map_err(|_| NOT_JSON.to_owned());
        // Who comes here brings a token that the provider itself gave for a code: no stranger makes us ask.
        let source = KeySource { outgoing, url: self.document.jwks_uri().url(), read, pause: Duration::ZERO };
        self.keys.verify(&source, |keys| verify(keys, token, algorithm)).await
    }
}

impl<K> RemoteKeys<K> {
    /// What a signature is to the keys at `source`, fetched again if it is by one that is not known.
    ///
    /// # Errors
    /// [`UpstreamError`] if the keys cannot be had.
    pub async fn verify(
        &self,
        source: &KeySource<'_, K>,
        verify: impl Fn(&K) -> Signature,
    ) -> Result<Signature, Arc<UpstreamError>> {
        let found = verify(&*self.keys(source, KEYS_LIMIT).await?);
        if !matches!(found, Signature::UnknownKey) {
            return Ok(found);
        }
        Ok(verify(&*self.keys(source, KEYS_PAUSE).await?))
    }

    /// Keys that are at most `limit` old.
    async fn keys(&self, source: &KeySource<'_, K>, limit: Duration) -> Result<Arc<K>, Arc<UpstreamError>> {
        let came = Instant::now();
        // Held while fetching: whoever comes meanwhile waits for this answer instead of asking too.
        let mut kept = self.kept.lock().await;
        if let Some(keys) = kept.keys.as_ref().filter(|keys| keys.fetched.elapsed() < limit) {
            return Ok(Arc::clone(&keys.keys));
        }
        // That there is none is an answer too, or they would wait for a silent provider in turn.
        if let Some((_, error)) = kept.failed.as_ref().filter(|(at, _)| *at + source.pause >= came) {
            return Err(Arc::clone(error));
        }
        match source.fetch().await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *kept = Kept {
                    keys: Some(Keys { keys: Arc::clone(&keys), fetched: Instant::now() }),
                    failed: None,
                };
                Ok(keys)
            }
            Err(error) => {
                let error = Arc::new(error);
                kept.failed = Some((Instant::now(), Arc::clone(&error)));
                Err(error)
            }
        }
    }
}

impl<K> KeySource<'_, K> {
    async fn fetch(&self) -> Result<K, UpstreamError> {
        const WHAT: &str = "keys";
        let body = fetch(self.outgoing, self.url, WHAT).await?;
        (self.read)(&body).map_err(|why| unusable(WHAT, &format!("{} {why}", self.url.path())))
    }
}

/// What a signature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// The provider's.
    Valid,
    /// None of the provider's keys is meant, or it is not clear which.
    UnknownKey,
    /// Not by the key that is named.
    Invalid,
}

/// What a token's signature is to `keys`.
pub fn verify(
    keys: &[CoreJsonWebKey],
    token: &Unverified<'_>,
    algorithm: &CoreJwsSigningAlgorithm,
) -> Signature {
    let fits = |key: &&CoreJsonWebKey| {
        let of_type = algorithm.key_type().as_ref() == Some(key.key_type());
        let of_algorithm = match key.signing_alg() {
            JsonWebKeyAlgorithm::Algorithm(own) => own == algorithm,
            JsonWebKeyAlgorithm::Unspecified => true,
            JsonWebKeyAlgorithm::Unsupported => false,
        };
        let of_id = token.kid.as_ref().is_none_or(|kid| key.key_id().is_some_and(|own| **own == *kid));
        of_type && of_algorithm && of_id
    };
    // Without a `kid` there must be one key to choose from (OIDC Core §10.1).
    let mut fitting = keys.iter().filter(fits);
    let (Some(key), None) = (fitting.next(), fitting.next()) else { return Signature::UnknownKey };
    match key.verify_signature(algorithm, token.message.as_bytes(), &token.signature) {
        Ok(()) => Signature::Valid,
        Err(_) => Signature::Invalid,
    }
}

/// The keys of a set that may sign: asymmetric, and RSA of 2048 bits and more.
pub fn usable_keys(set: &Value) -> Vec<CoreJsonWebKey> {
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let strong = |key: &&Value| match key.get("kty").and_then(Value::as_str) {
        // 2048 bits are 256 bytes, and 342 characters of base64url; 8192 are 1366.
        Some("RSA") => key
            .get("n")
            .and_then(Value::as_str)
            .is_some_and(|n| (342..=1366).contains(&n.trim_start_matches('A').len())),
        Some("EC" | "OKP") => true,
        _ => false,
    };
    keys.iter()
        .take(MAX_KEYS)
        .filter(strong)
        .filter_map(|key| serde_json::from_value::<CoreJsonWebKey>(key.clone()).ok())
        .filter(|key| key.key_use().is_none_or(openidconnect::JsonWebKeyUse::allows_signature))
        .collect()
}
