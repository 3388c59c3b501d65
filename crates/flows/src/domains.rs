//! Domains that organizations prove by a DNS record: claiming, proving, looking again, handing over.
//!
//! **Invariant:** nothing here tells whether a domain is another organization's before the zone has
//! said that the asker controls it.

use chrono::{DateTime, Duration, Utc};
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::credentials::{Credential, TransferCode, base32};
use orgate_domain::domains::{
    CHECK_PAUSE, Finding, GRACE, OrgDomain, RETRY_PAUSE, TRANSFER_COOL_OFF, TRANSFER_OFFER, Verdict,
    is_public_mail,
};
use orgate_domain::email::DomainName;
use orgate_domain::ids::{DomainId, OrgId};
use orgate_storage::system::OrgHint;
use orgate_storage::{DomainTerms, OrgScope, OrgTx, StorageError};

use crate::notices::{Notice, prepare};
use crate::{Env, Failure, events};

/// A claimed domain is another node's to look at after this long.
const LEASE: Duration = Duration::minutes(5);

/// Domains that one call looks at.
const BATCH: i64 = 20;

/// Why a domain could not be claimed, proven or handed over.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// Try again.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Anybody may get an address there.
    #[error("addresses at {0} are anybody's: it is a provider of public mail")]
    PublicMail(DomainName),
    /// The organization has no such domain.
    #[error("this organization has not claimed {0}")]
    Unclaimed(DomainName),
    /// The zone answers, without the record.
    #[error("there is no TXT record {name} that says {text} yet; new records can take an hour to be seen")]
    NoRecord {
        /// Where it belongs.
        name: String,
        /// What it should say.
        text: String,
    },
    /// The name servers do not answer.
    #[error("the name servers of {0} did not answer; please try again in a few minutes")]
    Unreachable(DomainName),
    /// Proven here, and held elsewhere.
    #[error(
        "{0} is, or was, another organization's here. It can be shared if both choose to, or handed over by that \
         organization"
    )]
    Held(DomainName),
    /// Handed over, and the time to object is not over.
    #[error("{0} changes hands on {1}: verify it then")]
    CoolingOff(DomainName, DateTime<Utc>),
    /// Others share it, so it cannot become exclusive.
    #[error("other organizations share {0}: while they do, it stays shared")]
    Shared(DomainName),
    /// No such offer, or it has lapsed or was used.
    #[error("this code is not of an offer that is open")]
    NoOffer,
}

impl From<StorageError> for DomainError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

