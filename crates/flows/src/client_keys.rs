//! What clients sign: their assertions and request objects, verified by the keys that they registered.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use openidconnect::core::CoreJwsSigningAlgorithm;
use orgate_domain::clients::{Client, ClientKeySource};
use orgate_protocol::jose::{SigningAlgorithm, Unverified};

use crate::Env;
use crate::federation::providers::{RemoteKeys, Signature, usable_keys, verify};

/// An address that nobody asked for in this long is forgotten.
const IDLE_LIMIT: Duration = Duration::from_hours(1);

/// Keys at the addresses that clients registered.
#[derive(Debug)]
pub struct ClientKeys {
    remote: Cache<String, Arc<RemoteKeys>>,
}

impl Default for ClientKeys {
    fn default() -> Self {
        Self { remote: Cache::builder().max_capacity(5_000).time_to_idle(IDLE_LIMIT).build() }
    }
}

/// What a client may sign with. RS256 is for those that FAPI 2.0 (§5.4) does not bind.
fn allows(client: &Client, algorithm: &str) -> bool {
    match SigningAlgorithm::from_text(algorithm) {
        Some(SigningAlgorithm::Rs256) => !client.settings.is_fapi(),
        Some(SigningAlgorithm::EdDsa | SigningAlgorithm::Es256 | SigningAlgorithm::Ps256) => true,
        None => false,
    }
}

/// Whether one of the client's keys signed `token`; the inner error is the reason why not.
pub(crate) async fn check_signature(
    env: &Env,
    client: &Client,
    token: &Unverified<'_>,
) -> Result<(), &'static str> {
    let algorithm = serde_json::from_value::<CoreJwsSigningAlgorithm>(token.algorithm.clone().into());
    let Some(algorithm) = algorithm.ok().filter(|_| allows(client, &token.algorithm)) else {
        return Err("algorithm");
    };
    let signature = match &client.settings.keys {
        None => return Err("no_keys"),
        Some(ClientKeySource::Inline(text)) => {
            let set = serde_json::from_str(text).map_err(|_| "no_keys")?;
            let keys = usable_keys(&set);
            verify(&keys, token, &algorithm)
        }
        Some(ClientKeySource::Url(url)) => {
            let remote = env.client_keys.remote.get_with(url.to_string(), async { Arc::default() }).await;
            remote.verify((&env.outgoing, url), token, &algorithm).await.map_err(|error| {
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
