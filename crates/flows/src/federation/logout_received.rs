//! An identity provider ends sessions: SAML single logout (profiles §4.4) and OIDC Back-Channel Logout
//! 1.0. What it names is ended here, in the organization of the connection and nowhere else.

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::connections::{ProviderSettings, SamlBinding};
use orgate_domain::credentials::Credential;
use orgate_domain::ids::{ConnectionId, OrgId};
use orgate_protocol::jose::Unverified;
use orgate_saml::binding::{MAX_RELAY_STATE, RedirectQuery, decode_form_value, message_id};
use orgate_saml::logout::{
    IncomingLogout, LogoutCheck, LogoutResponse, LogoutStatus, ReceivedLogoutRequest, receive_request,
    receive_response,
};
use orgate_storage::system::OrgHint;
use orgate_storage::{Connection, OrgScope};
use serde_json::{Map, Value};

use super::begin::Departure;
use super::claims::{check_audience, check_issuer, check_times, text};
use super::identify::connection_of;
use super::logout::AfterLogout;
use super::oidc::{Oidc, Refusal, check_signature};
use super::saml::{certificates_of, entity_id, settings_of};
use super::saml_keys::keys_of;
use super::trace::Trace;
use super::{Version, address, version_of};
use crate::end_sessions::{Because, end_sessions};
use crate::limits::Limited;
use crate::{Env, Failure, events};

/// How far a provider's clock may be from ours.
const SKEW: Duration = Duration::minutes(2);

/// How old a logout message may be; for as long it is remembered that it was used.
const MAX_AGE: Duration = Duration::minutes(10);

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A SAML logout message, by the binding through which it came.
#[derive(Debug, Clone, Copy)]
pub enum LogoutMessage<'a> {
    /// The raw query (HTTP-Redirect).
    Query(&'a str),
    /// The form's field (HTTP-POST).
    Form {
        /// `SAMLRequest` or `SAMLResponse`.
        field: &'a str,
        /// Its value.
        value: &'a str,
        /// What the answer gives back.
        relay_state: Option<&'a str>,
    },
}

/// What became of a SAML logout message.
#[derive(Debug)]
pub enum LogoutReceived {
    /// The sessions are ended: the browser takes our answer there.
    Answer(Departure),
    /// It was the answer to a request of ours.
    Answered,
    /// It is refused.
    Refused,
}

/// Where a message arrived.
struct Arrival<'a> {
    env: &'a Env,
    scope: OrgScope,
    connection: Connection,
    version: std::sync::Arc<Version>,
    origin: &'a Origin,
}

impl<'a> Arrival<'a> {
    async fn find(
        env: &'a Env,
        (org_id, id): (OrgId, ConnectionId),
        origin: &'a Origin,
    ) -> Result<Option<Self>, Failure> {
        env.limits.take(Limited::Pages, origin.address)?;
        let Some(organization) = env.store.resolve(OrgHint::Id(org_id)).await? else { return Ok(None) };
        let mut tx = env.store.begin(&organization.scope).await?;
        let connection = tx.connections().find(id).await?;
        tx.commit().await?;
        // Whatever its state: no provider is refused for ending what it began.
        let Some(connection) = connection else { return Ok(None) };
        let Some(live) = connection.live_version else { return Ok(None) };
        let version = version_of(env, &organization.scope, (id, live)).await?;
        Ok(Some(Self { env, scope: organization.scope, connection, version, origin }))
    }

    async fn refuse(&self, reason: &'static str) -> Result<(), Failure> {
        self.env.limits.take(Limited::Refusals, self.origin.address)?;
        let event = events::refused(self.env, Action::UpstreamRefused, reason, self.origin)?;
        let event = Event { detail: connection_of(self.connection.id), ..event };
        self.env.refusals.record(self.env, &self.scope, event).await?;
        Ok(())
    }

    /// Ends the sessions that a message is about, and remembers the message, in one transaction.
    /// `None` if it was used before.
    async fn end(
        &self,
        message_id: &str,
        subject: Option<&str>,
        sids: &[String],
    ) -> Result<Option<usize>, Failure> {
        let now = self.env.clock.now();
        let mut tx = self.env.store.begin(&self.scope).await?;
        let until = now + MAX_AGE + SKEW + SKEW;
        if !tx.upstream().consume_assertion(self.connection.id, message_id, until).await? {
            return Ok(None);
        }
        let sessions = tx.upstream().list_sessions(self.connection.id, subject, sids).await?;
        let because =
            Because { actor: Actor::System, reason: "upstream_logout", origin: self.origin, detail: &[] };
        end_sessions(self.env, &mut tx, sessions.iter().copied(), because).await?;
        let event = events::done(self.env, Action::UpstreamLogout, self.origin)?;
        let detail =
            [connection_of(self.connection.id), vec![("sessions", sessions.len().to_string())]].concat();
        tx.audit().insert(&Event { actor: Actor::System, detail, ..event }).await?;
        tx.commit().await?;
        Ok(Some(sessions.len()))
    }
}

