//! A receiver says whom it wants to hear of (SSF §8.1.3). It hears of everybody, but for those it removed.

use orgate_domain::audit::{Action, Origin};
use orgate_domain::email::Email;
use orgate_domain::ids::{OrgId, SessionId};
use orgate_domain::streams::{ExcludedSubject, ExcludedUser, Exclusion, MAX_EXCLUSIONS};
use orgate_protocol::ssf::{Identifier, Subject, SubjectRequest};
use orgate_storage::{Excluded, OrgTx, StorageError};

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
#[derive(Debug)]
enum Part {
    Session(SessionId),
    Tenant,
    User(ExcludedUser),
}

/// Follows a receiver's wish. Whether a subject is somebody's here decides nothing of the answer: one that is nobody's is
/// kept, counted and answered like any other, or the receiver could find out whose is (SSF §9.1).
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
    let subject = understood(receiver, &request.subject);
    let exclusion = subject.as_ref().and_then(Exclusion::new);
    let now = env.clock.now();
    let mut tx = env.store.begin(&receiver.scope).await?;
    if tx.event_streams().lock(id, receiver.holder()).await?.is_none() {
        return Ok(Managed::Unknown);
    }
    let Some((subject, exclusion)) = subject.zip(exclusion) else { return Ok(Managed::Done(())) };
    let change = match wish {
        Wish::Add => tx.event_streams().include(id, &exclusion).await?.then_some("subject_added"),
        Wish::Remove => match tx.event_streams().exclude(id, &exclusion, (MAX_EXCLUSIONS, now)).await? {
            Excluded::Already => None,
            Excluded::Now => Some("subject_removed"),
            Excluded::TooMany => return Ok(Managed::TooManySubjects),
        },
    };
    // What is so already is no change, however often it is wished for.
    let Some(change) = change else { return Ok(Managed::Done(())) };
    let mut event = done(env, (receiver, origin), (Action::StreamConfigured, id))?;
    event.detail.extend([("change", change.to_owned()), ("subject", in_log(&mut tx, &subject).await?)]);
    tx.audit().insert(&event).await?;
    tx.commit().await?;
    Ok(Managed::Done(()))
}

/// What a subject says, if every part of it can be something here.
fn understood(receiver: &Receiver, subject: &Subject) -> Option<ExcludedSubject> {
    let named: Vec<(&str, &Identifier)> = match subject {
        Subject::Simple(identifier) => vec![("", identifier)],
        Subject::Complex(parts) => parts.iter().map(|(name, part)| (name.as_str(), part)).collect(),
    };
    let mut said = ExcludedSubject::default();
    for (name, identifier) in named {
        match (name, part(receiver, identifier)?) {
            ("" | "tenant", Part::Tenant) => said.tenant = Some(()),
            ("" | "user", Part::User(user)) => said.user = Some(user),
            ("" | "session", Part::Session(session)) => said.session = Some(session),
            _ => return None,
        }
    }
    Some(said)
}

fn part(receiver: &Receiver, identifier: &Identifier) -> Option<Part> {
    let of_id = |id: &str| id.parse().ok().map(|id| Part::User(ExcludedUser::Id(id)));
    match identifier {
        Identifier::Email(text) => {
            Email::parse(text).ok().map(|email| Part::User(ExcludedUser::Address(email)))
        }
        Identifier::IssSub { iss, sub } if iss == receiver.issuer.as_str() => of_id(sub),
        Identifier::Opaque(id) => {
            let here = receiver.scope.org_id();
            let tenant = id.parse::<OrgId>().ok().filter(|org_id| *org_id == here).map(|_| Part::Tenant);
            let session = || id.parse().ok().map(Part::Session);
            tenant.or_else(session).or_else(|| of_id(id))
        }
        Identifier::IssSub { .. } | Identifier::Other => None,
    }
}

/// The subject, for those who read the log: of an address, who has it. A stranger's is not kept there.
async fn in_log(tx: &mut OrgTx, subject: &ExcludedSubject) -> Result<String, StorageError> {
    let user = match &subject.user {
        Some(ExcludedUser::Address(email)) => {
            tx.users().find_by_email(email).await?.map(|user| ExcludedUser::Id(user.id))
        }
        user => user.clone(),
    };
    let known = Exclusion::new(&ExcludedSubject { user, ..subject.clone() });
    Ok(known.map_or_else(|| "unknown".to_owned(), |known| known.as_str().to_owned()))
}
