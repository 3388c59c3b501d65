//! The token exchange grant (RFC 8693): another token for the same subject, inside one organization.
//!
//! **Invariant:** the new token is never wider than the one it was made of: not in scope, not in
//! lifetime, not in rights, and never of another organization. Whoever exchanges a token that was issued
//! to somebody else is named in `act`.

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::{Client, Party};
use orgate_protocol::jose::claims;
use orgate_protocol::oauth::token_exchange::{TokenExchange, TokenTypeId};
use orgate_protocol::oauth::{ClaimsRequest, ErrorCode, RequestError, ScopeSet};

use crate::access_token::{Presented, Standings, read, stand, stands};
use crate::claim_values::read_claims;
use crate::identity_assertion::issue_identity_assertion;
use crate::issue::{Issuance, IssuedTokens, Subject, family_of, issue_access_token};
use crate::token::TokenCall;
use crate::{Env, Failure, events};

/// Actors that may stand behind one another in `act`.
const MAX_ACTORS: usize = 4;

/// How it ended.
pub enum Exchanged {
    /// Here is the new token, of this type.
    Granted(IssuedTokens, TokenTypeId),
    /// It is not given. RFC 8693 §2.2.2: a token that is not accepted makes the request invalid.
    Refused(RequestError),
}

/// Exchanges a token.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn exchange_token(
    env: &Env,
    call: &TokenCall<'_>,
    request: &TokenExchange,
) -> Result<Exchanged, Failure> {
    if !call.client.is_confidential() {
        return Ok(refused(ErrorCode::UnauthorizedClient, "a client that proves nothing exchanges nothing"));
    }
    match (request.requested, request.subject.1) {
        (TokenTypeId::AccessToken, TokenTypeId::AccessToken | TokenTypeId::Jwt) => {
            exchange_access_token(env, call, request).await
        }
        (TokenTypeId::IdentityAssertion, TokenTypeId::IdToken) => {
            issue_identity_assertion(env, call, request).await
        }
        _ => Ok(Exchanged::Refused(RequestError::invalid_request(
            "this type of token is not exchanged for that one",
        ))),
    }
}

async fn exchange_access_token(
    env: &Env,
    call: &TokenCall<'_>,
    request: &TokenExchange,
) -> Result<Exchanged, Failure> {
    let Some(subject) = read(env, call.called, &request.subject.0).await? else { return Ok(unusable()) };
    let outcome = exchange_subject(env, call, (&subject, request)).await?;
    if let Exchanged::Refused(error) = &outcome {
        // Whose token it is hears of it as well.
        let event = events::refused(env, Action::TokenRefused, error.code.as_str(), call.origin)?;
        let actor = Actor::Application(call.client.id);
        let event = Event { actor, client: Some(call.client.key()), ..event };
        env.refusals.record(env, &subject.scope, event).await?;
    }
    Ok(outcome)
}

async fn exchange_subject(
    env: &Env,
    call: &TokenCall<'_>,
    (subject, request): (&Presented, &TokenExchange),
) -> Result<Exchanged, Failure> {
    let Some(standing) = stand(env, subject).await? else { return Ok(unusable()) };
    let Some(issued_to) = may_exchange(env, call, subject).await? else { return Ok(unusable()) };
    let actor = match actor(env, call, (subject, &issued_to), request).await? {
        Ok(actor) => actor,
        Err(error) => return Ok(Exchanged::Refused(error)),
    };
    let (scope, resource) = match narrowed(call, subject, request) {
        Ok(narrowed) => narrowed,
        Err(error) => return Ok(Exchanged::Refused(error)),
    };
    let claims = &subject.claims;
    let about = match (&standing, family_of(&claims.jti), claims.sub.parse()) {
        (Standings::User(grant), Some(grant_id), _) => Subject::User(&grant.standing, grant_id),
        (Standings::Client(standing), _, Ok(id)) => Subject::Client(standing, id),
        (Standings::User(_), None, _) | (Standings::Client(_), _, Err(_)) => return Ok(unusable()),
    };
    let policy = env.configuration.policy(&env.store, &subject.scope).await?;
    let now = env.clock.now();
    if let Standings::User(grant) = &standing
        && !grant.standing.session.satisfies_max_age(call.client.settings.max_age(None), now)
    {
        return Ok(unusable()); // the client is answered in no session of that age
    }
    let read;
    let known = match about {
        Subject::Client(standing, _) => &standing.known,
        Subject::User(standing, _) => {
            read = read_claims(env, &subject.scope, (call.client, standing)).await?;
            &read
        }
    };
    let left = chrono::Duration::seconds(claims.exp - now.timestamp());
    let issuance = Issuance {
        client: call.client,
        subject: about,
        resource: Some(&resource),
        key: call.key,
        act: actor,
        ceiling: Some(claims),
        scope: &scope,
        known,
        nonce: None,
        claims: ClaimsRequest::NONE,
        issuer: &claims.iss,
        uncapped_lifetime: call.client.settings.tighten(&policy).access_token.min(left),
        now,
    };
    let tokens = issue_access_token(env, &issuance).await?;
    record(env, call, subject, (&tokens, &resource)).await?;
    Ok(Exchanged::Granted(tokens, TokenTypeId::AccessToken))
}

