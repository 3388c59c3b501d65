//! The organizations that this browser is signed in to.

use askama::Template;
use axum::response::Response;
use orgate_flows::account::{ProvenSession, list_organizations};

use super::Member;
use super::frame::Part;
use crate::frame::Frame;
use crate::page::{Org, Page};

/// `templates/account/organizations.html`.
#[derive(Template)]
#[template(path = "account/organizations.html")]
struct OrganizationsTemplate {
    page: Page,
    frame: Frame,
    organizations: Vec<Entered>,
}

/// One of them.
struct Entered {
    org: Org,
    /// Who is signed in there.
    label: String,
    is_here: bool,
    href: String,
}

impl Entered {
    fn of(member: &Member, proven: &ProvenSession) -> Self {
        Self {
            org: Org::named(&proven.org_name, proven.logo_url.clone()),
            label: proven.label().to_owned(),
            is_here: proven.session.org_id == member.own.organization.id,
            href: member.href_in(proven.session.org_id, ""),
        }
    }
}

/// `GET /account/organizations`: no other organization is told than those whose sessions this browser proves.
pub(crate) async fn get(member: Member) -> Response {
    let proven = match list_organizations(&member.env, &member.cookies.browser).await {
        Ok(proven) => proven,
        Err(failure) => return member.failed(&failure),
    };
    let template = OrganizationsTemplate {
        page: member.page(),
        frame: member.frame(Part::Organizations),
        organizations: proven.iter().map(|proven| Entered::of(&member, proven)).collect(),
    };
    member.render(&template)
}
