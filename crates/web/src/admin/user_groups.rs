//! The groups that a user was put into.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::groups::list_groups_of;
use orgate_flows::manage::users::find_user;

use super::answers::Answer;
use super::frame::{Frame, Part};
use super::groups::GroupLine;
use super::{Admin, Named};
use crate::page::{Link, Page};

/// `templates/admin/user_groups.html`.
#[derive(Template)]
#[template(path = "admin/user_groups.html")]
struct UserGroupsTemplate<'a> {
    page: Page,
    frame: Frame,
    name: &'a str,
    groups: Vec<GroupLine>,
    /// Where all groups are.
    all: String,
}

/// `GET …/users/{user}/groups`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>) -> Answer {
    let reader = admin.reading(OrgatePermission::UsersRead)?;
    let user = admin.found(find_user(&admin.env, &reader, id).await)?;
    let groups = admin.read(list_groups_of(&admin.env, &admin.caller, id).await)?;
    let above = Link { label: user.profile.name.clone(), href: admin.href(&format!("/users/{id}")) };
    let template = UserGroupsTemplate {
        page: admin.page(),
        frame: Frame::below(&admin, Part::Users, vec![above]),
        name: &user.profile.name,
        groups: groups.iter().map(|group| GroupLine::of(&admin, group)).collect(),
        all: admin.href("/groups"),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
