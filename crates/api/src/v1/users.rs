//! `/organizations/{organization}/users`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use orgate_domain::ids::UserId;
use orgate_domain::standing::UserStatus;
use orgate_flows::Env;
use orgate_flows::manage::ListedUser;
use orgate_flows::manage::users::{find_user, list_users};
use serde::Serialize;
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, found};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A user: a principal inside one organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct View {
    /// Their id: the `sub` of their tokens.
    id: String,
    /// Their address, if they have one of their own.
    email: Option<String>,
    /// Whether they have proven it in this organization.
    email_verified: bool,
    /// Their name.
    name: String,
    /// Their language (BCP 47).
    locale: Option<String>,
    /// Whether they may sign in.
    status: Status,
    /// When they were made.
    created_at: DateTime<Utc>,
    /// When they were last changed.
    updated_at: DateTime<Utc>,
}

/// The status of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Deactivated,
}

impl From<ListedUser> for View {
    fn from(ListedUser { id, profile, created_at, updated_at }: ListedUser) -> Self {
        Self {
            id: id.to_string(),
            email: profile.email,
            email_verified: profile.email_verified,
            name: profile.name,
            locale: profile.locale,
            status: match profile.status {
                UserStatus::Active => Status::Active,
                UserStatus::Deactivated => Status::Deactivated,
            },
            created_at,
            updated_at,
        }
    }
}

page! {
    /// A page of users.
    Users as UserPage of View
}

/// List the users of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/users",
    tag = "Users",
    operation_id = "listUsers",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Users)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<UserId>,
) -> Result<Private<Users>, Problem> {
    Ok(Private(list_users(&env, &caller, page).await?.into()))
}

/// Read a user.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/users/{user}",
    tag = "Users",
    operation_id = "getUser",
    params(("user" = String, Path, description = "Their id")),
    responses((status = 200, description = "The user", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<UserId>,
) -> Result<Private<View>, Problem> {
    found(find_user(&env, &caller, id).await?)
}
