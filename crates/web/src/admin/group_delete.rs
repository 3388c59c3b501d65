//! Deleting a group: asked once more.

use orgate_domain::ids::GroupId;
use orgate_flows::manage::Group;
use orgate_flows::manage::groups::{delete_group, find_group};

use super::answers::Answer;
use super::change::{Refusal, done, refusal};
use super::confirm::{Question, check_word};
use super::frame::Part;
use super::{Admin, Named, Submitted};

/// `GET …/groups/{group}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<GroupId>) -> Answer {
    show(&admin, id, None).await
}

/// `POST …/groups/{group}/delete`: once its short name was typed.
pub(crate) async fn post(Named(id): Named<GroupId>, Submitted { admin, form }: Submitted) -> Answer {
    let check = |group: &Group| check_word(form.text("word"), group.slug.as_str());
    match delete_group(&admin.env, &admin.caller, id, check).await {
        Ok(()) => Ok(done(&admin, Part::Groups.shown(), "deleted")),
        Err(error) => show(&admin, id, Some(refusal(&admin, &error)?)).await,
    }
}

async fn show(admin: &Admin, id: GroupId, refusal: Option<Refusal>) -> Answer {
    let reader = admin.reading(Part::Groups.permission())?;
    let group = admin.found(find_group(&admin.env, &reader, id).await)?;
    let called = ("group", group.name.as_str(), group.slug.as_str());
    let points = [
        "It is gone for good. The roles that it gives stay.",
        "It cannot be deleted while somebody is in it, or a group is inside of it.",
        "Rules of connections that name it put nobody into it any more.",
    ];
    let question = Question::delete((Part::Groups, format!("/groups/{id}")), called, &points);
    Ok(question.ask(admin, refusal))
}
