//! `/organizations/{organization}/join-requests`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_domain::ids::JoinRequestId;
use orgate_domain::joining::{JoinRequest, JoinRequestState};
use orgate_flows::Env;
use orgate_flows::manage::ChangeError;
use orgate_flows::manage::join_requests::{
    Approval, approve_join_request, deny_join_request, find_join_request, list_join_requests,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, found};
use super::change::New;
use super::invitations::slugs;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A request to join, of whoever has proven its address.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JoinRequest)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// The address, which is proven.
    email: String,
    /// What they call themselves: nobody has proven that.
    name: Option<String>,
    /// What they have to say: text, never markup.
    message: Option<String>,
    /// What became of it.
    status: Status,
    /// When it was made.
    requested_at: DateTime<Utc>,
    /// From when on it counts no more, and is deleted.
    expires_at: DateTime<Utc>,
    /// When it was decided.
    decided_at: Option<DateTime<Utc>>,
    /// Who decided it: an id, or `operator`.
    decided_by: Option<String>,
    /// The invitation that came of it.
    invitation_id: Option<String>,
}

/// What became of a request.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = JoinRequestStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Approved,
    Denied,
    Lapsed,
    Open,
}

/// What whoever is let in is given.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = JoinApproval)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Slugs of roles that you could give them.
    #[serde(default)]
    #[schema(max_items = 50)]
    roles: Vec<String>,
    /// Slugs of groups that you could put them into.
    #[serde(default)]
    #[schema(max_items = 50)]
    groups: Vec<String>,
}

impl From<JoinRequest> for View {
    fn from(request: JoinRequest) -> Self {
        let (status, decided_at, invitation) = match request.state {
            JoinRequestState::Approved(at, invitation) => (Status::Approved, Some(at), Some(invitation)),
            JoinRequestState::Denied(at) => (Status::Denied, Some(at), None),
            JoinRequestState::Lapsed => (Status::Lapsed, None, None),
            JoinRequestState::Open => (Status::Open, None, None),
        };
        Self {
            id: request.id.to_string(),
            email: request.email.as_str().to_owned(),
            name: request.name.map(|name| name.as_str().to_owned()),
            message: request.message,
            status,
            requested_at: request.requested_at,
            expires_at: request.expires_at,
            decided_at,
            decided_by: request.decided_by,
            invitation_id: invitation.map(|id| id.to_string()),
        }
    }
}

impl TryFrom<Wanted> for Approval {
    type Error = ChangeError;

    fn try_from(wanted: Wanted) -> Result<Self, ChangeError> {
        Ok(Self { roles: slugs("roles", &wanted.roles)?, groups: slugs("groups", &wanted.groups)? })
    }
}

page! {
    /// A page of requests to join.
    JoinRequests as JoinRequestPage of View
}

/// List the requests to join an organization, latest first: of whoever has proven their address.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/join-requests",
    tag = "Joining",
    operation_id = "listJoinRequests",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = JoinRequests)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<JoinRequestId>,
) -> Result<Private<JoinRequests>, Problem> {
    Ok(Private(list_join_requests(&env, &caller, page).await?.into()))
}

/// Read a request to join.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/join-requests/{join_request}",
    tag = "Joining",
    operation_id = "getJoinRequest",
    params(("join_request" = String, Path, description = "Its id")),
    responses((status = 200, description = "The request", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<JoinRequestId>,
) -> Result<Private<View>, Problem> {
    found(find_join_request(&env, &caller, id).await?)
}

/// Let somebody in who asked: they are invited, with roles and groups. The link is in the mail, and nowhere else.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/join-requests/{join_request}/approve",
    tag = "Joining",
    operation_id = "approveJoinRequest",
    params(("join_request" = String, Path, description = "Its id")),
    request_body = Wanted,
    responses((status = 200, description = "The request", body = View)),
)]
pub(crate) async fn approve(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<JoinRequestId>,
    New(wanted, once): New<Wanted>,
) -> Result<Private<View>, Problem> {
    let approval = (id, wanted.try_into()?);
    Ok(Private(approve_join_request(&env, &caller, approval, once.as_ref()).await?.into()))
}

/// Turn somebody away who asked. They are not told, and can ask again after 30 days. To do it again changes nothing.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/join-requests/{join_request}/deny",
    tag = "Joining",
    operation_id = "denyJoinRequest",
    params(("join_request" = String, Path, description = "Its id")),
    responses((status = 200, description = "The request", body = View)),
)]
pub(crate) async fn deny(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<JoinRequestId>,
) -> Result<Private<View>, Problem> {
    Ok(Private(deny_join_request(&env, &caller, id).await?.into()))
}
