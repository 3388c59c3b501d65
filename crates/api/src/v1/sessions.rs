//! `/organizations/{organization}/sessions`, and those of one user.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::ids::{SessionId, UserId};
use orgate_domain::user_agents::describe;
use orgate_flows::Env;
use orgate_flows::manage::OpenSession;
use orgate_flows::manage::sessions::{end_session, end_sessions_of, list_sessions, list_sessions_of};
use serde::Serialize;
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, private};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A session by which a user is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct View {
    /// Its id: the `sid` of its tokens.
    id: String,
    /// The user's id.
    user_id: String,
    /// The user's address, or their name.
    user: String,
    /// How they signed in: `password`, `connection` or `recovery`.
    method: &'static str,
    /// The connection that they signed in through.
    connection_id: Option<String>,
    /// When they signed in.
    signed_in_at: DateTime<Utc>,
    /// When they, or an application of theirs, were last seen.
    last_seen_at: DateTime<Utc>,
    /// From where they signed in.
    address: Option<String>,
    /// The browser and system that they signed in with, in words.
    device: String,
    /// The applications that they are signed in to by it.
    applications: Vec<String>,
}

impl From<OpenSession> for View {
    fn from(session: OpenSession) -> Self {
        let (method, connection) = (session.method.as_str(), session.method.connection());
        Self {
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            user: session.user,
            method,
            connection_id: connection.map(|connection| connection.to_string()),
            signed_in_at: session.signed_in_at,
            last_seen_at: session.last_seen_at,
            address: session.address.map(|address| address.to_string()),
            device: describe(session.user_agent.as_deref()),
            applications: session.clients,
        }
    }
}

page! {
    /// A page of sessions.
    Sessions as SessionPage of View
}

/// List the sessions by which users of an organization are signed in, those that began last first.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/sessions",
    tag = "Sessions",
    operation_id = "listSessions",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Sessions)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<SessionId>,
) -> Result<Private<Sessions>, Problem> {
    Ok(Private(list_sessions(&env, &caller, page).await?.into()))
}

/// End a session: its refresh tokens are revoked, and applications are told. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/sessions/{session}",
    tag = "Sessions",
    operation_id = "endSession",
    params(("session" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is over")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<SessionId>,
) -> Result<Response, Problem> {
    end_session(&env, &caller, id).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// List the sessions by which one user is signed in, those that began last first; of the 500 that were used last.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/users/{user}/sessions",
    tag = "Sessions",
    operation_id = "listUserSessions",
    params(("user" = String, Path, description = "Their id"), PageQuery),
    responses((status = 200, description = "A page of them", body = Sessions)),
)]
pub(crate) async fn list_of_user(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(user): Named<UserId>,
    Paged(page): Paged<SessionId>,
) -> Result<Private<Sessions>, Problem> {
    Ok(Private(list_sessions_of(&env, &caller, (user, page)).await?.into()))
}

/// End every session of a user. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/users/{user}/sessions",
    tag = "Sessions",
    operation_id = "endUserSessions",
    params(("user" = String, Path, description = "Their id")),
    responses((status = 204, description = "They are signed out everywhere")),
)]
pub(crate) async fn delete_of_user(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(user): Named<UserId>,
) -> Result<Response, Problem> {
    end_sessions_of(&env, &caller, user).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
