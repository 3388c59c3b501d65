//! The operations: what each takes, and what answers it.
//!
//! **Invariant:** an operation is one line below, of which its route and the table of who may call it are made, and what its
//! description has in common with all others; a test compares the rest.

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use orgate_domain::permissions::OrgatePermission;
use orgate_edge::AppState;
use orgate_flows::manage::access::Holder;
use utoipa::OpenApi;

use super::problem::Problem;
use super::{
    api_keys, applications, audit_events, backlog, clients, connections, delegations, domains, events,
    groups, invitations, join_requests, joining, mail_templates, organizations, policy, quotas,
    role_blueprints, roles, seats, sessions, setup_links, signing_keys, statistics, users,
    webhook_deliveries, webhooks,
};

/// One operation.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Its method.
    pub method: &'static str,
    /// Its path below [`super::PATH`], with names in the place of what varies.
    pub path: &'static str,
    /// What its caller has to hold.
    pub permission: OrgatePermission,
    /// In whose organization.
    pub holder: Holder,
    /// Whether its answer has the tag of what it shows (`ETag`).
    pub is_tagged: bool,
    /// Whether it can be made to depend on what was read (`If-Match`).
    pub is_conditional: bool,
    /// Whether an API key can be enough for it.
    pub takes_keys: bool,
}

macro_rules! is_said {
    () => {
        false
    };
    ($word:ident) => {
        true
    };
}

macro_rules! operations {
    ($($method:ident $path:literal $holder:ident $permission:ident => $module:ident::$handler:ident
        $(with $tag:ident)? $(if $condition:ident)? $(without $keys:ident)?;)+) => {
        /// Every operation but the description of them all, which anyone may read.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            permission: OrgatePermission::$permission,
            holder: Holder::$holder,
            is_tagged: is_said!($($tag)?),
            is_conditional: is_said!($($condition)?),
            takes_keys: !is_said!($($keys)?),
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
                               An access token for the resource `{issuer}/api`, or an API key, names the organization. What \
                               may be done in it is what its subject holds there now, as far as the token's scope and \
                               permissions, or the key's permissions, say it.",
            ),
            components(schemas(Problem)),
            paths($($module::$handler),+),
        )]
        pub(super) struct Described;
    };
}

