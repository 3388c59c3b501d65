//! The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): which client, which organization,
//! and only then, who.

use std::sync::Arc;

use orgate_domain::audit::{Action, Event};
use orgate_domain::clients::{Audience, Client, ClientStatus, RegisteredUri};
use orgate_domain::credentials::{Credential, RequestHandle};
use orgate_domain::ids::{AuthorizationRequestId, OrgId};
use orgate_domain::organizations::Organization;
use orgate_domain::resolution::{self, Asking, Decision, Reason};
use orgate_protocol::oauth::authorize::{AuthorizationRequest, PkceRule, Prompt, ResponseMode};
use orgate_protocol::oauth::response::AuthorizationResponse;
use orgate_protocol::oauth::token::GrantType;
use orgate_protocol::oauth::{ErrorCode, RequestError, check_ui_locales};
use orgate_protocol::params::Params;
use orgate_storage::system::OrgHint;
use orgate_storage::{ConsumedKind, NewAuthorizationRequest, OrgScope, OrgTx};

use crate::client_documents::{Wanted, find_client};
use crate::consent::is_consented;
use crate::limits::Limited;
use crate::{Browser, Called, Env, Failure, Issuer, events};

mod conclude;
mod entry;
mod facts;
mod needed;
mod pending;
mod records;
pub(crate) mod source;
mod suffices;
mod told;

use conclude::issue_in_session;
use entry::{find_session, record_unknown_session, refusal_here};
use records::{record, record_misplaced, record_unresolved};
use source::source;
use suffices::suffices;
use told::answered;

pub(crate) use conclude::{conclude, issue, issue_code};
pub(crate) use entry::{proven_session, refusal, refused_because};
pub use facts::Known;
pub(crate) use facts::{find_organization, gather, live_sessions, usable_sessions, welcomes};
pub use needed::Needed;
pub(crate) use needed::needed;
pub use pending::Destination;
pub(crate) use pending::{DEVICE_REDIRECT_URI, Pending, pending};
pub(crate) use suffices::still_suffices;
pub(crate) use told::told;

/// Where the browser goes next.
#[derive(Debug)]
pub enum Next {
    /// Back to the client, with a code or an error.
    Answer(Answer),
    /// To a page that asks, with the handle of the stored request in its address.
    Ask(Question, Credential<RequestHandle>),
    /// To a page that says why not, and what to do.
    Refused(Refused),
}

/// What a page asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Whether the device that they signed in for may come in.
    Approve,
    /// Which of the browser's organizations.
    Choose,
    /// Whether the client may have what it asks for.
    Consent,
    /// Where the person works.
    Discover,
    /// Who they are.
    SignIn,
}

/// An answer to the client.
pub struct Answer {
    /// Where to.
    pub to: Destination,
    /// How.
    pub mode: ResponseMode,
    /// For the page that posts it.
    pub client: Arc<Client>,
    /// What it says.
    pub response: AuthorizationResponse,
    /// The languages that its request asked for, best first, then the organization's.
    pub ui_locales: Vec<String>,
}

/// A sign-in that cannot go on, and cannot be told to the client either: it has no say in which
/// organizations exist.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub why: RefusedBecause,
    /// The application.
    pub client: Arc<Client>,
    /// The organization, where the person may know of it.
    pub organization: Option<Organization>,
}

/// Why a sign-in cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedBecause {
    /// The client is disabled.
    ClientDisabled,
    /// The organization does not exist, was deleted, or may not use the client: one answer for
    /// all three.
    OrganizationUnavailable,
    /// The organization is suspended.
    OrganizationSuspended,
    /// The request cannot be answered, and its client is nobody's here whom that could be told.
    NotTold,
    /// The organization admits no third-party clients. The person reads of it what they read of an
    /// organization that may not use the client.
    ThirdPartyForbidden,
}

/// A request whose client or redirect URI is not proven: an error page, never a redirect.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// What the request is made of is not accepted: a pushed request that lapsed, a request object that is not
    /// the client's.
    #[error(transparent)]
    InvalidRequest(RequestError),
    /// No client has this `client_id`.
    #[error("unknown client")]
    UnknownClient,
    /// The client did not register this redirect URI.
    #[error("unregistered redirect URI")]
    UnregisteredRedirectUri,
}

