//! Invitations: who is invited, and what became of it.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::ids::InvitationId;
use orgate_domain::invitations::{Invitation, InvitationState};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::invitations::{
    InvitationFilter, list_invitations, resend_invitation, revoke_invitation,
};

use super::answers::Answer;
use super::change::answer;
use super::frame::{Frame, Pager, Part};
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;

/// Invitations on one page.
const ON_A_PAGE: usize = 30;

/// Where invitations are shown, and to whom.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/invitations", OrgatePermission::InvitationsRead);

/// `templates/admin/invitations.html`.
#[derive(Template)]
#[template(path = "admin/invitations.html")]
struct InvitationsTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    invitations: Vec<InvitationLine>,
    pager: Pager,
    /// Where to invite, if they may.
    invite: Option<String>,
}

/// One invitation.
struct InvitationLine {
    id: String,
    email: String,
    name: Option<String>,
    roles: String,
    sent: Moment,
    state: &'static str,
    /// Whether somebody can still become a user by it, once it was sent again at the latest.
    is_open: bool,
    is_expired: bool,
    expires: String,
}

impl InvitationLine {
    fn of(invitation: &Invitation, now: DateTime<Utc>) -> Self {
        let is_expired = invitation.expires_at <= now;
        let state = match invitation.state {
            InvitationState::Accepted(..) => "Accepted",
            InvitationState::Open if is_expired => "Expired",
            InvitationState::Open => "Open",
            InvitationState::Revoked(_) => "Taken back",
        };
        Self {
            id: invitation.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            name: invitation.name.as_ref().map(|name| name.as_str().to_owned()),
            roles: invitation.roles.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
            sent: Moment::of(invitation.sent_at, now),
            state,
            is_open: invitation.state == InvitationState::Open,
            is_expired,
            expires: invitation.expires_at.format("%-d %B").to_string(),
        }
    }
}

/// `GET …/invitations`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("invited") => Some("The invitation is on its way."),
        Some("resent") => {
            Some("The invitation is on its way once more. Its former link opens nothing any more.")
        }
        Some("revoked") => Some("The invitation is taken back. Its link opens nothing any more."),
        _ => None,
    };
    let after = params.get("after").and_then(|text| text.parse::<InvitationId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let filter = InvitationFilter::default();
    let found = admin.read(list_invitations(&admin.env, &admin.caller, (&filter, page)).await)?;
    let (here, now) = (admin.href("/invitations"), admin.env.clock.now());
    let invite = admin.caller.asking(OrgatePermission::InvitationsManage);
    let template = InvitationsTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Invitations).saying(done),
        csrf: admin.token(),
        invitations: found.items.iter().map(|invitation| InvitationLine::of(invitation, now)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        invite: invite.map(|_| admin.href("/invitations/new")),
        here,
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// `POST …/invitations/{invitation}/resend`.
pub(crate) async fn post_resend(
    Named(id): Named<InvitationId>,
    Submitted { admin, .. }: Submitted,
) -> Answer {
    let done = resend_invitation(&admin.env, &admin.caller, id).await.map(|_| ());
    answer(&admin, done, SHOWN, "resent")
}

/// `POST …/invitations/{invitation}/revoke`.
pub(crate) async fn post_revoke(
    Named(id): Named<InvitationId>,
    Submitted { admin, .. }: Submitted,
) -> Answer {
    let done = revoke_invitation(&admin.env, &admin.caller, id).await;
    answer(&admin, done, SHOWN, "revoked")
}
