//! The browser is back from an organization's identity provider.

use std::sync::Arc;

use chrono::Duration;
use orgate_domain::audit::{Action, Event};
use orgate_domain::connections::{ConnectionState, EntryPath, Mapped, ProviderSettings};
use orgate_domain::credentials::{Credential, UpstreamState};
use orgate_domain::ids::{ConnectionId, OrgId, TraceId, UserId};
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::policies::Policy;
use orgate_domain::sessions::SignInMethod;
use orgate_storage::{
    Connection, OrgScope, OrgTx, StorageError, StoredUpstreamRequest, UpstreamEnd, UpstreamPurpose,
};

use super::ceiling::cut;
use super::identify::{Identification, connection_of};
use super::invited::finish_invitation;
use super::link::finish_link;
use super::oidc::{Oidc, Refusal};
use super::saml::settings_of;
use super::trace::{Rejection, Trace};
use super::{UpstreamIdentity, Version, address, version_of};
use crate::authorize::{Answer as ClientAnswer, refusal};
use crate::complete::{Completed, Completion, Proven, SignedIn};
use crate::invitations::Closed;
use crate::invitations::accept::Joined;
use crate::limits::Limited;
use crate::vault::Purpose;
use crate::waiting::{Found, Waiting, WaitingError};
use crate::{Browser, Env, Failure, events};

pub use super::oidc::Answer;
pub use super::refused::RefusedReturn;

/// How far a provider's clock may be from ours.
const SKEW: Duration = Duration::minutes(2);

/// How it ended.
#[derive(Debug)]
pub enum Returned {
    /// They are signed in.
    SignedIn(Box<SignedIn>),
    /// Somebody else signed in than the application asked for, or less surely: it is told.
    NotAsAsked(Box<ClientAnswer>),
    /// The identity is linked to the user who was signed in, in this organization; the other is the connection's name.
    Linked(Option<Box<Organization>>, String),
    /// They are a user now, and signed in.
    Joined(Box<Joined>),
    /// The invitation that they came by is good no more.
    InvitationClosed(Closed),
    /// The test is over; its trace says how.
    Tested(ConnectionId, TraceId),
    /// Refused: a page says so, with the id of the request. The authorization request goes on waiting
    /// under a new handle, for another way to sign in.
    Refused(Box<RefusedReturn>),
}

/// Takes an OpenID provider's answer. `at` are the organization and the connection that the address
/// names: a state of anything else is refused.
///
/// # Errors
/// [`WaitingError::Over`] for a state that is unknown, used, lapsed, of another connection or of
/// another browser: one answer for all.
pub async fn receive_oidc(
    env: &Env,
    at: (OrgId, ConnectionId),
    state: &str,
    answer: &Answer<'_>,
    browser: &Browser,
) -> Result<Returned, WaitingError> {
    env.limits.take(Limited::Pages, browser.origin.address).map_err(Failure::from)?;
    let state = Credential::<UpstreamState>::parse(state).map_err(|_| WaitingError::Over)?;
    let scope = OrgScope::of_credential(&state);
    let found = find_request(env, &scope, &state, (at, browser)).await?;
    let (connection_id, version_number) = (found.0.request.connection_id, found.0.request.version);
    let version = version_of(env, &scope, (connection_id, version_number)).await?;
    let ProviderSettings::Oidc(settings) = &version.settings.provider else {
        return Err(WaitingError::Over);
    };
    let derived_by = found.0.request.derived_by.clone();
    let returning = Returning::prepare(env, scope, found, Arc::clone(&version), browser).await?;
    let mut trace = Trace::default();
    let callback = address(env, &scope, connection_id, "/callback");
    let oidc = Oidc { env, settings, version: &version, state: &state, derived_by: &derived_by, callback };
    let max_age = returning.waiting.as_ref().and_then(|waiting| waiting.asked().max_age);
    match oidc.redeem(answer, max_age, &mut trace).await {
        Ok(identity) => returning.accept(identity, trace).await,
        Err(Refusal::Rejected(rejection)) => returning.reject(rejection, trace).await,
        Err(Refusal::Upstream(error)) => returning.fail(&error, trace).await,
    }
}

