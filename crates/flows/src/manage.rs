//! What the management API does: an organization is run by programs, as its administrators let them.
//!
//! **Invariant:** a use case here takes a [`Caller`], which only [`access::admit`] makes, of a token or an API key of that
//! organization, of one above that it lets in, or of the operator's with a reason; so none can be reached in another one, and
//! none without its permission.

pub mod access;
pub mod api_keys;
pub mod applications;
pub mod audit;
pub mod backlog;
pub(crate) mod change;
pub mod clients;
pub mod connections;
pub mod delegations;
pub mod domains;
pub mod follow;
pub mod groups;
pub mod import;
pub mod invitations;
pub mod join_requests;
pub mod joining;
pub mod mail_templates;
pub mod organization;
pub mod organizations;
pub mod policy;
pub mod quotas;
pub mod role_blueprints;
pub mod roles;
pub mod seats;
pub mod sessions;
pub mod setup_links;
pub mod signed_in;
pub mod signing_keys;
pub mod statistics;
pub mod users;
pub mod webhooks;

use orgate_domain::api_keys::KeyMaker;
use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::connections::RoleSlugs;
use orgate_domain::ids::{ApiKeyId, ClientId, OrgId, SessionId, UserId};
use orgate_domain::permissions::{EVERYTHING, Held, OrgatePermission, is_reserved};
use orgate_domain::policies::Policy;
pub use orgate_storage::system::{DelegatedOrganization, ListedOrganization, OrganizationFilter};
pub use orgate_storage::{
    Connection, Delegation, DeliveryStatus, EventCursor, EventPlace, FollowedEvent, Group, LastTrace,
    ListedClient, ListedUser, MAX_PAGE, Member, OpenSession, Page, PageOf, Period, Role, RoleBlueprint,
    StoredEvent, Webhook, WebhookDelivery, WebhookScope, WebhookStatus, WebhookTerms,
};
use orgate_storage::{HeldRights, OrgScope, OrgTx, StorageError};

pub use change::{ChangeError, KeyReused, Once};

use crate::configure::Author;
pub use crate::configure::FirstRole;
use crate::random::NoRandomness;
use crate::setup::Setup;
use crate::{Env, Failure, events};

/// Whoever calls, as their token or API key and what it stands on say just now.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The organization that is called about.
    scope: OrgScope,
    /// Their own.
    home: OrgScope,
    by: By,
    /// By which client they call, or with which they made the key by which they do.
    client: (OrgId, ClientId),
    /// Slugs of the roles of whoever it is, now; of another organization's none counts.
    roles: Vec<String>,
    /// What they hold by these.
    holds: Held,
    /// What the token, or the key, lets its bearer do of it.
    lent: Lent,
    /// What they asked to do.
    asked: OrgatePermission,
    /// What it takes besides, where they do it.
    also: Option<OrgatePermission>,
    /// Why somebody acts in an organization that is not theirs, if they said so; an operator always does.
    reason: Option<String>,
    origin: Origin,
}

/// Who it is that calls.
#[derive(Debug, Clone, Copy)]
enum By {
    /// A machine.
    Client(ClientId),
    /// Whoever made an API key, in an organization that allowed this when the key was shown.
    Key(ApiKeyId, KeyMaker, Policy),
    /// A user, in a session.
    User(UserId, SessionId),
}

impl By {
    /// A key acts for its maker, everybody else for themselves.
    const fn maker(self) -> KeyMaker {
        match self {
            Self::Client(id) => KeyMaker::Client(id),
            Self::Key(_, maker, _) => maker,
            Self::User(id, _) => KeyMaker::User(id),
        }
    }

    const fn actor(self) -> Actor {
        match self.maker() {
            KeyMaker::Client(id) => Actor::Application(id),
            KeyMaker::User(id) => Actor::User(id),
        }
    }

    /// The API key, if they call by one.
    const fn key(self) -> Option<ApiKeyId> {
        match self {
            Self::Key(key, ..) => Some(key),
            Self::Client(_) | Self::User(..) => None,
        }
    }

    const fn session(self) -> Option<SessionId> {
        match self {
            Self::User(_, session) => Some(session),
            Self::Client(_) | Self::Key(..) => None,
        }
    }
}

/// What a token says that its bearer may do: neither more than its scope, nor than was held when it was issued, nor than an
/// organization lets them that is not theirs. Of a key, the first is what its client may ask for, the second what it was made for.
#[derive(Debug, Clone)]
struct Lent {
    scope: Held,
    permissions: Held,
    /// What the organization that is called about lets somebody of another one do.
    delegated: Option<Held>,
}

impl Lent {
    fn covers(&self, wanted: &str) -> bool {
        self.scope.covers(wanted)
            && self.permissions.covers(wanted)
            && self.delegated.as_ref().is_none_or(|delegated| delegated.covers(wanted))
    }
}

impl Caller {
    /// The organization that is called about.
    pub const fn org_id(&self) -> OrgId {
        self.scope.org_id()
    }

    /// The user who calls, or whose key it is.
    pub const fn user_id(&self) -> Option<UserId> {
        self.by.maker().user()
    }

