//! The client credentials grant (RFC 6749 §4.4): a machine's token, in one organization.
//!
//! Nothing changes but the log, so nothing is decided in a transaction: who may act where is read
//! at most a second ago ([`crate::Configuration::client_standing`]), and the event is durable before the token is
//! given.

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::Audience;
use orgate_domain::standing::StandingRefusal;
use orgate_protocol::oauth::{ClaimsRequest, ErrorCode, RequestError, ScopeSet};
use orgate_storage::OrgScope;

use crate::issue::{Issuance, IssuedTokens, Subject, issue};
use crate::limits::Limited;
use crate::ssf::access::is_receiver;
use crate::token::{TokenCall, record_refusal};
use crate::{Env, Failure, events};

/// How it ended.
pub enum MachineToken {
    /// Here it is.
    Granted(IssuedTokens),
    /// The request cannot be followed.
    Refused(RequestError),
    /// Organization or client do not stand, or the organization may not use the client, or there is
    /// none: one answer for all.
    Fallen,
}

/// Issues an access token to a machine client.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn issue_to_machine(
    env: &Env,
    call: &TokenCall<'_>,
    (scope, organization): (Option<&ScopeSet>, Option<&str>),
) -> Result<MachineToken, Failure> {
    let granted = match granted(call, scope) {
        Ok(granted) => granted,
        Err(error) => return Ok(MachineToken::Refused(error)),
    };
    let place = match place(env, call, organization).await? {
        Place::Organization(place) => place,
        other => return Ok(refusal_of(&other).map_or(MachineToken::Fallen, MachineToken::Refused)),
    };
    if let Err(error) = check_resource(env, call, &place) {
        return Ok(MachineToken::Refused(error));
    }
    let Some(standing) = env.configuration.client_standing(&env.store, &place, call.client.key()).await?
    else {
        env.limits.take(Limited::Refusals, call.origin.address)?;
        return Ok(MachineToken::Fallen);
    };
    let policy = env.configuration.policy(&env.store, &place).await?;
    if let Err(refusal) = standing.check(&policy, call.client.settings.party) {
        return refuse(env, call, (&place, refusal)).await;
    }
    let issuer = env.issuer.to_client(call.client, place.org_id(), call.called);
    let issuance = Issuance {
        client: call.client,
        subject: Subject::Client(&standing, call.client.id),
        resource: call.resource,
        key: call.key,
        act: None,
        ceiling: None,
        scope: &granted,
        known: &standing.known,
        claims: ClaimsRequest::NONE,
        nonce: None,
        issuer: issuer.as_str(),
        uncapped_lifetime: call.client.settings.tighten(&policy).access_token,
        now: env.clock.now(),
    };
    let tokens = issue(env, &issuance).await?;
    let event = events::done(env, Action::TokenIssued, call.origin)?;
    let detail = vec![("jti", tokens.access_token_id.clone()), ("scope", granted.to_string())];
    let event = Event { detail, ..about(call, event) };
    env.journal.record(env, place.org_id(), event).await?;
    Ok(MachineToken::Granted(tokens))
}

/// What is asked for, or all that the client may have. There is no person here to be identified,
/// and nothing to be refreshed.
fn granted(call: &TokenCall<'_>, asked: Option<&ScopeSet>) -> Result<ScopeSet, RequestError> {
    let of_people = ["openid", "offline_access"];
    let refuse = |text| Err(RequestError::new(ErrorCode::InvalidScope, text));
    let own = call.client.settings.scopes.iter().flatten().map(String::as_str);
    let own: ScopeSet = own.filter(|scope| !of_people.contains(scope)).collect();
    match asked {
        None => Ok(own),
        Some(asked) if of_people.iter().any(|scope| asked.contains(scope)) => {
            refuse("openid and offline_access are for people's sign-ins")
        }
        Some(asked) if asked.is_subset(&own) => Ok(asked.clone()),
        Some(_) => refuse("the client may not ask for this scope"),
    }
}

/// A receiver of security events may ask for a token for their transmitter, which is the issuer, the organization's own
/// included; otherwise a client asks for what it is allowed.
fn check_resource(env: &Env, call: &TokenCall<'_>, place: &OrgScope) -> Result<(), RequestError> {
    let is_ours =
        |asked: &str| asked == env.issuer.as_str() || asked == env.issuer.of(place.org_id()).as_str();
    if is_receiver(call.client) && call.resource.is_some_and(is_ours) {
        return Ok(());
    }
    call.client.audience_for(call.resource).map(|_| ())
}

/// Which organization a request leads to that no credential names.
#[derive(Debug)]
pub(crate) enum Place {
    /// The client belongs to another one.
    Mismatch,
    /// None, and the client belongs to no single one.
    Missing,
    /// This one.
    Organization(OrgScope),
    /// One that does not exist.
    Unknown,
}

/// What the client hears of a place that is none; `None`: no more than of one that it may not act in.
pub(crate) fn refusal_of(place: &Place) -> Option<RequestError> {
    match place {
        Place::Missing => Some(RequestError::invalid_request(
            "organization_required: the request names no organization to act in",
        )),
        Place::Mismatch => Some(RequestError::new(
            ErrorCode::OrganizationMismatch,
            "the client belongs to another organization",
        )),
        Place::Unknown | Place::Organization(_) => None,
    }
}

/// The organization whose issuer was called, or the client's own, if it belongs to one only; else the one that
/// the request names. Of these, any two that differ are a contradiction.
pub(crate) async fn place(
    env: &Env,
    call: &TokenCall<'_>,
    organization: Option<&str>,
) -> Result<Place, Failure> {
    let at =
        async |text: &str| env.configuration.organization_for(&env.store, (text, call.client.key())).await;
    let named = match organization {
        None => None,
        Some(text) => match at(text).await? {
            Some(scope) => Some(scope),
            // Where another one would be a contradiction, one that is not there is told apart by nothing.
            None if call.client.audience == Audience::Owner || call.called.0.is_some() => {
                return Ok(Place::Mismatch);
            }
            None => {
                record_refusal(env, call.client, ("unknown_organization", call.origin)).await?;
                return Ok(Place::Unknown);
            }
        },
    };
    let named = match (call.called.0, named) {
        (Some(called), None) => at(&called.to_string()).await?,
        (_, named) => named,
    };
    Ok(match (call.client.audience, named) {
        (_, Some(scope)) if !call.called.serves(scope.org_id()) => Place::Mismatch,
        (Audience::Owner, Some(scope)) if scope.org_id() != call.client.owner => Place::Mismatch,
        (_, Some(scope)) => Place::Organization(scope),
        (Audience::Owner, None) => {
            let owner = call.client.owner.to_string();
            match at(&owner).await? {
                Some(scope) => Place::Organization(scope),
                None => Place::Unknown,
            }
        }
        (Audience::All | Audience::Granted, None) => Place::Missing,
    })
}

fn about(call: &TokenCall<'_>, event: Event) -> Event {
    Event { actor: Actor::Application(call.client.id), client: Some(call.client.key()), ..event }
}

/// A refusal after resolution: folded, since nothing keeps a program from trying again and again.
async fn refuse(
    env: &Env,
    call: &TokenCall<'_>,
    (place, refusal): (&OrgScope, StandingRefusal),
) -> Result<MachineToken, Failure> {
    env.limits.take(Limited::Refusals, call.origin.address)?;
    let event = events::refused(env, Action::TokenRefused, refusal.as_str(), call.origin)?;
    env.refusals.record(env, place, about(call, event)).await?;
    Ok(MachineToken::Fallen)
}
