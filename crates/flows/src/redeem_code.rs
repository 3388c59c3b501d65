//! The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6).

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::clients::Client;
use orgate_domain::clients::claims::ClaimValues;
use orgate_domain::consents::Granted;
use orgate_domain::credentials::{AuthorizationCode as Code, Credential, RefreshToken};
use orgate_domain::policies::Policy;
use orgate_domain::standing::StandingRefusal;
use orgate_domain::tokens::Presentation;
use orgate_protocol::oauth::pkce::CodeVerifier;
use orgate_protocol::oauth::token::GrantType;
use orgate_storage::{NewGrant, OrgScope, OrgTx, RedeemableCode};

pub use orgate_domain::tokens::CodeRefusal;

use crate::claim_values::claims_of_user;
use crate::issue::{Issuance, IssuedTokens, Subject, issue};
use crate::keys::Ring;
use crate::limits::Limited;
use crate::token::{TokenCall, policy_in};
use crate::{Env, Failure, events};

/// What an authenticated client presents.
#[derive(Clone, Copy)]
pub struct RedeemCode<'a> {
    /// Who presents it.
    pub call: &'a TokenCall<'a>,
    /// The code, as it came.
    pub code: &'a str,
    /// The redirect URI it repeats.
    pub redirect_uri: &'a str,
    /// The PKCE verifier, if there is one.
    pub verifier: Option<&'a CodeVerifier>,
}

/// How it ended. Every refusal but a failure is committed with its event.
pub enum Redemption {
    /// Here are the tokens.
    Granted(IssuedTokens),
    /// The code is not accepted.
    Refused(CodeRefusal),
    /// It was redeemed before: what it granted is revoked.
    Replayed,
    /// Organization, user, session or client no longer stand.
    Fallen(StandingRefusal),
    /// There is no such code.
    Unknown,
}

/// Redeems a code: four round trips, of which two are statements.
///
/// # Errors
/// [`Failure`].
pub async fn redeem_code(env: &Env, request: &RedeemCode<'_>) -> Result<Redemption, Failure> {
    let Ok(code) = Credential::<Code>::parse(request.code) else {
        env.limits.take(Limited::Refusals, request.call.origin.address)?;
        return Ok(Redemption::Unknown);
    };
    let scope = OrgScope::of_credential(&code);
    let Some(policy) = policy_in(env, request.call, &scope).await? else { return Ok(Redemption::Unknown) };
    if !request.call.called.serves(scope.org_id()) {
        return unknown(env, request, &scope, "other_issuer").await;
    }
    match redeem(env, request, (&code, &policy)).await? {
        Some(redemption) => Ok(redemption),
        None => unknown(env, request, &scope, "unknown_code").await,
    }
}

/// Redeems a code that is well formed, of an organization that the called issuer serves; `None`, with nothing done,
/// if there is no such code. `policy` is that of its organization, as it is for the client.
pub(crate) async fn redeem(
    env: &Env,
    request: &RedeemCode<'_>,
    about: (&Credential<Code>, &Policy),
) -> Result<Option<Redemption>, Failure> {
    let mut ring = None;
    loop {
        match attempt(env, request, about, ring.as_deref()).await? {
            Attempt::Ended(redemption) => return Ok(redemption),
            Attempt::Unprepared(issuer) => {
                ring = Some(env.keys.prepare(env, &issuer, request.call.client.signing_algorithm).await?);
            }
        }
    }
}

/// What one look comes to.
enum Attempt {
    /// As [`redeem`] says.
    Ended(Option<Redemption>),
    /// Nothing was done: the keys of this issuer have to be there first.
    Unprepared(String),
}

/// `ring` is what was prepared: with it, an attempt ends.
async fn attempt(
    env: &Env,
    request: &RedeemCode<'_>,
    (code, policy): (&Credential<Code>, &Policy),
    ring: Option<&Ring>,
) -> Result<Attempt, Failure> {
    let ended = |redemption| Attempt::Ended(Some(redemption));
    let scope = OrgScope::of_credential(code);
    let now = env.clock.now();
    let mut tx = env.store.begin(&scope).await?;
    let Some(found) = tx.codes().find(&code.hash()).await? else {
        return Ok(Attempt::Ended(None));
    };
    match judge(request, &found, policy, now) {
        Judgement::Accepted => {}
        Judgement::Replay => return replayed(env, request, tx, &found).await.map(ended),
        Judgement::Refused(reason, outcome) => {
            return refuse(env, request, tx, (&found, reason, outcome)).await.map(ended);
        }
    }
    let issuer = found.code.issuer.as_deref().unwrap_or(env.issuer.as_str());
    if ring.is_none() && !env.keys.is_prepared(issuer, request.call.client.signing_algorithm) {
        return Ok(Attempt::Unprepared(issuer.to_owned()));
    }
    let offline = may_refresh(request.call.client, &found);
    let refresh_token = offline.then(|| env.random.credential::<RefreshToken>(scope.org_id())).transpose()?;
    let dies = now + found.standing.bound(policy.refresh_absolute, now);
    let lapses = dies.min(now + policy.refresh_idle);
    let grant = NewGrant {
        code: &found.code,
        party: request.call.client.settings.party,
        issuer,
        dpop_jkt: request.call.key.filter(|_| !request.call.client.is_confidential()),
        expires_at: dies,
        refresh_token: refresh_token.as_ref().map(|token| (token.hash(), lapses)),
    };
    let event = about(request, &found, events::done(env, Action::CodeRedeemed, request.call.origin)?);
    let event = Event { occurred_at: now, ..event }; // the moment that the code was judged at
    if !tx.codes().redeem(&code.hash(), &grant, &event).await? {
        return outrun(env, request, tx, &found).await.map(ended);
    }
    let known = claims_of_user(&mut tx, request.call.client, &found.standing).await?;
    tx.commit().await?;
    let tokens = give(env, request, (&found, &known, issuer), (policy.access_token, now)).await?;
    let refresh_token = refresh_token.map(|token| token.reveal().to_owned());
    Ok(ended(Redemption::Granted(IssuedTokens { refresh_token, ..tokens })))
}

