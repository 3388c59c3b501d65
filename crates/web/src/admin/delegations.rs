//! Organizations above: which of them may act in this one, and what they may do.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::OrgId;
use orgate_domain::organizations::OrgStatus;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::delegations::{Above, list_above};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Part};
use super::matrix::summary;
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::{Org, Page};

/// `templates/admin/delegations.html`.
#[derive(Template)]
#[template(path = "admin/delegations.html")]
struct DelegationsTemplate {
    page: Page,
    frame: Frame,
    above: Vec<AboveLine>,
    /// Whether they may let one in.
    manages: bool,
}

/// One organization above.
struct AboveLine {
    href: String,
    name: String,
    initial: String,
    slug: String,
    is_deleted: bool,
    /// What it is let do; `None`: nothing.
    let_in: Option<LetIn>,
}

struct LetIn {
    summary: String,
    since: Moment,
}

impl AboveLine {
    fn of(admin: &Admin, Above { organization, delegation }: Above) -> Self {
        let now = admin.env.clock.now();
        Self {
            href: admin.href(&path(organization.id)),
            initial: Org::named(&organization.name, None).monogram,
            name: organization.name,
            slug: organization.slug.to_string(),
            is_deleted: organization.status == OrgStatus::Deleted,
            let_in: delegation.map(|delegation| LetIn {
                summary: summary(&delegation.permissions),
                since: Moment::of(delegation.created_at, now),
            }),
        }
    }
}

/// The page of an organization above, below the organization's first one.
pub(super) fn path(id: OrgId) -> String {
    format!("{}/{id}", Part::Delegations.path())
}

/// `GET …/delegations`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("ended") => Some("Its access has ended. Nobody of it can do anything here from now on."),
        _ => None,
    };
    let above = admin.read(list_above(&admin.env, &admin.caller).await)?;
    let template = DelegationsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Delegations).saying(done),
        above: above.into_iter().map(|above| AboveLine::of(&admin, above)).collect(),
        manages: admin.caller.asking(OrgatePermission::DelegationsManage).is_some(),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