/// Begins an authorization at the issuer that was called.
///
/// # Errors
/// [`AuthorizeError`]: everything else is answered to the client or asked of the person.
pub async fn authorize(
    env: &Env,
    params: &Params,
    called: Called,
    browser: &Browser,
) -> Result<Next, AuthorizeError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let client = proven_client(env, params, browser).await?;
    if client.status == ClientStatus::Disabled {
        record_misplaced(env, browser).await?;
        record_unresolved(env, "client_disabled", Some(&client), browser).await?;
        let why = RefusedBecause::ClientDisabled;
        return Ok(Next::Refused(Refused { why, client, organization: None }));
    }
    let source = match source(env, (called, &client), params).await? {
        Ok(source) => source,
        Err(error) => {
            record_unresolved(env, error.code.as_str(), Some(&client), browser).await?;
            // What stands beside it cannot be followed, but if it names an address of the client's, that one is told.
            return match client.redirect_uri(params.get("redirect_uri").unwrap_or_default()) {
                Ok(to) => {
                    let answer = unparsed(&env.issuer.called(called), params, (client, to), error);
                    Ok(told(env, answer).await?)
                }
                Err(_) => Err(AuthorizeError::InvalidRequest(error)),
            };
        }
    };
    let params = &source.params;
    let requested = params.get("redirect_uri").unwrap_or_default();
    let Ok(to) = client.redirect_uri(requested) else {
        record_unresolved(env, "unregistered_redirect_uri", Some(&client), browser).await?;
        return Err(AuthorizeError::UnregisteredRedirectUri);
    };
    record_misplaced(env, browser).await?;
    let request = match check_request(&client, params) {
        Ok(request) => request,
        Err(error) => {
            record_unresolved(env, error.code.as_str(), Some(&client), browser).await?;
            let issuer = env.issuer.called(called);
            return Ok(told(env, unparsed(&issuer, params, (client, to), error)).await?);
        }
    };
    let mut pending =
        pending(env, browser, (client, Destination::Client(to)), &request).map_err(Failure::from)?;
    pending.asked.pushed = source.pushed;
    pending.asked.dpop_jkt = pending.asked.dpop_jkt.or(source.key);
    pending.issuer = env.issuer.called(called);
    let known = match gather(env, &request, (&pending.client, called.0), browser).await? {
        Ok(known) => known,
        Err(error) => {
            record_unresolved(env, "invalid_request", Some(&pending.client), browser).await?;
            return Ok(told(env, pending.refuse(error)).await?);
        }
    };
    pending.asked.expected_user = known.expected_user;
    Ok(decide(env, pending, &known, browser).await?)
}

/// What any client's request must be, then what this client's must be.
pub(crate) fn check_request(client: &Client, params: &Params) -> Result<AuthorizationRequest, RequestError> {
    let settings = &client.settings;
    settings.check_grant(GrantType::AuthorizationCode)?;
    let exempt = !settings.must_use_pkce() && client.is_confidential();
    let pkce = if exempt { PkceRule::OrNonce } else { PkceRule::Required };
    let request = orgate_protocol::oauth::authorize::parse(params, pkce)?;
    client.audience_for(request.resource.as_deref())?;
    Ok(request)
}

async fn proven_client(env: &Env, params: &Params, browser: &Browser) -> Result<Arc<Client>, AuthorizeError> {
    let client_id = params.get("client_id").unwrap_or_default();
    let client = find_client(env, client_id, Wanted::Fresh, &browser.origin).await?;
    let Some(client) = client else {
        record_unresolved(env, "unknown_client", None, browser).await?;
        return Err(AuthorizeError::UnknownClient);
    };
    Ok(client)
}

fn unparsed(
    issuer: &Issuer,
    params: &Params,
    (client, to): (Arc<Client>, RegisteredUri),
    error: RequestError,
) -> Answer {
    let state = params.get("state").filter(|state| state.len() <= 2048).map(str::to_owned);
    let response = AuthorizationResponse { outcome: Err(error), state, iss: issuer.as_str().to_owned() };
    let (mode, ui_locales) = (ResponseMode::of(params), check_ui_locales(params));
    Answer { to: Destination::Client(to), mode, client, response, ui_locales }
}

