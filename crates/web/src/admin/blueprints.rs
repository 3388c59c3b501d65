//! The roles that new organizations begin with.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::FirstRole;
use orgate_flows::manage::role_blueprints::list_blueprints;

use super::Admin;
use super::answers::Answer;
use super::blueprint::path;
use super::frame::{Frame, Part};
use super::roles::Told;
use crate::form::LinkQuery;
use crate::page::Page;

/// `templates/admin/blueprints.html`.
#[derive(Template)]
#[template(path = "admin/blueprints.html")]
struct BlueprintsTemplate {
    page: Page,
    frame: Frame,
    blueprints: Vec<Line>,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One of them.
struct Line {
    href: String,
    name: String,
    slug: String,
    purpose: String,
    count: String,
    origin: &'static str,
    is_own: bool,
}

impl Line {
    fn of(admin: &Admin, first: &FirstRole) -> Self {
        let told = Told::from(&first.blueprint);
        Self {
            href: admin.href(&path(&first.blueprint.slug)),
            name: first.blueprint.name.as_str().to_owned(),
            slug: first.blueprint.slug.to_string(),
            purpose: told.purpose(),
            count: told.count(),
            origin: origin(first),
            is_own: !first.ready_made,
        }
    }
}

/// Whose it is.
pub(super) fn origin(first: &FirstRole) -> &'static str {
    if first.ready_made { "Orgate’s own" } else { "Yours" }
}

/// `GET …/role-blueprints`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("deleted") => Some("The blueprint is gone."),
        Some("reset") => Some("New organizations begin with Orgate’s own role again."),
        _ => None,
    };
    let all = admin.read(list_blueprints(&admin.env, &admin.caller).await)?;
    let makes = admin.caller.asking(OrgatePermission::OrganizationsManage);
    let template = BlueprintsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Blueprints).saying(done),
        blueprints: all.iter().map(|first| Line::of(&admin, first)).collect(),
        new: makes.map(|_| admin.href("/new-role-blueprint")),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
