//! The refresh token grant (RFC 6749 §6): rotation, reuse detection, and a grace window for an
//! answer that was lost (RFC 9700 §4.14.2).

use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::claims::ClaimValues;
use orgate_domain::consents::Granted;
use orgate_domain::credentials::{Credential, RefreshToken};
use orgate_domain::policies::Policy;
use orgate_domain::standing::StandingRefusal;
use orgate_domain::tokens::RefreshVerdict;
use orgate_protocol::oauth::ScopeSet;
use orgate_storage::{OrgScope, OrgTx, PresentedRefreshToken, Rotation};

use crate::claim_values::claims_of_user;
use crate::issue::{Issuance, IssuedTokens, Subject, issue};
use crate::limits::Limited;
use crate::token::{TokenCall, policy_in};
use crate::{Env, Failure, events};

/// What an authenticated client presents.
#[derive(Clone, Copy)]
pub struct Refresh<'a> {
    /// Who presents it.
    pub call: &'a TokenCall<'a>,
    /// The refresh token, as it came.
    pub refresh_token: &'a str,
    /// A narrower scope for this access token.
    pub scope: Option<&'a ScopeSet>,
}

/// How it ended. Every refusal but a failure is committed with its event.
pub enum Refreshed {
    /// Here are the tokens.
    Granted(IssuedTokens),
    /// The token or its family is over, or the token is another client's.
    Refused(RefreshRefusal),
    /// Organization, user, session or client no longer stand.
    Fallen(StandingRefusal),
    /// Two parties hold the token: its family is revoked.
    Reused,
    /// There is no such token.
    Unknown,
}

/// Why a refresh token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshRefusal {
    /// It, or its family, has lapsed.
    Expired,
    /// Its family is bound to another key.
    KeyMismatch,
    /// It was issued to another client.
    OtherClient,
    /// Its family is for another resource.
    OtherResource,
    /// Its family was revoked.
    Revoked,
    /// More is asked for than was granted.
    ScopeTooWide,
}

/// Refreshes: four round trips, of which two are statements.
///
/// # Errors
/// [`Failure`].
pub async fn refresh(env: &Env, request: &Refresh<'_>) -> Result<Refreshed, Failure> {
    let (presented, policy) = match read(env, request).await? {
        Ok(read) => read,
        Err(refreshed) => return Ok(refreshed),
    };
    let scope = OrgScope::of_credential(&presented);
    let mut tx = env.store.begin(&scope).await?;
    let mut ring = None;
    // A second look is needed only where keys had to be loaded, or another call rotates between our look and our statement.
    loop {
        let Some(found) = tx.grants().find_by_refresh_token(&presented.hash()).await? else {
            drop(tx);
            return unknown(env, request, &scope, "unknown_token").await;
        };
        let verdict = found.state.judge(env.clock.now());
        if verdict == RefreshVerdict::Reuse && is_own(request, &found) && found.revoked_at.is_none() {
            return reused(env, request, tx, &found).await; // whatever else is wrong with it
        }
        if let Some(refusal) = refusal(env, request, &found) {
            return refuse(env, request, tx, (&found, refusal.as_str(), Refreshed::Refused(refusal))).await;
        }
        if let Err(refusal) = stands(env, request, (&found, &policy)) {
            return refuse(env, request, tx, (&found, refusal.as_str(), Refreshed::Fallen(refusal))).await;
        }
        let algorithm = request.call.client.signing_algorithm;
        if ring.is_none() && !env.keys.is_prepared(&found.issuer, algorithm) {
            drop(tx);
            ring = Some(env.keys.prepare(env, &found.issuer, algorithm).await?);
            tx = env.store.begin(&scope).await?;
            continue; // once: who has a ring goes on
        }
        let known = claims_of_user(&mut tx, request.call.client, &found.standing).await?;
        let event = about(request, &found, events::done(env, Action::RefreshRotated, request.call.origin)?);
        if !request.call.client.settings.rotates_refresh_tokens() && verdict == RefreshVerdict::Rotate {
            if !renew(env, &mut tx, (&presented, &found, &policy), event).await? {
                continue; // revoked meanwhile, which the next look sees
            }
            tx.commit().await?;
            return grant(env, request, (&found, &policy), (&presented, &known)).await;
        }
        let Some(successor) = successor(env, &presented, &found) else {
            let over = (&found, "master_key_changed", Refreshed::Refused(RefreshRefusal::Expired));
            return refuse(env, request, tx, over).await;
        };
        match verdict {
            RefreshVerdict::Rotate => {
                let to = rotation(env, &presented, &successor, (&found, &policy));
                if !tx.grants().rotate(&to, &event).await? {
                    continue;
                }
            }
            RefreshVerdict::Regive => {
                tx.audit().insert(&Event { reason: Some("given_again"), ..event }).await?;
            }
            RefreshVerdict::Reuse => return reused(env, request, tx, &found).await,
        }
        tx.commit().await?;
        return grant(env, request, (&found, &policy), (&successor, &known)).await;
    }
}

