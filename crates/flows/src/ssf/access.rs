//! Who may ask the transmitter: a machine client, by an access token of ours with the scope that it takes.

use std::sync::Arc;

use orgate_domain::audit::Origin;
use orgate_domain::clients::{Client, ClientStatus};
use orgate_domain::ids::{ClientId, OrgId};
use orgate_protocol::ssf::{MANAGE_SCOPE, READ_SCOPE};
use orgate_storage::{Holder, OrgScope};

use super::sets::Place;
use crate::access_token::{Standings, Unproven, possess, read, stand};
use crate::dpop::PresentedProof;
use crate::limits::Limited;
use crate::{Called, Env, Failure, Issuer};

/// Whoever asks, as the token says: one client in one organization, at one issuer.
#[derive(Debug, Clone)]
pub struct Receiver {
    pub(super) scope: OrgScope,
    pub(super) org_name: String,
    /// Whom it called: a stream is one issuer's.
    pub(super) issuer: Issuer,
    pub(super) client: Arc<Client>,
}

impl Receiver {
    /// Whose its streams are.
    pub(super) fn holder(&self) -> Holder<'_> {
        Holder { client: self.client.key(), issuer: self.issuer.as_str() }
    }

    pub(super) fn place(&self) -> Place<'_> {
        Place { org_id: self.scope.org_id(), org_name: &self.org_name, issuer: self.issuer.as_str() }
    }
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To change something.
    Manage,
    /// To look.
    Read,
}

/// Whether a token lets a request through.
#[derive(Debug)]
pub enum Access {
    /// It does, for this receiver.
    Granted(Receiver),
    /// It has not the scope, or it is a person's.
    InsufficientScope,
    /// It is bound to a key, and not presented with a proof of that (RFC 9449 §7.1).
    InvalidProof,
    /// It does not verify, is for somebody else, has lapsed or was revoked, or whoever holds it does not stand any more.
    InvalidToken,
    /// The proof needs this nonce.
    NonceNeeded(String),
}

impl Need {
    /// The scope that is told to whoever lacks it.
    pub const fn scope(self) -> &'static str {
        match self {
            Self::Manage => MANAGE_SCOPE,
            Self::Read => READ_SCOPE,
        }
    }
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

/// Whether a client may have streams at all: it can get a token for that.
pub(crate) fn is_receiver(client: &Client) -> bool {
    client.settings.scopes.iter().flatten().any(|scope| [MANAGE_SCOPE, READ_SCOPE].contains(&scope.as_str()))
}

/// The receiver, if it stands: who was disabled or is not admitted any more, or has no scope for it, hears nothing more, as it
/// would get no token. An organization that was suspended still says so.
pub(super) async fn hears(
    env: &Env,
    scope: &OrgScope,
    receiver: (OrgId, ClientId),
) -> Result<Option<Arc<Client>>, Failure> {
    let standing = env.configuration.client_standing(&env.store, scope, receiver).await?;
    let client = env.configuration.client_by_id(&env.store, receiver).await?;
    let policy = env.configuration.policy(&env.store, scope).await?;
    let stands = standing.is_some_and(|standing| standing.client == Some(ClientStatus::Active));
    Ok(client.filter(|client| stands && policy.admits(client.settings.party) && is_receiver(client)))
}

/// Checks a presented token as `/userinfo` does: what it stands on is read again.
///
/// # Errors
/// [`Failure`], also of a source that presented too many bad ones, and of a receiver that asks too often.
pub async fn admit(
    env: &Env,
    called: Called,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    (need, origin): (Need, &Origin),
) -> Result<Access, Failure> {
    let access = check(env, called, (token, proof), need).await?;
    if let Access::Granted(receiver) = &access {
        env.limits.take_receiver((receiver.scope.org_id(), receiver.client.id))?;
    }
    if matches!(access, Access::InsufficientScope | Access::InvalidProof | Access::InvalidToken) {
        env.limits.take(Limited::Refusals, origin.address)?;
    }
    Ok(access)
}

async fn check(
    env: &Env,
    called: Called,
    (token, proof): (&str, Option<&PresentedProof<'_>>),
    need: Need,
) -> Result<Access, Failure> {
    let Some(presented) = read(env, called, token).await? else { return Ok(Access::InvalidToken) };
    if let Some(unproven) = possess(env, &presented.claims, (token, proof)).await? {
        return Ok(unproven.into());
    }
    let standing = match stand(env, &presented).await? {
        Some(Standings::Client(standing)) => standing,
        // A stream outlives any person's session.
        Some(Standings::User(_)) => return Ok(Access::InsufficientScope),
        None => return Ok(Access::InvalidToken),
    };
    let Some(client) = env.configuration.client(&env.store, &presented.claims.client_id).await? else {
        return Ok(Access::InvalidToken);
    };
    let scope = &presented.claims.scope;
    let allowed = scope.contains(MANAGE_SCOPE) || need == Need::Read && scope.contains(READ_SCOPE);
    // A token that was exchanged is about another machine than the one that holds it: whose stream would it be?
    if !allowed || presented.claims.sub != client.id.to_string() {
        return Ok(Access::InsufficientScope);
    }
    // RFC 8707: whoever was shown a token for an interface of its own could come here with it otherwise.
    if presented.claims.aud != env.issuer.called(called).as_str() {
        return Ok(Access::InvalidToken);
    }
    let (org_name, issuer) = (standing.org_slug.to_string(), env.issuer.called(called));
    Ok(Access::Granted(Receiver { scope: presented.scope, org_name, issuer, client }))
}
