//! Who may call the management API: whoever shows an access token of ours that was issued for it.

use orgate_domain::audit::Origin;
use orgate_domain::ids::ClientId;
use orgate_domain::permissions::{Held, OrgatePermission};

use super::{By, Caller, Lent};
use crate::access_token::{Presented, Standings, Unproven, possess, read, stand};
use crate::dpop::PresentedProof;
use crate::limits::Limited;
use crate::{Called, Env, Failure};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The organization, by its id or slug, as the request's path names it.
    pub organization: &'a str,
    /// What it takes.
    pub permission: OrgatePermission,
}

/// Whether a token lets a request through.
#[derive(Debug)]
pub enum Access {
    /// It does.
    Granted(Box<Caller>),
    /// Whoever it is about does not hold the permission.
    Forbidden,
    /// They hold it, but the token's scope does not lend it.
    InsufficientScope,
    /// It is bound to a key, and not presented with a proof of that (RFC 9449 §7.1).
    InvalidProof,
    /// It does not verify, is for somebody else, has lapsed or was revoked, or what it stands on does not stand any more.
    InvalidToken,
    /// The proof needs this nonce.
    NonceNeeded(String),
    /// They hold it and the scope lends it, but they did not when the token was issued, or the one that it was exchanged for
    /// did not carry it.
    NotYetLent,
    /// It is of another organization than the request is about: one answer, whether that exists or not.
    OtherOrganization,
}

impl From<Unproven> for Access {
    fn from(unproven: Unproven) -> Self {
        match unproven {
            Unproven::Nonce(nonce) => Self::NonceNeeded(nonce),
            Unproven::Proof => Self::InvalidProof,
            Unproven::Token => Self::InvalidToken,
        }
    }
}

/// Checks a presented token as `/userinfo` does, by what it stands on now; then whose organization is meant, then what
/// that takes.
///
/// # Errors
/// [`Failure`], also of a source that presented too many bad tokens, and of a client that asks too often.
pub async fn admit(
    env: &Env,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    asked: Asked<'_>,
    origin: &Origin,
) -> Result<Access, Failure> {
    let access = check(env, (token, proof), asked, origin).await?;
    if matches!(access, Access::InvalidProof | Access::InvalidToken) {
        env.limits.take(Limited::Refusals, origin.address)?;
    }
    Ok(access)
}

async fn check(
    env: &Env,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    asked: Asked<'_>,
    origin: &Origin,
) -> Result<Access, Failure> {
    // Whichever issuer the token is of: the API is one.
    let Some(presented) = read(env, Called::default(), token).await? else { return Ok(Access::InvalidToken) };
    let claims = &presented.claims;
    // RFC 8707: whoever was shown a token for an interface of its own could come here with it otherwise. And nobody acts
    // here in the place of another: what they did would stand in the log as the other's.
    if claims.aud != env.issuer.api() || claims.act.is_some() {
        return Ok(Access::InvalidToken);
    }
    env.limits.take_api((&claims.org_id, &claims.client_id, &claims.sub))?; // before anything is read for it
    if let Some(unproven) = possess(env, claims, (token, proof)).await? {
        return Ok(unproven.into());
    }
    let Some((caller, slug)) = caller(env, &presented, origin).await? else {
        return Ok(Access::InvalidToken);
    };
    let is_here = asked.organization == slug || asked.organization.parse() == Ok(caller.org_id());
    let wanted = asked.permission;
    let (refused, reason) = if !is_here {
        (Access::OtherOrganization, "other_organization")
    } else if !caller.holds.has(wanted) {
        (Access::Forbidden, "permission_missing")
    } else if !caller.lent.scope.has(wanted) {
        (Access::InsufficientScope, "scope_missing")
    } else if !caller.may(wanted) {
        (Access::NotYetLent, "permission_newer")
    } else {
        return Ok(Access::Granted(Box::new(caller)));
    };
    caller.record_refusal(env, (reason, ("permission", wanted.as_str()))).await?;
    Ok(refused)
}

/// Whoever the token is about, if all that it stands on does; with their organization's slug.
async fn caller(
    env: &Env,
    presented: &Presented,
    origin: &Origin,
) -> Result<Option<(Caller, String)>, Failure> {
    let Presented { claims, scope } = presented;
    let Some(standings) = stand(env, presented).await? else { return Ok(None) };
    let Some(client) = env.configuration.client(&env.store, &claims.client_id).await? else {
        return Ok(None);
    };
    let (by, held, slug) = match &standings {
        Standings::Client(standing) => {
            let Ok(id) = claims.sub.parse::<ClientId>() else { return Ok(None) };
            (By::Client(id), (&standing.roles, &standing.permissions), standing.org_slug.to_string())
        }
        Standings::User(grant) => {
            let session = &grant.standing.session;
            let by = By::User(session.user_id, session.id);
            let standing = &grant.standing;
            (by, (&standing.roles, &standing.permissions), standing.org_slug.to_string())
        }
    };
    let lent = Lent {
        scope: Held::of(claims.scope.iter()),
        permissions: Held::of(claims.permissions.iter().map(String::as_str)),
    };
    let (roles, holds) = (held.0.clone(), Held::of(held.1.iter().map(String::as_str)));
    let origin = origin.clone();
    Ok(Some((Caller { scope: *scope, by, client: client.key(), roles, holds, lent, origin }, slug)))
}
