//! The groups that a user was put into.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::UserId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::Group;
use orgate_flows::manage::groups::list_groups_of;
use orgate_flows::manage::users::find_user;

use super::frame::{Frame, Part};
use super::{Admin, Named, entry};
use crate::page::{Link, Page, failed};

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

/// One group.
struct GroupLine {
    href: String,
    name: String,
    /// Slugs of the roles that they have by it.
    roles: String,
}

impl GroupLine {
    fn of(admin: &Admin, group: &Group) -> Self {
        Self {
            href: admin.href(&format!("/groups/{}", group.id)),
            name: group.name.as_str().to_owned(),
            roles: Vec::from_iter(group.role_slugs()).join(", "),
        }
    }
}

/// `GET …/users/{user}/groups`.
pub(crate) async fn get(admin: Admin, Named(id): Named<UserId>) -> Response {
    let Some(reader) = admin.caller.asking(OrgatePermission::UsersRead) else {
        return entry::lacks(&admin, OrgatePermission::UsersRead);
    };
    let user = match find_user(&admin.env, &reader, id).await {
        Ok(Some(user)) => user,
        Ok(None) => return entry::missing(&admin),
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let groups = match list_groups_of(&admin.env, &admin.caller, id).await {
        Ok(groups) => groups,
        Err(failure) => return failed(&admin.env, &admin.cookies.browser.origin, &failure),
    };
    let above = Link { label: user.profile.name.clone(), href: admin.href(&format!("/users/{id}")) };
    let template = UserGroupsTemplate {
        page: admin.page(),
        frame: Frame::below(&admin, Part::Users, vec![above]),
        name: &user.profile.name,
        groups: groups.iter().map(|group| GroupLine::of(&admin, group)).collect(),
        all: admin.href("/groups"),
    };
    admin.render(StatusCode::OK, &template)
}
