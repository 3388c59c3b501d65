//! The boxes of a form that gives roles.

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
