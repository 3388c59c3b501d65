//! The pages: what each takes, and what answers it.
//!
//! **Invariant:** a page is one line below, of which its route and the permission that it takes are made.

use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Router, middleware};
use orgate_domain::permissions::OrgatePermission;
use orgate_edge::AppState;

use super::{
    audit, connection, connection_switch, connections, domain, domain_release, domains, entry, invitations,
    invite, overview, setup_link, setup_links, user, user_status, users,
};

/// One page, or what a form on one does.
#[derive(Debug, Clone, Copy)]
pub struct AdminPage {
    /// Its method.
    pub method: &'static str,
    /// Its path below `/admin/{organization}`, with names in the place of what varies; empty: that itself.
    pub path: &'static str,
    /// What its caller has to hold.
    pub permission: OrgatePermission,
}

macro_rules! pages {
    ($($method:ident $path:literal $permission:ident => $module:ident::$handler:ident;)+) => {
        /// Every page.
        pub const ADMIN_PAGES: &[AdminPage] = &[$(AdminPage {
            method: stringify!($method),
            path: $path,
            permission: OrgatePermission::$permission,
        },)+];

        /// Their routes, each by itself behind the layer: in front of a router, it would be asked about methods that no page
        /// has as well.
        pub(super) fn routes(state: &AppState) -> Router<AppState> {
            let admitted = middleware::from_fn_with_state(state.clone(), entry::admitted);
            Router::new()$(.route(
                concat!("/admin/{organization}", $path),
                on(MethodFilter::$method, $module::$handler).route_layer(admitted.clone()),
            ))+
        }
    };
}

pages! {
    GET "" OrganizationRead => overview::get;
    GET "/users" UsersRead => users::get;
    GET "/users/{user}" UsersRead => user::get;
    POST "/users/{user}/roles" RolesAssign => user::post_roles;
    POST "/users/{user}/sessions" SessionsManage => user::post_sessions;
    GET "/users/{user}/deactivate" UsersManage => user_status::get_deactivate;
    POST "/users/{user}/deactivate" UsersManage => user_status::post_deactivate;
    GET "/users/{user}/reactivate" UsersManage => user_status::get_reactivate;
    POST "/users/{user}/reactivate" UsersManage => user_status::post_reactivate;
    GET "/invitations" InvitationsRead => invitations::get;
    GET "/invitations/new" InvitationsManage => invite::get;
    POST "/invitations/new" InvitationsManage => invite::post;
    POST "/invitations/{invitation}/resend" InvitationsManage => invitations::post_resend;
    POST "/invitations/{invitation}/revoke" InvitationsManage => invitations::post_revoke;
    GET "/connections" ConnectionsRead => connections::get;
    GET "/connections/{connection}" ConnectionsRead => connection::get;
    POST "/connections/set-up" SetupLinksManage => connections::post_set_up;
    GET "/connections/{connection}/switch-off" ConnectionsManage => connection_switch::get_off;
    POST "/connections/{connection}/switch-off" ConnectionsManage => connection_switch::post_off;
    GET "/connections/{connection}/switch-on" ConnectionsManage => connection_switch::get_on;
    POST "/connections/{connection}/switch-on" ConnectionsManage => connection_switch::post_on;
    GET "/setup-links" SetupLinksRead => setup_links::get;
    GET "/setup-links/new" SetupLinksManage => setup_link::get;
    POST "/setup-links/new" SetupLinksManage => setup_link::post;
    POST "/setup-links/{setup_link}/revoke" SetupLinksManage => setup_links::post_revoke;
    GET "/domains" DomainsRead => domains::get;
    POST "/domains" DomainsManage => domains::post;
    GET "/domains/{domain}" DomainsRead => domain::get;
    POST "/domains/{domain}/verify" DomainsManage => domain::post_verify;
    GET "/domains/{domain}/give-up" DomainsManage => domain_release::get;
    POST "/domains/{domain}/give-up" DomainsManage => domain_release::post;
    GET "/audit" AuditRead => audit::get;
}

/// The page that a request is for, by the path that it matched.
pub(super) fn find(method: &Method, matched: &str) -> Option<&'static AdminPage> {
    let below = matched.strip_prefix("/admin/{organization}")?;
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    ADMIN_PAGES.iter().find(|page| page.method == method && page.path == below)
}

/// What of a path, as it was matched and as it was asked for, leads to the nearest page above that shows something.
pub(super) fn shown_at(matched: &str, asked: &str) -> String {
    let (mut matched, mut asked) = (matched, asked);
    while find(&Method::GET, matched).is_none() {
        let parents = (matched.rsplit_once('/'), asked.rsplit_once('/'));
        let (Some((above, _)), Some((shown, _))) = parents else { break };
        (matched, asked) = (above, shown);
    }
    asked.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_the_page_that_shows_it() {
        let below = |path: &str| {
            let (matched, asked) = (
                format!("/admin/{{organization}}{path}"),
                format!("/admin/acme{path}").replace("{user}", "u"),
            );
            shown_at(&matched, &asked)
        };

        assert_eq!(below("/users/{user}/roles"), "/admin/acme/users/u");
        assert_eq!(below("/users/{user}/deactivate"), "/admin/acme/users/u/deactivate");
        assert_eq!(below("/invitations/new"), "/admin/acme/invitations/new");
        assert_eq!(below("/sign-out"), "/admin/acme");
    }
}
