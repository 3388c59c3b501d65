//! Domains that organizations prove by a DNS record: claiming, proving, looking again, handing over.
//!
//! **Invariant:** nothing here tells whether a domain is another organization's before the zone has
//! said that the asker controls it.

mod recheck;

use chrono::{DateTime, Utc};
use orgate_domain::audit::{Action, Actor, Event};
use orgate_domain::credentials::{Credential, TransferCode, base32};
use orgate_domain::domains::{
    CHECK_PAUSE, Finding, OrgDomain, TRANSFER_COOL_OFF, TRANSFER_OFFER, is_public_mail, is_public_suffix,
};
use orgate_domain::email::DomainName;
use orgate_domain::ids::{DomainId, OrgId};
use orgate_domain::policies::SsoEnforcement;
use orgate_domain::quotas::{NoRoom, Quota};
use orgate_domain::setup::SetupPurpose;
pub use orgate_storage::DomainTerms;
use orgate_storage::system::OrgHint;
use orgate_storage::{OrgScope, OrgTx, StorageError};

use crate::configure::Author;
use crate::notices::{Notice, prepare};
use crate::quotas::check_room;
use crate::setup::{Setup, SetupError};
use crate::way_in::{enforcement_in, inherited};
use crate::{Env, Failure, events};

pub use recheck::check_due;

/// Why a domain could not be claimed, proven or handed over.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// Try again.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Anybody may get an address there.
    #[error("addresses at {0} are anybody's: it is a provider of public mail")]
    PublicMail(DomainName),
    /// Anybody may have names below it.
    #[error("names below {0} are anybody's: it is a public suffix")]
    PublicSuffix(DomainName),
    /// The organization has as many as it may.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
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
    /// How far it reaches was settled when it was verified.
    #[error("{0} is verified already: how far it reaches is changed by whoever runs this service")]
    Verified(DomainName),
    /// SSO is enforced for whoever has an address of it.
    #[error("SSO is enforced for addresses of {0}: let somebody who may change the policy end that first")]
    Enforced(DomainName),
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
    /// Whoever sets up may not do it.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// No such offer, or it has lapsed or was used.
    #[error("this code is not of an offer that is open")]
    NoOffer,
}

/// Who acts, and in which organization.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    scope: &'a OrgScope,
    /// Who must still be let to when something is changed; `None`: whoever runs the server.
    setup: Option<&'a Setup>,
}

impl<'a> By<'a> {
    /// Whoever runs the server.
    pub const fn operator(scope: &'a OrgScope) -> Self {
        Self { scope, setup: None }
    }

    /// Somebody who sets up, if it is domains.
    pub const fn setup(setup: &'a Setup) -> Self {
        Self { scope: &setup.scope, setup: Some(setup) }
    }

    fn author(&self) -> Author {
        self.setup.map_or_else(Author::operator, Setup::author)
    }

