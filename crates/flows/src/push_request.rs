//! Pushed authorization requests (RFC 9126): said on the back channel, by a client that proved who it
//! is, before any browser takes part.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::credentials::PushedRequest;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_protocol::params::Params;
use orgate_storage::PushedAuthorizationRequest;

use crate::authorize::check_request;
use crate::authorize::source::verify_request_object;
use crate::{Called, Env, Failure, events};

/// A browser brings a pushed request within this time (RFC 9126 §2.2 suggests 5 to 600 seconds).
pub const PUSHED_LIFETIME: Duration = Duration::seconds(90);

/// What every `request_uri` of ours begins with (RFC 9126 §2.2).
pub const REQUEST_URI_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// Parameters that prove the client, and are no part of the request.
const PROOFS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// How it ended.
#[derive(Debug)]
pub enum Pushed {
    /// The request is kept under this `request_uri`.
    Kept {
        /// Names it; good for one sign-in.
        request_uri: String,
        /// Seconds until it lapses.
        expires_in: i64,
    },
    /// It is not a request that could be followed.
    Refused(RequestError),
}

/// Keeps a request of `client`'s, after every check that a browser's would meet. `key` is the thumbprint of
/// the key that the call proved: the code will be bound to it.
///
/// # Errors
/// [`Failure`].
pub async fn push_request(
    env: &Env,
    (called, client): (Called, &Client),
    params: &Params,
    (key, origin): (Option<&str>, &Origin),
) -> Result<Pushed, Failure> {
    let params = match effective(env, (called, client), params).await {
        Ok(params) => params,
        Err(error) => return refuse(env, client, (error, origin)).await,
    };
    if let Err(error) = check(client, &params, key) {
        return refuse(env, client, (error, origin)).await;
    }
    let Some(owner) = env.configuration.organization(&env.store, &client.owner.to_string()).await? else {
        return Ok(Pushed::Refused(RequestError::new(ErrorCode::InvalidRequest, "the client has no owner")));
    };
    let now = env.clock.now();
    let handle = env.random.credential::<PushedRequest>(owner.org_id())?;
    let kept = params.iter().filter(|(name, _)| !PROOFS.contains(name));
    let new = PushedAuthorizationRequest {
        client_id: client.id,
        parameters: url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish(),
        dpop_jkt: key.map(str::to_owned),
        called: called.0,
        created_at: now,
        expires_at: now + PUSHED_LIFETIME,
    };
    let event = events::done(env, Action::AuthorizationPushed, origin)?;
    let event = Event { actor: Actor::Application(client.id), client: Some(client.key()), ..event };
    let mut tx = env.store.begin(&owner).await?;
    tx.pushed_requests().insert(&handle.hash(), &new).await?;
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    let request_uri = format!("{REQUEST_URI_PREFIX}{}", handle.reveal());
    Ok(Pushed::Kept { request_uri, expires_in: PUSHED_LIFETIME.num_seconds() })
}

/// What is asked for: what a request object says and nothing else, if there is one.
async fn effective(env: &Env, about: (Called, &Client), params: &Params) -> Result<Params, RequestError> {
    if let Some(name) = params.duplicated() {
        return Err(RequestError::invalid_request(format!("{name} is given more than once")));
    }
    // RFC 9126 §2.1: the one parameter that must not be there.
    if params.get("request_uri").is_some() {
        return Err(RequestError::invalid_request("request_uri cannot be pushed"));
    }
    match params.get("request") {
        Some(object) => verify_request_object(env, about, object).await,
        None => Ok(params.clone()),
    }
}

fn check(client: &Client, params: &Params, key: Option<&str>) -> Result<(), RequestError> {
    if params.get("client_id").is_some_and(|named| named != client.client_id) {
        return Err(RequestError::invalid_request("client_id is not the client that authenticates"));
    }
    if client.redirect_uri(params.get("redirect_uri").unwrap_or_default()).is_err() {
        return Err(RequestError::invalid_request("redirect_uri is not registered for this client"));
    }
    let request = check_request(client, params)?;
    match (request.dpop_jkt.as_deref(), key) {
        // RFC 9449 §10.1: both may be there, and must be one.
        (Some(named), Some(proven)) if named != proven => {
            Err(RequestError::new(ErrorCode::InvalidDpopProof, "dpop_jkt is not the key of the proof"))
        }
        _ => Ok(()),
    }
}

async fn refuse(
    env: &Env,
    client: &Client,
    (error, origin): (RequestError, &Origin),
) -> Result<Pushed, Failure> {
    crate::token::record_refusal(env, client, (error.code.as_str(), origin)).await?;
    Ok(Pushed::Refused(error))
}
