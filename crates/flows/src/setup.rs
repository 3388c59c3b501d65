//! Setting up an organization's sign-in: by a link, without an account here, or through the management API.
//!
//! **Invariant:** whoever sets up acts in one organization, for what they may set up, and gives away no more than their
//! ceiling; a link is read again in the transaction of each change, and each change has its event there, with whoever
//! sets up as its actor.

pub mod certificates;
pub mod connections;
mod ground;
pub mod links;
pub mod mapping;
pub mod meanings;
pub mod preflight;
pub mod proposals;
pub mod provider;
pub mod rollout;
pub mod saved;
pub mod traces;
pub mod unsolicited;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::connections::{RoleSlugs, SettingsProblem};
use orgate_domain::ids::ConnectionId;
use orgate_domain::organizations::{OrgStatus, Organization};
use orgate_domain::quotas::NoRoom;
use orgate_domain::setup::{SetupLink, SetupLinkRefusal, SetupPurpose};
pub use orgate_storage::{AtRisk, Connection, Group, Role, StoredTrace, VersionSummary};
use orgate_storage::{OrgScope, OrgTx, StorageError};

use crate::configure::Author;
use crate::end_sessions::Because;
use crate::manage::{Caller, ChangeError};
use crate::way_in::NoWayIn;
use crate::{Env, Failure, events};

use ground::Ground;

/// Somebody who sets up.
#[derive(Debug)]
pub struct Setup {
    /// The way in.
    pub scope: OrgScope,
    by: By,
}

/// Who sets up.
#[derive(Debug)]
enum By {
    /// An administrator, as events say it, and slugs of the roles that they might give when they began.
    Administrator(Box<Caller>, Box<Author>, RoleSlugs),
    /// Whoever opened this link.
    Link(Box<Holder>),
}

/// Whoever opened a link.
#[derive(Debug)]
struct Holder {
    link: SetupLink,
    ground: Ground,
}

/// An open link, in the browser that opened it.
#[derive(Debug)]
pub struct Opened {
    /// Whoever opened it.
    pub setup: Setup,
    /// The link.
    pub link: SetupLink,
    /// The organization.
    pub organization: Organization,
    /// Whether an administrator opened it for themselves, from the pages that they run the organization by.
    pub is_own: bool,
}

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Its time is over, or it was taken back.
    Link(SetupLinkRefusal),
    /// Its organization is suspended.
    Suspended,
    /// There is none, or it was opened in another browser: one answer for all.
    Unknown,
}

/// What stands in the way of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// The connection gives roles that whoever sets up may not.
    BeyondLink,
    /// The link is for something else.
    OtherPurpose,
    /// There are no settings to test.
    NoSettings,
    /// A connection in this state does not become that one.
    State,
    /// The version was not tested to its end.
    Untested,
    /// See [`NoRoom`].
    NoRoom(NoRoom),
    /// The version was never live.
    NeverLive,
    /// SSO is enforced, and this would leave no way in.
    WayIn(NoWayIn),
}

/// Something that was typed and cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field of the form.
    pub field: &'static str,
    /// Why, as a sentence.
    pub why: String,
}

impl Problem {
    /// Whether it is of this field, named as in the form or as in the document.
    pub fn is_of(&self, field: &str) -> bool {
        self.field.rsplit('.').next() == Some(field)
    }
}

/// The form was made for something that was changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The latest version, where versions are what it is about.
    pub latest: Option<VersionSummary>,
    /// Whether this same link changed it, in another window.
    pub by_this_link: bool,
}

/// Why a step is not done.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// See [`Closed`].
    #[error("the link opens nothing")]
    Closed(Closed),
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
    /// See [`Problem`].
    #[error("what was typed cannot be")]
    Invalid(Vec<Problem>),
    /// The organization has no such connection or trace.
    #[error("there is no such thing in this organization")]
    Missing,
    /// See [`NotYet`].
    #[error("the step is not possible yet")]
    NotYet(NotYet),
    /// See [`Stale`].
    #[error("somebody else changed it meanwhile")]
    Stale(Box<Stale>),
}

impl From<StorageError> for SetupError {
    fn from(error: StorageError) -> Self {
        Self::Failure(error.into())
    }
}

impl From<SettingsProblem> for SetupError {
    fn from(problem: SettingsProblem) -> Self {
        Self::Invalid(vec![Problem { field: problem.field, why: problem.why }])
    }
}

impl SetupError {
    /// One field that cannot be.
    pub(crate) fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem { field, why: why.into() }])
    }
}

impl Setup {
    /// Whoever opened a link.
    fn of_link(scope: OrgScope, link: &SetupLink, ground: Ground) -> Self {
        Self { scope, by: By::Link(Box::new(Holder { link: link.clone(), ground })) }
    }

    /// An administrator, of whom it is known what they may set up; `ceiling` are slugs of the roles that they may give.
    pub(crate) fn of_administrator(scope: OrgScope, caller: Caller, ceiling: RoleSlugs) -> Self {
        let author = caller.author();
        Self { scope, by: By::Administrator(Box::new(caller), Box::new(author), ceiling) }
    }

    /// Slugs of the roles that what they set up may give.
    pub const fn ceiling(&self) -> &RoleSlugs {
        match &self.by {
            By::Administrator(.., ceiling) => ceiling,
            By::Link(holder) => &holder.link.role_ceiling,
        }
    }

    /// Whether they may set this up.
    pub fn is_for(&self, purpose: SetupPurpose) -> bool {
        match &self.by {
            By::Administrator(..) => true,
            By::Link(holder) => holder.link.is_for(purpose),
        }
    }

