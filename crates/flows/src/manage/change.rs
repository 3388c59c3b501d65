//! What all changes have in common: one transaction, nothing twice, nothing above the caller, and an owner to the end.

use std::ops::{Deref, DerefMut};

use orgate_domain::credentials::SecretHash;
use orgate_domain::permissions::EVERYTHING;
use orgate_domain::policies::SsoEnforcement;
use orgate_storage::{Answered, OrgTx, StorageError};
use uuid::Uuid;

use super::Caller;
use crate::limits::Turn;
use crate::random::NoRandomness;
use crate::way_in::{check_way_in, enforcement_in, inherited};
use crate::{Env, Failure};

/// The request's key came with another request before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this Idempotency-Key was used for another request; use a key of its own for each")]
pub struct KeyReused;

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// More would be given than the caller may give, or taken from somebody who stands above them.
    #[error("{detail}")]
    Above {
        /// Where in the request (RFC 6901); empty: in the whole of it.
        pointer: String,
        /// What, and what it takes.
        detail: String,
    },
    /// The work could not be done; trying again may help.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// What the same request made before has gone since.
    #[error("what this request made has gone since; use another Idempotency-Key to make it anew")]
    Gone,
    /// Somebody or something has it still.
    #[error("{0}")]
    InUse(String),
    /// Something in the request cannot be.
    #[error("{detail}")]
    Invalid {
        /// Where (RFC 6901).
        pointer: String,
        /// What is wrong, and what is allowed.
        detail: String,
    },
    /// See [`KeyReused`].
    #[error(transparent)]
    KeyReused(#[from] KeyReused),
    /// The organization would be without an owner.
    #[error("the organization would have no owner left; make somebody else one first")]
    LastOwner,
    /// There is no such thing in the organization.
    #[error("there is no such thing in this organization")]
    Missing,
    /// It was changed since it was read.
    #[error("it was changed since you read it; read it again, and decide anew")]
    Stale,
    /// A name that is unique is another's.
    #[error("{detail}")]
    Taken {
        /// Where (RFC 6901).
        pointer: String,
        /// Whose it is.
        detail: String,
    },
    /// There are as many as there may be.
    #[error("{0}")]
    TooMany(String),
}

impl From<StorageError> for ChangeError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<NoRandomness> for ChangeError {
    fn from(error: NoRandomness) -> Self {
        Self::Failure(error.into())
    }
}

impl ChangeError {
    /// Something that cannot be.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.into() }
    }

    pub(super) fn above(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Above { pointer: pointer.into(), detail: detail.into() }
    }

    /// A broken constraint of uniqueness, in words; everything else as it is.
    pub(super) fn taken(failure: Failure, (pointer, detail): (&str, &str)) -> Self {
        match failure {
            Failure::Storage(StorageError::Conflict { .. }) => {
                Self::Taken { pointer: pointer.to_owned(), detail: detail.to_owned() }
            }
            failure => Self::Failure(failure),
        }
    }
}

/// A request that is told from others by a key of its own (draft-ietf-httpapi-idempotency-key-header): sent again, it makes
/// nothing twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    key: SecretHash,
    request: SecretHash,
}

impl Once {
    /// Of the request with this key, which asks for this operation with this body.
    pub fn new(key: &str, operation: &str, body: &[u8]) -> Self {
        let request = [operation.as_bytes(), b"\n", body].concat();
        Self { key: SecretHash::of(key.as_bytes()), request: SecretHash::of(&request) }
    }
}

/// A change of anything. It is borrowed from, and not taken apart: a turn is over when nobody has it.
pub(super) struct Change {
    pub(super) tx: OrgTx,
    /// Whoever makes it, by what they hold now that it is their turn.
    pub(super) caller: Caller,
    turn: Turn,
}

impl Change {
    /// Begins one, with what `lock` waits for.
    pub(super) async fn begin(
        env: &Env,
        caller: &Caller,
        lock: impl AsyncFnOnce(&mut OrgTx) -> Result<(), StorageError>,
    ) -> Result<Self, ChangeError> {
        // Before a connection to the database is held: those are for all organizations.
        let turn = env.limits.take_turn(caller.org_id(), caller.turn()).await.map_err(Failure::from)?;
        let at_home = caller.rights_at_home(env).await?;
        let mut tx = env.store.begin(&caller.scope).await?;
        lock(&mut tx).await?;
        let caller = caller.renewed(env, &mut tx, at_home).await?;
        Ok(Self { tx, caller, turn })
    }

    /// Makes it last.
    pub(super) async fn commit(self) -> Result<(), ChangeError> {
        Ok(self.tx.commit().await?)
    }

    /// Ends its transaction, for others to decide in a moment: the caller, by what they hold now, and their turn.
    pub(super) async fn hand_over(self) -> Result<(Caller, Turn), ChangeError> {
        self.tx.commit().await?;
        Ok((self.caller, self.turn))
    }
}

/// A change of who may do what. Others of its kind wait for it.
pub(super) struct ChangeOfRights {
    change: Change,
    had_owner: bool,
    /// Where it may shut somebody out: for whom SSO is enforced, and left a way in before.
    way_in: Option<SsoEnforcement>,
}

