//! Who calls: the client, authenticated, wherever the back channel wants one.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use orgate_domain::audit::Origin;
use orgate_domain::clients::Client;
use orgate_flows::authenticate_client::{Authentication, authenticate_client};
use orgate_flows::dpop::{PresentedProof, prove_possession};
use orgate_flows::token::record_refusal;
use orgate_flows::{Called, Env};
use orgate_protocol::oauth::{ErrorCode, RequestError, client_auth};
use orgate_protocol::params::Params;

use crate::error::OAuthError;

/// The thumbprint of the key that a request to `path` proves (RFC 9449 §4.3); `None` if it proves none.
pub(crate) async fn proven_key(
    (env, called): (&Env, Called),
    client: &Client,
    (headers, path): (&HeaderMap, &str),
    origin: &Origin,
) -> Result<Option<String>, OAuthError> {
    let mut proofs = headers.get_all("dpop").iter();
    let proof = match (proofs.next(), proofs.next()) {
        (None, _) => return Ok(None),
        (Some(proof), None) => proof.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => {
            let text = "there is more than one DPoP header";
            return Err(RequestError::new(ErrorCode::InvalidDpopProof, text).into());
        }
    };
    let presented = PresentedProof { proof, method: "POST", called, path };
    match prove_possession(env, client, &presented).await? {
        Ok(key) => Ok(Some(key)),
        Err(error) if error.code == ErrorCode::UseDpopNonce => Err(OAuthError::with_nonce(env, error)),
        Err(error) => {
            record_refusal(env, client, (error.code.as_str(), origin)).await?;
            Err(error.into())
        }
    }
}

/// The client that a request proves (RFC 6749 §2.3).
pub(crate) async fn authenticated(
    (env, called): (&Env, Called),
    (headers, params): (&HeaderMap, &Params),
    origin: &Origin,
) -> Result<Arc<Client>, OAuthError> {
    let authorization = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
    let presented = client_auth::parse(authorization, params)?;
    match authenticate_client(env, called, &presented, origin).await? {
        Authentication::Proven(client) => Ok(client),
        Authentication::Refused => Err(OAuthError::invalid_client()),
    }
}
