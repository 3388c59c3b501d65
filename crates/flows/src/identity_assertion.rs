//! Identity assertions for other authorization servers (Identity Assertion Authorization Grant): who
//! signed in here, said to one application's server, so that another application may call it.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::Party;
use orgate_domain::consents::is_given;
use orgate_domain::credentials::base32;
use orgate_domain::ids::{OrgId, SessionId};
use orgate_domain::standing::Standing;
use orgate_protocol::jose::JoseError;
use orgate_protocol::jose::claims::{
    ID_TOKEN_TYPE, IDENTITY_ASSERTION_TYPE, IdTokenClaims, IdentityAssertionClaims,
};
use orgate_protocol::oauth::token_exchange::{TokenExchange, TokenTypeId};
use orgate_protocol::oauth::{ErrorCode, RequestError, ScopeSet};
use orgate_storage::OrgScope;

use crate::exchange_token::Exchanged;
use crate::issue::IssuedTokens;
use crate::keys::KeyError;
use crate::token::TokenCall;
use crate::{Env, Failure, events};

/// An assertion is presented at once.
const LIFETIME: Duration = Duration::minutes(5);

/// Exchanges an ID token of the client's own for an assertion that `audience` takes.
pub(crate) async fn issue_identity_assertion(
    env: &Env,
    call: &TokenCall<'_>,
    request: &TokenExchange,
) -> Result<Exchanged, Failure> {
    let audience = match check(call, request) {
        Ok(audience) => audience,
        Err(error) => return Ok(Exchanged::Refused(error)),
    };
    let unusable = || Exchanged::Refused(RequestError::invalid_request("the subject_token is not accepted"));
    let now = env.clock.now();
    let subject = env.keys.verify::<IdTokenClaims>(env, &request.subject.0, ID_TOKEN_TYPE).await?;
    let subject =
        subject.filter(|claims| claims.aud == call.client.client_id && now.timestamp() < claims.exp);
    let Some(subject) = subject else { return Ok(unusable()) };
    let granted = request.scope.clone().unwrap_or_default();
    let Some((scope, standing)) = standing(env, call, (&subject, &granted)).await? else {
        return Ok(unusable());
    };
    let claims = IdentityAssertionClaims {
        iss: subject.iss,
        sub: subject.sub,
        aud: audience.to_owned(),
        client_id: call.client.client_id.clone(),
        jti: base32::encode(&env.random.bytes::<16>()?),
        iat: now.timestamp(),
        exp: (now + LIFETIME.min(standing.bound(LIFETIME, now))).timestamp(),
        resource: call.resource.map(str::to_owned),
        scope: granted.clone(),
        auth_time: subject.auth_time,
        acr: subject.acr,
        amr: subject.amr,
        org_id: subject.org_id,
        org_name: standing.org_slug.to_string(),
        // What the ID token says of it, if it was proven: whoever takes the assertion may match by it.
        email: subject.profile.email.filter(|_| subject.profile.email_verified == Some(true)),
    };
    let event = Event {
        actor: Actor::Application(call.client.id),
        client: Some(call.client.key()),
        user_id: Some(standing.session.user_id),
        session_id: Some(standing.session.id),
        detail: vec![("jti", claims.jti.clone()), ("audience", claims.aud.clone())],
        ..events::done(env, Action::TokenExchanged, call.origin)?
    };
    let payload = serde_json::to_vec(&claims).map_err(|_| KeyError::Jose(JoseError::Claims))?;
    let assertion = env
        .keys
        .sign(env, &claims.iss, call.client.signing_algorithm, (IDENTITY_ASSERTION_TYPE, payload))
        .await?;
    env.journal.record(env, scope.org_id(), event).await?;
    let tokens = IssuedTokens {
        access_token: assertion,
        access_token_id: claims.jti,
        bound: false,
        expires_in: u32::try_from(LIFETIME.num_seconds()).unwrap_or_default(),
        id_token: None,
        refresh_token: None,
        scope: granted,
    };
    Ok(Exchanged::Granted(tokens, TokenTypeId::IdentityAssertion))
}

/// The server that the assertion is for, of those that the client may have assertions for.
fn check<'a>(call: &TokenCall<'_>, request: &'a TokenExchange) -> Result<&'a str, RequestError> {
    if request.actor.is_some() {
        return Err(RequestError::invalid_request("nobody acts for the subject of an identity assertion"));
    }
    let Some(audience) = request.audience.as_deref() else {
        return Err(RequestError::invalid_request("audience is missing: the other server's issuer"));
    };
    let scopes = &call.client.settings.scopes;
    let asked = request.scope.iter().flat_map(ScopeSet::iter);
    if !asked.into_iter().all(|scope| scopes.as_ref().is_some_and(|own| own.contains(scope))) {
        let text = "the client may not ask for this scope";
        return Err(RequestError::new(ErrorCode::InvalidScope, text));
    }
    if !call.client.settings.resources.contains(audience) {
        return Err(RequestError::new(
            ErrorCode::InvalidTarget,
            "the client may not have assertions for this audience",
        ));
    }
    Ok(audience)
}

/// The session that the ID token tells of, if it still stands, and is the called issuer's business; of somebody else's
/// client, only while its user lets it have what it asks for. To say who they are is what `openid` lets it.
async fn standing(
    env: &Env,
    call: &TokenCall<'_>,
    (subject, granted): (&IdTokenClaims, &ScopeSet),
) -> Result<Option<(OrgScope, Standing)>, Failure> {
    let (Ok(org_id), Ok(session)) = (subject.org_id.parse::<OrgId>(), subject.sid.parse::<SessionId>())
    else {
        return Ok(None);
    };
    if !call.called.serves(org_id) {
        return Ok(None);
    }
    let Some(scope) = env.configuration.organization(&env.store, &org_id.to_string()).await? else {
        return Ok(None);
    };
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let mut tx = env.store.begin(&scope).await?;
    let found = tx.sessions().find_standing(session, call.client.key()).await?;
    let consent = match &found {
        Some(standing) if call.client.settings.party != Party::First => {
            tx.consents().find(standing.session.user_id, call.client.key()).await?
        }
        _ => None,
    };
    tx.commit().await?;
    let needed = granted.union(&["openid"].into_iter().collect());
    let consented = is_given(call.client, consent.as_ref().map(|consent| &consent.scope), &needed);
    let admitted = consented && policy.admits(call.client.settings.party);
    let found = found.filter(|standing| admitted && standing.is_live(env.clock.now(), &policy));
    Ok(found.map(|standing| (scope, standing)))
}
