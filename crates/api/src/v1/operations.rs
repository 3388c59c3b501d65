//! The operations: what each takes, and what answers it.
//!
//! **Invariant:** an operation is one line below, of which its route, its description and the table of who may call it are made.

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use orgate_domain::permissions::OrgatePermission;
use orgate_edge::AppState;
use utoipa::OpenApi;

use super::problem::Problem;
use super::{organizations, setup_links, users};

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its method.
    pub method: &'static str,
    /// Its path below [`super::PATH`], with names in the place of what varies.
    pub path: &'static str,
    /// What its caller has to hold, in the organization that the path names.
    pub permission: OrgatePermission,
}

macro_rules! operations {
    ($($method:ident $path:literal $permission:ident => $module:ident::$handler:ident;)+) => {
        /// Every operation but the description of them all, which anyone may read.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            permission: OrgatePermission::$permission,
        },)+];

        /// Their routes.
        pub(super) fn routes() -> Router<AppState> {
            Router::new()$(.route($path, on(MethodFilter::$method, $module::$handler)))+
        }

        /// Their descriptions.
        #[derive(OpenApi)]
        #[openapi(
            info(
                title = "Orgate management API",
                version = "1",
                description = "Organizations are run by programs: each by whoever its administrators let. \
                               An access token for the resource `{issuer}/api` names the organization, and what may be \
                               done in it is what its subject holds there now, its scope and its permissions say.",
            ),
            components(schemas(Problem)),
            paths($($module::$handler),+),
        )]
        pub(super) struct Described;
    };
}

operations! {
    GET "/organizations/{organization}" OrganizationRead => organizations::get;
    GET "/organizations/{organization}/setup-links" SetupLinksRead => setup_links::list;
    POST "/organizations/{organization}/setup-links" SetupLinksManage => setup_links::post;
    GET "/organizations/{organization}/setup-links/{setup_link}" SetupLinksRead => setup_links::get;
    DELETE "/organizations/{organization}/setup-links/{setup_link}" SetupLinksManage => setup_links::delete;
    GET "/organizations/{organization}/users" UsersRead => users::list;
    GET "/organizations/{organization}/users/{user}" UsersRead => users::get;
}

/// What a request that was routed to `path` takes; `None` if it is not in the table.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let path = path.strip_prefix(super::PATH)?;
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path)
}