/// What is presented, with the policy of its organization, if the called issuer serves that.
async fn read(
    env: &Env,
    request: &Refresh<'_>,
) -> Result<Result<(Credential<RefreshToken>, Policy), Refreshed>, Failure> {
    let Ok(presented) = Credential::<RefreshToken>::parse(request.refresh_token) else {
        env.limits.take(Limited::Refusals, request.call.origin.address)?;
        return Ok(Err(Refreshed::Unknown));
    };
    let scope = OrgScope::of_credential(&presented);
    let Some(policy) = policy_in(env, request.call, &scope).await? else {
        return Ok(Err(Refreshed::Unknown));
    };
    if !request.call.called.serves(scope.org_id()) {
        return unknown(env, request, &scope, "other_issuer").await.map(Err);
    }
    Ok(Ok((presented, policy)))
}

/// Lets a token live on that is not rotated. `false` if it was revoked meanwhile.
async fn renew(
    env: &Env,
    tx: &mut OrgTx,
    (presented, found, policy): (&Credential<RefreshToken>, &PresentedRefreshToken, &Policy),
    event: Event,
) -> Result<bool, Failure> {
    let until = found.grant_expires_at.min(env.clock.now() + policy.refresh_idle);
    if !tx.grants().renew(&presented.hash(), until).await? {
        return Ok(false);
    }
    tx.audit().insert(&Event { reason: Some("kept"), ..event }).await?;
    Ok(true)
}

/// The token that takes, or took, the place of the presented one. `None` if it was derived from a master key that
/// is not accepted any more.
fn successor(
    env: &Env,
    presented: &Credential<RefreshToken>,
    found: &PresentedRefreshToken,
) -> Option<Credential<RefreshToken>> {
    match &found.successor {
        Some(given) => env.vault.given_successor(presented, given),
        None => Some(env.vault.successor(presented)),
    }
}

/// Whether everything stands that the family came from, its user's consent included.
fn stands(
    env: &Env,
    request: &Refresh<'_>,
    (found, policy): (&PresentedRefreshToken, &Policy),
) -> Result<(), StandingRefusal> {
    let consented = found.consented.as_ref();
    let granted = Granted { scope: &found.scope, claims: &found.claims, consented };
    granted.check(&found.standing, (request.call.client, policy), env.clock.now())
}

fn refusal(env: &Env, request: &Refresh<'_>, found: &PresentedRefreshToken) -> Option<RefreshRefusal> {
    let now = env.clock.now();
    if !is_own(request, found) {
        Some(RefreshRefusal::OtherClient)
    } else if found.revoked_at.is_some() {
        Some(RefreshRefusal::Revoked)
    } else if now >= found.expires_at || now >= found.grant_expires_at {
        Some(RefreshRefusal::Expired)
    } else if found.dpop_jkt.is_some() && found.dpop_jkt.as_deref() != request.call.key {
        Some(RefreshRefusal::KeyMismatch)
    } else if !is_for(request, found) {
        Some(RefreshRefusal::OtherResource)
    } else if request.scope.is_some_and(|scope| !scope.is_subset(&found.scope)) {
        Some(RefreshRefusal::ScopeTooWide)
    } else {
        None
    }
}

