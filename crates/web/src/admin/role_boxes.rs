//! The boxes of a form that gives roles.

use std::collections::BTreeSet;

use orgate_domain::ids::RoleId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::Role;
use orgate_flows::manage::roles::list_all_roles;

use super::Admin;
use crate::fields::Form;

/// `templates/admin/role_boxes.html`.
pub(super) struct RoleBox {
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) is_ticked: bool,
}

/// A role of somebody's, or of a machine's: `templates/admin/held_roles.html`.
pub(super) struct HeldRole {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) slug: String,
    pub(super) is_held: bool,
    /// Whether its box is ticked: as it is held, or as it was in a form that was refused.
    pub(super) is_ticked: bool,
    /// Whether it may be given and taken.
    pub(super) is_open: bool,
}

impl HeldRole {
    /// One that is held or not, and what was ticked in a form that was refused.
    pub(super) fn of(
        admin: &Admin,
        (role, is_held): (&Role, bool),
        ticked: Option<&BTreeSet<RoleId>>,
    ) -> Self {
        let is_open = admin.caller.may_assign(role);
        Self {
            id: role.id.to_string(),
            name: role.name.as_str().to_owned(),
            slug: role.slug.to_string(),
            is_held,
            is_ticked: ticked.filter(|_| is_open).map_or(is_held, |ticked| ticked.contains(&role.id)),
            is_open,
        }
    }
}

/// The roles that are open to them, as far as they may be seen: none ticked, unless the form says otherwise.
pub(super) async fn role_boxes(
    admin: &Admin,
    form: Option<&Form>,
    is_open: impl Fn(&Role) -> bool,
) -> Result<Vec<RoleBox>, Failure> {
    let Some(reader) = admin.caller.asking(OrgatePermission::RolesRead) else { return Ok(Vec::new()) };
    let roles = list_all_roles(&admin.env, &reader).await?;
    let boxed = roles.into_iter().filter(is_open).map(|role| RoleBox {
        is_ticked: form.is_some_and(|form| form.all("role").any(|slug| slug == role.slug.as_str())),
        name: role.name.as_str().to_owned(),
        slug: role.slug.to_string(),
    });
    Ok(boxed.collect())
}