/// Takes a SAML logout message. `after` is what the browser knows of a logout that it comes back from.
///
/// # Errors
/// [`Failure`].
pub async fn receive_saml_logout(
    env: &Env,
    at: (OrgId, ConnectionId),
    message: LogoutMessage<'_>,
    (after, origin): (&AfterLogout, &Origin),
) -> Result<LogoutReceived, Failure> {
    let Some(arrival) = Arrival::find(env, at, origin).await? else { return Ok(LogoutReceived::Refused) };
    let Some(settings) = settings_of(&arrival.version.settings.provider).cloned() else {
        return Ok(LogoutReceived::Refused);
    };
    let Some(parsed) = Parsed::read(message) else {
        arrival.refuse("malformed_logout").await?;
        return Ok(LogoutReceived::Refused);
    };
    let keys = keys_of(env, &arrival.scope, arrival.connection.id).await?;
    let slo_url = address(env, &arrival.scope, arrival.connection.id, "/slo");
    let (now, expected) = (env.clock.now(), after.request_id.clone().unwrap_or_default());
    let (idp, keys_there) = (settings.clone(), std::sync::Arc::clone(&keys));
    let relay_state = parsed.relay_state().map(str::to_owned);
    let verify = move || {
        let certificates = certificates_of(&idp);
        let check = LogoutCheck {
            idp_entity_id: &idp.entity_id,
            slo_url: &slo_url,
            now,
            clock_skew: SKEW,
            max_age: MAX_AGE,
            signing_certificates: &certificates,
            decryption_keys: &keys_there.decryption,
        };
        if parsed.is_request() {
            receive_request(&check, parsed.incoming()).map(Some)
        } else {
            // A post from another site comes without the cookie that knows the request. Nothing hangs on it: the
            // session is over here, and where the browser goes on to is its cookie's to say.
            let expected = matches!(parsed, Parsed::Redirect(_)).then_some(expected.as_str());
            receive_response(&check, expected, parsed.incoming()).map(|_| None)
        }
    };
    match env.heavy.run(verify).await? {
        Ok(Some(request)) => answer(&arrival, &settings, (request, relay_state), &keys).await,
        Ok(None) => Ok(LogoutReceived::Answered),
        Err(rejection) => {
            arrival.refuse(rejection.check.name()).await?;
            Ok(LogoutReceived::Refused)
        }
    }
}

enum Parsed {
    Redirect(Box<RedirectQuery>),
    Post { is_request: bool, xml: Vec<u8>, relay_state: Option<String> },
}

impl Parsed {
    fn read(message: LogoutMessage<'_>) -> Option<Self> {
        match message {
            LogoutMessage::Query(query) => {
                RedirectQuery::parse(query).ok().map(|query| Self::Redirect(Box::new(query)))
            }
            LogoutMessage::Form { field, value, relay_state } => {
                let xml = decode_form_value(value).ok()?;
                if relay_state.is_some_and(|text| text.len() > MAX_RELAY_STATE) {
                    return None;
                }
                let relay_state = relay_state.map(str::to_owned);
                Some(Self::Post { is_request: field == "SAMLRequest", xml, relay_state })
            }
        }
    }

    fn is_request(&self) -> bool {
        match self {
            Self::Redirect(query) => query.kind() == orgate_saml::binding::MessageKind::Request,
            Self::Post { is_request, .. } => *is_request,
        }
    }

    /// What the answer to a request gives back (SAML bindings §3.4.3, §3.5.3).
    fn relay_state(&self) -> Option<&str> {
        match self {
            Self::Redirect(query) => query.relay_state(),
            Self::Post { relay_state, .. } => relay_state.as_deref(),
        }
    }

    fn incoming(&self) -> IncomingLogout<'_> {
        match self {
            Self::Redirect(query) => IncomingLogout::Redirect(query),
            Self::Post { xml, .. } => IncomingLogout::Post(xml),
        }
    }
}

