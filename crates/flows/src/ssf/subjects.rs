//! A receiver says whom it wants to hear of (SSF §8.1.3). It hears of everybody, but for those it removed.

use orgate_domain::audit::{Action, Origin};
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, SessionId, UserId};
use orgate_domain::streams::{EventSubject, Exclusion, MAX_EXCLUSIONS};
use orgate_protocol::ssf::{Identifier, Subject, SubjectRequest};
use orgate_storage::{OrgTx, StorageError};

use super::{Managed, Receiver, done};
use crate::{Env, Failure};

/// What a receiver wants of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To hear of it, as at first.
    Add,
    /// To hear no more of it.
    Remove,
}

/// What a name stands for here.
#[derive(Debug, Clone, Copy)]
enum Part {
    Session(SessionId),
    Tenant,
    User(UserId),
}

/// Follows a receiver's wish. A subject that is nobody's here is answered like any other: the answer would tell who is
/// (SSF §9.1).
///
/// # Errors
/// [`Failure`].
pub async fn wish(
    env: &Env,
    receiver: &Receiver,
    (request, wish): (&SubjectRequest, Wish),
    origin: &Origin,
) -> Result<Managed<()>, Failure> {
    let Ok(id) = request.stream_id.parse() else { return Ok(Managed::Unknown) };
    let now = env.clock.now();
    let mut tx = env.store.begin(&receiver.scope).await?;
    if tx.event_streams().lock(id, receiver.holder()).await?.is_none() {
        return Ok(Managed::Unknown);
    }
    let Some(exclusion) = understood(receiver, &mut tx, &request.subject).await? else {
        return Ok(Managed::Done(()));
    };
    let change = match wish {
        Wish::Add => {
            tx.event_streams().include(id, &exclusion).await?;
            "subject_added"
        }
        Wish::Remove if tx.event_streams().exclude(id, &exclusion, (MAX_EXCLUSIONS, now)).await? => {
            "subject_removed"
        }
        Wish::Remove => return Ok(Managed::TooManySubjects),
    };
    let mut event = done(env, (receiver, origin), (Action::StreamConfigured, id))?;
    event.detail.extend([("change", change.to_owned()), ("subject", exclusion.as_str().to_owned())]);
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(Managed::Done(()))
}

/// What a subject says, if every part of it is something here.
async fn understood(
    receiver: &Receiver,
    tx: &mut OrgTx,
    subject: &Subject,
) -> Result<Option<Exclusion>, StorageError> {
    let named: Vec<(&str, &Identifier)> = match subject {
        Subject::Simple(identifier) => vec![("", identifier)],
        Subject::Complex(parts) => parts.iter().map(|(name, part)| (name.as_str(), part)).collect(),
    };
    let (mut tenant, mut about) = (None, EventSubject::default());
    for (name, identifier) in named {
        match (name, part(receiver, tx, identifier).await?) {
            ("" | "tenant", Some(Part::Tenant)) => tenant = Some(()),
            ("" | "user", Some(Part::User(user))) => about.user = Some(user),
            ("" | "session", Some(Part::Session(session))) => about.session = Some(session),
            _ => return Ok(None),
        }
    }
    Ok(Exclusion::new(tenant, about))
}

async fn part(
    receiver: &Receiver,
    tx: &mut OrgTx,
    identifier: &Identifier,
) -> Result<Option<Part>, StorageError> {
    Ok(match identifier {
        Identifier::Email(text) => match Email::parse(text) {
            Ok(email) => tx.users().find_by_email(&email).await?.map(|user| Part::User(user.id)),
            Err(_) => None,
        },
        Identifier::IssSub { iss, sub } if iss == receiver.issuer.as_str() => {
            sub.parse().ok().map(Part::User)
        }
        Identifier::Opaque(id) => {
            let tenant =
                id.parse::<OrgId>().ok().filter(|org_id| *org_id == tx.org_id()).map(|_| Part::Tenant);
            let session = || id.parse().ok().map(Part::Session);
            tenant.or_else(session).or_else(|| id.parse().ok().map(Part::User))
        }
        Identifier::IssSub { .. } | Identifier::Other => None,
    })
}
