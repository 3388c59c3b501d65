//! Where the parameters of a request come from: the query, a request object, or what was pushed. One
//! source only: what stands beside a request object or a pushed request counts for nothing (RFC 9101 §6.3,
//! RFC 9126 §4).

use orgate_domain::clients::Client;
use orgate_domain::credentials::{Credential, PushedRequest, SecretHash};
use orgate_protocol::jose::Unverified;
use orgate_protocol::oauth::request_object::{RequestObjectRules, parameters};
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_protocol::params::Params;
use orgate_storage::OrgScope;

use crate::client_keys::check_signature;
use crate::push_request::REQUEST_URI_PREFIX;
use crate::{Called, Env, Failure};

/// The parameters that count.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) params: Params,
    pub(crate) pushed: Option<SecretHash>,
    /// The thumbprint of the key that the push proved.
    pub(crate) key: Option<String>,
}

/// Finds what `client` asks for. The inner error is about what the request is, not what it says.
pub(crate) async fn source(
    env: &Env,
    (called, client): (Called, &Client),
    params: &Params,
) -> Result<Result<Source, RequestError>, Failure> {
    let plain = |params| Source { params, pushed: None, key: None };
    let only = |name: &str| params.get(name).is_some();
    Ok(match (params.get("request_uri"), params.get("request")) {
        (Some(_), Some(_)) => {
            Err(RequestError::invalid_request("request and request_uri exclude each other"))
        }
        (Some(request_uri), None) => return find_pushed(env, (called, client), request_uri).await,
        (None, _) if client.settings.must_push() => {
            Err(RequestError::invalid_request("the client must push its requests (RFC 9126)"))
        }
        (None, Some(object)) if !only("registration") => {
            verify_request_object(env, (called, client), object).await.map(plain)
        }
        (None, _) => Ok(plain(params.clone())),
    })
}

/// What a `request_uri` of ours leads to, at the issuer that it was pushed to. One that is somebody else's, forged or
/// lapsed is not told apart.
async fn find_pushed(
    env: &Env,
    (called, client): (Called, &Client),
    request_uri: &str,
) -> Result<Result<Source, RequestError>, Failure> {
    let unknown =
        || RequestError::new(ErrorCode::InvalidRequestUri, "the request_uri is unknown or has lapsed");
    let Some(text) = request_uri.strip_prefix(REQUEST_URI_PREFIX) else {
        let text = "only a request_uri of the pushed authorization request endpoint is served";
        return Ok(Err(RequestError::new(ErrorCode::RequestUriNotSupported, text)));
    };
    let Ok(handle) = Credential::<PushedRequest>::parse(text) else { return Ok(Err(unknown())) };
    if handle.org_id() != client.owner {
        return Ok(Err(unknown()));
    }
    let mut tx = env.store.begin(&OrgScope::of_credential(&handle)).await?;
    let found = tx.pushed_requests().find(&handle.hash()).await?;
    tx.commit().await?;
    let live = found.filter(|found| {
        found.client_id == client.id && found.called == called.0 && env.clock.now() < found.expires_at
    });
    let Some(found) = live else { return Ok(Err(unknown())) };
    Ok(match Params::parse(&found.parameters) {
        Ok(params) => Ok(Source { params, pushed: Some(handle.hash()), key: found.dpop_jkt }),
        Err(_) => Err(unknown()),
    })
}

/// The parameters of a request object that the client signed (RFC 9101 §6). An unsigned one is not
/// served.
pub(crate) async fn verify_request_object(
    env: &Env,
    (called, client): (Called, &Client),
    object: &str,
) -> Result<Params, RequestError> {
    let refuse = |code, text: &str| RequestError::new(code, text.to_owned());
    if client.settings.keys.is_none() {
        let text = "the client has registered no keys for request objects";
        return Err(refuse(ErrorCode::InvalidRequestObject, text));
    }
    let invalid = |text: &str| refuse(ErrorCode::InvalidRequestObject, text);
    let token = Unverified::parse(object).map_err(|_| invalid("the request object is malformed"))?;
    if token.typ.as_deref().is_some_and(|typ| !matches!(typ, "jwt" | "oauth-authz-req+jwt")) {
        return Err(invalid("the request object is of another type"));
    }
    check_signature(env, client, &token)
        .await
        .map_err(|_| invalid("the request object's signature is not one of the client's keys'"))?;
    let issuer = env.issuer.called(called);
    let rules = RequestObjectRules {
        client_id: &client.client_id,
        issuer: issuer.as_str(),
        now: env.clock.now().timestamp(),
        bounded: client.settings.is_fapi(),
    };
    parameters(&token.claims, &rules)
}
