//! What the management API does: an organization is run by programs, as its administrators let them.
//!
//! **Invariant:** a use case here takes a [`Caller`], which only [`access::admit`] makes, of a token of that organization; so
//! none can be reached in another one, and none without its permission.

pub mod access;
pub mod organization;
pub mod setup_links;
pub mod users;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{ClientId, OrgId, SessionId, UserId};
use orgate_domain::permissions::{Held, OrgatePermission, is_reserved};
pub use orgate_storage::{ListedUser, MAX_PAGE, Page, PageOf};
use orgate_storage::{OrgScope, Role};

use crate::random::NoRandomness;
use crate::{Env, Failure, events};

/// All of Orgate's own permissions, as roles hold and scopes lend them.
const EVERYTHING: &str = "orgate:*";

/// Whoever calls, as their token and what it stands on say just now.
#[derive(Debug)]
pub struct Caller {
    scope: OrgScope,
    by: By,
    client: (OrgId, ClientId),
    /// Slugs of the roles of whoever the token is about, now.
    roles: Vec<String>,
    /// What they hold by these.
    holds: Held,
    /// What the token lets its bearer do of it.
    lent: Lent,
    origin: Origin,
}

/// Whom a token is about.
#[derive(Debug, Clone, Copy)]
enum By {
    /// A machine.
    Client(ClientId),
    /// A user, in a session.
    User(UserId, SessionId),
}

/// What a token says that its bearer may do: neither more than its scope, nor than was held when it was issued.
#[derive(Debug)]
struct Lent {
    scope: Held,
    permissions: Held,
}

impl Lent {
    fn covers(&self, wanted: &str) -> bool {
        self.scope.covers(wanted) && self.permissions.covers(wanted)
    }
}

impl Caller {
    /// The organization that is called about.
    pub const fn org_id(&self) -> OrgId {
        self.scope.org_id()
    }

    /// Whether they may do this.
    pub(crate) fn may(&self, wanted: OrgatePermission) -> bool {
        self.holds.has(wanted) && self.lent.covers(wanted.as_str())
    }

    /// Whether they may give others this role: one that they have, or any, where they hold all of Orgate's own permissions and
    /// the token lends them; and nothing in it that they do not hold, or the token does not lend. A role is more than what is
    /// in it: applications ask for it by its name.
    pub(crate) fn may_give(&self, role: &Role) -> bool {
        let all = self.holds.covers(EVERYTHING) && self.lent.covers(EVERYTHING);
        let theirs = all || self.roles.iter().any(|held| held == role.slug.as_str());
        theirs
            && role
                .permissions
                .iter()
                .all(|permission| self.holds.covers(permission) && self.lends(permission))
    }

    /// Whether the token lends this, a permission of whatever kind. Those of applications are in no token for the API.
    fn lends(&self, permission: &str) -> bool {
        if is_reserved(permission) {
            self.lent.covers(permission)
        } else {
            self.lent.scope.covers(permission) || self.lent.scope.covers(EVERYTHING)
        }
    }

    fn actor(&self) -> Actor {
        match self.by {
            By::Client(id) => Actor::Application(id),
            By::User(id, _) => Actor::User(id),
        }
    }

    /// An event of theirs.
    fn about(&self, event: Event) -> Event {
        let (user_id, session_id) = match self.by {
            By::Client(_) => (None, None),
            By::User(user, session) => (Some(user), Some(session)),
        };
        Event { actor: self.actor(), user_id, session_id, client: Some(self.client), ..event }
    }

    fn done(&self, env: &Env, action: Action) -> Result<Event, NoRandomness> {
        Ok(self.about(events::done(env, action, &self.origin)?))
    }

    /// Records what they were refused: in their own organization, whichever was named. Folded by caller: nothing keeps a
    /// program from trying again and again.
    async fn record_refusal(
        &self,
        env: &Env,
        (reason, about): (&'static str, (&'static str, &str)),
    ) -> Result<(), Failure> {
        let event = self.about(events::refused(env, Action::ApiRefused, reason, &self.origin)?);
        let event = Event { detail: vec![(about.0, about.1.to_owned())], ..event };
        env.refusals.record(env, &self.scope, event).await?;
        Ok(())
    }
}
