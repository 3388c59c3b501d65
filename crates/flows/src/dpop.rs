//! Possession of a key, proven beside a request (RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration};
use orgate_domain::clients::Client;
use orgate_domain::credentials::SecretHash;
use orgate_domain::ids::OrgId;
use orgate_protocol::jose::dpop::{DpopProof, DpopRules, verify_proof};
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::ConsumedKind;
use url::Url;

use crate::{Called, Env, Failure};

/// How long ago a proof may have been made, in seconds: for as long its id is remembered.
const MAX_AGE: i64 = 300;

/// How far a client's clock may be ahead, in seconds (FAPI 2.0 §5.3.2.1 asks for 10 at least).
const LEEWAY: i64 = 30;

/// A request and the proof beside it.
#[derive(Debug, Clone, Copy)]
pub struct PresentedProof<'a> {
    /// The value of the header `DPoP`.
    pub proof: &'a str,
    /// The request's method.
    pub method: &'a str,
    /// The issuer that was called.
    pub called: Called,
    /// The path of the endpoint, below the issuer.
    pub path: &'a str,
}

/// Checks a client's proof and uses its id up in the organization of its owner, on whatever node: the
/// thumbprint of its key. The inner error is the client's to hear.
///
/// # Errors
/// [`Failure`].
pub async fn prove_possession(
    env: &Env,
    client: &Client,
    presented: &PresentedProof<'_>,
) -> Result<Result<String, RequestError>, Failure> {
    match check(env, client, presented) {
        Ok(proof) => use_up(env, client.owner, &proof).await,
        Err(error) => Ok(Err(error)),
    }
}

/// The same, beside an access token, which the proof must name (RFC 9449 §7.1).
pub(crate) async fn prove_possession_with(
    env: &Env,
    client: &Client,
    (presented, access_token): (&PresentedProof<'_>, &str),
) -> Result<Result<String, RequestError>, Failure> {
    let proof = match check(env, client, presented) {
        Ok(proof) => proof,
        Err(error) => return Ok(Err(error)),
    };
    let hash = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.as_bytes()));
    if proof.ath.as_deref() != Some(hash.as_str()) {
        return Ok(Err(invalid("the proof is not for this access token")));
    }
    use_up(env, client.owner, &proof).await
}

/// Everything but whether the proof was used before.
fn check(env: &Env, client: &Client, presented: &PresentedProof<'_>) -> Result<DpopProof, RequestError> {
    let uri = Url::parse(&env.issuer.called(presented.called).at(presented.path))
        .map_err(|_| invalid("the proof is for another address"))?;
    let rules = DpopRules {
        method: presented.method,
        uri: &uri,
        algorithms: client.settings.algorithms(),
        now: env.clock.now().timestamp(),
        max_age: MAX_AGE,
        leeway: LEEWAY,
    };
    let proof = verify_proof(presented.proof, &rules).map_err(|error| invalid(&error.to_string()))?;
    match &proof.nonce {
        Some(nonce) if !env.vault.check_dpop_nonce(nonce, env.clock.now()) => Err(nonce_wanted()),
        None if env.demands_dpop_nonce => Err(nonce_wanted()),
        _ => Ok(proof),
    }
}

async fn use_up(env: &Env, owner: OrgId, proof: &DpopProof) -> Result<Result<String, RequestError>, Failure> {
    let Some(owner) = env.configuration.organization(&env.store, &owner.to_string()).await? else {
        return Ok(Err(invalid("the proof is not accepted")));
    };
    let id = SecretHash::of(format!("{} {}", proof.jkt, proof.jti).as_bytes());
    let made = DateTime::from_timestamp(proof.iat, 0).unwrap_or_else(|| env.clock.now());
    let until = made + Duration::seconds(MAX_AGE + 2 * LEEWAY);
    let mut tx = env.store.begin(&owner).await?;
    let first = tx.consumed_ids().consume(ConsumedKind::DpopProof, &id, until).await?;
    tx.commit().await?;
    Ok(if first { Ok(proof.jkt.clone()) } else { Err(invalid("the proof was used before")) })
}

fn invalid(text: &str) -> RequestError {
    RequestError::new(ErrorCode::InvalidDpopProof, text.to_owned())
}

/// RFC 9449 §8: the answer carries one.
fn nonce_wanted() -> RequestError {
    RequestError::new(ErrorCode::UseDpopNonce, "the proof needs the nonce of this answer")
}
