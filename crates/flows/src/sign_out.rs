//! The end of a session: RP-initiated (OIDC RP-Initiated Logout 1.0) or asked for here.

use std::sync::Arc;

use orgate_domain::audit::Actor;
use orgate_domain::clients::{Client, ClientStatus, Party};
use orgate_domain::ids::{ClientId, OrgId, SessionId};
use orgate_domain::sessions::Session;
use orgate_protocol::jose::claims::IdTokenClaims;
use orgate_protocol::oauth::logout::{self, EndSessionRequest};
use orgate_storage::OrgScope;
use orgate_storage::system::ProvenSession;
use url::Url;

use crate::end_sessions::{Because, end_sessions};
use crate::federation::logout::{LogoutDeparture, depart_for};
use crate::limits::Limited;
use crate::{Browser, Called, Env, Failure, hints};

/// What an end-session request leads to.
#[derive(Debug)]
pub enum SignOut {
    /// No ID token proves the session (RP-Initiated Logout §2): the person is asked.
    Confirm {
        /// The sessions that would end.
        sessions: Vec<ProvenSession>,
        /// Whether this browser has others, which would not.
        others_stay: bool,
        /// The application that asks, if it is known.
        client: Option<Arc<Client>>,
        /// Where to go afterwards, at an address that the client registered.
        to: Option<String>,
    },
    /// It is done, or there was nothing to end.
    Done(SignedOut),
    /// The request is not one that can be followed: a page, never a redirect.
    Refused(&'static str),
}

/// What a browser does that was signed out.
#[derive(Debug)]
pub struct SignedOut {
    /// Organizations whose cookies it drops.
    pub ended: Vec<OrgId>,
    /// Where it goes, at an address that the client registered.
    pub to: Option<String>,
    /// The application that asked.
    pub client: Option<Arc<Client>>,
    /// What it loads so that applications hear of it (OIDC Front-Channel Logout §2).
    pub frames: Vec<Url>,
    /// By which identity provider's logout it goes first; it comes back to where it goes then.
    pub by: Option<Box<LogoutDeparture>>,
}

/// How sure it is that the person wants to sign out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The client says so; it must prove the session by an ID token.
    ByClient,
    /// The person said so, on our own page.
    ByPerson,
}

/// Ends what an ID token hint proves, or asks.
///
/// # Errors
/// [`Failure`].
pub async fn sign_out(
    env: &Env,
    request: &EndSessionRequest,
    (called, wanted): (Called, Wanted),
    browser: &Browser,
) -> Result<SignOut, Failure> {
    env.limits.take(Limited::Pages, browser.origin.address)?;
    let hint = match &request.id_token_hint {
        Some(token) => match hints::read(env, token).await? {
            Some(hint) if called.0.is_none_or(|org_id| hint.org_id == org_id.to_string()) => Some(hint),
            _ => return Ok(SignOut::Refused("id_token_hint is not an ID token of this issuer")),
        },
        None => None,
    };
    let client_id = match (&hint, &request.client_id) {
        (Some(hint), Some(client_id)) if hint.aud != *client_id => {
            return Ok(SignOut::Refused("client_id is not the one that the id_token_hint was issued to"));
        }
        (Some(hint), _) => Some(&hint.aud),
        (None, client_id) => client_id.as_ref(),
    };
    let client = match client_id {
        Some(client_id) => env.configuration.client(&env.store, client_id).await?,
        None => None,
    };
    let Ok(to) = destination(request, client.as_deref()) else {
        return Ok(SignOut::Refused("post_logout_redirect_uri is not registered for this application"));
    };
    let proven = env.store.choose(&browser.session_hashes()).await?;
    let signed_in_here = hint.as_ref().filter(|hint| {
        proven.iter().any(|session| session.session.id.to_string() == hint.sid) // ended since, or not
    });
    let to = match (to, &client) {
        (Some(to), Some(client)) if may_send(env, client, signed_in_here).await? => Some(to),
        _ => None,
    };
    let live = proven
        .into_iter()
        .filter(|session| session.session.ended_at.is_none() && called.serves(session.session.org_id));
    // An ID token is about the session in its own organization, and in no other.
    let (ending, others): (Vec<_>, Vec<_>) = live.partition(|session| {
        hint.as_ref().is_none_or(|hint| hint.org_id == session.session.org_id.to_string())
    });
    let is_proven = |session: &ProvenSession| {
        hint.as_ref().is_some_and(|hint| hint.sid == session.session.id.to_string())
    };
    if wanted == Wanted::ByClient && !ending.iter().all(is_proven) {
        let others_stay = !others.is_empty();
        return Ok(SignOut::Confirm { sessions: ending, others_stay, client, to });
    }
    let ending: Vec<_> = ending.into_iter().map(|proven| (proven.scope, proven.session)).collect();
    Ok(SignOut::Done(end_here(env, &ending, (client, to), browser).await?))
}

