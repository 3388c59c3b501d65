//! The token endpoint (RFC 6749 §3.2): the steps that every grant shares, then the grant's own.
//!
//! **Invariant:** a grant is reached only through [`exchange`], which has checked what any of them
//! could forget: that the client may present it, and that it is bound to a key where it must be.

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::policies::Policy;
use orgate_protocol::oauth::token::GrantRequest;
use orgate_protocol::oauth::token_exchange::TokenTypeId;
use orgate_protocol::oauth::{ErrorCode, RequestError};
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;

use crate::client_credentials::{MachineToken, issue_to_machine};
use crate::device::{Polled, poll};
use crate::exchange_token::{Exchanged, exchange_token};
use crate::limits::Limited;
use crate::redeem_assertion::{Asserted, RedeemAssertion, redeem_assertion};
use crate::redeem_code::{RedeemCode, Redemption, redeem_code};
use crate::refresh::{Refresh, Refreshed, refresh};
use crate::{Called, Env, Failure, events};

/// Who asks the token endpoint, and for what: the same for every grant.
#[derive(Debug, Clone, Copy)]
pub struct TokenCall<'a> {
    /// Whose token endpoint was called.
    pub called: Called,
    /// The client that authenticated.
    pub client: &'a Client,
    /// What the token is for (RFC 8707).
    pub resource: Option<&'a str>,
    /// The thumbprint of the key that the request proves (RFC 9449 §6.1).
    pub key: Option<&'a str>,
    /// Where the request came from.
    pub origin: &'a Origin,
}

/// How a call ended, by its grant.
pub enum TokenOutcome {
    /// JWT bearer.
    Assertion(Asserted),
    /// `authorization_code`.
    Code(Redemption),
    /// Device code.
    Device(Polled),
    /// Token exchange.
    Exchange(Exchanged),
    /// `client_credentials`.
    Machine(MachineToken),
    /// No grant was followed.
    Refused(RequestError),
    /// `refresh_token`.
    Refresh(Refreshed),
}

/// Follows a grant.
///
/// # Errors
/// [`Failure`].
pub async fn exchange(
    env: &Env,
    call: &TokenCall<'_>,
    grant: &GrantRequest,
) -> Result<TokenOutcome, Failure> {
    let outcome = match check(call, grant) {
        Ok(()) => follow(env, call, grant).await?,
        Err(error) => TokenOutcome::Refused(error),
    };
    if let TokenOutcome::Refused(error)
    | TokenOutcome::Assertion(Asserted::Refused(error))
    | TokenOutcome::Exchange(Exchanged::Refused(error))
    | TokenOutcome::Machine(MachineToken::Refused(error)) = &outcome
    {
        record(env, call, error).await?;
    }
    Ok(outcome)
}

async fn follow(env: &Env, call: &TokenCall<'_>, grant: &GrantRequest) -> Result<TokenOutcome, Failure> {
    Ok(match grant {
        GrantRequest::AuthorizationCode { code, redirect_uri, code_verifier } => {
            let request = RedeemCode { call, code, redirect_uri, verifier: code_verifier.as_ref() };
            TokenOutcome::Code(redeem_code(env, &request).await?)
        }
        GrantRequest::ClientCredentials { scope, organization } => {
            let asked = (scope.as_ref(), organization.as_deref());
            TokenOutcome::Machine(issue_to_machine(env, call, asked).await?)
        }
        GrantRequest::DeviceCode { device_code } => TokenOutcome::Device(poll(env, call, device_code).await?),
        GrantRequest::JwtBearer { assertion, scope, organization } => {
            let (scope, organization) = (scope.as_ref(), organization.as_deref());
            let request = RedeemAssertion { assertion, scope, organization };
            TokenOutcome::Assertion(redeem_assertion(env, call, &request).await?)
        }
        GrantRequest::RefreshToken { refresh_token, scope } => {
            let request = Refresh { call, refresh_token, scope: scope.as_ref() };
            TokenOutcome::Refresh(refresh(env, &request).await?)
        }
        GrantRequest::TokenExchange(request) => {
            TokenOutcome::Exchange(exchange_token(env, call, request).await?)
        }
    })
}

/// The steps that all grants share.
fn check(call: &TokenCall<'_>, grant: &GrantRequest) -> Result<(), RequestError> {
    let settings = &call.client.settings;
    settings.check_grant(grant.grant_type())?;
    if settings.must_bind_tokens() && call.key.is_none() {
        return Err(RequestError::new(
            ErrorCode::InvalidDpopProof,
            "the client's tokens are bound to a key: a DPoP proof is missing",
        ));
    }
    match grant {
        // What an assertion for another server is about is that server's to judge.
        GrantRequest::TokenExchange(request) if request.requested != TokenTypeId::AccessToken => Ok(()),
        GrantRequest::ClientCredentials { .. } => Ok(()), // seen where the organization is known
        _ => call.client.audience_for(call.resource).map(|_| ()),
    }
}

/// The policy of the organization that a credential names, as it is for the client. `None`: there is no such
/// organization.
pub(crate) async fn policy_in(
    env: &Env,
    call: &TokenCall<'_>,
    scope: &OrgScope,
) -> Result<Option<Policy>, Failure> {
    let policy = env.configuration.find_policy(&env.store, scope).await?;
    if policy.is_none() {
        env.limits.take(Limited::Refusals, call.origin.address)?;
    }
    Ok(policy.map(|policy| call.client.settings.tighten(&policy)))
}

/// A request that no organization can be blamed for is the client's owner's to know. Folded: nothing
/// keeps a program from trying again and again.
async fn record(env: &Env, call: &TokenCall<'_>, error: &RequestError) -> Result<(), Failure> {
    record_refusal(env, call.client, (error.code.as_str(), call.origin)).await
}

/// Records what a client that proved who it is was refused, in its owner's log.
///
/// # Errors
/// [`Failure`], also of a source that was refused too often.
pub async fn record_refusal(
    env: &Env,
    client: &Client,
    (reason, origin): (&'static str, &Origin),
) -> Result<(), Failure> {
    env.limits.take(Limited::Refusals, origin.address)?;
    let Some(owner) = env.store.resolve(OrgHint::Id(client.owner)).await? else { return Ok(()) };
    let event = events::refused(env, Action::TokenRefused, reason, origin)?;
    let event = Event { actor: Actor::Application(client.id), client: Some(client.key()), ..event };
    env.refusals.record(env, &owner.scope, event).await?;
    Ok(())
}