pub(crate) async fn decide(
    env: &Env,
    pending: Pending,
    known: &Known,
    browser: &Browser,
) -> Result<Next, Failure> {
    let silent = known.facts.asking == Asking::Forbidden;
    match resolution::resolve(&known.facts) {
        Decision::Organization { org_id, reason } => match scope_of(env, known, org_id).await? {
            Some(scope) => enter(env, pending, (&scope, reason), browser).await,
            None => unavailable(env, &pending, browser).await,
        },
        Decision::Choose if silent => {
            undecided(env, &pending, ErrorCode::AccountSelectionRequired, browser).await
        }
        Decision::Choose => ask(env, pending, Question::Choose, browser).await,
        Decision::Discover if silent => {
            undecided(env, &pending, ErrorCode::InteractionRequired, browser).await
        }
        Decision::Discover => ask(env, pending, Question::Discover, browser).await,
        Decision::Mismatch(..) => undecided(env, &pending, ErrorCode::OrganizationMismatch, browser).await,
        Decision::Unknown => unavailable(env, &pending, browser).await,
    }
}

async fn scope_of(env: &Env, known: &Known, org_id: OrgId) -> Result<Option<OrgScope>, Failure> {
    match known.scopes.iter().find(|scope| scope.org_id() == org_id) {
        Some(scope) => Ok(Some(*scope)),
        None => Ok(env.store.resolve(OrgHint::Id(org_id)).await?.map(|org| org.scope)),
    }
}

/// Goes on in the organization that was decided: in its live session if that will do, else by
/// asking the person to sign in to it.
pub(crate) async fn enter(
    env: &Env,
    mut pending: Pending,
    (scope, reason): (&OrgScope, Reason),
    browser: &Browser,
) -> Result<Next, Failure> {
    let now = env.clock.now();
    pending.issuer = issuer_of(env, &pending.client, scope.org_id(), reason);
    let silent = pending.asked.prompt.contains(&Prompt::None);
    let policy = pending.client.settings.tighten(&env.configuration.policy(&env.store, scope).await?);
    let mut tx = env.store.begin(scope).await?;
    let standing = find_session(&mut tx, &pending.client, browser).await?;
    if let Some((refused, exists)) =
        refusal_here(&mut tx, (&pending.client, &policy), standing.as_ref()).await?
    {
        tx.commit().await?;
        if exists {
            record(env, scope, (refused.why.as_str(), &pending.client), browser).await?;
        }
        let refused = if silent {
            told(env, answered(&pending, ErrorCode::AccessDenied)).await?
        } else {
            Next::Refused(refused)
        };
        return Ok(refused);
    }
    if let Some(pushed) = &pending.asked.pushed
        && tx.consumed_ids().is_consumed(ConsumedKind::PushedRequest, pushed).await?
    {
        tx.commit().await?;
        record(env, scope, ("request_answered", &pending.client), browser).await?;
        return Ok(Next::Answer(answered(&pending, ErrorCode::InvalidRequestUri)));
    }
    pending.asked.resolved_by = Some(reason);
    if standing.is_none() {
        record_unknown_session(env, &mut tx, &pending.client, browser).await?;
    }
    let standing = standing.filter(|standing| standing.is_live(now, &policy));
    let standing = standing.filter(|standing| suffices(env, &pending, standing));
    let answered_here = match &standing {
        Some(standing) if silent && !is_consented(&mut tx, &pending, standing.session.user_id).await? => {
            Err(ErrorCode::ConsentRequired)
        }
        Some(standing) => issue_in_session(env, &mut tx, (&pending, standing, reason), browser)
            .await?
            .ok_or(ErrorCode::LoginRequired),
        None => Err(ErrorCode::LoginRequired),
    };
    let next = match answered_here {
        Ok(next) => next,
        Err(missing) if silent => {
            tx.commit().await?;
            record(env, scope, (missing.as_str(), &pending.client), browser).await?;
            return Ok(Next::Answer(answered(&pending, missing)));
        }
        Err(_) => ask_who(env, &mut tx, (&mut pending, reason), browser).await?,
    };
    tx.commit().await?;
    Ok(next)
}

