//! What clients sign: their assertions and request objects, verified by the keys that they registered.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use orgate_domain::clients::{Client, ClientKeySource};
use orgate_protocol::jose::{ClientKeys, JoseError, Unverified};

use crate::Env;
use crate::federation::providers::{KEYS_PAUSE, KeySource, RemoteKeys, Signature};

/// An address that nobody asked for in this long is forgotten.
const IDLE_LIMIT: Duration = Duration::from_hours(1);

/// Keys at the addresses that clients registered.
#[derive(Debug)]
pub struct RemoteClientKeys {
    remote: Cache<String, Arc<RemoteKeys<ClientKeys>>>,
}

impl Default for RemoteClientKeys {
    fn default() -> Self {
        Self { remote: Cache::builder().max_capacity(5_000).time_to_idle(IDLE_LIMIT).build() }
    }
}

/// Whether one of the client's keys signed `token`; the inner error is the reason why not.
pub(crate) async fn check_signature(
    env: &Env,
    client: &Client,
    token: &Unverified<'_>,
) -> Result<(), &'static str> {
    let algorithms = client.settings.algorithms();
    let verify = |keys: &ClientKeys| match keys.verify(token, algorithms) {
        Ok(()) => Signature::Valid,
        Err(JoseError::Signature) => Signature::Invalid,
        Err(_) => Signature::UnknownKey,
    };
    if !algorithms.iter().any(|algorithm| algorithm.as_str() == token.algorithm) {
        return Err("algorithm");
    }
    let signature = match &client.settings.keys {
        None => return Err("no_keys"),
        Some(ClientKeySource::Inline(text)) => {
            verify(&ClientKeys::parse(text.as_bytes()).map_err(|_| "no_keys")?)
        }
        Some(ClientKeySource::Url(url)) => {
            let remote = env.client_keys.remote.get_with(url.to_string(), async { Arc::default() }).await;
            let read: fn(&[u8]) -> _ =
                |body| ClientKeys::parse_published(body).map_err(|error| format!("cannot be used: {error}"));
            // Anyone can send an assertion in a client's name.
            let source = KeySource { outgoing: &env.outgoing, url, read, pause: KEYS_PAUSE };
            remote.verify(&source, verify).await.map_err(|error| {
                tracing::warn!(
                    client.id = %client.id,
                    error = &*error as &dyn std::error::Error,
                    "a client's keys cannot be had"
                );
                "keys_unavailable"
            })?
        }
    };
    match signature {
        Signature::Valid => Ok(()),
        Signature::UnknownKey => Err("unknown_key"),
        Signature::Invalid => Err("signature"),
    }
}
