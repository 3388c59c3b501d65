//! E-mail domains, claimed and proven by administrators themselves: by the rules of [`crate::domains`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use orgate_domain::domains::OrgDomain;
use orgate_domain::email::DomainName;
use orgate_domain::ids::DomainId;
use orgate_storage::{DomainTerms, Page, PageOf};

use super::{Caller, ChangeError, Once, paged};
use crate::domains::{By, DomainError, claim_in, release, verify};
use crate::limits::Limited;
use crate::{Env, Failure};

/// What came of looking for a domain's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is handed over, and the time to object runs until then.
    CoolingOff(DateTime<Utc>),
    /// It is, or was, another organization's here.
    HeldElsewhere,
    /// The zone answers, without the record.
    NoRecord,
    /// The name servers did not answer.
    Unreachable,
    /// It is the organization's.
    Verified,
}

/// A page of the organization's domains, claimed or verified, in the order in which they were claimed.
///
/// # Errors
/// [`Failure`].
pub async fn list_domains(
    env: &Env,
    caller: &Caller,
    page: PageOf<DomainId>,
) -> Result<Page<OrgDomain, DomainId>, Failure> {
    let domains = caller.read(env, async |tx| tx.domains().list().await).await?;
    Ok(paged(domains, page, |domain| domain.id))
}

/// One domain; `None` if the organization has none of this id.
///
/// # Errors
/// [`Failure`].
pub async fn find_domain(env: &Env, caller: &Caller, id: DomainId) -> Result<Option<OrgDomain>, Failure> {
    let domains = caller.read(env, async |tx| tx.domains().list().await).await?;
    Ok(domains.into_iter().find(|domain| domain.id == id))
}

/// Claims a domain; the record that will prove it is in what comes back. One that the organization has stays as it is.
///
/// # Errors
/// [`ChangeError`].
pub async fn claim_domain(
    env: &Env,
    caller: &Caller,
    name: &DomainName,
    once: Option<&Once>,
) -> Result<OrgDomain, ChangeError> {
    let change = async {
        let setup = caller.sets_up(BTreeSet::new());
        let by = By::setup(&setup);
        let mut tx = by.begin(env).await?;
        let claimed = claim_in(env, by, &mut tx, name).await?;
        if let Some(before) = caller.claim(env, &mut tx, once, claimed.id.as_uuid()).await?
            && before != claimed.id.as_uuid()
        {
            return Err(ChangeError::Gone);
        }
        tx.commit().await?;
        Ok(claimed)
    };
    caller.conclude(env, change).await
}

/// Looks for the record of a domain now; what it is afterwards, and what came of it.
///
/// # Errors
/// [`ChangeError`].
pub async fn verify_domain(
    env: &Env,
    caller: &Caller,
    id: DomainId,
    terms: DomainTerms,
) -> Result<(OrgDomain, Verification), ChangeError> {
    let change = async {
        let domain = find_domain(env, caller, id).await?.ok_or(ChangeError::Missing)?;
        env.limits.take(Limited::Pages, caller.origin.address).map_err(Failure::from)?;
        let setup = caller.sets_up(BTreeSet::new());
        let verification = match verify(env, By::setup(&setup), &domain.name, terms).await {
            Ok(()) => Verification::Verified,
            Err(DomainError::CoolingOff(_, due)) => Verification::CoolingOff(due),
            Err(DomainError::Held(_)) => Verification::HeldElsewhere,
            Err(DomainError::NoRecord { .. }) => Verification::NoRecord,
            Err(DomainError::Unreachable(_)) => Verification::Unreachable,
            Err(error) => return Err(error.into()),
        };
        let domain = find_domain(env, caller, id).await?.ok_or(ChangeError::Missing)?;
        Ok((domain, verification))
    };
    caller.conclude(env, change).await
}

/// Gives a domain up: it leads nobody here any more, and no connection serves it.
///
/// # Errors
/// [`ChangeError`], also what `check` says of it.
pub async fn release_domain(
    env: &Env,
    caller: &Caller,
    id: DomainId,
    check: impl FnOnce(&OrgDomain) -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let change = async {
        let domain = find_domain(env, caller, id).await?.ok_or(ChangeError::Missing)?;
        check(&domain)?;
        let setup = caller.sets_up(BTreeSet::new());
        Ok(release(env, By::setup(&setup), &domain.name).await?)
    };
    caller.conclude(env, change).await
}

impl From<DomainError> for ChangeError {
    fn from(error: DomainError) -> Self {
        let text = error.to_string();
        match error {
            DomainError::CoolingOff(..)
            | DomainError::Enforced(_)
            | DomainError::Held(_)
            | DomainError::NoRecord { .. }
            | DomainError::Shared(_)
            | DomainError::Unreachable(_) => Self::InUse(text),
            DomainError::Failure(failure) => Self::Failure(failure),
            DomainError::NoOffer | DomainError::Unclaimed(_) => Self::Missing,
            DomainError::PublicMail(_) | DomainError::PublicSuffix(_) => Self::invalid("/name", text),
            DomainError::Setup(error) => error.into(),
            DomainError::NoRoom(_) => Self::TooMany(text),
            DomainError::Verified(_) => Self::invalid("/subdomains", text),
        }
    }
}
