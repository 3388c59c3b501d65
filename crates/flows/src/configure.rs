//! Writing what an organization consists of: the one way, whether a file or a program says so.
//!
//! **Invariant:** each function writes the event of its change in the change's transaction, and does there what the change
//! entails, such as ending sessions.

mod clients;
mod joining;
mod mark;
mod organization;
mod quotas;
mod roles;
mod users;
mod webhooks;

use orgate_domain::audit::{Action, Actor, Event, Origin};
use orgate_domain::ids::{ClientId, OrgId, SessionId};

pub(crate) use clients::{changes_of, provide_keys, save_access, save_client};
pub(crate) use joining::save_joining;
pub(crate) use mark::Mark;
pub(crate) use organization::{OrganizationState, save_domain, save_mail_template, save_organization};
pub use quotas::QuotaSettings;
pub(crate) use quotas::{save_quotas, seize_quotas};
pub use roles::FirstRole;
pub(crate) use roles::{
    blueprints_in, delegation_event, find_blueprints, first_roles, new_roles, save_blueprint,
    save_delegation, save_group, save_role,
};
pub(crate) use users::{Assignment, UserState, end_all, save_assignment, save_membership, save_user};
pub(crate) use webhooks::{
    Beginning, TermsFault, WebhookState, check_webhook, insert_webhook, save_webhook, seal_webhook_secret,
};

use crate::end_sessions::Because;
use crate::random::NoRandomness;
use crate::{Env, events};

/// Who makes a change, as its events say.
#[derive(Debug, Clone)]
pub(crate) struct Author {
    /// Who.
    pub(crate) actor: Actor,
    /// In which session of theirs.
    pub(crate) session_id: Option<SessionId>,
    /// By which application.
    pub(crate) client: Option<(OrgId, ClientId)>,
    /// From where.
    pub(crate) origin: Origin,
    /// What every event of theirs says besides.
    pub(crate) detail: Vec<(&'static str, String)>,
}

impl Author {
    /// Whoever runs the installation.
    pub(crate) fn operator() -> Self {
        Self::of(Actor::Operator)
    }

    /// Somebody of whom nothing else is known.
    pub(crate) fn of(actor: Actor) -> Self {
        Self { actor, session_id: None, client: None, origin: Origin::default(), detail: Vec::new() }
    }

    /// An event of a change that they made.
    pub(crate) fn done(&self, env: &Env, action: Action, mark: &Mark) -> Result<Event, NoRandomness> {
        let detail = [vec![("change", mark.detail())], self.detail.clone()].concat();
        Ok(self.about(Event { detail, ..events::done(env, action, &self.origin)? }))
    }

    /// An event, as theirs.
    pub(crate) fn about(&self, event: Event) -> Event {
        Event { actor: self.actor, session_id: self.session_id, client: self.client, ..event }
    }

    /// Why sessions end that they end.
    pub(crate) const fn because(&self, reason: &'static str) -> Because<'_> {
        Because { actor: self.actor, reason, origin: &self.origin, detail: self.detail.as_slice() }
    }
}
