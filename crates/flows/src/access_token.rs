//! An access token of ours, presented here: unlike a backend that checks it offline, our own endpoints
//! ask whether the token, its session, user, organization and client still stand.

use std::sync::Arc;

use orgate_domain::ids::{ClientId, OrgId};
use orgate_domain::standing::{ClientStanding, Standing};
use orgate_protocol::jose::claims::{ACCESS_TOKEN_TYPE, AccessTokenClaims};
use orgate_protocol::oauth::ErrorCode;
use orgate_storage::{LiveGrant, OrgScope};

use crate::dpop::{PresentedProof, prove_possession_with};
use crate::issue::family_of;
use crate::{Called, Env, Failure};

/// A token that verifies and has not expired; nothing is said of whether it was revoked.
#[derive(Debug)]
pub(crate) struct Presented {
    pub(crate) claims: AccessTokenClaims,
    pub(crate) scope: OrgScope,
}

/// What a token stands on, as of now.
#[derive(Debug)]
pub(crate) enum Standings {
    /// A machine client.
    Client(Arc<ClientStanding>),
    /// A user's session.
    User(Box<LiveGrant>),
}

/// What is wrong with how a token was presented.
#[derive(Debug)]
pub(crate) enum Unproven {
    /// The proof needs this nonce.
    Nonce(String),
    /// It is bound to a key, and not presented with a proof of that, or the other way round (RFC 9449 §7.1).
    Proof,
    /// It is nobody's.
    Token,
}

/// A token that is bound to a key comes with a proof of it, any other without: as what a token is worth
/// is known only here, so is how it must be presented. `None` if it is as it should be.
pub(crate) async fn possess(
    env: &Env,
    claims: &AccessTokenClaims,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
) -> Result<Option<Unproven>, Failure> {
    let (cnf, proof) = match (&claims.cnf, proof) {
        (None, None) => return Ok(None),
        (Some(_), None) | (None, Some(_)) => return Ok(Some(Unproven::Proof)),
        (Some(cnf), Some(proof)) => (cnf, proof),
    };
    let Some(client) = env.configuration.client(&env.store, &claims.client_id).await? else {
        return Ok(Some(Unproven::Token));
    };
    Ok(match prove_possession_with(env, &client, (proof, token)).await? {
        Ok(key) if key == cnf.jkt => None,
        Err(error) if error.code == ErrorCode::UseDpopNonce => {
            Some(Unproven::Nonce(env.vault.dpop_nonce(env.clock.now())))
        }
        Ok(_) | Err(_) => Some(Unproven::Proof),
    })
}

/// Reads a token: signature, type, issuer, time and organization, which is that of the called issuer if it has
/// one.
pub(crate) async fn read(env: &Env, called: Called, token: &str) -> Result<Option<Presented>, Failure> {
    let verified = env.keys.verify::<AccessTokenClaims>(env, token, ACCESS_TOKEN_TYPE).await?;
    let now = env.clock.now().timestamp();
    let Some(claims) = verified.filter(|claims| now < claims.exp) else {
        return Ok(None);
    };
    let scope = env.configuration.organization(&env.store, &claims.org_id).await?;
    let scope = scope.filter(|scope| called.serves(scope.org_id()));
    Ok(scope.map(|scope| Presented { claims, scope }))
}

/// Whether the token is still good: [`stand`], for whoever wants to know no more. In one round trip.
pub(crate) async fn stands(env: &Env, token: &Presented) -> Result<bool, Failure> {
    let Presented { claims, scope } = token;
    if claims.sign_in.is_none() {
        return Ok(stand_of_client(env, token).await?.is_some());
    }
    let Some(grant_id) = family_of(&claims.jti) else { return Ok(false) };
    let Some(grant) = env.store.find_standing_grant(scope, grant_id, &claims.jti).await? else {
        return Ok(false);
    };
    let family = (grant.client_owner, grant.client_id);
    Ok(admits(env, scope, (&grant.standing, family)).await? && holds(env, token, family).await?)
}

/// Whether what the token stands on still stands; `None` if not, or if the token was revoked.
pub(crate) async fn stand(env: &Env, token: &Presented) -> Result<Option<Standings>, Failure> {
    let Presented { claims, scope } = token;
    if claims.sign_in.is_none() {
        return stand_of_client(env, token).await;
    }
    let Some(grant_id) = family_of(&claims.jti) else { return Ok(None) };
    let mut tx = env.store.begin(scope).await?;
    let grant = tx.grants().find_live(grant_id, &claims.jti).await?;
    tx.commit().await?;
    let Some(grant) = grant else { return Ok(None) };
    let family = (grant.client_owner, grant.client_id);
    let stands = admits(env, scope, (&grant.standing, family)).await? && holds(env, token, family).await?;
    Ok(stands.then(|| Standings::User(Box::new(grant))))
}

/// Whether a family's session, and all that it stands on, admits the family's client.
async fn admits(
    env: &Env,
    scope: &OrgScope,
    (standing, family): (&Standing, (OrgId, ClientId)),
) -> Result<bool, Failure> {
    let policy = env.configuration.policy(&env.store, scope).await?;
    let client = env.configuration.client_by_id(&env.store, family).await?;
    let now = env.clock.now();
    Ok(client.is_some_and(|client| standing.check(&policy, client.settings.party, now).is_ok()))
}

/// Whether whoever holds the token still stands there, where that is not its family's client: it was
/// exchanged.
async fn holds(env: &Env, token: &Presented, family: (OrgId, ClientId)) -> Result<bool, Failure> {
    let holder = env.configuration.client(&env.store, &token.claims.client_id).await?;
    let Some(holder) = holder else { return Ok(false) };
    if holder.key() == family {
        return Ok(true); // its standing was read just now
    }
    let standing = env.configuration.client_standing(&env.store, &token.scope, holder.key()).await?;
    let policy = env.configuration.policy(&env.store, &token.scope).await?;
    Ok(standing.is_some_and(|standing| standing.check(&policy, holder.settings.party).is_ok()))
}

async fn stand_of_client(
    env: &Env,
    Presented { claims, scope }: &Presented,
) -> Result<Option<Standings>, Failure> {
    let Some(client) = env.configuration.client(&env.store, &claims.client_id).await? else {
        return Ok(None);
    };
    let Ok(subject) = claims.sub.parse::<ClientId>() else { return Ok(None) };
    // Who holds it, and whom it is about: by an exchange they may differ, and are of one owner.
    let holder = env.configuration.client_standing(&env.store, scope, client.key()).await?;
    let standing = env.configuration.client_standing(&env.store, scope, (client.owner, subject)).await?;
    let policy = env.configuration.policy(&env.store, scope).await?;
    let check = |standing: &ClientStanding| standing.check(&policy, client.settings.party).is_ok();
    let stands = holder.is_some_and(|holder| check(&holder));
    let Some(standing) = standing.filter(|standing| stands && check(standing)) else {
        return Ok(None);
    };
    let mut tx = env.store.begin(scope).await?;
    let revoked = tx.grants().is_revoked(&claims.jti).await?;
    tx.commit().await?;
    Ok((!revoked).then_some(Standings::Client(standing)))
}
