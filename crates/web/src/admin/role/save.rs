//! What a form says of a role: made, changed, or shown once more.

use std::collections::BTreeSet;

use orgate_domain::audit::Action;
use orgate_domain::ids::RoleId;
use orgate_domain::names::{DisplayName, Slug};
use orgate_domain::permissions::{OrgatePermission, parse_for_role};
use orgate_flows::Failure;
use orgate_flows::manage::applications::Declared;
use orgate_flows::manage::roles::{MAX_PERMISSIONS, RoleSettings, Touched, create_role, update_role};
use orgate_flows::manage::{ChangeError, Role};

use super::{Asked, Refused, show, show_new};
use crate::admin::answers::Answer;
use crate::admin::change::{done, refusal, refusal_on};
use crate::admin::matrix::{Matrix, Ticks, meant};
use crate::admin::meanwhile::{Meanwhile, moved};
use crate::admin::naming::{display_name, slug_for};
use crate::admin::{Admin, Named, Submitted};
use crate::fields::Form;

/// `POST …/roles/new`.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let wanted = permissions(&form);
    let made = match (slug_for(&form), display_name(&form)) {
        (Ok(slug), Ok(name)) => make(&admin, (slug, name), &wanted).await,
        (_, Err(error)) | (Err(error), _) => Err(error),
    };
    let error = match made {
        Ok(role) => {
            return Ok(done(&admin, (&format!("/roles/{}", role.id), OrgatePermission::RolesRead), "made"));
        }
        Err(error) => error,
    };
    let refused = Refused::For(refusal(&admin, &error)?);
    show_new(&admin, Some(Asked::of(&form, meant(&error, &wanted), refused))).await
}

async fn make(
    admin: &Admin,
    (slug, name): (Slug, DisplayName),
    wanted: &BTreeSet<String>,
) -> Result<Role, ChangeError> {
    let settings = RoleSettings { name, permissions: Vec::from_iter(wanted.clone()) };
    create_role(&admin.env, &admin.caller, (slug, settings), None).await
}

/// `POST …/roles/{role}`: saves what the form shows, unless somebody else changed the role since.
pub(crate) async fn post(Named(id): Named<RoleId>, Submitted { admin, form }: Submitted) -> Answer {
    let (wanted, base) = (permissions(&form), form.words("base").into_iter().collect::<BTreeSet<_>>());
    let touched = Touched { permissions: wanted != base };
    let edit = |now: &Role| {
        // Of a name, what a form brings is without the space around it.
        if now.permissions != base || now.name.as_str().trim() != form.text("base_name") {
            return Err(ChangeError::Stale);
        }
        Ok(RoleSettings { name: display_name(&form)?, permissions: Vec::from_iter(wanted.clone()) })
    };
    let shown = format!("/roles/{id}");
    let Err(error) = update_role(&admin.env, &admin.caller, (id, touched), edit).await else {
        return Ok(done(&admin, (&shown, OrgatePermission::RolesRead), "saved"));
    };
    let refusal = refusal_on(OrgatePermission::RolesRead, &admin, &error)?;
    let refused = Refused::by(&error, refusal, (form.text("base_name").to_owned(), base));
    show(&admin, id, (None, Some(Asked::of(&form, meant(&error, &wanted), refused)))).await
}

/// Permissions of a form that are looked at: one more than there may be, so that the use case says how many that is. Each is
/// compared with each box.
const MAX_READ: usize = MAX_PERMISSIONS + 1;

/// What is ticked or typed.
fn permissions(form: &Form) -> BTreeSet<String> {
    form.all("permission").map(str::to_owned).chain(form.words("more")).take(MAX_READ).collect()
}

/// Who changed a role, and what, since a form was made of it.
pub(super) async fn meanwhile(
    admin: &Admin,
    role: &Role,
    (name, before): (&str, &BTreeSet<String>),
) -> Result<Meanwhile, Failure> {
    let now = role.name.as_str();
    let renamed = (now.trim() != name).then(|| ("It is called now", now.to_owned()));
    let moved = moved((before, &role.permissions), ("Put into it", "Taken out of it"));
    let changes = renamed.into_iter().chain(moved).collect();
    Meanwhile::find(admin, (Action::RoleConfigured, &[("role", role.slug.as_str())]), changes).await
}

impl Asked {
    /// What a form shows first: a role as it is, or nothing.
    pub(super) fn as_is(role: Option<&Role>) -> Self {
        Self {
            name: role.map(|role| role.name.as_str().to_owned()).unwrap_or_default(),
            slug: String::new(),
            ticked: role.map(|role| role.permissions.clone()).unwrap_or_default(),
            more: Vec::new(),
            wrong: None,
            refused: Refused::No,
        }
    }

    /// What is ticked; where nothing can be changed, what is there.
    pub(super) fn matrix(
        &self,
        admin: &Admin,
        (role, edits): (Option<&Role>, bool),
        declared: &[Declared],
    ) -> Matrix {
        let nothing = BTreeSet::new();
        let held = role.map_or(&nothing, |role| &role.permissions);
        let changed = self.refused.changed(held, |(_, before)| before);
        let wrong = match &self.refused {
            Refused::For(refusal) => self.wrong.as_deref().zip(Some(refusal.wrong.why.as_str())),
            Refused::Meanwhile(_) | Refused::No => None,
        };
        let gives = |text: &str| admin.caller.may_give_permission(text);
        let ticked = if edits { &self.ticked } else { held };
        let gives = edits.then_some(&gives as &dyn Fn(&str) -> bool);
        let ticks = Ticks::of((ticked, &changed), wrong, gives);
        Matrix::of(&ticks, declared)
    }

    /// What a form brought: what was typed and is a permission is ticked from now on.
    fn of(form: &Form, wrong: Option<String>, refused: Refused<(String, BTreeSet<String>)>) -> Self {
        let (typed, more): (Vec<_>, Vec<_>) =
            form.words("more").into_iter().take(MAX_READ).partition(|word| parse_for_role(word).is_ok());
        Self {
            name: form.text("name").to_owned(),
            slug: form.text("slug").to_owned(),
            ticked: form.all("permission").map(str::to_owned).chain(typed).take(MAX_READ).collect(),
            more,
            wrong,
            refused,
        }
    }
}
