//! The boxes of a group's form: roles, and the groups that it is inside of.

use std::collections::BTreeSet;

use orgate_flows::manage::{Group, Role};

use super::{Asked, Base};
use crate::admin::Admin;
use crate::admin::choice::Choice;

/// What the boxes are made of.
pub(super) struct Boxes<'a> {
    pub(super) admin: &'a Admin,
    pub(super) asked: &'a Asked,
    pub(super) group: Option<&'a Group>,
    pub(super) edits: bool,
}

impl Boxes<'_> {
    pub(super) fn roles(&self, roles: &[Role]) -> Vec<Choice> {
        let (held, changed) = self.held(|base| &base.roles);
        let choice = |role: &Role| {
            let is_open = self.edits && self.admin.caller.may_give(role);
            let named = (role.slug.as_str(), role.name.as_str());
            Choice::of(named, (is_open, &self.asked.roles), (&held, &changed))
        };
        roles.iter().map(choice).collect()
    }

    pub(super) fn parents(&self, others: &[Group]) -> Vec<Choice> {
        let (held, changed) = self.held(|base| &base.parents);
        let choice = |other: &Group| {
            let named = (other.slug.as_str(), other.name.as_str());
            let choice = Choice::of(named, (self.edits, &self.asked.parents), (&held, &changed));
            let gives = Vec::from_iter(other.role_slugs()).join(", ");
            Choice { note: if gives.is_empty() { "No roles".to_owned() } else { gives }, ..choice }
        };
        others.iter().map(choice).collect()
    }

    /// What is there, and what of it others changed since the form was made.
    fn held(&self, of: impl Fn(&Base) -> &BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
        let now = self.group.map(Base::of);
        let held = now.as_ref().map(|now| of(now).clone()).unwrap_or_default();
        let changed = self.asked.refused.changed(&held, of);
        (held, changed)
    }
}