operations! {
    GET "/organizations" Operator OrganizationsRead => organizations::list;
    POST "/organizations" Operator OrganizationsManage => organizations::post with etag;
    GET "/organizations/{organization}" Organization OrganizationRead => organizations::get with etag;
    PATCH "/organizations/{organization}" Organization OrganizationManage => organizations::patch with etag if unchanged;
    PUT "/organizations/{organization}/status" Operator OrganizationsManage => organizations::put_status with etag;
    PUT "/organizations/{organization}/external-id" Operator OrganizationsManage => organizations::put_external_id with etag;
    PUT "/organizations/{organization}/parent" Operator OrganizationsManage => organizations::put_parent with etag;
    GET "/backlog" Operator OrganizationsRead => backlog::list;
    GET "/role-blueprints" Operator OrganizationsRead => role_blueprints::list;
    PUT "/role-blueprints/{blueprint}" Operator OrganizationsManage => role_blueprints::put;
    DELETE "/role-blueprints/{blueprint}" Operator OrganizationsManage => role_blueprints::delete;
    GET "/organizations/{organization}/api-keys" Organization ApiKeysRead => api_keys::list;
    POST "/organizations/{organization}/api-keys" Organization ApiKeysManage => api_keys::post without keys;
    GET "/organizations/{organization}/api-keys/{api_key}" Organization ApiKeysRead => api_keys::get;
    DELETE "/organizations/{organization}/api-keys/{api_key}" Organization ApiKeysManage => api_keys::delete;
    GET "/organizations/{organization}/applications" Organization ClientsRead => applications::list;
    PUT "/organizations/{organization}/applications/{client}" Operator ClientsManage => applications::put;
    DELETE "/organizations/{organization}/applications/{client}" Operator ClientsManage => applications::delete;
    GET "/organizations/{organization}/audit-events" Organization AuditRead => audit_events::list;
    GET "/organizations/{organization}/clients" Organization ClientsRead => clients::list;
    POST "/organizations/{organization}/clients" Organization ClientsManage => clients::post;
    GET "/organizations/{organization}/clients/{client}" Organization ClientsRead => clients::get with etag;
    PATCH "/organizations/{organization}/clients/{client}" Organization ClientsManage => clients::patch with etag if unchanged;
    POST "/organizations/{organization}/clients/{client}/secrets" Organization ClientsManage => clients::post_secret;
    PUT "/organizations/{organization}/clients/{client}/roles/{role}" Organization RolesAssign => clients::put_role;
    DELETE "/organizations/{organization}/clients/{client}/roles/{role}" Organization RolesAssign => clients::delete_role;
    GET "/organizations/{organization}/groups" Organization GroupsRead => groups::list;
    POST "/organizations/{organization}/groups" Organization GroupsManage => groups::post with etag;
    GET "/organizations/{organization}/groups/{group}" Organization GroupsRead => groups::get with etag;
    PATCH "/organizations/{organization}/groups/{group}" Organization GroupsManage => groups::patch with etag if unchanged;
    DELETE "/organizations/{organization}/groups/{group}" Organization GroupsManage => groups::delete if unchanged;
    GET "/organizations/{organization}/groups/{group}/members" Organization GroupsRead => groups::list_of_group;
    PUT "/organizations/{organization}/groups/{group}/members/{user}" Organization GroupsManage => groups::put_member;
    DELETE "/organizations/{organization}/groups/{group}/members/{user}" Organization GroupsManage => groups::delete_member;
    GET "/organizations/{organization}/invitations" Organization InvitationsRead => invitations::list;
    POST "/organizations/{organization}/invitations" Organization InvitationsManage => invitations::post;
    POST "/organizations/{organization}/invitations/import" Organization InvitationsManage => invitations::import;
    GET "/organizations/{organization}/invitations/{invitation}" Organization InvitationsRead => invitations::get;
    DELETE "/organizations/{organization}/invitations/{invitation}" Organization InvitationsManage => invitations::delete;
    POST "/organizations/{organization}/invitations/{invitation}/resend" Organization InvitationsManage => invitations::resend;
    GET "/organizations/{organization}/joining" Organization InvitationsRead => joining::get with etag;
    PATCH "/organizations/{organization}/joining" Organization InvitationsManage => joining::patch with etag if unchanged;
    GET "/organizations/{organization}/join-requests" Organization InvitationsRead => join_requests::list;
    GET "/organizations/{organization}/join-requests/{join_request}" Organization InvitationsRead => join_requests::get;
    POST "/organizations/{organization}/join-requests/{join_request}/approve" Organization InvitationsManage => join_requests::approve;
    POST "/organizations/{organization}/join-requests/{join_request}/deny" Organization InvitationsManage => join_requests::deny;
    GET "/organizations/{organization}/connections" Organization ConnectionsRead => connections::list;
    POST "/organizations/{organization}/connections" Organization ConnectionsManage => connections::post with etag;
    GET "/organizations/{organization}/connections/{connection}" Organization ConnectionsRead => connections::get with etag;
    PATCH "/organizations/{organization}/connections/{connection}" Organization ConnectionsManage => connections::patch with etag if unchanged;
    PUT "/organizations/{organization}/connections/{connection}/settings" Organization ConnectionsManage => connections::put_settings with etag;
    PUT "/organizations/{organization}/connections/{connection}/state" Organization ConnectionsManage => connections::put_state with etag;
    GET "/organizations/{organization}/delegations" Organization DelegationsRead => delegations::list;
    PUT "/organizations/{organization}/delegations/{delegate}" Organization DelegationsManage => delegations::put;
    DELETE "/organizations/{organization}/delegations/{delegate}" Organization DelegationsManage => delegations::delete;
    GET "/organizations/{organization}/domains" Organization DomainsRead => domains::list;
    POST "/organizations/{organization}/domains" Organization DomainsManage => domains::post with etag;
    GET "/organizations/{organization}/domains/{domain}" Organization DomainsRead => domains::get with etag;
    DELETE "/organizations/{organization}/domains/{domain}" Organization DomainsManage => domains::delete if unchanged;
    POST "/organizations/{organization}/domains/{domain}/verify" Organization DomainsManage => domains::verify;
    GET "/organizations/{organization}/events" Organization AuditRead => events::list;
    GET "/organizations/{organization}/mail-templates" Organization OrganizationRead => mail_templates::list;
    GET "/organizations/{organization}/mail-templates/{mail}/{locale}" Organization OrganizationRead => mail_templates::get with etag;
    PUT "/organizations/{organization}/mail-templates/{mail}/{locale}" Organization OrganizationManage => mail_templates::put with etag if unchanged;
    DELETE "/organizations/{organization}/mail-templates/{mail}/{locale}" Organization OrganizationManage => mail_templates::delete if unchanged;
    POST "/organizations/{organization}/mail-templates/{mail}/{locale}/preview" Organization OrganizationManage => mail_templates::preview;
    GET "/organizations/{organization}/policy" Organization PoliciesRead => policy::get with etag;
    PATCH "/organizations/{organization}/policy" Organization PoliciesManage => policy::patch with etag if unchanged;
    GET "/organizations/{organization}/quotas" Organization OrganizationRead => quotas::list;
    PUT "/organizations/{organization}/quotas/{quota}" Operator OrganizationsManage => quotas::put;
    GET "/organizations/{organization}/roles" Organization RolesRead => roles::list;
    POST "/organizations/{organization}/roles" Organization RolesManage => roles::post with etag;
    GET "/organizations/{organization}/roles/{role}" Organization RolesRead => roles::get with etag;
    PATCH "/organizations/{organization}/roles/{role}" Organization RolesManage => roles::patch with etag if unchanged;
    DELETE "/organizations/{organization}/roles/{role}" Organization RolesManage => roles::delete if unchanged;
    GET "/organizations/{organization}/seats" Organization OrganizationRead => seats::get;
    PUT "/organizations/{organization}/seats" Operator OrganizationsManage => seats::put;
    GET "/organizations/{organization}/sessions" Organization SessionsRead => sessions::list;
    DELETE "/organizations/{organization}/sessions/{session}" Organization SessionsManage => sessions::delete;
    GET "/organizations/{organization}/setup-links" Organization SetupLinksRead => setup_links::list;
    POST "/organizations/{organization}/setup-links" Organization SetupLinksManage => setup_links::post;
    GET "/organizations/{organization}/setup-links/{setup_link}" Organization SetupLinksRead => setup_links::get;
    DELETE "/organizations/{organization}/setup-links/{setup_link}" Organization SetupLinksManage => setup_links::delete;
    GET "/organizations/{organization}/signing-keys" Organization SigningKeysRead => signing_keys::list;
    POST "/organizations/{organization}/signing-keys/rotate" Organization SigningKeysManage => signing_keys::rotate;
    GET "/organizations/{organization}/suborganizations" Organization SuborganizationsAct => delegations::list_below;
    GET "/organizations/{organization}/statistics" Organization OrganizationRead => statistics::get;
    GET "/organizations/{organization}/users" Organization UsersRead => users::list;
    POST "/organizations/{organization}/users" Organization UsersManage => users::post with etag;
    GET "/organizations/{organization}/users/{user}" Organization UsersRead => users::get with etag;
    PATCH "/organizations/{organization}/users/{user}" Organization UsersManage => users::patch with etag if unchanged;
    PUT "/organizations/{organization}/users/{user}/roles/{role}" Organization RolesAssign => users::put_role;
    DELETE "/organizations/{organization}/users/{user}/roles/{role}" Organization RolesAssign => users::delete_role;
    GET "/organizations/{organization}/users/{user}/sessions" Organization SessionsRead => sessions::list_of_user;
    DELETE "/organizations/{organization}/users/{user}/sessions" Organization SessionsManage => sessions::delete_of_user;
    DELETE "/organizations/{organization}/users/{user}" Organization UsersManage => users::delete if unchanged;
    GET "/organizations/{organization}/webhooks" Organization WebhooksRead => webhooks::list;
    POST "/organizations/{organization}/webhooks" Organization WebhooksManage => webhooks::post with etag;
    GET "/organizations/{organization}/webhooks/{webhook}" Organization WebhooksRead => webhooks::get with etag;
    PATCH "/organizations/{organization}/webhooks/{webhook}" Organization WebhooksManage => webhooks::patch with etag if unchanged;
    DELETE "/organizations/{organization}/webhooks/{webhook}" Organization WebhooksManage => webhooks::delete if unchanged;
    POST "/organizations/{organization}/webhooks/{webhook}/replay" Organization WebhooksManage => webhooks::replay with etag;
    POST "/organizations/{organization}/webhooks/{webhook}/rotate-secret" Organization WebhooksManage => webhooks::rotate_secret with etag;
    POST "/organizations/{organization}/webhooks/{webhook}/test" Organization WebhooksManage => webhook_deliveries::test;
    GET "/organizations/{organization}/webhooks/{webhook}/deliveries" Organization WebhooksRead => webhook_deliveries::list;
    GET "/organizations/{organization}/webhooks/{webhook}/deliveries/{event}" Organization WebhooksRead => webhook_deliveries::get;
    POST "/organizations/{organization}/webhooks/{webhook}/deliveries/{event}/redeliver" Organization WebhooksManage => webhook_deliveries::redeliver;
}

/// What a request that was routed to `path` takes; `None` if it is not in the table.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Operation> {
    let path = path.strip_prefix(super::PATH)?;
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    OPERATIONS.iter().find(|operation| operation.method == method && operation.path == path)
}