    pub(crate) async fn begin(&self, env: &Env) -> Result<OrgTx, DomainError> {
        match self.setup {
            Some(setup) => Ok(setup.begin(env, SetupPurpose::Domains).await?),
            None => Ok(env.store.begin(self.scope).await?),
        }
    }
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
/// [`DomainError::PublicMail`], [`DomainError::PublicSuffix`], [`DomainError::Failure`].
pub async fn claim(env: &Env, by: By<'_>, name: &DomainName) -> Result<OrgDomain, DomainError> {
    let mut tx = by.begin(env).await?;
    let claimed = claim_in(env, by, &mut tx, name).await?;
    tx.commit().await?;
    Ok(claimed)
}

/// The same, in a transaction of the caller's.
pub(crate) async fn claim_in(
    env: &Env,
    by: By<'_>,
    tx: &mut OrgTx,
    name: &DomainName,
) -> Result<OrgDomain, DomainError> {
    check_name(name)?;
    let at = env.clock.now();
    let id = DomainId::from_uuid(env.random.uuid(at).map_err(Failure::from)?);
    let challenge = base32::encode(&env.random.bytes::<16>().map_err(Failure::from)?);
    // Two who claim at once would each find room.
    tx.organization().lock().await?;
    if let Some(known) = find_or_check_room(tx, name).await? {
        return Ok(known);
    }
    tx.domains().claim(id, (name, &challenge), at).await?;
    let found = tx.domains().find(name).await?;
    let claimed = found.ok_or_else(|| DomainError::Unclaimed(name.clone()))?;
    note(env, tx, (Action::DomainClaimed, &by.author()), name, &[]).await?;
    Ok(claimed)
}

/// The organization's domain of this name; `None` if there is room for it.
async fn find_or_check_room(tx: &mut OrgTx, name: &DomainName) -> Result<Option<OrgDomain>, DomainError> {
    let all = tx.domains().list().await?;
    let have = all.len();
    if let Some(known) = all.into_iter().find(|known| known.name == *name) {
        return Ok(Some(known));
    }
    check_room(tx, Quota::Domains, have).await??;
    Ok(None)
}

/// Whether a domain can be one organization's at all.
fn check_name(name: &DomainName) -> Result<(), DomainError> {
    if is_public_mail(name) {
        return Err(DomainError::PublicMail(name.clone()));
    }
    if is_public_suffix(name) {
        return Err(DomainError::PublicSuffix(name.clone()));
    }
    Ok(())
}

/// Looks for the record of a claimed domain and, if it is there, verifies the domain: from then on it
/// leads to the organization. A domain that was handed over is taken over so.
///
/// # Errors
/// [`DomainError`]; each refusal is an event of the organization.
pub async fn verify(env: &Env, by: By<'_>, name: &DomainName, terms: DomainTerms) -> Result<(), DomainError> {
    let claimed = find(env, by.scope, name).await?;
    if let Err(error) = check_name(name) {
        refuse(env, by, "public", name).await?; // claimed before it was on the list
        return Err(error);
    }
    if by.setup.is_some() && claimed.verified_at.is_some() {
        let same = terms == DomainTerms { shared: claimed.shared, subdomains: claimed.subdomains };
        return if same { Ok(()) } else { Err(DomainError::Verified(name.clone())) };
    }
    let text = claimed.record_text();
    if by.setup.is_some() && text.is_none() {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    if let Some(text) = text {
        match env.dns.find_text(&claimed.record_name(), &text).await {
            Finding::Present => {}
            Finding::Missing => {
                refuse(env, by, "no_record", name).await?;
                return Err(DomainError::NoRecord { name: claimed.record_name(), text });
            }
            Finding::Unknown => {
                refuse(env, by, "unreachable", name).await?;
                return Err(DomainError::Unreachable(name.clone()));
            }
        }
    }
    let settled = if overlaps(env, by.scope, (name, terms)).await? {
        Err(DomainError::Held(name.clone()))
    } else {
        match take_over(env, by, name).await {
            Ok(()) => settle(env, by, (&claimed, terms)).await,
            Err(error) => Err(error),
        }
    };
    let refusal = match &settled {
        Err(DomainError::Held(_)) => Some("held_elsewhere"),
        Err(DomainError::Shared(_)) => Some("shared"),
        Err(DomainError::CoolingOff(..)) => Some("cooling_off"),
        _ => None,
    };
    if let Some(reason) = refusal {
        refuse(env, by, reason, name).await?;
    }
    settled
}

async fn settle(
    env: &Env,
    by: By<'_>,
    (claimed, terms): (&OrgDomain, DomainTerms),
) -> Result<(), DomainError> {
    let at = env.clock.now();
    let mut tx = by.begin(env).await?;
    if let Err(error) = tx.domains().verify(&claimed.name, terms, at).await {
        drop(tx);
        return Err(match error {
            StorageError::Conflict { .. } => taken(env, by.scope, &claimed.name).await?,
            error => error.into(),
        });
    }
    tx.domains().save_check(claimed.id, (None, at + CHECK_PAUSE), Some(at)).await?;
    let detail = [("shared", terms.shared.to_string()), ("subdomains", terms.subdomains.to_string())];
    note(env, &mut tx, (Action::DomainVerified, &by.author()), &claimed.name, &detail).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Why a domain cannot be had on these terms: it is another's alone, or others share what is one's own.
async fn taken(env: &Env, scope: &OrgScope, name: &DomainName) -> Result<DomainError, DomainError> {
    let is_own = env.store.resolve_domain_owner(name).await? == Some(scope.org_id());
    Ok(if is_own { DomainError::Shared(name.clone()) } else { DomainError::Held(name.clone()) })
}

/// Changes how far a verified domain reaches, and whether others may have it too.
///
/// # Errors
/// [`DomainError::Unclaimed`] unless it is verified, [`DomainError::Shared`], [`DomainError::Failure`].
pub async fn configure(
    env: &Env,
    by: By<'_>,
    name: &DomainName,
    terms: DomainTerms,
) -> Result<(), DomainError> {
    let known = find(env, by.scope, name).await?;
    if known.verified_at.is_none() {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    if overlaps(env, by.scope, (name, terms)).await? {
        return Err(DomainError::Held(name.clone()));
    }
    let mut tx = by.begin(env).await?;
    match tx.domains().verify(name, terms, env.clock.now()).await {
        Ok(()) => {}
        // Others refer to its being shared.
        Err(StorageError::Conflict { .. }) => return Err(DomainError::Shared(name.clone())),
        Err(error) => return Err(error.into()),
    }
    let detail = [("shared", terms.shared.to_string()), ("subdomains", terms.subdomains.to_string())];
    note(env, &mut tx, (Action::DomainConfigured, &by.author()), name, &detail).await?;
    tx.commit().await?;
    env.configuration.forget();
    Ok(())
}

/// Gives a domain up; nobody else gets it.
///
/// # Errors
/// [`DomainError::Unclaimed`]; [`DomainError::Enforced`] for who sets up; [`DomainError::Failure`].
pub async fn release(env: &Env, by: By<'_>, name: &DomainName) -> Result<(), DomainError> {
    let above = inherited(env, by.scope).await?;
    let mut tx = by.begin(env).await?;
    // Without it, its users would sign in by whatever else they have: that is for whoever may change the policy to say.
    if by.setup.is_some()
        && enforcement_in(&mut tx, &above).await? == SsoEnforcement::Domains
        && tx.domains().list_verified().await?.iter().any(|verified| verified.name == *name)
    {
        return Err(DomainError::Enforced(name.clone()));
    }
    if !tx.domains().delete(name).await? {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    note(env, &mut tx, (Action::DomainReleased, &by.author()), name, &[]).await?;
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
    by: By<'_>,
    name: &DomainName,
) -> Result<Credential<TransferCode>, DomainError> {
    let known = find(env, by.scope, name).await?;
    if known.verified_at.is_none() {
        return Err(DomainError::Unclaimed(name.clone()));
    }
    // Who shares it has nothing to hand over.
    if env.store.resolve_domain_owner(name).await? != Some(by.scope.org_id()) {
        return Err(DomainError::Held(name.clone()));
    }
    let at = env.clock.now();
    let code = env.random.credential::<TransferCode>(by.scope.org_id()).map_err(Failure::from)?;
    let mut tx = by.begin(env).await?;
    tx.domains().offer(known.id, &code.hash(), (at, at + TRANSFER_OFFER)).await?;
    let step = [("step", "offered".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, &by.author()), name, &step).await?;
    tx.commit().await?;
    Ok(code)
}

/// Takes an offer back, accepted or not, until it has taken effect.
///
/// # Errors
/// [`DomainError::NoOffer`], [`DomainError::Unclaimed`], [`DomainError::Failure`].
pub async fn withdraw(env: &Env, by: By<'_>, name: &DomainName) -> Result<(), DomainError> {
    let known = find(env, by.scope, name).await?;
    let mut tx = by.begin(env).await?;
    if !tx.domains().withdraw(known.id).await? {
        return Err(DomainError::NoOffer);
    }
    let step = [("step", "withdrawn".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, &by.author()), name, &step).await?;
    Ok(tx.commit().await?)
}

/// Accepts an offer for the organization of `by`, which claims the domain by it. When
/// [`TRANSFER_COOL_OFF`] has passed, [`verify`] takes it over.
///
/// # Errors
/// [`DomainError::NoOffer`], [`DomainError::PublicMail`], [`DomainError::PublicSuffix`], [`DomainError::Failure`].
pub async fn accept(env: &Env, by: By<'_>, code: &str) -> Result<(OrgDomain, DateTime<Utc>), DomainError> {
    let code = Credential::<TransferCode>::parse(code.trim()).map_err(|_| DomainError::NoOffer)?;
    let resolved = env.store.resolve(OrgHint::Id(code.org_id())).await?;
    let former = resolved.filter(|former| former.scope.org_id() != by.scope.org_id());
    let former = former.ok_or(DomainError::NoOffer)?.scope;
    let at = env.clock.now();
    let due = at + TRANSFER_COOL_OFF;
    let offered = env.store.begin(&former).await?.domains().find_offered(&code.hash(), at).await?;
    let name = offered.ok_or(DomainError::NoOffer)?;
    // Before the former owner's part is done: the claim would be refused after it.
    check_name(&name)?;
    let mut tx = env.store.begin(by.scope).await?;
    find_or_check_room(&mut tx, &name).await?;
    tx.commit().await?;
    let notice = prepare(env, &former, Notice::transfer_accepted(&name, due)).await?;
    let mut tx = env.store.begin(&former).await?;
    let accepted = tx.domains().accept(&code.hash(), by.scope.org_id(), (at, due)).await?;
    if !accepted {
        return Err(DomainError::NoOffer);
    }
    let step = [("step", "accepted".to_owned()), ("due", due.to_rfc3339())];
    // Who the successor is stays its own: the former owner gave the code to whom it wanted.
    note(env, &mut tx, (Action::DomainTransfer, &Author::of(Actor::System)), &name, &step).await?;
    if let Some(notice) = notice {
        notice.send(&mut tx).await?;
    }
    tx.commit().await?;
    Ok((claim(env, by, &name).await?, due))
}

/// Where the domain was handed to this organization, makes it this organization's: first the former owner lets
/// go of it, then this one takes it; a stop in between leaves it nobody's else.
async fn take_over(env: &Env, by: By<'_>, name: &DomainName) -> Result<(), DomainError> {
    let owner = env.store.resolve_domain_owner(name).await?;
    let Some(owner) = owner.filter(|owner| *owner != by.scope.org_id()) else { return Ok(()) };
    by.begin(env).await?.commit().await?;
    hand_over(env, owner, by.scope, name).await?;
    // That it leads to the successor is said by the event of its verification, which follows.
    env.store.complete_transfer(name, by.scope).await?;
    Ok(())
}

async fn hand_over(env: &Env, owner: OrgId, to: &OrgScope, name: &DomainName) -> Result<(), DomainError> {
    let Some(former) = env.store.resolve(OrgHint::Id(owner)).await? else { return Ok(()) };
    let mut tx = env.store.begin(&former.scope).await?;
    let Some(theirs) = tx.domains().find(name).await? else { return Ok(()) };
    let (successor, now) = (to.org_id(), env.clock.now());
    if !tx.domains().complete(&theirs, successor, now).await? {
        let transfer = tx.domains().find_transfer(theirs.id).await?;
        let accepted = transfer.and_then(|transfer| transfer.accepted);
        return match accepted.filter(|(named, due)| *named == successor && now < *due) {
            Some((_, due)) => Err(DomainError::CoolingOff(name.clone(), due)),
            None => Ok(()),
        };
    }
    let step = [("step", "completed".to_owned())];
    note(env, &mut tx, (Action::DomainTransfer, &Author::of(Actor::System)), name, &step).await?;
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

async fn find(env: &Env, scope: &OrgScope, name: &DomainName) -> Result<OrgDomain, DomainError> {
    let mut tx = env.store.begin(scope).await?;
    let found = tx.domains().find(name).await?;
    tx.commit().await?;
    found.ok_or_else(|| DomainError::Unclaimed(name.clone()))
}

async fn refuse(env: &Env, by: By<'_>, reason: &'static str, name: &DomainName) -> Result<(), Failure> {
    let author = by.author();
    let event = events::refused(env, Action::DomainRefused, reason, &author.origin)?;
    let mut tx = env.store.begin(by.scope).await?;
    let detail = [vec![("domain", name.to_string())], author.detail.clone()].concat();
    tx.audit().insert(&Event { detail, ..author.about(event) }).await?;
    Ok(tx.commit().await?)
}

async fn note(
    env: &Env,
    tx: &mut OrgTx,
    (action, author): (Action, &Author),
    name: &DomainName,
    more: &[(&'static str, String)],
) -> Result<(), Failure> {
    let event = events::done(env, action, &author.origin)?;
    let detail = [&[("domain", name.to_string())], more, &author.detail].concat();
    tx.audit().insert(&Event { detail, ..author.about(event) }).await?;
    Ok(())
}
