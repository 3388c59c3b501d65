//! The userinfo endpoint (OIDC Core §5.3).

use orgate_domain::ids::OrgId;
use orgate_protocol::jose::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims, UserinfoClaims};
use orgate_storage::system::OrgHint;

use crate::issue::{family_of, profile};
use crate::{Env, Failure};

/// What an access token is worth here and now: unlike a backend that checks it offline, this
/// endpoint asks whether the session, the user, the organization and the client still stand.
#[derive(Debug)]
pub enum Userinfo {
    /// What its scope lets out.
    Claims(UserinfoClaims),
    /// It does not verify, has lapsed, or was revoked.
    InvalidToken,
    /// It was not issued with the scope `openid`.
    InsufficientScope,
}

/// Answers for a presented access token.
///
/// # Errors
/// [`Failure`].
pub async fn userinfo(env: &Env, token: &str) -> Result<Userinfo, Failure> {
    let verified = env.keys.verify::<AccessTokenClaims>(token, ACCESS_TOKEN_TYPE);
    let now = env.clock.now();
    let Some(claims) = verified.ok().filter(|claims| {
        claims.iss == env.issuer.as_str() && now.timestamp() < claims.exp && claims.cnf.is_none()
    }) else {
        return Ok(Userinfo::InvalidToken);
    };
    let (Ok(org_id), Some(grant_id)) = (claims.org_id.parse::<OrgId>(), family_of(&claims.jti)) else {
        return Ok(Userinfo::InvalidToken);
    };
    let Some(resolved) = env.store.resolve(OrgHint::Id(org_id)).await? else {
        return Ok(Userinfo::InvalidToken);
    };
    let policy = env.configuration.policy(&env.store, &resolved.scope).await?;
    let mut tx = env.store.begin(&resolved.scope).await?;
    let standing = tx.grants().find_standing(grant_id).await?;
    tx.commit().await?;
    let Some(standing) =
        standing.filter(|standing| standing.check(policy.sso_enforcement, env.clock.now()).is_ok())
    else {
        return Ok(Userinfo::InvalidToken);
    };
    if !claims.scope.contains("openid") {
        return Ok(Userinfo::InsufficientScope);
    }
    Ok(Userinfo::Claims(UserinfoClaims {
        sub: standing.session.user_id.to_string(),
        org_id: standing.session.org_id.to_string(),
        org_name: standing.org_slug.to_string(),
        profile: profile(&standing, &claims.scope),
    }))
}
