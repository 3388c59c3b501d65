//! The organization's groups: what their members have by them.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::GroupId;
use orgate_domain::names::Slug;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::groups::list_groups;
use orgate_flows::manage::{Group, PageOf};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::Page;

/// Groups on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/groups.html`.
#[derive(Template)]
#[template(path = "admin/groups.html")]
struct GroupsTemplate {
    page: Page,
    frame: Frame,
    groups: Vec<GroupLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One group.
pub(super) struct GroupLine {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) slug: String,
    /// Slugs of the roles that it gives, by itself or by what it is inside of.
    pub(super) roles: String,
    pub(super) parents: String,
}

impl GroupLine {
    pub(super) fn of(admin: &Admin, group: &Group) -> Self {
        Self {
            href: admin.href(&format!("/groups/{}", group.id)),
            name: group.name.as_str().to_owned(),
            slug: group.slug.to_string(),
            roles: Vec::from_iter(group.role_slugs()).join(", "),
            parents: group.parents.keys().map(Slug::as_str).collect::<Vec<_>>().join(", "),
        }
    }
}

/// `GET …/groups`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("deleted")).then_some("The group is gone.");
    let after = params.get("after").and_then(|text| text.parse::<GroupId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_groups(&admin.env, &admin.caller, page).await)?;
    let here = admin.href("/groups");
    let makes = admin.caller.asking(OrgatePermission::GroupsManage);
    let template = GroupsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Groups).saying(done),
        groups: found.items.iter().map(|group| GroupLine::of(&admin, group)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: makes.map(|_| admin.href("/groups/new")),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
