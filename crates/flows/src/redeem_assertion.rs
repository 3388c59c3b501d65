//! The JWT bearer grant (RFC 7523 §2.1): a token for a user whom the organization's own identity
//! provider vouches for, without a browser (cross-app access).
//!
//! **Invariant:** the user is one that the connection is bound to already. Nobody is made or linked by
//! an assertion, and every rule that ends a sign-in through the connection ends what came of it.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::connections::{EntryPath, Piloted};
use orgate_domain::credentials::SecretHash;
use orgate_domain::email::Email;
use orgate_domain::ids::{GrantId, SessionId};
use orgate_domain::sessions::{Session, SignInMethod};
use orgate_domain::standing::{Standing, UserStatus};
use orgate_protocol::oauth::{ClaimsRequest, ErrorCode, RequestError, ScopeSet};
use orgate_storage::{AssertedGrant, ConsumedKind, FederatedUser, IdentityKey, OrgScope, OrgTx, UpstreamEnd};

use crate::claim_values::claims_of_user;
use crate::client_credentials::{Place, place, refusal_of};
use crate::federation::identity_assertion::{VerifiedAssertion, verify_identity_assertion};
use crate::issue::{Issuance, IssuedTokens, Subject, issue_access_token};
use crate::limits::Limited;
use crate::token::TokenCall;
use crate::{Env, Failure, events};

/// How it ended. Every refusal but a failure is committed with its event.
pub enum Asserted {
    /// Here is the access token. There is no refresh token: the provider is asked again.
    Granted(IssuedTokens),
    /// The assertion is not accepted; the event says why.
    Rejected,
    /// The request cannot be followed.
    Refused(RequestError),
}

/// What a client presents.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RedeemAssertion<'a> {
    pub(crate) assertion: &'a str,
    pub(crate) scope: Option<&'a ScopeSet>,
    /// The organization, by id or slug.
    pub(crate) organization: Option<&'a str>,
}

/// Redeems an assertion.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn redeem_assertion(
    env: &Env,
    call: &TokenCall<'_>,
    request: &RedeemAssertion<'_>,
) -> Result<Asserted, Failure> {
    let scope = match place(env, call, request.organization).await? {
        Place::Organization(scope) => scope,
        other => return Ok(refusal_of(&other).map_or(Asserted::Rejected, Asserted::Refused)),
    };
    if !call.client.is_confidential() {
        let text = "a client that proves nothing redeems nothing";
        return Ok(Asserted::Refused(RequestError::new(ErrorCode::UnauthorizedClient, text)));
    }
    // Before anything of the organization's is read for it, or fetched.
    let here = env.configuration.client_standing(&env.store, &scope, call.client.key()).await?;
    let Some(here) = here else { return Ok(Asserted::Rejected) };
    let policy = env.configuration.policy(&env.store, &scope).await?;
    if let Err(refusal) = here.check(&policy, call.client.settings.party) {
        return reject(env, call, (&scope, refusal.as_str())).await;
    }
    let verified = match verify_identity_assertion(env, &scope, call, request.assertion).await? {
        Ok(verified) => verified,
        Err(reason) => return reject(env, call, (&scope, reason)).await,
    };
    let (granted, resource) = match granted(call, request, &verified) {
        Ok(granted) => granted,
        Err(error) => return Ok(Asserted::Refused(error)),
    };
    let issuer = env.issuer.to_client(call.client, scope.org_id(), call.called);
    env.keys.prepare(env, issuer.as_str(), call.client.signing_algorithm).await?; // before it is used up
    let policy = env.configuration.policy(&env.store, &scope).await?;
    let lifetime = call.client.settings.tighten(&policy).access_token;
    let now = env.clock.now();
    let mut tx = env.store.begin(&scope).await?;
    let begun = begin(env, &mut tx, (call, &verified, &granted), (now, lifetime)).await?;
    let (standing, grant_id) = match begun {
        Ok(begun) => begun,
        Err(reason) => {
            drop(tx);
            return reject(env, call, (&scope, reason)).await;
        }
    };
    if let Err(refusal) = standing.check(&policy, call.client.settings.party, now) {
        drop(tx);
        return reject(env, call, (&scope, refusal.as_str())).await;
    }
    let known = claims_of_user(&mut tx, call.client, &standing).await?;
    tx.commit().await?;
    let issuance = Issuance {
        client: call.client,
        subject: Subject::User(&standing, grant_id),
        resource: resource.as_deref(),
        key: call.key,
        act: None,
        ceiling: None,
        scope: &granted,
        known: &known,
        claims: ClaimsRequest::NONE,
        nonce: None,
        issuer: issuer.as_str(),
        uncapped_lifetime: lifetime,
        now,
    };
    Ok(Asserted::Granted(issue_access_token(env, &issuance).await?))
}

