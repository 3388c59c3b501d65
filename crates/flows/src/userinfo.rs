//! The userinfo endpoint (OIDC Core §5.3).

use std::net::IpAddr;
use std::sync::Arc;

use orgate_domain::clients::Client;
use orgate_protocol::jose::JoseError;
use orgate_protocol::jose::claims::{SignedUserinfo, USERINFO_TYPE, UserinfoClaims};
use orgate_protocol::oauth::{RequestedClaims, ScopeSet};
use orgate_storage::LiveGrant;
use serde_json::Map;

use crate::access_token::{Standings, Unproven, possess, read, stand};
use crate::claim_values::told_of_user;
use crate::dpop::PresentedProof;
use crate::issue::profile;
use crate::keys::KeyError;
use crate::limits::Limited;
use crate::{Called, Env, Failure};

/// What an access token is worth here and now.
#[derive(Debug)]
pub enum Userinfo {
    /// What its scope lets out, and what its request asked for beside it.
    Claims(UserinfoClaims),
    /// The same, signed, as the client wants it (OIDC Core §5.3.2).
    Signed(String),
    /// It is bound to a key, and not presented with a proof of that (RFC 9449 §7.1).
    InvalidProof,
    /// The proof needs this nonce.
    NonceNeeded(String),
    /// It does not verify, has lapsed, was revoked, or is nobody's but a machine's.
    InvalidToken,
    /// It was not issued with the scope `openid`.
    InsufficientScope,
}

impl From<Unproven> for Userinfo {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Nonce(nonce) => Self::NonceNeeded(nonce),
            Unproven::Proof => Self::InvalidProof,
            Unproven::Token => Self::InvalidToken,
        }
    }
}

/// Answers for an access token that was presented from `address`. Ones that do not verify, anyone can make: they spend
/// from its budget.
///
/// # Errors
/// [`Failure`].
pub async fn userinfo(
    env: &Env,
    (called, address): (Called, Option<IpAddr>),
    token: &str,
    proof: Option<&PresentedProof<'_>>,
) -> Result<Userinfo, Failure> {
    let Some(presented) = read(env, called, token).await? else {
        env.limits.take(Limited::Refusals, address)?;
        return Ok(Userinfo::InvalidToken);
    };
    if let Some(unproven) = possess(env, &presented.claims, (token, proof)).await? {
        return Ok(unproven.into());
    }
    let Some(Standings::User(grant)) = stand(env, &presented).await? else {
        return Ok(Userinfo::InvalidToken);
    };
    let (claims, standing) = (&presented.claims, &grant.standing);
    if !claims.scope.contains("openid") {
        return Ok(Userinfo::InsufficientScope);
    }
    let client = env.configuration.client(&env.store, &claims.client_id).await?;
    let own = match &client {
        Some(client) => told_of_user(env, &presented.scope, (client, standing), &claims.scope).await?,
        None => Map::new(),
    };
    let userinfo = UserinfoClaims {
        sub: standing.session.user_id.to_string(),
        org_id: standing.session.org_id.to_string(),
        org_name: standing.org_slug.to_string(),
        profile: profile(standing, &claims.scope, requested(&grant, client.as_deref(), &claims.scope)),
        own,
    };
    match client.and_then(|client| Some((client.settings.userinfo_signing_algorithm?, client))) {
        Some((algorithm, client)) => sign(env, (algorithm, client), claims.iss.clone(), userinfo).await,
        None => Ok(Userinfo::Claims(userinfo)),
    }
}

/// What the request asked for beside its scope. A token that was narrowed, or that another client
/// exchanged, says no more than its own scope.
fn requested<'g>(grant: &'g LiveGrant, client: Option<&Client>, scope: &ScopeSet) -> &'g RequestedClaims {
    let own = client.is_some_and(|client| client.key() == (grant.client_owner, grant.client_id));
    if own && *scope == grant.scope { &grant.claims.userinfo } else { RequestedClaims::NONE }
}

async fn sign(
    env: &Env,
    (algorithm, client): (orgate_protocol::jose::SigningAlgorithm, Arc<Client>),
    iss: String,
    claims: UserinfoClaims,
) -> Result<Userinfo, Failure> {
    let signed = SignedUserinfo { iss: iss.clone(), aud: client.client_id.clone(), claims };
    let payload = serde_json::to_vec(&signed).map_err(|_| KeyError::Jose(JoseError::Claims))?;
    Ok(Userinfo::Signed(env.keys.sign(env, &iss, algorithm, (USERINFO_TYPE, payload)).await?))
}
