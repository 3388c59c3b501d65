//! Deleting a role: asked once more.

use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::RoleId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::Role;
use orgate_flows::manage::roles::{delete_role, find_role};

use super::change::{done, refusal};
use super::delete::{Doomed, ask, check_word};
use super::frame::Part;
use super::roles::SHOWN;
use super::{Admin, Named, Submitted, entry};
use crate::page::failed;

/// `GET …/roles/{role}/delete`.
pub(crate) async fn get(admin: Admin, Named(id): Named<RoleId>) -> Response {
    show(&admin, id, None).await
}

/// `POST …/roles/{role}/delete`: once its short name was typed.
pub(crate) async fn post(Named(id): Named<RoleId>, Submitted { admin, form }: Submitted) -> Response {
    let check = |role: &Role| check_word(form.text("word"), role.slug.as_str());
    let Err(error) = delete_role(&admin.env, &admin.caller, id, check).await else {
        return done(&admin, SHOWN, "deleted");
    };
    match refusal(&admin, &error) {
        Ok(refusal) => show(&admin, id, Some((refusal.status, refusal.wrong.why))).await,
        Err(response) => *response,
    }
}

async fn show(admin: &Admin, id: RoleId, said: Option<(StatusCode, String)>) -> Response {
    let Some(reader) = admin.caller.asking(OrgatePermission::RolesRead) else {
        return entry::lacks(admin, OrgatePermission::RolesRead);
    };
    let role = match find_role(&admin.env, &reader, id).await {
        Ok(Some(role)) => role,
        Ok(None) => return entry::missing(admin),
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let doomed = Doomed {
        of: (Part::Roles, "role"),
        path: format!("/roles/{id}"),
        name: role.name.as_str(),
        slug: role.slug.as_str(),
        points: &[
            "It is gone for good, with what it lets its holders do.",
            "It cannot be deleted while users, groups, machines or a connection give it.",
            "Applications that ask for it by its short name find nobody who has it.",
        ],
    };
    ask(admin, &doomed, said)
}
