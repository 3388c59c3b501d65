//! Messages of the outbox, encrypted before the transaction that they wait in is opened.

use chrono::{DateTime, Utc};
use orgate_domain::ids::MessageId;
use orgate_storage::{NewMessage, OrgScope, OrgTx, StorageError};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::vault::Purpose;
use crate::{Env, Failure};

/// One that waits to be sent with the change that it is about.
#[derive(Debug)]
pub(crate) struct Sealed {
    id: MessageId,
    kind: &'static str,
    payload: Vec<u8>,
    at: DateTime<Utc>,
}

impl Sealed {
    /// Of what a message says: it rests encrypted, since what it says may be a secret.
    pub(crate) async fn of(
        env: &Env,
        scope: &OrgScope,
        kind: &'static str,
        says: &impl Serialize,
    ) -> Result<Self, Failure> {
        let plain = Zeroizing::new(serde_json::to_vec(says).unwrap_or_default());
        let at = env.clock.now();
        let id = MessageId::from_uuid(env.random.uuid(at)?);
        let payload = env.vault.seal(env, scope, (Purpose::Message, &id.to_string()), &plain).await?;
        Ok(Self { id, kind, payload, at })
    }

    /// As the outbox takes it.
    pub(crate) fn message(&self) -> NewMessage<'_> {
        NewMessage { id: self.id, kind: self.kind, payload: &self.payload, at: self.at }
    }

    /// Has it sent, if this transaction is committed.
    pub(crate) async fn send(&self, tx: &mut OrgTx) -> Result<(), StorageError> {
        tx.outbox().insert(&self.message()).await
    }
}
