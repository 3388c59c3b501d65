//! A client hears that a session of one of its users ended (OIDC Back-Channel Logout 1.0 §2.5).

use chrono::Duration;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::credentials::base32;
use orgate_domain::ids::{ClientId, OrgId, SessionId, UserId};
use orgate_protocol::jose::JoseError;
use orgate_protocol::jose::claims::{LOGOUT_TOKEN_TYPE, LogoutTokenClaims};
use orgate_storage::OrgScope;
use orgate_storage::system::OrgHint;
use serde::Deserialize;
use uuid::Uuid;

use crate::keys::KeyError;
use crate::outgoing::OutgoingError;
use crate::{Env, Failure, events};

/// The kind of its messages in the outbox.
pub(crate) const LOGOUT_NOTICE: &str = "backchannel_logout";

/// A client that does not answer is tried for this long.
pub(crate) const LOGOUT_LIMIT: Duration = Duration::hours(24);

/// A logout token is taken within this time (Back-Channel Logout §4 suggests two minutes).
const TOKEN_LIFETIME: Duration = Duration::minutes(2);

/// What the outbox holds: ids only.
#[derive(Debug, Deserialize)]
pub(crate) struct LogoutNotice {
    client_owner: Uuid,
    client_id: Uuid,
    issuer: String,
    user_id: Uuid,
    session_id: Uuid,
}

/// Why a client was not told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoticeError {
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The message is none.
    #[error("the message is malformed")]
    Malformed,
    /// The client did not take it.
    #[error("the client answered {0}")]
    Refused(u16),
    /// The client cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] OutgoingError),
}

impl LogoutNotice {
    pub(crate) fn parse(payload: &[u8]) -> Result<Self, NoticeError> {
        serde_json::from_slice(payload).map_err(|_| NoticeError::Malformed)
    }

    /// Tells the client, unless it wants to hear nothing any more. A client that says that the token is
    /// not valid (§2.8) is not asked again.
    pub(crate) async fn send(&self, env: &Env, scope: &OrgScope) -> Result<(), NoticeError> {
        let key = (OrgId::from_uuid(self.client_owner), ClientId::from_uuid(self.client_id));
        let client = env.configuration.client_by_id(&env.store, key).await.map_err(Failure::from)?;
        let Some(client) = client else { return Ok(()) };
        let Some(uri) = &client.settings.backchannel_logout_uri else { return Ok(()) };
        let resolved = env.store.resolve(OrgHint::Id(scope.org_id())).await.map_err(Failure::from)?;
        let Some(organization) = resolved else { return Ok(()) };
        let now = env.clock.now();
        let claims = LogoutTokenClaims {
            iss: self.issuer.clone(),
            sub: UserId::from_uuid(self.user_id).to_string(),
            aud: client.client_id.clone(),
            iat: now.timestamp(),
            exp: (now + TOKEN_LIFETIME).timestamp(),
            jti: base32::encode(&env.random.bytes::<16>().map_err(Failure::from)?),
            sid: SessionId::from_uuid(self.session_id).to_string(),
            org_id: scope.org_id().to_string(),
            org_name: organization.slug.to_string(),
            events: LogoutTokenClaims::events(),
        };
        let payload = serde_json::to_vec(&claims);
        let payload = payload.map_err(|_| Failure::from(KeyError::Jose(JoseError::Claims)))?;
        let token =
            env.keys.sign(env, &self.issuer, client.signing_algorithm, (LOGOUT_TOKEN_TYPE, payload)).await;
        let token = token.map_err(Failure::from)?;
        let body =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("logout_token", &token).finish();
        let request = http::Request::post(uri.as_str())
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into_bytes())
            .map_err(|_| NoticeError::Malformed)?;
        let status = env.outgoing.call(request).await?.status.as_u16();
        let outcome = match status {
            200..=299 => events::done(env, Action::ClientToldOfLogout, &Origin::default()),
            400 => {
                events::refused(env, Action::ClientToldOfLogout, "logout_token_refused", &Origin::default())
            }
            other => return Err(NoticeError::Refused(other)),
        };
        Ok(self.record(env, scope, outcome.map_err(Failure::from)?).await?)
    }

    /// The client is given up.
    pub(crate) async fn give_up(&self, env: &Env, scope: &OrgScope) -> Result<(), Failure> {
        let event = events::refused(env, Action::ClientToldOfLogout, "unreachable", &Origin::default())?;
        self.record(env, scope, event).await
    }

    async fn record(&self, env: &Env, scope: &OrgScope, event: Event) -> Result<(), Failure> {
        let event = Event {
            actor: Actor::System,
            user_id: Some(UserId::from_uuid(self.user_id)),
            session_id: Some(SessionId::from_uuid(self.session_id)),
            client: Some((OrgId::from_uuid(self.client_owner), ClientId::from_uuid(self.client_id))),
            ..event
        };
        let mut tx = env.store.begin(scope).await?;
        tx.audit().insert(&event).await?;
        Ok(tx.commit().await?)
    }
}
