//! Roles that new organizations begin with: those of the operator's entry are known before any organization is looked at, as new
//! ones come before and after it.

use orgate_domain::names::Slug;
use orgate_storage::{OrgScope, RoleBlueprint};

use super::organizations::called_by;
use super::plan::Subject;
use super::planner::Planner;
use super::wanted::{Wanted, WantedOrganization, WantedRole};
use crate::Failure;
use crate::configure::{Mark, find_blueprints};

/// Blueprints as they are, and as they will be.
#[derive(Debug, Default)]
pub(super) struct Blueprints {
    stored: Vec<RoleBlueprint>,
    pub(super) wanted: Vec<RoleBlueprint>,
}

impl Planner<'_> {
    /// Reads those that are there, and what the files make of them.
    pub(super) async fn find_blueprints(&mut self, wanted: &Wanted) -> Result<(), Failure> {
        let stored = find_blueprints(self.env).await?;
        let described = wanted.organizations.iter().find(|organization| organization.is_operator());
        let wanted = match described.and_then(|operator| operator.blueprints.as_deref()) {
            Some(listed) => {
                listed.iter().map(|wanted| blueprint(wanted, &stored)).collect::<Result<_, _>>()?
            }
            None => stored.clone(),
        };
        self.blueprints = Blueprints { stored, wanted };
        Ok(())
    }

    /// Compares them, in the operator's entry: the list is exact.
    pub(super) fn blueprints(&mut self, here: (&Slug, OrgScope), wanted: &WantedOrganization) {
        if wanted.blueprints.is_none() || !wanted.is_operator() {
            return;
        }
        let Blueprints { stored, wanted } = std::mem::take(&mut self.blueprints);
        for before in stored.iter().filter(|before| wanted.iter().all(|after| after.slug != before.slug)) {
            self.note(here, Some(Mark::Removed), Subject::Blueprint(before.clone()));
        }
        for after in &wanted {
            let mark = match stored.iter().find(|before| before.slug == after.slug) {
                None => Some(Mark::Created),
                Some(before) => Mark::of([
                    ("name", after.name != before.name),
                    ("permissions", after.permissions != before.permissions),
                ]),
            };
            self.note(here, mark, Subject::Blueprint(after.clone()));
        }
        self.blueprints = Blueprints { stored, wanted };
    }
}

/// One as it will be: what the files are silent about stays.
fn blueprint(wanted: &WantedRole, stored: &[RoleBlueprint]) -> Result<RoleBlueprint, Failure> {
    let slug = &wanted.slug.value;
    let before = stored.iter().find(|before| before.slug == *slug);
    let name = match wanted.name.as_ref().or(before.map(|before| &before.name)) {
        Some(name) => name.clone(),
        None => called_by(slug)?,
    };
    let permissions = wanted.permissions.as_ref().or(before.map(|before| &before.permissions));
    Ok(RoleBlueprint { slug: slug.clone(), name, permissions: permissions.cloned().unwrap_or_default() })
}