/// Mints what the code is good for.
async fn give(
    env: &Env,
    request: &RedeemCode<'_>,
    (found, known, issuer): (&RedeemableCode, &ClaimValues, &str),
    (lifetime, now): (Duration, DateTime<Utc>),
) -> Result<IssuedTokens, Failure> {
    let issuance = Issuance {
        client: request.call.client,
        subject: Subject::User(&found.standing, found.code.grant_id),
        resource: found.code.resource.as_deref().or(request.call.resource),
        key: request.call.key,
        act: None,
        ceiling: None,
        scope: &found.code.scope,
        known,
        claims: &found.code.claims,
        nonce: found.code.nonce.as_deref(),
        issuer,
        uncapped_lifetime: found.standing.bound(lifetime, now),
        now,
    };
    issue(env, &issuance).await
}

fn may_refresh(client: &Client, found: &RedeemableCode) -> bool {
    found.code.scope.contains("offline_access") && client.settings.grants.contains(&GrantType::RefreshToken)
}

/// What a presentation comes to, as far as reading can tell.
enum Judgement {
    Accepted,
    Refused(&'static str, Redemption),
    Replay,
}

fn judge(request: &RedeemCode<'_>, found: &RedeemableCode, policy: &Policy, now: DateTime<Utc>) -> Judgement {
    let by = Presentation {
        client_owner: request.call.client.owner,
        client_id: request.call.client.id,
        redirect_uri: request.redirect_uri,
        verifier: request.verifier,
        key: request.call.key,
        resource: request.call.resource,
    };
    // Another client's replay is not its to revoke by: it is refused as foreign below.
    if found.redeemed && (found.code.client_owner, found.code.client_id) == request.call.client.key() {
        return Judgement::Replay;
    }
    if let Err(refusal) = found.code.accept(&by, now) {
        return Judgement::Refused(refusal.as_str(), Redemption::Refused(refusal));
    }
    match stands(request, (found, policy), now) {
        Ok(()) => Judgement::Accepted,
        Err(refusal) => Judgement::Refused(refusal.as_str(), Redemption::Fallen(refusal)),
    }
}

/// Whether everything stands that the code came from, its user's consent included.
fn stands(
    request: &RedeemCode<'_>,
    (found, policy): (&RedeemableCode, &Policy),
    now: DateTime<Utc>,
) -> Result<(), StandingRefusal> {
    let consented = found.consented.as_ref();
    let granted = Granted { scope: &found.code.scope, claims: &found.code.claims, consented };
    granted.check(&found.standing, (request.call.client, policy), now)
}

fn about(request: &RedeemCode<'_>, found: &RedeemableCode, event: Event) -> Event {
    Event {
        actor: Actor::Application(request.call.client.id),
        user_id: Some(found.code.user_id),
        session_id: Some(found.code.session_id),
        client: Some(request.call.client.key()),
        ..event
    }
}

/// A code that does not exist here: forged, swept away long after it lapsed, or presented at the issuer of
/// another organization. It may name any
/// organization, so the event is folded.
async fn unknown(
    env: &Env,
    request: &RedeemCode<'_>,
    scope: &OrgScope,
    reason: &'static str,
) -> Result<Redemption, Failure> {
    env.limits.take(Limited::Refusals, request.call.origin.address)?;
    let event = events::refused(env, Action::CodeRefused, reason, request.call.origin)?;
    let actor = Actor::Application(request.call.client.id);
    let event = Event { actor, client: Some(request.call.client.key()), ..event };
    env.refusals.record(env, scope, event).await?;
    Ok(Redemption::Unknown)
}

async fn refuse(
    env: &Env,
    request: &RedeemCode<'_>,
    mut tx: OrgTx,
    (found, reason, outcome): (&RedeemableCode, &'static str, Redemption),
) -> Result<Redemption, Failure> {
    let event = events::refused(env, Action::CodeRefused, reason, request.call.origin)?;
    tx.audit().insert(&about(request, found, event)).await?;
    tx.commit().await?;
    Ok(outcome)
}

/// The code was judged, and then another call redeemed it, or the session ended.
async fn outrun(
    env: &Env,
    request: &RedeemCode<'_>,
    mut tx: OrgTx,
    found: &RedeemableCode,
) -> Result<Redemption, Failure> {
    let session = tx.sessions().find_standing(found.code.session_id, request.call.client.key()).await?;
    if session.is_some_and(|standing| standing.session.ended_at.is_some()) {
        let ended = StandingRefusal::SessionEnded;
        return refuse(env, request, tx, (found, ended.as_str(), Redemption::Fallen(ended))).await;
    }
    replayed(env, request, tx, found).await
}

/// A second presentation by the client it was issued to: someone else has seen the code. What it
/// granted dies (RFC 6749 §4.1.2).
async fn replayed(
    env: &Env,
    request: &RedeemCode<'_>,
    mut tx: OrgTx,
    found: &RedeemableCode,
) -> Result<Redemption, Failure> {
    tx.grants().revoke(found.code.grant_id, env.clock.now()).await?;
    let event = events::refused(env, Action::CodeReplayed, "already_redeemed", request.call.origin)?;
    tx.audit().insert(&about(request, found, event)).await?;
    tx.commit().await?;
    Ok(Redemption::Replayed)
}
