//! `id_token_hint` (OIDC Core §3.1.2.1, RP-Initiated Logout §2).

use orgate_protocol::jose::claims::{ID_TOKEN_TYPE, IdTokenClaims};

use crate::Env;

/// The claims of an ID token that this issuer signed, expired or not.
pub(crate) fn read(env: &Env, token: &str) -> Option<IdTokenClaims> {
    let claims: IdTokenClaims = env.keys.verify(token, ID_TOKEN_TYPE).ok()?;
    (claims.iss == env.issuer.as_str()).then_some(claims)
}
