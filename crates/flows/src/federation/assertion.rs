//! A SAML response arrives (SAML bindings §3.5): by a post from another site, without our cookies. It
//! is checked and kept, and the browser is sent on to a GET that brings them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Event, Origin};
use orgate_domain::clients::Client;
use orgate_domain::connections::{EntryPath, Piloted};
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_domain::ids::{ConnectionId, OrgId, TraceId};
use orgate_domain::organizations::OrgStatus;
use orgate_saml::binding::decode_form_value;
use orgate_saml::response::peek;
use orgate_storage::system::OrgHint;
use orgate_storage::{Connection, OrgScope, StoredTrace, StoredUpstreamRequest};
use serde::{Deserialize, Serialize};

use super::callback::{Returned, Returning, find_request};
use super::identify::connection_of;
use super::saml::{Accepted, Received, check, settings_of};
use super::trace::{Rejection, Trace};
use super::{UpstreamIdentity, version_of};
use crate::initiate::{initiation, is_open};
use crate::limits::Limited;
use crate::vault::Purpose;
use crate::waiting::WaitingError;
use crate::{Browser, Env, Failure, events};

/// What became of a response.
#[derive(Debug)]
pub enum Posted {
    /// It waits for the browser that asked: it goes on with this state.
    Continue(Credential<UpstreamState>),
    /// Nobody asked, and the connection lets its provider begin: the application begins a sign-in of
    /// its own, at this address (OIDC Core §4).
    Begin(String),
    /// It is refused, by this check.
    Refused {
        /// The check.
        check: &'static str,
        /// The connection.
        connection: Box<Connection>,
        /// What the browser that asked goes on with, if it did: the state, and the trace that tells why.
        back: Option<(Credential<UpstreamState>, TraceId)>,
    },
}

/// An accepted assertion, as it waits.
#[derive(Serialize, Deserialize)]
struct Kept {
    identity: UpstreamIdentity,
    trace: Trace,
}

/// A post, and where it arrived.
struct Arrival<'a> {
    env: &'a Env,
    scope: OrgScope,
    connection: Connection,
    origin: &'a Origin,
}

/// Takes a response. `at` are the organization and the connection that the address names; `value` is the
/// form's field `SAMLResponse`.
///
/// # Errors
/// [`WaitingError::Over`] for a connection that does not exist, and for a response to a request that is
/// unknown, used, lapsed or another connection's: one answer for all.
pub async fn receive_saml(
    env: &Env,
    at: (OrgId, ConnectionId),
    value: &str,
    origin: &Origin,
) -> Result<Posted, WaitingError> {
    env.limits.take(Limited::Pages, origin.address).map_err(Failure::from)?;
    let decoded = decode_form_value(value);
    // Anyone may have written it: it says where to look, and is checked with what is found there.
    let answered = decoded.as_ref().ok().and_then(|xml| peek(xml)).and_then(|peek| peek.in_response_to);
    let asked = answered.map(|id| parse_request(&id, at.0));
    let state = asked.as_ref().and_then(|asked| asked.as_ref().ok());
    let Some((arrival, stored)) = Arrival::find(env, at, state, origin).await? else {
        env.limits.take(Limited::Refusals, origin.address).map_err(Failure::from)?;
        return Err(WaitingError::Over);
    };
    let xml = match decoded {
        Ok(xml) => xml,
        Err(rejection) => {
            let mut trace = Trace::default();
            let rejection = trace.fail(rejection.check.name(), &rejection.detail);
            return arrival.refuse(rejection, &trace, None).await;
        }
    };
    match asked {
        Some(Ok(state)) => arrival.answer(state, stored, xml).await,
        Some(Err(reason)) => arrival.over(reason).await,
        None => arrival.unsolicited(xml).await,
    }
}

