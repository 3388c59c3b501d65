//! The applications that the organization may use.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::clients::{Audience, ClientStatus, Party};
use orgate_domain::ids::ClientId;
use orgate_flows::manage::ListedClient;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::applications::list_applications;

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::Page;

/// Applications on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/applications.html`.
#[derive(Template)]
#[template(path = "admin/applications.html")]
struct ApplicationsTemplate {
    page: Page,
    frame: Frame,
    applications: Vec<ApplicationLine>,
    pager: Pager,
}

/// One application.
struct ApplicationLine {
    /// Its page, if it is the organization's own.
    href: Option<String>,
    name: String,
    client_id: String,
    /// Whose it is, and why it may be used.
    whose: &'static str,
    is_active: bool,
}

impl ApplicationLine {
    fn of(admin: &Admin, client: &ListedClient) -> Self {
        let is_own = client.owner == admin.caller.org_id();
        let whose = match (is_own, client.party, client.audience) {
            (true, ..) => "Your organization’s own",
            (false, Party::First, Audience::Granted) => "The product’s, open to your organization",
            (false, Party::First, _) => "The product’s, open to everybody",
            (false, _, _) => "A third party’s: people are asked before it acts for them",
        };
        Self {
            href: is_own.then(|| admin.href(&format!("{}/{}", Part::Clients.path(), client.id))),
            name: client.name.as_str().to_owned(),
            client_id: client.client_id.clone(),
            whose,
            is_active: client.status == ClientStatus::Active,
        }
    }
}

/// `GET …/applications`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let after = params.get("after").and_then(|text| text.parse::<ClientId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_applications(&admin.env, &admin.caller, page).await)?;
    let here = admin.href(Part::Applications.path());
    let template = ApplicationsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Applications),
        applications: found.items.iter().map(|client| ApplicationLine::of(&admin, client)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