/// The request that a state belongs to, in this browser, with the authorization request that it is for, if it
/// is for one.
pub(super) async fn find_request(
    env: &Env,
    scope: &OrgScope,
    state: &Credential<UpstreamState>,
    (at, browser): ((OrgId, ConnectionId), &Browser),
) -> Result<(StoredUpstreamRequest, Option<Found>), WaitingError> {
    let mut tx = env.store.begin(scope).await.map_err(Failure::from)?;
    let found = tx.upstream().find(&state.hash()).await.map_err(Failure::from)?;
    let waiting = match found.as_ref().map(|found| &found.request.purpose) {
        Some(UpstreamPurpose::SignIn(handle)) => Some(Found::read(&mut tx, handle).await?),
        Some(UpstreamPurpose::Test | UpstreamPurpose::Link(_) | UpstreamPurpose::Invitation(_)) | None => {
            None
        }
    };
    tx.commit().await.map_err(Failure::from)?;
    let Some(found) = found else {
        // Whether the address names a connection of this organization is not known: it is anybody's text.
        return over(env, at.0, ("unknown_state", None), browser).await;
    };
    let request = &found.request;
    let reason = if (scope.org_id(), request.connection_id) != at {
        // The organization whose state it is learns of it; the address is another's.
        Some("other_connection")
    } else if !request.browser.matches(&browser.binding) {
        Some("other_browser")
    } else if found.consumed_at.is_some() {
        Some("replayed_state")
    } else if env.clock.now() >= request.expires_at {
        Some("lapsed_state")
    } else {
        None
    };
    match reason {
        None => Ok((found, waiting)),
        Some(reason) => over(env, scope.org_id(), (reason, Some(request.connection_id)), browser).await,
    }
}

/// Refuses with an event in the organization, if there is one.
async fn over<T>(
    env: &Env,
    org_id: OrgId,
    (reason, connection): (&'static str, Option<ConnectionId>),
    browser: &Browser,
) -> Result<T, WaitingError> {
    env.limits.take(Limited::Refusals, browser.origin.address).map_err(Failure::from)?;
    let hint = orgate_storage::system::OrgHint::Id(org_id);
    if let Some(organization) = env.store.resolve(hint).await.map_err(Failure::from)? {
        let event =
            events::refused(env, Action::UpstreamRefused, reason, &browser.origin).map_err(Failure::from)?;
        let event = Event { detail: connection.map(connection_of).unwrap_or_default(), ..event };
        env.refusals.record(env, &organization.scope, event).await.map_err(Failure::from)?;
    }
    Err(WaitingError::Over)
}

/// A browser that is back, with what it was sent for.
pub(super) struct Returning<'a> {
    pub(super) env: &'a Env,
    pub(super) scope: OrgScope,
    pub(super) request: StoredUpstreamRequest,
    pub(super) version: Arc<Version>,
    /// The authorization request that it is for, if it is for one.
    pub(super) waiting: Option<Waiting>,
    pub(super) browser: &'a Browser,
}

/// Who signs in, through what.
struct Decided {
    connection: Connection,
    user_id: UserId,
    /// As it is mapped: what the user is bound by.
    subject: String,
}

impl<'a> Returning<'a> {
    pub(super) async fn prepare(
        env: &'a Env,
        scope: OrgScope,
        (request, waiting): (StoredUpstreamRequest, Option<Found>),
        version: Arc<Version>,
        browser: &'a Browser,
    ) -> Result<Self, WaitingError> {
        let waiting = match waiting {
            Some(found) => Some(found.take_up(env, scope, browser).await?),
            None => None,
        };
        Ok(Self { env, scope, request, version, waiting, browser })
    }