    /// The session that they call in, if they are a user in one.
    pub const fn session_id(&self) -> Option<SessionId> {
        self.by.session()
    }

    /// The same, about something that takes another permission as well, in their own organization: to another one it was told only
    /// for what they were let in. `None` if they may not do that.
    pub fn asking(&self, permission: OrgatePermission) -> Option<Self> {
        let is_known = self.is_at_home() || permission == self.asked;
        (is_known && self.may(permission)).then(|| Self { asked: permission, ..self.clone() })
    }

    /// Whether they have this role themselves.
    pub fn has_role(&self, role: &Role) -> bool {
        self.roles.iter().any(|held| held == role.slug.as_str())
    }

    /// Whether they may give users this role, and take it from them.
    pub fn may_assign(&self, role: &Role) -> bool {
        self.may(OrgatePermission::RolesAssign) && self.may_give(role)
    }

    /// Why they act in an organization that is not theirs, if they said so.
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Whether they may do this, wherever it is that they call about.
    pub fn may(&self, wanted: OrgatePermission) -> bool {
        self.holds.has(wanted) && self.lent.covers(wanted.as_str())
    }

    /// The caller by what they hold at this moment, in the transaction that decides: what was read when they were let in may
    /// be over once a request is read whole, and others who were first are done. `at_home` is of [`Caller::rights_at_home`].
    ///
    /// # Errors
    /// [`ChangeError::Above`] if they may not do any more what they asked to do.
    pub(crate) async fn renewed(
        &self,
        env: &Env,
        tx: &mut OrgTx,
        at_home: Option<HeldRights>,
    ) -> Result<Self, ChangeError> {
        let held = if self.is_at_home() { self.find_rights(env, tx).await? } else { at_home };
        let HeldRights { roles, permissions } = held.unwrap_or_default();
        let holds = Held::of(permissions.iter().map(String::as_str));
        let lent = Lent { delegated: None, ..self.lent.clone() };
        let mut caller = Self { roles, holds, lent, ..self.clone() };
        // Held at home, whatever the other organization lets them do.
        let acts = self.also.is_none_or(|also| caller.may(also));
        if self.is_delegate() {
            caller.lent.delegated = Some(self.find_let(tx).await?);
        }
        if acts && caller.may(self.asked) {
            Ok(caller)
        } else {
            Err(ChangeError::above("", "you may not do this any more"))
        }
    }

    /// What somebody holds who acts in an organization that is not theirs. Read before the transaction there is opened: one
    /// request that holds two of the database's connections could wait for others like it.
    pub(crate) async fn rights_at_home(&self, env: &Env) -> Result<Option<HeldRights>, Failure> {
        if self.is_at_home() {
            return Ok(None);
        }
        let mut home = env.store.begin(&self.home).await?;
        let held = self.find_rights(env, &mut home).await?;
        home.commit().await?;
        Ok(held.map(|held| HeldRights { roles: Vec::new(), ..held }))
    }

    pub(crate) fn is_at_home(&self) -> bool {
        self.scope == self.home
    }

    /// Whether they are somebody of an organization above, who acts here because this one lets them.
    const fn is_delegate(&self) -> bool {
        self.lent.delegated.is_some()
    }

    /// What the organization that is called about lets somebody of another one do, at this moment.
    async fn find_let(&self, tx: &mut OrgTx) -> Result<Held, StorageError> {
        let standing = tx.delegations().find_standing(self.home.org_id()).await?;
        let permissions = standing.map(|standing| standing.permissions).unwrap_or_default();
        Ok(Held::of(permissions.iter().map(String::as_str)))
    }

    /// The caller by what can be asked in this transaction, once something was waited for: at home all that they hold, as a
    /// delegate what they are let. Of an operator, what was read before counts.
    ///
    /// # Errors
    /// [`ChangeError::Above`], as of [`Caller::renewed`].
    pub(crate) async fn renewed_here(&self, env: &Env, tx: &mut OrgTx) -> Result<Self, ChangeError> {
        if self.is_at_home() {
            return self.renewed(env, tx, None).await;
        }
        let mut caller = self.clone();
        if self.is_delegate() {
            caller.lent.delegated = Some(self.find_let(tx).await?);
        }
        if caller.may(self.asked) {
            Ok(caller)
        } else {
            Err(ChangeError::above("", "you may not do this any more"))
        }
    }

    async fn find_rights(&self, env: &Env, tx: &mut OrgTx) -> Result<Option<HeldRights>, StorageError> {
        match self.by {
            By::Client(_) => tx.rights().find_of_client(self.client).await,
            By::Key(key, _, policy) => {
                let Some((held, began)) = tx.rights().find_of_key(key, env.clock.now()).await? else {
                    return Ok(None);
                };
                // What is set above was read before: a second connection to the database is not for who holds one.
                let policy = policy.tightened_by(&tx.organization().find_policy().await?.unwrap_or_default());
                let stands = began.is_none_or(|began| began.check(&policy).is_ok());
                Ok(stands.then_some(held))
            }
            By::User(user, session) => tx.rights().find_of_user(user, (session, env.clock.now())).await,
        }
    }

