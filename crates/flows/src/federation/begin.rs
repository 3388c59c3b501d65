//! Sending a browser to an organization's identity provider.

use std::sync::Arc;

use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::{ConnectionRefusal, EntryPath, Piloted, ProviderSettings};
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_domain::ids::ConnectionId;
use orgate_domain::policies::UPSTREAM_LIFETIME;
use orgate_storage::{Connection, OrgScope, OrgTx, UpstreamPurpose, UpstreamRequest};

use super::oidc::Oidc;
use super::{UpstreamError, address, saml, version_of};
use crate::waiting::{Waiting, WaitingError};
use crate::{Browser, Env, Failure, events};

/// How the browser gets there.
#[derive(Debug)]
pub enum Departure {
    /// By a redirect.
    Redirect(String),
    /// By a form that posts itself (SAML's HTTP-POST binding).
    Post {
        /// Where to.
        to: String,
        /// Its fields.
        fields: Vec<(&'static str, String)>,
    },
}

/// Why it does not get there.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// See [`WaitingError`].
    #[error(transparent)]
    Waiting(#[from] WaitingError),
    /// The connection may not be used, or is not the organization's.
    #[error("the connection may not be used")]
    Refused(ConnectionRefusal),
    /// The identity provider is out of order, or the connection is.
    #[error(transparent)]
    Upstream(#[from] Arc<UpstreamError>),
}

impl From<Failure> for BeginError {
    fn from(failure: Failure) -> Self {
        Self::Waiting(failure.into())
    }
}

/// Sends the browser of a waiting request to the identity provider behind a connection. The request
/// keeps waiting: another way to sign in stays open.
///
/// # Errors
/// [`BeginError`].
pub async fn begin(
    env: &Env,
    waiting: &Waiting,
    connection: ConnectionId,
    login_hint: Option<&str>,
    browser: &Browser,
) -> Result<Departure, BeginError> {
    let found = find(env, &waiting.scope, connection).await?;
    let found = found.ok_or(BeginError::Refused(ConnectionRefusal::Inactive))?;
    // Whether a pilot lists them is known when the identity provider has said who they are.
    let admitted = found.state.admits(EntryPath::SignIn, Piloted::Listed);
    let version = match (admitted, found.live_version) {
        (Ok(()), Some(version)) => version,
        (Err(refusal), _) => return refuse(env, waiting, (&found, refusal), browser).await,
        (Ok(()), None) => return refuse(env, waiting, (&found, ConnectionRefusal::Inactive), browser).await,
    };
    let asked = waiting.asked();
    let hint = login_hint.or(asked.login_hint.as_deref());
    let request = Request {
        scope: &waiting.scope,
        connection: (found.id, version),
        purpose: UpstreamPurpose::SignIn(asked.handle),
    };
    depart(env, &request, (Some(waiting), hint), browser).await
}

/// Begins a dry run of a connection's latest version.
///
/// # Errors
/// [`BeginError`].
pub async fn begin_test(
    env: &Env,
    scope: &OrgScope,
    connection: ConnectionId,
    browser: &Browser,
) -> Result<Departure, BeginError> {
    let found = find(env, scope, connection).await?;
    let found = found.ok_or(BeginError::Refused(ConnectionRefusal::Inactive))?;
    found.state.admits(EntryPath::Test, Piloted::NotListed).map_err(BeginError::Refused)?;
    let connection = (found.id, found.latest_version);
    let request = Request { scope, connection, purpose: UpstreamPurpose::Test };
    depart(env, &request, (None, None), browser).await
}

/// Begins something else than a sign-in to an application or a test: nothing waits for it but the purpose.
pub(crate) async fn begin_for(
    env: &Env,
    (scope, connection): (&OrgScope, (ConnectionId, i32)),
    (purpose, login_hint): (UpstreamPurpose, Option<&str>),
    browser: &Browser,
) -> Result<Departure, BeginError> {
    depart(env, &Request { scope, connection, purpose }, (None, login_hint), browser).await
}

async fn find(env: &Env, scope: &OrgScope, id: ConnectionId) -> Result<Option<Connection>, Failure> {
    let mut tx = env.store.begin(scope).await?;
    let found = tx.connections().find(id).await?;
    tx.commit().await?;
    Ok(found)
}

async fn refuse<T>(
    env: &Env,
    waiting: &Waiting,
    (connection, refusal): (&Connection, ConnectionRefusal),
    browser: &Browser,
) -> Result<T, BeginError> {
    let event = events::refused(env, Action::SignInFailed, refusal.as_str(), &browser.origin)
        .map_err(Failure::from)?;
    let event = Event {
        client: Some(waiting.pending.client.key()),
        detail: vec![("connection", connection.id.to_string())],
        ..event
    };
    env.refusals.record(env, &waiting.scope, event).await.map_err(Failure::from)?;
    Err(BeginError::Refused(refusal))
}

/// What is about to be asked of an identity provider.
pub(super) struct Request<'a> {
    pub(super) scope: &'a OrgScope,
    pub(super) connection: (ConnectionId, i32),
    pub(super) purpose: UpstreamPurpose,
}

pub(super) async fn depart(
    env: &Env,
    request: &Request<'_>,
    (waiting, login_hint): (Option<&Waiting>, Option<&str>),
    browser: &Browser,
) -> Result<Departure, BeginError> {
    let version = version_of(env, request.scope, request.connection).await?;
    let state = env.random.credential::<UpstreamState>(request.scope.org_id()).map_err(Failure::from)?;
    let departure = match &version.settings.provider {
        ProviderSettings::Oidc(settings) => {
            let callback = address(env, request.scope, request.connection.0, "/callback");
            let derived_by = &env.vault.id();
            let oidc = Oidc { env, settings, version: &version, state: &state, derived_by, callback };
            let url = oidc.authorization_url(waiting.map(Waiting::asked), login_hint).await?;
            Departure::Redirect(url.into())
        }
        ProviderSettings::Saml(settings) => {
            // How old a session there may be cannot be said: where it matters, none will do.
            let asked = waiting.map(Waiting::asked);
            let anew = asked.is_some_and(|asked| asked.demands_authentication() || asked.max_age.is_some());
            let about = (request.connection.0, settings);
            saml::depart(env, request.scope, about, (&state, anew)).await?
        }
    };
    store(env, request, &state, (waiting, browser)).await?;
    Ok(departure)
}

async fn store(
    env: &Env,
    request: &Request<'_>,
    state: &Credential<UpstreamState>,
    (waiting, browser): (Option<&Waiting>, &Browser),
) -> Result<(), Failure> {
    let now = env.clock.now();
    let (connection_id, version) = request.connection;
    let new = UpstreamRequest {
        state: state.hash(),
        connection_id,
        version,
        purpose: request.purpose,
        browser: browser.binding,
        derived_by: env.vault.id().to_vec(),
        created_at: now,
        expires_at: now + UPSTREAM_LIFETIME,
    };
    let event = events::done(env, Action::UpstreamRequested, &browser.origin)?;
    let event = Event {
        client: waiting.map(|waiting| waiting.pending.client.key()),
        detail: vec![
            ("connection", connection_id.to_string()),
            ("purpose", request.purpose.as_str().to_owned()),
        ],
        ..event
    };
    let mut tx: OrgTx = env.store.begin(request.scope).await?;
    tx.upstream().insert(&new).await?;
    tx.audit().insert(&event).await?;
    Ok(tx.commit().await?)
}
