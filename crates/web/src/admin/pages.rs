//! The pages: what each takes, and what answers it.
//!
//! **Invariant:** a page is one line below, of which its route and the permission that it takes are made. What reads of an
//! organization is shown of others as well, to people of the operator's and of organizations above; what changes anything is not.

use axum::http::Method;
use axum::routing::{MethodFilter, on};
use axum::{Router, middleware};
use orgate_domain::permissions::OrgatePermission;
use orgate_edge::AppState;
use orgate_flows::manage::access::Holder;

use super::{
    api_key, api_keys, applications, audit, audit_export, blueprint, blueprints, client, clients, connection,
    connection_switch, connections, console, delegation, delegation_end, delegations, domain, domain_release,
    domains, entry, group, group_delete, groups, health, invitations, invite, join_request, join_requests,
    joining, look, mail, mail_reset, mails, overview, policies, role, role_delete, roles, setup_link,
    setup_links, signing_keys, standing, suborganizations, user, user_delete, user_groups, user_profile,
    user_status, users, webhook, webhook_delete, webhook_delivery, webhooks,
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
    /// What it is about.
    pub about: About,
}

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// All organizations: it is the operator's.
    All,
    /// Another organization, which its path names: it is the operator's.
    Other,
    /// The organization whose people open it.
    Own,
}

impl AdminPage {
    /// Whether it is shown of other organizations as well, below their own address.
    pub fn is_shown_of_others(&self) -> bool {
        let reads = self.method == "GET" && self.permission.as_str().ends_with(":read");
        // The groups of a user take two permissions; another organization is told of one.
        reads && self.about == About::Own && self.path != "/users/{user}/groups"
    }
}

/// Where pages of an organization are that is not one's own.
pub const OF_ANOTHER: &str = "/organizations/{other}";

macro_rules! about {
    () => {
        About::Own
    };
    ($about:ident) => {
        About::$about
    };
}

