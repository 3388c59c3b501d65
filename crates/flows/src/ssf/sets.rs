//! Security event tokens: what they say is decided once, and signed each time that they are sent.

use orgate_domain::clients::Client;
use orgate_domain::credentials::base32;
use orgate_domain::ids::{OrgId, StreamId};
use orgate_protocol::jose::{JoseError, SigningAlgorithm};
use orgate_protocol::ssf::{
    EventType, Identifier, SECURITY_EVENT_TYPE, SecurityEventClaims, StreamStatus, Subject,
};
use orgate_storage::{NewStreamEvent, StreamEvent, Waiting};
use serde_json::{Value, json};

use crate::keys::KeyError;
use crate::{Env, Failure};

/// What every implementation reads (CAEP Interoperability Profile §2.6): the receiver's choice for its ID tokens does
/// not count here.
pub(super) const ALGORITHM: SigningAlgorithm = SigningAlgorithm::Rs256;

/// In which organization something happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) org_id: OrgId,
    pub(super) org_name: &'a str,
    /// Who says so.
    pub(super) issuer: &'a str,
}

/// What is told of it.
#[derive(Debug)]
pub(super) struct Told<'a> {
    pub(super) event: EventType,
    pub(super) sub_id: Value,
    pub(super) txn: Option<String>,
    pub(super) claims: &'a Value,
}

impl Place<'_> {
    /// An event for one stream.
    pub(super) fn tell(&self, env: &Env, told: Told<'_>) -> Result<NewStreamEvent, Failure> {
        let jti = base32::encode(&env.random.bytes::<16>()?);
        let claims = SecurityEventClaims {
            iss: self.issuer.to_owned(),
            iat: env.clock.now().timestamp(),
            jti: jti.clone(),
            aud: None,
            txn: told.txn,
            sub_id: told.sub_id,
            org_id: self.org_id.to_string(),
            org_name: self.org_name.to_owned(),
            events: SecurityEventClaims::events(told.event, told.claims),
        };
        let claims = serde_json::to_value(claims).map_err(|_| KeyError::Jose(JoseError::Claims))?;
        let kind = match told.event {
            EventType::StreamUpdated => Waiting::Announcement,
            _ => Waiting::Event,
        };
        Ok(NewStreamEvent { jti, claims, kind })
    }

    /// The stream says that its status changed (SSF §8.1.5).
    pub(super) fn announce(
        &self,
        env: &Env,
        stream: StreamId,
        (status, reason): (StreamStatus, Option<&str>),
    ) -> Result<NewStreamEvent, Failure> {
        let claims = match reason {
            Some(reason) => json!({ "status": status, "reason": reason }),
            None => json!({ "status": status }),
        };
        let sub_id = of_stream(stream);
        self.tell(env, Told { event: EventType::StreamUpdated, sub_id, txn: None, claims: &claims })
    }
}

/// A stream as what an event is about.
pub(super) fn of_stream(stream: StreamId) -> Value {
    Subject::Simple(Identifier::Opaque(stream.to_string())).to_json()
}

/// The token of an event, for its receiver. Each time it is sent it is signed anew, by the key of then, and keeps its id.
pub(super) async fn sign(
    env: &Env,
    issuer: &str,
    (receiver, event): (&Client, &StreamEvent),
) -> Result<String, Failure> {
    let malformed = || KeyError::Jose(JoseError::Claims);
    let stored: SecurityEventClaims =
        serde_json::from_value(event.claims.clone()).map_err(|_| malformed())?;
    let claims = SecurityEventClaims { aud: Some(receiver.client_id.clone()), ..stored };
    let payload = serde_json::to_vec(&claims).map_err(|_| malformed())?;
    Ok(env.keys.sign(env, issuer, ALGORITHM, (SECURITY_EVENT_TYPE, payload)).await?)
}