    /// The identity provider's word is good: signs in, or ends the test.
    pub(super) async fn accept(
        self,
        identity: UpstreamIdentity,
        trace: Trace,
    ) -> Result<Returned, WaitingError> {
        match &self.waiting {
            Some(waiting) => self.sign_in(waiting, identity, trace).await,
            None => match self.request.request.purpose {
                UpstreamPurpose::Link(user_id) => finish_link(&self, user_id, &identity, trace).await,
                UpstreamPurpose::Invitation(id) => finish_invitation(&self, id, identity, trace).await,
                UpstreamPurpose::SignIn(_) | UpstreamPurpose::Test => self.end_test(&identity, trace).await,
            },
        }
    }

    async fn sign_in(
        &self,
        waiting: &Waiting,
        identity: UpstreamIdentity,
        mut trace: Trace,
    ) -> Result<Returned, WaitingError> {
        let env = self.env;
        let policy = env.configuration.policy(&env.store, &self.scope).await.map_err(Failure::from)?;
        let completion = Completion::prepare(env, waiting, &policy, self.browser).await?;
        let logout = self.seal_logout(&identity).await?;
        let decided = self.decide_in_turn((waiting, &identity, &policy), &mut trace).await?;
        let (tx, Decided { connection, user_id, subject }) = match decided {
            Ok(decided) => decided,
            Err(rejection) => return self.reject(rejection, trace).await,
        };
        // No trace: what was asserted of people is kept only to mend a refusal, or to show a test.
        let proven = Proven {
            user_id,
            method: SignInMethod::Connection(connection.id),
            amr: identity.amr,
            auth_time: identity.auth_time.unwrap_or_else(|| env.clock.now()),
            ends_by: identity.ends_by,
            upstream: Some(UpstreamEnd {
                subject: identity.named,
                identity: Some((self.version.settings.provider.identifier().to_owned(), subject)),
                sid: identity.sid,
                logout,
            }),
        };
        match completion.finish(tx, proven).await? {
            Completed::SignedIn(done) => Ok(Returned::SignedIn(done)),
            Completed::NotAsAsked(answer) => Ok(Returned::NotAsAsked(answer)),
            Completed::Over => Err(WaitingError::Over),
        }
    }

    /// Decides in a transaction that is kept if nothing was refused. Who signs in for the first time in
    /// several tabs at once is made once: the others find them when they try again.
    async fn decide_in_turn(
        &self,
        about: (&Waiting, &UpstreamIdentity, &Policy),
        trace: &mut Trace,
    ) -> Result<Result<(OrgTx, Decided), Rejection>, WaitingError> {
        for _ in 0..2 {
            let (mut tx, mut attempt) = (self.begin().await?, trace.clone());
            match self.decide(&mut tx, about, &mut attempt).await {
                Err(WaitingError::Failure(Failure::Storage(StorageError::Conflict { .. }))) => {}
                Err(WaitingError::Failure(Failure::NoSeat(none))) => {
                    return Ok(Err(trace.fail("no_seat", none.to_string())));
                }
                Err(error) => return Err(error),
                Ok(decided) => {
                    *trace = attempt;
                    return Ok(decided.map(|decided| (tx, decided)));
                }
            }
        }
        Ok(Err(
            trace.fail("identity_changed", "the identity, or its address, became another user's meanwhile")
        ))
    }

