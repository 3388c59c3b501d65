//! Set-up links: who can set up sign-in without an account, and until when.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::ids::SetupLinkId;
use orgate_domain::permissions::OrgatePermission;
use orgate_domain::setup::{SetupLink, SetupPurpose};
use orgate_flows::manage::PageOf;
use orgate_flows::manage::setup_links::{list_setup_links, revoke_setup_link};

use super::answers::Answer;
use super::change::{ALREADY, answer};
use super::frame::{Frame, Pager, Part};
use super::naming::maker;
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::setup::time;

/// Links on one page.
const ON_A_PAGE: usize = 50;

/// Where set-up links are shown, and to whom.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/setup-links", OrgatePermission::SetupLinksRead);

/// `templates/admin/setup_links.html`.
#[derive(Template)]
#[template(path = "admin/setup_links.html")]
struct SetupLinksTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    links: Vec<SetupLinkLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One link.
struct SetupLinkLine {
    id: String,
    what: &'static str,
    roles: String,
    who: &'static str,
    who_href: Option<String>,
    made: Moment,
    used: Option<Moment>,
    state: &'static str,
    /// Whether it opens anything.
    is_open: bool,
    expires: String,
}

impl SetupLinkLine {
    fn of(admin: &Admin, link: &SetupLink, now: DateTime<Utc>) -> Self {
        let (state, is_open) = match link.revoked_at {
            Some(_) => ("Taken back", false),
            None if link.expires_at <= now => ("Expired", false),
            None => ("Open", true),
        };
        let (who, who_href) = maker(admin, link.maker());
        Self {
            id: link.id.to_string(),
            what: what(link),
            roles: link.role_ceiling.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            who,
            who_href,
            made: Moment::of(link.created_at, now),
            used: link.last_used_at.map(|at| Moment::of(at, now)),
            state,
            is_open,
            expires: time(link.expires_at),
        }
    }
}

/// What a link is for.
pub(super) fn what(link: &SetupLink) -> &'static str {
    match (link.is_for(SetupPurpose::Sso), link.is_for(SetupPurpose::Domains)) {
        (true, true) => "Identity providers and domains",
        (true, false) => "Identity providers",
        (false, _) => "Domains",
    }
}

/// `GET …/setup-links`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let said = match params.get("done") {
        Some("already") => Some(ALREADY),
        Some("revoked") => Some("The link is taken back. It opens nothing any more."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse::<SetupLinkId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_setup_links(&admin.env, &admin.caller, page).await)?;
    let (here, now) = (admin.href(SHOWN.0), admin.env.clock.now());
    let new = admin.caller.asking(OrgatePermission::SetupLinksManage);
    let template = SetupLinksTemplate {
        page: admin.page(),
        frame: Frame::below_if_open(&admin, Part::Connections).saying(said),
        csrf: admin.token(),
        links: found.items.iter().map(|link| SetupLinkLine::of(&admin, link, now)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: new.map(|_| admin.href("/setup-links/new")),
        here,
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// `POST …/setup-links/{setup_link}/revoke`.
pub(crate) async fn post_revoke(Named(id): Named<SetupLinkId>, Submitted { admin, .. }: Submitted) -> Answer {
    let done = revoke_setup_link(&admin.env, &admin.caller, id).await;
    answer(&admin, done, SHOWN, "revoked")
}