/// The request of ours that a response names.
fn parse_request(id: &str, org_id: OrgId) -> Result<Credential<UpstreamState>, &'static str> {
    let state = Credential::<UpstreamState>::parse(id).map_err(|_| "unknown_request")?;
    if state.org_id() == org_id { Ok(state) } else { Err("other_organization") }
}

impl<'a> Arrival<'a> {
    /// The connection of an active organization, and the request with `state`, which is of that organization.
    async fn find(
        env: &'a Env,
        (org_id, id): (OrgId, ConnectionId),
        state: Option<&Credential<UpstreamState>>,
        origin: &'a Origin,
    ) -> Result<Option<(Self, Option<StoredUpstreamRequest>)>, Failure> {
        let scope = match state {
            Some(state) => OrgScope::of_credential(state),
            None => match env.store.resolve(OrgHint::Id(org_id)).await? {
                Some(organization) => organization.scope,
                None => return Ok(None),
            },
        };
        let mut tx = env.store.begin(&scope).await?;
        let organization = tx.organization().find().await?;
        let connection = tx.connections().find(id).await?;
        let stored = match state {
            Some(state) => tx.upstream().find(&state.hash()).await?,
            None => None,
        };
        tx.commit().await?;
        let active = organization.is_some_and(|organization| organization.status == OrgStatus::Active);
        let arrival = connection.filter(|_| active).map(|connection| Self { env, scope, connection, origin });
        Ok(arrival.map(|arrival| (arrival, stored)))
    }

    /// A response to a request of ours.
    async fn answer(
        &self,
        state: Credential<UpstreamState>,
        stored: Option<StoredUpstreamRequest>,
        xml: Vec<u8>,
    ) -> Result<Posted, WaitingError> {
        let Some(stored) = stored else { return self.over("unknown_request").await };
        if let Err(reason) = self.check_request(&stored) {
            return self.over(reason).await;
        }
        let request = &stored.request;
        let version = version_of(self.env, &self.scope, (request.connection_id, request.version)).await?;
        let settings = settings_of(&version.settings.provider).ok_or(WaitingError::Over)?;
        let mut trace = Trace::default();
        let received = Received { xml, in_response_to: Some(state.reveal().to_owned()) };
        let about = (self.connection.id, settings);
        match check(self.env, &self.scope, about, received, &mut trace).await? {
            Ok(accepted) => self.keep(state, accepted, trace).await,
            Err(rejection) => self.refuse(rejection, &trace, Some((state, &stored))).await,
        }
    }