impl Deref for ChangeOfRights {
    type Target = Change;

    fn deref(&self) -> &Change {
        &self.change
    }
}

impl DerefMut for ChangeOfRights {
    fn deref_mut(&mut self) -> &mut Change {
        &mut self.change
    }
}

impl ChangeOfRights {
    pub(super) async fn begin(env: &Env, caller: &Caller) -> Result<Self, ChangeError> {
        let mut change = Change::begin(env, caller, async |tx| tx.roles().seize().await).await?;
        let had_owner = change.tx.roles().is_held(EVERYTHING).await?;
        Ok(Self { change, had_owner, way_in: None })
    }

    /// Begins one after which somebody could perhaps not sign in any more, or have no rights: sign-ins that are about to begin a
    /// session wait for it, and so do changes of policies and connections.
    pub(super) async fn begin_shutting_out(env: &Env, caller: &Caller) -> Result<Self, ChangeError> {
        let above = inherited(env, &caller.scope).await?;
        let lock = async |tx: &mut OrgTx| {
            tx.users().seize(None).await?; // before anything that a sign-in may wait for
            tx.roles().seize().await
        };
        let mut change = Change::begin(env, caller, lock).await?;
        let tx = &mut change.tx;
        let had_owner = tx.roles().is_held(EVERYTHING).await?;
        let enforcement = enforcement_in(tx, &above).await?;
        let way_in = check_way_in(tx, enforcement).await?.ok().map(|()| enforcement);
        Ok(Self { change, had_owner, way_in })
    }

    /// Makes it last, unless it takes the organization its last owner. One that has none, because a file or an identity
    /// provider says who may do what, is not asked for one. Nor does it close the way in that enforced SSO left.
    pub(super) async fn commit(mut self) -> Result<(), ChangeError> {
        let tx = &mut self.change.tx;
        if self.had_owner && !tx.roles().is_held(EVERYTHING).await? {
            return Err(ChangeError::LastOwner);
        }
        if let Some(enforcement) = self.way_in {
            check_way_in(tx, enforcement).await?.map_err(|none| ChangeError::InUse(none.to_string()))?;
        }
        self.change.commit().await
    }
}

impl Once {
    /// Keeps that the request makes `subject`; what the same one made before, if it did.
    pub(crate) async fn claim(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        subject: Uuid,
    ) -> Result<Result<Option<Uuid>, KeyReused>, StorageError> {
        let answered = Answered { request: self.request, made: subject };
        if tx.idempotency_keys().insert(&self.key, &answered, env.clock.now()).await? {
            return Ok(Ok(None));
        }
        let before = tx.idempotency_keys().find(&self.key).await?;
        Ok(match before {
            Some(before) if before.request == self.request => Ok(Some(before.made)),
            _ => Err(KeyReused),
        })
    }

    /// Gives the key back, of what was not made.
    pub(crate) async fn release(&self, tx: &mut OrgTx, made: Uuid) -> Result<(), StorageError> {
        tx.idempotency_keys().delete(&self.key, made).await
    }
}

impl Caller {
    /// A request's key as the caller's own: another's of the same name is another key.
    pub(super) fn own(&self, once: &Once) -> Once {
        let (client, id) = (self.client.1.to_string(), self.id());
        let by = self.by.key().map(|key| format!(" {key}")).unwrap_or_default();
        let own = [format!("{client} {id}{by} ").as_bytes(), once.key.as_bytes()].concat();
        Once { key: SecretHash::of(&own), request: once.request }
    }

    /// Keeps that a request makes `subject`; what one with the same key, of the same caller, made before, if there is one.
    pub(super) async fn claim(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        once: Option<&Once>,
        subject: Uuid,
    ) -> Result<Option<Uuid>, ChangeError> {
        match once {
            Some(once) => Ok(self.own(once).claim(env, tx, subject).await??),
            None => Ok(None),
        }
    }

    /// The same, before anything is done for it: what was made by this key already.
    pub(super) async fn find_made(
        &self,
        env: &Env,
        once: Option<&Once>,
    ) -> Result<Option<Uuid>, ChangeError> {
        let Some(once) = once.map(|once| self.own(once)) else { return Ok(None) };
        let mut tx = env.store.begin(&self.scope).await?;
        let before = tx.idempotency_keys().find(&once.key).await?;
        tx.commit().await?;
        match before {
            Some(before) if before.request != once.request => Err(KeyReused.into()),
            before => Ok(before.map(|before| before.made)),
        }
    }

    /// Makes a change; a refusal of it is recorded.
    pub(super) async fn conclude<T>(
        &self,
        env: &Env,
        change: impl Future<Output = Result<T, ChangeError>>,
    ) -> Result<T, ChangeError> {
        let done = change.await;
        let refused = match &done {
            Err(ChangeError::Above { pointer, .. }) => Some(("beyond_caller", ("at", pointer.as_str()))),
            Err(ChangeError::LastOwner) => Some(("last_owner", ("at", ""))),
            _ => None,
        };
        if let Some(refused) = refused {
            self.record_refusal(env, refused).await?;
        }
        done
    }
}
