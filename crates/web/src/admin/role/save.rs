//! What a form says of a role: made, changed, or shown once more.

use std::collections::BTreeSet;

use orgate_domain::ids::RoleId;
use orgate_domain::names::DisplayName;
use orgate_domain::permissions::{OrgatePermission, parse_for_role};
use orgate_flows::Failure;
use orgate_flows::manage::applications::Declared;
use orgate_flows::manage::roles::{MAX_PERMISSIONS, RoleSettings, Touched, create_role, update_role};
use orgate_flows::manage::{ChangeError, Role};

use super::{Asked, Existing, ROLE, Refused, Words, show, show_new};
use crate::admin::answers::Answer;
use crate::admin::change::{Refusal, done, refusal, refusal_on};
use crate::admin::matrix::{Matrix, Ticks, meant};
use crate::admin::meanwhile::{Meanwhile, moved};
use crate::admin::naming::{display_name, slug_for};
use crate::admin::{Admin, Named, Submitted};
use crate::fields::Form;

/// `POST …/roles/new`.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let sent = Sent::of(&form);
    let made = async {
        let settings = sent.settings()?;
        create_role(&admin.env, &admin.caller, (slug_for(&form)?, settings), None).await
    };
    match made.await {
        Ok(role) => Ok(done(&admin, (&format!("/roles/{}", role.id), OrgatePermission::RolesRead), "made")),
        Err(error) => show_new(&admin, &ROLE, Some(sent.refused(&error, refusal(&admin, &error)?))).await,
    }
}

/// `POST …/roles/{role}`: saves what the form shows, unless somebody else changed the role since.
pub(crate) async fn post(Named(id): Named<RoleId>, Submitted { admin, form }: Submitted) -> Answer {
    let sent = Sent::of(&form);
    let touched = Touched { permissions: sent.wanted != sent.base };
    let edit = |now: &Role| sent.edit(&now.name, &now.permissions);
    let shown = format!("/roles/{id}");
    let Err(error) = update_role(&admin.env, &admin.caller, (id, touched), edit).await else {
        return Ok(done(&admin, (&shown, OrgatePermission::RolesRead), "saved"));
    };
    let refusal = refusal_on(OrgatePermission::RolesRead, &admin, &error)?;
    show(&admin, id, (None, Some(sent.refused(&error, refusal)))).await
}

/// Permissions of a form that are looked at: one more than there may be, so that the use case says how many that is. Each is
/// compared with each box.
const MAX_READ: usize = MAX_PERMISSIONS + 1;

/// What a form asks for, and what was there when it was shown.
pub(in crate::admin) struct Sent<'a> {
    form: &'a Form,
    /// What is ticked or typed.
    wanted: BTreeSet<String>,
    base: BTreeSet<String>,
}

impl<'a> Sent<'a> {
    pub(in crate::admin) fn of(form: &'a Form) -> Self {
        let wanted = form.all("permission").map(str::to_owned).chain(form.words("more"));
        Self { form, wanted: wanted.take(MAX_READ).collect(), base: form.words("base").into_iter().collect() }
    }

    pub(in crate::admin) fn settings(&self) -> Result<RoleSettings, ChangeError> {
        Ok(RoleSettings { name: display_name(self.form)?, permissions: Vec::from_iter(self.wanted.clone()) })
    }

    /// The same of one that is so by now, unless that is not what the form was made of.
    pub(in crate::admin) fn edit(
        &self,
        name: &DisplayName,
        permissions: &BTreeSet<String>,
    ) -> Result<RoleSettings, ChangeError> {
        // Of a name, what a form brings is without the space around it.
        if *permissions != self.base || name.as_str().trim() != self.form.text("base_name") {
            return Err(ChangeError::Stale);
        }
        self.settings()
    }

    /// The form once more, with what was wrong with it: what was typed and is a permission is ticked from now on.
    pub(in crate::admin) fn refused(self, error: &ChangeError, refusal: Refusal) -> Asked {
        let (typed, more): (Vec<_>, Vec<_>) =
            self.form.words("more").into_iter().take(MAX_READ).partition(|word| parse_for_role(word).is_ok());
        let ticked = self.form.all("permission").map(str::to_owned).chain(typed);
        Asked {
            name: self.form.text("name").to_owned(),
            slug: self.form.text("slug").to_owned(),
            ticked: ticked.take(MAX_READ).collect(),
            more,
            wrong: meant(error, &self.wanted),
            refused: Refused::by(error, refusal, (self.form.text("base_name").to_owned(), self.base)),
        }
    }
}

/// Who changed a role, and what, since a form was made of it.
pub(super) async fn meanwhile(
    admin: &Admin,
    words: &Words,
    (existing, name, before): (&Existing, &str, &BTreeSet<String>),
) -> Result<Meanwhile, Failure> {
    let now = existing.name.as_str();
    let renamed = (now.trim() != name).then(|| ("It is called now", now.to_owned()));
    let moved = moved((before, &existing.permissions), ("Put into it", "Taken out of it"));
    let changes = renamed.into_iter().chain(moved).collect();
    Meanwhile::find(admin, (words.changed, &[("role", existing.slug.as_str())]), changes).await
}

impl Asked {
    /// What a form shows first: a role as it is, or nothing.
    pub(super) fn as_is(existing: Option<&Existing>) -> Self {
        Self {
            name: existing.map(|existing| existing.name.as_str().to_owned()).unwrap_or_default(),
            slug: String::new(),
            ticked: existing.map(|existing| existing.permissions.clone()).unwrap_or_default(),
            more: Vec::new(),
            wrong: None,
            refused: Refused::No,
        }
    }

    /// What is ticked; where nothing can be changed, what is there.
    pub(super) fn matrix(
        &self,
        admin: &Admin,
        words: &Words,
        (existing, edits): (Option<&Existing>, bool),
        declared: &[Declared],
    ) -> Matrix {
        let nothing = BTreeSet::new();
        let held = existing.map_or(&nothing, |existing| &existing.permissions);
        let changed = self.refused.changed(held, |(_, before)| before);
        let wrong = match &self.refused {
            Refused::For(refusal) => self.wrong.as_deref().zip(Some(refusal.wrong.why.as_str())),
            Refused::Meanwhile(_) | Refused::No => None,
        };
        let gives = |text: &str| admin.caller.may_give_permission(text);
        let ticked = if edits { &self.ticked } else { held };
        let gives = edits.then_some(&gives as &dyn Fn(&str) -> bool);
        let ticks = Ticks::of((ticked, &changed), wrong, gives);
        let is_operators = admin.is_operators() && !words.is_of_others;
        Matrix::of(&ticks, declared).of_use(|one| is_operators || !one.is_about_all())
    }
}
