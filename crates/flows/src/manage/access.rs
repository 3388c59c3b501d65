//! Who may call the management API: whoever shows an access token of ours that was issued for it, or an API key.

mod by_key;

use orgate_domain::audit::{Action, Origin};
use orgate_domain::credentials::{ApiKeySecret, Credential};
use orgate_domain::ids::ClientId;
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::{Held, OrgatePermission};
use orgate_storage::OrgScope;
use orgate_storage::system::{OrgHint, OrgName};

use super::{By, Caller, Lent};
use crate::access_token::{Presented, Standings, Unproven, possess, read, stand};
use crate::dpop::PresentedProof;
use crate::limits::{Budget, Limited};
use crate::{Called, Env, Failure};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The organization, by its id or slug, as the request's path names it; `None`: all of them.
    pub organization: Option<&'a str>,
    /// What it takes.
    pub permission: OrgatePermission,
    /// In whose organization.
    pub holder: Holder,
    /// Why somebody asks about an organization that is not theirs: operators have to say it, others may.
    pub reason: Option<&'a str>,
}

/// In whose organization a permission is to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// In that which is asked about; or, with [`OrgatePermission::OrganizationsAct`] and for a reason, in the operator's; or, with
    /// [`OrgatePermission::SuborganizationsAct`] and as far as the one that is asked about lets it, in one above that.
    Organization,
    /// In the operator's, whatever is asked about.
    Operator,
}

/// Characters of a reason at most.
pub const MAX_REASON: usize = 200;

/// A reason that can be read, without the space around it: of [`MAX_REASON`] characters at most, at least one of which is a letter or a
/// digit, and none a control character or one that turns what is around it.
pub fn parse_reason(text: &str) -> Option<String> {
    let reason = DisplayName::parse(text).ok()?;
    let is_said = reason.as_str().chars().any(char::is_alphanumeric);
    (is_said && reason.as_str().chars().count() <= MAX_REASON).then(|| reason.as_str().to_owned())
}

/// Whether a token or key lets a request through, and what is left of its bearer's budget, where it is somebody's.
#[derive(Debug)]
pub struct Admission {
    /// Whether it does.
    pub access: Access,
    /// What is left.
    pub budget: Option<Budget>,
}

