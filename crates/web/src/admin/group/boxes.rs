//! The boxes of a group's form: roles, and the groups that it is inside of.

use std::collections::BTreeSet;

use orgate_flows::manage::{Group, Role};

use super::{Asked, Base, Refused};
use crate::admin::Admin;

/// A box.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own that the box shows")]
pub(super) struct Choice {
    pub(super) slug: String,
    pub(super) name: String,
    /// What else there is to know.
    pub(super) note: String,
    pub(super) is_held: bool,
    /// Whether its box is ticked: as it is held, or as it was in a form that was refused.
    pub(super) is_ticked: bool,
    /// Whether it is the reader's to give and to take.
    pub(super) is_open: bool,
    /// Whether somebody else changed it meanwhile.
    pub(super) is_changed: bool,
}

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
            Self::choice(named, (is_open, &self.asked.roles), (&held, &changed))
        };
        roles.iter().map(choice).collect()
    }

    pub(super) fn parents(&self, others: &[Group]) -> Vec<Choice> {
        let (held, changed) = self.held(|base| &base.parents);
        let choice = |other: &Group| {
            let named = (other.slug.as_str(), other.name.as_str());
            let choice = Self::choice(named, (self.edits, &self.asked.parents), (&held, &changed));
            let gives = Vec::from_iter(other.role_slugs()).join(", ");
            Choice { note: if gives.is_empty() { "No roles".to_owned() } else { gives }, ..choice }
        };
        others.iter().map(choice).collect()
    }

    /// What is there, and what of it others changed since the form was made.
    fn held(&self, of: impl Fn(&Base) -> &BTreeSet<String>) -> (BTreeSet<String>, BTreeSet<String>) {
        let now = self.group.map(Base::of);
        let held = now.as_ref().map(|now| of(now).clone()).unwrap_or_default();
        let changed = match &self.asked.refused {
            Refused::Meanwhile(base) => of(base).symmetric_difference(&held).cloned().collect(),
            Refused::For(_) | Refused::No => BTreeSet::new(),
        };
        (held, changed)
    }

    fn choice(
        (slug, name): (&str, &str),
        (is_open, ticked): (bool, &BTreeSet<String>),
        (held, changed): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Choice {
        let is_held = held.contains(slug);
        Choice {
            slug: slug.to_owned(),
            name: name.to_owned(),
            note: if slug == name { String::new() } else { slug.to_owned() },
            is_held,
            is_ticked: if is_open { ticked.contains(slug) } else { is_held },
            is_open,
            is_changed: changed.contains(slug),
        }
    }
}