async fn answer(
    arrival: &Arrival<'_>,
    settings: &orgate_domain::connections::SamlSettings,
    (request, relay_state): (ReceivedLogoutRequest, Option<String>),
    keys: &std::sync::Arc<super::saml_keys::SamlKeys>,
) -> Result<LogoutReceived, Failure> {
    let (subject, sids) = (request.name_id.value.as_str(), &request.session_indexes);
    if arrival.end(&request.id, Some(subject), sids).await?.is_none() {
        arrival.refuse("replayed_logout").await?;
        return Ok(LogoutReceived::Refused);
    }
    let destination = settings.slo_response_url.clone().or_else(|| settings.slo_url.clone());
    let Some(destination) = destination else { return Ok(LogoutReceived::Answered) };
    let env = arrival.env;
    let issuer = entity_id(env, &arrival.scope, arrival.connection.id);
    let binding = settings.slo_binding;
    let (id, now, keys) = (message_id(env.random.bytes()?), env.clock.now(), std::sync::Arc::clone(keys));
    let sign = move || {
        let response = LogoutResponse {
            id: &id,
            issue_instant: now,
            destination: &destination,
            issuer: &issuer,
            in_response_to: &request.id,
            status: LogoutStatus::Success,
        };
        let relay_state = relay_state.as_deref();
        match binding {
            SamlBinding::Redirect => {
                response.redirect_url(relay_state, &keys.signing).ok().map(Departure::Redirect)
            }
            SamlBinding::Post => response.post_form(&keys.signing).ok().map(|form| {
                let relayed = relay_state.map(|text| ("RelayState", text.to_owned()));
                let fields = [(form.field, form.value)].into_iter().chain(relayed).collect();
                Departure::Post { to: form.action, fields }
            }),
        }
    };
    let answer = env.heavy.run(sign).await?;
    Ok(answer.map_or(LogoutReceived::Answered, LogoutReceived::Answer))
}

/// Why a logout token is refused: one text for the provider, the rest is in the event.
#[derive(Debug, thiserror::Error)]
pub enum BackChannelError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// It is not one of this connection's provider, for us, now.
    #[error("the logout token is not valid")]
    Invalid,
}

/// Takes a logout token (Back-Channel Logout §2.6).
///
/// # Errors
/// [`BackChannelError`].
pub async fn receive_logout_token(
    env: &Env,
    at: (OrgId, ConnectionId),
    token: &str,
    origin: &Origin,
) -> Result<(), BackChannelError> {
    let Some(arrival) = Arrival::find(env, at, origin).await? else { return Err(BackChannelError::Invalid) };
    let ProviderSettings::Oidc(settings) = &arrival.version.settings.provider else {
        return Err(BackChannelError::Invalid);
    };
    // Needed by the type only: a logout token answers no request.
    let state = Credential::new(arrival.scope.org_id(), &[0; 32]);
    let oidc = Oidc {
        env,
        settings,
        version: &arrival.version,
        state: &state,
        derived_by: &[],
        callback: String::new(),
    };
    let verified = verify(&oidc, token).await;
    let claims = match verified {
        Ok(claims) => claims,
        Err(reason) => {
            arrival.refuse(reason).await?;
            return Err(BackChannelError::Invalid);
        }
    };
    let jti = text(&claims, "jti").unwrap_or_default();
    let sids: Vec<String> = text(&claims, "sid").map(str::to_owned).into_iter().collect();
    // A session is named for itself; without one, all sessions of the subject are meant.
    let subject = if sids.is_empty() { text(&claims, "sub") } else { None };
    if arrival.end(jti, subject, &sids).await?.is_none() {
        arrival.refuse("replayed_logout").await?;
        return Err(BackChannelError::Invalid);
    }
    Ok(())
}

/// Every check of a logout token, in the specification's order; the reason of the first that fails.
async fn verify(oidc: &Oidc<'_>, token: &str) -> Result<Map<String, Value>, &'static str> {
    let parsed = Unverified::parse(token).map_err(|_| "malformed_logout")?;
    if parsed.typ.as_deref().is_some_and(|typ| !matches!(typ, "logout+jwt" | "jwt")) {
        return Err("logout_type");
    }
    let provider = oidc.env.providers.find(&oidc.env.outgoing, &oidc.settings.issuer).await;
    let provider = provider.map_err(|_| "provider_unavailable")?;
    let mut trace = Trace::default();
    check_signature(oidc, &provider, &parsed, &mut trace).await.map_err(|refusal| match refusal {
        Refusal::Rejected(rejection) => rejection.check,
        Refusal::Upstream(_) => "provider_unavailable",
    })?;
    let claims = parsed.claims;
    check_issuer(&claims, oidc.settings, &mut trace).map_err(|rejection| rejection.check)?;
    check_audience(&claims, &oidc.settings.client_id, &mut trace).map_err(|rejection| rejection.check)?;
    check_times(&claims, oidc.env.clock.now(), &mut trace).map_err(|rejection| rejection.check)?;
    let is_event = claims.get("events").and_then(|events| events.get(EVENT)).is_some_and(Value::is_object);
    if !is_event {
        return Err("logout_event");
    }
    if claims.contains_key("nonce") {
        return Err("nonce"); // an ID token, presented as a logout token
    }
    let bounded = |name| text(&claims, name).is_some_and(|text| !text.is_empty() && text.len() <= 512);
    if !bounded("jti") {
        return Err("jti");
    }
    if !bounded("sub") && !bounded("sid") {
        return Err("sub");
    }
    Ok(claims)
}