/// A family that is for one resource gives no token for another.
fn is_for(request: &Refresh<'_>, found: &PresentedRefreshToken) -> bool {
    match (request.call.resource, found.resource.as_deref()) {
        (Some(asked), Some(granted)) => asked == granted,
        // What the client may ask for may have changed since.
        (None, granted) => request.call.client.audience_for(granted).is_ok(),
        (Some(_), None) => true,
    }
}

fn is_own(request: &Refresh<'_>, found: &PresentedRefreshToken) -> bool {
    (found.client_owner, found.client_id) == request.call.client.key()
}

fn rotation(
    env: &Env,
    presented: &Credential<RefreshToken>,
    successor: &Credential<RefreshToken>,
    (found, policy): (&PresentedRefreshToken, &Policy),
) -> Rotation {
    let expires_at = found.grant_expires_at.min(env.clock.now() + policy.refresh_idle);
    Rotation { presented: presented.hash(), successor: successor.hash(), expires_at }
}

async fn grant(
    env: &Env,
    request: &Refresh<'_>,
    (found, policy): (&PresentedRefreshToken, &Policy),
    (successor, known): (&Credential<RefreshToken>, &ClaimValues),
) -> Result<Refreshed, Failure> {
    let issuance = Issuance {
        client: request.call.client,
        subject: Subject::User(&found.standing, found.grant_id),
        resource: found.resource.as_deref().or(request.call.resource),
        key: request.call.key,
        act: None,
        ceiling: None,
        scope: &request.call.client.settings.grantable(request.scope.unwrap_or(&found.scope)),
        known,
        claims: &found.claims,
        nonce: None,
        issuer: &found.issuer,
        uncapped_lifetime: found.standing.bound(policy.access_token, env.clock.now()),
        now: env.clock.now(),
    };
    let tokens = issue(env, &issuance).await?;
    let refresh_token = Some(successor.reveal().to_owned());
    Ok(Refreshed::Granted(IssuedTokens { refresh_token, ..tokens }))
}

fn about(request: &Refresh<'_>, found: &PresentedRefreshToken, event: Event) -> Event {
    let session = &found.standing.session;
    Event {
        actor: Actor::Application(request.call.client.id),
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        client: Some(request.call.client.key()),
        ..event
    }
}

async fn unknown(
    env: &Env,
    request: &Refresh<'_>,
    scope: &OrgScope,
    reason: &'static str,
) -> Result<Refreshed, Failure> {
    env.limits.take(Limited::Refusals, request.call.origin.address)?;
    let event = events::refused(env, Action::RefreshRefused, reason, request.call.origin)?;
    let actor = Actor::Application(request.call.client.id);
    env.refusals
        .record(env, scope, Event { actor, client: Some(request.call.client.key()), ..event })
        .await?;
    Ok(Refreshed::Unknown)
}

async fn refuse(
    env: &Env,
    request: &Refresh<'_>,
    mut tx: OrgTx,
    (found, reason, outcome): (&PresentedRefreshToken, &'static str, Refreshed),
) -> Result<Refreshed, Failure> {
    let event = events::refused(env, Action::RefreshRefused, reason, request.call.origin)?;
    tx.audit().insert(&about(request, found, event)).await?;
    tx.commit().await?;
    Ok(outcome)
}

async fn reused(
    env: &Env,
    request: &Refresh<'_>,
    mut tx: OrgTx,
    found: &PresentedRefreshToken,
) -> Result<Refreshed, Failure> {
    tx.grants().revoke(found.grant_id, env.clock.now()).await?;
    let event = events::refused(env, Action::RefreshReused, "family_revoked", request.call.origin)?;
    tx.audit().insert(&about(request, found, event)).await?;
    tx.commit().await?;
    Ok(Refreshed::Reused)
}

impl RefreshRefusal {
    /// The reason as events carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::KeyMismatch => "key_mismatch",
            Self::OtherClient => "other_client",
            Self::OtherResource => "other_resource",
            Self::Revoked => "revoked",
            Self::ScopeTooWide => "scope_too_wide",
        }
    }
}