/// Whether a token or key lets a request through.
#[derive(Debug)]
pub enum Access {
    /// They hold it, but the key was not made for it.
    BeyondKey,
    /// It does.
    Granted(Box<Caller>),
    /// Whoever it is about does not hold the permission.
    Forbidden,
    /// They hold it, but the token's scope does not lend it.
    InsufficientScope,
    /// It is bound to a key, and not presented with a proof of that (RFC 9449 §7.1).
    InvalidProof,
    /// It does not verify, is for somebody else, has lapsed or was revoked, or what it stands on does not stand any more; or it
    /// is a key of which the same is true.
    InvalidToken,
    /// The proof needs this nonce.
    NonceNeeded(String),
    /// They hold it, and may act in the organization that is asked about, but that does not let them do this.
    NotDelegated,
    /// They hold it and the scope lends it, but they did not when the token was issued, or the one that it was exchanged for
    /// did not carry it.
    NotYetLent,
    /// It is of another organization than the request is about: one answer, whether that exists or not.
    OtherOrganization,
    /// An operator asks about an organization that is not theirs, and does not say why.
    ReasonMissing,
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

/// Checks a presented token as `/userinfo` does, by what it stands on now, or a key likewise; then whose organization is meant,
/// then what that takes.
///
/// # Errors
/// [`Failure`], also of a source that presented too many bad tokens, and of a client that asks too often.
pub async fn admit(
    env: &Env,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    asked: Asked<'_>,
    origin: &Origin,
) -> Result<Admission, Failure> {
    let admission = budgeted(env, (token, proof), asked, origin).await?;
    if matches!(admission.access, Access::InvalidProof | Access::InvalidToken) {
        let is_key = Credential::<ApiKeySecret>::parse(token).is_ok();
        env.limits.take(if is_key { Limited::Keys } else { Limited::Refusals }, origin.address)?;
    }
    Ok(admission)
}

async fn budgeted(
    env: &Env,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    asked: Asked<'_>,
    origin: &Origin,
) -> Result<Admission, Failure> {
    if let Ok(key) = Credential::<ApiKeySecret>::parse(token) {
        env.limits.check_refused(origin.address)?; // only a look at the database tells a good one from an invented one
        return by_key::admit(env, (&key, proof), asked, origin).await;
    }
    let nobodys = Admission { access: Access::InvalidToken, budget: None };
    // Whichever issuer the token is of: the API is one.
    let Some(presented) = read(env, Called::default(), token).await? else { return Ok(nobodys) };
    let claims = &presented.claims;
    // RFC 8707: whoever was shown a token for an interface of its own could come here with it otherwise. And nobody acts
    // here in the place of another: what they did would stand in the log as the other's.
    if claims.aud != env.issuer.api() || claims.act.is_some() {
        return Ok(nobodys);
    }
    // First: whoever saw a token that is bound to a key would otherwise use up the budget of whoever has the key.
    if let Some(unproven) = possess(env, claims, (token, proof)).await? {
        return Ok(Admission { access: unproven.into(), budget: None });
    }
    // Before anything is read for it.
    let budget = Some(env.limits.take_api((&claims.org_id, &claims.client_id, &claims.sub))?);
    let access = match caller(env, (&presented, asked.permission), origin).await? {
        Some((caller, slug)) => check(env, (caller, &slug), asked).await?,
        None => Access::InvalidToken,
    };
    Ok(Admission { access, budget })
}

/// Whether somebody whose credential stands may do what is asked.
async fn check(env: &Env, (caller, slug): (Caller, &str), asked: Asked<'_>) -> Result<Access, Failure> {
    let place = Place::of(env, (&caller, slug), asked).await?;
    let wanted = asked.permission;
    let (refused, reason) = if matches!(place, Place::Elsewhere) {
        (Access::OtherOrganization, "other_organization")
    } else if !caller.holds.has(wanted) {
        (Access::Forbidden, "permission_missing")
    } else if matches!(caller.by, By::Key(..)) && !caller.may(wanted) {
        (Access::BeyondKey, "beyond_key")
    } else if !caller.lent.scope.has(wanted) {
        (Access::InsufficientScope, "scope_missing")
    } else if !caller.may(wanted) {
        (Access::NotYetLent, "permission_newer")
    } else if matches!(&place, Place::Below(_, delegated) if !is_let(delegated, wanted)) {
        (Access::NotDelegated, "not_delegated")
    } else {
        return match place {
            Place::Below(scope, delegated) => {
                enter_below(env, (caller, scope, delegated), asked.reason).await
            }
            Place::Foreign(scope) => enter(env, (caller, scope), asked).await,
            Place::Elsewhere | Place::Home => Ok(Access::Granted(Box::new(caller))),
        };
    };
    // Where it is known to them, the organization is named.
    let scope = if let Place::Below(scope, _) = place { scope } else { caller.scope };
    let caller = Caller { scope, ..caller };
    caller.record_refusal(env, (reason, ("permission", wanted.as_str()))).await?;
    Ok(refused)
}

/// Whether this may be done below. Who lets others in is asked by each of them for itself: from one, nobody goes further down.
fn is_let(delegated: &Held, wanted: OrgatePermission) -> bool {
    wanted != OrgatePermission::SuborganizationsAct && delegated.has(wanted)
}

/// Where a request leads, for somebody of an organization.
enum Place {
    /// To one below, which lets this be done there.
    Below(OrgScope, Held),
    /// To no organization that they may ask about, whether it exists or not.
    Elsewhere,
    /// To another one, for an operator.
    Foreign(OrgScope),
    /// To their own.
    Home,
}

impl Place {
    async fn of(env: &Env, (caller, slug): (&Caller, &str), asked: Asked<'_>) -> Result<Self, Failure> {
        let is_home = |text: &str| text == slug || text.parse() == Ok(caller.org_id());
        let home = asked.organization.is_some_and(is_home);
        if home && asked.holder == Holder::Organization {
            return Ok(Self::Home);
        }
        let acts = asked.holder == Holder::Operator || caller.may(OrgatePermission::OrganizationsAct);
        if !acts || !is_operator(env, &caller.home).await? {
            return Self::below(env, caller, asked).await;
        }
        let Some(text) = asked.organization.filter(|_| !home) else { return Ok(Self::Home) };
        let found = env.configuration.organization(&env.store, text).await?;
        Ok(found.map_or(Self::Elsewhere, Self::Foreign))
    }

