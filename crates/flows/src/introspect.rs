//! Introspection (RFC 7662): is this token still good, and what does it say?

use orgate_domain::audit::Origin;
use orgate_domain::clients::Client;
use orgate_domain::consents::Granted;
use orgate_domain::credentials::{Credential, RefreshToken};
use orgate_protocol::jose::JoseError;
use orgate_protocol::jose::claims::AccessTokenClaims;
use orgate_protocol::oauth::introspection::{
    ActiveRefreshToken, INTROSPECTION_TYPE, IntrospectionResponse, SignedIntrospection,
};
use orgate_protocol::oauth::token::TokenType;
use orgate_storage::OrgScope;

use crate::access_token::{read, stands};
use crate::keys::KeyError;
use crate::token::record_refusal;
use crate::{Called, Env, Failure};

/// Whether `client` may ask the called issuer anything: an organization's issuer knows none but the clients that it is
/// admitted to.
///
/// # Errors
/// [`Failure`].
pub async fn may_ask(env: &Env, called: Called, client: &Client, origin: &Origin) -> Result<bool, Failure> {
    let Some(org_id) = called.0 else { return Ok(true) };
    if let Some(scope) = env.configuration.organization(&env.store, &org_id.to_string()).await? {
        let standing = env.configuration.client_standing(&env.store, &scope, client.key()).await?;
        let policy = env.configuration.policy(&env.store, &scope).await?;
        if standing.is_some_and(|standing| standing.check(&policy, client.settings.party).is_ok()) {
            return Ok(true);
        }
    }
    record_refusal(env, client, ("other_issuer", origin)).await?;
    Ok(false)
}

/// Answers `client`'s question about a token. Of one that is not its business it learns what it would
/// learn of one that does not exist: it is not active.
///
/// # Errors
/// [`Failure`].
pub async fn introspect(
    env: &Env,
    called: Called,
    client: &Client,
    token: &str,
) -> Result<IntrospectionResponse, Failure> {
    if let Ok(refresh_token) = Credential::<RefreshToken>::parse(token) {
        if !called.serves(refresh_token.org_id()) {
            return Ok(IntrospectionResponse::Inactive);
        }
        return introspect_refresh_token(env, client, &refresh_token).await;
    }
    let Some(presented) = read(env, called, token).await? else { return Ok(IntrospectionResponse::Inactive) };
    if !concerns(env, client, &presented.claims).await? || !stands(env, &presented).await? {
        return Ok(IntrospectionResponse::Inactive);
    }
    let token_type = if presented.claims.cnf.is_some() { TokenType::Dpop } else { TokenType::Bearer };
    Ok(IntrospectionResponse::AccessToken { token_type, claims: Box::new(presented.claims) })
}

/// The answer as a signed JWT for `client` (RFC 9701 §5). A question makes no keys in an organization: where its
/// issuer has none for the client yet, the shared issuer signs, and says that it did.
///
/// # Errors
/// [`Failure`].
pub async fn sign_introspection(
    env: &Env,
    called: Called,
    client: &Client,
    answer: IntrospectionResponse,
) -> Result<String, Failure> {
    let called = env.issuer.called(called);
    let algorithm = client.signing_algorithm;
    let own = env.keys.of(env, called.as_str()).await?;
    let signs = own.is_some_and(|ring| ring.check(algorithm).is_ok());
    let issuer = if signs { &called } else { &env.issuer };
    let signed = SignedIntrospection {
        iss: issuer.as_str().to_owned(),
        aud: client.client_id.clone(),
        iat: env.clock.now().timestamp(),
        token_introspection: answer,
    };
    let payload = serde_json::to_vec(&signed).map_err(|_| KeyError::Jose(JoseError::Claims))?;
    Ok(env.keys.sign(env, issuer.as_str(), algorithm, (INTROSPECTION_TYPE, payload)).await?)
}

/// Whether a token is the client's to ask about: it was issued to it, or it is for its resource and
/// their owner is one. The name of a resource alone proves nothing: anyone may register any.
async fn concerns(env: &Env, client: &Client, claims: &AccessTokenClaims) -> Result<bool, Failure> {
    if claims.client_id == client.client_id {
        return Ok(true);
    }
    if claims.aud != client.resource {
        return Ok(false);
    }
    let issued_to = env.configuration.client(&env.store, &claims.client_id).await?;
    Ok(issued_to.is_some_and(|issued_to| issued_to.owner == client.owner))
}

async fn introspect_refresh_token(
    env: &Env,
    client: &Client,
    token: &Credential<RefreshToken>,
) -> Result<IntrospectionResponse, Failure> {
    let scope = OrgScope::of_credential(token);
    let Some(policy) = env.configuration.find_policy(&env.store, &scope).await? else {
        return Ok(IntrospectionResponse::Inactive);
    };
    let mut tx = env.store.begin(&scope).await?;
    let found = tx.grants().find_by_refresh_token(&token.hash()).await?;
    tx.commit().await?;
    let now = env.clock.now();
    let Some(found) = found.filter(|found| {
        let (scope, claims, consented) = (&found.scope, &found.claims, found.consented.as_ref());
        (found.client_owner, found.client_id) == client.key()
            && found.is_usable(now)
            && Granted { scope, claims, consented }.check(&found.standing, (client, &policy), now).is_ok()
    }) else {
        return Ok(IntrospectionResponse::Inactive);
    };
    let session = &found.standing.session;
    Ok(IntrospectionResponse::RefreshToken(Box::new(ActiveRefreshToken {
        iss: found.issuer.clone(),
        sub: session.user_id.to_string(),
        client_id: client.client_id.clone(),
        exp: found.expires_at.min(found.grant_expires_at).timestamp(),
        scope: found.scope.clone(),
        sid: session.id.to_string(),
        org_id: session.org_id.to_string(),
        org_name: found.standing.org_slug.to_string(),
    })))
}
