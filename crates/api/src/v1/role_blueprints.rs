//! `/role-blueprints`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use orgate_domain::names::Slug;
use orgate_flows::Env;
use orgate_flows::manage::role_blueprints::{delete_blueprint, list_blueprints, set_blueprint};
use orgate_flows::manage::roles::RoleSettings;
use orgate_flows::manage::{ChangeError, FirstRole, RoleBlueprint};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admitted::Admitted;
use super::body::{Body, Named, Private, private};
use super::organizations::name;
use super::problem::Problem;

/// A role that new organizations begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleBlueprint)]
pub(crate) struct View {
    /// Its short name: what the claim `roles` says.
    slug: String,
    /// Its name for people.
    name: String,
    /// What is in it.
    permissions: Vec<String>,
    /// Whether it is one that Orgate comes with, and nobody put another in its place.
    ready_made: bool,
}

/// All roles that new organizations begin with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoleBlueprints)]
pub(crate) struct Views {
    items: Vec<View>,
}

/// A role that new organizations are to begin with.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = RoleBlueprintSettings)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Its name for people: 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What is in it: see `Role`. Nothing that you could not give.
    #[schema(max_items = 200)]
    permissions: Vec<String>,
}

impl From<FirstRole> for View {
    fn from(FirstRole { blueprint, ready_made }: FirstRole) -> Self {
        let RoleBlueprint { slug, name, permissions } = blueprint;
        let permissions = permissions.into_iter().collect();
        Self { slug: slug.to_string(), name: name.as_str().to_owned(), permissions, ready_made }
    }
}

/// List the roles that new organizations begin with: those that Orgate comes with, and yours. For operators.
#[utoipa::path(
    get,
    path = "/role-blueprints",
    tag = "Role blueprints",
    operation_id = "listRoleBlueprints",
    responses((status = 200, description = "All of them", body = Views)),
)]
pub(crate) async fn list(
    State(env): State<Env>,
    Admitted(caller): Admitted,
) -> Result<Private<Views>, Problem> {
    let items = list_blueprints(&env, &caller).await?.into_iter().map(View::from).collect();
    Ok(Private(Views { items }))
}

/// Have new organizations begin with a role, in place of any of that name that Orgate comes with. The roles of those that there
/// are stay as they are. For operators.
#[utoipa::path(
    put,
    path = "/role-blueprints/{blueprint}",
    tag = "Role blueprints",
    operation_id = "setRoleBlueprint",
    params(("blueprint" = String, Path, description = "The slug of the role; not `owner`, which is the same everywhere")),
    request_body = Wanted,
    responses((status = 200, description = "The role", body = View)),
)]
pub(crate) async fn put(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(slug): Named<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Private<View>, Problem> {
    let slug = Slug::parse(&slug).map_err(|invalid| ChangeError::invalid("", invalid.to_string()))?;
    let name = name("/name", &wanted.name)?;
    let settings = RoleSettings { name, permissions: wanted.permissions };
    Ok(Private(set_blueprint(&env, &caller, slug, |_| Ok(settings)).await?.into()))
}

/// Have new organizations begin with a role no more, or with the one of that name that Orgate comes with. For operators.
#[utoipa::path(
    delete,
    path = "/role-blueprints/{blueprint}",
    tag = "Role blueprints",
    operation_id = "deleteRoleBlueprint",
    params(("blueprint" = String, Path, description = "The slug of the role")),
    responses((status = 204, description = "It is gone")),
)]
pub(crate) async fn delete(
    State(env): State<Env>,
    Admitted(caller): Admitted,
    Named(slug): Named<String>,
) -> Result<Response, Problem> {
    let slug = Slug::parse(&slug).map_err(|_| Problem::not_found())?;
    delete_blueprint(&env, &caller, &slug, |_| Ok(())).await?;
    Ok(private(StatusCode::NO_CONTENT))
}