/// Ends sessions of this browser.
pub(crate) async fn end_here(
    env: &Env,
    ending: &[(OrgScope, Session)],
    (client, to): (Option<Arc<Client>>, Option<String>),
    browser: &Browser,
) -> Result<SignedOut, Failure> {
    let mut frames = Vec::new();
    for (scope, session) in ending {
        let mut tx = env.store.begin(scope).await?;
        let told = tx.grants().list_clients(session.id).await?;
        let actor = Actor::User(session.user_id);
        let because = Because { actor, reason: "signed_out", origin: &browser.origin, detail: &[] };
        end_sessions(env, &mut tx, [session.id], because).await?;
        tx.commit().await?;
        add_frames(env, &mut frames, session.id, told).await?;
    }
    let ended = ending.iter().map(|(scope, _)| scope.org_id()).collect();
    let by = match ending.iter().find(|(_, session)| session.method.connection().is_some()) {
        Some((scope, session)) => {
            depart_for(env, (scope, session), to.as_deref(), browser).await?.map(Box::new)
        }
        None => None,
    };
    Ok(SignedOut { ended, to, client, frames, by })
}

/// Most applications that one browser tells at once.
const MAX_FRAMES: usize = 20;

/// Adds the addresses at which applications want to hear from the browser that a session ended.
async fn add_frames(
    env: &Env,
    frames: &mut Vec<Url>,
    session_id: SessionId,
    told: impl IntoIterator<Item = ((OrgId, ClientId), String)>,
) -> Result<(), Failure> {
    for (client, issuer) in told {
        let client = env.configuration.client_by_id(&env.store, client).await?;
        let uri = client.and_then(|client| client.settings.frontchannel_logout_uri.clone());
        if let Some(mut uri) = uri.filter(|_| frames.len() < MAX_FRAMES) {
            uri.query_pairs_mut().append_pair("iss", &issuer).append_pair("sid", &session_id.to_string());
            frames.push(uri);
        }
    }
    Ok(())
}

/// Whether the browser goes on to an address of the client's. Somebody else's has to show that it was signed in to from this
/// browser, in an organization that admits it still, or a link to us would lead wherever they like (RP-Initiated Logout §3).
async fn may_send(env: &Env, client: &Client, hint: Option<&IdTokenClaims>) -> Result<bool, Failure> {
    if client.status != ClientStatus::Active {
        return Ok(false);
    }
    if client.settings.party == Party::First {
        return Ok(true);
    }
    let Some(hint) = hint else { return Ok(false) };
    let Some(scope) = env.configuration.organization(&env.store, &hint.org_id).await? else {
        return Ok(false);
    };
    let standing = env.configuration.client_standing(&env.store, &scope, client.key()).await?;
    let policy = env.configuration.policy(&env.store, &scope).await?;
    Ok(standing.is_some_and(|standing| standing.check(&policy, client.settings.party).is_ok()))
}

/// Where the client wants the browser to go; `Err` if it may not.
fn destination(request: &EndSessionRequest, client: Option<&Client>) -> Result<Option<String>, ()> {
    match (&request.post_logout_redirect_uri, client) {
        (None, _) => Ok(None),
        (Some(uri), Some(client)) if client.post_logout_redirect_uris.contains(uri) => {
            Ok(Some(logout::redirect_url(uri, request.state.as_deref())))
        }
        (Some(_), _) => Err(()),
    }
}
