//! The organization's roles: what each is for.

use askama::Template;
use axum::http::StatusCode;
use orgate_domain::ids::RoleId;
use orgate_domain::permissions::{EVERYTHING, OrgatePermission, READY_ROLES, ReadyRole};
use orgate_flows::manage::roles::list_roles;
use orgate_flows::manage::{PageOf, Role};

use super::Admin;
use super::answers::Answer;
use super::frame::{Frame, Pager, Part};
use super::matrix::summary;
use crate::form::LinkQuery;
use crate::page::Page;

/// Roles on one page.
const ON_A_PAGE: usize = 50;

/// What the roles are for that Orgate comes with.
const READY: [(&str, &str); 7] = [
    ("owner", "Does everything, and gives everything to others"),
    ("admin", "Runs the organization from day to day"),
    ("user-manager", "Invites people, and manages users, groups and sessions"),
    ("sso-manager", "Connects identity providers and domains"),
    ("help-desk", "Looks users up, and ends their sessions"),
    ("auditor", "Sees everything, and changes nothing"),
    ("reader", "Sees users, groups, roles and invitations"),
];

/// `templates/admin/roles.html`.
#[derive(Template)]
#[template(path = "admin/roles.html")]
struct RolesTemplate {
    page: Page,
    frame: Frame,
    roles: Vec<RoleLine>,
    pager: Pager,
    /// Where to make one, if they may.
    new: Option<String>,
}

/// One role.
struct RoleLine {
    href: String,
    name: String,
    slug: String,
    /// What it is for.
    purpose: String,
    /// How much is in it.
    count: String,
    origin: Option<&'static str>,
    is_mine: bool,
}

impl RoleLine {
    fn of(admin: &Admin, role: &Role) -> Self {
        Self {
            href: admin.href(&format!("/roles/{}", role.id)),
            name: role.name.as_str().to_owned(),
            slug: role.slug.to_string(),
            purpose: purpose(role),
            count: count(role),
            origin: origin(role),
            is_mine: admin.caller.has_role(role),
        }
    }
}

/// What a role is for.
pub(super) fn purpose(role: &Role) -> String {
    let ready = ready(role).filter(|ready| is_as_ready(role, ready));
    let said = ready.and_then(|ready| READY.iter().find(|(slug, _)| *slug == ready.slug));
    said.map_or_else(|| summary(&role.permissions), |(_, purpose)| (*purpose).to_owned())
}

/// Whether a role is one that Orgate comes with.
pub(super) fn origin(role: &Role) -> Option<&'static str> {
    let ready = ready(role)?;
    Some(if is_as_ready(role, ready) { "Ready-made" } else { "Ready-made, changed" })
}

fn ready(role: &Role) -> Option<&'static ReadyRole> {
    READY_ROLES.iter().find(|ready| ready.slug == role.slug.as_str() && ready.name == role.name.as_str())
}

fn is_as_ready(role: &Role, ready: &ReadyRole) -> bool {
    ready.permissions.len() == role.permissions.len()
        && ready.permissions.iter().all(|permission| role.permissions.contains(*permission))
}

fn count(role: &Role) -> String {
    match role.permissions.len() {
        _ if role.permissions.contains(EVERYTHING) => "All".to_owned(),
        0 => "None".to_owned(),
        count => count.to_string(),
    }
}

/// `GET …/roles`.
pub(crate) async fn get(admin: Admin, LinkQuery(params): LinkQuery) -> Answer {
    let done = (params.get("done") == Some("deleted")).then_some("The role is gone.");
    let after = params.get("after").and_then(|text| text.parse::<RoleId>().ok());
    let page = PageOf { after, limit: ON_A_PAGE };
    let found = admin.read(list_roles(&admin.env, &admin.caller, page).await)?;
    let here = admin.href("/roles");
    let makes = admin.caller.asking(OrgatePermission::RolesManage);
    let template = RolesTemplate {
        page: admin.page(),
        frame: Frame::of(&admin, Part::Roles).saying(done),
        roles: found.items.iter().map(|role| RoleLine::of(&admin, role)).collect(),
        pager: Pager::of(&here, after.is_some(), found.next),
        new: makes.map(|_| admin.href("/roles/new")),
    };
    Ok(admin.render(StatusCode::OK, &template))
}

#[cfg(test)]
mod tests {
    use orgate_domain::names::{DisplayName, Slug};

    use super::*;

    fn role(slug: &str, name: &str, permissions: &[&str]) -> Role {
        Role {
            id: "rol_00000000000000000000000000".parse().expect("an id"),
            slug: Slug::parse(slug).expect("a slug"),
            name: DisplayName::parse(name).expect("a name"),
            permissions: permissions.iter().map(|&text| text.to_owned()).collect(),
        }
    }

    #[test]
    fn every_role_that_orgate_comes_with_is_said_to_be_so_and_what_it_is_for() {
        for ready in READY_ROLES {
            let role = role(ready.slug, ready.name, ready.permissions);

            assert_eq!(origin(&role), Some("Ready-made"), "{}", ready.slug);
            assert!(
                READY.iter().any(|(slug, said)| *slug == ready.slug && *said == purpose(&role)),
                "{}",
                ready.slug
            );
        }
    }

    #[test]
    fn one_that_was_changed_is_said_by_what_is_in_it_and_anothers_of_its_name_is_none() {
        let changed = role("reader", "Reader", &["orgate:users:read"]);
        let own = role("admin", "Boss", &["orgate:*"]);

        assert_eq!(
            (origin(&changed), purpose(&changed)),
            (Some("Ready-made, changed"), "Sees users".to_owned())
        );
        assert_eq!(
            (origin(&own), purpose(&own), count(&own)),
            (None, "Everything here".to_owned(), "All".to_owned())
        );
    }
}