    /// Opens a transaction in which they may still set this up: a link is still good, for `purpose`.
    pub(crate) async fn begin(&self, env: &Env, purpose: SetupPurpose) -> Result<OrgTx, SetupError> {
        let holder = match &self.by {
            By::Administrator(caller, ..) => {
                let at_home = caller.rights_at_home(env).await?;
                let mut tx = env.store.begin(&self.scope).await?;
                caller.renewed(env, &mut tx, at_home).await.map_err(fallen)?;
                return Ok(tx);
            }
            By::Link(holder) => holder,
        };
        let mut tx = env.store.begin(&self.scope).await?;
        let link = holder.renewed(env, &mut tx).await?;
        if !link.is_for(purpose) {
            return Err(SetupError::NotYet(NotYet::OtherPurpose));
        }
        let organization = tx.organization().find().await?;
        match organization.map(|found| found.status) {
            Some(OrgStatus::Active) => Ok(tx),
            Some(OrgStatus::Suspended) => Err(SetupError::Closed(Closed::Suspended)),
            Some(OrgStatus::Deleted) | None => Err(SetupError::Closed(Closed::Unknown)),
        }
    }

    /// Whether they may still do it, once something was waited for. Of an operator who acts in another organization, what was
    /// read before counts.
    pub(crate) async fn recheck(&self, env: &Env, tx: &mut OrgTx) -> Result<(), SetupError> {
        match &self.by {
            By::Administrator(caller, ..) => caller.renewed_here(env, tx).await.map(drop).map_err(fallen),
            By::Link(holder) => holder.renewed(env, tx).await.map(drop),
        }
    }

    /// The ceiling, as far as it reaches at this moment: what somebody could give when they began, and still can.
    pub(crate) async fn ceiling_in(&self, env: &Env, tx: &mut OrgTx) -> Result<RoleSlugs, SetupError> {
        let By::Administrator(caller, _, ceiling) = &self.by else { return Ok(self.ceiling().clone()) };
        let caller = caller.renewed_here(env, tx).await.map_err(fallen)?;
        let roles = tx.roles().list().await?;
        let given = roles.iter().filter(|role| caller.may_give(role)).map(|role| role.slug.to_string());
        Ok(given.filter(|slug| ceiling.contains(slug)).collect())
    }

    /// Writes the event of a change, notes a link's use, and commits.
    pub(crate) async fn commit(
        &self,
        (env, origin): (&Env, &Origin),
        mut tx: OrgTx,
        (action, id): (Action, ConnectionId),
        detail: Vec<(&'static str, String)>,
    ) -> Result<(), SetupError> {
        let event = events::done(env, action, origin).map_err(Failure::from)?;
        tx.audit().insert(&self.about(id, event, detail)).await?;
        self.note_use(env, &mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Notes a link's use.
    async fn note_use(&self, env: &Env, tx: &mut OrgTx) -> Result<(), StorageError> {
        match &self.by {
            By::Administrator(..) => Ok(()),
            By::Link(holder) => tx.setup_links().update_last_used(holder.link.id, env.clock.now()).await,
        }
    }

    /// The event, about a connection, with whoever sets up as its actor.
    pub(crate) fn about(&self, id: ConnectionId, event: Event, detail: Vec<(&'static str, String)>) -> Event {
        let author = self.author();
        let detail = [vec![("connection", id.to_string())], detail, author.detail.clone()].concat();
        Event { detail, ..author.about(event) }
    }

    /// Who acts, as events say it.
    pub(crate) fn author(&self) -> Author {
        match &self.by {
            By::Administrator(_, author, _) => Author::clone(author),
            By::Link(_) => Author::of(self.actor()),
        }
    }

    /// Who acts.
    pub const fn actor(&self) -> Actor {
        match &self.by {
            By::Administrator(_, author, _) => author.actor,
            By::Link(holder) => Actor::SetupLink(holder.link.id),
        }
    }

    /// Why sessions end that they end.
    pub(crate) fn because<'a>(&'a self, reason: &'static str, origin: &'a Origin) -> Because<'a> {
        match &self.by {
            By::Administrator(_, author, _) => author.because(reason),
            By::Link(_) => Because { actor: self.actor(), reason, origin, detail: &[] },
        }
    }

    /// Whether a version is of this link.
    pub(crate) fn wrote(&self, version: &VersionSummary) -> bool {
        let By::Link(holder) = &self.by else { return false };
        version.author.1.as_deref() == Some(holder.link.id.to_string().as_str())
    }

    /// Whether they may have somebody sign in by what was not tested: a link's holder can test, a program cannot.
    pub(crate) const fn may_skip_test(&self) -> bool {
        matches!(&self.by, By::Administrator(..))
    }
}

impl Holder {
    /// The link, if it is still good at this moment.
    async fn renewed(&self, env: &Env, tx: &mut OrgTx) -> Result<SetupLink, SetupError> {
        let link = tx.setup_links().find(self.link.id).await?.ok_or(SetupError::Closed(Closed::Unknown))?;
        let good = links::check_link(env, tx, (&link, &self.ground)).await?;
        good.map_err(|refusal| SetupError::Closed(Closed::Link(refusal)))?;
        Ok(link)
    }
}

/// Of somebody who may not set up any more what they began to.
fn fallen(error: ChangeError) -> SetupError {
    match error {
        ChangeError::Failure(failure) => failure.into(),
        _ => SetupError::Closed(Closed::Link(SetupLinkRefusal::MakerFallen)),
    }
}