/// Claims a domain; the record that will prove it is in what comes back. A domain that the organization has
/// already stays as it is.
///
/// # Errors
/// [`DomainError::PublicMail`], [`DomainError::Failure`].
pub async fn claim(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    actor: Actor,
) -> Result<OrgDomain, DomainError> {
    if is_public_mail(name) {
        return Err(DomainError::PublicMail(name.clone()));
    }
    let at = env.clock.now();
    let id = DomainId::from_uuid(env.random.uuid(at).map_err(Failure::from)?);
    let challenge = base32::encode(&env.random.bytes::<16>().map_err(Failure::from)?);
    let mut tx = env.store.begin(scope).await?;
    let known = tx.domains().find(name).await?;
    if let Some(known) = known {
        tx.commit().await?;
        return Ok(known);
    }
    tx.domains().claim(id, (name, &challenge), at).await?;
    let found = tx.domains().find(name).await?;
    let claimed = found.ok_or_else(|| DomainError::Unclaimed(name.clone()))?;
    note(env, &mut tx, (Action::DomainClaimed, actor), name, &[]).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// Looks for the record of a claimed domain and, if it is there, verifies the domain: from then on it
/// leads to the organization. A domain that was handed over is taken over so.
///
/// # Errors
/// [`DomainError`]; each refusal is an event of the organization.
pub async fn verify(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    (terms, actor): (DomainTerms, Actor),
) -> Result<(), DomainError> {
    let claimed = find(env, scope, name).await?;
    if let Some(text) = claimed.record_text() {
        match env.dns.find_text(&claimed.record_name(), &text).await {
            Finding::Present => {}
            Finding::Missing => {
                refuse(env, scope, ("no_record", actor), name).await?;
                return Err(DomainError::NoRecord { name: claimed.record_name(), text });
            }
            Finding::Unknown => {
                refuse(env, scope, ("unreachable", actor), name).await?;
                return Err(DomainError::Unreachable(name.clone()));
            }
        }
    }
    if let Err(error) = take_over(env, scope, name, actor).await {
        if matches!(error, DomainError::CoolingOff(..)) {
            refuse(env, scope, ("cooling_off", actor), name).await?;
        }
        return Err(error);
    }
    let is_held = overlaps(env, scope, (name, terms)).await? || {
        match settle(env, scope, (&claimed, terms), actor).await {
            Ok(()) => false,
            Err(DomainError::Failure(Failure::Storage(StorageError::Conflict { .. }))) => true,
            Err(error) => return Err(error),
        }
    };
    if is_held {
        refuse(env, scope, ("held_elsewhere", actor), name).await?;
        return Err(DomainError::Held(name.clone()));
    }
    Ok(())
}

async fn settle(
    env: &Env,
    scope: &OrgScope,
    (claimed, terms): (&OrgDomain, DomainTerms),
    actor: Actor,
) -> Result<(), DomainError> {
    let at = env.clock.now();
    let mut tx = env.store.begin(scope).await?;
    tx.domains().verify(&claimed.name, terms, at).await?;
    tx.domains().save_check(claimed.id, (None, at + CHECK_PAUSE), at).await?;
    let detail = [("shared", terms.shared.to_string()), ("subdomains", terms.subdomains.to_string())];
    note(env, &mut tx, (Action::DomainVerified, actor), &claimed.name, &detail).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Changes how far a verified domain reaches, and whether others may have it too.
///
/// # Errors
/// [`DomainError::Unclaimed`] unless it is verified, [`DomainError::Shared`], [`DomainError::Failure`].
pub async fn configure(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    (terms, actor): (DomainTerms, Actor),
) -> Result<(), DomainError> {
    let known = find(env, scope, name).await?;
    if known.verified_at.is_none() {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    if overlaps(env, scope, (name, terms)).await? {
        return Err(DomainError::Held(name.clone()));
    }
    let mut tx = env.store.begin(scope).await?;
    match tx.domains().verify(name, terms, env.clock.now()).await {
        Ok(()) => {}
        // Others refer to its being shared, or it is the others' to decide.
        Err(StorageError::Conflict { .. }) => return Err(DomainError::Shared(name.clone())),
        Err(error) => return Err(error.into()),
    }
    let detail = [("shared", terms.shared.to_string()), ("subdomains", terms.subdomains.to_string())];
    note(env, &mut tx, (Action::DomainConfigured, actor), name, &detail).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Gives a domain up; nobody else gets it.
///
/// # Errors
/// [`DomainError::Unclaimed`], [`DomainError::Failure`].
pub async fn release(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    actor: Actor,
) -> Result<(), DomainError> {
    let mut tx = env.store.begin(scope).await?;
    if !tx.domains().delete(name).await? {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    note(env, &mut tx, (Action::DomainReleased, actor), name, &[]).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Offers a domain to whoever brings the code, for [`TRANSFER_OFFER`].
///
/// # Errors
/// [`DomainError::Unclaimed`] unless it is verified, [`DomainError::Failure`].
pub async fn offer(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    actor: Actor,
) -> Result<Credential<TransferCode>, DomainError> {
    let known = find(env, scope, name).await?;
    if known.verified_at.is_none() {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    let at = env.clock.now();
    let code = env.random.credential::<TransferCode>(scope.org_id()).map_err(Failure::from)?;
    let mut tx = env.store.begin(scope).await?;
    tx.domains().offer(known.id, &code.hash(), (at, at + TRANSFER_OFFER)).await?;
    let step = [("step", "offered".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, actor), name, &step).await?;
    tx.commit().await?;
    Ok(code)
}

/// Takes an offer back, accepted or not, until it has taken effect.
///
/// # Errors
/// [`DomainError::NoOffer`], [`DomainError::Unclaimed`], [`DomainError::Failure`].
pub async fn withdraw(
    env: &Env,
    scope: &OrgScope,
    name: &DomainName,
    actor: Actor,
) -> Result<(), DomainError> {
    let known = find(env, scope, name).await?;
    let mut tx = env.store.begin(scope).await?;
    if !tx.domains().withdraw(known.id).await? {
        return Err(DomainError::NoOffer);
    }
    let step = [("step", "withdrawn".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, actor), name, &step).await?;
    Ok(tx.commit().await?)
}

/// Accepts an offer for the organization of `scope`, which claims the domain by it. When
/// [`TRANSFER_COOL_OFF`] has passed, [`verify`] takes it over.
///
/// # Errors
/// [`DomainError::NoOffer`], [`DomainError::Failure`].
pub async fn accept(
    env: &Env,
    scope: &OrgScope,
    code: &str,
    actor: Actor,
) -> Result<(OrgDomain, DateTime<Utc>), DomainError> {
    let code = Credential::<TransferCode>::parse(code.trim()).map_err(|_| DomainError::NoOffer)?;
    let resolved = env.store.resolve(OrgHint::Id(code.org_id())).await?;
    let former = resolved.filter(|former| former.scope.org_id() != scope.org_id());
    let former = former.ok_or(DomainError::NoOffer)?.scope;
    let at = env.clock.now();
    let due = at + TRANSFER_COOL_OFF;
    let offered = env.store.begin(&former).await?.domains().find_offered(&code.hash(), at).await?;
    let name = offered.ok_or(DomainError::NoOffer)?;
    let notice = prepare(env, &former, Notice::transfer_accepted(&name, due)).await?;
    let mut tx = env.store.begin(&former).await?;
    let accepted = tx.domains().accept(&code.hash(), scope.org_id(), (at, due)).await?;
    if !accepted {
        return Err(DomainError::NoOffer);
    }
    let step = [("step", "accepted".to_owned()), ("due", due.to_rfc3339())];
    // Who the successor is stays its own: the former owner gave the code to whom it wanted.
    note(env, &mut tx, (Action::DomainTransfer, Actor::System), &name, &step).await?;
    if let Some(notice) = notice {
        notice.send(&mut tx).await?;
    }
    tx.commit().await?;
    Ok((claim(env, scope, &name, actor).await?, due))
}

/// Where the domain was handed to this organization, makes it this organization's: first the former owner lets
/// go of it, then this one takes it; a stop in between leaves it nobody's else.
async fn take_over(env: &Env, scope: &OrgScope, name: &DomainName, actor: Actor) -> Result<(), DomainError> {
    let owner = env.store.resolve_domain_owner(name).await?;
    let Some(owner) = owner.filter(|owner| *owner != scope.org_id()) else { return Ok(()) };
    hand_over(env, owner, scope, name).await?;
    if !env.store.complete_transfer(name, scope).await? {
        return Ok(());
    }
    let mut tx = env.store.begin(scope).await?;
    let step = [("step", "completed".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, actor), name, &step).await?;
    Ok(tx.commit().await?)
}

async fn hand_over(env: &Env, owner: OrgId, to: &OrgScope, name: &DomainName) -> Result<(), DomainError> {
    let Some(former) = env.store.resolve(OrgHint::Id(owner)).await? else { return Ok(()) };
    let mut tx = env.store.begin(&former.scope).await?;
    let Some(theirs) = tx.domains().find(name).await? else { return Ok(()) };
    let transfer = tx.domains().find_transfer(theirs.id).await?;
    let accepted = transfer.and_then(|transfer| transfer.accepted);
    let Some((_, due)) = accepted.filter(|(successor, _)| *successor == to.org_id()) else { return Ok(()) };
    if env.clock.now() < due {
        return Err(DomainError::CoolingOff(name.clone(), due));
    }
    tx.domains().hand_over(name, to.org_id()).await?;
    let step = [("step", "completed".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, Actor::System), name, &step).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Whether `name` lies below a domain of another organization that reaches down to it, or would reach down to
/// another's itself.
async fn overlaps(
    env: &Env,
    scope: &OrgScope,
    (name, terms): (&DomainName, DomainTerms),
) -> Result<bool, DomainError> {
    let others = env.store.find_overlapping_domains(name, terms.subdomains).await?;
    Ok(others.into_iter().any(|holder| holder != scope.org_id()))
}

/// Looks again at the domains that are due; how many there were.
///
/// # Errors
/// [`Failure`], for the claim only.
pub async fn check_due(env: &Env) -> Result<usize, Failure> {
    let now = env.clock.now();
    let due = env.store.claim_domains(now, now + LEASE, BATCH).await?;
    for (scope, id) in &due {
        if let Err(failure) = check(env, scope, *id).await {
            tracing::warn!(domain.id = %id, error = &failure as &dyn std::error::Error, "a domain could not be looked at");
        }
    }
    Ok(due.len())
}

async fn check(env: &Env, scope: &OrgScope, id: DomainId) -> Result<(), Failure> {
    let mut tx = env.store.begin(scope).await?;
    let known = tx.domains().list().await?.into_iter().find(|domain| domain.id == id);
    tx.commit().await?;
    let Some(domain) = known.filter(|domain| domain.verified_at.is_some()) else { return Ok(()) };
    let Some(text) = domain.record_text() else { return Ok(()) };
    let finding = env.dns.find_text(&domain.record_name(), &text).await;
    let now = env.clock.now();
    let verdict = domain.judge(finding, now);
    let notice = match verdict {
        Verdict::Failing(since) if domain.failing_since.is_none() => {
            Some(Notice::domain_failing(&domain, since + GRACE))
        }
        Verdict::Lapsed => Some(Notice::domain_lapsed(&domain)),
        Verdict::Failing(_) | Verdict::Proven => None,
    };
    let notice = match notice {
        Some(notice) => prepare(env, scope, notice).await?,
        None => None,
    };
    let mut tx = env.store.begin(scope).await?;
    match verdict {
        Verdict::Proven => {
            let pause = if finding == Finding::Present { CHECK_PAUSE } else { RETRY_PAUSE };
            tx.domains().save_check(id, (None, now + pause), now).await?;
            if domain.failing_since.is_some() {
                note(env, &mut tx, (Action::DomainVerified, Actor::System), &domain.name, &[]).await?;
            }
        }
        Verdict::Failing(since) => {
            tx.domains().save_check(id, (Some(since), now + RETRY_PAUSE), now).await?;
            if domain.failing_since.is_none() {
                let until = [("until", (since + GRACE).to_rfc3339())];
                note(env, &mut tx, (Action::DomainFailing, Actor::System), &domain.name, &until).await?;
            }
        }
        Verdict::Lapsed => {
            tx.domains().lapse(&domain.name).await?;
            note(env, &mut tx, (Action::DomainLapsed, Actor::System), &domain.name, &[]).await?;
        }
    }
    if let Some(notice) = notice {
        notice.send(&mut tx).await?;
    }
    tx.commit().await?;
    if verdict == Verdict::Lapsed {
        env.configuration.forget();
    }
    Ok(())
}

async fn find(env: &Env, scope: &OrgScope, name: &DomainName) -> Result<OrgDomain, DomainError> {
    let mut tx = env.store.begin(scope).await?;
    let found = tx.domains().find(name).await?;
    tx.commit().await?;
    found.ok_or_else(|| DomainError::Unclaimed(name.clone()))
}

async fn refuse(
    env: &Env,
    scope: &OrgScope,
    (reason, actor): (&'static str, Actor),
    name: &DomainName,
) -> Result<(), Failure> {
    let event = events::refused(env, Action::DomainRefused, reason, &Origin::default())?;
    let mut tx = env.store.begin(scope).await?;
    let detail = vec![("domain", name.to_string())];
    tx.audit().insert(&Event { actor, detail, ..event }).await?;
    Ok(tx.commit().await?)
}

async fn note(
    env: &Env,
    tx: &mut OrgTx,
    (action, actor): (Action, Actor),
    name: &DomainName,
    more: &[(&'static str, String)],
) -> Result<(), Failure> {
    let event = events::done(env, action, &Origin::default())?;
    let detail = [&[("domain", name.to_string())], more].concat();
    tx.audit().insert(&Event { actor, detail, ..event }).await?;
    Ok(())
}