fn unusable() -> Exchanged {
    Exchanged::Refused(RequestError::invalid_request("the subject_token is not accepted"))
}

/// Who the subject token was issued to, if `call`'s client may exchange it: its own, which it proves to
/// hold the key of; or one that was sent to it, as a resource of the same owner.
async fn may_exchange(
    env: &Env,
    call: &TokenCall<'_>,
    subject: &Presented,
) -> Result<Option<std::sync::Arc<Client>>, Failure> {
    let claims = &subject.claims;
    let Some(issued_to) = env.configuration.client(&env.store, &claims.client_id).await? else {
        return Ok(None);
    };
    let own = issued_to.key() == call.client.key();
    // Whoever holds a token of an organization is admitted to it.
    let here = env.configuration.client_standing(&env.store, &subject.scope, call.client.key()).await?;
    let policy = env.configuration.policy(&env.store, &subject.scope).await?;
    let party = call.client.settings.party;
    if here.is_none_or(|here| here.check(&policy, party).is_err()) {
        return Ok(None);
    }
    let holds_key = claims.cnf.as_ref().is_none_or(|cnf| call.key == Some(&cnf.jkt));
    // Nobody consented to a third party's having a token that was issued to somebody else.
    let received =
        claims.aud == call.client.resource && issued_to.owner == call.client.owner && party == Party::First;
    Ok(Some(issued_to).filter(|_| own && holds_key || !own && received))
}

/// What the new token says of who acts (RFC 8693 §4.1): the actor that is presented; the client itself,
/// where the token was not its own; and behind either, who acted before.
async fn actor(
    env: &Env,
    call: &TokenCall<'_>,
    (subject, issued_to): (&Presented, &Client),
    request: &TokenExchange,
) -> Result<Result<Option<claims::Actor>, RequestError>, Failure> {
    let own = issued_to.key() == call.client.key();
    let before = subject.claims.act.clone();
    let acting = match &request.actor {
        Some((token, TokenTypeId::AccessToken | TokenTypeId::Jwt)) => {
            let presented = match read(env, call.called, token).await? {
                // Of the same organization, and the client's own.
                Some(actor)
                    if actor.scope == subject.scope
                        && actor.claims.client_id == call.client.client_id
                        && actor.claims.cnf.as_ref().is_none_or(|cnf| call.key == Some(&cnf.jkt)) =>
                {
                    actor
                }
                _ => return Ok(Err(invalid_actor())),
            };
            if !stands(env, &presented).await? {
                return Ok(Err(invalid_actor()));
            }
            Some(presented.claims.sub)
        }
        Some(_) => return Ok(Err(invalid_actor())),
        None => None,
    };
    // The client itself, where the token was not its own; above it whoever it acts for.
    let itself = (!own).then(|| call.client.id.to_string());
    let chain = itself
        .into_iter()
        .chain(acting)
        .fold(before, |before, sub| Some(claims::Actor { sub, act: before.map(Box::new) }));
    if chain.as_ref().map_or(0, claims::Actor::depth) > MAX_ACTORS {
        return Ok(Err(RequestError::invalid_request("too many have acted for the subject already")));
    }
    Ok(Ok(chain))
}

fn invalid_actor() -> RequestError {
    RequestError::invalid_request("the actor_token is not accepted")
}

/// The scope and the resource of the new token.
fn narrowed(
    call: &TokenCall<'_>,
    subject: &Presented,
    request: &TokenExchange,
) -> Result<(ScopeSet, String), RequestError> {
    let settings = &call.client.settings;
    let held = &subject.claims.scope;
    let scope = match &request.scope {
        Some(asked) if !asked.is_subset(held) => {
            return Err(RequestError::new(ErrorCode::InvalidScope, "more is asked for than the token has"));
        }
        Some(asked) => {
            settings.check_scope(call.client.kind, asked)?;
            asked.clone()
        }
        None => held.iter().filter(|scope| settings.may_ask_for(call.client.kind, scope)).collect(),
    };
    let target = match (call.resource, request.audience.as_deref()) {
        (Some(resource), Some(audience)) if resource != audience => {
            return Err(RequestError::new(ErrorCode::InvalidTarget, "one resource or audience at a time"));
        }
        (resource, audience) => resource.or(audience),
    };
    Ok((scope, call.client.audience_for(target)?))
}

fn refused(code: ErrorCode, text: &'static str) -> Exchanged {
    Exchanged::Refused(RequestError::new(code, text))
}

/// Nothing changes but the log.
async fn record(
    env: &Env,
    call: &TokenCall<'_>,
    subject: &Presented,
    (tokens, resource): (&IssuedTokens, &str),
) -> Result<(), Failure> {
    let claims = &subject.claims;
    let event = Event {
        actor: Actor::Application(call.client.id),
        client: Some(call.client.key()),
        user_id: claims.sub.parse().ok(),
        session_id: claims.sign_in.as_ref().and_then(|sign_in| sign_in.sid.parse().ok()),
        detail: vec![
            ("subject_jti", claims.jti.clone()),
            ("jti", tokens.access_token_id.clone()),
            ("audience", resource.to_owned()),
            ("scope", tokens.scope.to_string()),
        ],
        ..events::done(env, Action::TokenExchanged, call.origin)?
    };
    env.journal.record(env, subject.scope.org_id(), event).await
}
