//! What a client's own claims are made of, read as of now: only for clients that have such claims.

use orgate_domain::clients::Client;
use orgate_domain::clients::claims::{ClaimValues, map_claims};
use orgate_domain::standing::Standing;
use orgate_protocol::oauth::ScopeSet;
use orgate_storage::{OrgScope, OrgTx};
use serde_json::{Map, Value};

use crate::{Env, Failure};

/// What may be said of a session's user, in the transaction that issues.
pub(crate) async fn claims_of_user(
    tx: &mut OrgTx,
    client: &Client,
    standing: &Standing,
) -> Result<ClaimValues, Failure> {
    if client.settings.claims.is_empty() {
        return Ok(ClaimValues::default());
    }
    let session = &standing.session;
    Ok(tx.attributes().find_claim_values_of_user(session.user_id, Some(session.id)).await?)
}

/// The same in a transaction of its own.
pub(crate) async fn read_claims(
    env: &Env,
    scope: &OrgScope,
    (client, standing): (&Client, &Standing),
) -> Result<ClaimValues, Failure> {
    if client.settings.claims.is_empty() {
        return Ok(ClaimValues::default());
    }
    let mut tx = env.store.begin(scope).await?;
    let known = claims_of_user(&mut tx, client, standing).await?;
    tx.commit().await?;
    Ok(known)
}

/// What `/userinfo` says of them: all, whatever the tokens have room for.
pub(crate) async fn told_of_user(
    env: &Env,
    scope: &OrgScope,
    (client, standing): (&Client, &Standing),
    granted: &ScopeSet,
) -> Result<Map<String, Value>, Failure> {
    let known = read_claims(env, scope, (client, standing)).await?;
    let mappings = client.settings.told_claims();
    Ok(map_claims(mappings, &known, |scope| granted.contains(scope), (None, usize::MAX)).told)
}
