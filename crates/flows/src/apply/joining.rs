//! Comparing who may join an organization without an invitation.

use std::collections::BTreeMap;

use orgate_domain::ids::RoleId;
use orgate_domain::joining::Joining;
use orgate_domain::names::Slug;
use orgate_storage::OrgScope;

use super::plan::Subject;
use super::planner::Planner;
use super::wanted::WantedJoining;
use crate::configure::Mark;

/// Who vouches for what a file says.
const OPERATOR: &str = "operator";

impl Planner<'_> {
    /// Compares it. What is said already stays whoever's word it is.
    pub(super) fn joining(
        &mut self,
        here: (&Slug, OrgScope),
        (wanted, roles): (Option<&WantedJoining>, &BTreeMap<Slug, RoleId>),
        (stored, has_new_domain): (Option<&Joining>, bool),
    ) {
        let Some(wanted) = wanted else { return };
        let given = self.resolve_roles(here.0, Some(&wanted.roles), roles).unwrap_or_default();
        let after = Joining {
            domains: wanted.domains,
            others: wanted.others,
            roles: given.into_keys().map(|slug| slug.as_str().to_owned()).collect(),
            set_by: OPERATOR.to_owned(),
            set_at: self.env.clock.now(),
        };
        let mark = match stored {
            None => (after.is_open() || !after.roles.is_empty()).then_some(Mark::Created),
            Some(before) => Mark::of([
                ("domains", before.domains != after.domains),
                ("others", before.others != after.others),
                ("roles", before.roles != after.roles),
                // It is said of the domains that are the organization's when it is.
                ("verified_domains", has_new_domain),
            ]),
        };
        self.note(here, mark, Subject::Joining(after));
    }
}
