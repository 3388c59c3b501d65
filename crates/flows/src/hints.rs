//! `id_token_hint` (OIDC Core §3.1.2.1, RP-Initiated Logout §2).

use orgate_protocol::jose::claims::{ID_TOKEN_TYPE, IdTokenClaims};

use crate::{Env, Failure};

/// The claims of an ID token that one of this installation's issuers signed, expired or not; an organization's
/// issuer, only about that organization.
pub(crate) async fn read(env: &Env, token: &str) -> Result<Option<IdTokenClaims>, Failure> {
    Ok(env.keys.verify_hint(env, token, ID_TOKEN_TYPE).await?)
}
