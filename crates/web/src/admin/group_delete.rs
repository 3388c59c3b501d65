//! Deleting a group: asked once more.

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::GroupId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::Group;
use orgate_flows::manage::groups::{delete_group, find_group};

use super::change::{done, refusal};
use super::delete::{Doomed, ask, check_word};
use super::frame::Part;
use super::groups::SHOWN;
use super::{Admin, Named, Submitted, entry};
use crate::page::failed;

/// `GET …/groups/{group}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<GroupId>) -> Response {
    show(&admin, id, None).await
}

/// `POST …/groups/{group}/delete`: once its short name was typed.
pub(crate) async fn post(Named(id): Named<GroupId>, Submitted { admin, form }: Submitted) -> Response {
    let check = |group: &Group| check_word(form.text("word"), group.slug.as_str());
    let Err(error) = delete_group(&admin.env, &admin.caller, id, check).await else {
        return done(&admin, SHOWN, "deleted");
    };
    match refusal(&admin, &error) {
        Ok(refusal) => show(&admin, id, Some((refusal.status, refusal.wrong.why))).await,
        Err(response) => *response,
    }
}

async fn show(admin: &Admin, id: GroupId, said: Option<(StatusCode, String)>) -> Response {
    let Some(reader) = admin.caller.asking(OrgatePermission::GroupsRead) else {
        return entry::lacks(admin, OrgatePermission::GroupsRead);
    };
    let group = match find_group(&admin.env, &reader, id).await {
        Ok(Some(group)) => group,
        Ok(None) => return entry::missing(admin),
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let doomed = Doomed {
        of: (Part::Groups, "group"),
        path: format!("/groups/{id}"),
        name: group.name.as_str(),
        slug: group.slug.as_str(),
        points: &[
            "It is gone for good. The roles that it gives stay.",
            "It cannot be deleted while somebody is in it, or a group is inside of it.",
            "Rules of connections that name it put nobody into it any more.",
        ],
    };
    ask(admin, &doomed, said)
}
