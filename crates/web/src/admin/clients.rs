//! The applications and machines that the organization owns.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::clients::{Audience, Client, ClientStatus, Party};
use orgate_domain::ids::ClientId;
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::clients::list_whole_clients;
use orgate_protocol::oauth::redirect_uri::ClientKind;

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use crate::form::LinkQuery;
use crate::page::Page;

/// Clients on one page.
const ON_A_PAGE: usize = 50;

/// `templates/admin/clients.html`.
#[derive(Template)]
#[template(path = "admin/clients.html")]
struct ClientsTemplate {
    page: Page,
    frame: Frame,
    clients: Vec<ClientLine>,
    pager: Pager,
    /// Where to register one, if they may.
    new: Option<String>,
    /// Whether others can use them: the organization is the operator's.
    is_operators: bool,
    /// Where everything is that people can sign in to.
    applications: String,
}

/// One client.
struct ClientLine {
    href: String,
    name: String,
    client_id: String,
    kind: &'static str,
    /// Whether people are asked before it acts for them.
    is_third: bool,
    audience: &'static str,
    is_active: bool,
}

impl ClientLine {
    fn of(admin: &Admin, client: &Client) -> Self {
        Self {
            href: admin.href(&format!("{}/{}", Part::Clients.path(), client.id)),
            name: client.name.as_str().to_owned(),
            client_id: client.client_id.clone(),
            kind: kind(client.kind),
            is_third: client.kind != ClientKind::Machine && client.settings.party == Party::Third,
            audience: audience(client.audience),
            is_active: client.status == ClientStatus::Active,
        }
    }
}

/// What a type of clients is called.
pub(super) const fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Machine => "Machine",
        ClientKind::Native => "Native application",
        ClientKind::Spa => "Single-page application",
        ClientKind::Web => "Web application",
    }
}

/// Which organizations may use a client.
pub(super) const fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::All => "Every organization",
        Audience::Granted => "Organizations that it is granted to",
        Audience::Owner => "This organization",
    }
}

/// `GET …/clients`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let after = params.get("after").and_then(|text| text.parse::<ClientId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_whole_clients(&admin.env, &admin.caller, page).await)?;
    let new = admin.caller.asking(OrgatePermission::ClientsManage);
    let template = ClientsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Clients),
        clients: found.items.iter().map(|client| ClientLine::of(&admin, client)).collect(),
        pager: Pager::of(&admin.href(Part::Clients.path()), after.is_some(), found.next),
        new: new.map(|_| admin.href("/clients/new")),
        is_operators: admin.is_operators(),
        applications: admin.href(Part::Applications.path()),
    };
    Ok(admin.render(StatusCode::OK, &template))
}
