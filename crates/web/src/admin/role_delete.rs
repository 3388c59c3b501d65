//! Deleting a role: asked once more.

use orgate_domain::ids::RoleId;
use orgate_flows::manage::Role;
use orgate_flows::manage::roles::{delete_role, find_role};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::{Admin, Named, Submitted};

/// `GET …/roles/{role}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<RoleId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/roles/{role}/delete`: once its short name was typed.
pub(crate) async fn post(Named(id): Named<RoleId>, Submitted { admin, form }: Submitted) -> Answer {
    let check = |role: &Role| check_word(form.text("word"), role.slug.as_str());
    match delete_role(&admin.env, &admin.caller, id, check).await {
        Ok(()) => Ok(done(&admin, Part::Roles.shown(), "deleted")),
        Err(error) => show(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, id: RoleId, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Roles.permission())?;
    let role = admin.found(find_role(&admin.env, &reader, id).await)?;
    let called = ("role", role.name.as_str(), role.slug.as_str());
    let points = [
        "It is gone for good, with what it lets its holders do.",
        "It cannot be deleted while users, groups, machines or a connection give it.",
        "Applications that ask for it by its short name find nobody who has it.",
    ];
    let question = Question::delete((Part::Roles, format!("/roles/{id}")), called, &points);
    Ok(question.ask(admin, refusal))
}