    /// Everything that decides, in the transaction that signs in: the request's one use, the
    /// connection's state, the organization, the client, and who it is.
    async fn decide(
        &self,
        tx: &mut OrgTx,
        (waiting, identity, policy): (&Waiting, &UpstreamIdentity, &Policy),
        trace: &mut Trace,
    ) -> Result<Result<Decided, Rejection>, WaitingError> {
        let now = self.env.clock.now();
        // Also has whoever switches the connection off wait, before its state is looked at.
        if !tx.upstream().consume_and_hold(&self.request.request.state, now).await.map_err(Failure::from)? {
            return Err(WaitingError::Over);
        }
        let client = &waiting.pending.client;
        let found = tx.organization().find_with(client.key()).await;
        let (organization, admission) = found.map_err(Failure::from)?;
        if refusal(client, policy, (organization, admission)).is_some() {
            return Err(WaitingError::Over);
        }
        let connection = self.connection(tx).await?;
        if let Err(rejection) = self.check_fresh(waiting, identity, trace) {
            return Ok(Err(rejection));
        }
        let mapped = match self.map(tx, &connection, identity, trace).await? {
            Ok(mapped) => mapped,
            Err(rejection) => return Ok(Err(rejection)),
        };
        // In any other state it makes no difference; and only an address of their own counts: what is merely
        // asserted may be anybody's.
        let in_pilot = connection.state == ConnectionState::Pilot;
        let piloted = match mapped.address.own().filter(|_| in_pilot) {
            Some(email) => tx.connections().is_piloted(connection.id, email).await.map_err(Failure::from)?,
            None => false,
        };
        if let Err(refusal) = connection.state.admits(EntryPath::SignIn, piloted.into()) {
            let why = "the connection is not active, or this user is not in its pilot";
            return Ok(Err(trace.fail(refusal.as_str(), why)));
        }
        if let Err(rejection) = self.check_current(&connection, trace) {
            return Ok(Err(rejection));
        }
        let identification = Identification {
            env: self.env,
            connection: &connection,
            settings: &self.version.settings,
            mapped: &mapped,
            browser: self.browser,
        };
        let found = match identification.find(tx, trace).await? {
            Ok(found) => found,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let user_id = identification.apply(tx, &found).await?;
        Ok(Ok(Decided { connection, user_id, subject: mapped.subject }))
    }

    /// Whoever was to prove who they are anew must have done so since they left, and no longer ago than
    /// the application asked (OIDC Core §3.1.2.1), as far as the provider says when it was.
    fn check_fresh(
        &self,
        waiting: &Waiting,
        identity: &UpstreamIdentity,
        trace: &mut Trace,
    ) -> Result<(), Rejection> {
        let asked = waiting.asked();
        let Some(at) = identity.auth_time else {
            // Whoever named an age must be told one (OIDC Core §3.1.3.7).
            return trace.check("auth_time", asked.max_age.is_none(), || {
                "the application asked how long ago they signed in, and the provider does not say (auth_time)".to_owned()
            });
        };
        let by_connection = settings_of(&self.version.settings.provider).is_some_and(|saml| saml.force_authn);
        let since_departure = at + SKEW >= self.request.request.created_at;
        let limit = asked.max_age.map(|seconds| Duration::seconds(i64::from(seconds)) + SKEW);
        let young = limit.is_none_or(|limit| self.env.clock.now() - at <= limit);
        let anew = by_connection || asked.demands_authentication();
        trace.check("auth_time", young && (since_departure || !anew), || {
            format!("a fresh sign-in was asked for, and the provider's is of {at}")
        })
    }

    /// What was replaced meanwhile, its keys and rules among it, signs nobody in any more.
    pub(super) fn check_current(&self, connection: &Connection, trace: &mut Trace) -> Result<(), Rejection> {
        let begun = self.request.request.version;
        trace.check("connection_changed", connection.live_version == Some(begun), || {
            format!("the sign-in was begun by version {begun}, which another has replaced: begin again")
        })
    }

    pub(super) async fn map(
        &self,
        tx: &mut OrgTx,
        connection: &Connection,
        identity: &UpstreamIdentity,
        trace: &mut Trace,
    ) -> Result<Result<Mapped, Rejection>, Failure> {
        trace.identify(&identity.asserted);
        let serves = |domain: &_| connection.domains.iter().any(|verified| verified.covers(domain));
        let Ok(mut mapped) = self.version.settings.map(&identity.asserted, serves) else {
            let why = "the attribute that identifies users has no value, several, or one that is too long; a \
                       transient NameID identifies nobody: map an attribute instead, or ask for a persistent one";
            return Ok(Err(trace.fail("subject", why)));
        };
        trace.pass("subject", &mapped.subject);
        cut(tx, self.version.role_ceiling.as_ref(), &mut mapped, trace).await?;
        trace.map(&mapped);
        Ok(Ok(mapped))
    }

    /// A test that went through: nothing is changed but what is known of the connection.
    async fn end_test(
        &self,
        identity: &UpstreamIdentity,
        mut trace: Trace,
    ) -> Result<Returned, WaitingError> {
        let env = self.env;
        let mut tx = self.begin().await?;
        if !self.consume(&mut tx).await? {
            return Err(WaitingError::Over);
        }
        tx.connections().lock(self.request.request.connection_id).await.map_err(Failure::from)?;
        let mut connection = self.connection(&mut tx).await?;
        let organization = tx.organization().find().await.map_err(Failure::from)?;
        let active = organization.is_some_and(|organization| organization.status == OrgStatus::Active);
        if !active || connection.state.admits(EntryPath::Test, false.into()).is_err() {
            return Err(WaitingError::Over);
        }
        let failed = match self.map(&mut tx, &connection, identity, &mut trace).await? {
            Err(rejection) => Some(rejection),
            Ok(mapped) => {
                let identification = Identification {
                    env,
                    connection: &connection,
                    settings: &self.version.settings,
                    mapped: &mapped,
                    browser: self.browser,
                };
                identification.find(&mut tx, &mut trace).await?.err()
            }
        };
        if failed.is_none() {
            connection.tested_version = Some(self.request.request.version);
            if connection.state == ConnectionState::Draft {
                connection.state = ConnectionState::Tested;
            }
            tx.connections().update(&connection, env.clock.now()).await.map_err(Failure::from)?;
        }
        let id = self.conclude(tx, &trace, (Action::ConnectionTested, failed)).await?;
        Ok(Returned::Tested(connection.id, id))
    }

    /// Writes event and trace, and commits.
    pub(super) async fn conclude(
        &self,
        mut tx: OrgTx,
        trace: &Trace,
        (action, failed): (Action, Option<Rejection>),
    ) -> Result<TraceId, Failure> {
        let event = match failed {
            None => events::done(self.env, action, &self.browser.origin)?,
            Some(rejection) => events::refused(self.env, action, rejection.check, &self.browser.origin)?,
        };
        let event = Event {
            client: self.waiting.as_ref().map(|waiting| waiting.pending.client.key()),
            detail: connection_of(self.request.request.connection_id),
            ..event
        };
        tx.audit().insert(&event).await?;
        let id = self.save_trace(&mut tx, trace, failed).await?;
        tx.commit().await?;
        Ok(id)
    }

    async fn save_trace(
        &self,
        tx: &mut OrgTx,
        trace: &Trace,
        failed: Option<Rejection>,
    ) -> Result<TraceId, Failure> {
        let request = &self.request.request;
        let about = (request.connection_id, request.version, request.purpose.as_str());
        trace.save(self.env, tx, about, (failed, &self.browser.origin)).await
    }

    pub(super) async fn consume(&self, tx: &mut OrgTx) -> Result<bool, Failure> {
        Ok(tx.upstream().consume(&self.request.request.state, self.env.clock.now()).await?)
    }

    pub(super) async fn connection(&self, tx: &mut OrgTx) -> Result<Connection, WaitingError> {
        let found = tx.connections().find(self.request.request.connection_id).await;
        found.map_err(Failure::from)?.ok_or(WaitingError::Over)
    }

    pub(super) async fn begin(&self) -> Result<OrgTx, Failure> {
        Ok(self.env.store.begin(&self.scope).await?)
    }

    pub(super) async fn seal_logout(&self, identity: &UpstreamIdentity) -> Result<Option<Vec<u8>>, Failure> {
        let Some(plain) = &identity.logout else { return Ok(None) };
        let row = self.request.request.connection_id.to_string();
        let sealed =
            self.env.vault.seal(self.env, &self.scope, (Purpose::UpstreamLogout, &row), plain).await?;
        Ok(Some(sealed))
    }
}