    async fn below(env: &Env, caller: &Caller, asked: Asked<'_>) -> Result<Self, Failure> {
        let acts = asked.holder == Holder::Organization && caller.may(OrgatePermission::SuborganizationsAct);
        let Some(name) = asked.organization.filter(|_| acts).and_then(OrgName::parse) else {
            return Ok(Self::Elsewhere);
        };
        let Some((scope, permissions)) = env.store.find_delegated(&caller.home, name.hint()).await? else {
            return Ok(Self::Elsewhere);
        };
        Ok(Self::Below(scope, Held::of(permissions.iter().map(String::as_str))))
    }
}

/// Whether this is the operator's organization.
pub(super) async fn is_operator(env: &Env, scope: &OrgScope) -> Result<bool, Failure> {
    let operator = env.store.resolve(OrgHint::Operator).await?;
    Ok(operator.is_some_and(|operator| operator.scope == *scope))
}

/// Lets an operator into an organization that is not theirs: it is told who, why, and for what.
async fn enter(env: &Env, (caller, scope): (Caller, OrgScope), asked: Asked<'_>) -> Result<Access, Failure> {
    let Some(reason) = asked.reason.and_then(parse_reason) else { return Ok(Access::ReasonMissing) };
    let also = (asked.holder == Holder::Organization).then_some(OrgatePermission::OrganizationsAct);
    let caller = Caller { scope, roles: Vec::new(), also, reason: Some(reason), ..caller };
    let_in(env, caller, Action::OperatorEntered).await
}

/// Writes that somebody comes into an organization that is not theirs, and for what, before they do anything there.
async fn let_in(env: &Env, caller: Caller, action: Action) -> Result<Access, Failure> {
    let mut event = caller.done(env, action)?;
    event.detail.push(("permission", caller.asked.as_str().to_owned()));
    env.journal.record(env, caller.org_id(), event).await?;
    Ok(Access::Granted(Box::new(caller)))
}

/// Lets somebody of an organization above into one that lets them: it is told who, and for what.
async fn enter_below(
    env: &Env,
    (caller, scope, delegated): (Caller, OrgScope, Held),
    reason: Option<&str>,
) -> Result<Access, Failure> {
    // They need none; one that they give, and that cannot be kept, is not left out.
    let (is_given, reason) = (reason.is_some(), reason.and_then(parse_reason));
    if is_given && reason.is_none() {
        return Ok(Access::ReasonMissing);
    }
    let lent = Lent { delegated: Some(delegated), ..caller.lent };
    let also = Some(OrgatePermission::SuborganizationsAct);
    let caller = Caller { scope, roles: Vec::new(), lent, also, reason, ..caller };
    let_in(env, caller, Action::DelegateEntered).await
}

/// Whoever the token is about, if all that it stands on does; with their organization's slug.
async fn caller(
    env: &Env,
    (presented, asked): (&Presented, OrgatePermission),
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
        delegated: None,
    };
    let (roles, holds) = (held.0.clone(), Held::of(held.1.iter().map(String::as_str)));
    let origin = origin.clone();
    let (scope, home, client) = (*scope, *scope, client.key());
    Ok(Some((
        Caller { scope, home, by, client, roles, holds, lent, asked, also: None, reason: None, origin },
        slug,
    )))
}
