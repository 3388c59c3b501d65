//! What a form says of a group: made, changed, or shown once more.

use std::collections::BTreeSet;

use orgate_domain::audit::Action;
use orgate_domain::ids::GroupId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::Failure;
use orgate_flows::manage::groups::{GroupSettings, create_group, update_group};
use orgate_flows::manage::{ChangeError, Group};

use super::{Asked, Base, Said, show, show_new};
use crate::admin::answers::Answer;
use crate::admin::change::{Refused, done, refusal, refusal_on};
use crate::admin::choice::chosen;
use crate::admin::meanwhile::{Meanwhile, moved};
use crate::admin::naming::{display_name, slug_for};
use crate::admin::{Admin, Named, Submitted};
use crate::fields::Form;

/// `POST …/groups/new`.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let made = match (slug_for(&form), settings(&form, &Base::nothing())) {
        (Ok(slug), Ok(settings)) => create_group(&admin.env, &admin.caller, (slug, settings), None).await,
        (_, Err(error)) | (Err(error), _) => Err(error),
    };
    let error = match made {
        Ok(group) => {
            return Ok(done(
                &admin,
                (&format!("/groups/{}", group.id), OrgatePermission::GroupsRead),
                "made",
            ));
        }
        Err(error) => error,
    };
    let refusal = refusal(&admin, &error)?;
    show_new(&admin, Some(Asked::of(&form, Refused::For(refusal)))).await
}

/// `POST …/groups/{group}`: saves what the form shows, unless somebody else changed the group since.
pub(crate) async fn post(Named(id): Named<GroupId>, Submitted { admin, form }: Submitted) -> Answer {
    let base = Base::brought(&form);
    let edit = |now: &Group| {
        let now = Base::of(now);
        // Of a name, what a form brings is without the space around it.
        if (Base { name: now.name.trim().to_owned(), ..now.clone() }) != base {
            return Err(ChangeError::Stale);
        }
        settings(&form, &now)
    };
    let shown = format!("/groups/{id}");
    let Err(error) = update_group(&admin.env, &admin.caller, id, edit).await else {
        return Ok(done(&admin, (&shown, OrgatePermission::GroupsRead), "saved"));
    };
    let refusal = refusal_on(OrgatePermission::GroupsRead, &admin, &error)?;
    let refused = Refused::by(&error, refusal, base);
    show(&admin, id, Said { asked: Some(Asked::of(&form, refused)), ..Said::default() }).await
}

/// What a form wants, of a group that is so now: what it did not show stays.
fn settings(form: &Form, now: &Base) -> Result<GroupSettings, ChangeError> {
    Ok(GroupSettings {
        name: display_name(form)?,
        roles: chosen(form, ("role", "held_role"), (&now.roles, "/roles"))?,
        parents: chosen(form, ("parent", "held_parent"), (&now.parents, "/parents"))?,
    })
}

/// Who changed a group, and what, since a form was made of it.
pub(super) async fn meanwhile(admin: &Admin, group: &Group, base: &Base) -> Result<Meanwhile, Failure> {
    let now = Base::of(group);
    let renamed = (now.name.trim() != base.name).then(|| ("It is called now", now.name.clone()));
    let roles = moved((&base.roles, &now.roles), ("Roles it gives now", "Roles it gives no more"));
    let parents = moved((&base.parents, &now.parents), ("It is inside of now", "It is inside of no more"));
    let changes = renamed.into_iter().chain(roles).chain(parents).collect();
    Meanwhile::find(admin, (Action::GroupConfigured, &[("group", group.slug.as_str())]), changes).await
}

impl Base {
    fn nothing() -> Self {
        Self { name: String::new(), roles: BTreeSet::new(), parents: BTreeSet::new() }
    }

    /// What a form says that was there when it was made.
    fn brought(form: &Form) -> Self {
        Self {
            name: form.text("base_name").to_owned(),
            roles: form.words("base_roles").into_iter().collect(),
            parents: form.words("base_parents").into_iter().collect(),
        }
    }
}

impl Asked {
    /// What a form shows first: a group as it is, or nothing.
    pub(super) fn as_is(group: Option<&Group>) -> Self {
        let Base { name, roles, parents } = group.map_or_else(Base::nothing, Base::of);
        Self { name, slug: String::new(), roles, parents, refused: Refused::No }
    }

    fn of(form: &Form, refused: Refused<Base>) -> Self {
        Self {
            name: form.text("name").to_owned(),
            slug: form.text("slug").to_owned(),
            roles: form.set("role"),
            parents: form.set("parent"),
            refused,
        }
    }
}
