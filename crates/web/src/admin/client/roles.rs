//! What a machine may do where it is at home: the roles that it has there.

use std::collections::BTreeSet;

use orgate_domain::clients::Client;
use orgate_domain::ids::{ClientId, RoleId};
use orgate_domain::names::Slug;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::Role;
use orgate_flows::manage::clients::change_client_roles;
use orgate_flows::manage::roles::list_all_roles;
use orgate_flows::manage::users::RoleChanges;
use orgate_protocol::oauth::redirect_uri::ClientKind;

use super::{READ, Said, path, show};
use crate::admin::answers::Answer;
use crate::admin::change::{Refusal, done, refusal_on};
use crate::admin::role_boxes::HeldRole;
use crate::admin::{Admin, Named, Submitted};

/// A change of roles that was refused, and what was ticked.
pub(super) type Refused = (Refusal, BTreeSet<RoleId>);

/// The boxes of a machine's roles.
pub(super) struct Roles {
    pub(super) boxes: Vec<HeldRole>,
    /// Whether any of them can be changed.
    pub(super) assigns: bool,
    pub(super) error: Option<String>,
}

impl Roles {
    pub(super) fn of(admin: &Admin, (all, held): (&[Role], &[Slug]), refused: Option<Refused>) -> Self {
        let ticked = refused.as_ref().map(|(_, ticked)| ticked);
        let shown = |role: &Role| HeldRole::of(admin, (role, held.contains(&role.slug)), ticked);
        let boxes: Vec<_> = all.iter().map(shown).collect();
        Self {
            assigns: boxes.iter().any(|role| role.is_open),
            boxes,
            error: refused.map(|(refusal, _)| refusal.wrong.why),
        }
    }
}

/// The organization's roles, where a client can have any and they may be seen.
pub(super) async fn all(admin: &Admin, client: &Client) -> Result<Option<Vec<Role>>, Failure> {
    match admin.caller.asking(OrgatePermission::RolesRead) {
        Some(reader) if client.kind == ClientKind::Machine => {
            Ok(Some(list_all_roles(&admin.env, &reader).await?))
        }
        _ => Ok(None),
    }
}

/// `POST …/clients/{client}/roles`: gives the roles that are ticked now and were not, and takes the others; what the form did not
/// show stays.
pub(crate) async fn post_roles(Named(id): Named<ClientId>, Submitted { admin, form }: Submitted) -> Answer {
    let roles = |field| form.all(field).filter_map(|text| text.parse().ok()).collect::<BTreeSet<RoleId>>();
    let (wanted, held) = (roles("role"), roles("held"));
    let changes = RoleChanges { given: &wanted - &held, taken: &held - &wanted };
    let Err(error) = change_client_roles(&admin.env, &admin.caller, id, &changes).await else {
        return Ok(done(&admin, (&path(id), READ), "roles"));
    };
    let refusal = refusal_on(READ, &admin, &error)?;
    show(&admin, id, Said { roles: Some((refusal, wanted)), ..Said::default() }).await
}