    /// Whether the request waits for a response of this connection: the reason why not.
    fn check_request(&self, found: &StoredUpstreamRequest) -> Result<(), &'static str> {
        if found.request.connection_id != self.connection.id {
            Err("other_connection")
        } else if found.consumed_at.is_some() || found.answer.is_some() {
            Err("replayed_response")
        } else if self.env.clock.now() >= found.request.expires_at {
            Err("lapsed_request")
        } else {
            Ok(())
        }
    }

    /// Takes the assertion's one use, and keeps what it says for the browser.
    async fn keep(
        &self,
        state: Credential<UpstreamState>,
        accepted: Accepted,
        trace: Trace,
    ) -> Result<Posted, WaitingError> {
        let Accepted { identity, assertion_id, remember_until } = accepted;
        let kept = serde_json::to_vec(&Kept { identity, trace }).map_err(crate::vault::VaultError::from);
        let kept = zeroize::Zeroizing::new(kept.map_err(Failure::from)?);
        let row = (Purpose::UpstreamAnswer, hex(&state));
        let sealed = self.env.vault.seal(self.env, &self.scope, (row.0, &row.1), &kept).await;
        let sealed = sealed.map_err(Failure::from)?;
        let mut tx = self.env.store.begin(&self.scope).await.map_err(Failure::from)?;
        let fresh = tx.upstream().consume_assertion(self.connection.id, &assertion_id, remember_until).await;
        let fresh = fresh.map_err(Failure::from)?;
        let now = self.env.clock.now();
        if !fresh || !tx.upstream().answer(&state.hash(), &sealed, now).await.map_err(Failure::from)? {
            drop(tx);
            return self.over("replayed_response").await;
        }
        tx.commit().await.map_err(Failure::from)?;
        Ok(Posted::Continue(state))
    }

    /// A response that nobody asked for. It is checked like any other, signs nobody in, and at most
    /// makes the application begin a sign-in.
    async fn unsolicited(&self, xml: Vec<u8>) -> Result<Posted, WaitingError> {
        let mut trace = Trace::default();
        let admitted = self.connection.state.admits(EntryPath::Unsolicited, Piloted::Listed);
        let (Ok(()), Some(live)) = (admitted, self.connection.live_version) else {
            let rejection = trace.fail("connection_inactive", "the connection is not active");
            return self.refuse(rejection, &trace, None).await;
        };
        let version = version_of(self.env, &self.scope, (self.connection.id, live)).await?;
        let settings = settings_of(&version.settings.provider).ok_or(WaitingError::Over)?;
        if !settings.allow_unsolicited {
            let why = "the identity provider began this sign-in, which the connection does not allow: begin it at the application";
            let rejection = trace.fail("unsolicited", why);
            return self.refuse(rejection, &trace, None).await;
        }
        let received = Received { xml, in_response_to: None };
        let about = (self.connection.id, settings);
        let accepted = match check(self.env, &self.scope, about, received, &mut trace).await? {
            Ok(accepted) => accepted,
            Err(rejection) => return self.refuse(rejection, &trace, None).await,
        };
        let client_id = settings.unsolicited_client.as_deref().unwrap_or_default();
        let client = self.find_open_client(client_id).await?;
        let begun = client.and_then(|client| initiation(self.env, &self.scope, &client));
        let Some(begun) = begun else {
            let why =
                "the application is not open to this organization, or has no address to begin a sign-in at";
            return self.refuse(trace.fail("unsolicited", why), &trace, None).await;
        };
        if !self.take(&accepted.assertion_id, accepted.remember_until).await? {
            return self.over("replayed_response").await;
        }
        Ok(Posted::Begin(begun))
    }

    /// The application, if users of this organization may sign in to it now.
    async fn find_open_client(&self, client_id: &str) -> Result<Option<Arc<Client>>, Failure> {
        let client = self.env.configuration.client(&self.env.store, client_id).await?;
        match client {
            Some(client) if is_open(self.env, &self.scope, &client).await? => Ok(Some(client)),
            _ => Ok(None),
        }
    }

    async fn take(&self, assertion_id: &str, until: DateTime<Utc>) -> Result<bool, Failure> {
        let mut tx = self.env.store.begin(&self.scope).await?;
        let fresh = tx.upstream().consume_assertion(self.connection.id, assertion_id, until).await?;
        tx.commit().await?;
        Ok(fresh)
    }

    /// Refused by a check. The request goes on waiting: whoever posts something bad to us cannot end
    /// another's sign-in.
    async fn refuse(
        &self,
        rejection: Rejection,
        trace: &Trace,
        request: Option<(Credential<UpstreamState>, &StoredUpstreamRequest)>,
    ) -> Result<Posted, WaitingError> {
        self.env.limits.take(Limited::Refusals, self.origin.address).map_err(Failure::from)?;
        let event = events::refused(self.env, Action::UpstreamRefused, rejection.check, self.origin)
            .map_err(Failure::from)?;
        let version =
            request.as_ref().map(|(_, stored)| stored.request.version).or(self.connection.live_version);
        let purpose = request.as_ref().map_or("unsolicited", |(_, stored)| stored.request.purpose.as_str());
        let mut detail = connection_of(self.connection.id);
        detail.push(("purpose", purpose.to_owned()));
        let event = Event { detail, ..event };
        let is_told = self.env.refusals.record(self.env, &self.scope, event).await.map_err(Failure::from)?;
        let connection = Box::new(self.connection.clone());
        // What anybody may post leaves a trace a minute.
        if request.is_none() && !is_told {
            return Ok(Posted::Refused { check: rejection.check, connection, back: None });
        }
        let mut tx = self.env.store.begin(&self.scope).await.map_err(Failure::from)?;
        let about = (self.connection.id, version.unwrap_or_default(), purpose);
        let saved = trace.save(self.env, &mut tx, about, (Some(rejection), self.origin)).await?;
        tx.commit().await.map_err(Failure::from)?;
        let back = request.map(|(state, _)| (state, saved));
        Ok(Posted::Refused { check: rejection.check, connection, back })
    }

    async fn over<T>(&self, reason: &'static str) -> Result<T, WaitingError> {
        self.env.limits.take(Limited::Refusals, self.origin.address).map_err(Failure::from)?;
        let event =
            events::refused(self.env, Action::UpstreamRefused, reason, self.origin).map_err(Failure::from)?;
        let event = Event { detail: connection_of(self.connection.id), ..event };
        self.env.refusals.record(self.env, &self.scope, event).await.map_err(Failure::from)?;
        Err(WaitingError::Over)
    }
}