/// Has the person asked who they are, in the organization that was decided.
async fn ask_who(
    env: &Env,
    tx: &mut OrgTx,
    (pending, reason): (&mut Pending, Reason),
    browser: &Browser,
) -> Result<Next, Failure> {
    let handle = store(env, tx, &mut pending.asked).await?;
    let event = events::done(env, Action::OrganizationResolved, &browser.origin)?;
    let event = Event {
        client: Some(pending.client.key()),
        detail: vec![("resolved_by", reason.as_str().to_owned())],
        ..event
    };
    tx.audit().insert(&event).await?;
    Ok(Next::Ask(Question::SignIn, handle))
}

/// Who issues what comes of a request in an organization that was decided for `reason`.
pub(crate) fn issuer_of(env: &Env, client: &Client, org_id: OrgId, reason: Reason) -> Issuer {
    let called = Called((reason == Reason::Host).then_some(org_id));
    env.issuer.to_client(client, org_id, called)
}

/// Stores the request in the transaction's organization, under a fresh id and handle.
pub(crate) async fn store(
    env: &Env,
    tx: &mut OrgTx,
    asked: &mut NewAuthorizationRequest,
) -> Result<Credential<RequestHandle>, Failure> {
    let handle = env.random.credential::<RequestHandle>(tx.org_id())?;
    asked.id = AuthorizationRequestId::from_uuid(env.random.uuid(env.clock.now())?);
    asked.handle = handle.hash();
    tx.authorization_requests().insert(asked).await?;
    Ok(handle)
}

/// Stores a request that has no organization yet with the client's owner.
async fn ask(
    env: &Env,
    mut pending: Pending,
    question: Question,
    browser: &Browser,
) -> Result<Next, Failure> {
    let Some(place) = env.store.resolve_client(&pending.client.client_id).await? else {
        return unavailable(env, &pending, browser).await;
    };
    let mut tx = env.store.begin(&place.owner).await?;
    let admission = tx.clients().find_admission(pending.client.key()).await?;
    let next = if admission == Some(ClientStatus::Active) {
        Next::Ask(question, store(env, &mut tx, &mut pending.asked).await?)
    } else {
        let why = RefusedBecause::ClientDisabled;
        let event = events::refused(env, Action::AuthorizationRefused, why.as_str(), &browser.origin)?;
        tx.audit().insert(&Event { client: Some(pending.client.key()), ..event }).await?;
        Next::Refused(Refused { why, client: pending.client, organization: None })
    };
    tx.commit().await?;
    Ok(next)
}

/// An organization that is not there: said to nobody but the person, and in the same words as for
/// one that may not use the client.
async fn unavailable(env: &Env, pending: &Pending, browser: &Browser) -> Result<Next, Failure> {
    let why = RefusedBecause::OrganizationUnavailable;
    record_unresolved(env, why.as_str(), Some(&pending.client), browser).await?;
    if pending.asked.prompt.contains(&Prompt::None) {
        return told(env, answered(pending, ErrorCode::AccessDenied)).await;
    }
    Ok(Next::Refused(Refused { why, client: Arc::clone(&pending.client), organization: None }))
}

/// No organization, and nobody may be asked for one.
async fn undecided(
    env: &Env,
    pending: &Pending,
    code: ErrorCode,
    browser: &Browser,
) -> Result<Next, Failure> {
    record_unresolved(env, code.as_str(), Some(&pending.client), browser).await?;
    told(env, answered(pending, code)).await
}

/// The code in it is a secret.
impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("to", &self.to).finish_non_exhaustive()
    }
}

impl RefusedBecause {
    /// The stable text for events and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientDisabled => "client_disabled",
            Self::OrganizationUnavailable => "organization_unavailable",
            Self::OrganizationSuspended => "organization_suspended",
            Self::NotTold => "client_not_admitted",
            Self::ThirdPartyForbidden => "third_party_forbidden",
        }
    }
}

/// Whether a client of this audience is used by its owner alone.
pub(crate) fn owner_only(client: &Client) -> Option<OrgId> {
    (client.audience == Audience::Owner).then_some(client.owner)
}
