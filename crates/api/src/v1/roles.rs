//! `/organizations/{organization}/roles`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::ids::RoleId;
use orgate_flows::Env;
use orgate_flows::manage::roles::{
    RoleSettings, Touched, create_role, delete_role, find_role, list_roles, update_role,
};
use orgate_flows::manage::{ChangeError, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Named, Private, private};
use super::change::{IfMatch, New, Patch, Tagged, created};
use super::organizations::{name, slug};
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;

/// A role: what is in it, its holders may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
pub(crate) struct View {
    /// Its id.
    id: String,
    /// Its short name: what the claim `roles` says.
    slug: String,
    #[serde(flatten)]
    settings: Settings,
}

/// What of a role may be changed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = RoleSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What is in it: permissions of applications, such as `notes:write`, and Orgate's own, such as `orgate:users:read`.
    /// `notes:*` is all of an application's resource.
    #[schema(max_items = 200)]
    permissions: Vec<String>,
}

/// A role as wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewRole)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its short name: 1 to 63 lower-case letters, digits and inner hyphens. It stays as it is.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    slug: String,
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What is in it: see `Role`. Nothing that its maker could not give.
    #[serde(default)]
    #[schema(max_items = 200)]
    permissions: Vec<String>,
}

impl From<&Role> for Settings {
    fn from(role: &Role) -> Self {
        Self { name: role.name.as_str().to_owned(), permissions: role.permissions.iter().cloned().collect() }
    }
}

impl From<&Role> for View {
    fn from(role: &Role) -> Self {
        Self { id: role.id.to_string(), slug: role.slug.to_string(), settings: role.into() }
    }
}

impl From<Role> for View {
    fn from(role: Role) -> Self {
        (&role).into()
    }
}

impl TryFrom<Settings> for RoleSettings {
    type Error = ChangeError;

    fn try_from(settings: Settings) -> Result<Self, ChangeError> {
        Ok(Self { name: name("/name", &settings.name)?, permissions: settings.permissions })
    }
}

page! {
    /// A page of roles.
    Roles as RolePage of View
}

/// List the roles of an organization, in the order in which they were made.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/roles",
    tag = "Roles",
    operation_id = "listRoles",
    params(PageQuery),
    responses((status = 200, description = "A page of them", body = Roles)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Paged(page): Paged<RoleId>,
) -> Result<Private<Roles>, Problem> {
    Ok(Private(list_roles(&env, &caller, page).await?.into()))
}

/// Make a role, of nothing that you could not give.
#[utoipa::path(
    post,
    path = "/organizations/{organization}/roles",
    tag = "Roles",
    operation_id = "createRole",
    request_body = Wanted,
    responses((status = 201, description = "The role", body = View)),
)]
pub(crate) async fn post(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    New(wanted, once): New<Wanted>,
) -> Result<Response, Problem> {
    let settings = RoleSettings { name: name("/name", &wanted.name)?, permissions: wanted.permissions };
    let slug = slug("/slug", &wanted.slug)?;
    let made = create_role(&env, &caller, (slug, settings), once.as_ref()).await?;
    let at = format!("{}/organizations/{}/roles/{}", super::PATH, caller.org_id(), made.id);
    Ok(created(env.issuer.at(&at), Tagged(View::from(made))))
}

/// Read a role.
#[utoipa::path(
    get,
    path = "/organizations/{organization}/roles/{role}",
    tag = "Roles",
    operation_id = "getRole",
    params(("role" = String, Path, description = "Its id")),
    responses((status = 200, description = "The role", body = View)),
)]
pub(crate) async fn get(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<RoleId>,
) -> Result<Tagged<View>, Problem> {
    let role = find_role(&env, &caller, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Tagged(role.into()))
}

/// Change a role: whoever has it has what is in it from now on.
#[utoipa::path(
    patch,
    path = "/organizations/{organization}/roles/{role}",
    tag = "Roles",
    operation_id = "updateRole",
    params(("role" = String, Path, description = "Its id")),
    request_body(content = Settings, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The role", body = View)),
)]
pub(crate) async fn patch(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<RoleId>,
    patch: Patch,
) -> Result<Tagged<View>, Problem> {
    let edit = |now: &Role| patch.onto::<Settings>(&View::from(now), &now.into())?.try_into();
    let touched = Touched { permissions: patch.names("permissions") };
    Ok(Tagged(update_role(&env, &caller, (id, touched), edit).await?.into()))
}

/// Take a role away that nobody has.
#[utoipa::path(
    delete,
    path = "/organizations/{organization}/roles/{role}",
    tag = "Roles",
    operation_id = "deleteRole",
    params(("role" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(id): Named<RoleId>,
    only: IfMatch,
) -> Result<Response, Problem> {
    delete_role(&env, &caller, id, |role| only.check(&View::from(role))).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
