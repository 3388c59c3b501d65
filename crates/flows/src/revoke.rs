//! Revocation (RFC 7009): a client gives a token up.

use chrono::DateTime;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::credentials::{Credential, RefreshToken};
use orgate_storage::{OrgScope, OrgTx};

use crate::access_token::read;
use crate::limits::Limited;
use crate::{Called, Env, Failure, events};

/// Revokes a token of `client`'s: a refresh token with its whole family, an access token alone. A token
/// that is unknown, foreign or over already is as good as revoked (RFC 7009 §2.2), and the client does
/// not learn which it was.
///
/// # Errors
/// [`Failure`]: the token may still be good.
pub async fn revoke(
    env: &Env,
    (called, client): (Called, &Client),
    token: &str,
    origin: &Origin,
) -> Result<(), Failure> {
    let revoked = match Credential::<RefreshToken>::parse(token) {
        Ok(refresh_token) if !called.serves(refresh_token.org_id()) => false,
        Ok(refresh_token) => revoke_family(env, client, &refresh_token, origin).await?,
        Err(_) => revoke_access_token(env, (called, client), token, origin).await?,
    };
    if !revoked {
        env.limits.take(Limited::Refusals, origin.address)?;
    }
    Ok(())
}

async fn revoke_family(
    env: &Env,
    client: &Client,
    token: &Credential<RefreshToken>,
    origin: &Origin,
) -> Result<bool, Failure> {
    let scope = OrgScope::of_credential(token);
    let mut tx = env.store.begin(&scope).await?;
    let found = tx.grants().find_by_refresh_token(&token.hash()).await?;
    let Some(found) = found.filter(|found| (found.client_owner, found.client_id) == client.key()) else {
        return Ok(false);
    };
    if tx.grants().revoke(found.grant_id, env.clock.now()).await? {
        let session = &found.standing.session;
        let event = Event {
            user_id: Some(session.user_id),
            session_id: Some(session.id),
            ..about(env, client, ("refresh_token", origin))?
        };
        record(tx, &event).await?;
    }
    Ok(true)
}

async fn revoke_access_token(
    env: &Env,
    (called, client): (Called, &Client),
    token: &str,
    origin: &Origin,
) -> Result<bool, Failure> {
    let Some(presented) = read(env, called, token).await? else { return Ok(false) };
    let claims = presented.claims;
    let Some(expires_at) =
        DateTime::from_timestamp(claims.exp, 0).filter(|_| claims.client_id == client.client_id)
    else {
        return Ok(false);
    };
    let mut tx = env.store.begin(&presented.scope).await?;
    if tx.grants().revoke_token(&claims.jti, expires_at, env.clock.now()).await? {
        let mut event = about(env, client, ("access_token", origin))?;
        event.user_id = claims.sub.parse().ok();
        event.session_id = claims.sign_in.and_then(|sign_in| sign_in.sid.parse().ok());
        event.detail.push(("jti", claims.jti));
        record(tx, &event).await?;
    }
    Ok(true)
}

fn about(env: &Env, client: &Client, (kind, origin): (&str, &Origin)) -> Result<Event, Failure> {
    Ok(Event {
        actor: Actor::Application(client.id),
        client: Some(client.key()),
        detail: vec![("token", kind.to_owned())],
        ..events::done(env, Action::TokenRevoked, origin)?
    })
}

async fn record(mut tx: OrgTx, event: &Event) -> Result<(), Failure> {
    tx.audit().insert(event).await?;
    Ok(tx.commit().await?)
}