    /// Asks something of the organization that is called about, in a transaction of its own.
    async fn read<T>(
        &self,
        env: &Env,
        question: impl AsyncFnOnce(&mut OrgTx) -> Result<T, StorageError>,
    ) -> Result<T, Failure> {
        env.read(&self.scope, question).await
    }

    /// Whether they may give others this permission, of whatever kind: if they hold it, and the token lends it; those of
    /// applications also if they may give what they do not hold.
    pub fn may_give_permission(&self, permission: &str) -> bool {
        if is_reserved(permission) {
            return self.holds.covers(permission) && self.lent.covers(permission);
        }
        // Those of applications are in no token for the API, and in no delegation.
        let lent = self.lent.scope.covers(permission) || self.lent.scope.covers(EVERYTHING);
        (self.holds.covers(permission) && lent && !self.is_delegate())
            || self.may(OrgatePermission::ApplicationsGrant)
    }

    /// Whether they may give others this role: one that they have, or any, where they may give what they do not have; and
    /// nothing in it that they may not give. A role is more than what is in it: applications ask for it by its name.
    pub fn may_give(&self, role: &Role) -> bool {
        let theirs = self.may(OrgatePermission::ApplicationsGrant) || self.has_role(role);
        theirs && role.permissions.iter().all(|permission| self.may_give_permission(permission))
    }

    /// Whether somebody who holds these permissions stands no higher than they do: of Orgate's own they hold nothing that
    /// the caller does not.
    fn reaches<'a>(&self, held: impl IntoIterator<Item = &'a String>) -> bool {
        held.into_iter().filter(|text| is_reserved(text)).all(|text| self.may_give_permission(text))
    }

    /// Who it is, as text: the id of the user or the machine.
    fn id(&self) -> String {
        self.by.maker().id()
    }

    /// What every event of theirs says besides: by which key they call.
    fn trace(&self) -> Vec<(&'static str, String)> {
        self.by.key().map(|key| ("by_api_key", key.to_string())).into_iter().collect()
    }

    /// Who does what they do: in their own organization themselves; in another the operator, or the organization that is let in
    /// there, by whom and why.
    pub(crate) fn author(&self) -> Author {
        let origin = self.origin.clone();
        if self.is_delegate() {
            let reason = self.reason.clone().map(|reason| ("delegate_reason", reason));
            let detail = [("delegate", self.id())].into_iter().chain(reason).chain(self.trace()).collect();
            return Author { origin, detail, ..Author::of(Actor::Delegate(self.home.org_id())) };
        }
        if let Some(reason) = &self.reason {
            let detail = vec![("operator", self.id()), ("operator_reason", reason.clone())];
            let detail = [detail, self.trace()].concat();
            return Author { origin, detail, ..Author::operator() };
        }
        let (actor, session_id) = (self.by.actor(), self.by.session());
        Author { actor, session_id, client: Some(self.client), origin, detail: self.trace() }
    }

    /// An event of something that they did.
    fn done(&self, env: &Env, action: Action) -> Result<Event, NoRandomness> {
        let author = self.author();
        let event = author.about(events::done(env, action, &self.origin)?);
        Ok(Event { detail: author.detail, ..event })
    }

    /// By what turns at changes are told apart. Whoever floods by a key holds up nobody who takes that back.
    fn turn(&self) -> String {
        let through = match self.by {
            By::Key(..) => "api_key".to_owned(),
            By::Client(_) | By::User(..) => self.client.1.to_string(),
        };
        [through, self.id()].join(" ")
    }

    /// As somebody who sets up sign-in; `ceiling` are slugs of the roles that they may give by it.
    fn sets_up(&self, ceiling: RoleSlugs) -> Setup {
        Setup::of_administrator(self.scope, self.clone(), ceiling)
    }

    /// Records what they were refused: in their own organization, whichever was named. Folded by caller: nothing keeps a
    /// program from trying again and again.
    async fn record_refusal(
        &self,
        env: &Env,
        (reason, about): (&'static str, (&'static str, &str)),
    ) -> Result<(), Failure> {
        let event = events::refused(env, Action::ApiRefused, reason, &self.origin)?;
        let (actor, session_id) = (self.by.actor(), self.by.session());
        let user_id = self.by.maker().user();
        let mut detail = [vec![(about.0, about.1.to_owned())], self.trace()].concat();
        if !self.is_at_home() {
            detail.push(("organization", self.scope.org_id().to_string()));
        }
        let event = Event { actor, user_id, session_id, client: Some(self.client), detail, ..event };
        env.refusals.record(env, &self.home, event).await?;
        Ok(())
    }
}

/// A page of what is few enough to be read at once, in the order of its ids.
fn paged<Row, Id: Copy + Ord>(
    mut rows: Vec<Row>,
    page: PageOf<Id>,
    id: impl Fn(&Row) -> Id,
) -> Page<Row, Id> {
    rows.retain(|row| page.after.is_none_or(|after| id(row) > after));
    rows.sort_by_key(&id);
    page.cut(rows, id)
}
