//! Requests to join: who waits to be let in, and what became of those who did.

use askama::Template;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use orgate_domain::ids::JoinRequestId;
use orgate_domain::joining::{DENIED_FOR, JoinRequest, JoinRequestState, REQUEST_LIFETIME};
use orgate_domain::permissions::OrgatePermission;
use orgate_flows::manage::PageOf;
use orgate_flows::manage::join_requests::{deny_join_request, list_join_requests, list_open_join_requests};

use super::answers::Answer;
use super::change::answer;
use super::frame::{Frame, Pager, Part};
use super::{Admin, Named, Submitted};
use crate::form::LinkQuery;
use crate::moment::Moment;
use crate::page::Page;
use crate::setup::day;

/// Requests on one page: each brings what somebody had to say.
const ON_A_PAGE: usize = 30;

/// Where requests are shown, and to whom.
pub(super) const SHOWN: (&str, OrgatePermission) = ("/join-requests", OrgatePermission::InvitationsRead);

/// `templates/admin/join_requests.html`.
#[derive(Template)]
#[template(path = "admin/join_requests.html")]
struct JoinRequestsTemplate {
    page: Page,
    frame: Frame,
    csrf: String,
    here: String,
    /// Where it is said who may ask.
    joining: String,
    /// Whether those that were decided are shown as well.
    is_all: bool,
    requests: Vec<RequestLine>,
    pager: Pager,
    /// Days that a request waits, and that whoever was denied waits for another one.
    waits_days: i64,
    denied_days: i64,
    /// Whether they may decide.
    decides: bool,
}

/// One request.
pub(super) struct RequestLine {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) message: Option<String>,
    pub(super) asked: Moment,
    pub(super) state: &'static str,
    /// Whether it waits to be decided.
    pub(super) is_open: bool,
    /// When it was decided.
    pub(super) decided: Option<Moment>,
    /// The day on which it lapses.
    pub(super) waits_until: String,
}

impl RequestLine {
    pub(super) fn of(request: &JoinRequest, now: DateTime<Utc>) -> Self {
        let (state, decided) = match request.state {
            JoinRequestState::Approved(at, _) => ("Approved", Some(at)),
            JoinRequestState::Denied(at) => ("Denied", Some(at)),
            JoinRequestState::Lapsed => ("Lapsed", None),
            JoinRequestState::Open => ("Waits", None),
        };
        Self {
            id: request.id.to_string(),
            email: request.email.as_str().to_owned(),
            name: request.name.as_ref().map(|name| name.as_str().to_owned()),
            message: request.message.clone(),
            asked: Moment::of(request.requested_at, now),
            state,
            is_open: request.state == JoinRequestState::Open,
            decided: decided.map(|at| Moment::of(at, now)),
            waits_until: day(request.expires_at),
        }
    }
}

/// `GET …/join-requests`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = match params.get("done") {
        Some("approved") => Some("They are invited: a mail with their link is on its way."),
        Some("denied") => Some("The request is denied. They are not told, and can ask again later."),
        _ => None,
    };
    let is_all = params.get("show") == Some("all");
    let after = params.get("after").and_then(|text| text.parse::<JoinRequestId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = if is_all {
        list_join_requests(&admin.env, &admin.caller, page).await
    } else {
        list_open_join_requests(&admin.env, &admin.caller, page).await
    };
    let found = admin.read(found)?;
    let (here, now) = (admin.href(SHOWN.0), admin.env.clock.now());
    let list = if is_all { format!("{here}?show=all") } else { here.clone() };
    let further = if is_all { '&' } else { '?' };
    let template = JoinRequestsTemplate {
        page: admin.page(),
        frame: Frame::below(&admin, Part::Joining, Vec::new()).saying(done),
        csrf: admin.token(),
        joining: admin.href(Part::Joining.path()),
        is_all,
        requests: found.items.iter().map(|request| RequestLine::of(request, now)).collect(),
        pager: Pager {
            first: after.map(|_| list.clone()),
            next: found.next.map(|after| format!("{list}{further}after={after}")),
        },
        waits_days: REQUEST_LIFETIME.num_days(),
        denied_days: DENIED_FOR.num_days(),
        decides: admin.caller.asking(OrgatePermission::InvitationsManage).is_some(),
        here,
    };
    Ok(admin.render(StatusCode::OK, &template))
}

/// `POST …/join-requests/{join_request}/deny`.
pub(crate) async fn post_deny(Named(id): Named<JoinRequestId>, Submitted { admin, .. }: Submitted) -> Answer {
    let done = deny_join_request(&admin.env, &admin.caller, id).await.map(|_| ());
    answer(&admin, done, SHOWN, "denied")
}