/// Scope and resource, of what the assertion allows and the client may have. An assertion without a
/// scope allows none.
fn granted(
    call: &TokenCall<'_>,
    request: &RedeemAssertion<'_>,
    verified: &VerifiedAssertion,
) -> Result<(ScopeSet, Option<String>), RequestError> {
    let asked = request.scope.unwrap_or(&verified.scope);
    if !asked.is_subset(&verified.scope) {
        return Err(RequestError::new(
            ErrorCode::InvalidScope,
            "more is asked for than the assertion allows",
        ));
    }
    if asked.contains("offline_access") {
        return Err(RequestError::new(ErrorCode::InvalidScope, "an assertion gives no refresh token"));
    }
    call.client.settings.check_scope(call.client.kind, asked)?;
    if call.client.settings.grantable(asked) != *asked {
        let text = "the client may not ask for this scope";
        return Err(RequestError::new(ErrorCode::InvalidScope, text));
    }
    match (call.resource, verified.resource.as_deref()) {
        (Some(asked), Some(allowed)) if asked != allowed => {
            Err(RequestError::new(ErrorCode::InvalidTarget, "the assertion is for another resource"))
        }
        (asked, allowed) => {
            let resource = call.client.audience_for(asked.or(allowed))?;
            Ok((request.scope.unwrap_or(&verified.scope).clone(), Some(resource)))
        }
    }
}

/// Uses the assertion up and begins a session of no browser, with the family of its one token. The
/// inner error is the reason of a refusal; the transaction is then to be dropped.
async fn begin(
    env: &Env,
    tx: &mut OrgTx,
    (call, verified, granted): (&TokenCall<'_>, &VerifiedAssertion, &ScopeSet),
    (now, lifetime): (DateTime<Utc>, Duration),
) -> Result<Result<(Standing, GrantId), &'static str>, Failure> {
    tx.organization().hold().await?; // before it is looked at who may come in
    let id = SecretHash::of(format!("{} {}", verified.connection.id, verified.jti).as_bytes());
    let remembered = verified.exp.min(now + Duration::hours(2)) + Duration::minutes(5);
    if !tx.consumed_ids().consume(ConsumedKind::GrantAssertion, &id, remembered).await? {
        return Ok(Err("replayed_assertion"));
    }
    let (provider, subject) = (verified.provider.as_str(), verified.subject.as_str());
    let key = IdentityKey { connection: verified.connection.id, provider, subject };
    let Some(user) = tx.identities().find_user(key).await? else { return Ok(Err("user_unknown")) };
    if let Err(reason) = admitted(tx, verified, &user).await? {
        return Ok(Err(reason));
    }
    let grant_id = GrantId::from_uuid(env.random.uuid(now)?);
    let session = Session {
        id: SessionId::from_uuid(env.random.uuid(now)?),
        org_id: tx.org_id(),
        user_id: user.id,
        // Not "now": nobody proved anything just now.
        auth_time: verified.auth_time.unwrap_or(verified.iat).min(now),
        amr: verified.amr.clone(),
        method: SignInMethod::Connection(verified.connection.id),
        last_seen_at: now,
        expires_at: now + lifetime,
        ended_at: None,
    };
    if !session.satisfies_max_age(call.client.settings.max_age(None), now) {
        return Ok(Err("session_too_old"));
    }
    let event = Event {
        actor: Actor::Application(call.client.id),
        user_id: Some(user.id),
        session_id: Some(session.id),
        client: Some(call.client.key()),
        detail: vec![("connection", verified.connection.id.to_string()), ("scope", granted.to_string())],
        ..events::done(env, Action::AssertionRedeemed, call.origin)?
    };
    tx.grants()
        .begin_asserted(
            &AssertedGrant {
                session: &session,
                token: SecretHash::of(&env.random.bytes::<32>()?), // nobody has it: no browser is signed in
                origin: call.origin,
                upstream: &UpstreamEnd {
                    subject: verified.subject.clone(),
                    identity: Some((provider.to_owned(), subject.to_owned())),
                    sid: None,
                    logout: None,
                },
                id: grant_id,
                client: call.client.key(),
                scope: granted,
                issuer: env.issuer.to_client(call.client, session.org_id, call.called).as_str(),
            },
            &event,
        )
        .await?;
    let standing = tx.sessions().find_standing(session.id, call.client.key()).await?;
    Ok(standing.map(|standing| (standing, grant_id)).ok_or("session_ended"))
}

/// Whether the user may come in through the connection now, as by a sign-in.
async fn admitted(
    tx: &mut OrgTx,
    verified: &VerifiedAssertion,
    user: &FederatedUser,
) -> Result<Result<(), &'static str>, Failure> {
    if user.status != UserStatus::Active {
        return Ok(Err("user_deactivated"));
    }
    let id = verified.connection.id;
    let Some(connection) = tx.connections().find(id).await? else { return Ok(Err("connection_inactive")) };
    let address = user.email_normalized.as_deref().and_then(|text| Email::stored(text).ok());
    let listed = match address {
        Some(address) => tx.connections().is_piloted(id, &address).await?,
        None => false,
    };
    let piloted = if listed { Piloted::Listed } else { Piloted::NotListed };
    Ok(connection.state.admits(EntryPath::SignIn, piloted).map_err(|_| "connection_inactive"))
}

/// A refusal after resolution: folded, since nothing keeps a program from trying again and again.
async fn reject(
    env: &Env,
    call: &TokenCall<'_>,
    (scope, reason): (&OrgScope, &'static str),
) -> Result<Asserted, Failure> {
    env.limits.take(Limited::Refusals, call.origin.address)?;
    let event = events::refused(env, Action::AssertionRefused, reason, call.origin)?;
    let actor = Actor::Application(call.client.id);
    env.refusals.record(env, scope, Event { actor, client: Some(call.client.key()), ..event }).await?;
    Ok(Asserted::Rejected)
}