/// The row that an answer is sealed to: a state itself is a secret.
fn hex(state: &Credential<UpstreamState>) -> String {
    orgate_domain::credentials::base32::encode(state.hash().as_bytes())
}

/// The browser is back with its cookies: signs in by the response that was kept.
///
/// # Errors
/// [`WaitingError::Over`] as for an OpenID provider's answer.
pub async fn finish_saml(
    env: &Env,
    at: (OrgId, ConnectionId),
    state: &str,
    browser: &Browser,
) -> Result<Returned, WaitingError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let state = Credential::<UpstreamState>::parse(state).map_err(|_| WaitingError::Over)?;
    let scope = OrgScope::of_credential(&state);
    let found = find_request(env, &scope, &state, (at, browser)).await?;
    let stored = &found.0;
    let Some(sealed) = &stored.answer else { return Err(WaitingError::Over) };
    let row = hex(&state);
    let plain = env.vault.open(env, &scope, (Purpose::UpstreamAnswer, &row), sealed).await;
    let plain = plain.map_err(Failure::from)?;
    let kept: Kept =
        serde_json::from_slice(&plain).map_err(|_| Failure::from(crate::vault::VaultError::Ciphertext))?;
    let version = version_of(env, &scope, (stored.request.connection_id, stored.request.version)).await?;
    let returning = Returning::prepare(env, scope, found, version, browser).await?;
    returning.accept(kept.identity, kept.trace).await
}

/// The browser is back with its cookies, after a response that was refused: it may choose another way to sign in.
///
/// # Errors
/// [`WaitingError::Over`] as for an OpenID provider's answer, and for a trace of another connection.
pub async fn finish_refused(
    env: &Env,
    at: (OrgId, ConnectionId),
    (state, trace): (&str, TraceId),
    browser: &Browser,
) -> Result<Returned, WaitingError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let state = Credential::<UpstreamState>::parse(state).map_err(|_| WaitingError::Over)?;
    let scope = OrgScope::of_credential(&state);
    let found = find_request(env, &scope, &state, (at, browser)).await?;
    let mut tx = env.store.begin(&scope).await.map_err(Failure::from)?;
    let told = tx.upstream().find_trace(trace).await.map_err(Failure::from)?;
    tx.commit().await.map_err(Failure::from)?;
    let fits =
        |told: &StoredTrace| told.failed_check.is_some() && told.purpose == found.0.request.purpose.as_str();
    let told = told.filter(|(connection, told)| *connection == found.0.request.connection_id && fits(told));
    let (_, told) = told.ok_or(WaitingError::Over)?;
    let version = version_of(env, &scope, (found.0.request.connection_id, found.0.request.version)).await?;
    Returning::prepare(env, scope, found, version, browser).await?.go_on(told).await
}
