//! The table of operations: what each takes.

use axum::http::Method;
use orgate_domain::permissions::OrgatePermission;

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

const fn operation(method: &'static str, path: &'static str, permission: OrgatePermission) -> Operation {
    Operation { method, path, permission }
}

/// Every operation but the description of them all, which anyone may read.
pub const OPERATIONS: &[Operation] = {
    use OrgatePermission::{OrganizationRead, SetupLinksManage, SetupLinksRead, UsersRead};
    &[
        operation("GET", "/organizations/{organization}", OrganizationRead),
        operation("GET", "/organizations/{organization}/setup-links", SetupLinksRead),
        operation("POST", "/organizations/{organization}/setup-links", SetupLinksManage),
        operation("GET", "/organizations/{organization}/setup-links/{setup_link}", SetupLinksRead),
        operation("DELETE", "/organizations/{organization}/setup-links/{setup_link}", SetupLinksManage),
        operation("GET", "/organizations/{organization}/users", UsersRead),
        operation("GET", "/organizations/{organization}/users/{user}", UsersRead),
    ]
};

/// What a request that was routed to `path` takes; `None` if it is not in the table.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let path = path.strip_prefix(super::PATH)?;
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path)
}