macro_rules! pages {
    ($($method:ident $path:literal $permission:ident $(of $about:ident)? => $module:ident::$handler:ident;)+) => {
        /// Every page.
        pub const ADMIN_PAGES: &[AdminPage] = &[$(AdminPage {
            method: stringify!($method),
            path: $path,
            permission: OrgatePermission::$permission,
            about: about!($($about)?),
        },)+];

        /// Their routes, each by itself behind the layer: in front of a router, it would be asked about methods that no page
        /// has as well.
        pub(super) fn routes(state: &AppState) -> Router<AppState> {
            let admitted = middleware::from_fn_with_state(state.clone(), entry::admitted);
            let mut pages = ADMIN_PAGES.iter();
            let mut router = Router::new();
            $(
                let answers = on(MethodFilter::$method, $module::$handler).route_layer(admitted.clone());
                if pages.next().is_some_and(AdminPage::is_shown_of_others) {
                    let path = concat!("/admin/{organization}", "/organizations/{other}", $path);
                    router = router.route(path, answers.clone());
                }
                router = router.route(concat!("/admin/{organization}", $path), answers);
            )+
            router
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
    GET "/users/{user}/profile" UsersManage => user_profile::get;
    POST "/users/{user}/profile" UsersManage => user_profile::post;
    GET "/users/{user}/delete" UsersManage => user_delete::get;
    POST "/users/{user}/delete" UsersManage => user_delete::post;
    GET "/users/{user}/groups" GroupsRead => user_groups::get;
    GET "/groups" GroupsRead => groups::get;
    GET "/groups/new" GroupsManage => group::get_new;
    POST "/groups/new" GroupsManage => group::post_new;
    GET "/groups/{group}" GroupsRead => group::get;
    POST "/groups/{group}" GroupsManage => group::post;
    POST "/groups/{group}/members" GroupsManage => group::post_add;
    POST "/groups/{group}/members/remove" GroupsManage => group::post_remove;
    GET "/groups/{group}/delete" GroupsManage => group_delete::get;
    POST "/groups/{group}/delete" GroupsManage => group_delete::post;
    GET "/roles" RolesRead => roles::get;
    GET "/roles/new" RolesManage => role::get_new;
    POST "/roles/new" RolesManage => role::post_new;
    GET "/roles/{role}" RolesRead => role::get;
    POST "/roles/{role}" RolesManage => role::post;
    GET "/roles/{role}/delete" RolesManage => role_delete::get;
    POST "/roles/{role}/delete" RolesManage => role_delete::post;
    GET "/invitations" InvitationsRead => invitations::get;
    GET "/invitations/new" InvitationsManage => invite::get;
    POST "/invitations/new" InvitationsManage => invite::post;
    POST "/invitations/{invitation}/resend" InvitationsManage => invitations::post_resend;
    POST "/invitations/{invitation}/revoke" InvitationsManage => invitations::post_revoke;
    GET "/joining" InvitationsRead => joining::get;
    POST "/joining" InvitationsManage => joining::post;
    GET "/join-requests" InvitationsRead => join_requests::get;
    GET "/join-requests/{join_request}/approve" InvitationsManage => join_request::get;
    POST "/join-requests/{join_request}/approve" InvitationsManage => join_request::post;
    POST "/join-requests/{join_request}/deny" InvitationsManage => join_requests::post_deny;
    GET "/look" OrganizationRead => look::get;
    POST "/look" OrganizationManage => look::post;
    GET "/mails" OrganizationRead => mails::get;
    GET "/mails/{mail}/{locale}" OrganizationRead => mail::get;
    POST "/mails/{mail}/{locale}" OrganizationManage => mail::post;
    GET "/mails/{mail}/{locale}/reset" OrganizationManage => mail_reset::get;
    POST "/mails/{mail}/{locale}/reset" OrganizationManage => mail_reset::post;
    GET "/policies" PoliciesRead => policies::get;
    POST "/policies" PoliciesManage => policies::post;
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
    GET "/applications" ClientsRead => applications::get;
    GET "/clients" ClientsRead => clients::get;
    GET "/clients/new" ClientsManage => client::get_new;
    POST "/clients/new" ClientsManage => client::post_new;
    GET "/clients/{client}" ClientsRead => client::get;
    POST "/clients/{client}" ClientsManage => client::post;
    POST "/clients/{client}/roles" RolesAssign => client::post_roles;
    GET "/clients/{client}/secret" ClientsManage => client::get_secret;
    POST "/clients/{client}/secret" ClientsManage => client::post_secret;
    GET "/clients/{client}/switch-off" ClientsManage => client::get_off;
    POST "/clients/{client}/switch-off" ClientsManage => client::post_off;
    POST "/clients/{client}/switch-on" ClientsManage => client::post_on;
    GET "/api-keys" ApiKeysRead => api_keys::get;
    GET "/api-keys/new" ApiKeysManage => api_key::get;
    POST "/api-keys/new" ApiKeysManage => api_key::post;
    POST "/api-keys/{api_key}/revoke" ApiKeysManage => api_keys::post_revoke;
    GET "/webhooks" WebhooksRead => webhooks::get;
    GET "/webhooks/new" WebhooksManage => webhook::get_new;
    POST "/webhooks/new" WebhooksManage => webhook::post_new;
    GET "/webhooks/{webhook}" WebhooksRead => webhook::get;
    POST "/webhooks/{webhook}" WebhooksManage => webhook::post;
    POST "/webhooks/{webhook}/switch-off" WebhooksManage => webhook::post_off;
    POST "/webhooks/{webhook}/switch-on" WebhooksManage => webhook::post_on;
    POST "/webhooks/{webhook}/test" WebhooksManage => webhook_delivery::post_test;
    POST "/webhooks/{webhook}/rotate-secret" WebhooksManage => webhook::post_rotate;
    POST "/webhooks/{webhook}/replay" WebhooksManage => webhook::post_replay;
    GET "/webhooks/{webhook}/deliveries/{event}" WebhooksRead => webhook_delivery::get;
    POST "/webhooks/{webhook}/deliveries/{event}/redeliver" WebhooksManage => webhook_delivery::post_redeliver;
    GET "/webhooks/{webhook}/delete" WebhooksManage => webhook_delete::get;
    POST "/webhooks/{webhook}/delete" WebhooksManage => webhook_delete::post;
    GET "/signing-keys" SigningKeysRead => signing_keys::get;
    POST "/signing-keys/rotate" SigningKeysManage => signing_keys::post_rotate;
    GET "/suborganizations" SuborganizationsAct => suborganizations::get;
    GET "/delegations" DelegationsRead => delegations::get;
    GET "/delegations/{delegate}" DelegationsRead => delegation::get;
    POST "/delegations/{delegate}" DelegationsManage => delegation::post;
    GET "/delegations/{delegate}/end" DelegationsManage => delegation_end::get;
    POST "/delegations/{delegate}/end" DelegationsManage => delegation_end::post;
    GET "/audit" AuditRead => audit::get;
    GET "/audit/export" AuditRead => audit_export::get;
    GET "/health" OrganizationsRead of All => health::get;
    GET "/organizations" OrganizationsRead of All => console::get;
    GET "/organizations/new" OrganizationsManage of All => console::get_new;
    POST "/organizations/new" OrganizationsManage of All => console::post_new;
    GET "/role-blueprints" OrganizationsRead of All => blueprints::get;
    GET "/new-role-blueprint" OrganizationsManage of All => blueprint::get_new;
    POST "/new-role-blueprint" OrganizationsManage of All => blueprint::post_new;
    GET "/role-blueprints/{blueprint}" OrganizationsRead of All => blueprint::get;
    POST "/role-blueprints/{blueprint}" OrganizationsManage of All => blueprint::post;
    GET "/role-blueprints/{blueprint}/delete" OrganizationsManage of All => blueprint::get_delete;
    POST "/role-blueprints/{blueprint}/delete" OrganizationsManage of All => blueprint::post_delete;
    GET "/organizations/{other}/standing" OrganizationsManage of Other => standing::get;
    POST "/organizations/{other}/standing/status" OrganizationsManage of Other => standing::post_status;
    POST "/organizations/{other}/standing/limits" OrganizationsManage of Other => standing::post_limits;
}

/// What a request is for, by the path that it matched: a page, and in whose organization what it takes is to be held, if it is not
/// about the one that its caller is signed in to.
pub(super) fn find(method: &Method, matched: &str) -> Option<(&'static AdminPage, Option<Holder>)> {
    let below = matched.strip_prefix("/admin/{organization}")?;
    let method = if *method == Method::HEAD { "GET" } else { method.as_str() };
    let at = |path: &str| ADMIN_PAGES.iter().find(|page| page.method == method && page.path == path);
    if let Some(page) = at(below) {
        return Some((page, (page.about != About::Own).then_some(Holder::Operator)));
    }
    let page = at(below.strip_prefix(OF_ANOTHER)?)?;
    page.is_shown_of_others().then_some((page, Some(Holder::Organization)))
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
    use super::super::frame::Part;
    use super::*;

    #[test]
    fn what_the_navigation_leads_to_takes_what_its_page_takes_and_is_shown_of_whom_that_is() {
        for part in Part::ALL {
            let first = ADMIN_PAGES.iter().find(|page| page.method == "GET" && page.path == part.path());
            let page = first.unwrap_or_else(|| panic!("{part:?} has no page"));
            let shown = (page.permission.as_str(), page.is_shown_of_others());
            assert_eq!(shown, (part.permission().as_str(), part.is_of_others()), "{part:?}");
        }
    }

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
