//! What a role of new organizations begins as: one, or a new one.

use orgate_domain::audit::Action;
use orgate_domain::names::Slug;
use orgate_domain::permissions::{OWNER, OrgatePermission, READY_ROLES};
use orgate_flows::manage::role_blueprints::{delete_blueprint, find_blueprint, set_blueprint};
use orgate_flows::manage::{ChangeError, FirstRole, RoleBlueprint};

use super::answers::Answer;
use super::blueprints::origin;
use super::change::{Refusal, done, refusal, refusal_on};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::naming::slug_for;
use super::role::{Asked, Deletion, Existing, Sent, Words, show_existing, show_new};
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;

const BLUEPRINT: Words = Words {
    part: Part::Blueprints,
    manage: OrgatePermission::OrganizationsManage,
    changed: Action::RoleBlueprintConfigured,
    // `new` is a short name like any other.
    new: "/new-role-blueprint",
    it: "blueprint",
    make: "Make a role blueprint",
    make_it: "Make the blueprint",
    is_of_others: true,
};

/// Where its page is.
pub(super) fn path(slug: &Slug) -> String {
    format!("/role-blueprints/{slug}")
}

impl From<FirstRole> for Existing {
    fn from(first: FirstRole) -> Self {
        let origin = Some(origin(&first));
        let FirstRole { blueprint: RoleBlueprint { slug, name, permissions }, ready_made } = first;
        let is_fixed = slug.as_str() == OWNER;
        let note = match (is_fixed, ready_made) {
            (true, _) => "This role is the same in every organization: whoever has it does everything.",
            (false, true) => {
                "Orgate comes with this one. What you save stands in its place in organizations that are made from then on."
            }
            (false, false) => {
                "A change counts for organizations that are made from then on. The roles of those that there are stay as they are."
            }
        };
        let deletion = (!ready_made).then(|| {
            if is_ready(&slug) {
                Deletion {
                    headline: "Go back to Orgate’s own",
                    hint: "New organizations begin with the role of this name that Orgate comes with again.",
                    verb: "Go back",
                }
            } else {
                Deletion {
                    headline: "Delete it",
                    hint: "New organizations begin without this role. Those that there are keep theirs.",
                    verb: "Delete",
                }
            }
        });
        Self {
            path: path(&slug),
            id: None,
            slug,
            name,
            permissions,
            origin,
            note: Some(note),
            is_fixed,
            deletion,
        }
    }
}

/// Whether Orgate comes with a role of this name.
fn is_ready(slug: &Slug) -> bool {
    READY_ROLES.iter().any(|ready| ready.slug == slug.as_str())
}

/// `GET …/new-role-blueprint`.
pub(crate) async fn get_new(admin: Admin) -> Answer {
    show_new(&admin, &BLUEPRINT, None).await
}

/// `POST …/new-role-blueprint`: makes one of a name that there is none of yet.
pub(crate) async fn post_new(Submitted { admin, form }: Submitted) -> Answer {
    let sent = Sent::of(&form);
    let made = async {
        let (settings, slug) = (sent.settings()?, slug_for(&form)?);
        if slug.as_str() == OWNER {
            return Err(taken());
        }
        let edit = |before: Option<&FirstRole>| match before {
            None => Ok(settings),
            Some(_) => Err(taken()),
        };
        set_blueprint(&admin.env, &admin.caller, slug, edit).await
    };
    match made.await {
        Ok(made) => {
            let shown = (path(&made.blueprint.slug), OrgatePermission::OrganizationsRead);
            Ok(done(&admin, (&shown.0, shown.1), "made"))
        }
        Err(error) => {
            let refused = sent.refused(&error, refusal(&admin, &error)?);
            show_new(&admin, &BLUEPRINT, Some(refused)).await
        }
    }
}

fn taken() -> ChangeError {
    let detail = "new organizations begin with a role of this short name already";
    ChangeError::Taken { pointer: "/slug".to_owned(), detail: detail.to_owned() }
}

/// `GET …/role-blueprints/{blueprint}`.
pub(crate) async fn get(admin: Admin, Named(slug): Named<Slug>, LinkQuery(params): LinkQuery) -> Answer {
    let said = match params.get("done") {
        Some("made") => {
            Some("The blueprint is made. Organizations that are made from now on begin with the role.")
        }
        Some("saved") => {
            Some("The blueprint is saved, and counts for organizations that are made from now on.")
        }
        _ => None,
    };
    show(&admin, &slug, (said, None)).await
}

/// `POST …/role-blueprints/{blueprint}`: saves what the form shows, unless somebody else changed the blueprint since.
pub(crate) async fn post(Named(slug): Named<Slug>, Submitted { admin, form }: Submitted) -> Answer {
    let sent = Sent::of(&form);
    let edit = |before: Option<&FirstRole>| {
        let now = &before.ok_or(ChangeError::Missing)?.blueprint;
        sent.edit(&now.name, &now.permissions)
    };
    let shown = (path(&slug), OrgatePermission::OrganizationsRead);
    let Err(error) = set_blueprint(&admin.env, &admin.caller, slug.clone(), edit).await else {
        return Ok(done(&admin, (&shown.0, shown.1), "saved"));
    };
    let refusal = refusal_on(shown.1, &admin, &error)?;
    show(&admin, &slug, (None, Some(sent.refused(&error, refusal)))).await
}

async fn show(admin: &Admin, slug: &Slug, said: (Option<&'static str>, Option<Asked>)) -> Answer {
    let reader = admin.reading(OrgatePermission::OrganizationsRead)?;
    let first = admin.found(find_blueprint(&admin.env, &reader, slug).await)?;
    show_existing(admin, &BLUEPRINT, (first.into(), said)).await
}

/// `GET …/role-blueprints/{blueprint}/delete`.
pub(crate) async fn get_delete(admin: Admin, Named(slug): Named<Slug>) -> Answer {
    ask(&admin, &slug, None).await
}

/// `POST …/role-blueprints/{blueprint}/delete`: once its short name was typed.
pub(crate) async fn post_delete(Named(slug): Named<Slug>, Submitted { admin, form }: Submitted) -> Answer {
    let check = |before: &RoleBlueprint| check_word(form.text("word"), before.slug.as_str());
    let said = if is_ready(&slug) { "reset" } else { "deleted" };
    match delete_blueprint(&admin.env, &admin.caller, &slug, check).await {
        Ok(()) => Ok(done(&admin, Part::Blueprints.shown(), said)),
        Err(error) => ask(&admin, &slug, Some(refusal(&admin, &error)?)).await,
    }
}

async fn ask(admin: &Admin, slug: &Slug, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Blueprints.permission())?;
    let first = admin.found(find_blueprint(&admin.env, &reader, slug).await)?;
    let first = admin.found(Ok((!first.ready_made).then_some(first)))?;
    let called = ("blueprint", first.blueprint.name.as_str(), slug.as_str());
    let stays = "Organizations that there are keep their roles as they are.";
    let at = (Part::Blueprints, path(slug));
    if !is_ready(slug) {
        let points = ["New organizations begin without this role.", stays];
        return Ok(Question::delete(at, called, &points).ask(admin, refusal));
    }
    let points = ["New organizations begin with the role of this name that Orgate comes with.", stays];
    let question = Question {
        before: "Go back to Orgate’s own role instead of".to_owned(),
        verb: "Go back to Orgate’s own".to_owned(),
        refused: "Nothing was changed",
        ..Question::delete(at, called, &points)
    };
    Ok(question.ask(admin, refusal))
}
