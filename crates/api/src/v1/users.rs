//! `/organizations/{organization}/users`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use orgate_domain::email::Email;
use orgate_domain::ids::{RoleId, UserId};
use orgate_domain::names::Slug;
use orgate_domain::standing::UserStatus;
use orgate_flows::Env;
use orgate_flows::manage::users::{
    UserFilter, UserSettings, WantedUser, assign_role, create_user, find_user, list_users, unassign_role,
    update_user,
};
use orgate_flows::manage::{ChangeError, ListedUser};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::admitted::Admitted;
use super::body::{Named, NamedPair, Private, private};
use super::change::{New, Patch, Tagged, created};
use super::organizations::{name, slug};
use super::page::{Filtered, PageQuery, page};
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
    #[serde(flatten)]
    settings: Settings,
    /// Their language (BCP 47).
    locale: Option<String>,
    /// Slugs of the roles that are assigned to them. Groups and connections may give them more.
    roles: Vec<String>,
    /// When they were made.
    created_at: DateTime<Utc>,
    /// When they were last changed.
    updated_at: DateTime<Utc>,
}

/// What of a user may be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = UserSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Their name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Whether they may sign in. Whoever may not is signed out everywhere.
    status: Status,
}

/// The status of a user.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = UserStatus)]
#[serde(rename_all = "snake_case")]
enum Status {
    Active,
    Deactivated,
}

/// A user as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewUser)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Their address, which no other user of the organization has.
    email: String,
    /// Their name: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Slugs of roles that you could give them.
    #[serde(default)]
    #[schema(max_items = 100)]
    roles: Vec<String>,
}

/// Which users are listed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct UserQuery {
    /// Only whoever has this address.
    email: Option<String>,
}

/// Roles that a user is made with at most.
const MAX_ROLES: usize = 100;

impl From<&ListedUser> for Settings {
    fn from(user: &ListedUser) -> Self {
        let status = match user.profile.status {
            UserStatus::Active => Status::Active,
            UserStatus::Deactivated => Status::Deactivated,
        };
        Self { name: user.profile.name.clone(), status }
    }
}

impl From<&ListedUser> for View {
    fn from(user: &ListedUser) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.profile.email.clone(),
            email_verified: user.profile.email_verified,
            settings: user.into(),
            locale: user.profile.locale.clone(),
            roles: user.roles.clone(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl From<ListedUser> for View {
    fn from(user: ListedUser) -> Self {
        (&user).into()
    }
}

impl TryFrom<Settings> for UserSettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        let status = match settings.status {
            Status::Active => UserStatus::Active,
            Status::Deactivated => UserStatus::Deactivated,
        };
        Ok(Self { name: name("/name", &settings.name)?, status })
    }
}

impl TryFrom<Wanted> for WantedUser {
    type Error = ChangeError;

    fn try_from(wanted: Wanted) -> Result<Self, ChangeError> {
        let email = Email::parse(&wanted.email)
            .map_err(|error| ChangeError::invalid("/email", format!("{error}, like name@example.com")))?;
        if wanted.roles.len() > MAX_ROLES {
            return Err(ChangeError::invalid("/roles", format!("at most {MAX_ROLES}")));
        }
        let roles = wanted.roles.iter().enumerate();
        let roles: Result<Vec<Slug>, _> =
            roles.map(|(place, text)| slug(&format!("/roles/{place}"), text)).collect();
        Ok(Self { email, name: name("/name", &wanted.name)?, roles: roles? })
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
    params(PageQuery, UserQuery),
    responses((status = 200, description = "A page of them", body = Users)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    asked: Filtered<UserId>,
) -> Result<Private<Users>, Problem> {
    let mut filter = UserFilter::default();
    let page = asked.read(&["email"], |_, value| {
        let email = Email::parse(value).map_err(|error| format!("email: {error}"))?;
        filter.email = Some(email);
        Ok(())
    })?;
    Ok(Private(list_users(&env, &caller, (&filter, page)).await?.into()))
}

/// Make a user. They sign in through a connection that vouches for their address; whoever is to choose a password is
/// invited instead.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/users",
    tag = "Users",
    operation_id = "createUser",
    request_body = Wanted,
    responses((status = 201, description = "The user", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let made = create_user(&env, &caller, wanted.try_into()?, once.as_ref()).await?;
    let at = format!("{}/organizations/{}/users/{}", super::PATH, caller.org_id(), made.id);
    Ok(created(env.issuer.at(&at), View::from(made)))
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
) -> Result<Tagged<View>, Problem> {
    let user = find_user(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(user.into()))
}

/// Change a user's name, or whether they may sign in.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/users/{user}",
    tag = "Users",
    operation_id = "updateUser",
    params(("user" = String, Path, description = "Their id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The user", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<UserId>,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &ListedUser| patch.onto::<Settings>(&View::from(now), &now.into())?.try_into();
    Ok(Tagged(update_user(&env, &caller, id, edit).await?.into()))
}

/// Assign a role to a user. To do it again changes nothing.
#[utoipa::path(
    put,
    path = "/organizations/{organization}/users/{user}/roles/{role}",
    tag = "Users",
    operation_id = "assignRole",
    params(("user" = String, Path, description = "Their id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "They have it")),
)]
pub(crate) async fn put_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(user, role): NamedPair<UserId, RoleId>,
) -> Result<Response, Problem> {
    assign_role(&env, &caller, (user, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}

/// Take a role that was assigned to a user away. To do it again changes nothing.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/users/{user}/roles/{role}",
    tag = "Users",
    operation_id = "unassignRole",
    params(("user" = String, Path, description = "Their id"), ("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "They do not have it by assignment")),
)]
pub(crate) async fn delete_role(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    NamedPair(user, role): NamedPair<UserId, RoleId>,
) -> Result<Response, Problem> {
    unassign_role(&env, &caller, (user, role)).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
