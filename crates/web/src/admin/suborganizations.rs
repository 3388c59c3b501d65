//! Organizations below: those that let this one act in them.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::OrgId;
use orgate_domain::permissions::Held;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::delegations::{DelegatedOrganization, list_delegated};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::{Org, Page};

/// Organizations on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/suborganizations.html`.
#[derive(Template)]
#[template(path = "admin/suborganizations.html")]
struct SuborganizationsTemplate {
    page: Page,
    frame: Frame,
    organizations: Vec<BelowLine>,
    pager: Pager,
}

/// One organization.
struct BelowLine {
    name: String,
    initial: String,
    slug: String,
    /// What may be done there.
    permissions: String,
    /// The first of its pages that can be opened from here, if there is one.
    href: Option<String>,
}

impl BelowLine {
    fn of(admin: &Admin, below: DelegatedOrganization) -> Self {
        let delegated = Held::of(below.permissions.iter().map(String::as_str));
        let is_open = |part: &Part| {
            let permission = part.permission();
            part.is_of_others() && delegated.has(permission) && admin.caller.may(permission)
        };
        let first = Part::ALL.into_iter().find(is_open);
        Self {
            initial: Org::named(&below.name, None).monogram,
            name: below.name,
            slug: below.slug.to_string(),
            href: first.map(|part| admin.href(&format!("/organizations/{}{}", below.id, part.path()))),
            permissions: Vec::from_iter(below.permissions).join(", "),
        }
    }
}

/// `GET …/suborganizations`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let after = params.get("after").and_then(|text| text.parse::<OrgId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_delegated(&admin.env, &admin.caller, page).await)?;
    let template = SuborganizationsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Suborganizations),
        pager: Pager::of(&admin.href(Part::Suborganizations.path()), after.is_some(), found.next),
        organizations: found.items.into_iter().map(|below| BelowLine::of(&admin, below)).collect(),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
